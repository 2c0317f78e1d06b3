// Frames to bytes (RFC 6455 §5.2), written straight into the staging buffer: header, payload, mask in place. (hot)
// Lengths take the shortest form, as §5.2 demands. A key of null sends the payload as it is (the server's role).

import { maskInPlace, rotateKey } from "../bytes/mask.ts";
import { copyMasked } from "../bytes/simd-mask.ts";
import { LARGE_PIECE, PIECE, type Staging } from "../bytes/staging.ts";
import { SHORT_TEXT, type TextCodec, writeAscii } from "../bytes/utf8.ts";
import type { Opcode } from "./opcode.ts";

/** From this size on a payload gets a place of its own in the staging; below it, joining writes saves more than the copy costs. */
const LARGE = 16 * 1024;

/** The most that a header can take: 2 bytes, 8 of length, 4 of key. */
const MAX_HEADER = 14;

/** Appends one frame to `into`. The payload is copied at once and stays the caller's. */
export function encodeFrame(
  into: Staging,
  opcode: Opcode,
  payload: Uint8Array,
  fin: boolean,
  rsv1: boolean,
  key: number | null,
): void {
  const length = payload.length;
  const header = headerLength(length, key);
  const first = firstByte(opcode, fin, rsv1);
  if (length >= LARGE) {
    encodeLarge(into, first, header, payload, key);
    return;
  }
  const at = into.reserve(header + length);
  const slab = into.slab;
  writeHeader(slab.bytes, at, first, length, key);
  const start = at + header;
  slab.bytes.set(payload, start);
  if (key !== null) maskInPlace(slab, start, start + length, key);
  into.end = start + length;
}

/** Copies and masks piece by piece, some of which leave together, in buffers that are reused: even 16 MiB stay within the cache. */
function encodeLarge(
  into: Staging,
  first: number,
  header: number,
  payload: Uint8Array,
  key: number | null,
): void {
  const { length } = payload;
  let from = 0;
  while (from < length) {
    const last = Math.min(from + LARGE_PIECE, length);
    const headerHere = from === 0 ? header : 0;
    into.reserveLarge(headerHere, last - from);
    const { slab } = into;
    if (from === 0) writeHeader(slab.bytes, into.end, first, length, key);
    into.end += headerHere;
    for (; from < last; from += PIECE) {
      const piece = payload.subarray(from, Math.min(from + PIECE, last));
      if (key === null) slab.bytes.set(piece, into.end);
      else copyMasked(slab, into.end, piece, rotateKey(key, from));
      into.end += piece.length;
    }
  }
}

/**
 * Appends one frame whose payload is `text` in UTF-8. The text is encoded once, in its place; its length in bytes is
 * known only then, so the header's size is first taken to be that of ASCII, and the payload moved where it was not.
 */
export function encodeText(
  into: Staging,
  opcode: Opcode,
  text: string,
  codec: TextCodec,
  fin: boolean,
  key: number | null,
): void {
  if (text.length <= SHORT_TEXT && encodeAscii(into, opcode, text, fin, key)) return;
  const widest = 3 * text.length;
  // A text that may not fit into a slab is measured first and gets memory of just its size.
  const room = widest <= PIECE ? widest : codec.byteLength(text);
  const at = into.reserve(MAX_HEADER + room);
  const slab = into.slab;
  const guess = at + headerLength(widest <= PIECE ? text.length : room, key);
  const length = codec.write(text, slab.bytes, guess);
  const start = at + headerLength(length, key);
  if (start !== guess) slab.bytes.copyWithin(start, guess, guess + length);
  writeHeader(slab.bytes, at, firstByte(opcode, fin, false), length, key);
  if (key !== null) maskInPlace(slab, start, start + length, key);
  into.end = start + length;
}

/** Appends the frame of a short text, in one pass; false, with nothing appended, where it is not ASCII. */
function encodeAscii(into: Staging, opcode: Opcode, text: string, fin: boolean, key: number | null): boolean {
  const { length } = text;
  const header = headerLength(length, key);
  const at = into.reserve(header + length);
  const { bytes } = into.slab;
  if (!writeAscii(text, bytes, at + header, key ?? 0)) return false;
  writeHeader(bytes, at, firstByte(opcode, fin, false), length, key);
  into.end = at + header + length;
  return true;
}

/** The header alone of a frame with `length` bytes of payload. */
export function encodeHeader(
  opcode: Opcode,
  fin: boolean,
  rsv1: boolean,
  length: number,
  key: number | null,
): Uint8Array {
  const header = new Uint8Array(headerLength(length, key));
  writeHeader(header, 0, firstByte(opcode, fin, rsv1), length, key);
  return header;
}

function firstByte(opcode: Opcode, fin: boolean, rsv1: boolean): number {
  return (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
}

/** The size of a frame's header in bytes. */
function headerLength(length: number, key: number | null): number {
  const forLength = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  return key === null ? forLength : forLength + 4;
}

function writeHeader(
  bytes: Uint8Array,
  start: number,
  first: number,
  length: number,
  key: number | null,
): void {
  const masked = key === null ? 0 : 0x80;
  let at = start + 2;
  bytes[start] = first;
  if (length < 126) {
    bytes[start + 1] = masked | length;
  } else if (length < 0x10000) {
    bytes[start + 1] = masked | 126;
    bytes[at] = length >> 8;
    bytes[at + 1] = length;
    at += 2;
  } else {
    bytes[start + 1] = masked | 127;
    writeUint32(bytes, at, Math.floor(length / 0x1_0000_0000));
    writeUint32(bytes, at + 4, length);
    at += 8;
  }
  if (key !== null) {
    bytes[at] = key;
    bytes[at + 1] = key >> 8;
    bytes[at + 2] = key >> 16;
    bytes[at + 3] = key >> 24;
  }
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

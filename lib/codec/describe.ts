// Frames to lines for people, in the layout that websocket-client's trace has. Not for parsing, and never on a hot path.
// Everything outside printable ASCII is escaped: what a peer sends cannot act on a terminal.

import { maskInPlace, slabOf } from "../bytes/mask.ts";
import { encodeHeader } from "./frame-encoder.ts";
import type { Opcode } from "./opcode.ts";

/** One frame as it crossed the wire. */
export interface Frame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: Opcode;
  /** Unmasked. Of a long frame the beginning is enough. */
  readonly payload: Uint8Array;
  /** Length of the whole payload in bytes. */
  readonly length: number;
  /** The mask key, null for a frame that is not masked. */
  readonly key: number | null;
}

/** Payload bytes that a line shows at the most. */
export const SHOWN_BYTES = 256;

/** The frame's bytes on the wire, as far as its payload is known and shorter than `most`. */
export function wireBytes(frame: Frame, most: number = Number.POSITIVE_INFINITY): Uint8Array {
  const header = encodeHeader(frame.opcode, frame.fin, frame.rsv1, frame.length, frame.key);
  const payload = new Uint8Array(frame.payload.subarray(0, most)); // a copy, which slice() of a Buffer is not
  if (frame.key !== null) maskInPlace(slabOf(payload), 0, payload.length, frame.key);
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}

/** The frame's bytes on the wire as a literal, cut after SHOWN_BYTES of payload. */
export function describeRaw(frame: Frame): string {
  return literal(wireBytes(frame, SHOWN_BYTES)) + elision(frame);
}

/** `fin=1 opcode=1 data=b'...'`, cut after SHOWN_BYTES of payload. */
export function describeDecoded(frame: Frame): string {
  const rsv = frame.rsv1 ? " rsv1=1" : "";
  const data = literal(frame.payload.subarray(0, SHOWN_BYTES)) + elision(frame);
  return `fin=${frame.fin ? 1 : 0}${rsv} opcode=${frame.opcode} data=${data}`;
}

/** Bytes as Python writes them: `b'Hello\x00'`. */
export function literal(bytes: Uint8Array): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  let text = "";
  for (const byte of bytes) text += escapeByte(byte, quote);
  return `b${quote}${text}${quote}`;
}

const NAMED: Record<number, string> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };

function escapeByte(byte: number, quote: string): string {
  const named = NAMED[byte];
  if (named !== undefined) return named;
  if (byte < 0x20 || byte > 0x7e) return `\\x${byte.toString(16).padStart(2, "0")}`;
  const character = String.fromCharCode(byte);
  return character === quote ? `\\${quote}` : character;
}

function elision({ payload, length }: Frame): string {
  return Math.min(payload.length, SHOWN_BYTES) < length ? `... (${length} bytes)` : "";
}

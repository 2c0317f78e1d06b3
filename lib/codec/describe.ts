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

/** The frame's bytes on the wire as a literal, cut after SHOWN_BYTES of payload. */
export function describeRaw(frame: Frame): string {
  const header = encodeHeader(frame.opcode, frame.fin, frame.rsv1, frame.length, frame.key);
  const shown = new Uint8Array(frame.payload.subarray(0, SHOWN_BYTES)); // a copy, which slice() of a Buffer is not
  if (frame.key !== null) maskInPlace(slabOf(shown), 0, shown.length, frame.key);
  return literal(Uint8Array.from([...header, ...shown])) + elision(shown.length, frame.length);
}

/** `fin=1 opcode=1 data=b'...'`, cut after SHOWN_BYTES of payload. */
export function describeDecoded(frame: Frame): string {
  const shown = frame.payload.subarray(0, SHOWN_BYTES);
  const rsv = frame.rsv1 ? " rsv1=1" : "";
  const data = literal(shown) + elision(shown.length, frame.length);
  return `fin=${frame.fin ? 1 : 0}${rsv} opcode=${frame.opcode} data=${data}`;
}

/** Bytes as Python writes them: `b'Hello\x00'`. */
export function literal(bytes: Uint8Array): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  let text = "";
  for (const byte of bytes) text += escapeByte(byte, quote);
  return `b${quote}${text}${quote}`;
}

/** A text in which control characters, and what is not Latin, cannot act on a terminal: `\x1b`, `\u202e`. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    const digits = point.toString(16);
    if (point < 0x100) return `\\x${digits.padStart(2, "0")}`;
    return point < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`;
  });
}

const NAMED: Record<number, string> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };

function escapeByte(byte: number, quote: string): string {
  const named = NAMED[byte];
  if (named !== undefined) return named;
  if (byte < 0x20 || byte > 0x7e) return `\\x${byte.toString(16).padStart(2, "0")}`;
  const character = String.fromCharCode(byte);
  return character === quote ? `\\${quote}` : character;
}

function elision(shown: number, length: number): string {
  return shown < length ? `... (${length} bytes)` : "";
}

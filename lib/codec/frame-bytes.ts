// One frame to bytes of its own (RFC 6455 §5.2), for who has few of them and no staging: sources of frames, tests, fuzzers.
// Whether the frame may be sent is not asked.

import { maskInPlace, slabOf } from "../bytes/mask.ts";
import { encodeHeader } from "./frame-encoder.ts";
import type { Opcode } from "./opcode.ts";

/** What a frame has besides its opcode and payload. */
export interface FrameBytesOptions {
  /** Default true. */
  readonly fin?: boolean;
  /** Default false. */
  readonly rsv1?: boolean;
  /** The mask key, as a client has one; null for none. Default null. */
  readonly key?: number | null;
}

/** A frame as it crosses the wire; text is sent as UTF-8. */
export function frameBytes(
  opcode: Opcode,
  payload: string | Uint8Array = "",
  { fin = true, rsv1 = false, key = null }: FrameBytesOptions = {},
): Uint8Array {
  const content = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const header = encodeHeader(opcode, fin, rsv1, content.length, key);
  const bytes = new Uint8Array(header.length + content.length);
  bytes.set(header);
  bytes.set(content, header.length);
  if (key !== null) maskInPlace(slabOf(bytes), header.length, bytes.length, key);
  return bytes;
}

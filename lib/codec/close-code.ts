// Close codes and the payload of Close frames (RFC 6455 §5.5.1, §7.4).

import type { TextCodec } from "../bytes/utf8.ts";
import { type CloseFrame, ProtocolError, UsageError } from "../errors.ts";
import { MAX_CONTROL_PAYLOAD } from "./opcode.ts";

/** What the connection was for is done. */
export const NORMAL_CLOSURE = 1000;
/** A server goes down, or a page is left. */
export const GOING_AWAY = 1001;
/** The other side broke the rules. */
export const PROTOCOL_ERROR = 1002;
/** Data of a kind that is not taken. */
export const UNSUPPORTED_DATA = 1003;
/** Stands for a Close frame without a code; never travels. */
export const NO_STATUS_RECEIVED = 1005;
/** Stands for an end without a closing handshake; never travels. */
export const ABNORMAL_CLOSURE = 1006;
/** Data that is not of its kind: text that is not UTF-8, say. */
export const INVALID_PAYLOAD = 1007;
/** A rule of this side was broken that no other code names. */
export const POLICY_VIOLATION = 1008;
/** A message larger than is taken. */
export const MESSAGE_TOO_BIG = 1009;
/** This side failed. */
export const INTERNAL_ERROR = 1011;

/** The most that a reason may be long, in bytes of UTF-8: a control frame's payload less the code. */
export const MAX_REASON: number = MAX_CONTROL_PAYLOAD - 2;

/** Whether a Close frame may carry this code: the registered ones (§7.4.1 and IANA up to 1014), and 3000 to 4999 (§7.4.2). */
export function mayTravel(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (
    code >= 1000 && code <= 1014 && code !== 1004 && code !== NO_STATUS_RECEIVED && code !== ABNORMAL_CLOSURE
  );
}

/**
 * Checks what a Close frame is to say; code 1005 stands for nothing. The length of the reason in UTF-8. Throws UsageError for a
 * code that may not travel or a reason over 123 bytes.
 */
export function checkClose(code: number, reason: string, text: Pick<TextCodec, "byteLength">): number {
  if (
    typeof code !== "number" ||
    !(mayTravel(code) || code === NO_STATUS_RECEIVED) ||
    !Number.isInteger(code)
  ) {
    throw new UsageError(
      `close code ${String(code)} may not be sent: use 1000 to 1003, 1007 to 1014, or 3000 to 4999`,
    );
  }
  if (typeof reason !== "string") throw new UsageError("a close reason is a string");
  if (code === NO_STATUS_RECEIVED && reason !== "") throw new UsageError("a close reason needs a close code");
  const length = text.byteLength(reason);
  if (length > MAX_REASON) {
    throw new UsageError(`a close reason is at most ${MAX_REASON} bytes of UTF-8; this one has ${length}`);
  }
  return length;
}

/** A Close frame's payload. Code 1005 makes an empty one. Throws UsageError as checkClose(). */
export function encodeClose(code: number, reason: string, text: TextCodec): Uint8Array {
  const length = checkClose(code, reason, text);
  if (code === NO_STATUS_RECEIVED) return new Uint8Array(0);
  const payload = new Uint8Array(2 + length);
  payload[0] = code >> 8;
  payload[1] = code;
  text.write(reason, payload, 2);
  return payload;
}

/** What the payload bytes[start, end) of a Close frame says. Throws ProtocolError. */
export function decodeClose(bytes: Uint8Array, start: number, end: number, text: TextCodec): CloseFrame {
  if (start === end) return { code: NO_STATUS_RECEIVED, reason: "" };
  if (end - start === 1) throw new ProtocolError("received a Close frame with half a code");
  const code = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  if (!mayTravel(code))
    throw new ProtocolError(`received a Close frame with code ${code}, which may not be sent`);
  const reason = text.decode(bytes, start + 2, end);
  if (reason === undefined) {
    throw new ProtocolError("received a Close frame whose reason is not valid UTF-8", INVALID_PAYLOAD);
  }
  return { code, reason };
}

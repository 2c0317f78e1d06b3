// The kinds of frame (RFC 6455 §5.2, §11.8).

/** The message of the data frame before goes on. */
export const CONTINUATION = 0x0;
/** A message of UTF-8 begins. */
export const TEXT = 0x1;
/** A message of bytes begins. */
export const BINARY = 0x2;
/** Nothing more is sent; its payload is a code and a reason, or nothing. */
export const CLOSE = 0x8;
/** To be answered with a pong. */
export const PING = 0x9;
/** The answer to a ping, with its payload; or a sign of life. */
export const PONG = 0xa;

/** Frames that make up messages. */
export type DataOpcode = typeof CONTINUATION | typeof TEXT | typeof BINARY;
/** Frames that are about the connection. */
export type ControlOpcode = typeof CLOSE | typeof PING | typeof PONG;
/** Frames that there are. */
export type Opcode = DataOpcode | ControlOpcode;

/** The most that a control frame may carry, in bytes (§5.5). */
export const MAX_CONTROL_PAYLOAD = 125;

/** Close, ping and pong: never fragmented, and allowed between the fragments of a message. */
export function isControl(opcode: number): boolean {
  return opcode >= CLOSE;
}

/** Whether RFC 6455 gives this number a meaning. */
export function isDefined(opcode: number): opcode is Opcode {
  return opcode <= BINARY || (opcode >= CLOSE && opcode <= PONG);
}

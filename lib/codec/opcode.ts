// The kinds of frame (RFC 6455 §5.2, §11.8).

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

export type DataOpcode = typeof CONTINUATION | typeof TEXT | typeof BINARY;
export type ControlOpcode = typeof CLOSE | typeof PING | typeof PONG;
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

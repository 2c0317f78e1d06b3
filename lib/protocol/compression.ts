// What permessage-deflate (RFC 7692) is made of: what two sides agree on, how hard the sender tries, and the raw DEFLATE (RFC
// 1951) of a runtime, which works synchronously and in steps. Types, and the few bytes that the RFCs name.

import type { Role } from "../codec/frame-decoder.ts";
import type { History } from "./history.ts";

/** What was agreed in the handshake (§7.1). */
export interface DeflateAgreement {
  /** The server's compressor forgets each message. */
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** The server's compressor refers to no more than 2^n bytes back; 8 to 15. */
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** What was agreed of one direction. */
export interface DirectionTerms {
  /** The sender refers to no more than 2^n bytes back. */
  readonly windowBits: number;
  /** False: each message stands alone. */
  readonly keepsContext: boolean;
}

export function termsOf(sender: Role, agreement: DeflateAgreement): DirectionTerms {
  return sender === "client"
    ? { windowBits: agreement.clientMaxWindowBits, keepsContext: !agreement.clientNoContextTakeover }
    : { windowBits: agreement.serverMaxWindowBits, keepsContext: !agreement.serverNoContextTakeover };
}

/** What a sender chooses for itself. */
export interface DeflateSettings {
  /** Messages of fewer bytes leave as they are. */
  readonly threshold: number;
  /** 0 for no compression to 9 for the best. */
  readonly level: number;
  /** 1 to 9: memory for zlib's tables. */
  readonly memLevel: number;
}

/** Compression, as it was agreed on and as it is done. */
export interface DeflateOptions extends DeflateSettings {
  readonly agreement: DeflateAgreement;
  readonly zlib: Zlib;
}

/** What is cut off the end of every message, and so has to be added again (§7.2.1, §7.2.2): the end of an empty block. */
export const TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** What RawInflate.step() and finish() return for bytes that are no DEFLATE. */
export const CORRUPT = -1;
/** Likewise for more output than there may be. */
export const TOO_MUCH = -2;

/**
 * The runtime's DEFLATE. Neither holds memory of zlib's before its first message; between two messages it may lose what it
 * had, and takes it from the History then.
 */
export interface Zlib {
  deflate(windowBits: number, level: number, memLevel: number): RawDeflate;
  inflate(windowBits: number): RawInflate;
}

/** One direction that compresses. */
export interface RawDeflate {
  /** Compresses bytes[start, end), some at least, up to a boundary of bytes, so that it ends in TAIL. Valid until the next call. */
  compress(bytes: Uint8Array, start: number, end: number, history: History): Uint8Array;
  /** What comes next refers to nothing before it. */
  forget(): void;
  /** Gives its memory back. */
  release(): void;
}

/** One direction that inflates. */
export interface RawInflate {
  /** How many bytes of its input the last step took: all, unless the output is full or a final block ended. */
  readonly taken: number;
  /** The last step came to the end of a block with BFINAL set: only begin() can follow. */
  readonly isEnded: boolean;
  /** A message begins, or goes on behind a final block; at most `room` bytes will be taken out of it. */
  begin(history: History, room: number): void;
  /** Inflates input[start, end) to output[0, limit); how many bytes, or CORRUPT. Fewer than `limit`: the input is used up. */
  step(input: Uint8Array, start: number, end: number, output: Uint8Array, limit: number): number;
  /**
   * The message's end, where TAIL is missing: what was held back until now goes to output[0, limit). How many bytes, or
   * CORRUPT where the message does not end between two blocks, or TOO_MUCH. Called again while it returns `limit`.
   */
  finish(output: Uint8Array, limit: number): number;
  /** The message is over. */
  rest(): void;
  forget(): void;
  release(): void;
}

/** The bytes as a DEFLATE block without compression (RFC 1951 §3.2.4): it fills a window with them. */
export function storedBlock(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const block = new Uint8Array(5 + length);
  block.set([0, length, length >> 8, ~length, ~length >> 8]);
  block.set(bytes, 5);
  return block;
}

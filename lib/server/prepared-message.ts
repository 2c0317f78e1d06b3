// A message for many connections: encoded once, and compressed once for all that agreed on the same. (hot)
//
// Frames of a server are not masked, so that their bytes can be the same for all. Compressed they can be as long as nothing
// in them refers to what was sent before: for connections that agreed on server_no_context_takeover.

import type { TextCodec } from "../bytes/utf8.ts";
import { encodeHeader } from "../codec/frame-encoder.ts";
import { BINARY, type Opcode, TEXT } from "../codec/opcode.ts";
import type { Message } from "../protocol/assembler.ts";
import type { DeflateOptions } from "../protocol/compression.ts";
import { Deflater } from "../protocol/deflater.ts";

/** One frame. */
export interface PreparedFrame {
  readonly opcode: Opcode;
  readonly payload: Uint8Array;
  readonly fin: boolean;
  readonly rsv1: boolean;
}

/** The frames of a message. */
export class PreparedFrames {
  readonly frames: readonly PreparedFrame[];
  #bytes: Uint8Array | undefined;

  constructor(frames: readonly PreparedFrame[]) {
    this.frames = frames;
  }

  /** Bytes of all payloads. */
  get length(): number {
    return this.frames.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  /** All of it as it crosses the wire; shared, so nobody may write to it. */
  get bytes(): Uint8Array {
    this.#bytes ??= joined(
      this.frames.flatMap(({ opcode, payload, fin, rsv1 }) => [
        encodeHeader(opcode, fin, rsv1, payload.length, null),
        payload,
      ]),
    );
    return this.#bytes;
  }
}

export class PreparedMessage {
  /** What it is made of; bytes are a copy. */
  readonly data: Message;
  readonly #payload: Uint8Array;
  readonly #plain: PreparedFrames;
  /** By what they were compressed with. */
  readonly #packed = new Map<string, PreparedFrames>();

  /** Bytes are copied: what becomes of the caller's memory is no concern of those that still wait. */
  constructor(data: Message) {
    const isText = typeof data === "string";
    this.#payload = isText ? new TextEncoder().encode(data) : new Uint8Array(data);
    this.data = isText ? data : this.#payload;
    const opcode = isText ? TEXT : BINARY;
    this.#plain = new PreparedFrames([{ opcode, payload: this.#payload, fin: true, rsv1: false }]);
  }

  /** The frames for a connection; undefined where it has to compress by itself, as what it sends refers to what it sent. */
  framesFor(deflate: DeflateOptions | undefined, text: TextCodec): PreparedFrames | undefined {
    if (deflate === undefined || this.#payload.length < deflate.threshold) return this.#plain;
    const { agreement, level, memLevel } = deflate;
    if (!agreement.serverNoContextTakeover) return undefined;
    const key = [agreement.serverMaxWindowBits, level, memLevel].join();
    let frames = this.#packed.get(key);
    if (frames === undefined) {
      frames = this.#pack(deflate, text);
      this.#packed.set(key, frames);
    }
    return frames;
  }

  #pack(deflate: DeflateOptions, text: TextCodec): PreparedFrames {
    const frames: PreparedFrame[] = [];
    const windowBits = deflate.agreement.serverMaxWindowBits;
    const deflater = new Deflater(
      { ...deflate, text, windowBits, keepsContext: false },
      {
        // Payloads are valid until the next one is made.
        frame: (opcode, payload, fin, rsv1) =>
          frames.push({ opcode, payload: new Uint8Array(payload), fin, rsv1 }),
        textFrame() {},
        flush() {},
        rest() {},
      },
    );
    deflater.send(this.#payload, typeof this.data === "string" ? TEXT : BINARY, true, true);
    while (deflater.isBehind) deflater.proceed();
    deflater.release();
    return new PreparedFrames(frames);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

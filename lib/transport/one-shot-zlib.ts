// Raw DEFLATE by the public functions of node:zlib that do a whole message at once: for runtimes whose handles cannot be
// driven. The context comes from the history each time. To deflate, as a dictionary, which Deno ignores: what is sent there
// stands alone. To inflate, as a block without compression before the message.
//
// A message is inflated when it is whole, in one go, whatever its size; never more of it than there may be.

import type { InputType, ZlibOptions } from "node:zlib";
import { joinBytes } from "../bytes/join.ts";
import {
  CORRUPT,
  type RawDeflate,
  type RawInflate,
  storedBlock,
  TAIL,
  TOO_MUCH,
  type Zlib,
} from "../protocol/compression.ts";
import { History } from "../protocol/history.ts";

const Z_SYNC_FLUSH = 2;

/** What ends a message for zlib, which fails without it: the tail, and an empty block with BFINAL set. */
const END = Uint8Array.of(...TAIL, 1, ...TAIL);

/** The same with one byte in the block whose end the tail is. */
const LONGER_END = Uint8Array.of(1, 0, 0xfe, 0xff, 0, 1, ...TAIL);

/** How often zlib may have to begin again within a message, as it does behind each final block. */
const MAX_RESTARTS = 256;

/** More than zlib would take. */
const MAX_OUTPUT = 2 ** 31 - 1;

/** What is used of node:zlib. */
export interface OneShotModule {
  deflateRawSync(bytes: InputType, options: ZlibOptions): Uint8Array;
  inflateRawSync(bytes: InputType, options: ZlibOptions): Uint8Array;
}

class OneShotDeflate implements RawDeflate {
  readonly #zlib: OneShotModule;
  readonly #options: ZlibOptions;

  constructor(zlib: OneShotModule, options: ZlibOptions) {
    this.#zlib = zlib;
    this.#options = options;
  }

  compress(bytes: Uint8Array, start: number, end: number, history: History): Uint8Array {
    const dictionary = history.size > 0 && { dictionary: history.bytes() };
    return this.#zlib.deflateRawSync(bytes.subarray(start, end), { ...this.#options, ...dictionary });
  }

  forget(): void {}

  release(): void {}
}

class OneShotInflate implements RawInflate {
  taken = 0;
  readonly isEnded = false;
  readonly #zlib: OneShotModule;
  readonly #windowBits: number;
  #room = 0;
  #past: History;
  /** The message, as far as it has come. */
  #packed: Uint8Array[] = [];
  /** What came out of it, of which [0, at) was handed out. */
  #plain: Uint8Array | undefined;
  #at = 0;

  constructor(zlib: OneShotModule, windowBits: number) {
    this.#zlib = zlib;
    this.#windowBits = windowBits;
    this.#past = new History(windowBits);
  }

  begin(history: History, room: number): void {
    this.#room = room;
    this.#past = new History(this.#windowBits);
    this.#keep(history.bytes());
  }

  step(input: Uint8Array, start: number, end: number): number {
    this.taken = end - start;
    this.#packed.push(new Uint8Array(input.subarray(start, end)));
    return 0;
  }

  finish(output: Uint8Array, limit: number): number {
    if (this.#plain === undefined) {
      const plain = this.#inflate();
      if (typeof plain === "number") return plain;
      this.#plain = plain;
      this.#at = 0;
    }
    const part = this.#plain.subarray(this.#at, this.#at + limit);
    output.set(part);
    this.#at += part.length;
    return part.length;
  }

  #inflate(): Uint8Array | typeof CORRUPT | typeof TOO_MUCH {
    const plain: Uint8Array[] = [];
    let packed = joined(this.#packed);
    let room = this.#room;
    try {
      for (let restarts = 0; restarts <= MAX_RESTARTS; restarts++) {
        const before = storedBlock(this.#past.bytes());
        const input = joined([before, packed, END]);
        const { part, taken } = this.#run(input, this.#past.size + room);
        const fresh = part.subarray(this.#past.size);
        const end = input.length - END.length;
        if (taken > end && this.#isShort(part, joined([before, packed]))) return CORRUPT;
        plain.push(fresh);
        room -= fresh.length;
        this.#keep(fresh);
        // It may end with a final block, be that without compression and so with the tail cut off; not within the tail.
        if ([end, end + TAIL.length, input.length].includes(taken)) return joined(plain);
        if (taken > end) return CORRUPT;
        packed = input.slice(taken, end); // what follows a final block is a stream of its own
      }
      return CORRUPT;
    } catch (error) {
      return (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE" ? TOO_MUCH : CORRUPT;
    }
  }

  /** Whether a block took the tail for what it was short of: then that came out last, and would be other bytes of another tail. */
  #isShort(part: Uint8Array, packed: Uint8Array): boolean {
    const last = part.subarray(-TAIL.length);
    if (last.length < TAIL.length || last.some((byte, i) => byte !== TAIL[i])) return false;
    const { part: longer } = this.#run(joined([packed, LONGER_END]), part.length + 1);
    return longer.length !== part.length + 1;
  }

  #run(input: Uint8Array, most: number): { readonly part: Uint8Array; readonly taken: number } {
    const options = { windowBits: 15, maxOutputLength: Math.min(most, MAX_OUTPUT), info: true };
    const result = this.#zlib.inflateRawSync(input, options) as unknown;
    const { buffer, engine } = result as { buffer: Uint8Array; engine: { bytesWritten: number } };
    return { part: buffer, taken: engine.bytesWritten };
  }

  #keep(bytes: Uint8Array): void {
    this.#past.append(bytes, 0, bytes.length);
  }

  rest(): void {
    this.release();
  }

  forget(): void {}

  release(): void {
    this.#packed = [];
    this.#plain = undefined;
    this.#past.clear();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return joinBytes(parts);
}

export function oneShotZlib(zlib: OneShotModule): Zlib {
  return {
    deflate: (windowBits, level, memLevel) =>
      new OneShotDeflate(zlib, {
        windowBits: Math.max(9, windowBits),
        level,
        memLevel,
        finishFlush: Z_SYNC_FLUSH,
      }),
    inflate: (windowBits) => new OneShotInflate(zlib, windowBits),
  };
}

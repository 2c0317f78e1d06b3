// Raw DEFLATE by the handles inside node:zlib's streams, driven synchronously. (hot)
//
// Of what node:zlib offers in public, streams keep a context but take a thread, or several turns of the loop, and 30 us a
// message; the one-shot functions lose it, and get it back by a dictionary. Us per JSON text of 2 KiB, in a context of 32 KiB
// of others like it (Node 20, Node 26, Deno 2.9, Bun 1.4):
//
//   deflate  driven 29 28 23 22      one-shot with a dictionary 53 41 (has none) 50
//   inflate  driven 3.4 3.5 4.0 3.5  one-shot with the window before it 13 15 14 20
//
// The handles are not documented, so nothing here is used before node-zlib.ts has seen it work.
//
// Their memory, some 256 KiB to deflate and 42 KiB to inflate, is not a connection's own. So many of each kind stay between
// messages; beyond them the one least recently used is closed, and its connection's next message takes a new one, which is
// filled from the history. Us per text, of 1, 100 connections that keep theirs, and 400 that do not, in turn:
//
//   deflate  Node 20 33 107 89   Node 26 32 69 78   Deno 29 102 58   Bun 31 126 79
//   inflate           6   5 19            6  3 24         8   3 21        7   4 17
//
// To deflate, as many as 100 do not fit the processor's cache, so that to keep them would be dearer than to fill them.
// (Deno ignores the dictionary that this takes: there the message begins a new context, which no peer minds.)

import type { ZlibOptions } from "node:zlib";
import {
  CORRUPT,
  type RawDeflate,
  type RawInflate,
  storedBlock,
  TAIL,
  type Zlib,
} from "../protocol/compression.ts";
import type { History } from "../protocol/history.ts";

/** zlib's names are not loaded before they are needed. */
const Z_SYNC_FLUSH = 2;
const Z_BLOCK = 5;

/** How many streams are kept between messages, for all the connections of a process: 16 MiB, and 11. */
const IDLE_DEFLATERS = 64;
const IDLE_INFLATERS = 256;

/** A byte more than belongs to it: zlib is to stop before it. */
const GUARDED_TAIL = Uint8Array.of(...TAIL, 0);

/** Where compressed bytes go, and what zlib writes for nothing. What is compressed at a time fits, at its largest. */
let output: Uint8Array = new Uint8Array(0);
const OUTPUT_BYTES = 128 * 1024;

/** No input that is compressed at a time becomes as large, whoever calls. */
const MOST_OUTPUT = 4 * 1024 * 1024;

/** What is used of node:zlib. */
export interface StreamModule {
  createDeflateRaw(options: ZlibOptions): object;
  createInflateRaw(options: ZlibOptions): object;
}

interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    start: number,
    length: number,
    into: Uint8Array,
    at: number,
    room: number,
  ): void;
  reset(): void;
  onerror: (message: string) => void;
}

/** A stream of zlib's that is never used as one. */
class Driven {
  /** What the last run took and gave. */
  taken = 0;
  written = 0;
  hasFailed = false;
  readonly #stream: { close(): void };
  readonly #handle: Handle;
  /** After a run: the room that is left in the output, and the bytes that are left of the input. */
  readonly #state: Uint32Array;

  /** Throws where there is no handle as it is known. */
  constructor(stream: object) {
    const inner = stream as { close(): void; _handle: Handle; _writeState: Uint32Array };
    this.#stream = inner;
    this.#handle = inner._handle;
    this.#state = inner._writeState;
    const isKnown = typeof this.#handle.writeSync === "function" && typeof this.#handle.reset === "function";
    if (!isKnown || !(this.#state instanceof Uint32Array) || this.#state.length !== 2)
      throw new TypeError("zlib has other handles");
    this.#handle.onerror = () => {
      this.hasFailed = true;
    };
    if (output.length === 0) output = new Uint8Array(OUTPUT_BYTES);
  }

  /** From input[start, end) to into[at, limit), as far as one of them reaches. */
  run(
    flush: number,
    input: Uint8Array,
    start: number,
    end: number,
    into: Uint8Array,
    at: number,
    limit: number,
  ): void {
    this.#handle.writeSync(flush, input, start, end - start, into, at, limit - at);
    this.written = limit - at - (this.#state[0] as number);
    this.taken = end - start - (this.#state[1] as number);
  }

  reset(): void {
    this.#handle.reset();
  }

  /** The last call: Node ends the process if a closed handle is used. */
  close(): void {
    this.#stream.close();
  }
}

/** Streams between two messages, each with its owner's context, the least recently used first. */
class Idle {
  readonly #streams = new Map<object, Driven>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  take(owner: object): Driven | undefined {
    const stream = this.#streams.get(owner);
    if (stream !== undefined) this.#streams.delete(owner);
    return stream;
  }

  put(owner: object, stream: Driven): void {
    this.#streams.set(owner, stream);
    if (this.#streams.size <= this.#most) return;
    const [oldest] = this.#streams;
    if (oldest === undefined) return;
    this.#streams.delete(oldest[0]);
    oldest[1].close();
  }
}

class DrivenDeflate implements RawDeflate {
  readonly #zlib: StreamModule;
  readonly #idle: Idle;
  readonly #options: ZlibOptions;
  /** A reset would bring the dictionary back. */
  #hasDictionary = false;

  constructor(zlib: StreamModule, idle: Idle, options: ZlibOptions) {
    this.#zlib = zlib;
    this.#idle = idle;
    this.#options = options;
  }

  compress(bytes: Uint8Array, start: number, end: number, history: History): Uint8Array {
    const stream = this.#idle.take(this) ?? this.#open(history);
    let at = start;
    let size = 0;
    for (;;) {
      stream.run(Z_SYNC_FLUSH, bytes, at, end, output, size, output.length);
      at += stream.taken;
      size += stream.written;
      if (size < output.length) break;
      if (size > MOST_OUTPUT) throw new TypeError("zlib gives more than it was given");
      const larger = new Uint8Array(2 * size);
      larger.set(output);
      output = larger;
    }
    this.#idle.put(this, stream);
    return output.subarray(0, size);
  }

  #open(history: History): Driven {
    this.#hasDictionary = history.size > 0;
    const dictionary = this.#hasDictionary && { dictionary: history.bytes() };
    return new Driven(this.#zlib.createDeflateRaw({ ...this.#options, ...dictionary }));
  }

  forget(): void {
    if (this.#hasDictionary) {
      this.release();
      return;
    }
    const stream = this.#idle.take(this);
    if (stream === undefined) return;
    stream.reset();
    this.#idle.put(this, stream);
  }

  release(): void {
    this.#idle.take(this)?.close();
  }
}

class DrivenInflate implements RawInflate {
  taken = 0;
  isEnded = false;
  readonly #zlib: StreamModule;
  readonly #idle: Idle;
  readonly #options: ZlibOptions;
  /** Within a message. */
  #stream: Driven | undefined;

  constructor(zlib: StreamModule, idle: Idle, options: ZlibOptions) {
    this.#zlib = zlib;
    this.#idle = idle;
    this.#options = options;
  }

  begin(history: History): void {
    const had = this.#stream ?? this.#idle.take(this);
    const stream = had ?? new Driven(this.#zlib.createInflateRaw(this.#options));
    this.#stream = stream;
    if (had !== undefined && !this.isEnded) return;
    this.isEnded = false;
    stream.reset();
    if (history.size === 0) return;
    const block = storedBlock(history.bytes());
    stream.run(Z_SYNC_FLUSH, block, 0, block.length, output, 0, output.length);
  }

  step(input: Uint8Array, start: number, end: number, into: Uint8Array, limit: number): number {
    const { taken, written } = this.#run(Z_SYNC_FLUSH, input, start, end, into, limit);
    this.taken = taken;
    // Of its own accord it stops only behind a final block.
    this.isEnded = written < limit && taken < end - start;
    return this.#stream?.hasFailed === false ? written : CORRUPT;
  }

  /**
   * Between two blocks the tail is an empty block: there comes nothing out of it, and the run ends with it, before the byte
   * behind it. Of a stream that had ended nothing is taken. All else was cut off within a block.
   */
  finish(): number {
    const { taken, written } = this.#run(
      Z_BLOCK,
      GUARDED_TAIL,
      0,
      GUARDED_TAIL.length,
      output,
      output.length,
    );
    this.isEnded = taken === 0;
    const isWhole = written === 0 && (taken === TAIL.length || taken === 0);
    return isWhole && this.#stream?.hasFailed === false ? 0 : CORRUPT;
  }

  #run(
    flush: number,
    input: Uint8Array,
    start: number,
    end: number,
    into: Uint8Array,
    limit: number,
  ): { readonly taken: number; readonly written: number } {
    const stream = this.#stream;
    if (stream === undefined) throw new TypeError("no message has begun");
    stream.run(flush, input, start, end, into, 0, limit);
    return stream;
  }

  rest(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined) return;
    if (this.isEnded) stream.close();
    else this.#idle.put(this, stream);
    this.isEnded = false;
  }

  forget(): void {
    const stream = this.#idle.take(this);
    if (stream === undefined) return;
    stream.reset();
    this.#idle.put(this, stream);
  }

  release(): void {
    (this.#stream ?? this.#idle.take(this))?.close();
    this.#stream = undefined;
  }
}

/** Throws, at once or when it is used, where the handles are not what they were. */
export function drivenZlib(zlib: StreamModule): Zlib {
  const [deflaters, inflaters] = [new Idle(IDLE_DEFLATERS), new Idle(IDLE_INFLATERS)];
  // A stream's own buffer is never used, so it is as small as can be.
  const chunkSize = 64;
  return {
    deflate: (windowBits, level, memLevel) =>
      new DrivenDeflate(zlib, deflaters, { windowBits: Math.max(9, windowBits), level, memLevel, chunkSize }),
    inflate: (windowBits) =>
      new DrivenInflate(zlib, inflaters, { windowBits: Math.max(9, windowBits), chunkSize }),
  };
}

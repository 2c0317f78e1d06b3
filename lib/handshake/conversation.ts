// Drives a Talk: chunks of any size in, bytes to send out, and at the end a result and what the peer sent beyond it.
// Time is linear in the bytes, however they are cut.

import type { Ask, Talk } from "./talk.ts";

const LF = 0x0a;
const EMPTY = new Uint8Array(0);

/** A talk that chunks of bytes can be pushed into. */
export class Conversation<Result> {
  readonly #talk: Talk<Result>;
  #ask: Exclude<Ask, { send: Uint8Array }> | undefined;
  #result: { value: Result } | undefined;
  #ended = false;
  /** What has come and was not given to the talk: buffer[start, end). */
  #buffer: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;
  /** No LF lies in buffer[start, scanned). */
  #scanned = 0;

  constructor(talk: Talk<Result>) {
    this.#talk = talk;
  }

  /** Whether the talk has come to its result. */
  get done(): boolean {
    return this.#result !== undefined;
  }

  /** What came of the talk; only once it is done. */
  get result(): Result {
    if (this.#result === undefined) throw new TypeError("the conversation is not done");
    return this.#result.value;
  }

  /** What the peer sent beyond the talk: the first bytes of what comes next. */
  get rest(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Begins the talk, to which bytes may have come already; what it wants sent first. Throws what the talk throws. */
  start(): Uint8Array[] {
    return this.#answer(this.#step(EMPTY, []));
  }

  /**
   * Takes bytes, which are borrowed for the call; what the talk wants sent. Throws what the talk throws. Those that come
   * before start() are kept for the talk; those that come when it is done are added to the rest.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#append(chunk);
    return this.#answer([]);
  }

  /** The peer sends no more. Throws what the talk throws. */
  end(): Uint8Array[] {
    this.#ended = true;
    return this.#answer([]);
  }

  /** Gives the talk what it asked for, as long as that is there: what was given is not written again. */
  #answer(sends: Uint8Array[]): Uint8Array[] {
    while (this.#ask !== undefined && this.#result === undefined) {
      const length = this.#available(this.#ask);
      if (length === undefined) break;
      const bytes = this.#buffer.subarray(this.#start, this.#start + length);
      this.#start += length;
      this.#scanned = this.#start;
      this.#step(bytes, sends);
    }
    return sends;
  }

  /** Lets the talk go on until it asks for bytes or is done; what it wants sent is added. */
  #step(given: Uint8Array, sends: Uint8Array[]): Uint8Array[] {
    this.#ask = undefined;
    let next = this.#talk.next(given);
    while (!next.done) {
      if (!("send" in next.value)) {
        this.#ask = next.value;
        return sends;
      }
      sends.push(next.value.send);
      next = this.#talk.next(EMPTY);
    }
    this.#result = { value: next.value };
    return sends;
  }

  /** How many bytes answer the ask; undefined when they have not come. */
  #available(ask: Exclude<Ask, { send: Uint8Array }>): number | undefined {
    const had = this.#end - this.#start;
    if ("some" in ask) return had > 0 || this.#ended ? Math.min(had, ask.some) : undefined;
    const limit = Math.min(had, ask.line);
    const found = this.#buffer.subarray(this.#scanned, this.#start + limit).indexOf(LF);
    if (found !== -1) return this.#scanned + found + 1 - this.#start;
    this.#scanned = this.#start + limit;
    const isOver = limit === ask.line || this.#ended || !this.#matches(ask.prefix, had);
    return isOver ? limit : undefined;
  }

  #matches(prefix: string | undefined, had: number): boolean {
    if (prefix === undefined) return true;
    for (let i = 0; i < Math.min(prefix.length, had); i++) {
      if (this.#buffer[this.#start + i] !== prefix.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Doubles the buffer when it is full, so that bytes that come one by one are not copied over and over. */
  #append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const held = this.#end - this.#start;
      const buffer = new Uint8Array(2 * (held + chunk.length));
      buffer.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = buffer;
      this.#scanned -= this.#start;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}

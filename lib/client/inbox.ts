// Messages that wait for recv(), and calls of recv() that wait for messages: never both.
// When it is full the session is paused, and so at last the peer; reading on makes room. After close() nobody may read on,
// and the peer's Close frame lies behind what it still sends: what finds the inbox full is dropped then.

import { escapeControls } from "../bytes/escape.ts";
import { ClosedError, type CloseInfo, TimeoutError } from "../errors.ts";
import type { Delivery, Message } from "../protocol/assembler.ts";
import { MessageStream, sizeOf } from "./message-stream.ts";
import { abortSignal, duration, optionsOf } from "./options.ts";

/** Of one call of recv() or recvStream(). */
export interface RecvOptions {
  /** Ms after which recv() rejects with TimeoutError; the message that comes later is for the next recv(). Default none. */
  readonly timeout?: number;
  /** Rejects recv() with its reason; nothing is lost. */
  readonly signal?: AbortSignal;
}

/** What fills an inbox, and can be made to wait. */
export interface InboxSource {
  readonly publicUrl: string;
  pause(): void;
  resume(): void;
  delivery: Delivery;
}

/** An inbox is full with so many bytes, however few messages they are. */
const FULL_BYTES = 1024 * 1024;

interface Waiter {
  readonly wants: "message" | "stream";
  readonly take: (item: Message | MessageStream) => void;
  readonly reject: (reason: unknown) => void;
}

/** A rejection that nobody listens to must not end the process; who listens still gets it. */
export function handled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

export class Inbox {
  readonly #source: InboxSource;
  readonly #maxMessages: number;
  /** Those before #head were taken. */
  #items: Message[] = [];
  #head = 0;
  #bytes = 0;
  #waiters: Waiter[] = [];
  /** The message that is coming in pieces. */
  #stream: MessageStream | undefined;
  #isPaused = false;
  #isClosing = false;
  #info: CloseInfo | undefined;

  constructor(source: InboxSource, maxMessages: number) {
    this.#source = source;
    this.#maxMessages = maxMessages;
  }

  /** The next message, in order; rejects with ClosedError when there is none to come. */
  recv(options?: RecvOptions): Promise<Message> {
    let bounds: RecvOptions | undefined;
    try {
      bounds = options === undefined ? options : boundsOf(options);
    } catch (error) {
      return handled(Promise.reject(error));
    }
    const item = this.#shift();
    if (item !== undefined) return Promise.resolve(item);
    return this.#wait("message", bounds) as Promise<Message>;
  }

  /** The next message as it arrives. */
  async recvStream(options?: RecvOptions): Promise<MessageStream> {
    const bounds = options === undefined ? options : boundsOf(options);
    const item = this.#shift() ?? (await this.#wait("stream", bounds));
    return item instanceof MessageStream ? item : this.#streamOf(item);
  }

  message(data: Message): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.take(data);
      this.#expect();
      return;
    }
    if (this.#isClosing && this.#isFull()) return;
    this.#items.push(data);
    this.#hold(sizeOf(data));
  }

  piece(data: Message, fin: boolean): void {
    this.#stream ??= this.#begin(typeOf(data));
    if (this.#stream.add(data, fin)) this.#hold(sizeOf(data));
    if (!fin) return;
    this.#stream = undefined;
    this.#expect();
  }

  /** We close: what has come stays, and what still comes must not stop the reading. */
  closing(): void {
    this.#isClosing = true;
    this.#resume();
  }

  ended(info: CloseInfo): void {
    this.#info = info;
    this.#stream?.fail(this.#closedError(info));
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#closedError(info));
  }

  #timedOut(ms: number): TimeoutError {
    return new TimeoutError("recv", ms, `no message came within ${ms} ms`).locate(this.#source.publicUrl);
  }

  #closedError(info: CloseInfo): ClosedError {
    return closedError(info, this.#source.publicUrl);
  }

  /** A message begins to come in pieces, as it does only while who waits first wants a stream: see #expect(). */
  #begin(type: "text" | "binary"): MessageStream {
    const stream = new MessageStream(type, (bytes) => this.#release(bytes));
    this.#waiters.shift()?.take(stream);
    return stream;
  }

  #wait(wants: Waiter["wants"], options: RecvOptions | undefined): Promise<Message | MessageStream> {
    if (this.#info !== undefined) return handled(Promise.reject(this.#closedError(this.#info)));
    const waiting = new Promise<Message | MessageStream>((take, reject) => {
      const waiter = { wants, take, reject };
      this.#waiters.push(options === undefined ? waiter : this.#bounded(waiter, options));
      this.#expect();
    });
    return handled(waiting);
  }

  /** A waiter that gives up at a timeout or when its signal is aborted, and takes nothing then. */
  #bounded(waiter: Waiter, options: RecvOptions): Waiter {
    const { timeout = Number.POSITIVE_INFINITY, signal } = options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const forget = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const bounded: Waiter = {
      wants: waiter.wants,
      take: (item) => {
        forget();
        waiter.take(item);
      },
      reject: (reason) => {
        forget();
        waiter.reject(reason);
      },
    };
    const giveUp = (reason: unknown) => {
      this.#waiters = this.#waiters.filter((other) => other !== bounded);
      bounded.reject(reason);
      this.#expect();
    };
    const abort = () => giveUp(signal?.reason);
    if (timeout !== Number.POSITIVE_INFINITY) {
      timer = setTimeout(() => giveUp(this.#timedOut(timeout)), timeout);
    }
    signal?.addEventListener("abort", abort);
    return bounded;
  }

  /** Asks for pieces while a stream is read or is wanted next, and for whole messages otherwise. */
  #expect(): void {
    const wantsPieces = this.#stream !== undefined || this.#waiters[0]?.wants === "stream";
    this.#source.delivery = wantsPieces ? "parts" : "whole";
  }

  #shift(): Message | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head] as Message;
    this.#items[this.#head++] = ""; // so that what was taken can be collected
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.#release(sizeOf(item));
    return item;
  }

  #streamOf(message: Message): MessageStream {
    const stream = new MessageStream(typeOf(message), () => {});
    stream.add(message, true);
    return stream;
  }

  #isFull(): boolean {
    return this.#items.length - this.#head >= this.#maxMessages || this.#bytes >= FULL_BYTES;
  }

  #hold(bytes: number): void {
    this.#bytes += bytes;
    if (this.#isPaused || this.#isClosing || !this.#isFull()) return;
    this.#isPaused = true;
    this.#source.pause();
  }

  /** Reads on when half of what makes it full is gone, so that a pause is worth its price. */
  #release(bytes: number): void {
    this.#bytes -= bytes;
    const isHalf =
      2 * (this.#items.length - this.#head) <= this.#maxMessages && 2 * this.#bytes <= FULL_BYTES;
    if (this.#isPaused && isHalf) this.#resume();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#source.resume();
  }
}

/** Throws UsageError, and the reason of a signal that is aborted. */
function boundsOf(options: RecvOptions): RecvOptions {
  const given = optionsOf(options, "timeout", "signal");
  duration("the timeout of recv", given.timeout, 0);
  abortSignal("the signal of recv", given.signal)?.throwIfAborted();
  return given;
}

function typeOf(message: Message): "text" | "binary" {
  return typeof message === "string" ? "text" : "binary";
}

/** A new one for each call that asks, so that each has a stack of its own. */
export function closedError(info: CloseInfo, url = ""): ClosedError {
  const reason = info.reason === "" ? "" : ` (${escapeControls(JSON.stringify(info.reason))})`;
  const why = info.error === undefined ? "" : `: ${info.error.message}`;
  return new ClosedError(`the connection is closed with code ${info.code}${reason}${why}`, info, url);
}

// Messages of an app that wait for a connection. They leave in the order in which they were sent. One that was handed to
// a connection is not sent again, as nobody can tell whether it arrived; and none vanishes without a call of onDrop.
//
// What the operating system takes it may keep for long, and a peer that is gone is noticed late. So what was handed over is
// remembered until the connection has outlived it for a while, and something has come from the peer meanwhile: that it
// leaves is no sign, as it may lie in the kernel of a peer that reads nothing.

import { LimitError, UsageError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import { HIGH_WATER, type Session } from "../session/session.ts";
import type { Channel } from "./channel.ts";
import { idleTimer } from "./idle-timer.ts";
import { sizeOf } from "./message-stream.ts";
import { amount, duration, ownProperties } from "./options.ts";
import { isBlob, messageOf, type Sendable } from "./sendable.ts";

/**
 * Why a message is not sent: `full`, newer ones took its room; `expired`, it waited longer than `ttl`; `lost`, the
 * connection was lost shortly after, or nothing had come from the peer since, so that it may have arrived or not; `closed`,
 * the run ended.
 */
export type DropReason = "full" | "expired" | "lost" | "closed";

/** How much of what is sent while there is no connection is kept for the next one. */
export interface OutboxOptions {
  /** Bytes that may wait, two for each character of a text; the oldest messages make room. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Ms that a message may wait; looked at when it is about to leave, and when others come. Default Infinity. */
  readonly ttl?: number;
  /** Called for each message that will not be sent. What it sends in turn must fit, or send() throws LimitError. */
  readonly onDrop?: ((message: Message, reason: DropReason) => void) | undefined;
}

interface Waiting {
  readonly message: Message;
  /** On the caller's clock, in ms. */
  readonly expires: number;
  readonly compress: boolean | undefined;
}

interface Leaving {
  readonly message: Message;
  /** So many bytes had been sent when it was among them. */
  end: number;
}

/** What an outbox asks of a connection. */
interface Way extends Pick<Channel, "isOpen" | "bufferedAmount" | "send"> {
  readonly session: Pick<Session, "heard" | "bufferedBytes" | "sentBytes">;
}

/** How often a connection that refuses a message is asked whether it has room again, in ms. */
const POLL_MS = 10;

/** How often it is looked what has left and whether the peer is alive, in ms: longer than a socket outlives a failed write. */
const LOOK_MS = 1500;

export class Outbox {
  readonly #maxBytes: number;
  readonly #ttl: number;
  readonly #onDrop: OutboxOptions["onDrop"];
  readonly #guard: (call: () => unknown) => void;
  #way: Way | undefined;
  readonly #waiting = new Line<Waiting>();
  /** Handed to the connection, and perhaps not arrived. */
  readonly #leaving = new Line<Leaving>();
  /** The connection has enough to do. */
  #isBusy = false;
  #isDropping = false;
  #poll: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  /** Of the last look: bytes that had left, and what had come. */
  #left = 0;
  #heard = 0;

  /** `guard` calls what is the user's, and does not throw. Throws UsageError for options that are wrong. */
  constructor(options: OutboxOptions, guard: (call: () => unknown) => void) {
    const { maxBytes, ttl, onDrop, ...others } = ownProperties(options);
    for (const name of Object.keys(others))
      throw new UsageError(`there is no option outbox.${name}`, "ERR_WS_UNKNOWN_OPTION");
    this.#maxBytes = amount("outbox.maxBytes", maxBytes, 1024 * 1024);
    this.#ttl = duration("outbox.ttl", ttl, Number.POSITIVE_INFINITY);
    if (onDrop !== undefined && typeof onDrop !== "function")
      throw new UsageError("outbox.onDrop is a function");
    this.#onDrop = onDrop;
    this.#guard = guard;
  }

  /** Sends a message now, or keeps a copy of it. Throws UsageError; LimitError within onDrop. */
  push(data: Sendable, compress?: boolean): void {
    const given = typeof data === "string" ? data : messageOf(data);
    if (isBlob(given)) throw new UsageError("a Blob cannot wait in an outbox: send its bytes");
    const message = typeof given === "string" ? given : new Uint8Array(given);
    const actual = this.#waiting.bytes + sizeOf(message);
    if (this.#isDropping && actual > this.#maxBytes) {
      const limit = "outbox.maxBytes";
      const why = `onDrop sends what has no room in ${limit} (${this.#maxBytes})`;
      throw new LimitError("ERR_WS_BACKPRESSURE", why, { limit, actual });
    }
    this.#expire();
    this.#waiting.push({ message, expires: performance.now() + this.#ttl, compress });
    this.#handOn();
    // A connection that is behind is better than none.
    while (this.#waiting.bytes > this.#maxBytes && this.#hand());
    // One that is too large by itself is the last, if it is still there; those before it need not go for it.
    if (sizeOf(message) > this.#maxBytes && this.#waiting.pop()) this.#drop(message, "full");
    while (this.#waiting.bytes > this.#maxBytes) this.#dropFirst("full");
  }

  /** A connection is open: what waits can leave through it. */
  attach(way: Way): void {
    this.#way = way;
    this.#isBusy = false;
    this.#left = 0;
    this.#heard = way.session.heard;
  }

  /** Hands on what waits, as fast as the peer takes it. */
  pump(): void {
    this.#expire();
    this.#handOn();
  }

  /** Hands on all that waits, room or not: the connection is about to be closed, or another message must not overtake. */
  flush(): void {
    this.#expire();
    while (this.#hand());
  }

  /** The connection is gone; where the peer answered our Close frame it has read all that was before it. */
  detach(wasAnswered: boolean): void {
    this.#way = undefined;
    clearTimeout(this.#poll);
    clearTimeout(this.#watch);
    this.#poll = this.#watch = undefined;
    for (let item = this.#leaving.shift(); item !== undefined; item = this.#leaving.shift())
      if (!wasAnswered) this.#drop(item.message, "lost");
  }

  /** There will be no other connection. */
  end(): void {
    this.#expire();
    while (this.#waiting.first !== undefined) this.#dropFirst("closed");
  }

  #handOn(): void {
    while (!this.#isBusy && this.#hand());
  }

  /** Hands the first that waits to the connection; whether it could. */
  #hand(): boolean {
    const way = this.#way;
    const { first } = this.#waiting;
    if (first === undefined || !way?.isOpen) return false;
    let sent: Promise<void>;
    try {
      sent = way.send(first.message, first.compress);
    } catch {
      this.#poll ??= setTimeout(this.#again, POLL_MS); // it has no room after all, and will not say when it has
      return false;
    }
    this.#waiting.shift();
    const leaving = { message: first.message, end: Number.POSITIVE_INFINITY };
    this.#leaving.push(leaving);
    this.#isBusy = way.bufferedAmount >= HIGH_WATER;
    this.#watch ??= idleTimer(this.#look, LOOK_MS);
    const { session } = way;
    const isSent = () => {
      leaving.end = session.sentBytes;
      if (way !== this.#way) return;
      this.#isBusy = way.bufferedAmount >= HIGH_WATER;
      // That is too much to remember.
      if (this.#leaving.bytes > this.#maxBytes) this.#forget(session.sentBytes - session.bufferedBytes);
      this.pump();
    };
    sent.then(isSent, () => {});
    return true;
  }

  readonly #again = (): void => {
    this.#poll = undefined;
    this.pump();
  };

  /** Forgets what had left at the last look if something has come since. */
  readonly #look = (): void => {
    if (this.#way === undefined) return;
    const { heard, bufferedBytes, sentBytes } = this.#way.session;
    if (heard !== this.#heard) this.#forget(this.#left);
    this.#heard = heard;
    this.#left = sentBytes - bufferedBytes;
    this.#watch = this.#leaving.first && idleTimer(this.#look, LOOK_MS);
  };

  #forget(end: number): void {
    while ((this.#leaving.first?.end ?? Number.POSITIVE_INFINITY) <= end) this.#leaving.shift();
  }

  #expire(): void {
    const now = performance.now();
    while ((this.#waiting.first?.expires ?? now) < now) this.#dropFirst("expired");
  }

  #dropFirst(reason: DropReason): void {
    const item = this.#waiting.shift();
    if (item !== undefined) this.#drop(item.message, reason);
  }

  #drop(message: Message, reason: DropReason): void {
    const wasDropping = this.#isDropping;
    this.#isDropping = true;
    this.#guard(() => this.#onDrop?.(message, reason));
    this.#isDropping = wasDropping;
  }
}

/** Messages one behind the other. */
class Line<Item extends { readonly message: Message }> {
  /** What they weigh together. */
  bytes = 0;
  #items: (Item | undefined)[] = [];
  /** Those before it are gone. */
  #head = 0;

  get first(): Item | undefined {
    return this.#items[this.#head];
  }

  push(item: Item): void {
    this.#items.push(item);
    this.bytes += sizeOf(item.message);
  }

  /** Takes the first. */
  shift(): Item | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined; // so that it can be collected
    if (2 * this.#head >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.bytes -= sizeOf(item.message);
    return item;
  }

  /** Takes the last. */
  pop(): Item | undefined {
    if (this.first === undefined) return undefined;
    const item = this.#items.pop();
    if (item !== undefined) this.bytes -= sizeOf(item.message);
    return item;
  }
}

// Messages of an app that wait for a connection. They leave in the order in which they were sent. One that was handed to
// a connection is not sent again, as nobody can tell whether it arrived; and none vanishes without a call of onDrop: it is
// remembered (InFlight) until the peer has read it.

import { type CloseInfo, LimitError, UsageError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import { HIGH_WATER } from "../session/session.ts";
import { InFlight, type Pace, type Way } from "./in-flight.ts";
import { Line } from "./line.ts";
import { sizeOf } from "./message-stream.ts";
import { amount, duration, ownProperties } from "./options.ts";
import { isBlob, messageOf, type Sendable } from "./sendable.ts";

/**
 * Why a message is not sent: `full`, newer ones took its room; `expired`, it waited longer than `ttl`; `lost`, the
 * connection was lost before the peer had confirmed it, so that it may have arrived or not; `closed`, the run ended.
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

/** How often a connection that refuses a message is asked whether it has room again, in ms. */
const POLL_MS = 10;

export class Outbox {
  readonly #maxBytes: number;
  readonly #ttl: number;
  readonly #onDrop: OutboxOptions["onDrop"];
  readonly #guard: (call: () => unknown) => void;
  readonly #pace: Pace | undefined;
  #way: Way | undefined;
  /** What it was handed. */
  #inFlight: InFlight | undefined;
  readonly #waiting = new Line<Waiting>();
  /** Messages that the connection has, and that had no room: it has enough to do. */
  #behind = 0;
  #isDropping = false;
  #poll: ReturnType<typeof setTimeout> | undefined;

  /** `guard` calls what is the user's, and does not throw. Throws UsageError for options that are wrong. */
  constructor(options: OutboxOptions, guard: (call: () => unknown) => void, pace?: Pace) {
    const { maxBytes, ttl, onDrop, ...others } = ownProperties(options);
    for (const name of Object.keys(others))
      throw new UsageError(`there is no option outbox.${name}`, "ERR_WS_UNKNOWN_OPTION");
    this.#maxBytes = amount("outbox.maxBytes", maxBytes, 1024 * 1024);
    this.#ttl = duration("outbox.ttl", ttl, Number.POSITIVE_INFINITY);
    if (onDrop !== undefined && typeof onDrop !== "function")
      throw new UsageError("outbox.onDrop is a function");
    this.#onDrop = onDrop;
    this.#guard = guard;
    this.#pace = pace;
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
    this.#inFlight = new InFlight(way, () => this.pump(), this.#pace);
    this.#behind = 0;
  }

  /** Hands on what waits, as fast as the peer takes it. */
  pump(): void {
    this.#expire();
    this.#handOn();
  }

  /** Hands on all that waits: another message must not overtake it. Throws LimitError where the connection is full already. */
  flush(): void {
    this.#expire();
    if (this.#waiting.first !== undefined) this.#way?.assertRoom();
    while (this.#hand(true));
  }

  /** Hands on all that waits, room or not, as the connection is about to be closed by us. */
  conclude(): void {
    this.#expire();
    while (this.#hand(true));
    this.#inFlight?.conclude();
  }

  /** The connection is gone. */
  detach(info: CloseInfo): void {
    const lost = this.#inFlight?.end(info) ?? [];
    this.#way = this.#inFlight = undefined;
    clearTimeout(this.#poll);
    this.#poll = undefined;
    for (const message of lost) this.#drop(message, "lost");
  }

  /** There will be no other connection. */
  end(): void {
    this.#expire();
    while (this.#waiting.first !== undefined) this.#dropFirst("closed");
  }

  #handOn(): void {
    while (this.#behind === 0 && this.#hand());
  }

  /** Hands the first that waits to the connection, if there is room for it or it is forced to; whether it could. */
  #hand(isForced?: boolean): boolean {
    const way = this.#way;
    const inFlight = this.#inFlight;
    const { first } = this.#waiting;
    if (first === undefined || inFlight === undefined || !way?.isOpen) return false;
    if (!isForced && !inFlight.hasRoom) return false;
    let promise: Promise<void>;
    try {
      promise = way.send(first.message, first.compress, isForced);
    } catch {
      this.#poll ??= setTimeout(this.#again, POLL_MS); // it has no room after all, and will not say when it has
      return false;
    }
    this.#waiting.shift();
    const sent = inFlight.add(first.message);
    const isBehind = way.bufferedAmount >= HIGH_WATER;
    if (isBehind) this.#behind++;
    const isSent = () => {
      inFlight.left(sent);
      if (way !== this.#way) return;
      if (isBehind) this.#behind--;
      this.pump();
    };
    promise.then(isSent, () => {});
    return true;
  }

  readonly #again = (): void => {
    this.#poll = undefined;
    this.pump();
  };

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

// When to ping, and when a silent peer is a dead one: a schedule without a timer or a clock of its own. What is said of pings
// is true of messages that stand for them.
//
// Any byte that came is a sign of life, not only a pong. Silence counts only while somebody listened: a verdict waits until
// what lies in the kernel's buffer has been read, and where the loop was blocked, or the machine asleep, the peer is asked
// once more and has all of its time again.

import { UsageError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import { optionalDuration, ownProperties } from "./options.ts";
import { controlPayload, isBlob, messageOf, type Sendable } from "./sendable.ts";

/** When to ping, and when a silent peer is a dead one. */
export interface KeepAliveOptions {
  /** Ms between pings; the first goes out after one interval. Default 20 000. */
  readonly interval?: number;
  /**
   * Ms from a ping in which something must come, whatever it is, or all that waits to be sent must leave; else the connection
   * is dropped. Default 20 000.
   */
  readonly timeout?: number;
  /** What the pings carry, up to 125 bytes; not a Blob. Default a number that counts up. */
  readonly payload?: Sendable;
  /**
   * What is sent as a message in the place of a ping, for browsers, which have none, and for servers that answer none: something
   * that the server answers, with whatever it is. A function is called for each; where it throws, the connection is dropped.
   * Not a Blob. Default none: pings.
   */
  readonly message?: Sendable | (() => Sendable);
}

export interface KeepAlive {
  /** Ms. */
  readonly interval: number;
  /** Ms. */
  readonly timeout: number;
  readonly payload: Uint8Array | undefined;
  /** In the place of a ping. */
  readonly message: (() => Message) | undefined;
}

const DEFAULT_MS = 20_000;

/** The option, checked; undefined for none. Throws UsageError. */
export function resolveKeepAlive(option: boolean | KeepAliveOptions | undefined): KeepAlive | undefined {
  if (option === undefined || typeof option === "boolean") {
    const [interval, timeout] = [DEFAULT_MS, DEFAULT_MS];
    return option ? { interval, timeout, payload: undefined, message: undefined } : undefined;
  }
  const { interval, timeout, payload, message, ...others } = ownProperties(option);
  for (const name of Object.keys(others))
    throw new UsageError(`there is no option keepAlive.${name}`, "ERR_WS_UNKNOWN_OPTION");
  if (payload !== undefined && message !== undefined)
    throw new UsageError("keepAlive.payload is for pings, and there are none with keepAlive.message");
  return {
    interval: period("keepAlive.interval", interval),
    timeout: period("keepAlive.timeout", timeout),
    payload: payload === undefined ? undefined : pingPayload(payload),
    message: message === undefined ? undefined : provider(message),
  };
}

function provider(source: Sendable | (() => Sendable)): () => Message {
  if (typeof source === "function") return () => beatOf(source());
  const beat = beatOf(source);
  const message = typeof beat === "string" ? beat : new Uint8Array(beat);
  return () => message;
}

function beatOf(data: Sendable): Message {
  const message = typeof data === "string" ? data : messageOf(data);
  if (!isBlob(message)) return message;
  throw new UsageError("keepAlive.message is no Blob, whose bytes would have to be waited for");
}

function pingPayload(data: Sendable): Uint8Array {
  const bytes = new Uint8Array(controlPayload(data));
  if (bytes.length <= 125) return bytes;
  throw new UsageError("keepAlive.payload has more than 125 bytes, which no ping can carry");
}

function period(name: string, value: number | undefined): number {
  const ms = optionalDuration(name, value) ?? DEFAULT_MS;
  if (ms > 0 && ms !== Number.POSITIVE_INFINITY) return ms;
  throw new UsageError(`${name} is a number of milliseconds above 0; keepAlive: false is for no pings`);
}

/**
 * Before a verdict what has arrived is read: the schedule is woken so many times, so many ms apart. Once is not enough, as
 * a timer may be run right behind another that blocked the loop, with no reading in between.
 */
const LAST_LOOKS = 2;
const LOOK_MS = 25;

/** A call that comes so much later than it was wanted, in ms, tells of a blocked loop or a sleep. */
const LATE_MS = 500;

/** What to do now. */
export type Beat = "ping" | "wait" | "dead";

export class KeepAliveSchedule {
  /** When beat() is to be called next, in ms of the caller's clock. */
  wakeAt: number;

  readonly #interval: number;
  readonly #timeout: number;
  #nextPing: number;
  /** When the peer counts as dead if nothing comes; undefined where nothing is awaited. */
  #deadline: number | undefined;
  /** How often it was looked whether something has arrived, since the deadline. */
  #looks = 0;
  /** We were not there when the deadline passed. */
  #wasLate = false;
  /** The last ping was the first that the deadline counts from. */
  #isFirst = false;

  constructor({ interval, timeout }: Pick<KeepAlive, "interval" | "timeout">, now: number) {
    this.#interval = interval;
    this.#timeout = timeout;
    this.#nextPing = now + interval;
    this.wakeAt = this.#nextPing;
  }

  /** What is to be done at `now`; `hasHeard`: something came since the last call, or nobody was listening. */
  beat(now: number, hasHeard: boolean): Beat {
    const isLate = now - this.wakeAt > LATE_MS;
    if (hasHeard) this.#forget();
    if (this.#deadline !== undefined && now >= this.#deadline) {
      this.#wasLate ||= isLate;
      if (this.#looks < LAST_LOOKS) {
        this.#looks++;
        this.wakeAt = now + LOOK_MS;
        return "wait";
      }
      if (!this.#wasLate) return "dead";
      this.#forget();
    } else if (now < this.#nextPing) {
      return this.#wait();
    }
    this.#nextPing = now + this.#interval;
    this.#isFirst = this.#deadline === undefined;
    this.#deadline ??= now + this.#timeout;
    this.#wait();
    return "ping";
  }

  /** The ping could not be sent: who was not asked owes no answer. */
  unsent(): void {
    if (this.#isFirst) this.#deadline = undefined;
    this.#wait();
  }

  #forget(): void {
    this.#deadline = undefined;
    this.#looks = 0;
    this.#wasLate = false;
  }

  #wait(): Beat {
    this.wakeAt = Math.min(this.#nextPing, this.#deadline ?? Number.POSITIVE_INFINITY);
    return "wait";
  }
}

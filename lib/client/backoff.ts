// How long to wait before the next attempt: exponential, with jitter, and only a connection that lasted begins it anew.
// A schedule without a timer, a clock or randomness of its own.

import { type CloseInfo, UsageError } from "../errors.ts";
import { amount, MAX_TIMER_MS, ownProperties } from "./options.ts";

/** When to connect again after a connection was lost, or did not come to be. */
export interface ReconnectOptions {
  /** The least wait before an attempt, in ms, at least 1. Default 1 000. */
  readonly minDelay?: number;
  /** The longest, in ms, unless the server asks for more. Default 30 000, or four times `minDelay` where that is more. */
  readonly maxDelay?: number;
  /** How the wait grows from attempt to attempt: the n-th waits at most minDelay · factorⁿ. Default 2. */
  readonly factor?: number;
  /** How much of the range from `minDelay` to that is left to chance, from 0 (none) to 1 (all of it). Default 1. */
  readonly jitter?: number;
  /** Attempts in a row after which it is given up; Infinity for never. Default Infinity. */
  readonly maxAttempts?: number;
  /** Ms that a connection must last for attempts to be counted anew once it is lost. Default 5 000. */
  readonly stableAfter?: number;
  /**
   * Whether to try again after such an end; `attempt` counts from 1. undefined leaves it to the default: yes for losses,
   * timeouts and failures of the network, the answers 408, 425, 429 and 5xx, and the codes 1001, 1005, 1006 and 1011 to 1014.
   */
  readonly retry?: ((info: CloseInfo, attempt: number) => boolean | undefined) | undefined;
}

export interface Reconnect extends Required<Omit<ReconnectOptions, "retry">> {
  readonly retry: ReconnectOptions["retry"];
}

/** The option, checked; undefined for none. A number is `minDelay`. Throws UsageError. */
export function resolveReconnect(
  option: boolean | number | ReconnectOptions | undefined,
): Reconnect | undefined {
  if (option === undefined || option === false) return undefined;
  const given = ownProperties(
    typeof option === "number" ? { minDelay: option } : option === true ? {} : option,
  );
  // Without a pause attempts would be a storm.
  const minDelay = within("minDelay", given.minDelay, 1000, 1);
  const resolved = {
    minDelay,
    maxDelay: within("maxDelay", given.maxDelay, Math.max(30_000, 4 * minDelay), minDelay),
    factor: within("factor", given.factor, 2, 1),
    jitter: within("jitter", given.jitter, 1, 0, 1),
    maxAttempts: amount("reconnect.maxAttempts", given.maxAttempts, Number.POSITIVE_INFINITY),
    stableAfter: within("stableAfter", given.stableAfter, 5000, 0),
    retry: given.retry,
  };
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(resolved, name))
      throw new UsageError(`there is no option reconnect.${name}`, "ERR_WS_UNKNOWN_OPTION");
  }
  if (given.retry !== undefined && typeof given.retry !== "function")
    throw new UsageError("reconnect.retry is a function");
  return resolved;
}

function within(
  name: string,
  value: number | undefined,
  otherwise: number,
  least: number,
  most: number = MAX_TIMER_MS,
): number {
  if (value === undefined) return otherwise;
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw new UsageError(`reconnect.${name} is a number from ${least} to ${most}`);
}

export class Backoff {
  /** Attempts since a connection lasted. */
  attempt = 0;

  readonly #options: Reconnect;
  readonly #random: () => number;

  /** `random` gives numbers from 0 up to, and without, 1. */
  constructor(options: Reconnect, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /** A connection is gone that had been open for `ms`; undefined for one that never was. */
  lost(ms: number | undefined): void {
    const isStable = ms !== undefined && ms >= this.#options.stableAfter;
    this.attempt = isStable ? 1 : this.attempt + 1;
  }

  /** There were as many attempts as there may be. */
  get isExhausted(): boolean {
    return this.attempt > this.#options.maxAttempts;
  }

  /** Ms to wait before this attempt, and not less than the server asked for. */
  delay(serverAsks = 0): number {
    const { minDelay, maxDelay, factor, jitter } = this.#options;
    const ceiling = Math.min(maxDelay, minDelay * factor ** this.attempt);
    // Those who were told the same time to come back must not come back together: chance comes on top of it.
    const ms = serverAsks + ceiling - this.#random() * jitter * (ceiling - minDelay);
    return Math.min(ms, MAX_TIMER_MS); // a timer that cannot wait that long would not wait at all
  }
}

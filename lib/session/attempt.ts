// One attempt at opening a session, as far as time and abort go: a deadline over all of its phases, and the user's signal.

import { type Phase, TimeoutError } from "../errors.ts";
import type { Attempt } from "../transport/transport.ts";
import { onAbort } from "./abort-listeners.ts";

export class OpenAttempt implements Attempt {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #ignoreUser: (() => void) | undefined;
  #phase: Phase = "connect";

  /** `timeout` in ms, Infinity for none. Call done() when the attempt is over. */
  constructor(timeout: number, userSignal: AbortSignal | undefined) {
    this.signal = this.#controller.signal;
    const forward = () => this.#controller.abort(userSignal?.reason);
    if (userSignal?.aborted) forward();
    this.#ignoreUser = userSignal && onAbort(userSignal, forward);
    if (timeout !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#expire(timeout), timeout);
  }

  phase(phase: Phase): void {
    this.#phase = phase;
  }

  /** `promise`, or the signal's reason if that comes first. */
  guard<Value>(promise: Value | PromiseLike<Value>): Promise<Value> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort);
      Promise.resolve(promise)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener("abort", abort));
    });
  }

  done(): void {
    clearTimeout(this.#timer);
    this.#ignoreUser?.();
  }

  #expire(timeout: number): void {
    const what: Partial<Record<Phase, string>> = {
      headers: "the functions for url, headers, protocols or cookies did not settle",
      dns: "the host's name was not resolved",
      connect: "the connection was not established",
      tls: "the TLS handshake did not finish",
      proxy: "the proxy did not answer",
      handshake: "the server did not answer the upgrade",
    };
    const message = `${what[this.#phase] ?? `${this.#phase} did not finish`} within ${timeout} ms (option timeout)`;
    this.#controller.abort(new TimeoutError(this.#phase, timeout, message));
  }
}

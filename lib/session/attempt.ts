// One attempt at opening a session, as far as time and abort go: a deadline over all of its phases, and who else may end it.

import { type Phase, TimeoutError } from "../errors.ts";
import type { Attempt } from "../transport/transport.ts";
import { onAbort } from "./abort-listeners.ts";

export class OpenAttempt implements Attempt {
  readonly signal: AbortSignal;
  readonly #controller: AbortController;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #ignore: (() => void) | undefined;
  #phase: Phase = "connect";

  /**
   * `timeout` in ms, Infinity for none; the signal aborts it, and so does who has the controller, which is for this attempt
   * alone. Call done() when the attempt is over.
   */
  constructor(
    timeout: number,
    signal: AbortSignal | undefined,
    controller: AbortController = new AbortController(),
  ) {
    this.#controller = controller;
    this.signal = controller.signal;
    if (signal !== undefined) {
      const forward = () => controller.abort(signal.reason);
      if (signal.aborted) forward();
      this.#ignore = onAbort(signal, forward);
    }
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
    this.#ignore?.();
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

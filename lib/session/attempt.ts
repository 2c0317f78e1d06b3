// One attempt at opening a session, as far as time and abort go: a deadline over all of its phases, and who else may end it.

import { type Phase, TimeoutError } from "../errors.ts";
import type { Attempt } from "../transport/transport.ts";
import { onAbort } from "./abort-listeners.ts";

export class OpenAttempt implements Attempt {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #ignore: (() => void)[] = [];
  #phase: Phase = "connect";

  /** `timeout` in ms, Infinity for none; each of the signals aborts it. Call done() when the attempt is over. */
  constructor(timeout: number, ...signals: readonly (AbortSignal | undefined)[]) {
    this.signal = this.#controller.signal;
    for (const signal of signals) {
      if (signal === undefined) continue;
      const forward = () => this.#controller.abort(signal.reason);
      if (signal.aborted) forward();
      this.#ignore.push(onAbort(signal, forward));
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
    for (const ignore of this.#ignore) ignore();
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

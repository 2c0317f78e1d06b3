// What may cut an attempt to accept a client short: its deadline, a signal, or that the client leaves. What the client sends
// meanwhile is kept for whoever is attached to the transport next.

import { TimeoutError, TransportError, type WebSocketError } from "../errors.ts";
import { onAbort } from "../session/abort-listeners.ts";
import { Held } from "../transport/held.ts";
import type { Transport } from "../transport/transport.ts";

/** So much of what the client sends is kept; the rest is the kernel's to hold. */
const MOST_BYTES = 64 * 1024;

export class AcceptAttempt extends Held {
  /** Rejects with what cut the attempt short. */
  readonly #cut: Promise<never>;
  readonly #callOff: readonly (() => void)[];
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #transport: Pick<Transport, "pause">;
  #reject: (reason: unknown) => void = () => {};
  #isCut = false;
  /** Of what the client sent. */
  #bytes = 0;

  /** `timeout` in ms, Infinity for none. Call done() when the attempt is over. */
  constructor(transport: Pick<Transport, "pause">, timeout: number, signals: readonly AbortSignal[]) {
    super();
    this.#transport = transport;
    this.#cut = new Promise((_resolve, reject) => {
      this.#reject = (reason) => {
        this.#isCut = true;
        reject(reason);
      };
    });
    this.#cut.catch(() => {}); // whoever waits is told
    this.#callOff = signals.map((signal) => onAbort(signal, () => this.#reject(signal.reason)));
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted !== undefined) this.#reject(aborted.reason);
    if (timeout !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#expire(timeout), timeout);
  }

  /** What `call` gives, or what cuts the attempt short if that comes first; then there is no call. */
  guard<Value>(call: () => Promise<Value>): Promise<Value> {
    return this.#isCut ? this.#cut : Promise.race([this.#cut, call()]);
  }

  done(): void {
    clearTimeout(this.#timer);
    for (const callOff of this.#callOff) callOff();
  }

  /** Who does not read does not hear, in Deno at least, that the client leaves; so something is read. */
  override data(chunk: Uint8Array): void {
    super.data(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > MOST_BYTES) this.#transport.pause();
  }

  override end(): void {
    super.end();
    this.leave();
  }

  override closed(cause?: WebSocketError): void {
    super.closed(cause);
    this.leave(cause);
  }

  /** There is no client any more. */
  leave(cause?: WebSocketError): void {
    const message = "the client left before it was answered";
    this.#reject(new TransportError("ERR_WS_TRANSPORT", message, { cause }));
  }

  #expire(timeout: number): void {
    const message = `verify, chooseProtocol and headers did not settle within ${timeout} ms (option timeout)`;
    this.#reject(new TimeoutError("handshake", timeout, message));
  }
}

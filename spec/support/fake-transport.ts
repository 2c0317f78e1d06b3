// A transport that writes down what is asked of it, for what sockets do only rarely.

import type { Transport, TransportSink } from "../../lib/transport/transport.ts";
import { toHex } from "./hex.ts";

export class FakeTransport implements Transport {
  /** `write 68690a`, `pause`, `resume`, `end`, `destroy`. */
  readonly calls: string[] = [];
  readonly localAddress = "127.0.0.1:1";
  readonly remoteAddress = "127.0.0.1:2";
  /** Bytes that the peer does not take. */
  bufferedBytes = 0;
  #sink: TransportSink | undefined;

  /** Who is attached. */
  get sink(): TransportSink {
    if (this.#sink === undefined) throw new Error("nobody is attached");
    return this.#sink;
  }

  attach(sink: TransportSink): void {
    this.#sink = sink;
  }

  write(bytes: Uint8Array): boolean {
    this.calls.push(`write ${toHex(bytes)}`);
    return true;
  }

  secure(): Promise<never> {
    return Promise.reject(new Error("it carries no TLS"));
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  end(): void {
    this.calls.push("end");
  }

  destroy(): void {
    this.calls.push("destroy");
  }

  ref(): void {}

  unref(): void {}
}

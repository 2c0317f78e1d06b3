// What a transport tells while nobody is there to hear it: kept, and told to whoever comes; or not heard at all.

import type { WebSocketError } from "../errors.ts";
import type { TransportSink } from "./transport.ts";

export class Held implements TransportSink {
  #chunks: Uint8Array[] = [];
  #hasEnded = false;
  #closed: { readonly cause: WebSocketError | undefined } | undefined;

  data(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(new Uint8Array(chunk));
  }

  drain(): void {}

  end(): void {
    this.#hasEnded = true;
  }

  closed(cause?: WebSocketError): void {
    this.#closed = { cause };
  }

  /** Tells all of it, once. */
  tell(sink: TransportSink): void {
    const [chunks, hasEnded, closed] = [this.#chunks, this.#hasEnded, this.#closed];
    this.#chunks = [];
    this.#hasEnded = false;
    this.#closed = undefined;
    for (const chunk of chunks) sink.data(chunk);
    if (hasEnded) sink.end();
    if (closed !== undefined) sink.closed(closed.cause);
  }
}

function ignore(): void {}

/** Hears nothing, of a transport that nobody cares for any more. */
export const DEAF: TransportSink = { data: ignore, drain: ignore, end: ignore, closed: ignore };

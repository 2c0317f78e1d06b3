// What a transport tells, written down in its order, to be waited for.

import type { WebSocketError } from "../../lib/errors.ts";
import type { TransportSink } from "../../lib/transport/transport.ts";
import { Queue } from "./queue.ts";

export class Heard implements TransportSink {
  /** `data hello`, `drain`, `end`, `closed`, `closed why`. */
  readonly events: Queue<string> = new Queue();
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  cause: WebSocketError | undefined;
  closes = 0;
  /** Called for each chunk. */
  onData: (chunk: Uint8Array) => void = () => {};

  data(chunk: Uint8Array): void {
    this.chunks.push(chunk.slice());
    this.bytes += chunk.length;
    this.events.push(`data ${Buffer.from(chunk).toString("latin1")}`);
    this.onData(chunk);
  }

  drain(): void {
    this.events.push("drain");
  }

  end(): void {
    this.events.push("end");
  }

  closed(cause?: WebSocketError): void {
    this.closes++;
    this.cause = cause;
    this.events.push(cause === undefined ? "closed" : `closed ${cause.message}`);
  }

  next(): Promise<string> {
    return this.events.next();
  }
}

// A connection within the process, as two pairs of streams: for tests, and for whoever has both ends. What one end writes the
// other reads, later and in other pieces if that is wanted, and as far as the reader takes it; the link can be lost.

import { TransportError, UsageError } from "../errors.ts";
import type { ByteStreams } from "./streams.ts";

/** What a pipe does to the bytes in it; both directions alike. */
export interface MemoryPipeOptions {
  /** How long bytes are under way, in ms. Default 0: as long as a promise takes. */
  readonly delay?: number;
  /** The size of the pieces that arrive, in bytes: a number, or a function that is called for each. Default: as written. */
  readonly cut?: number | (() => number);
  /** How many bytes may be under way, or wait for the reader, before writes wait. Default 65 536. */
  readonly capacity?: number;
}

/** Both ends of a connection. Each carries one; either may be the `transport` of a client. */
export interface MemoryPipe {
  readonly client: ByteStreams;
  readonly server: ByteStreams;
  /** From here on nothing arrives, and nobody is told: as when a cable is pulled. */
  lose(): void;
  /** Both ends break at once, and what is under way is lost: as by a reset. */
  reset(reason?: unknown): void;
}

const CAPACITY_BYTES = 64 * 1024;

/** One direction. */
class Lane {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  isLost = false;
  readonly #delay: number;
  readonly #cut: () => number;
  readonly #capacity: number;
  #to: ReadableStreamDefaultController<Uint8Array> | undefined;
  #from: WritableStreamDefaultController | undefined;
  /** What is under way, in order; the end at last. */
  #queue: (Uint8Array | "end")[] = [];
  #queuedBytes = 0;
  #isOver = false;
  #release: (() => void) | undefined;

  constructor(delay: number, cut: () => number, capacity: number) {
    this.#delay = delay;
    this.#cut = cut;
    this.#capacity = capacity;
    const bytes = { highWaterMark: capacity, size: ({ length }: Uint8Array) => length };
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#to = controller;
        },
        pull: () => this.#makeRoom(),
        cancel: (reason) => this.break(reason),
      },
      bytes,
    );
    this.writable = new WritableStream(
      {
        start: (controller) => {
          this.#from = controller;
        },
        write: (chunk) => this.#write(chunk),
        close: () => this.#send("end"),
        abort: (reason) => this.break(reason),
      },
      bytes,
    );
  }

  /** Fulfils when there is room for more. */
  #write(chunk: Uint8Array): Promise<void> | undefined {
    if (!(chunk instanceof Uint8Array)) throw new UsageError("what is written to a pipe is a Uint8Array");
    for (let at = 0; at < chunk.length; ) {
      const size = Math.max(1, Math.floor(this.#cut()) || 1);
      this.#send(chunk.slice(at, at + size));
      at += size;
    }
    if (this.isLost || this.#hasRoom()) return undefined;
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  #hasRoom(): boolean {
    const waiting = this.#capacity - (this.#to?.desiredSize ?? 0);
    return this.#queuedBytes + waiting < this.#capacity;
  }

  #makeRoom(): void {
    if (!this.isLost && !this.#isOver && !this.#hasRoom()) return;
    this.#release?.();
    this.#release = undefined;
  }

  #send(item: Uint8Array | "end"): void {
    if (this.isLost || this.#isOver) return;
    this.#queue.push(item);
    this.#queuedBytes += item === "end" ? 0 : item.length;
    if (this.#delay > 0) setTimeout(this.#arrive, this.#delay);
    else this.#arrive();
  }

  /** The first that is under way is there. */
  readonly #arrive = (): void => {
    const item = this.#queue.shift();
    if (item === undefined || this.#isOver || this.isLost) return;
    if (item === "end") {
      this.#isOver = true;
      this.#to?.close();
      return;
    }
    this.#queuedBytes -= item.length;
    this.#to?.enqueue(item);
    this.#makeRoom();
  };

  lose(): void {
    this.isLost = true;
    this.#queue = [];
    this.#makeRoom();
  }

  /** Whoever reads or writes is told. A lost lane carries no bad news either. */
  break(reason: unknown): void {
    if (this.#isOver || this.isLost) return;
    this.#isOver = true;
    this.#queue = [];
    const error =
      reason instanceof Error ? reason : new TransportError("ERR_WS_TRANSPORT", "the other end is gone");
    this.#to?.error(error);
    this.#from?.error(error);
    this.#makeRoom();
  }
}

/** Throws UsageError. */
export function memoryPipe(options: MemoryPipeOptions = {}): MemoryPipe {
  const { delay = 0, cut = Number.POSITIVE_INFINITY, capacity = CAPACITY_BYTES } = options;
  if (!(delay >= 0) || !(capacity > 0) || !(typeof cut === "function" || cut >= 1))
    throw new UsageError("delay is 0 ms or more, cut and capacity are 1 byte or more");
  const next = typeof cut === "function" ? cut : () => cut;
  const [up, down] = [new Lane(delay, next, capacity), new Lane(delay, next, capacity)];
  return {
    client: { readable: down.readable, writable: up.writable },
    server: { readable: up.readable, writable: down.writable },
    lose() {
      up.lose();
      down.lose();
    },
    reset(reason = new TransportError("ERR_WS_TRANSPORT", "the connection was reset")) {
      up.break(reason);
      down.break(reason);
    },
  };
}

// A pair of WHATWG streams behind the Transport seam: a socket of Deno's, one that node:stream turned into streams, a pipe in
// memory, a tunnel of the user's own.
//
// Reading: chunk by chunk, and none while paused, so that what nobody wants stays where it is. A stream may have one chunk
// after the other ready: timers get their turn in between.
// Writing: a chunk belongs to the stream that it is given to, so each is a copy. What the stream has not taken counts as
// buffered. A write that fails ends our side alone: often the peer has said why, and that is still to be read.

import { TransportError, UsageError } from "../errors.ts";
import { Held } from "./held.ts";
import type { Transport, TransportSink } from "./transport.ts";

/** Both directions of a connection, as Deno's connections and many other things have them. */
export interface ByteStreams {
  /** What the peer sends, in chunks of any size: each is read at once, and neither changed nor kept. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What goes to the peer; a chunk is the stream's own. */
  readonly writable: WritableStream<Uint8Array>;
}

/** From so many bytes on that a stream has not taken it is told when it has: as with node:net, not of every write. */
const WAITING_BYTES = 16 * 1024;

/** How many chunks are read before timers have their turn. */
const TURN_CHUNKS = 256;

/** How long, in ms, what has arrived may take to be read once a write has failed. */
const LAST_READ_MS = 1000;

class StreamTransport implements Transport {
  readonly localAddress = undefined;
  readonly remoteAddress = undefined;
  bufferedBytes = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #sink: TransportSink = new Held();
  #isReading = false;
  #isPaused = false;
  /** The peer's side is at its end. */
  #hasEnded = false;
  /** Ours is to be; and it is. */
  #isEnding = false;
  #isFlushed = false;
  #isClosed = false;
  /** drain() is to be told. */
  #isWaiting = false;
  /** Why a write failed, and how long what is left to read is waited for. */
  #error: TransportError | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ readable, writable }: ByteStreams) {
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(this.#failWriting);
  }

  attach(sink: TransportSink): void {
    const before = this.#sink;
    this.#sink = sink;
    if (before instanceof Held) before.tell(sink);
    void this.#read();
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      for (let chunks = 1; !this.#isPaused && !this.#hasEnded && !this.#isClosed; chunks++) {
        this.#take(await this.#reader.read());
        if (chunks % TURN_CHUNKS === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
    } catch (cause) {
      this.#close(this.#error ?? lost(cause));
    } finally {
      this.#isReading = false;
    }
  }

  #take({ done, value }: { readonly done: boolean; readonly value?: unknown }): void {
    if (this.#isClosed) return;
    if (done) {
      this.#hasEnded = true;
      this.#sink.end();
      this.#finish();
      return;
    }
    if (!(value instanceof Uint8Array)) throw new TypeError("it gave a chunk that is not a Uint8Array");
    this.#sink.data(value);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnding || this.#isClosed) return true; // gone or going: closed() tells
    const { length } = bytes;
    this.bufferedBytes += length;
    this.#isWaiting ||= this.bufferedBytes >= WAITING_BYTES;
    this.#writer.write(new Uint8Array(bytes)).then(() => this.#leave(length), this.#failWriting);
    return true;
  }

  #leave(length: number): void {
    if (this.#isClosed) return;
    this.bufferedBytes -= length;
    if (this.bufferedBytes > 0 || !this.#isWaiting) return;
    this.#isWaiting = false;
    this.#sink.drain();
  }

  readonly #failWriting = (cause: unknown): void => {
    if (this.#isClosed || this.#error !== undefined) return;
    this.#error = lost(cause);
    this.#isEnding = true;
    this.#timer = setTimeout(() => this.#close(this.#error), LAST_READ_MS);
    this.#finish();
    this.resume();
  };

  /** Both sides are through, or all that was left to read after a fault is. */
  #finish(): void {
    if (this.#hasEnded && (this.#isFlushed || this.#error !== undefined)) this.#close(this.#error);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    void this.#read();
  }

  end(): void {
    if (this.#isEnding || this.#isClosed) return;
    this.#isEnding = true;
    this.#writer.close().then(() => {
      this.#isFlushed = true;
      this.#finish();
    }, this.#failWriting);
  }

  destroy(): void {
    this.#close();
  }

  #close(cause?: TransportError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.bufferedBytes = 0;
    clearTimeout(this.#timer);
    const reason = cause ?? new TransportError("ERR_WS_TRANSPORT", "the connection was dropped");
    // Neither may ever settle; and some do not bear to be dropped once they are through.
    if (!this.#hasEnded) this.#reader.cancel(reason).catch(() => {});
    if (!this.#isFlushed) this.#writer.abort(reason).catch(() => {});
    queueMicrotask(() => this.#sink.closed(cause));
  }

  /** What keeps the process alive is behind the streams, where nothing is known of it. */
  ref(): void {}

  unref(): void {}
}

function lost(cause: unknown): TransportError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TransportError("ERR_WS_TRANSPORT", `the connection was lost: ${why}`, { cause });
}

/** A transport over streams, which are its own from here on. Throws UsageError where somebody has them already. */
export function overStreams(streams: ByteStreams): Transport {
  if (streams.readable.locked || streams.writable.locked)
    throw new UsageError(
      "a stream of the transport is in use already: it carries one connection",
      "ERR_WS_INVALID_STATE",
    );
  return new StreamTransport(streams);
}

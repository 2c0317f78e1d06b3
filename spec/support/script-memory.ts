// A connection in memory: the client's end is a Transport of a platform, the peer's a Duplex like any socket. Nothing is
// told within the call that causes it, the pipe holds only so much of what the peer does not read, and there is no clock in it.

import { Duplex } from "node:stream";
import { SlabPool } from "../../lib/bytes/staging.ts";
import { webText } from "../../lib/bytes/utf8.ts";
import { TransportError, type WebSocketError } from "../../lib/errors.ts";
import { Held } from "../../lib/transport/held.ts";
import type { Endpoint, Platform, Transport, TransportSink } from "../../lib/transport/transport.ts";
import { platform } from "./runtime.ts";

/** As much as the pipe takes from a client whose peer does not read, in bytes. */
const PIPE_BYTES = 64 * 1024;

/** Of so large a write a socket tells that it was taken, also if it was at once. */
const HIGH_WATER_MARK = 16 * 1024;

/** The peer's end. */
export class MemorySocket extends Duplex {
  readonly #transport: MemoryTransport;

  constructor(transport: MemoryTransport) {
    super({ allowHalfOpen: true, readableHighWaterMark: PIPE_BYTES });
    this.#transport = transport;
  }

  override _read(): void {
    this.#transport.taken();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#transport.deliver(chunk, done);
  }

  override _final(done: () => void): void {
    this.#transport.peerEnded();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#transport.peerGone();
    done(error);
  }

  /** As of a socket: what is on its way to the client still arrives. */
  resetAndDestroy(): this {
    this.#transport.reset();
    return this.destroy();
  }
}

/** The client's end. */
export class MemoryTransport implements Transport {
  readonly localAddress = "127.0.0.1:1";
  readonly remoteAddress = "127.0.0.1:2";
  readonly peer: MemorySocket = new MemorySocket(this);
  #sink: TransportSink = new Held();
  /** Bytes that the peer has no room for. */
  #waiting: Uint8Array[] = [];
  #isFull = false;
  /** Somebody is told when nothing waits any more. */
  #owesDrain = false;
  #isPaused = false;
  /** What is to be told, in order, as soon as it is read. */
  #arriving: { chunk: Uint8Array; done: () => void }[] = [];
  #isDelivering = false;
  #hasEnded = false;
  #peerHasEnded = false;
  #toldEnd = false;
  #isGone = false;
  #error: WebSocketError | undefined;

  attach(sink: TransportSink): void {
    const before = this.#sink;
    this.#sink = sink;
    if (before instanceof Held) before.tell(sink);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#hasEnded || this.#isGone) return true;
    this.#waiting.push(bytes.slice());
    if (bytes.length >= HIGH_WATER_MARK) this.#owesDrain = true;
    queueMicrotask(() => this.#pump());
    return true;
  }

  get bufferedBytes(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  async secure(): Promise<never> {
    throw new TransportError("ERR_WS_TLS", "there is no TLS in memory");
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#later();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    queueMicrotask(() => this.#pump());
  }

  destroy(): void {
    this.#gone();
    this.peer.destroy();
  }

  ref(): void {}

  unref(): void {}

  /** The peer has read: there is room again. */
  taken(): void {
    this.#isFull = false;
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    while (this.#waiting.length > 0 && !this.#isFull && !this.peer.destroyed) {
      this.#isFull = !this.peer.push(Buffer.from(this.#waiting.shift() as Uint8Array));
    }
    if (this.#waiting.length > 0) {
      this.#owesDrain = true;
      return;
    }
    if (this.#owesDrain) queueMicrotask(() => this.#isGone || this.#sink.drain());
    this.#owesDrain = false;
    if (this.#hasEnded && !this.peer.readableEnded && !this.peer.destroyed) this.peer.push(null);
    this.#check();
  }

  deliver(chunk: Uint8Array, done: () => void): void {
    this.#arriving.push({ chunk, done });
    this.#later();
  }

  peerEnded(): void {
    this.#peerHasEnded = true;
    this.#later();
  }

  reset(): void {
    this.#error ??= new TransportError("ERR_WS_TRANSPORT", "the connection was lost: ECONNRESET");
  }

  peerGone(): void {
    this.#peerHasEnded = true;
    if (this.#waiting.length > 0) this.reset(); // as TCP answers what nobody takes
    this.#waiting = [];
    this.#hasEnded = true;
    this.#later();
  }

  #later(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    setImmediate(() => {
      this.#isDelivering = false;
      this.#tell();
    });
  }

  #tell(): void {
    while (!this.#isPaused && !this.#isGone) {
      const next = this.#arriving.shift();
      if (next === undefined) break;
      const lent = Uint8Array.from(next.chunk);
      this.#sink.data(lent);
      lent.fill(0xee); // it was only borrowed
      next.done();
    }
    if (this.#isGone || this.#isPaused) return;
    if (this.#error !== undefined) {
      this.#gone();
    } else if (this.#peerHasEnded && !this.#toldEnd) {
      this.#toldEnd = true;
      this.#sink.end();
    }
    this.#check();
  }

  /** Both sides are at their end. */
  #check(): void {
    if (this.#toldEnd && this.#hasEnded && this.#waiting.length === 0) this.#gone();
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#waiting = [];
    setImmediate(() => this.#sink.closed(this.#error));
  }
}

/** A platform whose every connection leads to `serve`; `dial` may fail in its place, or take its time. */
export function memoryPlatform(
  serve: (socket: MemorySocket) => void,
  dial: (to: Endpoint, signal: AbortSignal) => unknown = () => {},
): Platform {
  return {
    ...platform,
    text: webText,
    slabs: new SlabPool(),
    env: () => undefined,
    async connect(to, attempt) {
      attempt.signal.throwIfAborted();
      attempt.phase("connect");
      await dial(to, attempt.signal);
      attempt.signal.throwIfAborted();
      const transport = new MemoryTransport();
      serve(transport.peer);
      return transport;
    },
    resolve: async (hostname) => [hostname],
  };
}

// What Bun's net.Socket is made over: a socket of Bun's own, behind the Transport seam. (hot)
//
// Bun.connect would give the same, but cannot be called off; so node:net connects, and what it puts around the socket is left
// out from there on. What a net.Socket has as `_handle` nobody documents; what it does then is Bun's documented API, but for
// close(). Where something else is found there, the net.Socket stays, as it does where it is needed.
//
// Reading: up to 512 KiB come at once, in memory of their own; told in pieces of which the processor's cache takes many.
// Writing: as much is taken as the kernel takes, and its memory is free again; the rest waits here.

import type { Socket } from "node:net";
import { Held } from "./held.ts";
import { address, COPIED_BYTES, lost } from "./node.ts";
import type { PlatformTransport, Transport, TransportSink } from "./transport.ts";

/** Of a Bun.Socket that which is used here. */
interface BunSocket {
  data: BunTransport;
  reload(options: { readonly socket: typeof HANDLERS }): void;
  /** How many bytes it took; less than none when it is gone. */
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  shutdown(): void;
  close(): void;
  ref(): void;
  unref(): void;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

const METHODS = ["reload", "write", "pause", "resume", "shutdown", "close", "ref", "unref"] as const;

const NOTHING = new Uint8Array(0);

/** The most that is told at once. */
const PIECE_BYTES = 64 * 1024;

const HANDLERS = {
  binaryType: "uint8array",
  data: ({ data }: BunSocket, bytes: Uint8Array) => data.read(bytes),
  drain: ({ data }: BunSocket) => data.drained(),
  end: ({ data }: BunSocket) => data.ended(),
  error: ({ data }: BunSocket, error: Error) => data.failed(error),
  close: ({ data }: BunSocket, error?: Error) => data.closed(error),
};

/** A transport over what is below an open socket, which is of no use from there on; undefined where that is something else. */
export function belowSocket(socket: Socket): PlatformTransport | undefined {
  const below: unknown = Reflect.get(socket, "_handle");
  if (!isBunSocket(below)) return undefined;
  Reflect.set(socket, "_handle", null);
  // It names the net.Socket, which would live as long.
  for (const symbol of Object.getOwnPropertySymbols(below)) Reflect.set(below, symbol, undefined);
  return new BunTransport(below);
}

/** Whether it has the methods, is open, and says of a write how many bytes were taken: all depends on that. */
function isBunSocket(value: unknown): value is BunSocket {
  if (typeof value !== "object" || value === null) return false;
  if (!METHODS.every((name) => typeof Reflect.get(value, name) === "function")) return false;
  return (value as BunSocket).write(NOTHING) === 0;
}

class BunTransport implements PlatformTransport {
  readonly #socket: BunSocket;
  #sink: TransportSink = new Held();
  /** What the kernel did not take, and the size of it all. */
  #waiting: { bytes: Uint8Array; readonly release: (() => void) | undefined }[] = [];
  #size = 0;
  /** Our side ends when nothing waits any more. */
  #isEnding = false;
  /** By destroy(). */
  #isDropped = false;
  #isGone = false;
  #error: Error | undefined;

  constructor(socket: BunSocket) {
    this.#socket = socket;
    socket.data = this;
    socket.reload({ socket: HANDLERS });
  }

  read(bytes: Uint8Array): void {
    if (bytes.length <= PIECE_BYTES && !this.#isDropped) this.#sink.data(bytes);
    else
      for (let at = 0; at < bytes.length && !this.#isDropped; at += PIECE_BYTES)
        this.#sink.data(bytes.subarray(at, at + PIECE_BYTES));
  }

  drained(): void {
    if (this.#size === 0) return; // also told where all was taken at once
    const waiting = this.#waiting;
    let done = 0;
    for (const entry of waiting) {
      const taken = this.#take(entry.bytes);
      if (this.#isGone) return;
      this.#size -= taken;
      if (taken < entry.bytes.length) {
        entry.bytes = entry.bytes.subarray(taken);
        break;
      }
      entry.release?.();
      done++;
    }
    waiting.splice(0, done);
    if (this.#size > 0) return;
    if (this.#isEnding) this.#socket.shutdown();
    this.#sink.drain();
  }

  /** As a net.Socket, it ends its own side too; and where a write has failed, this is no end, but what comes before close(). */
  ended(): void {
    if (this.#isDropped) return;
    if (this.#error === undefined) this.#sink.end();
    this.end();
  }

  /** TLS that cannot be read any more, or what somebody threw who was told. */
  failed(error: Error): void {
    this.#error ??= error;
    this.destroy();
  }

  /** Also called within close(), shutdown() and write(): so it is told later. */
  closed(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#waiting = [];
    this.#size = 0;
    // Of an end that is ours Bun may say what it likes: 1.3 calls it ENOENT.
    const cause = this.#isDropped ? this.#error : (error ?? this.#error);
    process.nextTick(() => this.#sink.closed(cause && lost(cause)));
  }

  secure(): Promise<Transport> {
    return Promise.reject(new TypeError("only a tunnel is secured"));
  }

  attach(sink: TransportSink): void {
    const before = this.#sink;
    this.#sink = sink;
    if (before instanceof Held) before.tell(sink);
  }

  /** Hands over what the kernel takes, and keeps the rest: by a copy if it is small. */
  write(bytes: Uint8Array, release?: () => void): boolean {
    if (this.#isGone || this.#isEnding) return true;
    const taken = this.#size > 0 ? 0 : this.#take(bytes);
    if (taken === bytes.length) return true;
    const rest = bytes.subarray(taken);
    const isSmall = rest.length <= COPIED_BYTES;
    this.#waiting.push(isSmall ? { bytes: rest.slice(), release: undefined } : { bytes: rest, release });
    this.#size += rest.length;
    return isSmall;
  }

  /** A write that fails takes nothing with it: what has arrived is read, and then the socket closes. */
  #take(bytes: Uint8Array): number {
    const taken = this.#socket.write(bytes);
    if (taken >= 0) return taken;
    this.#error ??= new Error("a write failed");
    return bytes.length;
  }

  get bufferedBytes(): number {
    return this.#size;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (this.#isGone || this.#isEnding) return;
    this.#isEnding = true;
    if (this.#size === 0) this.#socket.shutdown();
  }

  /** TLS first says that it ends, for which a peer that takes nothing is waited for, 12 s long: by Bun, and by nobody else. */
  destroy(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#socket.close();
    if (this.#isGone) return;
    this.#socket.unref();
    this.closed(undefined);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  get localAddress(): string | undefined {
    return address(this.#socket.localAddress, this.#socket.localPort);
  }

  get remoteAddress(): string | undefined {
    return address(this.#socket.remoteAddress, this.#socket.remotePort);
  }
}

// Node: net and tls behind the Transport seam; Deno and Bun have these modules too, and use this.
//
// Reading: `onread` fills one static buffer instead of allocating one per read: 1.7 to 2.4 times the throughput, for a
// third of the CPU. One buffer serves all connections, as the kernel fills it inside the callback; on Windows a read is
// posted ahead of time, so there each connection has its own.
// Writing: net hands a write to the kernel at once, and `writableLength` is 0 afterwards if all of it was taken: then
// the memory can be written again. tls always keeps what it was given, and so does net while earlier bytes wait; the
// callback of the write gives it back. Small writes are copied then, so that a few bytes do not hold on to a whole slab.
// tls and dns are loaded when they are first needed: tls alone would cost 17 ms of start-up.

import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from "node:net";
import { encodeBase64 } from "../bytes/base64.ts";
import { randomBytes, randomMask } from "../bytes/random.ts";
import { SlabPool } from "../bytes/staging.ts";
import { TransportError, UsageError, WebSocketError } from "../errors.ts";
import { Held } from "./held.ts";
import { guard, messageMemory, slabMemory } from "./node-memory.ts";
import { nodeText } from "./node-text.ts";
import { checkPins, connectTls, secureContext } from "./node-tls.ts";
import { nodeZlib } from "./node-zlib.ts";
import { interleave, race } from "./race.ts";
import type {
  Attempt,
  Endpoint,
  EndpointTls,
  Platform,
  PlatformTransport,
  Transport,
  TransportSink,
} from "./transport.ts";
import { Turn } from "./turn.ts";

/** 16 KiB would cost up to 20% of throughput; more than 64 KiB gains nothing. */
const READ_BYTES = 64 * 1024;

/** The largest write that is copied rather than kept: a quarter of a slab. */
export const COPIED_BYTES: number = 16 * 1024;

/** How long, in ms, what has arrived may take to be read once a write has failed. */
const LAST_READ_MS = 1000;

let sharedBuffer: Uint8Array | undefined;

function readBuffer(): Uint8Array {
  if (process.platform === "win32") return new Uint8Array(READ_BYTES);
  sharedBuffer ??= new Uint8Array(READ_BYTES);
  return sharedBuffer;
}

/** Whose a socket is. By it all sockets have the same listeners, where each would have eight functions of its own. */
const OWNER = Symbol("owner");

type OwnedSocket = Socket & { [OWNER]?: NodeTransport };

/** A function of a socket that is one of its owner. */
function owners(method: "connected" | "read" | "drained" | "ended" | "failed" | "closed" | "destroyed") {
  return function (this: OwnedSocket, argument?: unknown) {
    return this[OWNER]?.[method](argument as never);
  };
}

const onReady = owners("connected");
const onData = owners("read");
const onDrain = owners("drained");
const onEnd = owners("ended");
const onError = owners("failed");
const onClose = owners("closed");
const destroy = owners("destroyed");

export class NodeTransport implements PlatformTransport {
  readonly #socket: OwnedSocket;
  /** What it is called in messages. */
  readonly #place: string;
  readonly #keepsWrites: boolean;
  /** Within which this one runs; Deno and Bun know no addresses of TLS in TLS. */
  readonly #outer: NodeTransport | undefined;
  /** How the socket is destroyed, but for destroyed(). */
  readonly #destroySocket: Socket["destroy"];
  #sink: TransportSink = new Held();
  #error: Error | undefined;
  /** It is listened to what waits having left. */
  #awaitsDrain = false;
  /** Tells who waits in ready(). */
  #settle: ((isReady: boolean) => void) | undefined;
  /** Ends the last reading. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `open` makes the socket; it is handed what reads into the static buffer, which it may not be able to use. */
  constructor(
    place: string,
    keepsWrites: boolean,
    open: (read: OnRead) => Socket,
    readsInto: boolean,
    outer?: NodeTransport,
  ) {
    this.#place = place;
    this.#keepsWrites = keepsWrites;
    this.#outer = outer;
    const take = (bytes: number, buffer: Uint8Array) => {
      this.#sink.data(buffer.subarray(0, bytes));
      return true;
    };
    const socket = open({ buffer: readBuffer(), callback: take }) as OwnedSocket;
    this.#socket = socket;
    const before = socket[OWNER];
    this.#destroySocket = before === undefined ? socket.destroy : before.#destroySocket;
    socket[OWNER] = this;
    socket.destroy = destroy as OwnedSocket["destroy"];
    if (!readsInto) socket.on("data", onData);
    socket.on("end", onEnd).on("error", onError).on("close", onClose);
  }

  read(chunk: Uint8Array): void {
    this.#sink.data(chunk);
  }

  drained(): void {
    this.#awaitsDrain = false;
    this.#sink.drain();
  }

  ended(): void {
    this.#sink.end();
  }

  /** Node and Deno tell of TLS that cannot be read any more, and leave the socket open. */
  failed(error: Error): void {
    this.#error = error;
    this.#socket.destroy();
  }

  connected(): void {
    this.#settle?.(true);
  }

  closed(): void {
    this.#settle?.(false);
    this.#sink.closed(this.#error && lost(this.#error));
  }

  /** The socket, for who takes what is below it. */
  get socket(): Socket {
    return this.#socket;
  }

  async secure(tls: EndpointTls, attempt: Attempt): Promise<Transport> {
    const outer = this.#socket.off("data", onData);
    attempt.phase("tls");
    // Over a socket that is there already, tls reads by events alone: it has no `onread` then.
    const open = () => connectTls({ socket: outer }, tls);
    const place = `${tls.identity} through ${this.#place}`;
    return new NodeTransport(place, true, open, false, this).secured(attempt.signal, tls);
  }

  /** Settles with the TLS handshake, once it is known that the server is the right one. */
  async secured(signal: AbortSignal, { options }: EndpointTls): Promise<this> {
    try {
      await this.ready("secureConnect", signal);
      checkPins(this.#socket, options);
      return this;
    } catch (cause) {
      this.destroy();
      throw failure(cause, signal, "ERR_WS_TLS", `TLS with ${this.#place} failed`);
    }
  }

  /** Settles with the TCP connection, or where `event` says so with that of TLS. */
  ready(event: "connect" | "secureConnect", signal: AbortSignal): Promise<this> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const abort = () => {
        socket.destroy();
        reject(signal.reason);
        this.#settle?.(false);
      };
      this.#settle = (isReady) => {
        this.#settle = undefined;
        socket.off(event, onReady);
        signal.removeEventListener("abort", abort);
        if (isReady) resolve(this);
        else reject(this.#error ?? new Error("the peer closed the connection"));
      };
      if (signal.aborted) return abort();
      socket.on(event, onReady);
      signal.addEventListener("abort", abort);
    });
  }

  /**
   * A socket destroys itself when a write fails, and what has arrived and was not read is lost with it: often the peer's
   * Close frame, which says why it went. So a failed write only ends our side; reading goes on to the end, which the
   * kernel tells behind the last byte.
   */
  destroyed(error?: Error & { syscall?: string }): Socket {
    const socket = this.#socket;
    const finish = (error?: Error) => {
      clearTimeout(this.#timer);
      return this.#destroySocket.call(socket, error);
    };
    if (error?.syscall !== "write" || this.#error !== undefined || socket.readableEnded) {
      return finish(this.#error ?? error);
    }
    this.#error = error;
    this.#timer = setTimeout(finish, LAST_READ_MS, error);
    // The end is pushed as null; of a stream that has failed no event tells it. What lies before it is told by then.
    const { push } = socket;
    socket.push = (chunk, encoding) => {
      const more = push.call(socket, chunk, encoding);
      if (chunk === null) process.nextTick(finish, error);
      return more;
    };
    return socket.resume();
  }

  attach(sink: TransportSink): void {
    const before = this.#sink;
    this.#sink = sink;
    if (before instanceof Held) before.tell(sink);
  }

  write(bytes: Uint8Array, release?: () => void): boolean {
    const socket = this.#socket;
    if (!socket.writable || this.#error !== undefined) return true; // gone or going: closed() tells
    if (bytes.length > COPIED_BYTES) {
      this.#write(bytes, release);
    } else if (this.#keepsWrites || socket.writableLength > 0) {
      this.#write(bytes.slice());
      return true;
    } else {
      this.#write(bytes); // to be told of each would cost a small one a callback of its own
    }
    return socket.writableLength === 0;
  }

  /** `done` is called when the memory is not read any more, also where the write failed. */
  #write(bytes: Uint8Array, done?: () => void): void {
    if (this.#socket.write(bytes, done) || this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.#socket.once("drain", onDrain);
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  get localAddress(): string | undefined {
    return address(this.#socket.localAddress, this.#socket.localPort) ?? this.#outer?.localAddress;
  }

  get remoteAddress(): string | undefined {
    return address(this.#socket.remoteAddress, this.#socket.remotePort) ?? this.#outer?.remoteAddress;
  }
}

/** What a transport says its end is; undefined where the socket knows none. */
export function address(host: string | undefined, port: number | undefined): string | undefined {
  if (host === undefined || port === undefined) return undefined;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

interface OnRead {
  readonly buffer: Uint8Array;
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

function dial(to: Endpoint, host: string): NodeTransport {
  const { port, socketPath, noDelay, localAddress, keepAliveDelay, tls, isTunnel } = to;
  const open = (onread: OnRead) => {
    const where = socketPath === undefined ? { host, port, noDelay } : { path: socketPath, noDelay };
    // The runtime takes what it finds, also on Object.prototype.
    const options: TcpNetConnectOpts = Object.assign(Object.create(null), where);
    if (localAddress !== undefined) options.localAddress = localAddress;
    if (keepAliveDelay !== undefined) {
      options.keepAlive = true;
      options.keepAliveInitialDelay = keepAliveDelay;
    }
    // Deno cannot put TLS over a socket that was made with `onread`.
    if (!isTunnel) options.onread = onread;
    const socket = tls === undefined ? connectTcp(options) : connectTls(options, tls);
    if (socketPath !== undefined) return socket;
    // Node 20 forgets these where TLS is to follow.
    if (tls !== undefined) socket.setNoDelay(noDelay);
    if (tls !== undefined && keepAliveDelay !== undefined) socket.setKeepAlive(true, keepAliveDelay);
    // Bun sets it whatever it is told, and unsets nothing that it was not told to set.
    if (!noDelay) socket.once("connect", () => socket.setNoDelay(true).setNoDelay(false));
    return socket;
  };
  // The place is for what may go wrong with TLS.
  const place = isTunnel || tls !== undefined ? placeOf(to) : "";
  return new NodeTransport(place, tls !== undefined, open, !isTunnel);
}

/** A transport over a socket of somebody else's, which is open already; it reads by events alone. */
export function overSocket(socket: Socket, isTls: boolean): Transport {
  return new NodeTransport("the peer", isTls, () => socket, false);
}

async function connect(to: Endpoint, attempt: Attempt): Promise<PlatformTransport> {
  attempt.signal.throwIfAborted();
  // What is wrong with the options is said before anybody is called.
  if (to.localAddress !== undefined && isIP(to.localAddress) === 0)
    throw new UsageError(`localAddress is an address, and ${JSON.stringify(to.localAddress)} is none`);
  if (to.tls !== undefined) secureContext(to.tls.options);
  const addresses = to.socketPath === undefined ? await resolve(to.hostname, to.family, attempt) : [""];
  attempt.phase("connect");
  let transport: NodeTransport;
  try {
    transport = await race(
      // Asynchronous, as a socket may throw for its options as it is made.
      addresses.map((address) => async (signal) => dial(to, address).ready("connect", signal)),
      (loser) => loser.destroy(),
      attempt.signal,
    );
  } catch (cause) {
    throw failure(cause, attempt.signal, "ERR_WS_CONNECT", `cannot connect to ${placeOf(to)}`);
  }
  if (to.tls === undefined) return transport;
  attempt.phase("tls");
  return transport.secured(attempt.signal, to.tls);
}

/** The addresses to try, best first. A look-up cannot be called off: what it finds after an abort is dropped. */
async function resolve(hostname: string, family: Endpoint["family"], attempt: Attempt): Promise<string[]> {
  const { signal } = attempt;
  signal.throwIfAborted();
  const own = isIP(hostname);
  if (own !== 0) {
    if (family === 0 || family === own) return [hostname];
    throw new UsageError(`${hostname} is not an address of family ${family}`);
  }
  attempt.phase("dns");
  const { lookup } = process.getBuiltinModule("node:dns");
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    lookup(hostname, { all: true, family }, (cause, addresses) => {
      signal.removeEventListener("abort", abort);
      if (cause) reject(failure(cause, signal, "ERR_WS_DNS", `cannot resolve ${hostname}`));
      else resolve(interleave(addresses).map(({ address }) => address));
    });
  });
}

function placeOf(to: Endpoint): string {
  return to.socketPath ?? `${to.hostname}:${to.port}`;
}

/** The signal's reason if it was the signal, else a TransportError that says what the runtime said. */
function failure(
  cause: unknown,
  signal: AbortSignal,
  code: "ERR_WS_DNS" | "ERR_WS_CONNECT" | "ERR_WS_TLS",
  what: string,
): unknown {
  if (signal.aborted) return signal.reason;
  if (cause instanceof WebSocketError) return cause;
  const causes = cause instanceof AggregateError ? cause.errors : [cause];
  const reasons = causes.map((error) => (error instanceof Error ? error.message : String(error)));
  return new TransportError(code, `${what}: ${[...new Set(reasons)].join("; ")}`, { cause });
}

export function lost(cause: Error): WebSocketError {
  if (cause instanceof WebSocketError) return cause;
  return new TransportError("ERR_WS_TRANSPORT", `the connection was lost: ${cause.message}`, { cause });
}

export const node: Platform = {
  connect,
  resolve,
  checkTls: (options) => void secureContext(options),
  // What somebody put on Object.prototype is no variable.
  env: (name) => {
    const value = process.env[name]; // looked at once where it is not set, as most are not
    return value !== undefined && Object.hasOwn(process.env, name) ? value : undefined;
  },
  // Runs when all promises that the current callback settled have run, so that an `await recv(); send()` loop is
  // flushed once for all the messages of a chunk; a microtask would flush after every second one.
  defer: (task) => process.nextTick(task),
  later: (task) => void setImmediate(task),
  turn: new Turn(),
  text: nodeText,
  zlib: nodeZlib(),
  mask: randomMask,
  key: () => encodeBase64(randomBytes(16)),
  shares: 32,
  guard,
  allocate: messageMemory(process.platform),
  slabs: new SlabPool(slabMemory, true),
};

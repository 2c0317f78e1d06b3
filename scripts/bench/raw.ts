// The ceiling: a bare socket that writes ready-made frames, once a tick, and counts the bytes that come. It shows what a
// runtime and the server can do when a client costs nothing. In Bun the native socket, which is the cheaper one there; in
// Deno Node's, for the same reason.
//
// What can be made once is made once, for all connections: requests, frames, the functions that a socket calls. A connection
// does what the protocol asks of the wire, from the request to the answer to its Close frame, and nothing besides.

import { Buffer } from "node:buffer";
import { connect as connectTcp } from "node:net";
import process from "node:process";
import { connect as connectTls } from "node:tls";
import {
  BINARY,
  encodeFrame,
  encodeText,
  randomMask,
  SlabPool,
  Staging,
  TEXT,
  webText,
} from "isosocket/core";
import type { Client, Options, Payload } from "./clients.ts";

/** A socket, as far as it is needed; that of node:net is one. */
interface Pipe {
  write(bytes: Uint8Array): unknown;
  /** Bytes that wait. */
  readonly writableLength: number;
}

/** Where to connect to, and what to say first. */
interface Place {
  readonly host: string;
  readonly port: number;
  readonly ca: string | undefined;
  readonly request: Uint8Array;
}

const CLOSE = Buffer.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);

/** All connections share both: the kernel fills the one within a callback, the other is written within a tick. */
const incoming = new Uint8Array(64 * 1024);
const staged = new Uint8Array(2 ** 22);
let stagedBy: RawClient | undefined;
/** A frame that is staged alone, and leaves as it is. */
let alone: Uint8Array | undefined;
let end = 0;

function flush(): void {
  const client = stagedBy;
  if (client === undefined) return;
  stagedBy = undefined;
  client.write(alone ?? staged.slice(0, end));
  alone = undefined;
  end = 0;
}

class RawClient implements Client {
  onMessage: (data: Payload) => void = ignore;
  #pipe: Pipe | undefined;
  #settle: (error?: Error) => void;
  readonly #request: Uint8Array;
  #isUpgraded = false;
  #isReceiving = false;
  #payload: Payload = "";
  #frame: Uint8Array = CLOSE;
  #expected: Payload = "";
  #expectedBytes = 1;
  #received = 0;

  /** `settle` is told once it is upgraded, or cannot be. */
  constructor(request: Uint8Array, settle: (error?: Error) => void) {
    this.#request = request;
    this.#settle = settle;
  }

  opened(pipe: Pipe): void {
    this.#pipe = pipe;
    pipe.write(this.#request);
  }

  write(bytes: Uint8Array): void {
    this.#pipe?.write(bytes);
  }

  send(data: Payload): void {
    if (data !== this.#payload) {
      this.#payload = data;
      this.#frame = frameOf(data);
    }
    const frame = this.#frame;
    if (stagedBy !== this || end + frame.length > staged.length) flush();
    if (stagedBy === undefined) {
      stagedBy = this;
      alone = frame;
      if (!this.#isReceiving) process.nextTick(flush);
      return;
    }
    if (alone !== undefined) stage(alone);
    alone = undefined;
    stage(frame);
  }

  buffered(): number {
    return this.#pipe?.writableLength ?? 0;
  }

  expect(data: Payload): void {
    this.#expected = data;
    this.#expectedBytes = frameOf(data).length - 4; // a server does not mask
  }

  received(bytes: number): void {
    if (!this.#isUpgraded) {
      this.#isUpgraded = true;
      this.#settle();
      return;
    }
    this.#isReceiving = true;
    this.#received += bytes;
    while (this.#received >= this.#expectedBytes) {
      this.#received -= this.#expectedBytes;
      this.onMessage(this.#expected);
    }
    this.#isReceiving = false;
    flush();
  }

  ended(error?: Error): void {
    this.#settle(error);
  }

  close(): Promise<void> {
    this.#received = Number.NEGATIVE_INFINITY;
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
      this.write(CLOSE);
    });
  }
}

function ignore(): void {}

function stage(frame: Uint8Array): void {
  staged.set(frame, end);
  end += frame.length;
}

const connectPipe = "Bun" in globalThis ? connectBun : connectNode;

export function raw(url: string, { ca }: Options): Promise<Client> {
  return new Promise((resolve, reject) => {
    const place = placeOf(url, ca);
    const client: RawClient = new RawClient(place.request, (error) =>
      error === undefined ? resolve(client) : reject(error),
    );
    connectPipe(place, client);
  });
}

const places = new Map<string, Place>();

function placeOf(url: string, ca: string): Place {
  const known = places.get(url);
  if (known !== undefined) return known;
  const { hostname, port, pathname, protocol } = new URL(url);
  const request =
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  const place = {
    host: hostname,
    port: Number(port),
    ca: protocol === "wss:" ? ca : undefined,
    request: Buffer.from(request),
  };
  places.set(url, place);
  return place;
}

function connectNode({ host, port, ca }: Place, client: RawClient): void {
  const onread = {
    buffer: incoming,
    callback: (bytes: number) => {
      client.received(bytes);
      return true;
    },
  };
  const socket =
    ca === undefined
      ? connectTcp({ host, port, noDelay: true, onread })
      : connectTls({ host, port, ca, ALPNProtocols: ["http/1.1"], ...({ onread } as object) });
  socket.on(ca === undefined ? "connect" : "secureConnect", () => client.opened(socket));
  const ended = (error?: Error | boolean) => client.ended(error instanceof Error ? error : undefined);
  socket.on("error", ended).on("close", ended);
}

interface BunSocket {
  data: BunPipe;
  /** How many of the bytes it took. */
  write(bytes: Uint8Array): number;
  end(): void;
}

declare const Bun: { connect(options: object): Promise<BunSocket> };

/** Keeps what a socket does not take. */
class BunPipe implements Pipe {
  readonly client: RawClient;
  writableLength = 0;
  #socket: BunSocket | undefined;
  #waiting: Uint8Array[] | undefined;

  constructor(client: RawClient) {
    this.client = client;
  }

  opened(socket: BunSocket): void {
    this.#socket = socket;
    this.client.opened(this);
  }

  write(bytes: Uint8Array): void {
    const taken = this.#waiting === undefined ? Math.max(0, this.#socket?.write(bytes) ?? 0) : 0;
    if (taken === bytes.length) return;
    this.#waiting ??= [];
    this.#waiting.push(bytes.subarray(taken));
    this.writableLength += bytes.length - taken;
  }

  drained(): void {
    const all = this.#waiting ?? [];
    this.#waiting = undefined;
    this.writableLength = 0;
    for (const bytes of all) this.write(bytes);
  }
}

/** One for all, as Bun would make another set of functions for each. */
const BUN_EVENTS = {
  open: (socket: BunSocket) => socket.data.opened(socket),
  data: ({ data }: BunSocket, bytes: Uint8Array) => data.client.received(bytes.length),
  drain: ({ data }: BunSocket) => data.drained(),
  end: (socket: BunSocket) => socket.end(),
  close: ({ data }: BunSocket) => data.client.ended(),
  error: ({ data }: BunSocket, error: Error) => data.client.ended(error),
};

function connectBun({ host, port, ca }: Place, client: RawClient): void {
  const tls = ca === undefined ? {} : { tls: { ca } };
  const data = new BunPipe(client);
  Bun.connect({ hostname: host, port, ...tls, data, socket: BUN_EVENTS }).catch((error) =>
    client.ended(error),
  );
}

const frames = new Map<Payload, Uint8Array>();

/** A masked frame of a payload. */
function frameOf(data: Payload): Uint8Array {
  const known = frames.get(data);
  if (known !== undefined) return known;
  const parts: Uint8Array[] = [];
  const staging = new Staging(new SlabPool(), (bytes) => {
    parts.push(bytes);
    return false;
  });
  if (typeof data === "string") encodeText(staging, TEXT, data, webText, true, randomMask());
  else encodeFrame(staging, BINARY, data, true, false, randomMask());
  staging.flush();
  const frame = Buffer.concat(parts);
  frames.set(data, frame);
  return frame;
}

// The ceiling: a bare socket that writes ready-made frames, once a tick, and counts the bytes that come. It shows what a
// runtime and the server can do when a client costs nothing. In Bun the native socket, which is the cheaper one there; in
// Deno Node's, for the same reason.

import { randomBytes } from "node:crypto";
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

interface Pipe {
  write(bytes: Uint8Array | string): void;
  buffered(): number;
}

interface Events {
  received(bytes: number): void;
  ended(error?: Error): void;
}

interface Bun {
  connect(options: object): Promise<BunSocket>;
}

interface BunSocket {
  write(bytes: Uint8Array): number;
  end(): void;
}

const CLOSE = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);

/** All connections share both: the kernel fills the one within a callback, the other is written within a tick. */
const incoming = new Uint8Array(64 * 1024);
const staged = new Uint8Array(2 ** 22);
let stagedBy: RawClient | undefined;
let end = 0;

function flush(): void {
  const client = stagedBy;
  stagedBy = undefined;
  if (client !== undefined) client.pipe.write(staged.slice(0, end));
  end = 0;
}

class RawClient implements Client {
  onMessage: (data: Payload) => void = () => {};
  readonly pipe: Pipe;
  readonly #ended: Promise<void>;
  #payload: Payload = "";
  #frame: Uint8Array = new Uint8Array(0);
  #expected: Payload = "";
  #expectedBytes = 1;
  #received = 0;

  constructor(pipe: Pipe, ended: Promise<void>) {
    this.pipe = pipe;
    this.#ended = ended;
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
      process.nextTick(flush);
    }
    staged.set(frame, end);
    end += frame.length;
  }

  buffered(): number {
    return this.pipe.buffered();
  }

  expect(data: Payload): void {
    this.#expected = data;
    this.#expectedBytes = frameOf(data).length - 4; // a server does not mask
  }

  received(bytes: number): void {
    this.#received += bytes;
    while (this.#received >= this.#expectedBytes) {
      this.#received -= this.#expectedBytes;
      this.onMessage(this.#expected);
    }
  }

  async close(): Promise<void> {
    this.#received = Number.NEGATIVE_INFINITY;
    this.pipe.write(CLOSE);
    await this.#ended;
  }
}

export async function raw(url: string, options: Options): Promise<Client> {
  const { hostname, port, pathname, protocol } = new URL(url);
  let client: RawClient | undefined;
  let upgraded = () => {};
  let ended: (error?: Error) => void = () => {};
  const isUpgraded = new Promise<void>((resolve) => {
    upgraded = resolve;
  });
  const hasEnded = new Promise<void>((resolve, reject) => {
    ended = (error) => (error === undefined ? resolve() : reject(error));
  });
  hasEnded.catch(() => {}); // who closes is told
  const events: Events = {
    received: (bytes) => (client === undefined ? upgraded() : client.received(bytes)),
    ended: (error) => ended(error),
  };
  const at = { host: hostname, port: Number(port), ...(protocol === "wss:" ? { ca: options.ca } : {}) };
  const pipe = await ("Bun" in globalThis ? bunPipe(at, events) : nodePipe(at, events));
  const key = randomBytes(16).toString("base64");
  pipe.write(
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await Promise.race([isUpgraded, hasEnded]);
  client = new RawClient(pipe, hasEnded);
  return client;
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly ca?: string | undefined;
}

async function nodePipe({ host, port, ca }: Address, { received, ended }: Events): Promise<Pipe> {
  const onread = {
    buffer: incoming,
    callback: (bytes: number) => {
      received(bytes);
      return true;
    },
  };
  const socket =
    ca === undefined
      ? connectTcp({ host, port, noDelay: true, onread })
      : connectTls({ host, port, ca, ALPNProtocols: ["http/1.1"], ...({ onread } as object) });
  socket.on("error", ended).on("close", () => ended());
  await new Promise<void>((resolve) => socket.once(ca === undefined ? "connect" : "secureConnect", resolve));
  return { write: (bytes) => void socket.write(bytes), buffered: () => socket.writableLength };
}

async function bunPipe({ host, port, ca }: Address, { received, ended }: Events): Promise<Pipe> {
  const { Bun } = globalThis as unknown as { Bun: Bun };
  const waiting: Uint8Array[] = [];
  let size = 0;
  const write = (bytes: Uint8Array) => {
    const taken = waiting.length > 0 ? 0 : Math.max(0, socket.write(bytes));
    if (taken === bytes.length) return;
    waiting.push(bytes.subarray(taken));
    size += bytes.length - taken;
  };
  const drain = () => {
    const all = waiting.splice(0);
    size = 0;
    for (const bytes of all) write(bytes);
  };
  const socket = await Bun.connect({
    hostname: host,
    port,
    ...(ca === undefined ? {} : { tls: { ca } }),
    socket: {
      data: (_: BunSocket, bytes: Uint8Array) => received(bytes.length),
      drain,
      end: (it: BunSocket) => it.end(),
      close: () => ended(),
      error: (_: BunSocket, error: Error) => ended(error),
    },
  });
  return {
    write: (bytes) => write(typeof bytes === "string" ? Buffer.from(bytes) : bytes),
    buffered: () => size,
  };
}

/** A masked frame of a payload. */
function frameOf(data: Payload): Uint8Array<ArrayBuffer> {
  let frame = new Uint8Array(0);
  const staging = new Staging(new SlabPool((bytes) => new Uint8Array(bytes + 2 ** 20)), (bytes) => {
    const joined = new Uint8Array(frame.length + bytes.length);
    joined.set(frame);
    joined.set(bytes, frame.length);
    frame = joined;
    return true;
  });
  if (typeof data === "string") encodeText(staging, TEXT, data, webText, true, randomMask());
  else encodeFrame(staging, BINARY, data, true, false, randomMask());
  staging.flush();
  return frame;
}

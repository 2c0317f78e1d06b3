// A peer that plays a script to every client that connects: send these bytes, wait for that, stop reading, cut here, reset,
// never answer. Over TCP, over TLS, or in memory (script-memory.ts), where a virtual clock (script-clock.ts) does the waiting.
// The steps of scripts are in script-steps.ts, what comes of them for a client in script-outcome.ts.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { type WebSocketAppConstructor, webSocketAppWith } from "../../lib/client/app.ts";
import { type CreateConnection, createConnectionWith } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { overSockets } from "../../lib/client/socket-options.ts";
import { openWire } from "../../lib/session/open.ts";
import { certificates } from "./certificates.ts";
import type { Use } from "./clean-up.ts";
import { Queue } from "./queue.ts";
import { framesOf, type SentFrame } from "./raw-server.ts";
import { platform } from "./runtime.ts";
import { type MemorySocket, memoryPlatform } from "./script-memory.ts";

export const STREAMS = ["TCP", "TLS", "memory"] as const;
export type Stream = (typeof STREAMS)[number];

/** What the peer does next; a promise is waited for. */
export type Step = (line: Line) => unknown;

interface Resettable {
  resetAndDestroy(): unknown;
}

/** The peer's end of one connection. */
export class Line {
  /** Carries what the two say. */
  readonly socket: Duplex;
  /** What the client has sent; joined when it is asked for. */
  #heard: Buffer[] = [];
  /** The frames that the client sends, from when the script has upgraded. */
  frames: Queue<SentFrame> = new Queue();
  /** The same once more, for who looks at all of them in the end. */
  record: Queue<SentFrame> = new Queue();
  /** Fulfils when the client sends no more. */
  readonly ended: Promise<void>;
  /** Fulfils when the connection is gone. */
  readonly gone: Promise<void>;
  /** The peer does not answer the client's end with its own. */
  isStubborn = false;
  readonly #raw: Resettable;

  /** `raw` is what can be reset: with TLS the stream beneath it. */
  constructor(socket: Duplex, raw: Resettable) {
    this.socket = socket;
    this.#raw = raw;
    socket.on("error", () => {}); // what tests do to a connection is no error of the peer's
    socket.on("data", (chunk: Buffer) => this.#heard.push(chunk));
    socket.on("end", () => {
      if (!this.isStubborn) socket.end();
    });
    this.ended = new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
    this.gone = new Promise((resolve) => socket.once("close", resolve));
  }

  /** Everything that the client has sent. */
  get heard(): Buffer {
    if (this.#heard.length !== 1) this.#heard = [Buffer.concat(this.#heard)];
    return this.#heard[0] as Buffer;
  }

  /** Fulfils when the bytes were handed on, or cannot be any more. */
  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed || this.socket.writableEnded) return resolve();
      this.socket.write(bytes, () => resolve());
      void this.gone.then(resolve);
    });
  }

  /** From here on what the client sends is frames. */
  readFrames(): void {
    this.frames = framesOf(this.socket);
    this.record = framesOf(this.socket);
  }

  reset(): void {
    this.#raw.resetAndDestroy();
  }
}

/** The client is gone, and the script waits in vain. */
export class Gone extends Error {}

export interface ScriptedPeer {
  readonly url: string;
  /** What a client needs besides the url. */
  readonly options: ConnectionOptions;
  readonly createConnection: CreateConnection;
  readonly WebSocketApp: WebSocketAppConstructor;
  /** Connections, as they come. */
  readonly lines: Queue<Line>;
  /** Connections, so far. */
  readonly count: number;
  /** Where it listens; 0 in memory. */
  readonly port: number;
  close(): Promise<void>;
}

/** Steps for every client, or for each by its number, from 0. */
export type Script = readonly Step[] | ((client: number) => readonly Step[]);

/** A peer that plays `script`, at the port that is wanted if it is one; it is closed after the test, which fails for what went wrong in the script. */
export async function scripted(
  use: Use,
  script: Script,
  stream: Stream = "TCP",
  wanted = 0,
): Promise<ScriptedPeer> {
  const lines = new Queue<Line>();
  const open = new Set<Line>();
  const failures: unknown[] = [];
  let count = 0;
  const serve = async (line: Line) => {
    open.add(line);
    void line.gone.then(() => open.delete(line));
    const steps = typeof script === "function" ? script(count) : script;
    count++;
    lines.push(line);
    try {
      for (const step of steps) await step(line);
    } catch (error) {
      if (!(error instanceof Gone)) failures.push(error);
    }
  };
  const { url, port, options, platform, stop } = await listening(stream, wanted, (line) => void serve(line));
  const resolve = overSockets(openWire(platform), platform);
  return use({
    url,
    port,
    options,
    createConnection: createConnectionWith(resolve, options),
    WebSocketApp: webSocketAppWith(resolve, options),
    lines,
    get count() {
      return count;
    },
    async close() {
      for (const { socket } of open) socket.destroy();
      await stop();
      if (failures.length > 0) throw failures[0];
    },
  });
}

interface Listening {
  readonly url: string;
  readonly port: number;
  readonly options: ConnectionOptions;
  readonly platform: typeof platform;
  stop(): Promise<void>;
}

async function listening(stream: Stream, wanted: number, serve: (line: Line) => void): Promise<Listening> {
  if (stream === "memory") {
    const connected = (socket: MemorySocket) => serve(new Line(socket, socket));
    const none = { port: 0, options: {}, stop: async () => {} };
    return { url: "ws://memory.test/", platform: memoryPlatform(connected), ...none };
  }
  const raws = new Map<number | undefined, Socket>();
  const keep = (socket: Socket) => {
    const { remotePort } = socket;
    raws.set(remotePort, socket);
    socket.on("error", () => {}).on("close", () => raws.delete(remotePort));
  };
  const secured = (socket: Socket) => serve(new Line(socket, raws.get(socket.remotePort) ?? socket));
  // What was sent before a reset must not be lost to Nagle's algorithm.
  const own = { allowHalfOpen: true, noDelay: true };
  const server: Server =
    stream === "TLS"
      ? createTlsServer({ ...certificates().server, ...own }, secured).on("connection", keep)
      : createServer(own, (socket) => serve(new Line(socket, socket)));
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const isTls = stream === "TLS";
  return {
    url: isTls ? `wss://localhost:${port}/` : `ws://127.0.0.1:${port}/`,
    port,
    options: isTls ? { tls: { ca: certificates().ca } } : {},
    platform,
    stop() {
      for (const socket of raws.values()) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

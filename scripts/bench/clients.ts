// The competitors behind one face, so that every workload is the same code for all of them.

import { createRequire } from "node:module";
import process from "node:process";
import type * as Isosocket from "isosocket";
import type * as Ws from "ws";
import { raw } from "./raw.ts";

const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

// What ships, as this runtime would get it. ws is npm's, with its add-on only if the parent brought it; in Bun it is Bun's own.
const { createConnection, WebSocketApp }: typeof Isosocket = await import(`../../dist/${runtime}.js`);
const { WebSocket: WsSocket }: typeof Ws =
  runtime === "bun" ? await import("ws") : createRequire(import.meta.url)("../../node_modules/ws/index.js");

export type Payload = string | Uint8Array;

/** An open connection of a competitor. */
export interface Client {
  send(data: Payload): void;
  /** Bytes that have not been handed to the operating system. */
  buffered(): number;
  /** Who gets the messages. */
  onMessage: (data: Payload) => void;
  /** What will come, for one that only counts bytes. */
  expect?(data: Payload): void;
  close(): Promise<void>;
}

export interface Options {
  /** A runtime's own may compress in any case. */
  readonly perMessageDeflate: boolean;
  /** The certificate that servers have. */
  readonly ca: string;
}

export type Connect = (url: string, options: Options) => Promise<Client>;

const MAX_SIZE = 2 ** 30;

/** isosocket by callbacks. */
async function isosocket(url: string, { perMessageDeflate, ca }: Options): Promise<Client> {
  const app = new WebSocketApp(url, {
    maxMessageSize: MAX_SIZE,
    perMessageDeflate,
    proxy: false,
    ...tls(url, ca),
  });
  return new Promise((resolve, reject) => {
    app.onOpen = () => {
      const client: Client = {
        send: (data) => app.send(data),
        buffered: () => app.connection?.bufferedAmount ?? 0,
        onMessage: () => {},
        close: async () => {
          app.close();
          await run;
        },
      };
      app.onMessage = (_, data) => client.onMessage(data);
      resolve(client);
    };
    app.onError = (_, error) => reject(error);
    const run = app.runForever();
  });
}

/** isosocket by a promise for each message. */
async function isosocketRecv(url: string, { perMessageDeflate, ca }: Options): Promise<Client> {
  const options = { maxMessageSize: MAX_SIZE, maxQueue: 65_536, perMessageDeflate, proxy: false as const };
  const connection = await createConnection(url, { ...options, ...tls(url, ca) });
  const client: Client = {
    send: (data) => void connection.send(data),
    buffered: () => connection.bufferedAmount,
    onMessage: () => {},
    close: async () => {
      await connection.close();
    },
  };
  const receive = async () => {
    for (;;) {
      const data = await connection.recv();
      client.onMessage(data);
    }
  };
  receive().catch(() => {}); // ends with the connection
  return client;
}

function tls(url: string, ca: string): { tls?: { ca: string } } {
  return url.startsWith("wss:") ? { tls: { ca } } : {};
}

async function ws(url: string, { perMessageDeflate, ca }: Options): Promise<Client> {
  // Bun's takes the certificate as its own does.
  const trust = url.startsWith("wss:") ? { ca, ...({ tls: { ca } } as object) } : {};
  const socket = new WsSocket(url, { perMessageDeflate, maxPayload: MAX_SIZE, ...trust });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  const client: Client = {
    send: (data) => socket.send(data),
    buffered: () => socket.bufferedAmount,
    onMessage: () => {},
    close: () =>
      new Promise((resolve) => {
        socket.once("close", () => resolve());
        socket.close();
      }),
  };
  socket.on("message", (data: Buffer, isBinary) => client.onMessage(isBinary ? data : data.toString()));
  return client;
}

/** The runtime's own. */
interface NativeSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: () => void;
  onerror: (event: { message?: string }) => void;
  onclose: () => void;
  onmessage: (event: { data: string | ArrayBuffer }) => void;
  send(data: Payload): void;
  close(): void;
}

async function own(url: string, { perMessageDeflate, ca }: Options): Promise<Client> {
  const { WebSocket } = globalThis as unknown as { WebSocket: new (...a: unknown[]) => NativeSocket };
  // Bun takes options; Node and Deno trust the certificate by their environment.
  const socket =
    runtime === "bun" ? new WebSocket(url, { perMessageDeflate, ...tls(url, ca) }) : new WebSocket(url);
  socket.binaryType = "arraybuffer";
  await new Promise<void>((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = ({ message }) => reject(new Error(message ?? "cannot connect"));
  });
  const client: Client = {
    send: (data) => socket.send(data),
    buffered: () => socket.bufferedAmount,
    onMessage: () => {},
    close: () =>
      new Promise((resolve) => {
        socket.onclose = resolve;
        socket.close();
      }),
  };
  socket.onmessage = ({ data }) => client.onMessage(typeof data === "string" ? data : new Uint8Array(data));
  return client;
}

export const CLIENTS: Record<string, Connect> = {
  isosocket,
  "isosocket recv": isosocketRecv,
  ws,
  "ws with bufferutil": ws,
  own,
  raw,
};

/** Whether this process is what it says that it is: ws with its add-on, or without it. */
export function checkAddOn(client: string): void {
  if (!client.startsWith("ws with")) return;
  createRequire(createRequire(import.meta.url).resolve("ws"))("bufferutil");
  if (process.env.WS_NO_BUFFER_UTIL !== undefined) throw new Error("bufferutil is there, and turned off");
}

// The competitors behind one face, so that every workload is the same code for all of them.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { connect as connectTcp } from "node:net";
import process from "node:process";
import type * as Isosocket from "isosocket";
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
import type * as Ws from "ws";

export type Runtime = "node" | "deno" | "bun";

export const runtime: Runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

// What ships, as this runtime would get it; and npm's ws by its path, as Bun answers its name with a shim.
const { createConnection, WebSocketApp }: typeof Isosocket = await import(`../../dist/${runtime}.js`);
const { WebSocket: NpmWs }: typeof Ws = createRequire(import.meta.url)("../../node_modules/ws/index.js");

export type Payload = string | Uint8Array;

/** An open connection of a competitor. */
export interface Client {
  send(data: Payload): void;
  /** Bytes that have not been handed to the operating system. */
  buffered(): number;
  /** Who gets the messages. */
  onMessage: (data: Payload) => void;
  close(): Promise<void>;
}

/** A runtime's own may compress in any case. */
export type Connect = (url: string, perMessageDeflate: boolean) => Promise<Client>;

/** isosocket by callbacks. */
async function isosocket(url: string, perMessageDeflate: boolean): Promise<Client> {
  const app = new WebSocketApp(url, { maxMessageSize: 2 ** 30, perMessageDeflate });
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
async function isosocketRecv(url: string, perMessageDeflate: boolean): Promise<Client> {
  const options = { maxMessageSize: 2 ** 30, maxQueue: 65_536, perMessageDeflate };
  const connection = await createConnection(url, options);
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

async function ws(url: string, perMessageDeflate: boolean): Promise<Client> {
  const socket = new NpmWs(url, { perMessageDeflate, maxPayload: 2 ** 30 });
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
  onerror: () => void;
  onclose: () => void;
  onmessage: (event: { data: string | ArrayBuffer }) => void;
  send(data: Payload): void;
  close(): void;
}

async function own(url: string): Promise<Client> {
  const { WebSocket } = globalThis as unknown as { WebSocket: new (url: string) => NativeSocket };
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  await new Promise<void>((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("cannot connect"));
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

/**
 * The ceiling: a bare socket that writes ready-made frames, once a tick, and counts the bytes of the echoes. It shows what
 * the runtime and the server can do when a client costs nothing.
 */
async function raw(url: string): Promise<Client> {
  const { hostname, port, pathname } = new URL(url);
  const staged = new Uint8Array(4 * 1024 * 1024);
  let frame = new Uint8Array(0);
  let payload: Payload = "";
  let echoBytes = 1;
  let received = 0;
  let end = 0;
  const flush = () => {
    socket.write(staged.slice(0, end));
    end = 0;
  };
  const client: Client = {
    send(data) {
      if (data !== payload) {
        payload = data;
        frame = frameOf(data);
        echoBytes = frame.length - 4; // the server does not mask
      }
      if (end === 0) process.nextTick(flush);
      if (end + frame.length > staged.length) flush();
      staged.set(frame, end);
      end += frame.length;
    },
    buffered: () => socket.writableLength,
    onMessage: () => {},
    close: async () => void socket.destroy(),
  };
  let isUpgraded = false;
  let upgraded = () => {};
  const socket = connectTcp({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer: new Uint8Array(64 * 1024),
      callback(bytes) {
        if (!isUpgraded) {
          isUpgraded = true;
          upgraded();
          return true;
        }
        for (received += bytes; received >= echoBytes; received -= echoBytes) client.onMessage(payload);
        return true;
      },
    },
  });
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await new Promise<void>((resolve) => {
    upgraded = resolve;
  });
  return client;
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

export const CLIENTS: Record<string, Connect> = { isosocket, "isosocket recv": isosocketRecv, ws, own, raw };

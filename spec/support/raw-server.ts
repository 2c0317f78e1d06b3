// A server that upgrades and then leaves every byte to the test, and connections to it with both of their ends in hand.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { webText } from "../../lib/bytes/utf8.ts";
import type { AppOptions } from "../../lib/client/app.ts";
import type { Connection } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { encodeClose } from "../../lib/codec/close-code.ts";
import { FrameDecoder } from "../../lib/codec/frame-decoder.ts";
import { encodeHeader } from "../../lib/codec/frame-encoder.ts";
import { CLOSE, type Opcode } from "../../lib/codec/opcode.ts";
import type { CloseInfo } from "../../lib/errors.ts";
import type { Use } from "./clean-up.ts";
import { accepting, listen, requestHead } from "./peer.ts";
import { Queue } from "./queue.ts";
import { createConnection, WebSocketApp } from "./runtime.ts";

/** A frame that a client sent, unmasked. */
export interface SentFrame {
  readonly opcode: number;
  readonly fin: boolean;
  /** It begins a compressed message. */
  readonly rsv1?: boolean;
  readonly payload: Buffer;
}

/** The server's end of a connection. */
export interface ServerEnd {
  readonly socket: Socket;
  /** The request's head. */
  readonly head: string;
  /** What the client sends; ends with the connection. */
  readonly frames: Queue<SentFrame>;
  /** Text of the next frame. */
  text(): Promise<string>;
  send(opcode: Opcode, payload?: string | Uint8Array, fin?: boolean): void;
  /** Sends a Close frame and ends TCP. */
  close(code?: number, reason?: string): void;
}

export interface RawServer {
  readonly url: string;
  readonly port: number;
  /** Sockets that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections that were upgraded. */
  readonly accepted: Queue<ServerEnd>;
}

export interface RawServerOptions {
  /** Bytes that go out in the segment of the 101. */
  readonly first?: Uint8Array;
  /** More lines for the 101. */
  readonly lines?: readonly string[];
  /** The server never reads what the client sends. */
  readonly isDeaf?: boolean;
}

/** A frame as a server sends it. */
export function frame(opcode: Opcode, payload: string | Uint8Array = "", fin = true): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([encodeHeader(opcode, fin, false, bytes.length, null), bytes]);
}

export function closeFrame(code = 1000, reason = ""): Buffer {
  return frame(CLOSE, encodeClose(code, reason, webText));
}

export async function rawServer(use: Use, options: RawServerOptions = {}): Promise<RawServer> {
  const accepted = new Queue<ServerEnd>();
  const peer = use(
    await listen(async (socket) => {
      const head = await requestHead(socket);
      const answer = Buffer.from(accepting(head, ...(options.lines ?? [])), "latin1");
      socket.write(Buffer.concat([answer, options.first ?? Buffer.alloc(0)]));
      if (options.isDeaf) socket.pause();
      accepted.push(serverEnd(socket, head, options.isDeaf === true));
    }),
  );
  return { url: peer.url, port: peer.port, sockets: peer.sockets, accepted };
}

function serverEnd(socket: Socket, head: string, isDeaf: boolean): ServerEnd {
  const frames = isDeaf ? new Queue<SentFrame>() : framesOf(socket);
  const send: ServerEnd["send"] = (opcode, payload, fin) => void socket.write(frame(opcode, payload, fin));
  return {
    socket,
    head,
    frames,
    send,
    text: async () => (await frames.next()).payload.toString(),
    close: (code, reason) => void socket.end(closeFrame(code, reason)),
  };
}

/** The frames that a client sends on a socket. */
export function framesOf(socket: Duplex): Queue<SentFrame> {
  const frames = new Queue<SentFrame>();
  const decoder = new FrameDecoder("server", { allowRsv1: true });
  let parts: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => {
    decoder.push(chunk);
    while (decoder.next()) {
      parts.push(Buffer.from(decoder.bytes.slice(decoder.start, decoder.end)));
      if (!decoder.isLast) continue;
      const { opcode, fin, rsv1 } = decoder;
      frames.push({ opcode, fin, rsv1, payload: Buffer.concat(parts) });
      parts = [];
    }
    decoder.keep();
  });
  socket.on("close", () => frames.end("the client's connection is gone"));
  return frames;
}

export interface Pair {
  readonly ws: Connection;
  readonly server: ServerEnd;
}

/** A connection, and the server's end of it. */
export async function pair(
  use: Use,
  options: ConnectionOptions = {},
  serverOptions: RawServerOptions = {},
): Promise<Pair> {
  const { url, accepted } = await rawServer(use, serverOptions);
  const [ws, server] = await Promise.all([createConnection(url, options), accepted.next()]);
  use({ close: () => ws.terminate() }); // one that is paused does not notice that its server is gone
  return { ws, server };
}

export interface RunningApp {
  readonly app: WebSocketApp;
  readonly server: ServerEnd;
  /** How it ends. */
  readonly run: Promise<CloseInfo>;
}

/** An app that is open, and the server's end of its connection. */
export async function running(
  use: Use,
  options: AppOptions = {},
  serverOptions: RawServerOptions = {},
): Promise<RunningApp> {
  const { url, accepted } = await rawServer(use, serverOptions);
  const opened = new Queue<WebSocketApp>();
  const app = new WebSocketApp(url, {
    ...options,
    onOpen(app) {
      opened.push(app);
      return options.onOpen?.(app);
    },
  });
  const run = app.runForever();
  use({ close: () => app.terminate() });
  const [server] = await Promise.all([accepted.next(), opened.next()]);
  return { app, run, server };
}

// The server of the benchmark, run by Bun. It handles frames in bulk (bulk-frames.ts), so that it does not limit the clients.
//
//   /echo   answers each message with itself
//   /sink   counts; answers the text "report" with `messages bytes`, and `spoiled` if they were not alike
//   /flood  on the text `count size text|binary` sends that many messages
//
// Three ports: plain; over TLS, with the certificate and key that are its arguments; and Bun's own WebSocket server, which
// echoes with compression, by a context of its own for each connection and direction. Prints them, as JSON; then for each
// line that it is given the CPU time that it has taken, in microseconds.

import { createHash } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";
import { BulkFrames } from "./bulk-frames.ts";

export interface Ports {
  readonly plain: number;
  readonly secure: number;
  readonly compressing: number;
}

interface BunSocket {
  data: Peer | undefined;
  /** How many of the bytes it took. */
  write(bytes: Uint8Array | string): number;
  end(): void;
}

interface BunWebSocket {
  send(data: string | Uint8Array, compress: boolean): number;
}

interface Upgrader {
  upgrade(request: Request): boolean;
}

declare const Bun: {
  listen(options: object): { port: number };
  serve(options: object): { port: number };
};

interface Peer {
  readonly path: string;
  readonly frames: BulkFrames;
  /** What the socket has not taken yet. */
  backlog: Uint8Array[];
  flood: Flood | undefined;
}

/** A block of ready frames that is written again and again. */
interface Flood {
  readonly block: Uint8Array;
  left: number;
  at: number;
}

const PIECE = 512 * 1024;

function upgrade(socket: BunSocket, head: string): void {
  const [, path = ""] = /^GET (\S+) /.exec(head) ?? [];
  const [, key = ""] = /^sec-websocket-key: *(\S+)/im.exec(head) ?? [];
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.data = { path, frames: new BulkFrames(), backlog: [], flood: undefined };
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
}

function take(socket: BunSocket, bytes: Uint8Array): void {
  const peer = socket.data;
  if (peer === undefined) {
    upgrade(socket, String(bytes)); // a head of one of these clients comes in one piece
  } else if (peer.path === "/echo") {
    for (let at = 0; at < bytes.length; at += PIECE)
      put(socket, peer, peer.frames.echo(bytes.length <= PIECE ? bytes : bytes.subarray(at, at + PIECE)));
  } else {
    peer.frames.count(bytes, (text) => obey(socket, peer, text));
  }
  if (socket.data?.frames.isClosed) {
    if (peer?.path !== "/echo") socket.write(Uint8Array.of(0x88, 2, 0x03, 0xe8));
    socket.end();
  }
}

function obey(socket: BunSocket, peer: Peer, text: string): void {
  const { frames } = peer;
  if (text === "report") {
    const answer = `${frames.messages} ${frames.bytes}${frames.isSpoiled ? " spoiled" : ""}`;
    frames.reset();
    put(socket, peer, Uint8Array.of(0x81, answer.length, ...Buffer.from(answer)));
    return;
  }
  const [count = 0, size = 0] = text.split(" ").map(Number);
  const frame = frameOf(size, text.endsWith("text"));
  const block = new Uint8Array(frame.length * Math.max(1, Math.floor(PIECE / frame.length)));
  for (let at = 0; at < block.length; at += frame.length) block.set(frame, at);
  peer.flood = { block, left: count * frame.length, at: 0 };
  pour(socket);
}

function frameOf(size: number, isText: boolean): Uint8Array {
  const head = [isText ? 0x81 : 0x82];
  if (size < 126) head.push(size);
  else if (size < 65_536) head.push(126, size >> 8, size & 0xff);
  else head.push(127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff);
  const frame = new Uint8Array(head.length + size).fill(0x61);
  frame.set(head);
  return frame;
}

/** Writes, or keeps what does not go out at once. */
function put(socket: BunSocket, peer: Peer, bytes: Uint8Array): void {
  const taken = peer.backlog.length > 0 ? 0 : Math.max(0, socket.write(bytes));
  if (taken < bytes.length) peer.backlog.push(bytes.slice(taken));
}

/** The socket has room again. */
function pour(socket: BunSocket): void {
  const peer = socket.data;
  if (peer === undefined) return;
  while (peer.backlog.length > 0) {
    const [first = new Uint8Array(0)] = peer.backlog;
    const taken = Math.max(0, socket.write(first));
    if (taken < first.length) {
      peer.backlog[0] = first.subarray(taken);
      return;
    }
    peer.backlog.shift();
  }
  const { flood } = peer;
  while (flood !== undefined && flood.left > 0) {
    const end = Math.min(flood.block.length, flood.at + flood.left);
    const taken = Math.max(0, socket.write(flood.block.subarray(flood.at, end)));
    flood.left -= taken;
    if (taken < end - flood.at) {
      flood.at += taken;
      return;
    }
    flood.at = 0;
  }
}

const listen = (tls?: { cert: string; key: string }) =>
  Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    ...(tls === undefined ? {} : { tls }),
    socket: { data: take, drain: pour, open() {}, close() {}, error() {} },
  });

const [cert = "", key = ""] = process.argv.slice(2);
const ports: Ports = {
  plain: listen().port,
  secure: listen({ cert, key }).port,
  compressing: Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request: Request, upgrader: Upgrader) {
      return upgrader.upgrade(request) ? undefined : new Response("", { status: 426 });
    },
    websocket: {
      perMessageDeflate: { compress: "dedicated", decompress: "dedicated" },
      idleTimeout: 0,
      message: (socket: BunWebSocket, message: string | Uint8Array) => void socket.send(message, true),
    },
  }).port,
};
console.log(JSON.stringify(ports));
for await (const _ of createInterface({ input: process.stdin })) {
  const { user, system } = process.cpuUsage();
  console.log(user + system);
}
process.exit(); // the parent is gone

// The server of a soak: npm's ws over TCP and TLS, which acknowledges what it gets, sends messages of its own, and misbehaves at
// random: it resets, stalls, ends halfway, closes with every code, sends garbage, refuses, hangs, and restarts.
// It prints its ports, and answers GET /tally with what it got.

import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { certificates } from "../../spec/support/certificates.ts";
import { WebSocketServer } from "../../spec/support/npm-ws.ts";
import { Chance } from "./chance.ts";
import { CODES, FILLER, isWhole, type Tally, textOf } from "./tally.ts";

const BEAT_MS = 50;

const chance = new Chance(Number(process.argv[2]));
const got = new Map<string, Set<number>>();
const doubled: string[] = [];
const spoilt: string[] = [];
/** What is open; below TLS the streams that can be reset. */
const open = new Set<Socket>();

/** Random bytes, but for a first one that no frame begins with: a frame by chance would hide what comes behind it. */
function noise(): Buffer {
  const bytes = chance.bytes(200);
  bytes[0] = (bytes[0] ?? 0) | chance.of([0x10, 0x20, 0x30, 0x03]);
  return bytes;
}

/** Of a loop that is held up timers come first: what has arrived meanwhile is read before one of these acts. */
function later(ms: number, act: () => void): void {
  setTimeout(() => setImmediate(() => setImmediate(act)), ms);
}

/** Bun resets no stream that has TLS over it. */
function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    socket.destroy();
  }
}

/** By how many ms the loop was held up at the most. */
let lag = 0;
let beat = performance.now();
setInterval(() => {
  const now = performance.now();
  lag = Math.max(lag, now - beat - BEAT_MS);
  beat = now;
}, BEAT_MS);

/** What becomes of an open connection; it gets the stream below it, too. */
const MISDEEDS: readonly ((ws: WebSocket, socket: Socket, farewell: () => string) => void)[] = [
  (_ws, socket) => {
    for (const raw of open) if (raw.remotePort === socket.remotePort) reset(raw);
  },
  (ws) => ws.terminate(),
  (_ws, socket) => void socket.end(),
  (ws, _socket, farewell) => ws.close(chance.of(CODES), farewell()),
  (ws, _socket, farewell) => ws.close(chance.of(CODES), farewell()),
  (ws) => ws.close(),
  (_ws, socket) => void socket.write(noise()),
  (_ws, socket) => void socket.write(Buffer.from("8300", "hex")),
  (_ws, socket) => void socket.end(Buffer.from("817e4000616263", "hex")),
  (_ws, socket) => void socket.write(Buffer.from("8900".repeat(5_000), "hex")),
  // Silent for a while, and then gone or back; or silent for ever.
  (ws, socket) => stall(ws, socket, () => socket.destroy()),
  (ws, socket) => stall(ws, socket, () => socket.resume()),
  (ws, socket) => stall(ws, socket),
  () => {},
];

/** Who does not read does not write either: that it got what TCP took, nobody could tell the client. */
function stall(ws: WebSocket, socket: Socket, then?: () => void): void {
  const stalled = ws as { isStalled?: boolean };
  socket.pause();
  stalled.isStalled = true;
  if (then === undefined) return;
  later(chance.upTo(2_000), () => {
    stalled.isStalled = false;
    then();
  });
}

/** What a request gets that is not upgraded. */
const REFUSALS: readonly ((socket: Duplex) => void)[] = [
  (socket) => socket.end("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"),
  (socket) => socket.end("HTTP/1.1 429 Slow Down\r\nContent-Length: 4\r\n\r\nslow"),
  (socket) => socket.end("HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"),
  (socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"),
  (socket) => socket.end(chance.bytes(100)),
  (socket) => socket.destroy(),
  () => {}, // it is never answered
];

function serve(ws: WebSocket, request: IncomingMessage): void {
  const client = new URL(request.url ?? "", "ws://host/").searchParams.get("client") ?? "";
  const socket = request.socket as Socket;
  if (!got.has(client)) got.set(client, new Set());
  let pushed = 0;
  ws.on("error", () => {});
  ws.on("message", (data, isBinary) => {
    const number = isBinary ? (data as Buffer).readUInt32BE() : Number(String(data).split(":", 1));
    if (!(isBinary ? isFilled(data as Buffer) : isWhole(String(data)))) spoilt.push(`${client}: ${number}`);
    const numbers = got.get(client);
    if (numbers?.has(number)) doubled.push(`${client}: ${number}`);
    numbers?.add(number);
    if (ws.readyState === ws.OPEN && !("isStalled" in ws && ws.isStalled)) ws.send(`a${number}`);
  });
  const push = () => {
    if (ws.readyState !== ws.OPEN) return;
    if (!("isStalled" in ws && ws.isStalled) && ws.bufferedAmount < 1_000_000)
      ws.send(textOf(`p${pushed++}`, chance.upTo(10) === 0 ? chance.upTo(60_000) : chance.upTo(100)));
    setTimeout(push, chance.upTo(60));
  };
  push();
  later(chance.upTo(4_000), () => {
    if (ws.readyState === ws.OPEN) chance.of(MISDEEDS)(ws, socket, () => `${pushed}`);
  });
}

function isFilled(data: Buffer): boolean {
  return data.length === 8 + data.readUInt32BE(4) && data.subarray(8).every((byte) => byte === FILLER);
}

function listening(secure: boolean): void {
  const server = secure ? createTlsServer(certificates().server) : createServer();
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: true, maxPayload: 1 << 24 });
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
  });
  server.on("tlsClientError", () => {});
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => {});
    if (chance.upTo(8) === 0) return chance.of(REFUSALS)(socket);
    wss.handleUpgrade(request, socket, head, (ws) => serve(ws, request));
  });
  server.on("request", (_request, response) => {
    const tally: Tally = {
      got: Object.fromEntries([...got].map(([client, numbers]) => [client, [...numbers]])),
      doubled,
      spoilt,
      lag,
    };
    response.end(JSON.stringify(tally));
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo;
    console.log(`${secure ? "wss" : "ws"} ${port}`);
    const restart = () => {
      server.close(() => setTimeout(() => server.listen(port, "127.0.0.1", run), chance.upTo(500)));
      for (const socket of open) socket.destroy();
      server.closeAllConnections?.();
    };
    const run = () => later(5_000 + chance.upTo(15_000), restart);
    run();
  });
}

process.on("SIGTERM", () => process.exit());
console.log(JSON.stringify(certificates().ca));
listening(false);
listening(true);

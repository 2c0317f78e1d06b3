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
import type { Tally } from "./tally.ts";

const CODES = [1000, 1001, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 4000, 4999];

const chance = new Chance(Number(process.argv[2]));
const got = new Map<string, Set<number>>();
const doubled: string[] = [];
const open = new Set<Duplex>();

/** What becomes of an open connection; it gets the stream below it, too. */
const MISDEEDS: readonly ((ws: WebSocket, socket: Socket, farewell: () => string) => void)[] = [
  (_ws, socket) => ("encrypted" in socket ? socket.destroy() : socket.resetAndDestroy()),
  (ws) => ws.terminate(),
  (_ws, socket) => void socket.end(),
  (ws, _socket, farewell) => ws.close(chance.of(CODES), farewell()),
  (ws, _socket, farewell) => ws.close(chance.of(CODES), farewell()),
  (ws) => ws.close(),
  (_ws, socket) => void socket.write(chance.bytes(200)),
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
  setTimeout(() => {
    stalled.isStalled = false;
    then();
  }, chance.upTo(2_000));
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
    const numbers = got.get(client);
    if (numbers?.has(number)) doubled.push(`${client}: ${number}`);
    numbers?.add(number);
    if (ws.readyState === ws.OPEN && !("isStalled" in ws && ws.isStalled)) ws.send(`a${number}`);
  });
  const push = () => {
    if (ws.readyState !== ws.OPEN) return;
    if (!("isStalled" in ws && ws.isStalled) && ws.bufferedAmount < 1_000_000)
      ws.send(`p${pushed++}:${"x".repeat(chance.upTo(10) === 0 ? chance.upTo(60_000) : chance.upTo(100))}`);
    setTimeout(push, chance.upTo(60));
  };
  push();
  setTimeout(() => {
    if (ws.readyState === ws.OPEN) chance.of(MISDEEDS)(ws, socket, () => `${pushed}`);
  }, chance.upTo(4_000));
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
    };
    response.end(JSON.stringify(tally));
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo;
    console.log(`${secure ? "wss" : "ws"} ${port}`);
    const restart = () => {
      for (const socket of open) socket.destroy();
      server.close(() => setTimeout(() => server.listen(port, "127.0.0.1"), chance.upTo(500)));
      server.closeAllConnections?.();
      setTimeout(restart, 5_000 + chance.upTo(15_000));
    };
    setTimeout(restart, 5_000 + chance.upTo(15_000));
  });
}

process.on("SIGTERM", () => process.exit());
console.log(JSON.stringify(certificates().ca));
listening(false);
listening(true);

// npm's ws as a server, over each of the streams that a WebSocket can run on.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerOptions, WebSocket } from "ws";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { certificates } from "./certificates.ts";
import { WebSocketServer } from "./npm-ws.ts";
import { Queue } from "./queue.ts";

export const STREAMS = ["TCP", "TLS", "Unix"] as const;
export type Stream = (typeof STREAMS)[number];

export interface WsServer {
  readonly url: string;
  /** What a client needs besides the url. */
  readonly options: ConnectionOptions;
  readonly connections: Queue<WebSocket>;
  close(): Promise<void>;
}

export async function wsServer(stream: Stream, options: ServerOptions = {}): Promise<WsServer> {
  const folder = stream === "Unix" ? mkdtempSync(join(tmpdir(), "isosocket-")) : undefined;
  const server = stream === "TLS" ? createTlsServer(certificates().server) : createServer();
  await new Promise<void>((resolve) => {
    if (folder === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(join(folder, "socket"), resolve);
  });
  const connections = new Queue<WebSocket>();
  const wss = new WebSocketServer({ maxPayload: 32 * 1024 * 1024, ...options, server });
  wss.on("connection", (socket) => connections.push(socket));
  return {
    url: folder === undefined ? tcpUrl(stream, server) : `ws+unix:${join(folder, "socket")}:/`,
    options: stream === "TLS" ? { tls: { ca: certificates().ca } } : {},
    connections,
    async close() {
      for (const socket of wss.clients) socket.terminate();
      await new Promise((resolve) => wss.close(resolve));
      await new Promise((resolve) => server.close(resolve));
      if (folder !== undefined) rmSync(folder, { recursive: true });
    },
  };
}

function tcpUrl(stream: Stream, server: Server): string {
  const { port } = server.address() as AddressInfo;
  return stream === "TLS" ? `wss://localhost:${port}/` : `ws://127.0.0.1:${port}/`;
}

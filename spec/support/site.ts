// A server that answers each request as a test's script says, over TCP or TLS, and tells of requests and of ended connections.

import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import type { Use } from "./clean-up.ts";
import { accepting, requestHead } from "./peer.ts";
import { Queue } from "./queue.ts";

export interface Site {
  /** Ends with the port. */
  readonly origin: string;
  readonly port: number;
  /** The head of each request. */
  readonly heads: Queue<string>;
  /** Connections that have ended. */
  readonly gone: Queue<Socket>;
}

/** Gives what is sent to a request for `path`, and may do more with the socket. */
export type Answers = (path: string, head: string, socket: Socket) => string | undefined;

export interface SiteOptions {
  /** Over TLS, with these options. */
  readonly tls?: TlsOptions;
  /** The host in `origin`. */
  readonly host?: string;
  /** Path of a Unix socket to listen on. */
  readonly socketPath?: string;
}

/** A redirect, with more header lines if wanted. */
export function redirect(location: string, status = 302, ...lines: string[]): string {
  return [
    `HTTP/1.1 ${status} Elsewhere`,
    `Location: ${location}`,
    ...lines,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

/** The answer `upgrade` grants the request, with more header lines behind a colon. */
export async function site(use: Use, answers: Answers, options: SiteOptions = {}): Promise<Site> {
  const { tls, host = "127.0.0.1", socketPath } = options;
  const heads = new Queue<string>();
  const gone = new Queue<Socket>();
  const sockets = new Set<Socket>();
  const serve = async (socket: Socket) => {
    socket.on("error", () => {});
    const head = await requestHead(socket);
    socket.on("data", () => {}); // so that the end is seen
    heads.push(head);
    const answer = answers(head.split(" ")[1] ?? "", head, socket);
    if (answer !== undefined) socket.write(answer, "latin1");
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.on("tlsClientError", () => {}); // a client that does not trust it goes
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      gone.push(socket);
    });
  });
  await new Promise<void>((resolve) => {
    if (socketPath === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(socketPath, resolve);
  });
  use({
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  const port = socketPath === undefined ? (server.address() as AddressInfo).port : 0;
  return { origin: `${tls === undefined ? "ws" : "wss"}://${host}:${port}`, port, heads, gone };
}

/** A site that upgrades whoever asks. */
export function welcoming(use: Use, options?: SiteOptions): Promise<Site> {
  return site(use, (_path, head) => accepting(head), options);
}

/** The values of a header in a request's head. */
export function fields(head: string, name: string): string[] {
  const lines = head.split("\r\n").slice(1);
  return lines
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 2));
}

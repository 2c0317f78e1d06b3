// A server that does just what a test's script says, byte by byte, over TCP: for what no library's server would do.

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { acceptKey } from "../../lib/handshake/upgrade-client.ts";

export interface Peer {
  readonly url: string;
  readonly port: number;
  /** Sockets that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/**
 * Where nobody listens. The port is none that a system gives to whoever asks for any: that of a server which has closed may be
 * given to the next one, of this process or of another.
 */
export const NOWHERE = "ws://127.0.0.1:1/";

/** Listens on a free port of 127.0.0.1; `serve` gets each connection, raw. */
export async function listen(serve: (socket: Socket) => void): Promise<Peer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // what tests do to a connection is no error of the peer
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/`,
    port,
    sockets,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The head of the request that arrives on a socket, up to its empty line. */
export function requestHead(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let head = "";
    const read = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", read);
      resolve(head);
    };
    socket.on("data", read);
  });
}

/** A 101 that fits the request, with more header lines if wanted. */
export function accepting(head: string, ...lines: string[]): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(head)?.[1] ?? "";
  const fixed = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  return `${[...fixed, `Sec-WebSocket-Accept: ${acceptKey(key)}`, ...lines].join("\r\n")}\r\n\r\n`;
}

/** As listen(), but does the handshake first; `serve` gets the socket once the 101 went out. */
export function listenUpgraded(serve: (socket: Socket) => void): Promise<Peer> {
  return listen(async (socket) => {
    socket.write(accepting(await requestHead(socket)), "latin1");
    serve(socket);
  });
}

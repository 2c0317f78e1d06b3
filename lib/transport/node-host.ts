// Servers by node:http and node:https, in Node, Deno and Bun.
//
// The `upgrade` event of all three was tried with raw clients, over TCP, TLS and a Unix socket: what comes behind the head in
// its segment is in `head`, what comes later in `data`, also when nobody listens yet; refusals arrive whole; half-open
// ends, back-pressure in both directions and dropping are those of node:net. So no parser of requests is needed. What differs
// is of no harm here:
//   Deno  takes the body of a GET for itself, which in Node and Bun lies in `head`: such requests are refused.
//   Bun   tells of a reset as of an end. Its TLS has no deadline for the handshake but its own, 12 s; and a TLS socket is a
//         net.Socket there, with `encrypted` set.
// The deadline for requests is ours, as theirs are 60, 90 and 12 s.

import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { TransportError, UsageError } from "../errors.ts";
import type { Adopted, Host, IncomingSocket, Listener, ListenOptions, UpgradeListener } from "./host.ts";
import { overSocket } from "./node.ts";
import type { Platform } from "./transport.ts";

function adopt(given: IncomingSocket): Adopted {
  const socket = given as Socket & { readonly encrypted?: boolean };
  if (typeof socket?.setNoDelay !== "function") {
    socket?.destroy();
    throw new UsageError("the socket is none of node:net or node:tls");
  }
  socket.setNoDelay(true);
  socket.setTimeout(0); // that of the server is for requests
  const secure = socket.encrypted === true;
  const isGone = socket.destroyed || socket.readableEnded || !socket.writable;
  return { transport: overSocket(socket, secure), secure, isGone };
}

async function listen(
  options: ListenOptions,
  upgrade: UpgradeListener,
  failed: (error: Error) => void,
): Promise<Listener> {
  const { tls, timeout } = options;
  const server = tls === undefined ? createServer() : secureServer(options);
  const waiting = new Waiting(timeout);
  // Of TLS, TCP is told of first, so that who stalls in its handshake is known; but who it is only an address can tell.
  const byAddress = tls !== undefined && options.socketPath === undefined;
  const keyOf = (socket: Socket) => (byAddress ? `${socket.remoteAddress} ${socket.remotePort}` : socket);
  server.on(tls === undefined || byAddress ? "connection" : "secureConnection", (socket: Socket) => {
    const key = keyOf(socket);
    waiting.add(key, socket);
    socket.on("close", () => waiting.delete(key));
  });
  server.on("upgrade", (request, socket, head) => {
    waiting.delete(keyOf(socket as Socket));
    upgrade(request, socket, head);
  });
  server.on("request", (_request, response) => {
    const headers = { Connection: "Upgrade, close", Upgrade: "websocket", "Content-Type": "text/plain" };
    response.writeHead(426, headers);
    response.end("This is a WebSocket server.\n");
  });
  await listening(server, options);
  server.on("error", failed);
  const address = server.address();
  const { port, address: hostname } = typeof address === "string" ? {} : (address as Partial<AddressInfo>);
  return {
    port,
    hostname,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        waiting.drop();
      }),
  };
}

/** Sockets that have not asked for an upgrade, each with its deadline. */
class Waiting {
  readonly #timeout: number;
  readonly #sockets = new Map<
    unknown,
    { socket: Socket; timer: ReturnType<typeof setTimeout> | undefined }
  >();

  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  add(key: unknown, socket: Socket): void {
    const drop = () => {
      this.delete(key);
      socket.destroy();
    };
    const timer = this.#timeout === Number.POSITIVE_INFINITY ? undefined : setTimeout(drop, this.#timeout);
    this.#sockets.set(key, { socket, timer });
  }

  delete(key: unknown): void {
    clearTimeout(this.#sockets.get(key)?.timer);
    this.#sockets.delete(key);
  }

  drop(): void {
    for (const { socket } of this.#sockets.values()) socket.destroy();
  }
}

function secureServer({ tls, timeout }: ListenOptions): Server {
  const { requestCert = false, ...material } = tls ?? {};
  const options = { ...material, requestCert, rejectUnauthorized: requestCert, ALPNProtocols: ["http/1.1"] };
  const bounded = timeout === Number.POSITIVE_INFINITY ? {} : { handshakeTimeout: timeout };
  const { createServer } = process.getBuiltinModule("node:https");
  try {
    return createServer({ ...options, ...bounded } as Parameters<typeof createServer>[0]);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`the option tls cannot be used: ${message}`, "ERR_WS_INVALID_ARGUMENT", { cause });
  }
}

function listening(server: Server, { port, hostname, socketPath }: ListenOptions): Promise<void> {
  const place = socketPath ?? `${hostname ?? "*"}:${port}`;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(new TransportError("ERR_WS_CONNECT", `cannot listen on ${place}: ${cause.message}`, { cause }));
    server.once("error", fail);
    const ready = () => {
      server.off("error", fail);
      resolve();
    };
    if (socketPath === undefined) server.listen(port, hostname, ready);
    else server.listen(socketPath, ready);
  });
}

/** A runtime as a server sees it. */
export function hostOf(platform: Platform): Host {
  return { ...platform, adopt, listen };
}

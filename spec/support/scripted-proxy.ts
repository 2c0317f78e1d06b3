// A proxy on real sockets that speaks CONNECT and SOCKS 4, 4A and 5, writes down every byte that it hears, and at the
// moment of its consent does what a test's script says.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { ProxyScheme } from "../../lib/handshake/proxy.ts";
import { certificates } from "./certificates.ts";
import { type Asked, type Login, Reader, readRequest } from "./proxy-requests.ts";
import { Queue } from "./queue.ts";

export const SCHEMES: readonly ProxyScheme[] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/** A client waits for the consent. */
export interface Moment {
  /** The client's socket; TLS is off it, for https. */
  readonly socket: Socket;
  readonly asked: Asked;
  /** The bytes that say yes. */
  readonly consent: Buffer;
  /** From here on bytes go both ways. */
  tunnel(): void;
}

export interface ScriptedProxyOptions {
  /** What every client must know; the url has it. SOCKS4 checks the name alone. */
  readonly login?: Login;
  /** In the place of sending the consent and tunnelling. */
  readonly script?: (moment: Moment) => void;
  /** The https proxy's own. Default: one for localhost and 127.0.0.1, of the tests' authority. */
  readonly certificate?: { readonly cert: string; readonly key: string };
}

export interface ScriptedProxy {
  /** With the login. */
  readonly url: string;
  /** Without it. */
  readonly publicUrl: string;
  readonly port: number;
  readonly asked: Queue<Asked>;
  /** Clients that connected, so far. */
  readonly count: number;
  /** Sockets that are open now, of clients and to servers. */
  readonly sockets: ReadonlySet<Socket>;
  /** One for each client that is gone. */
  readonly gone: Queue<boolean>;
  /** Everything that clients told the proxy itself, and what they sent through it. */
  heard(): { readonly outside: Buffer; readonly inside: Buffer };
  close(): Promise<void>;
}

export async function scriptedProxy(
  scheme: ProxyScheme,
  options: ScriptedProxyOptions = {},
): Promise<ScriptedProxy> {
  const sockets = new Set<Socket>();
  const asked = new Queue<Asked>();
  const gone = new Queue<boolean>();
  const outside: Buffer[] = [];
  const inside: Buffer[] = [];
  let count = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    return socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const script = options.script ?? consent;

  const serve = async (socket: Socket) => {
    count++;
    keep(socket).on("close", () => gone.push(true));
    const record = (chunk: Buffer) => void outside.push(Buffer.from(chunk));
    socket.on("data", record);
    const reader = new Reader(socket);
    const request = await readRequest(scheme, reader, socket, options.login).catch(() => undefined);
    if (request === undefined) return;
    asked.push(request.asked);
    const server = keep(connect(request.asked.port, request.asked.host));
    const send = (chunk: Buffer) => {
      inside.push(Buffer.from(chunk));
      server.write(chunk);
    };
    const tunnel = () => {
      send(reader.release());
      socket.off("data", record).on("data", send);
      socket.on("end", () => server.end());
      server.on("data", (chunk: Buffer) => socket.write(chunk));
      server.on("end", () => socket.end()).on("close", () => socket.destroy());
    };
    socket.on("close", () => server.destroy());
    const refuse = () => socket.end(request.refusal);
    server.once("error", refuse).once("connect", () => {
      server.off("error", refuse);
      script({ socket, asked: request.asked, consent: request.consent, tunnel });
    });
  };
  const serving = (socket: Socket) => void serve(socket);
  const certificate = options.certificate ?? (scheme === "https" ? certificates().server : undefined);
  const server: Server =
    scheme === "https" && certificate !== undefined
      ? createTlsServer(certificate, serving)
      : createServer(serving);
  server.on("tlsClientError", () => {});
  const raw = (socket: Socket) => void keep(socket);
  if (scheme === "https") server.on("connection", raw);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { login } = options;
  const password = scheme.startsWith("socks4") ? "" : `:${encodeURIComponent(login?.password ?? "")}`;
  const userinfo = login === undefined ? "" : `${encodeURIComponent(login.username)}${password}@`;
  return {
    url: `${scheme}://${userinfo}127.0.0.1:${port}`,
    publicUrl: `${scheme}://127.0.0.1:${port}`,
    port,
    asked,
    get count() {
      return count;
    },
    sockets,
    gone,
    heard: () => ({ outside: Buffer.concat(outside), inside: Buffer.concat(inside) }),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The script of a proxy that does what it is asked. */
function consent({ socket, consent, tunnel }: Moment): void {
  socket.write(consent);
  tunnel();
}

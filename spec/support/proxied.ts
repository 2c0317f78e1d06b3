// Both sides of a proxy, for tests of what goes through it: a server that writes down what it hears, secrets, and where they show.

import type { Server, Socket } from "node:net";
import { type AddressInfo, createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { inspect } from "node:util";
import { expect } from "chai";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { CLOSE, TEXT } from "../../lib/codec/opcode.ts";
import type { WebSocketError } from "../../lib/errors.ts";
import type { ProxyScheme } from "../../lib/handshake/proxy.ts";
import { certificates } from "./certificates.ts";
import { accepting, requestHead } from "./peer.ts";
import type { Login } from "./proxy-requests.ts";
import { Queue } from "./queue.ts";
import { frame, framesOf } from "./raw-server.ts";
import type { ScriptedProxy } from "./scripted-proxy.ts";

export const LOGIN: Login = { username: "pröxy:user", password: "PROXYSECRET@/?#: %" };
export const BASIC_LOGIN: Login = { username: "pröxyuser", password: LOGIN.password };
const NAME_ONLY: Login = { username: "PROXYSECRET", password: "" };

/** What that scheme can say of a login. */
export function loginOf(scheme: ProxyScheme): Login {
  if (scheme.startsWith("http")) return BASIC_LOGIN;
  return scheme.startsWith("socks4") ? NAME_ONLY : LOGIN;
}

/** Every form in which the secrets of a proxy, or of a server, may show. */
export const PROXY_SECRETS: RegExp =
  /PROXYSECRET|PROXY-TOKEN|cHLDtnh5dXNlc|Proxy-Authorization|pr%C3%B6xy|pröxy/i;
export const SERVER_SECRETS: RegExp = /SERVERSECRET|U0VSVkVSU0VDUkVU|\nAuthorization: Basic/;

export interface Origin {
  readonly url: string;
  readonly port: number;
  /** Connections that it got, whoever made them. */
  readonly count: number;
  /** The heads of the requests that it got. */
  readonly heads: Queue<string>;
  /** Everything that it heard, out of TLS. */
  heard(): string;
  close(): Promise<void>;
}

/** A server that upgrades and echoes, and writes down all that it hears. */
export async function origin(secure: boolean): Promise<Origin> {
  const heads = new Queue<string>();
  const open = new Set<Socket>();
  const heard: Buffer[] = [];
  let count = 0;
  const serve = async (socket: Socket) => {
    socket.on("error", () => {}).on("data", (chunk: Buffer) => heard.push(Buffer.from(chunk)));
    const head = await requestHead(socket);
    heads.push(head);
    socket.write(accepting(head), "latin1");
    const frames = framesOf(socket);
    for (;;) {
      const next = await frames.next().catch(() => undefined);
      if (next === undefined) return;
      if (next.opcode === CLOSE) return socket.end(frame(CLOSE, next.payload));
      socket.write(frame(TEXT, next.payload));
    }
  };
  const serving = (socket: Socket) => void serve(socket);
  const server: Server = secure
    ? createTlsServer(certificates().server, serving).on("tlsClientError", () => {})
    : createServer(serving);
  server.on("connection", (socket: Socket) => {
    count++;
    open.add(socket.on("error", () => {}).on("close", () => open.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${secure ? "wss" : "ws"}://localhost:${port}/`,
    port,
    get count() {
      return count;
    },
    heads,
    heard: () => Buffer.concat(heard).toString("latin1"),
    close() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The option for that proxy, trusting it. */
export function through({ url }: Pick<ScriptedProxy, "url">): NonNullable<ConnectionOptions["proxy"]> {
  return url.startsWith("https") ? { url, tls: { ca: certificates().ca } } : url;
}

/** Nothing of the error is a secret, and it says where it happened. */
export function checkError(error: WebSocketError, url: string): void {
  expect(error.url).to.equal(url);
  expect(error.message).to.include(`[${url}]`);
  const shown = `${error.stack} ${JSON.stringify(error)} ${inspect(error)} ${inspect(error.cause)}`;
  expect(shown).not.to.match(PROXY_SECRETS).and.not.to.match(SERVER_SECRETS);
}

// What serve() takes, checked and with its defaults.

import { amount, ownProperties } from "../client/options.ts";
import { resolveTls } from "../client/tls-options.ts";
import { UsageError } from "../errors.ts";
import type { Host, HttpServer, ListenOptions, ServeTlsOptions } from "../transport/host.ts";
import { type AcceptOptions, type ResolvedAccept, resolveAccept } from "./accept-options.ts";
import type { AcceptedConnection } from "./accepted-connection.ts";
import type { ConnectionRequest } from "./connection-request.ts";

/** What serve() takes besides the options of accept(). Where to listen is one of `port`, `socketPath` and `server`. */
export interface ServeOptions extends AcceptOptions {
  /** The port to listen on; 0 for any that is free, which `port` of the server tells then. */
  readonly port?: number;
  /** The address or name to listen on. Default: all addresses. */
  readonly host?: string;
  /** Path of a Unix socket to listen on, in the place of port and host. */
  readonly socketPath?: string;
  /**
   * A server of node:http or node:https in the place of one that listens by itself: its requests for upgrades are taken, and
   * all else is left to it. Express listens with one (`app.listen()`), and fastify (`fastify.server`).
   */
  readonly server?: HttpServer;
  /** TLS: the certificate and its key. Default none. */
  readonly tls?: ServeTlsOptions;
  /**
   * The path that upgrades must be for, as `/chat`. Others are refused with 404; of a `server` that several serve() share they
   * go to that of their path, or to the one without; and who else listens for its upgrades is left what is for none of them.
   * Default: any.
   */
  readonly path?: string;
  /**
   * The most connections at once, with those that hooks are being asked about: whoever comes beyond them is refused with 503.
   * Default Infinity.
   */
  readonly maxConnections?: number;
  /**
   * Called with each connection. What it throws, or its promise rejects with, is told to onError, and the connection is closed
   * with 1011; but that the connection was lost, as `for await` and recv() tell, is no error.
   */
  readonly onConnection: (connection: AcceptedConnection) => unknown;
  /** Told of requests that did not become connections, and why: a RefusalError, or a TransportError for a client that left. */
  readonly onRefused?: (error: Error, request: ConnectionRequest | undefined) => unknown;
  /** Told of what failed on this side: onConnection, a hook, or the server itself. Default: it is printed. */
  readonly onError?: (error: Error, connection: AcceptedConnection | undefined) => unknown;
}

export interface ResolvedServe extends Pick<ServeOptions, "onConnection"> {
  readonly onRefused: ServeOptions["onRefused"] | undefined;
  readonly onError: ServeOptions["onError"] | undefined;
  readonly accept: ResolvedAccept;
  readonly server: HttpServer | undefined;
  readonly listen: ListenOptions;
  readonly path: string | undefined;
  readonly maxConnections: number;
}

/** Checks options. Throws UsageError. */
export function resolveServe(options: ServeOptions, host: Pick<Host, "checkTls">): ResolvedServe {
  const given = ownProperties(options);
  const { port, host: hostname, socketPath, server, tls, path, maxConnections, ...more } = given;
  const { onConnection, onRefused, onError, ...rest } = more;
  const accept = resolveAccept(ownProperties(rest));
  const functions = { onConnection, onRefused, onError };
  for (const [name, value] of Object.entries(functions)) {
    const isMissing = value === undefined && name !== "onConnection";
    if (!isMissing && typeof value !== "function") throw new UsageError(`${name} is a function`);
  }
  checkPlace(given);
  if (path !== undefined && !(typeof path === "string" && isPath(path)))
    throw new UsageError('path is one as urls have it, percent-encoded and without a query, like "/chat"');
  return {
    ...functions,
    accept,
    server,
    path,
    maxConnections: amount("maxConnections", maxConnections, Number.POSITIVE_INFINITY),
    listen: {
      port: port ?? 0,
      hostname,
      socketPath,
      tls: tls === undefined ? undefined : tlsOf(tls, host),
      timeout: accept.timeout,
    },
  };
}

function checkPlace({ port, host, socketPath, server, tls }: ServeOptions): void {
  const places = { port, socketPath, server };
  const given = Object.values(places).filter((place) => place !== undefined);
  if (given.length !== 1) throw new UsageError("where to listen is one of port, socketPath and server");
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 0x10000))
    throw new UsageError("port is an integer from 0 to 65535");
  for (const [name, value] of Object.entries({ host, socketPath })) {
    if (value !== undefined && (typeof value !== "string" || value === "" || value.includes("\0")))
      throw new UsageError(`${name} is a string, without NUL, that is not empty`);
  }
  if (host !== undefined && port === undefined) throw new UsageError("host goes with port");
  if (server === undefined) return;
  if (tls !== undefined) throw new UsageError("tls goes with a server that listens by itself");
  if (typeof server?.on !== "function" || typeof server.listenerCount !== "function")
    throw new UsageError("server is a server of node:http or node:https");
}

function isPath(path: string): boolean {
  return path.startsWith("/") && new URL(`ws://localhost${path}`).pathname === path;
}

function tlsOf(options: ServeTlsOptions, host: Pick<Host, "checkTls">): ServeTlsOptions {
  const given = ownProperties(options);
  const { requestCert, ca, cert, key, passphrase, minVersion, maxVersion, ...others } = given;
  for (const name of Object.keys(others))
    throw new UsageError(
      `there is no option ${JSON.stringify(`tls.${name}`)} of a server`,
      "ERR_WS_UNKNOWN_OPTION",
    );
  if (cert === undefined || key === undefined) throw new UsageError("tls of a server needs cert and key");
  if (requestCert !== undefined && typeof requestCert !== "boolean")
    throw new UsageError("tls.requestCert is true or false");
  if (requestCert === true && ca === undefined)
    throw new UsageError("tls.requestCert needs tls.ca, who signed the certificates of clients");
  const checked = resolveTls(ownProperties({ ...given, requestCert: undefined }), host);
  return { ...checked, ...(requestCert !== undefined && { requestCert }) };
}

// A server that listens by itself, or for the upgrades of one that is there already, and hands out connections.
//
// Nothing that a client does, and nothing that is thrown in a callback, ends the process: refusals, lost connections and
// failures are told, and cost no more than their connection.

import { notAnError } from "../client/callbacks.ts";
import type { CloseOptions } from "../client/connection.ts";
import { optionalDuration, optionsOf } from "../client/options.ts";
import { checkSocketClose } from "../client/socket-options.ts";
import { GOING_AWAY, INTERNAL_ERROR } from "../codec/close-code.ts";
import { ClosedError, HandshakeError, TransportError, WebSocketError } from "../errors.ts";
import { RefusalError } from "../handshake/refusal.ts";
import { onAbort } from "../session/abort-listeners.ts";
import type { Host, IncomingRequest, IncomingSocket, Listener } from "../transport/host.ts";
import { acceptIncoming, type Incoming, incomingOf } from "./accept.ts";
import type { AcceptedConnection } from "./accepted-connection.ts";
import { ConnectionGroup } from "./connection-group.ts";
import type { ConnectionRequest } from "./connection-request.ts";
import { type ResolvedServe, resolveServe, type ServeOptions } from "./serve-options.ts";
import { isFor, share, unshare } from "./shared-upgrades.ts";

/** What serve() is, once a runtime is chosen. */
export type Serve = (options: ServeOptions) => Promise<WebSocketServer>;

/** serve() for a runtime. */
export function serveWith(host: Host): Serve {
  return async (options) => {
    const resolved = resolveServe(options, host);
    const server = new WebSocketServer(host, resolved);
    await server.start();
    return server;
  };
}

/** Made by serve(). */
export class WebSocketServer {
  /** The connections that are open. */
  readonly connections: ConnectionGroup = new ConnectionGroup();
  readonly #host: Host;
  readonly #options: ResolvedServe;
  readonly #closing = new AbortController();
  /** To accept somebody; each fulfils when that is done, or has come to nothing. */
  readonly #attempts = new Set<Promise<void>>();
  /** Those that are open, and those that are being asked about. */
  #taken = 0;
  #listener: Listener | undefined;
  #callOff: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  /** For isosocket itself. */
  constructor(host: Host, options: ResolvedServe) {
    this.#host = host;
    this.#options = options;
  }

  /** For isosocket itself. */
  async start(): Promise<void> {
    const { server, listen, accept } = this.#options;
    accept.signal?.throwIfAborted();
    if (server !== undefined) {
      share(server, this.#options);
      server.on("upgrade", this.#upgrade);
    } else this.#listener = await this.#host.listen(listen, this.#upgrade, (error) => this.#fail(error));
    if (accept.signal === undefined) return;
    this.#callOff = onAbort(accept.signal, () => void this.close());
    if (accept.signal.aborted) await this.close();
    accept.signal.throwIfAborted();
  }

  /** The port that it listens on; undefined for a Unix socket, or a server of somebody else's. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  /** `ws://127.0.0.1:4040/`: where it can be reached from this machine; undefined where `port` is, but for a Unix socket. */
  get url(): string | undefined {
    const { listen, path = "/" } = this.#options;
    const scheme = listen.tls === undefined ? "ws" : "wss";
    if (listen.socketPath !== undefined) return `${scheme}+unix:${encodeURI(listen.socketPath)}:${path}`;
    if (this.#listener === undefined) return undefined;
    const { hostname = "localhost", port } = this.#listener;
    const reachable = hostname === "::" || hostname === "0.0.0.0" ? "localhost" : hostname;
    return `${scheme}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}${path}`;
  }

  /**
   * Listens no more, refuses who has not been accepted yet, and closes all connections. Fulfils when they are gone, which is
   * within `timeout` ms and one second; never rejects. A server of somebody else's goes on without us. A second call changes
   * nothing. Throws UsageError for a code or a reason that may not be sent, and for options that are wrong.
   */
  close(code: number = GOING_AWAY, reason = "", options: CloseOptions = {}): Promise<void> {
    checkSocketClose(code, reason);
    optionalDuration("the timeout of close", optionsOf(options, "timeout").timeout);
    this.#closed ??= this.#close(code, reason, options);
    return this.#closed;
  }

  /** Closes with 1001. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(code: number, reason: string, options: CloseOptions): Promise<void> {
    const { server } = this.#options;
    this.#callOff?.();
    if (server !== undefined) {
      server.off("upgrade", this.#upgrade);
      unshare(server, this.#options);
    }
    this.#closing.abort(new WebSocketError("ERR_WS_ABORTED", "the server is closing"));
    const stopped = this.#listener?.stop();
    const closeAll = () => this.connections.closeAll(code, reason, options);
    await Promise.all([closeAll(), Promise.all(this.#attempts).then(closeAll), stopped]);
  }

  readonly #upgrade = (request: IncomingRequest, socket: IncomingSocket, head: Uint8Array): void => {
    const { server } = this.#options;
    if (server !== undefined && !isFor(server, this.#options, pathOf(request.url))) return; // somebody else's
    const attempt = this.#take(() => incomingOf(this.#host, request, socket, head));
    this.#attempts.add(attempt);
    void attempt.then(() => this.#attempts.delete(attempt));
  };

  async #take(incoming: () => Incoming): Promise<void> {
    const { path, accept, maxConnections } = this.#options;
    const closing = this.#closing.signal;
    let asking: ConnectionRequest | undefined;
    const asked = (request: ConnectionRequest) => {
      asking = request;
      if (path !== undefined && request.path !== path)
        throw new RefusalError(404, {}, { why: "its path is not that of the option path" });
      if (this.#taken > maxConnections)
        throw new RefusalError(
          503,
          {},
          { why: `there are ${maxConnections} already (option maxConnections)` },
        );
    };
    let connection: AcceptedConnection;
    this.#taken++;
    try {
      connection = await acceptIncoming(this.#host, { ...incoming(), closing, asked }, accept);
    } catch (error) {
      this.#taken--;
      this.#refused(error, asking);
      return;
    }
    void connection.closed.then(() => this.#taken--);
    this.connections.add(connection);
    if (!closing.aborted) void this.#hand(connection);
  }

  async #hand(connection: AcceptedConnection): Promise<void> {
    try {
      await this.#options.onConnection(connection);
    } catch (error) {
      const isOpen = connection.state === "open";
      if (!isOpen && error instanceof ClosedError) return; // whoever used it is told that it is gone
      if (isOpen) void connection.close(INTERNAL_ERROR);
      this.#fail(error, connection);
    }
  }

  #refused(error: unknown, request: ConnectionRequest | undefined): void {
    const isOver = this.#closing.signal.aborted || this.#options.accept.signal?.aborted;
    if (!(isOver || error instanceof HandshakeError || error instanceof TransportError)) this.#fail(error);
    else this.#tell("onRefused", (onRefused) => onRefused(asError(error), request));
  }

  #fail(error: unknown, connection?: AcceptedConnection): void {
    if (this.#options.onError === undefined) console.error(error);
    else this.#tell("onError", (onError) => onError(asError(error), connection));
  }

  /** Calls what is the user's; what it throws is printed, as there is nobody left to tell. */
  #tell<Name extends "onRefused" | "onError">(
    name: Name,
    call: (callback: NonNullable<ResolvedServe[Name]>) => unknown,
  ): void {
    const callback = this.#options[name];
    if (callback === undefined) return;
    (async () => call(callback))().catch((error) => console.error(error));
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : notAnError("onConnection", thrown);
}

/** The path of a target as it stands in a request line; undefined for what is none. */
function pathOf(target = ""): string | undefined {
  return target.startsWith("/") ? new URL(`ws://localhost${target}`).pathname : undefined;
}

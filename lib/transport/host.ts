// What a runtime must offer to servers besides a platform: its http module's servers, and transports over their sockets. Types
// only; they name as much of node:http's as is used, so that nobody needs its declarations.

import type { Platform, TlsOptions, Transport } from "./transport.ts";

/** A request that asks for an upgrade: node:http's IncomingMessage. */
export interface IncomingRequest {
  /** `GET`, if it is right. */
  readonly method?: string | undefined;
  /** The target: path and query as they came. */
  readonly url?: string | undefined;
  /** `1.1`, if it is right. */
  readonly httpVersion: string;
  /** Names and values by turns. */
  readonly rawHeaders: readonly string[];
}

/** The socket of such a request, of node:net or node:tls. */
export interface IncomingSocket {
  /** It is gone. */
  readonly destroyed: boolean;
  /** Drops it at once. */
  destroy(): unknown;
}

/** A server of node:http or node:https; what express and fastify listen with is one. */
export interface HttpServer {
  /** As an EventEmitter's. */
  on(event: "upgrade", listener: UpgradeListener): unknown;
  /** As an EventEmitter's. */
  off(event: "upgrade", listener: UpgradeListener): unknown;
  /** As an EventEmitter's. */
  listenerCount(event: "upgrade"): number;
}

/** `head`: what the client sent behind the request. */
export type UpgradeListener = (request: IncomingRequest, socket: IncomingSocket, head: Uint8Array) => void;

/** TLS of a server, with Node's names. For what is not here, make a server of node:https and hand it over. */
export interface ServeTlsOptions
  extends Pick<TlsOptions, "ca" | "cert" | "key" | "passphrase" | "minVersion" | "maxVersion"> {
  /** Whether clients must have a certificate that one of `ca` signed. Default false. */
  readonly requestCert?: boolean;
}

export interface ListenOptions {
  /** 0 for any that is free. */
  readonly port: number;
  /** Undefined for all addresses. */
  readonly hostname: string | undefined;
  /** Path of a Unix socket, in the place of host and port. */
  readonly socketPath: string | undefined;
  readonly tls: ServeTlsOptions | undefined;
  /** Ms in which a client must have asked for an upgrade; Infinity for none. */
  readonly timeout: number;
}

/** A server that listens; it answers 426 to whatever asks for no upgrade. */
export interface Listener {
  /** Where it listens; undefined for a Unix socket. */
  readonly port: number | undefined;
  readonly hostname: string | undefined;
  /** Listens no more, and drops who has not asked yet. Fulfils when all connections are gone, upgraded ones too. */
  stop(): Promise<void>;
}

export interface Host extends Platform {
  /** A transport over an open socket, which is the transport's from here on. Throws UsageError for what is none. */
  adopt(socket: IncomingSocket): Adopted;
  /** Rejects with TransportError; `failed` is told what goes wrong later. */
  listen(options: ListenOptions, upgrade: UpgradeListener, failed: (error: Error) => void): Promise<Listener>;
}

export interface Adopted {
  readonly transport: Transport;
  /** TLS protects it. */
  readonly secure: boolean;
  /** It has ended already, at one side at least, and nobody will be told of it again. */
  readonly isGone: boolean;
}

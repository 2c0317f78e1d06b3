// One open WebSocket, messages in and out: the seam between what users hold and what carries their messages.

import type { DataOpcode } from "../codec/opcode.ts";
import type { CloseInfo, RawHeaders, WebSocketError } from "../errors.ts";
import type { DeflateRequest } from "../handshake/deflate-offer.ts";
import type { Target } from "../handshake/endpoint.ts";
import type { Exemption } from "../handshake/no-proxy.ts";
import type { ProxyServer } from "../handshake/proxy.ts";
import type { Delivery, Message } from "../protocol/assembler.ts";
import type { DeflateSettings } from "../protocol/compression.ts";
import type { Limits } from "../protocol/limits.ts";
import type { ProtocolState } from "../protocol/protocol.ts";
import type { Tolerance } from "../protocol/tolerance.ts";
import type { TransportOption } from "../transport/source.ts";
import type { TlsOptions } from "../transport/transport.ts";
import type { CookieStore } from "./cookies.ts";
import type { Trace } from "./trace.ts";

/** Above so many unsent bytes a peer counts as one that does not read, and who sends is made to wait. */
export const HIGH_WATER: number = 256 * 1024;

/** Who is told what happens in a session. None of these may throw. */
export interface SessionSink {
  message(data: Message): void;
  /** A piece of a message, where delivery is not `whole`. */
  piece(data: Message, opcode: DataOpcode, fin: boolean): void;
  pinged(payload: Uint8Array): void;
  ponged(payload: Uint8Array): void;
  /** What was sent has left; there is room again. */
  drain(): void;
  /** The last call. */
  ended(info: CloseInfo): void;
}

/** What the server answered to the upgrade. */
export interface UpgradeResponse {
  readonly status: number;
  readonly statusText: string;
  readonly rawHeaders: RawHeaders;
}

export interface Session {
  readonly url: string;
  /** The url fit for messages: no credentials, no query values. */
  readonly publicUrl: string;
  /** The subprotocol; "" for none. */
  readonly protocol: string;
  /** The extensions in use, as the server named them; "" for none. */
  readonly extensions: string;
  readonly response: UpgradeResponse;
  readonly secure: boolean;
  readonly localAddress: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly state: ProtocolState;
  /** Bytes that were sent and have not left the process. */
  readonly bufferedBytes: number;
  /** Bytes that were sent so far. */
  readonly sentBytes: number;
  /** Another number whenever there was a sign of life: bytes came, or those that waited could leave. */
  readonly activity: number;
  /** Another number whenever bytes came. */
  readonly heard: number;
  /** Whether there are pings and pongs. */
  readonly canPing: boolean;
  /** Nothing is read, as its user asked for. */
  readonly isPaused: boolean;
  delivery: Delivery;
  /** Copies bytes at once; `compress` false sends them as they are. Throws UsageError when not open, as the next three do. */
  send(data: Message, compress?: boolean): void;
  sendFragment(data: Message, isFirst: boolean, fin: boolean, compress?: boolean): void;
  /** `isLast`: behind all messages that were sent before, also those that wait to be compressed. */
  ping(payload: Uint8Array, isLast?: boolean): void;
  pong(payload: Uint8Array): void;
  /** Names who is told what happens, and begins to deliver. Until then a session keeps what arrives. */
  start(sink: SessionSink): void;
  pause(): void;
  resume(): void;
  /** Begins the closing handshake; `timeout` ms later the connection is dropped. Throws UsageError for what may not be sent. */
  close(code: number, reason: string, timeout: number): void;
  /** Drops the connection now; nothing more is delivered but ended(), which says `cause`. */
  destroy(cause?: WebSocketError): void;
  ref(): void;
  unref(): void;
}

/** What may differ from attempt to attempt. */
export interface OpenRequest {
  readonly target: Target;
  readonly headers: RawHeaders;
  readonly protocols: readonly string[];
  /** The Cookie header; undefined where there is none but what a jar says. */
  readonly cookies: string | undefined;
}

/** What opening a session depends on in every runtime; all defaults are filled in. */
export interface SessionOptions<Request> {
  /** The url fit for messages, where it is known before request() was called; else "". */
  readonly publicUrl: string;
  /** Called once for each attempt. */
  request(): Request | Promise<Request>;
  /** Deadline in ms over everything up to the end of the handshake; Infinity for none. */
  readonly timeout: number;
  /** Ms. */
  readonly closeTimeout: number;
  readonly signal: AbortSignal | undefined;
  /** Bytes. */
  readonly maxMessageSize: number;
}

/** A proxy that the user chose, and what only it is told. */
export interface ChosenProxy {
  readonly proxy: ProxyServer;
  /** Sent with a CONNECT. */
  readonly headers: RawHeaders;
  /** TLS with the proxy itself. */
  readonly tls: TlsOptions;
  /** Hosts that are connected to directly. */
  readonly exemptions: readonly Exemption[];
}

/** Everything that opening a session over a socket depends on. */
export interface OpenOptions extends SessionOptions<OpenRequest>, Limits {
  readonly requireProtocol: boolean;
  readonly origin: string | undefined;
  readonly host: string | undefined;
  readonly cookieJar: CookieStore | undefined;
  readonly redirect: "error" | "follow";
  readonly maxRedirects: number;
  readonly tls: TlsOptions;
  readonly socketPath: string | undefined;
  readonly connectTo: { readonly host: string; readonly port: number } | undefined;
  /** What carries the connection in the place of the platform's; undefined for none. */
  readonly transport: TransportOption | undefined;
  /** False for none, undefined for what the environment says. */
  readonly proxy: ChosenProxy | false | undefined;
  readonly localAddress: string | undefined;
  readonly family: 0 | 4 | 6;
  readonly noDelay: boolean;
  readonly keepAliveDelay: number | undefined;
  /** Bytes. */
  readonly maxHeaderSize: number;
  readonly utf8Validation: boolean;
  /** What of a peer's deviations is taken; undefined for nothing. */
  readonly tolerate?: readonly Tolerance[] | undefined;
  /** What to offer, and how to compress; undefined for nothing. */
  readonly perMessageDeflate: (DeflateRequest & DeflateSettings) | undefined;
  /** Told of each attempt that is made with these options. */
  readonly trace: Trace | undefined;
}

/**
 * Opens a session; who gives a controller, for that alone, can call it off. Rejects with a WebSocketError or the reason of a signal;
 * then nothing is left behind.
 */
export type Open<Options = OpenOptions> = (options: Options, callOff?: AbortController) => Promise<Session>;

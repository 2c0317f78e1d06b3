// What a user may give in the place of the runtime's own connections: a transport, a pair of streams, or a function that
// brings either.

import { UsageError } from "../errors.ts";
import { type ByteStreams, overStreams } from "./streams.ts";
import type { Transport } from "./transport.ts";

/** What carries one connection, from its upgrade on. */
export type TransportSource = Transport | ByteStreams;

/** Where a connection is to go. */
export interface TransportRequest {
  /** ws: or wss:, without credentials. */
  readonly url: string;
  /** Of wss: what is given is taken for the stream inside TLS; none is put over it. */
  readonly secure: boolean;
  /** Name or address, without the brackets of IPv6; "" for a Unix socket. */
  readonly hostname: string;
  /** 1 to 65535; the scheme's own where the url has none. */
  readonly port: number;
  /** Path of the Unix socket; undefined for TCP. */
  readonly socketPath: string | undefined;
  /** Aborted at the deadline, and by the user: what comes later is dropped. */
  readonly signal: AbortSignal;
  /** Connects as without the option `transport`: by the other options, with TLS, and through a proxy if there is one. */
  connect(): Promise<Transport>;
}

/** A value, which carries one connection, or a function that is called for each, redirects among them. */
export type TransportOption =
  | TransportSource
  | ((request: TransportRequest) => TransportSource | Promise<TransportSource>);

const METHODS = ["attach", "write", "pause", "resume", "end", "destroy", "ref", "unref"] as const;

/** Each carries one connection: what the one before left in it is not for the next. */
const used = new WeakSet<object>();

/** Whether a value is one of the two; a transport may have streams, too. */
export function isSource(value: unknown): value is TransportSource {
  if (typeof value !== "object" || value === null) return false;
  return isTransport(value) || isStreams(value);
}

function isTransport(value: object): value is Transport {
  return METHODS.every((name) => typeof Reflect.get(value, name) === "function");
}

function isStreams(value: object): value is ByteStreams {
  const { readable, writable } = value as Partial<ByteStreams>;
  return typeof readable?.getReader === "function" && typeof writable?.getWriter === "function";
}

/** Throws UsageError for what is neither, or carried a connection already. */
export function transportOver(source: unknown): Transport {
  if (!isSource(source))
    throw new UsageError(
      `a transport is { readable, writable }, two streams, or has the methods ${METHODS.join(", ")}`,
    );
  if (used.has(source))
    throw new UsageError(
      "the transport carried a connection already: give a function, which is called for each",
      "ERR_WS_INVALID_STATE",
    );
  used.add(source);
  return isTransport(source) ? source : overStreams(source);
}

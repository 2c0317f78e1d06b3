// What a server may ask of its connections, checked and with its defaults; a default is known here, or with the client's
// where it is the same.

import { type PerMessageDeflateOptions, resolveDeflate } from "../client/deflate-option.ts";
import { type TraceOption, traceOf } from "../client/enable-trace.ts";
import { heartbeat } from "../client/heartbeat.ts";
import type { KeepAliveOptions } from "../client/keep-alive.ts";
import {
  amount,
  flag,
  type HeadersSource,
  ownProperties,
  protocolList,
  type ResolvedOptions,
  refuseOthers,
  resolveShared,
  type SharedOptions,
} from "../client/options.ts";
import { checkSocketClose, headerFields } from "../client/socket-options.ts";
import { type RawHeaders, UsageError } from "../errors.ts";
import type { DeflateRequest } from "../handshake/deflate-offer.ts";
import { agreedProtocol } from "../handshake/upgrade-server.ts";
import type { DeflateSettings } from "../protocol/compression.ts";
import { DEFAULT_LIMITS, type Limits } from "../protocol/limits.ts";
import type { Trace } from "../session/trace.ts";
import type { ConnectionRequest } from "./connection-request.ts";

/**
 * What connections of a server may be asked for. `verify`, `chooseProtocol` and `headers` are called in that order, may be
 * async, and may throw a RefusalError; whatever else they throw is told to the client as 500, and to the server's owner alone.
 */
export interface AcceptOptions {
  /** Deadline in ms for those functions together, after which the client is told 503; 0 or Infinity for none. Default 10 000. */
  readonly timeout?: number;
  /** Ms in which the client must answer a Close frame before the connection is dropped; Infinity for no bound. Default 3 000. */
  readonly closeTimeout?: number;
  /** Aborted: what is not accepted yet is refused with 503, and an open connection is dropped. */
  readonly signal?: AbortSignal;
  /**
   * The origins of pages that may connect: `https://example.com`, or `null` for pages that have none. Requests of others are
   * refused with 403; those without an Origin header are not from a page, and pass. Default: all.
   */
  readonly origins?: string | readonly string[];
  /** Whether a client may connect: undefined or true if it may, and false to refuse it with 403. */
  readonly verify?: (request: ConnectionRequest) => unknown;
  /** The subprotocols that this server speaks, best first; the first that the client offers, too, is chosen. Default none. */
  readonly protocols?: string | readonly string[];
  /** In the place of `protocols`: one of those that the client offers, or undefined for none. Called if there are some. */
  readonly chooseProtocol?: (
    offered: readonly string[],
    request: ConnectionRequest,
  ) => string | undefined | Promise<string | undefined>;
  /** Sent with the 101, behind the handshake's own. A function is called for each request. */
  readonly headers?: HeadersSource | ((request: ConnectionRequest) => HeadersSource | Promise<HeadersSource>);
  /** Pings, and the end of a connection whose client is silent; true for the defaults. Default true. */
  readonly keepAlive?: boolean | KeepAliveOptions;
  /** The largest message taken, in bytes; Infinity for no limit. Default 100 MiB. */
  readonly maxMessageSize?: number;
  /** The most frames that a message may come in; Infinity for no limit. Default 131 072. */
  readonly maxFragments?: number;
  /** Messages that may wait for recv() before the client is made to wait. Default 1 024; a mebibyte of them counts as full too. */
  readonly maxQueue?: number;
  /** Unsent bytes beyond which send() refuses; Infinity for no limit. Default 64 MiB. */
  readonly maxBufferedAmount?: number;
  /** False: text that is not UTF-8 is taken, with U+FFFD in its place. Default true. */
  readonly utf8Validation?: boolean;
  /** Where the trace goes. Default: as enableTrace() says. */
  readonly trace?: TraceOption;
  /**
   * Whether compression (RFC 7692) is agreed to where a client offers it, and how; true for the defaults. Of the options the
   * `server...` are about what is sent here, the `client...` about what is asked of the client. Default false.
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions;
}

export interface ResolvedAccept
  extends SharedOptions,
    Limits,
    Pick<ResolvedOptions, "heartbeat" | "checkClose"> {
  readonly utf8Validation: boolean;
  readonly perMessageDeflate: (DeflateRequest & DeflateSettings) | undefined;
  /** Undefined for all. */
  readonly origins: readonly string[] | undefined;
  readonly verify: (request: ConnectionRequest) => unknown;
  readonly chooseProtocol: (offered: readonly string[], request: ConnectionRequest) => unknown;
  readonly headers: (request: ConnectionRequest) => RawHeaders | Promise<RawHeaders>;
  /** One for each connection. */
  readonly newTrace: () => Trace | undefined;
}

/** Those that are not shared with clients. */
const OWN: readonly (keyof AcceptOptions)[] = [
  "origins",
  "verify",
  "protocols",
  "chooseProtocol",
  "headers",
  "keepAlive",
  "maxFragments",
  "utf8Validation",
  "trace",
  "perMessageDeflate",
];

/** Checks options. Throws UsageError. */
export function resolveAccept(options: AcceptOptions = {}): ResolvedAccept {
  const given = ownProperties(options);
  const { headers, ...others } = given;
  const { trace, keepAlive = true } = given;
  const shared = resolveShared(ownProperties(others));
  refuseOthers(given, [...Object.keys(shared), ...OWN]);
  traceOf(trace); // for its complaints
  return {
    ...shared,
    maxFragments: amount("maxFragments", given.maxFragments, DEFAULT_LIMITS.maxFragments),
    utf8Validation: flag("utf8Validation", given.utf8Validation, true),
    perMessageDeflate: resolveDeflate(given.perMessageDeflate),
    heartbeat: heartbeat(keepAlive),
    checkClose: checkSocketClose,
    origins: given.origins === undefined ? undefined : originList(given.origins),
    verify: hook("verify", given.verify) ?? (() => true),
    chooseProtocol: chooser(given),
    headers: headersHook(headers),
    newTrace: () => traceOf(trace),
  };
}

function hook<Hook>(name: string, value: Hook | undefined): Hook | undefined {
  if (value === undefined || typeof value === "function") return value;
  throw new UsageError(`${name} is a function`);
}

function chooser({ protocols, chooseProtocol }: AcceptOptions): ResolvedAccept["chooseProtocol"] {
  const spoken = protocolList(protocols ?? []);
  if (chooseProtocol === undefined) return (offered) => agreedProtocol(offered, spoken);
  if (protocols !== undefined)
    throw new UsageError("protocols and chooseProtocol both choose: give one of them");
  return hook("chooseProtocol", chooseProtocol) as ResolvedAccept["chooseProtocol"];
}

function headersHook(headers: AcceptOptions["headers"]): ResolvedAccept["headers"] {
  if (typeof headers === "function") return async (request) => headerFields(await headers(request));
  const fields = headerFields(headers ?? []);
  return () => fields;
}

function originList(source: string | readonly string[]): readonly string[] {
  const list: readonly unknown[] = Array.isArray(source) ? source : [source];
  return list.map((origin) => {
    if (origin === "null" || (typeof origin === "string" && originOf(origin) === origin)) return origin;
    throw new UsageError('origins are as browsers send them, like "https://example.com:8443", or "null"');
  });
}

function originOf(url: string): string | undefined {
  try {
    const { origin, protocol, host } = new URL(url);
    return origin === "null" ? `${protocol}//${host}` : origin; // of extensions, and apps that are pages
  } catch {
    return undefined;
  }
}

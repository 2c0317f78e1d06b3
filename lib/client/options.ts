// What users may ask for, and the checks that all runtimes share; a default is known in one place, here or in the file of
// the options that only sockets, or only browsers, know. Unknown options throw, and so do those that this version or the
// runtime does not honour: nothing is ignored.

import { UsageError } from "../errors.ts";
import { isToken } from "../handshake/http.ts";
import { DEFAULT_LIMITS } from "../protocol/limits.ts";
import type { Session } from "../session/session.ts";
import type { TlsOptions } from "../transport/transport.ts";
import type { TraceOption } from "./enable-trace.ts";

/** A value, or a function that gives it anew for each attempt. */
export type Provider<Value> = Value | (() => Value | Promise<Value>);

/** Header fields as the web's `Headers` takes them; a record's value may be a list, for a field that comes several times. */
export type HeadersSource =
  | Headers
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[]>>;

/**
 * What a connection may be asked for. A browser honours `timeout`, `closeTimeout`, `signal`, `protocols`, `maxMessageSize`,
 * `maxQueue` (beyond which it cannot make a peer wait) and `maxBufferedAmount`; whatever needs a socket throws there.
 */
export interface ConnectionOptions {
  /** Deadline in ms over name resolution, TCP, TLS and the handshake together; 0 or Infinity for none. Default 10 000. */
  readonly timeout?: number;
  /** Ms in which the peer must answer a Close frame before the connection is dropped; Infinity for no bound. Default 3 000. */
  readonly closeTimeout?: number;
  /** Aborts in any phase: an attempt rejects with the signal's reason, an open connection is dropped. */
  readonly signal?: AbortSignal;
  /** Sent behind the handshake's own headers. A function is called for each attempt. */
  readonly headers?: Provider<HeadersSource>;
  /** The subprotocols to offer, best first. */
  readonly protocols?: Provider<string | readonly string[]>;
  /** Whether the server must choose one of `protocols`. Default true. */
  readonly requireProtocol?: boolean;
  /** The Origin header. Default none. */
  readonly origin?: string;
  /** The Host header. Default from the url. */
  readonly host?: string;
  /** TLS, with Node's names. Certificates are verified unless it says otherwise. */
  readonly tls?: TlsOptions;
  /** Path of a Unix socket to connect to, in the place of the url's host. */
  readonly socketPath?: string;
  /** Host and port to dial in the place of the url's; the request and the certificate stay those of the url. */
  readonly connectTo?: { readonly host: string; readonly port: number };
  /** Local address to connect from. */
  readonly localAddress?: string;
  /** Only addresses of this family. Default 0, both. */
  readonly family?: 0 | 4 | 6;
  /** Whether small writes leave at once (TCP_NODELAY). Default true. */
  readonly noDelay?: boolean;
  /** TCP's own probes: idle ms before the first, at least 1 000 and in whole seconds, or false for none. Default false. */
  readonly keepAliveSocket?: number | false;
  /** The largest message taken, in bytes; Infinity for no limit. Default 100 MiB. */
  readonly maxMessageSize?: number;
  /** The most frames that a message may come in; Infinity for no limit. Default 131 072. */
  readonly maxFragments?: number;
  /** The largest head of a response taken, in bytes. Default 65 536. */
  readonly maxHeaderSize?: number;
  /** Messages that may wait for recv() before the peer is made to wait. Default 1 024; a mebibyte of them counts as full too. */
  readonly maxQueue?: number;
  /** Unsent bytes beyond which send() refuses; Infinity for no limit. Default 64 MiB. */
  readonly maxBufferedAmount?: number;
  /** False: text that is not UTF-8 is taken, with U+FFFD in its place. Default true. */
  readonly utf8Validation?: boolean;
  /** Where the trace goes. Default: as enableTrace() says. */
  readonly trace?: TraceOption;
  /** Must be false or absent: messages are not compressed by this version. */
  readonly perMessageDeflate?: false;
  /** Must be "error" or absent: redirects are not followed by this version. */
  readonly redirect?: "error";
  /** Must be false or absent: this version connects directly. */
  readonly proxy?: false;
}

export interface SharedOptions {
  /** Ms; Infinity for none. */
  readonly timeout: number;
  /** Ms. */
  readonly closeTimeout: number;
  readonly signal: AbortSignal | undefined;
  /** Bytes. */
  readonly maxMessageSize: number;
  readonly maxQueue: number;
  /** Bytes. */
  readonly maxBufferedAmount: number;
}

/** What a runtime makes of url and options: all is checked, functions among them are called and checked when it opens. */
export interface ResolvedOptions {
  /** Ms. */
  readonly closeTimeout: number;
  readonly maxQueue: number;
  readonly maxBufferedAmount: number;
  /** Opens a session. Rejects with a WebSocketError or the reason of the signal; then nothing is left behind. */
  open(): Promise<Session>;
  /** Throws UsageError for a code or a reason that may not be sent. */
  checkClose(code: number, reason: string): void;
}

/**
 * A runtime, as clients see it: checks url and options, and knows how to open what they ask for. Throws UsageError, also for
 * `callbacks`, the names of those that an app has, if one of them would never be called.
 */
export type Resolve = (
  url: Provider<string | URL>,
  options?: ConnectionOptions,
  callbacks?: readonly string[],
) => ResolvedOptions;

/** Options of later versions, and the values that mean what this version does. */
const NOT_YET: Record<string, unknown> = {
  perMessageDeflate: false,
  redirect: "error",
  proxy: false,
  reconnect: false,
  keepAlive: false,
  maxRedirects: undefined,
  cookies: undefined,
  transport: undefined,
  outbox: undefined,
};

const MAX_TIMER_MS = 2 ** 31 - 1;

/** The options that mean the same in every runtime, under their own names. */
export function resolveShared(given: ConnectionOptions): SharedOptions {
  return {
    timeout: duration("timeout", given.timeout, 10_000) || Number.POSITIVE_INFINITY,
    closeTimeout: duration("closeTimeout", given.closeTimeout, 3_000),
    signal: abortSignal("signal", given.signal),
    maxMessageSize: amount("maxMessageSize", given.maxMessageSize, DEFAULT_LIMITS.maxMessageSize),
    maxQueue: amount("maxQueue", given.maxQueue, 1024),
    maxBufferedAmount: amount("maxBufferedAmount", given.maxBufferedAmount, 64 * 1024 * 1024),
  };
}

/** Throws for options that are not known, and for those of later versions. */
export function refuseOthers(given: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(given)) {
    if (known.includes(name) || value === undefined) continue;
    if (!Object.hasOwn(NOT_YET, name))
      throw new UsageError(`there is no option ${JSON.stringify(name)}`, "ERR_WS_UNKNOWN_OPTION");
    if (value !== NOT_YET[name]) {
      throw new UsageError(
        `option ${name} is not supported by this version of isosocket`,
        "ERR_WS_UNSUPPORTED",
      );
    }
  }
}

/** The caller's own properties alone: what somebody put on Object.prototype is nobody's option. */
export function ownProperties<Options extends object>(options: Options): Options {
  if (typeof options !== "object" || options === null) throw new UsageError("options are an object");
  return Object.assign(Object.create(null), options);
}

/** Options with others as their defaults; one that is undefined is not given. */
export function withDefaults<Options extends object>(
  defaults: Options,
  options: Options | undefined,
): Options {
  const given = Object.entries(ownProperties(options ?? {})).filter(([, value]) => value !== undefined);
  return Object.assign(ownProperties(defaults), Object.fromEntries(given));
}

/** What is fixed is checked at once, so that a mistake throws where it was made; what a function gives, when it gives it. */
export function provide<Raw, Value>(
  source: Provider<Raw>,
  check: (raw: Raw) => Value,
): Value | (() => Promise<Value>) {
  if (typeof source !== "function") return check(source);
  const call = source as () => Raw | Promise<Raw>;
  return async () => check(await call());
}

/** The subprotocols to offer. Throws UsageError. */
export function protocolList(source: string | readonly string[]): readonly string[] {
  if (typeof source !== "string" && !Array.isArray(source))
    throw new UsageError("protocols are a string or a list of strings");
  const list: readonly string[] = typeof source === "string" ? [source] : [...source];
  for (const protocol of list) {
    if (typeof protocol !== "string" || !isToken(protocol)) {
      throw new UsageError(
        `${JSON.stringify(protocol)} is not a subprotocol: those are tokens, like header names`,
      );
    }
  }
  if (new Set(list).size !== list.length) throw new UsageError("a subprotocol is offered twice");
  return list;
}

/** A number of milliseconds, checked. Throws UsageError. */
export function duration(name: string, value: number | undefined, otherwise: number): number {
  return optionalDuration(name, value) ?? otherwise;
}

export function optionalDuration(name: string, value: number | undefined): number | undefined {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return value;
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_TIMER_MS)) {
    throw new UsageError(`${name} is a number of milliseconds up to ${MAX_TIMER_MS}, or Infinity`);
  }
  return value;
}

export function amount(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value > 0)) return value;
  throw new UsageError(`${name} is a positive integer, or Infinity for no limit`);
}

export function flag(name: string, value: boolean | undefined, otherwise: boolean): boolean {
  if (value !== undefined && typeof value !== "boolean") throw new UsageError(`${name} is true or false`);
  return value ?? otherwise;
}

/** Throws UsageError for what is none. */
export function abortSignal(name: string, value: AbortSignal | undefined): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw new UsageError(`${name} is an AbortSignal`);
}

// What users may ask for, and the checks that all runtimes share; a default is known in one place, here or in the file of
// the options that only sockets, or only browsers, know. Unknown options throw, and so do those that this version or the
// runtime does not honour: nothing is ignored.

import { UsageError } from "../errors.ts";
import { isToken } from "../handshake/http.ts";
import { DEFAULT_LIMITS } from "../protocol/limits.ts";
import type { Tolerance } from "../protocol/tolerance.ts";
import type { Session } from "../session/session.ts";
import type { Trace } from "../session/trace.ts";
import type { TransportOption } from "../transport/source.ts";
import type { TlsOptions } from "../transport/transport.ts";
import type { CookiesOption } from "./cookies.ts";
import type { PerMessageDeflateOptions } from "./deflate-option.ts";
import type { TraceOption } from "./enable-trace.ts";
import type { Heartbeat, SendBeat } from "./heartbeat.ts";
import type { KeepAliveOptions } from "./keep-alive.ts";
import type { ProxyOption } from "./proxy-option.ts";

/** A value, or a function that gives it anew for each attempt. */
export type Provider<Value> = Value | (() => Value | Promise<Value>);

/** Header fields as the web's `Headers` takes them; a record's value may be a list, for a field that comes several times. */
export type HeadersSource =
  | Headers
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[]>>;

/**
 * What a connection may be asked for. A browser honours `timeout`, `closeTimeout`, `signal`, `protocols`, `maxMessageSize`,
 * `maxQueue` (beyond which it cannot make a peer wait), `maxBufferedAmount` and `keepAlive` with a message; whatever needs a
 * socket throws there.
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
  /**
   * Cookies to send: the Cookie header, a record, a function that gives either for each attempt, or a jar, which is told of
   * what servers set: a CookieJar, one of npm's tough-cookie, or whatever has get(url) and set(url, line). Default none.
   */
  readonly cookies?: CookiesOption;
  /**
   * Whether a redirect is followed, or is an error. Another origin is told nothing that was meant for the first: no
   * credentials, `headers`, `cookies` (but those of a jar), `host`, `connectTo`, client certificate. Default "error".
   */
  readonly redirect?: "error" | "follow";
  /** The most redirects that are followed on the way to a connection; Infinity for no limit. Default 5. */
  readonly maxRedirects?: number;
  /**
   * TLS, with Node's names. Certificates are verified unless it says otherwise. For a ws url it throws, unless redirects are
   * followed; among the defaults of createClient() it is for wss urls.
   */
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
  /** Pings, and the end of a connection whose peer is silent; true for the defaults. In a browser with a message. Default false. */
  readonly keepAlive?: boolean | KeepAliveOptions;
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
  /** Deviations of servers from the RFCs that are taken, by name; the trace has a warning for each that was. Default none. */
  readonly tolerate?: readonly Tolerance[];
  /** Where the trace goes. Default: as enableTrace() says. */
  readonly trace?: TraceOption;
  /**
   * Whether to offer compression (RFC 7692), and how to compress; true for the defaults. A server that does not know it is
   * talked to without. In a browser, which compresses as it likes, it can only be false or absent. Default false.
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions;
  /**
   * The proxy to connect through: its url, or more about it; false for none. Default: what the environment says, by
   * `http_proxy` for ws and `https_proxy` for wss, else `all_proxy`, but for the hosts of `no_proxy`; in Deno, as far as
   * the program may read those variables. A connection never goes directly because a proxy failed.
   */
  readonly proxy?: ProxyOption;
  /**
   * What carries the connection in the place of the runtime's own: `{ readable, writable }`, two streams of bytes, a
   * Transport, or a function that brings either. A value is for one connection; a function is called for each attempt and
   * each redirect, is told where to, and may connect() by the other options. For a wss url it is to be the stream inside
   * TLS: none is put over it. Default: the runtime's sockets.
   */
  readonly transport?: TransportOption;
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
  /** Begins to keep a session alive. */
  readonly heartbeat: ((session: Session, send: SendBeat) => Heartbeat) | undefined;
  /** Calls when the network is said to be there again, until what it returns is called; only where a runtime says so. */
  readonly onOnline?: ((call: () => void) => () => void) | undefined;
  /** Where a line is added for what happens besides, if anywhere. */
  readonly trace?: Pick<Trace, "note"> | undefined;
  /** As Open does. */
  open(callOff?: AbortController): Promise<Session>;
  /** Throws UsageError for a code or a reason that may not be sent. */
  checkClose(code: number, reason: string): void;
  /** Throws UsageError where a message cannot be asked to be compressed or not; only where a runtime has no such choice. */
  readonly checkCompress?: ((compress: boolean | undefined) => void) | undefined;
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

/** Options of WebSocketApp, and the values that mean what a single connection does. */
const OF_APPS: Record<string, unknown> = {
  reconnect: false,
  outbox: undefined,
};

/** The longest time, in ms, that a timer waits. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

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

/** Throws for options that are not known, and for those of apps. */
export function refuseOthers(given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    const value = (given as Record<string, unknown>)[name];
    if (known.includes(name) || value === undefined) continue;
    if (Object.hasOwn(OF_APPS, name)) {
      if (value === OF_APPS[name]) continue;
      throw new UsageError(`option ${name} belongs to the constructor of WebSocketApp`, "ERR_WS_UNSUPPORTED");
    }
    throw new UsageError(`there is no option ${JSON.stringify(name)}`, "ERR_WS_UNKNOWN_OPTION");
  }
}

/**
 * The caller's own properties alone: what somebody put on Object.prototype is nobody's option. Not by Object.create(null),
 * which makes a dictionary: 140 bytes more of each, and slower to read.
 */
export function ownProperties<Options extends object>(options: Options): Options {
  if (typeof options !== "object" || options === null) throw new UsageError("options are an object");
  return Object.setPrototypeOf({ ...options }, null);
}

/** The options of a single call, which knows no others. Throws UsageError. */
export function optionsOf<Options extends object>(
  options: Options,
  ...known: readonly (keyof Options & string)[]
): Options {
  const given = ownProperties(options);
  refuseOthers(given, known);
  return given;
}

/** Options that the user has an object for, and keeps: it is called. A copy would be another one. */
const CALLED = ["cookies", "trace", "transport"];

/** Options as they are now, down to the last list: what becomes of the user's objects later changes nothing. */
export function copyOf<Options extends object>(options: Options): Options {
  return copied(ownProperties(options)) as Options;
}

/** Copies what is plain; an iterable of headers can be gone through just once. */
function copied(value: unknown, name = ""): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value) || (name === "headers" && Symbol.iterator in value))
    return Array.from(value as Iterable<unknown>, (item) => copied(item));
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value;
  const entries = Object.entries(value);
  if (CALLED.includes(name) && entries.some(([, item]) => typeof item === "function")) return value;
  return ownProperties(Object.fromEntries(entries.map(([key, item]) => [key, copied(item, key)])));
}

/** Options with others as their defaults; one that is undefined is not given. */
export function withDefaults<Options extends object>(
  defaults: Options,
  options: Options | undefined,
): Options {
  const given = ownProperties(options ?? ({} as Options));
  const names = Object.keys(given) as (keyof Options)[];
  if (names.every((name) => given[name] === undefined)) return defaults;
  const merged = ownProperties(defaults);
  for (const name of names) if (given[name] !== undefined) merged[name] = given[name];
  return merged;
}

/** Whether there is no TLS on the way to that url: it is fixed, and no redirect is followed to another. */
export function isPlain(url: Provider<string | URL>, redirect: ConnectionOptions["redirect"]): boolean {
  return typeof url !== "function" && redirect !== "follow" && /^(ws|http)[:+]/i.test(String(url));
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
  for (const [i, protocol] of list.entries()) {
    // Some are tokens that let one in, so they are not shown.
    if (typeof protocol !== "string" || !isToken(protocol))
      throw new UsageError(`protocols[${i}] is not a subprotocol: those are tokens, like header names`);
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

// What users may ask for, checked and completed once: resolve() is the only place that knows a default.
// Unknown options throw, and so do those that this version does not honour: nothing is ignored.

import { UsageError } from "../errors.ts";
import { parseTarget } from "../handshake/endpoint.ts";
import { checkField, DEFAULT_MAX_HEADER_SIZE, isToken } from "../handshake/http.ts";
import { RESERVED_HEADERS } from "../handshake/upgrade-client.ts";
import { DEFAULT_LIMITS } from "../protocol/limits.ts";
import type { OpenOptions, OpenRequest } from "../session/session.ts";
import type { TlsOptions } from "../transport/transport.ts";
import { type TraceOption, traceSink } from "./enable-trace.ts";

/** A value, or a function that gives it anew for each attempt. */
export type Provider<Value> = Value | (() => Value | Promise<Value>);

/** Header fields as the web's `Headers` takes them; a record's value may be a list, for a field that comes several times. */
export type HeadersSource =
  | Headers
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[]>>;

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
  /** TCP's own probes: idle ms before the first, or false for none. Default false. */
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

/** Everything resolved: what opening depends on, and what the client keeps to itself. */
export interface ResolvedOptions extends OpenOptions {
  readonly maxQueue: number;
  readonly maxBufferedAmount: number;
}

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

/** Checks url and options. Throws UsageError; functions among them are called for each attempt, and checked then. */
export function resolve(url: Provider<string | URL>, options: ConnectionOptions = {}): ResolvedOptions {
  const given = ownProperties(options);
  const resolved = {
    timeout: duration("timeout", given.timeout, 10_000) || Number.POSITIVE_INFINITY,
    closeTimeout: duration("closeTimeout", given.closeTimeout, 3_000),
    signal: abortSignal("signal", given.signal),
    requireProtocol: flag("requireProtocol", given.requireProtocol, true),
    origin: fieldValue("Origin", given.origin),
    host: fieldValue("Host", given.host),
    tls: tls(given.tls),
    socketPath: text("socketPath", given.socketPath),
    connectTo: connectTo(given.connectTo),
    localAddress: text("localAddress", given.localAddress),
    family: family(given.family),
    noDelay: flag("noDelay", given.noDelay, true),
    keepAliveDelay:
      given.keepAliveSocket === false
        ? undefined
        : optionalDuration("keepAliveSocket", given.keepAliveSocket),
    maxMessageSize: amount("maxMessageSize", given.maxMessageSize, DEFAULT_LIMITS.maxMessageSize),
    maxFragments: amount("maxFragments", given.maxFragments, DEFAULT_LIMITS.maxFragments),
    maxHeaderSize: amount("maxHeaderSize", given.maxHeaderSize, DEFAULT_MAX_HEADER_SIZE),
    maxQueue: amount("maxQueue", given.maxQueue, 1024),
    maxBufferedAmount: amount("maxBufferedAmount", given.maxBufferedAmount, 64 * 1024 * 1024),
    utf8Validation: flag("utf8Validation", given.utf8Validation, true),
    trace: traceSink(given.trace),
    ...provideRequest(url, given.headers, given.protocols),
  };
  refuseOthers(given, KNOWN);
  return resolved;
}

const KNOWN: ReadonlySet<string> = new Set<keyof ConnectionOptions>([
  "timeout",
  "closeTimeout",
  "signal",
  "headers",
  "protocols",
  "requireProtocol",
  "origin",
  "host",
  "tls",
  "socketPath",
  "connectTo",
  "localAddress",
  "family",
  "noDelay",
  "keepAliveSocket",
  "maxMessageSize",
  "maxFragments",
  "maxHeaderSize",
  "maxQueue",
  "maxBufferedAmount",
  "utf8Validation",
  "trace",
]);

/** Throws for options that are not known, and for those of later versions. */
export function refuseOthers(given: object, known: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(given)) {
    if (known.has(name) || value === undefined) continue;
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
function provideRequest(
  url: Provider<string | URL>,
  headers: ConnectionOptions["headers"],
  protocols: ConnectionOptions["protocols"],
): Pick<OpenOptions, "publicUrl" | "request"> {
  const target = provide(url, parseTarget);
  const fields = provide(headers ?? [], headerFields);
  const offers = provide(protocols ?? [], protocolList);
  const parts = [target, fields, offers] as const;
  if (typeof target !== "function" && typeof fields !== "function" && typeof offers !== "function") {
    return { publicUrl: target.publicUrl, request: () => ({ target, headers: fields, protocols: offers }) };
  }
  const request = async () => {
    const [target, headers, protocols] = await Promise.all(
      parts.map((part) => (typeof part === "function" ? part() : part)),
    );
    return { target, headers, protocols } as OpenRequest;
  };
  return { publicUrl: typeof target === "function" ? "" : target.publicUrl, request };
}

function provide<Raw, Value>(
  source: Provider<Raw>,
  check: (raw: Raw) => Value,
): Value | (() => Promise<Value>) {
  if (typeof source !== "function") return check(source);
  const call = source as () => Raw | Promise<Raw>;
  return async () => check(await call());
}

function headerFields(source: HeadersSource): [string, string][] {
  if (typeof source !== "object" || source === null) throw notHeaders();
  const entries: Iterable<unknown> = Symbol.iterator in source ? source : recordEntries(source);
  return Array.from(entries, (entry) => {
    if (!Array.isArray(entry) || entry.length !== 2) throw notHeaders();
    return headerField(entry[0], entry[1]);
  });
}

/** A list as value stands for a field that comes several times. */
function recordEntries(record: Readonly<Record<string, string | readonly string[]>>): [string, unknown][] {
  return Object.entries(ownProperties(record)).flatMap(([name, value]) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.map((item): [string, unknown] => [name, item]);
  });
}

function notHeaders(): UsageError {
  return new UsageError("headers are a record of strings, a list of pairs [name, value], or Headers");
}

function headerField(name: unknown, value: unknown): [string, string] {
  if (typeof name !== "string" || typeof value !== "string") {
    throw new UsageError(
      `header ${JSON.stringify(name)} is to be a string, and is ${value === null ? "null" : typeof value}`,
    );
  }
  checkField(name, value);
  if (RESERVED_HEADERS.includes(name.toLowerCase())) {
    throw new UsageError(
      `header ${name} belongs to the handshake: use the option for it (host, protocols), if there is one`,
    );
  }
  return [name, value];
}

function protocolList(source: string | readonly string[]): readonly string[] {
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

function optionalDuration(name: string, value: number | undefined): number | undefined {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return value;
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_TIMER_MS)) {
    throw new UsageError(`${name} is a number of milliseconds up to ${MAX_TIMER_MS}, or Infinity`);
  }
  return value;
}

function amount(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value > 0)) return value;
  throw new UsageError(`${name} is a positive integer, or Infinity for no limit`);
}

function flag(name: string, value: boolean | undefined, otherwise: boolean): boolean {
  if (value !== undefined && typeof value !== "boolean") throw new UsageError(`${name} is true or false`);
  return value ?? otherwise;
}

function text(name: string, value: string | undefined): string | undefined {
  if (value !== undefined && (typeof value !== "string" || value === "" || value.includes("\0"))) {
    throw new UsageError(`${name} is a string, without NUL, that is not empty`);
  }
  return value;
}

function fieldValue(header: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw new UsageError(`the ${header} header is a string`);
  checkField(header, value);
  return value;
}

function family(value: ConnectionOptions["family"]): 0 | 4 | 6 {
  if (value === undefined || value === 0 || value === 4 || value === 6) return value ?? 0;
  throw new UsageError("family is 4, 6, or 0 for both");
}

/** Throws UsageError for what is none. */
export function abortSignal(name: string, value: AbortSignal | undefined): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw new UsageError(`${name} is an AbortSignal`);
}

function connectTo(value: ConnectionOptions["connectTo"]): ConnectionOptions["connectTo"] {
  if (value === undefined) return undefined;
  const { host, port } = ownProperties(value);
  if (typeof host !== "string" || host === "" || !(Number.isInteger(port) && port > 0 && port < 0x10000)) {
    throw new UsageError("connectTo is { host, port } with a port from 1 to 65535");
  }
  return { host, port };
}

const TLS_OPTIONS: ReadonlySet<string> = new Set<keyof TlsOptions>([
  "ca",
  "cert",
  "key",
  "pfx",
  "passphrase",
  "crl",
  "servername",
  "rejectUnauthorized",
  "ciphers",
  "ecdhCurve",
  "sigalgs",
  "minVersion",
  "maxVersion",
]);

function tls(value: TlsOptions | undefined): TlsOptions {
  if (value === undefined) return {};
  const given = ownProperties(value);
  for (const name of Object.keys(given)) {
    if (!TLS_OPTIONS.has(name))
      throw new UsageError(`there is no option tls.${name}`, "ERR_WS_UNKNOWN_OPTION");
  }
  flag("tls.rejectUnauthorized", given.rejectUnauthorized, true);
  return given;
}

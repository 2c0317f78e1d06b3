// Options as runtimes with sockets honour them: all that there are.

import { webText } from "../bytes/utf8.ts";
import { checkClose } from "../codec/close-code.ts";
import { UsageError } from "../errors.ts";
import { parseTarget } from "../handshake/endpoint.ts";
import { checkField, DEFAULT_MAX_HEADER_SIZE } from "../handshake/http.ts";
import { RESERVED_HEADERS } from "../handshake/upgrade-client.ts";
import { DEFAULT_LIMITS } from "../protocol/limits.ts";
import { TOLERANCES } from "../protocol/tolerance.ts";
import { checkVain } from "../session/own-transport.ts";
import type { Open, OpenOptions, OpenRequest } from "../session/session.ts";
import { isSource } from "../transport/source.ts";
import type { Platform, TlsOptions } from "../transport/transport.ts";
import { resolveCookies } from "./cookies.ts";
import { resolveDeflate } from "./deflate-option.ts";
import { traceOf } from "./enable-trace.ts";
import { heartbeat } from "./heartbeat.ts";
import {
  amount,
  type ConnectionOptions,
  flag,
  type HeadersSource,
  isPlain,
  optionalDuration,
  ownProperties,
  type Provider,
  protocolList,
  provide,
  type Resolve,
  refuseOthers,
  resolveShared,
  type SharedOptions,
} from "./options.ts";
import { resolveProxy } from "./proxy-option.ts";
import { resolveTls } from "./tls-options.ts";

/** What a runtime with sockets has to say about options. */
type Runtime = Pick<Platform, "checkTls">;

/** A runtime with sockets. */
export function overSockets(open: Open, runtime?: Runtime): Resolve {
  return (url, options = {}) => {
    const resolved = resolveSockets(url, options, runtime);
    const { closeTimeout, maxQueue, maxBufferedAmount, trace } = resolved;
    return {
      closeTimeout,
      maxQueue,
      maxBufferedAmount,
      trace,
      heartbeat: heartbeat(Object.hasOwn(options, "keepAlive") ? options.keepAlive : undefined),
      open: (callOff) => open(resolved, callOff),
      checkClose: checkSocketClose,
    };
  };
}

/** A function of its own, as one made above would keep the options alive with the connection. */
export function checkSocketClose(code: number, reason: string): void {
  checkClose(code, reason, webText);
}

/** Checks url and options. Throws UsageError; functions among them are called for each attempt, and checked then. */
export function resolveSockets(
  url: Provider<string | URL>,
  options: ConnectionOptions = {},
  runtime?: Runtime,
): OpenOptions & SharedOptions {
  const given = ownProperties(options);
  const tls = (value: TlsOptions | undefined) => resolveTls(value, runtime);
  const shared = resolveShared(given);
  const { cookies, cookieJar } = resolveCookies(given.cookies);
  const { publicUrl, request } = provideRequest(url, given.headers, given.protocols, cookies);
  const resolved = {
    publicUrl,
    request,
    cookieJar,
    keepAliveDelay: keepAliveDelay(given.keepAliveSocket),
    requireProtocol: flag("requireProtocol", given.requireProtocol, true),
    origin: fieldValue("Origin", given.origin),
    host: fieldValue("Host", given.host),
    redirect: redirect(given.redirect),
    maxRedirects: given.maxRedirects === 0 ? 0 : amount("maxRedirects", given.maxRedirects, 5),
    tls: tls(given.tls),
    socketPath: text("socketPath", given.socketPath),
    connectTo: connectTo(given.connectTo),
    proxy: resolveProxy(given.proxy, headerFields, tls),
    transport: transport(given.transport),
    localAddress: text("localAddress", given.localAddress),
    family: family(given.family),
    noDelay: flag("noDelay", given.noDelay, true),
    maxFragments: amount("maxFragments", given.maxFragments, DEFAULT_LIMITS.maxFragments),
    maxHeaderSize: amount("maxHeaderSize", given.maxHeaderSize, DEFAULT_MAX_HEADER_SIZE),
    utf8Validation: flag("utf8Validation", given.utf8Validation, true),
    tolerate: tolerate(given.tolerate),
    perMessageDeflate: resolveDeflate(given.perMessageDeflate),
    trace: traceOf(given.trace),
    ...shared, // last: spread first, it makes this object a shape of its own, and 16 kB of garbage in Node 20
  };
  known ??= [...Object.keys(resolved).slice(4), ...OTHERS];
  refuseOthers(given, known);
  if (resolved.socketPath !== undefined && resolved.connectTo !== undefined) {
    throw new UsageError("socketPath and connectTo both say where to connect: give one of them");
  }
  if (isPlain(resolved.publicUrl, resolved.redirect) && Object.values(resolved.tls).some(isGiven))
    throw new UsageError(
      "the option tls has no use for a ws url, unless redirects are followed, or among createClient's defaults",
    );
  if (resolved.tolerate?.includes("binaryAsText") && !resolved.utf8Validation)
    throw new UsageError("binaryAsText is in vain without utf8Validation, which finds what is not UTF-8");
  const isUnix = resolved.socketPath !== undefined || /^wss?\+unix:/.test(resolved.publicUrl);
  if (resolved.proxy && isUnix)
    throw new UsageError("a Unix socket is not reached through a proxy: give one of the two");
  if (typeof resolved.transport === "object") checkVain(resolved);
  return resolved;
}

const isGiven = (value: unknown) => value !== undefined;

/** The names of all options, once they are known: those of what is resolved, which has all of its properties in any case. */
let known: readonly string[] | undefined;

/** Options that become something of another name, which are the first four of what is resolved. */
const OTHERS: readonly (keyof ConnectionOptions)[] = [
  "headers",
  "protocols",
  "cookies",
  "keepAliveSocket",
  "keepAlive",
];

/** TCP counts whole seconds: of less, a runtime would make the system's default, which is hours. */
function keepAliveDelay(value: ConnectionOptions["keepAliveSocket"]): number | undefined {
  if (value === false) return undefined;
  const delay = optionalDuration("keepAliveSocket", value);
  if (delay === undefined || (delay >= 1000 && delay !== Number.POSITIVE_INFINITY)) return delay;
  throw new UsageError("keepAliveSocket is false, or a number of milliseconds from 1 000 on");
}

function provideRequest(
  url: Provider<string | URL>,
  headers: ConnectionOptions["headers"],
  protocols: ConnectionOptions["protocols"],
  cookies: OpenRequest["cookies"] | (() => Promise<OpenRequest["cookies"]>),
): Pick<OpenOptions, "publicUrl" | "request"> {
  const asked = {
    target: provide(url, parseTarget),
    headers: provide(headers ?? [], headerFields),
    protocols: provide(protocols ?? [], protocolList),
    cookies,
  };
  const publicUrl = typeof asked.target === "function" ? "" : asked.target.publicUrl;
  const isFixed = Object.values(asked).every((part) => typeof part !== "function");
  return { publicUrl, request: isFixed ? () => asked as OpenRequest : () => call(asked) };
}

/** Calls those that are functions, all at once. */
async function call(asked: Readonly<Record<string, unknown>>): Promise<OpenRequest> {
  const called = Object.entries(asked).map(async ([name, part]) => [
    name,
    typeof part === "function" ? await part() : part,
  ]);
  return Object.fromEntries(await Promise.all(called)) as OpenRequest;
}

/** Header fields that a user gave. Throws UsageError. */
export function headerFields(source: HeadersSource): [string, string][] {
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
  if (typeof name !== "string") throw notHeaders();
  if (typeof value !== "string") {
    checkField(name, "");
    throw new UsageError(
      `header ${name} is to be a string, and is ${value === null ? "null" : typeof value}`,
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

function transport(value: ConnectionOptions["transport"]): ConnectionOptions["transport"] {
  if (value === undefined || typeof value === "function" || isSource(value)) return value;
  throw new UsageError(
    "transport is { readable, writable }, two streams, a Transport, or a function that gives one",
  );
}

function tolerate(value: ConnectionOptions["tolerate"]): ConnectionOptions["tolerate"] {
  if (value === undefined) return value;
  if (Array.isArray(value) && value.every((name) => TOLERANCES.includes(name))) return [...value];
  throw new UsageError(`tolerate is a list of ${TOLERANCES.join(", ")}`);
}

function redirect(value: ConnectionOptions["redirect"]): OpenOptions["redirect"] {
  if (value === undefined || value === "error" || value === "follow") return value ?? "error";
  throw new UsageError('redirect is "error" or "follow"');
}

function family(value: ConnectionOptions["family"]): 0 | 4 | 6 {
  if (value === undefined || value === 0 || value === 4 || value === 6) return value ?? 0;
  throw new UsageError("family is 4, 6, or 0 for both");
}

function connectTo(value: ConnectionOptions["connectTo"]): ConnectionOptions["connectTo"] {
  if (value === undefined) return undefined;
  const { host, port, ...others } = ownProperties(value);
  const isHost = typeof host === "string" && host !== "" && !host.includes("\0");
  if (!isHost || !(Number.isInteger(port) && port > 0 && port < 0x10000) || Object.keys(others).length > 0) {
    throw new UsageError("connectTo is { host, port }, and no more, with a port from 1 to 65535");
  }
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port };
}

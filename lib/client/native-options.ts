// Options as a browser's own WebSocket honours them: few. What it cannot do throws, be it an option or a callback that
// would never be called; the values that say what a browser does anyway are taken.

import { UsageError } from "../errors.ts";
import { parseAddress, urlText } from "../handshake/endpoint.ts";
import {
  checkCompress,
  checkNativeClose,
  type NativeOptions,
  onOnline,
  unsupported,
} from "../session/native.ts";
import type { Open } from "../session/session.ts";
import { heartbeat } from "./heartbeat.ts";
import {
  type ConnectionOptions,
  ownProperties,
  type Provider,
  protocolList,
  provide,
  type Resolve,
  refuseOthers,
  resolveShared,
} from "./options.ts";

/** What needs a socket, with the values that mean what a browser does. */
const NOT_HERE: { readonly [Name in keyof ConnectionOptions]: ConnectionOptions[Name] | undefined } = {
  headers: undefined,
  requireProtocol: true,
  origin: undefined,
  host: undefined,
  cookies: undefined,
  redirect: "error",
  maxRedirects: undefined,
  tls: undefined,
  socketPath: undefined,
  connectTo: undefined,
  proxy: false,
  transport: undefined,
  localAddress: undefined,
  family: undefined,
  noDelay: undefined,
  keepAliveSocket: undefined,
  maxFragments: undefined,
  maxHeaderSize: undefined,
  utf8Validation: true,
  tolerate: undefined,
  perMessageDeflate: false,
  trace: false,
};

/** Callbacks of an app that tell of frames. */
const FRAME_CALLBACKS: readonly string[] = ["onPing", "onPong", "onContMessage"];

/** A runtime whose WebSocket is all there is. */
export function overNative(open: Open<NativeOptions>): Resolve {
  return (url, options = {}, callbacks = []) => {
    const given = ownProperties(options);
    const shared = resolveShared(given);
    refuseOthers(given, [...Object.keys(shared), ...Object.keys(NOT_HERE), "protocols", "keepAlive"]);
    for (const [name, value] of Object.entries(NOT_HERE)) {
      const asked = given[name as keyof ConnectionOptions];
      if (asked !== undefined && asked !== value) throw unsupported(`option ${name}`);
    }
    for (const name of callbacks) if (FRAME_CALLBACKS.includes(name)) throw unsupported(name);
    const resolved = { ...shared, ...provideRequest(url, given.protocols) };
    return {
      ...resolved,
      heartbeat: heartbeatOf(given.keepAlive),
      onOnline,
      open: (callOff) => open(resolved, callOff),
      checkClose: checkNativeClose,
      checkCompress,
    };
  };
}

/** Throws UsageError where it would have to ping. */
function heartbeatOf(keepAlive: ConnectionOptions["keepAlive"]): ReturnType<typeof heartbeat> {
  const begin = heartbeat(keepAlive);
  if (begin === undefined || (typeof keepAlive === "object" && keepAlive.message !== undefined)) return begin;
  throw new UsageError(
    "the WebSocket of a browser has no pings: give keepAlive.message, a message that the server answers",
    "ERR_WS_UNSUPPORTED",
  );
}

function provideRequest(
  url: Provider<string | URL>,
  protocols: ConnectionOptions["protocols"],
): Pick<NativeOptions, "publicUrl" | "request"> {
  const place = provide(url, address);
  const offers = provide(protocols ?? [], protocolList);
  return {
    publicUrl: typeof place === "function" ? "" : place.publicUrl,
    request: async () => {
      const [{ url, publicUrl, secure }, protocols] = await Promise.all([
        typeof place === "function" ? place() : place,
        typeof offers === "function" ? offers() : offers,
      ]);
      return { url, publicUrl, secure, protocols };
    },
  };
}

function address(input: string | URL): ReturnType<typeof parseAddress> {
  const text = urlText(input);
  if (/^wss?\+unix:/i.test(text)) throw unsupported("a Unix socket");
  const place = parseAddress(text);
  if (place.parsed.username + place.parsed.password !== "") throw unsupported("a url with credentials");
  return place;
}

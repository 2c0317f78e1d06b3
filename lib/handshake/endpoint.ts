// Urls to places: where to dial, what to name the host, and which resource to ask for (RFC 6455 §3).
// Besides ws: and wss: it takes http: and https: for them, and `ws+unix:/path.sock:/resource` for Unix sockets.

import { escapeControls } from "../bytes/escape.ts";
import { UsageError } from "../errors.ts";

/** Where a connection goes, as a url tells it. */
export interface Target {
  /** The url as the user may see it: ws: or wss:, without credentials. */
  readonly url: string;
  /** The url fit for messages and traces: without credentials, and with `***` for the values of its query. */
  readonly publicUrl: string;
  readonly secure: boolean;
  /** Name or address, without the brackets of IPv6; "" for a Unix socket. */
  readonly hostname: string;
  readonly port: number;
  /** Path of the Unix socket; undefined for TCP. */
  readonly socketPath: string | undefined;
  /** The Host header: the port only where it is not the scheme's own. */
  readonly host: string;
  /** Path and query, for the request line. */
  readonly resource: string;
  readonly username: string;
  readonly password: string;
}

const SCHEMES: Record<string, string> = { "ws:": "ws:", "wss:": "wss:", "http:": "ws:", "https:": "wss:" };

/** Parses a url. Throws UsageError with code ERR_WS_INVALID_URL. */
export function parseTarget(input: string | URL): Target {
  const text = urlText(input);
  const unix = /^(wss?)\+unix:(.*)$/i.exec(text);
  if (unix !== null) return unixTarget(unix[1]?.toLowerCase() === "wss", unix[2] as string, text);

  const { url, publicUrl, secure, host, parsed } = parseAddress(text);
  return {
    url,
    publicUrl,
    secure,
    hostname: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(parsed.port) || (secure ? 443 : 80),
    socketPath: undefined,
    host,
    resource: parsed.pathname + parsed.search,
    username: decode(parsed.username),
    password: decode(parsed.password),
  };
}

/** The text of a url, once nothing is in it that no url may have. Throws UsageError. */
export function urlText(input: string | URL): string {
  if (typeof input !== "string" && !(input instanceof URL))
    throw new UsageError("a url is a string or a URL", "ERR_WS_INVALID_URL");
  const text = String(input);
  // The parser of URL would drop tabs and line ends and encode others: what somebody smuggled in is to be seen.
  if (hasControl(text)) throw invalid("it has a control character", text);
  if (text.includes("#")) throw invalid("it has a fragment, which no server gets to see", text);
  return text;
}

/** Where a url leads that is not one of a Unix socket. */
export interface Address extends Pick<Target, "url" | "publicUrl" | "secure" | "host"> {
  readonly parsed: URL;
}

/** Parses the text of such a url. Throws UsageError. */
export function parseAddress(text: string): Address {
  const url = parse(text);
  const scheme = SCHEMES[url.protocol];
  if (scheme === undefined)
    throw invalid("its scheme is none of ws, wss, http, https, ws+unix, wss+unix", text);
  const secure = scheme === "wss:";
  // The parser takes the next word for the host where there is none: `wss:name` and `wss:///name` are wss://name to it.
  if (!/^[a-z]+:\/\//i.test(text)) throw invalid('it has no "//" after its scheme', text);
  if (/^[a-z]+:\/\/\//i.test(text)) throw invalid("it has no host", text);
  if (url.port === "0") throw invalid("nothing can be reached at port 0", text);
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  // http://host:443 has a port that is not the default of its scheme and stays; ws://host:80 loses it.
  const authority = port === (secure ? 443 : 80) ? url.hostname : `${url.hostname}:${port}`;
  const place = `${scheme}//${authority}${url.pathname}`;
  return {
    url: place + url.search,
    publicUrl: place + hideValues(url.search),
    secure,
    host: authority,
    parsed: url,
  };
}

/** `/path.sock`, or `/path.sock:/resource?query`; the path may be percent-encoded. */
function unixTarget(secure: boolean, rest: string, text: string): Target {
  const path = rest.replace(/^\/\/(?=\/)/, "");
  const colon = path.indexOf(":");
  const socketPath = colon === -1 ? path : path.slice(0, colon);
  const resource = colon === -1 ? "" : path.slice(colon + 1);
  if (!/^\/(?!\/|$)/.test(socketPath))
    throw invalid("the path of its Unix socket does not begin with /", text);
  if (socketPath.includes("?")) throw invalid('its query does not stand behind "/path.sock:/resource"', text);
  if (!/^([/?]|$)/.test(resource)) throw invalid("its resource does not begin with /", text);
  const { pathname, search } = parse(`ws://localhost${resource}`);
  const scheme = secure ? "wss+unix" : "ws+unix";
  return {
    url: `${scheme}:${socketPath}:${pathname}${search}`,
    publicUrl: `${scheme}:${socketPath}:${pathname}${hideValues(search)}`,
    secure,
    hostname: "",
    port: 0,
    socketPath: decode(socketPath),
    host: "localhost",
    resource: pathname + search,
    username: "",
    password: "",
  };
}

function parse(text: string): URL {
  try {
    return new URL(text);
  } catch {
    // The parser's own error repeats the whole url, so it is no cause to pass on.
    throw invalid("it is not a url", text);
  }
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f) return true;
  }
  return false;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * A query without its values, which may be secrets: `?token=abc&v` becomes `?token=***&***`. A name without a value is
 * hidden too, as it may be a token that ends in the padding of base64.
 */
export function hideValues(search: string): string {
  if (search.length < 2) return search;
  const members = search.slice(1).split("&");
  return `?${members.map((member) => member.replace(/^(?:([^=]*=)(?!=*$))?.*/s, "$1***")).join("&")}`;
}

/** The url in a message: what may be credentials, query or fragment is left out, also of what is no url at all. */
function invalid(why: string, text: string): UsageError {
  const [scheme = ""] = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text) ?? [];
  const [head = ""] = text.split(/[?#]/, 1);
  const tail = text.slice(head.length);
  // An "@" behind a "?" may end a password that has one, or stand in a query: then neither side of it is shown.
  const shown = tail.includes("@")
    ? `${scheme}***`
    : head.replace(/^.*@/s, `${scheme}***@`) + (tail && "?***");
  const safe = escapeControls(JSON.stringify(shown));
  return new UsageError(`${safe} cannot be connected to: ${why}`, "ERR_WS_INVALID_URL");
}

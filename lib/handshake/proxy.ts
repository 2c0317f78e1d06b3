// The url of a proxy, as options and the environment give it, to what is needed to speak with it. A url that leaves a
// doubt throws: nobody is to be connected directly, or to another host, for a slip of the pen. No message shows
// anything of the url but its scheme, as the rest may be a password.

import { UsageError } from "../errors.ts";
import { bracketed, canonicalHost } from "./host.ts";

const DEFAULT_PORTS = { http: 80, https: 443, socks4: 1080, socks4a: 1080, socks5: 1080, socks5h: 1080 };

/**
 * `http` and `https` tunnel with CONNECT, the latter within TLS to the proxy. `socks4` and `socks5` are told the address
 * of the server, which is looked up here; `socks4a` and `socks5h` its name.
 */
export type ProxyScheme = keyof typeof DEFAULT_PORTS;

export interface ProxyServer {
  readonly scheme: ProxyScheme;
  /** Name or address, without the brackets of IPv6. */
  readonly hostname: string;
  readonly port: number;
  /** "" for none, as is the password. */
  readonly username: string;
  readonly password: string;
  /** The url without credentials, fit for messages. */
  readonly publicUrl: string;
}

/**
 * Parses `scheme://user:password@host:port`, of which user, password and port may be missing, and the scheme, for http,
 * if `isSchemeNeeded` is false. `source` is what messages call it. Throws UsageError with code ERR_WS_INVALID_URL.
 */
export function parseProxy(text: string, source: string, isSchemeNeeded: boolean): ProxyServer {
  const fail = (why: string) =>
    new UsageError(`${source} is no url of a proxy: ${why}`, "ERR_WS_INVALID_URL");
  const [, given, rest = text] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (given === undefined && isSchemeNeeded) throw fail("it does not begin with a scheme, as http:// is one");
  const scheme = (given ?? "http").toLowerCase();
  if (!isScheme(scheme)) {
    throw fail(`${scheme} is none of the schemes ${Object.keys(DEFAULT_PORTS).join(", ")}`);
  }

  const [authority = ""] = rest.split(/[/\\?#]/, 1);
  if (!/^\/?$/.test(rest.slice(authority.length))) {
    throw fail("nothing may follow its host and port; in a password, / ? # and \\ are percent-encoded");
  }
  const at = authority.lastIndexOf("@");
  const [, host = "", digits = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority.slice(at + 1)) ?? [];
  const hostname = canonicalHost(host.replace(/^\[(.*:.*)\]$/, "$1"));
  if (hostname === undefined) throw fail("it has no valid host");
  const port = digits === "" ? DEFAULT_PORTS[scheme] : Number(digits);
  if (port < 1 || port > 0xffff) throw fail("its port is not one from 1 to 65535");

  const [, username = "", password = ""] = /^([^:]*):?(.*)$/s.exec(authority.slice(0, Math.max(at, 0))) ?? [];
  const credentials = { username: decode(username), password: decode(password) };
  const why = whyUnfit(scheme, credentials.username, credentials.password);
  if (why !== undefined) throw fail(why);
  const publicUrl = `${scheme}://${bracketed(hostname)}:${port}`;
  return { scheme, hostname, port, ...credentials, publicUrl };
}

function isScheme(scheme: string): scheme is ProxyScheme {
  return Object.hasOwn(DEFAULT_PORTS, scheme);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What of the credentials the proxy could not be told as it is; undefined for nothing. */
function whyUnfit(scheme: ProxyScheme, username: string, password: string): string | undefined {
  if (/\p{Cc}/u.test(username + password)) return "its credentials have a control character";
  if (scheme.startsWith("http")) {
    return username.includes(":") ? "Basic authentication knows no user name with a colon" : undefined;
  }
  if (scheme.startsWith("socks4")) return password === "" ? undefined : "SOCKS4 knows no password";
  const isTooLong = [username, password].some((text) => new TextEncoder().encode(text).length > 255);
  return isTooLong ? "SOCKS5 knows no user name or password of more than 255 bytes" : undefined;
}

// The option `proxy`: what a user may say of a proxy, checked.

import { UsageError } from "../errors.ts";
import { membersOf, parseExemption } from "../handshake/no-proxy.ts";
import { parseProxy } from "../handshake/proxy.ts";
import type { ChosenProxy } from "../session/session.ts";
import type { TlsOptions } from "../transport/transport.ts";
import { type HeadersSource, ownProperties } from "./options.ts";

/** A proxy, and what only it is told. */
export interface ProxyOptions {
  /**
   * `scheme://user:password@host:port`, the credentials percent-encoded. `http` and `https` tunnel with CONNECT, the latter
   * within TLS to the proxy; `socks4` and `socks5` look the server's name up here, `socks4a` and `socks5h` leave that to the
   * proxy. Default ports 80, 443 and 1080.
   */
  readonly url: string | URL;
  /** Sent with the CONNECT, to nobody but the proxy; a Proxy-Authorization takes the place of the url's credentials. */
  readonly headers?: HeadersSource;
  /** TLS with the proxy, where its scheme is `https`. */
  readonly tls?: TlsOptions;
  /** Hosts to connect to directly, in the grammar of the environment's `no_proxy`, which does not count here. */
  readonly noProxy?: string | readonly string[];
}

/** The url of a proxy, or more about it; false for none, whatever the environment says. */
export type ProxyOption = string | URL | false | ProxyOptions;

const KNOWN: readonly string[] = ["url", "headers", "tls", "noProxy"] satisfies (keyof ProxyOptions)[];

/** Throws UsageError. Headers and TLS options are checked by who knows them. */
export function resolveProxy(
  value: ProxyOption | undefined,
  fields: (source: HeadersSource) => ChosenProxy["headers"],
  tls: (options: TlsOptions | undefined) => TlsOptions,
): ChosenProxy | false | undefined {
  if (value === undefined || value === false) return value;
  const isUrl = typeof value === "string" || value instanceof URL;
  const given: ProxyOptions = isUrl ? { url: value } : ownProperties(value);
  if (typeof given.url !== "string" && !(given.url instanceof URL)) {
    throw new UsageError("proxy is false, a url, or an object with a url");
  }
  for (const name of Object.keys(given)) {
    if (!KNOWN.includes(name))
      throw new UsageError(`there is no option ${JSON.stringify(`proxy.${name}`)}`, "ERR_WS_UNKNOWN_OPTION");
  }
  const chosen = {
    proxy: parseProxy(String(given.url), "the option proxy", true),
    headers: fields(given.headers ?? []),
    tls: tls(given.tls),
    exemptions: exemptions(given.noProxy ?? []),
  };
  const { scheme } = chosen.proxy;
  if (chosen.headers.length > 0 && scheme.startsWith("socks")) {
    throw new UsageError(`proxy.headers cannot be sent: a proxy with ${scheme} takes none`);
  }
  if (Object.values(chosen.tls).some((value) => value !== undefined) && scheme !== "https") {
    throw new UsageError(
      `proxy.tls has no use: TLS with the proxy is for https, and its scheme is ${scheme}`,
    );
  }
  return chosen;
}

function exemptions(noProxy: string | readonly string[]): ChosenProxy["exemptions"] {
  const lists: readonly unknown[] = Array.isArray(noProxy) ? noProxy : [noProxy];
  return lists.flatMap((list) => {
    if (typeof list !== "string") throw new UsageError("proxy.noProxy is a string or a list of strings");
    return membersOf(list).map((member) => {
      const exemption = parseExemption(member);
      if (exemption !== undefined) return exemption;
      throw new UsageError(
        `${JSON.stringify(member)} in proxy.noProxy is none of: *, a domain, an address, a range as 10.0.0.0/8`,
      );
    });
  });
}

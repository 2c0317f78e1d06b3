// Which proxy the environment asks for, as curl and most tools read it: `http_proxy` for ws and `https_proxy` for wss, else
// `all_proxy`, but for the hosts of `no_proxy`; each in lower case before upper case. The first that is set decides,
// also if it is empty, which means no proxy. What is set and cannot be used throws: to connect directly would be a leak.

import type { Place } from "./host.ts";
import { isExempt, membersOf, parseExemption } from "./no-proxy.ts";
import { type ProxyServer, parseProxy } from "./proxy.ts";

/** The value of an environment variable; undefined where it is not set. */
export type Env = (name: string) => string | undefined;

/** The proxy for a server; undefined for none. Throws UsageError for one that cannot be used. */
export function proxyFor(place: Place, secure: boolean, env: Env): ProxyServer | undefined {
  const scheme = secure ? "https_proxy" : "http_proxy";
  const found = first([scheme, scheme.toUpperCase(), "all_proxy", "ALL_PROXY"], (name) => {
    const value = env(name);
    // In a CGI program HTTP_PROXY is the header `Proxy` of whoever sent the request (CVE-2016-5385).
    const isOfRequest = name === "HTTP_PROXY" && value !== undefined && env("REQUEST_METHOD") !== undefined;
    return isOfRequest ? undefined : value;
  });
  if (found === undefined || found.value === "") return undefined;

  // A member that makes no sense exempts nothing: such lists are shared by many tools.
  const list = first(["no_proxy", "NO_PROXY"], env)?.value ?? "";
  const exemptions = membersOf(list).flatMap((member) => parseExemption(member) ?? []);
  if (isExempt(exemptions, place)) return undefined;
  return parseProxy(found.value, `the environment's ${found.name}`, false);
}

function first(names: readonly string[], env: Env): { name: string; value: string } | undefined {
  for (const name of names) {
    const value = env(name)?.trim();
    if (value !== undefined) return { name, value };
  }
  return undefined;
}

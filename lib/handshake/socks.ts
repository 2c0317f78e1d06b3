// What both versions of SOCKS need: replies of known length, and the faults of a proxy that gives others.

import { ProxyError } from "../errors.ts";
import type { ProxyServer } from "./proxy.ts";
import type { Talk } from "./talk.ts";

/** Reads so many bytes, the next of a reply. Throws ProxyError when the proxy closes before. */
export function* readReply(proxy: ProxyServer, count: number): Talk<number[]> {
  const reply: number[] = [];
  while (reply.length < count) {
    const bytes = yield { some: count - reply.length };
    if (bytes.length === 0) throw socksError(proxy, "closed the connection before its reply was whole");
    reply.push(...bytes);
  }
  return reply;
}

/** Says which proxy did what; `status` is its reply, `isLogin` whether another login may help. */
export function socksError(proxy: ProxyServer, what: string, status?: number, isLogin = false): ProxyError {
  const code = isLogin ? "ERR_WS_PROXY_AUTH" : "ERR_WS_PROXY";
  return new ProxyError(`the proxy ${proxy.publicUrl} ${what}`, { proxy: proxy.publicUrl, status, code });
}

/** For what no SOCKS proxy says: another protocol, most likely. */
export function notSocks(proxy: ProxyServer, version: number, said: readonly number[]): ProxyError {
  const bytes = said.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return socksError(proxy, `does not speak SOCKS${version}: it answered ${bytes}`);
}

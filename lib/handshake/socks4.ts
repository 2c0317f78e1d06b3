// A tunnel through a SOCKS4 proxy, and with the extension 4A, which names the server in the place of its address ("SOCKS: A
// protocol for TCP proxy across firewalls", Ying-Da Lee). There are no passwords: the user name is taken on trust.

import { addressBytes, type Place } from "./host.ts";
import type { ProxyServer } from "./proxy.ts";
import { notSocks, readReply, socksError } from "./socks.ts";
import type { Talk } from "./talk.ts";

const GRANTED = 90;

const REFUSALS: Record<number, string> = {
  91: "the connection was rejected or failed",
  92: "it cannot ask the identd of this machine",
  93: "the identd of this machine reports another user",
};

/** Asks for the tunnel; the host is an IPv4 address, or with 4A a name. Throws ProxyError. */
export function* socks4(proxy: ProxyServer, to: Place): Talk<void> {
  const utf8 = new TextEncoder();
  const address = addressBytes(to.host);
  yield {
    send: Uint8Array.of(
      ...[4, 1, to.port >> 8, to.port & 0xff],
      ...(address ?? [0, 0, 0, 1]), // 0.0.0.x with x > 0: a name follows
      ...utf8.encode(proxy.username),
      0,
      ...(address === undefined ? [...utf8.encode(to.host), 0] : []),
    ),
  };
  const reply = yield* readReply(proxy, 2);
  const [version, status = -1] = reply;
  const why = REFUSALS[status];
  if (version !== 0 || (status !== GRANTED && why === undefined)) throw notSocks(proxy, 4, reply);
  if (why !== undefined) throw socksError(proxy, `refused: ${why} (reply ${status})`, status, status > 91);
  yield* readReply(proxy, 6); // where it connected from, which nobody needs
}

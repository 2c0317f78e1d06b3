// A tunnel through a SOCKS5 proxy (RFC 1928), without authentication or with user name and password (RFC 1929).

import { UsageError } from "../errors.ts";
import { addressBytes, type Place } from "./host.ts";
import type { ProxyServer } from "./proxy.ts";
import { notSocks, readReply, socksError } from "./socks.ts";
import type { Talk } from "./talk.ts";

const NO_AUTHENTICATION = 0;
const PASSWORD = 2;
const NONE_ACCEPTABLE = 0xff;

/** RFC 1928 §6. */
const REFUSALS: readonly string[] = [
  "",
  "general failure",
  "its rules do not allow the connection",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "time to live expired",
  "it does not know the command CONNECT",
  "it does not know this kind of address",
];

/** Lengths of what follows each kind of address, 1 for that of a name, which tells its own. */
const ADDRESS_BYTES: Record<number, number> = { 1: 4, 3: 1, 4: 16 };

/** Asks for the tunnel; the host is a name or an address. Throws ProxyError, UsageError for what is too long. */
export function* socks5(proxy: ProxyServer, to: Place): Talk<void> {
  yield* authenticate(proxy);

  yield { send: Uint8Array.of(5, 1, 0, ...hostBytes(to.host), to.port >> 8, to.port & 0xff) };
  // A refusal may end here: its address is read only where the tunnel begins behind it.
  const reply = yield* readReply(proxy, 2);
  const [version, status = -1] = reply;
  if (version !== 5) throw notSocks(proxy, 5, reply);
  if (status !== 0) {
    throw socksError(
      proxy,
      `refused: ${REFUSALS[status] ?? "it does not say why"} (reply ${status})`,
      status,
    );
  }
  const [reserved = 0, kind = 0] = yield* readReply(proxy, 2);
  const length = ADDRESS_BYTES[kind];
  if (length === undefined) throw notSocks(proxy, 5, [...reply, reserved, kind]);
  const [nameLength = 0] = yield* readReply(proxy, length);
  yield* readReply(proxy, (kind === 3 ? nameLength : 0) + 2);
}

function* authenticate(proxy: ProxyServer): Talk<void> {
  const { username, password } = proxy;
  const hasLogin = username !== "" || password !== "";
  const methods = hasLogin ? [NO_AUTHENTICATION, PASSWORD] : [NO_AUTHENTICATION];
  yield { send: Uint8Array.of(5, methods.length, ...methods) };
  const reply = yield* readReply(proxy, 2);
  const [version, method = NONE_ACCEPTABLE] = reply;
  if (version === 5 && method === NONE_ACCEPTABLE) {
    const why = hasLogin
      ? "takes neither a user name and password nor none"
      : "wants a login: give a user name and a password in its url";
    throw socksError(proxy, why, undefined, true);
  }
  if (version !== 5 || !methods.includes(method)) throw notSocks(proxy, 5, reply);
  if (method === NO_AUTHENTICATION) return;

  yield { send: Uint8Array.of(1, ...counted(username), ...counted(password)) };
  // The version of this reply is 1; some proxies say 5. The status is what counts.
  const [, status] = yield* readReply(proxy, 2);
  if (status !== 0) throw socksError(proxy, "refused the user name and password", undefined, true);
}

/** The kind of a host, and the host. */
function hostBytes(host: string): number[] {
  const address = addressBytes(host);
  if (address === undefined) return [3, ...counted(host)];
  return [address.length === 4 ? 1 : 4, ...address];
}

/** The bytes of a text behind their number. */
function counted(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 255)
    throw new UsageError("SOCKS5 cannot carry a name or password of more than 255 bytes");
  return [bytes.length, ...bytes];
}

// A tunnel through an HTTP proxy (RFC 9110 §9.3.6): the CONNECT and its answer. The talk's result is the answer, whatever
// it is; what the proxy sent behind a 2xx is the tunnel's.

import { encodeBase64 } from "../bytes/base64.ts";
import { HandshakeError, type RawHeaders } from "../errors.ts";
import { bracketed, type Place } from "./host.ts";
import { formatRequest, readBody, readHead } from "./http.ts";
import type { ProxyServer } from "./proxy.ts";
import type { Talk } from "./talk.ts";
import type { Answer } from "./upgrade-client.ts";

/** Informational answers that are passed over before the real one. */
const MAX_INFORMATIONAL = 16;

/** What a CONNECT says. */
export interface ConnectRequest {
  /** Host and port of the server. */
  readonly target: string;
  readonly headers: RawHeaders;
}

/** The CONNECT for a server. Credentials of the proxy's url are sent unless `headers` has others. */
export function connectRequest(proxy: ProxyServer, to: Place, headers: RawHeaders): ConnectRequest {
  const target = `${bracketed(to.host)}:${to.port}`;
  const isGiven = headers.some(([name]) => name.toLowerCase() === "proxy-authorization");
  const hasOwn = proxy.username !== "" || proxy.password !== "";
  return {
    target,
    headers: [["Host", target], ...(hasOwn && !isGiven ? [credentials(proxy)] : []), ...headers],
  };
}

/** RFC 7617, in UTF-8. */
function credentials({ username, password }: ProxyServer): readonly [string, string] {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return ["Proxy-Authorization", `Basic ${encodeBase64(bytes)}`];
}

/** Sends the request and reads the answer. Throws UsageError, HandshakeError, LimitError. */
export function* httpConnect(request: ConnectRequest, maxHeaderSize: number): Talk<Answer> {
  yield { send: formatRequest("CONNECT", request.target, request.headers) };
  for (let informational = 0; informational <= MAX_INFORMATIONAL; informational++) {
    const head = yield* readHead(maxHeaderSize);
    // A 2xx has no body, whatever its headers say.
    if (isTunnel(head)) return { ...head, body: "" };
    if (head.status >= 200) return { ...head, body: yield* readBody(head) };
  }
  throw new HandshakeError(
    "ERR_WS_INVALID_RESPONSE",
    `the proxy sent more than ${MAX_INFORMATIONAL} informational answers`,
  );
}

/** Whether an answer opened the tunnel. */
export function isTunnel({ status }: Pick<Answer, "status">): boolean {
  return status >= 200 && status < 300;
}

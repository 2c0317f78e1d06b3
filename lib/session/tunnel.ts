// A tunnel through a proxy: reach the proxy, ask it for the server, and let the server's TLS begin inside.
// What goes wrong with the proxy is a ProxyError, so that it is not taken for the server's fault; from TLS on, the server is
// at the other end. All of the time until then is the phase `proxy`.
// What a proxy sends behind its consent belongs to who comes next. That is nobody where TLS comes next, in which the client
// speaks first: it is a fault. Without TLS it is what the server said too early, and the handshake judges it as such.

import { escapeControls } from "../bytes/escape.ts";
import { HandshakeError, LimitError, ProxyError, TransportError, UsageError } from "../errors.ts";
import { canonicalHost, type Place } from "../handshake/host.ts";
import { valuesOf } from "../handshake/http.ts";
import { connectRequest, httpConnect, isTunnel } from "../handshake/http-connect.ts";
import type { ProxyServer } from "../handshake/proxy.ts";
import { socks4 } from "../handshake/socks4.ts";
import { socks5 } from "../handshake/socks5.ts";
import type { Answer } from "../handshake/upgrade-client.ts";
import { DEAF } from "../transport/held.ts";
import type { Attempt, Endpoint, EndpointTls, Platform, Transport } from "../transport/transport.ts";
import { converse, type Outcome } from "./converse.ts";
import { endpointTls } from "./endpoint-tls.ts";
import type { ChosenProxy } from "./session.ts";
import type { Trace } from "./trace.ts";

export interface Tunnel {
  readonly via: ChosenProxy;
  readonly to: Place;
  /** How the proxy is dialled. */
  readonly link: Pick<Endpoint, "family" | "localAddress" | "noDelay" | "keepAliveDelay">;
  /** TLS with the server; undefined for none. */
  readonly tls: EndpointTls | undefined;
  /** Bytes. */
  readonly maxHeaderSize: number;
  readonly trace: Trace | undefined;
}

/** Opens a tunnel. Rejects with a WebSocketError, or with the signal's reason; then nothing is left behind. */
export async function openTunnel(platform: Platform, tunnel: Tunnel, attempt: Attempt): Promise<Transport> {
  let refusal: ProxyError | undefined;
  for (const host of await hostsOf(platform, tunnel, attempt)) {
    try {
      return await openTo({ host, port: tunnel.to.port }, platform, tunnel, attempt);
    } catch (error) {
      // It answered that it cannot: it may with the next address.
      if (!(error instanceof ProxyError && error.status !== undefined)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** What the proxy is told of the server's host, one after the other: its name, or its addresses, best first. */
async function hostsOf(platform: Platform, { via, to, link }: Tunnel, attempt: Attempt): Promise<string[]> {
  const { scheme, publicUrl } = via.proxy;
  const host = canonicalHost(to.host);
  if (host === undefined)
    throw new UsageError(`${JSON.stringify(to.host)} is no host that a proxy can be told`);
  const isResolvedHere = scheme === "socks4" || scheme === "socks5";
  const found = isResolvedHere ? await platform.resolve(host, link.family, attempt) : [host];
  const hosts = found.flatMap((address) => canonicalHost(address.replace(/%.*/, "")) ?? []); // without a zone
  const known = scheme.startsWith("socks4") ? hosts.filter((host) => !host.includes(":")) : hosts;
  if (known.length > 0) return known;
  throw new ProxyError(
    `the proxy ${publicUrl} cannot be told of ${host}, as SOCKS4 knows no IPv6: use a proxy with socks5 or http`,
    { proxy: publicUrl },
  );
}

async function openTo(
  to: Place,
  platform: Platform,
  { via, link, tls, maxHeaderSize, trace }: Tunnel,
  attempt: Attempt,
): Promise<Transport> {
  const { proxy } = via;
  const { signal } = attempt;
  const blame = (what: string) => (error: unknown) => {
    throw error === signal.reason ? error : proxyFault(proxy, what, error);
  };

  // 1. The proxy.
  attempt.phase("proxy");
  const endpoint = {
    ...link,
    hostname: proxy.hostname,
    port: proxy.port,
    socketPath: undefined,
    tls: proxy.scheme === "https" ? endpointTls(proxy.hostname, via.tls, platform) : undefined,
    isTunnel: tls !== undefined,
  };
  trace?.note("Connecting proxy...");
  const transport = await platform
    .connect(endpoint, { signal, phase() {} })
    .catch(blame("cannot be reached"));
  try {
    // 2. Its consent.
    const outcome = await ask(transport, to, via, maxHeaderSize, signal, trace).catch(
      blame("did not open a tunnel"),
    );
    if (tls === undefined) return transport; // it keeps what came behind the consent for whoever is attached next

    // 3. The server. Nothing may be read between this check and TLS: they are one step.
    checkSilence(proxy, outcome);
    return await transport.secure(tls, attempt);
  } catch (error) {
    transport.destroy();
    throw error;
  }
}

async function ask(
  transport: Transport,
  to: Place,
  { proxy, headers }: ChosenProxy,
  maxHeaderSize: number,
  signal: AbortSignal,
  trace: Trace | undefined,
): Promise<Outcome<unknown>> {
  if (proxy.scheme.startsWith("socks4")) return converse(transport, socks4(proxy, to), signal);
  if (proxy.scheme.startsWith("socks5")) return converse(transport, socks5(proxy, to), signal);
  const request = connectRequest(proxy, to, headers);
  trace?.request("CONNECT", request.target, request.headers);
  const outcome = await converse(transport, httpConnect(request, maxHeaderSize), signal);
  trace?.response(outcome.result);
  if (isTunnel(outcome.result)) return outcome;
  throw refusal(proxy, outcome.result);
}

function refusal(proxy: ProxyServer, answer: Answer): ProxyError {
  const { status, statusText } = answer;
  const isLogin = status === 407 || status === 401; // which is what tinyproxy says to a wrong password
  const reason = `${status} ${escapeControls(statusText)}`.trim();
  const advice = isLogin ? `; ${loginAdvice(answer)}` : "";
  const message = `the proxy ${proxy.publicUrl} refused the tunnel: ${reason}${advice}`;
  const code = isLogin ? "ERR_WS_PROXY_AUTH" : "ERR_WS_PROXY";
  return new ProxyError(message, { ...answer, proxy: proxy.publicUrl, code });
}

/** Of several ways that one field offers (RFC 9110 §11.6.1), the first is named. */
function loginAdvice({ rawHeaders }: Answer): string {
  const offers = valuesOf(rawHeaders, "proxy-authenticate");
  if (offers.length === 0 || /\bbasic\b/i.test(offers.join()))
    return "give it a user name and a password, or others, in its url";
  const names = offers.map((offer) => /^[\w-]{0,20}/.exec(offer)).join(", ");
  return `it takes ${names.slice(0, 99)}, and only Basic is known here: see proxy.headers`;
}

/** Throws if anything came behind the consent: bytes, or the end. */
function checkSilence(proxy: ProxyServer, outcome: Outcome<unknown>): void {
  let what: string | undefined;
  const closed = () => {
    what ??= "closed the tunnel at once";
  };
  outcome.handOver({
    ...DEAF,
    data() {
      what ??= "sent bytes of its own into the tunnel";
    },
    end: closed,
    closed,
  });
  if (what !== undefined) {
    throw new ProxyError(`the proxy ${proxy.publicUrl} ${what}`, { proxy: proxy.publicUrl });
  }
}

/** The fault of a layer below as the proxy's. */
function proxyFault(proxy: ProxyServer, what: string, cause: unknown): unknown {
  const isFault =
    cause instanceof TransportError || cause instanceof HandshakeError || cause instanceof LimitError;
  if (!isFault) return cause;
  const status = cause instanceof HandshakeError ? cause.status : undefined;
  const message = `the proxy ${proxy.publicUrl} ${what}: ${cause.message}`;
  return new ProxyError(message, { proxy: proxy.publicUrl, status, cause });
}

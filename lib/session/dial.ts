// A stream of bytes to the server that a url names: directly, or in a tunnel through a proxy. Which of the two is decided
// here, anew for each url; where a proxy is wanted and fails, so does the connection.

import { UsageError } from "../errors.ts";
import type { Target } from "../handshake/endpoint.ts";
import type { Place } from "../handshake/host.ts";
import { isExempt } from "../handshake/no-proxy.ts";
import { proxyFor } from "../handshake/proxy-for.ts";
import type { Attempt, Platform, Transport } from "../transport/transport.ts";
import { endpointTls } from "./endpoint-tls.ts";
import { ownTransport } from "./own-transport.ts";
import type { ChosenProxy, OpenOptions } from "./session.ts";
import { openTunnel } from "./tunnel.ts";

/** Connects to a target. Rejects with a WebSocketError, or with the signal's reason; then nothing is left behind. */
export function dial(
  platform: Platform,
  target: Target,
  options: OpenOptions,
  attempt: Attempt,
): Promise<Transport> {
  const connect = () => dialPlace(platform, target, options, attempt);
  const { transport } = options;
  return transport === undefined ? connect() : ownTransport(transport, target, options, attempt, connect);
}

/** Over the sockets of the platform. */
async function dialPlace(
  platform: Platform,
  target: Target,
  options: OpenOptions,
  attempt: Attempt,
): Promise<Transport> {
  const { connectTo, family, localAddress, noDelay, keepAliveDelay, maxHeaderSize, trace } = options;
  const socketPath = options.socketPath ?? target.socketPath;
  const place = connectTo ?? { host: target.hostname, port: target.port };
  const identity = target.socketPath === undefined ? target.hostname : "localhost";
  const tls = target.secure ? endpointTls(identity, options.tls, platform) : undefined;

  const via = proxyTo(place, socketPath, target, options.proxy, platform);
  if (via !== undefined) {
    const link = { family, localAddress, noDelay, keepAliveDelay };
    return openTunnel(platform, { via, to: place, link, tls, maxHeaderSize, trace }, attempt);
  }
  const { host: hostname, port } = place;
  const to = {
    hostname,
    port,
    socketPath,
    family,
    localAddress,
    noDelay,
    keepAliveDelay,
    tls,
    isTunnel: false,
  };
  return platform.connect(to, attempt);
}

/** The proxy that the user chose, or the environment asks for; undefined for none. */
function proxyTo(
  place: Place,
  socketPath: string | undefined,
  target: Target,
  chosen: OpenOptions["proxy"],
  platform: Platform,
): ChosenProxy | undefined {
  if (chosen === false) return undefined;
  if (socketPath !== undefined) {
    if (chosen === undefined) return undefined;
    throw new UsageError("a Unix socket is not reached through a proxy: set the option proxy to false");
  }
  if (chosen !== undefined) return isExempt(chosen.exemptions, place) ? undefined : chosen;
  const proxy = proxyFor(place, target.secure, platform.env);
  return proxy && { proxy, headers: [], tls: {}, exemptions: [] };
}

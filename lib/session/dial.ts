// A stream of bytes to the server that a url names.

import type { Target } from "../handshake/endpoint.ts";
import type {
  Attempt,
  Endpoint,
  EndpointTls,
  Platform,
  TlsOptions,
  Transport,
} from "../transport/transport.ts";
import type { OpenOptions } from "./session.ts";

/** Connects to a target. Rejects with a WebSocketError, or with the signal's reason; then nothing is left behind. */
export function dial(
  platform: Platform,
  target: Target,
  options: OpenOptions,
  attempt: Attempt,
): Promise<Transport> {
  return platform.connect(endpoint(target, options), attempt);
}

function endpoint(target: Target, options: OpenOptions): Endpoint {
  const { connectTo, family, localAddress, noDelay, keepAliveDelay } = options;
  return {
    hostname: connectTo?.host ?? target.hostname,
    port: connectTo?.port ?? target.port,
    socketPath: options.socketPath ?? target.socketPath,
    family,
    localAddress,
    noDelay,
    keepAliveDelay,
    isTunnel: false,
    tls: target.secure ? endpointTls(target, options.tls) : undefined,
  };
}

/** The certificate must be for the url's host, or for the name that the user gives. */
function endpointTls(target: Target, options: TlsOptions): EndpointTls {
  const identity = options.servername ?? (target.socketPath === undefined ? target.hostname : "localhost");
  const isAddress = identity.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(identity);
  return { options, servername: isAddress ? "" : identity, identity };
}

// Whom a certificate must be for: the options of TLS, for a connection to one host.

import type { EndpointTls, Platform, TlsOptions } from "../transport/transport.ts";

/** TLS with a host; `servername` among the options is the name to ask for and to verify in its place. */
export function endpointTls(
  hostname: string,
  options: TlsOptions,
  { env }: Pick<Platform, "env">,
): EndpointTls {
  const identity = options.servername ?? hostname;
  const isAddress = identity.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(identity);
  const keyLogFile = env("SSLKEYLOGFILE") || undefined;
  return { options, servername: isAddress ? "" : identity, identity, keyLogFile };
}

// A connection over what the user brings: the option `transport`, asked for each connection. What comes when nobody waits for
// it any more is dropped.

import { TransportError, UsageError, WebSocketError } from "../errors.ts";
import type { Target } from "../handshake/endpoint.ts";
import { type TransportOption, transportOver } from "../transport/source.ts";
import type { Attempt, Transport } from "../transport/transport.ts";
import type { OpenOptions } from "./session.ts";

/** Options of which a connection that others made knows nothing. */
const VAIN = ["proxy", "connectTo", "socketPath", "tls", "localAddress", "family", "noDelay"] as const;

/** Throws UsageError for options that are of no use where none of them says how to connect. */
export function checkVain(options: Omit<OpenOptions, "request">, target?: Target): void {
  const defaults: Partial<Record<(typeof VAIN)[number], unknown>> = { family: 0, noDelay: true };
  const isGiven = (name: (typeof VAIN)[number]) => {
    if (name === "tls") return Object.keys(options.tls).length > 0;
    return (options[name] || undefined) !== (defaults[name] || undefined);
  };
  const vain = VAIN.find(isGiven) ?? (options.keepAliveDelay === undefined ? undefined : "keepAliveSocket");
  if (vain !== undefined)
    throw new UsageError(
      `the option ${vain} has no use with a transport that is there already: a function as transport can connect() by it`,
    );
  if (target?.socketPath !== undefined)
    throw new UsageError("a url of a Unix socket has no use with a transport that is there already");
}

/** Rejects with a WebSocketError, or with the signal's reason; then nothing is left behind. */
export function ownTransport(
  option: TransportOption,
  target: Target,
  options: OpenOptions,
  attempt: Attempt,
  connect: () => Promise<Transport>,
): Promise<Transport> {
  const { signal } = attempt;
  const { url, secure, hostname, port, socketPath } = target;
  const made: Transport[] = [];
  const request = {
    ...{ url, secure, hostname, port, socketPath, signal },
    connect: async () => {
      const transport = await connect();
      made.push(transport);
      return transport;
    },
  };
  const bring = async () => {
    signal.throwIfAborted();
    try {
      const transport = transportOver(typeof option === "function" ? await option(request) : option);
      const isOwn = made.length === 0;
      made.push(transport);
      if (isOwn) checkVain(options, target);
      signal.throwIfAborted();
      return transport;
    } catch (error) {
      for (const transport of made) transport.destroy();
      throw error;
    }
  };
  attempt.phase("connect");
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    bring()
      .then(resolve, (error) => reject(signal.aborted ? signal.reason : failure(error)))
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

function failure(cause: unknown): WebSocketError {
  if (cause instanceof WebSocketError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TransportError("ERR_WS_CONNECT", `the function transport brought none: ${why}`, { cause });
}

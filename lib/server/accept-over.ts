// A connection in the server's role over any stream of bytes, without a server of HTTP: a pipe in memory, a socket of one's own,
// a tunnel. The client's request is read here, and judged and answered as all others are.

import { amount, flag, ownProperties } from "../client/options.ts";
import { TimeoutError } from "../errors.ts";
import { DEFAULT_MAX_HEADER_SIZE } from "../handshake/http.ts";
import { RefusalError } from "../handshake/refusal.ts";
import { readRequest } from "../handshake/server-talk.ts";
import { onAbort } from "../session/abort-listeners.ts";
import { converse } from "../session/converse.ts";
import { type TransportSource, transportOver } from "../transport/source.ts";
import type { Platform } from "../transport/transport.ts";
import { acceptIncoming, type Incoming, refuse } from "./accept.ts";
import { type AcceptOptions, type ResolvedAccept, resolveAccept } from "./accept-options.ts";
import type { AcceptedConnection } from "./accepted-connection.ts";

/** What acceptOver() takes besides the options of accept(). */
export interface AcceptOverOptions extends AcceptOptions {
  /** Whether what carries the connection is inside TLS, so that the url is one of wss. Default false. */
  readonly secure?: boolean;
  /** The largest head of a request taken, in bytes. Default 65 536. */
  readonly maxHeaderSize?: number;
}

/** What acceptOver() is, once a runtime is chosen. */
export type AcceptOver = (
  source: TransportSource,
  options?: AcceptOverOptions,
) => Promise<AcceptedConnection>;

export function acceptOverWith(platform: Platform): AcceptOver {
  return async (source, options = {}) => {
    const { secure, maxHeaderSize, ...others } = ownProperties(options);
    const resolved = resolveAccept(ownProperties(others));
    const most = amount("maxHeaderSize", maxHeaderSize, DEFAULT_MAX_HEADER_SIZE);
    const isSecure = flag("secure", secure, false);
    resolved.signal?.throwIfAborted();
    const transport = transportOver(source);
    const deadline = deadlineOf(resolved);
    let incoming: Incoming;
    try {
      const { result, handOver } = await converse(transport, readRequest(most), deadline.signal);
      incoming = { head: result, transport, secure: isSecure, isGone: false, handOver };
    } catch (error) {
      refuse(transport, refusalFor(error));
      throw error;
    } finally {
      deadline.done();
    }
    return acceptIncoming(platform, incoming, resolved);
  };
}

/** The time that the head of the request has; what comes of it has as much again. */
function deadlineOf({ timeout, signal }: ResolvedAccept): { readonly signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const callOff = signal && onAbort(signal, () => controller.abort(signal.reason));
  const expire = () => {
    const message = `the client did not send its request within ${timeout} ms (option timeout)`;
    controller.abort(new TimeoutError("handshake", timeout, message));
  };
  const timer = timeout === Number.POSITIVE_INFINITY ? undefined : setTimeout(expire, timeout);
  return {
    signal: controller.signal,
    done() {
      clearTimeout(timer);
      callOff?.();
    },
  };
}

/** Undefined where there is nobody to answer, or no time. */
function refusalFor(error: unknown): RefusalError | undefined {
  if (error instanceof TimeoutError) return new RefusalError(408);
  return error instanceof RefusalError ? error : undefined;
}

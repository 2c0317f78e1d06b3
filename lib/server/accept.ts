// From a request for an upgrade to a connection: the check of the request, what the user's hooks say of it, and the answer.
//
// The socket is ours from the call on, and little is read before the 101 is out: a client that floods meanwhile fills its own
// buffers. Whatever ends the attempt leaves no socket behind: a refusal is written, what still comes is dropped, and so is the
// client when it does not go.

import { Channel } from "../client/channel.ts";
import { InboxReceiver } from "../client/connection.ts";
import { Inbox } from "../client/inbox.ts";
import { TimeoutError, TransportError, UsageError, WebSocketError } from "../errors.ts";
import { formatRefusal, RefusalError } from "../handshake/refusal.ts";
import {
  checkOpening,
  formatAccept,
  type OpeningRequest,
  type RequestHead,
  SWITCHING_PROTOCOLS,
  SWITCHING_TEXT,
} from "../handshake/upgrade-server.ts";
import type { Trace } from "../session/trace.ts";
import { DEAF } from "../transport/held.ts";
import type { Host, IncomingRequest, IncomingSocket } from "../transport/host.ts";
import type { Platform, Transport, TransportSink } from "../transport/transport.ts";
import { AcceptAttempt } from "./accept-attempt.ts";
import { type AcceptOptions, type ResolvedAccept, resolveAccept } from "./accept-options.ts";
import { AcceptedConnection } from "./accepted-connection.ts";
import { answerTo } from "./answer.ts";
import { ConnectionRequest } from "./connection-request.ts";
import { ServerSession } from "./server-session.ts";

/** How long a client that was refused has to take it and go, in ms. */
const LINGER_MS = 1000;

/** What accept() is, once a runtime is chosen. */
export type Accept = (
  request: IncomingRequest,
  socket: IncomingSocket,
  head: Uint8Array,
  options?: AcceptOptions,
) => Promise<AcceptedConnection>;

/** A client that asks for an upgrade. */
export interface Incoming {
  readonly head: RequestHead;
  readonly transport: Transport;
  readonly secure: boolean;
  /** It has left already. */
  readonly isGone: boolean;
  /** Attaches who comes next, and gives it what came behind the head. */
  handOver(sink: TransportSink): void;
  /** Ends the attempt with a 503, as the signal of the options does. */
  readonly closing?: AbortSignal;
  /** Is told what the client asks for, as soon as that is known. */
  readonly asked?: (request: ConnectionRequest) => void;
}

export function acceptWith(host: Host): Accept {
  return async (request, socket, head, options) => {
    let resolved: ResolvedAccept;
    try {
      resolved = resolveAccept(options);
      if (!(head instanceof Uint8Array) || !Array.isArray(request?.rawHeaders))
        throw new UsageError("accept() takes the three arguments of an upgrade event, and options");
    } catch (error) {
      socket?.destroy(); // nobody will answer it
      throw error;
    }
    return acceptIncoming(host, incomingOf(host, request, socket, head), resolved);
  };
}

/** An `upgrade` event of node:http. Throws UsageError for a socket that is none. */
export function incomingOf(
  host: Host,
  { method = "", url = "", httpVersion, rawHeaders: flat }: IncomingRequest,
  socket: IncomingSocket,
  rest: Uint8Array,
): Incoming {
  const rawHeaders: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) rawHeaders.push([flat[i] ?? "", flat[i + 1] ?? ""]);
  const adopted = host.adopt(socket);
  return {
    ...adopted,
    head: { method, target: url, httpVersion, rawHeaders },
    handOver(sink) {
      sink.data(rest);
      adopted.transport.attach(sink);
    },
  };
}

/** Rejects with a WebSocketError or the reason of a signal; then the client was answered, if it was still there. */
export async function acceptIncoming(
  platform: Platform,
  incoming: Incoming,
  options: ResolvedAccept,
): Promise<AcceptedConnection> {
  const { head, transport, secure } = incoming;
  const signals = [options.signal, incoming.closing].filter((signal) => signal !== undefined);
  const attempt = new AcceptAttempt(transport, options.timeout, signals);
  incoming.handOver(attempt);
  if (incoming.isGone) attempt.leave();
  const trace = options.newTrace();
  let publicUrl = "";
  try {
    // 1. What it asks for.
    const opening = openingOf(head, secure, trace);
    publicUrl = opening.publicUrl;
    const { localAddress, remoteAddress } = transport;
    const request = new ConnectionRequest(opening, head.rawHeaders, { secure, localAddress, remoteAddress });
    incoming.asked?.(request);

    // 2. What is said to that.
    const answer = await attempt.guard(() => answerTo(request, opening, options));

    // 3. From here on everything is a stream.
    transport.write(formatAccept(answer.rawHeaders));
    const response = {
      status: SWITCHING_PROTOCOLS,
      statusText: SWITCHING_TEXT,
      rawHeaders: answer.rawHeaders,
    };
    trace?.response({ minorVersion: 1, ...response }, "sent");
    const { url } = opening;
    const opened = { role: "server" as const, url, publicUrl, secure, ...answer, response };
    const session = new ServerSession(platform, transport, opened, options, trace);
    transport.attach(session);
    attempt.tell(session); // our transports have done so; those of users know nothing of it
    return connectionOver(session, request, options);
  } catch (error) {
    const refusal = error instanceof TransportError ? undefined : refusalFor(error, signals);
    refuse(transport, refusal, head, trace);
    const isShared = signals.some(({ aborted }) => aborted); // by all that the signal ends
    throw error instanceof WebSocketError && !isShared ? error.locate(publicUrl) : error;
  } finally {
    attempt.done();
  }
}

function connectionOver(
  session: ServerSession,
  request: ConnectionRequest,
  options: ResolvedAccept,
): AcceptedConnection {
  const inbox = new Inbox(session, options.maxQueue);
  const channel = new Channel(session, options, new InboxReceiver(inbox));
  channel.start();
  return new AcceptedConnection(channel, inbox, session, request);
}

/** Throws RefusalError; a request that is refused is traced, too. */
function openingOf(head: RequestHead, secure: boolean, trace: Trace | undefined): OpeningRequest {
  let opening: OpeningRequest | undefined;
  try {
    opening = checkOpening(head, secure);
    return opening;
  } finally {
    trace?.begin(opening?.publicUrl ?? "");
    trace?.request(head.method, head.target, head.rawHeaders, "received");
  }
}

/** Answers that it is not to be, if there is somebody left to answer, and sees to it that the connection ends. */
export function refuse(
  transport: Transport,
  refusal: RefusalError | undefined,
  head?: RequestHead,
  trace?: Trace | undefined,
): void {
  const timer = setTimeout(() => transport.destroy(), LINGER_MS);
  // What still comes is dropped: bytes that nobody read would make a reset of the end, and cost the client the answer.
  transport.attach({ ...DEAF, closed: () => clearTimeout(timer) });
  if (refusal === undefined) {
    transport.destroy();
    return;
  }
  transport.write(formatRefusal(refusal, head?.method === "HEAD"));
  transport.end();
  transport.resume();
  const { status = 500, statusText, rawHeaders } = refusal;
  trace?.response({ minorVersion: 1, status, statusText, rawHeaders }, "sent");
}

/** What failed here is 500; what took too long, or was aborted, may do another time. */
function refusalFor(error: unknown, signals: readonly AbortSignal[]): RefusalError {
  if (error instanceof RefusalError) return error;
  const isPassing = error instanceof TimeoutError || signals.some(({ aborted }) => aborted);
  return new RefusalError(isPassing ? 503 : 500);
}

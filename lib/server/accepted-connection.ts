// A connection that a server accepted: a Connection, and what its client asked for.

import type { Channel } from "../client/channel.ts";
import { Connection, type SendOptions, type SendStreamOptions } from "../client/connection.ts";
import type { Inbox } from "../client/inbox.ts";
import type { StreamSource } from "../client/outgoing-stream.ts";
import type { Sendable } from "../client/sendable.ts";
import type { ConnectionRequest } from "./connection-request.ts";
import type { PreparedMessage } from "./prepared-message.ts";
import type { ServerSession } from "./server-session.ts";

/**
 * An open WebSocket, on the server's side; made by accept() and serve(). In the place of a server it has a client for its
 * peer: `url` is what the client asked for, `response` what it was answered, and `remoteAddress` where it is.
 */
export class AcceptedConnection extends Connection {
  /** The client's request for the upgrade. */
  readonly request: ConnectionRequest;
  readonly #session: ServerSession;
  /** Sends that take their time, as streams do, those behind them, and those that were done in this turn of the loop. */
  #slow = 0;

  /** For isosocket itself. */
  constructor(channel: Channel, inbox: Inbox, session: ServerSession, request: ConnectionRequest) {
    super(channel, inbox);
    this.#session = session;
    this.request = request;
  }

  /** As Connection.send(). */
  override send(data: Sendable, options?: SendOptions): Promise<void> {
    const sent = super.send(data, options);
    return this.#slow > 0 || isBlob(data) ? this.#behind(sent) : sent;
  }

  /** As Connection.sendStream(). */
  override sendStream(source: StreamSource, options?: SendStreamOptions): Promise<void> {
    return this.#behind(super.sendStream(source, options));
  }

  /** For isosocket itself: sends a message that others are sent, too. Only when open. */
  sendPrepared(message: PreparedMessage, compress: boolean): void {
    if (this.#slow > 0 || !this.#session.sendPrepared(message, compress))
      void this.send(message.data, { compress });
  }

  #behind(sent: Promise<void>): Promise<void> {
    this.#slow++;
    // A turn later, as the channel forgets of it some microtasks behind the promise.
    const done = () => void setTimeout(() => this.#slow--, 0);
    sent.then(done, done);
    return sent;
  }
}

/** What is no text and no plain bytes is read later. */
function isBlob(data: Sendable): boolean {
  return typeof data !== "string" && !ArrayBuffer.isView(data) && !(data instanceof ArrayBuffer);
}

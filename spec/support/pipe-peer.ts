// A server at the other end of a pair of streams: the handshake and the protocol in the server's role, by the kit.

import { type Acceptance, Conversation, Protocol, protocolOptions, upgradeServer } from "../../lib/core.ts";
import { type CloseInfo, HandshakeError } from "../../lib/errors.ts";
import type { OpeningRequest, RequestHead } from "../../lib/handshake/upgrade-server.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import type { ProtocolSink } from "../../lib/protocol/protocol.ts";
import { type ByteStreams, overStreams } from "../../lib/transport/streams.ts";
import type { Transport, TransportSink } from "../../lib/transport/transport.ts";
import { Queue } from "./queue.ts";

export class PipePeer implements TransportSink, ProtocolSink {
  readonly messages: Queue<Message> = new Queue();
  readonly requests: Queue<RequestHead> = new Queue();
  readonly ends: Queue<CloseInfo> = new Queue();
  readonly protocol: Protocol;
  readonly transport: Transport;
  /** Called for each message. */
  onMessage: (data: Message) => void = () => {};
  readonly #talk: Conversation<{ readonly head: RequestHead } | HandshakeError>;
  #isOpen = false;

  constructor(streams: ByteStreams, answer?: (request: OpeningRequest) => Acceptance) {
    this.protocol = new Protocol("server", protocolOptions(), this);
    this.#talk = new Conversation(upgradeServer(answer));
    this.transport = overStreams(streams);
    this.transport.attach(this);
    this.#talk.start();
  }

  data(chunk: Uint8Array): void {
    if (this.#isOpen) {
      this.protocol.receive(chunk);
      return;
    }
    for (const bytes of this.#talk.push(chunk)) this.transport.write(bytes);
    if (!this.#talk.done) return;
    const { result, rest } = this.#talk;
    if (result instanceof HandshakeError) {
      this.transport.end();
      return;
    }
    this.#isOpen = true;
    this.requests.push(result.head);
    this.protocol.receive(rest);
  }

  drain(): void {
    this.protocol.drained();
  }

  end(): void {
    this.transport.end();
  }

  closed(): void {
    this.protocol.receiveEnd();
  }

  write(bytes: Uint8Array): boolean {
    return this.transport.write(bytes);
  }

  staged(): void {
    queueMicrotask(() => this.protocol.flush());
  }

  rest(): void {}

  message(data: Message): void {
    this.messages.push(data);
    this.onMessage(data);
  }

  piece(): void {}

  pinged(): void {}

  ponged(): void {}

  closing(): void {
    if (!this.protocol.isShaken && !this.protocol.isFailed) return;
    this.protocol.flush();
    this.transport.end();
  }

  ended(info: CloseInfo): void {
    this.ends.push(info);
  }
}

/** A peer that sends each message back. */
export function echo(streams: ByteStreams): PipePeer {
  const peer = new PipePeer(streams);
  peer.onMessage = (data) => peer.protocol.send(data);
  return peer;
}

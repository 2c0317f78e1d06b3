// Holds a conversation over a transport.

import { TimeoutError, type WebSocketError } from "../errors.ts";
import { Conversation } from "../handshake/conversation.ts";
import type { Talk } from "../handshake/talk.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";

/** What came of a talk. */
export interface Outcome<Result> {
  readonly result: Result;
  /**
   * Attaches who comes next, and gives it what has come since: a runtime may read more before the promise of this outcome
   * is heard of.
   */
  handOver(sink: TransportSink): void;
}

/**
 * Lets a talk run over a transport until its result. Rejects with what the talk throws, with the reason of the transport's
 * end, or with the signal's reason; the transport is left as it is. A talk that has a result for the end of the stream,
 * as one that reads the body of a refusal does, gives it at a timeout too.
 */
export function converse<Result>(
  transport: Transport,
  talk: Talk<Result>,
  signal: AbortSignal,
): Promise<Outcome<Result>> {
  const conversation = new Conversation(talk);
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      signal.removeEventListener("abort", abort);
      act();
    };
    const succeed = () => {
      const keeper = new Keeper(conversation);
      transport.attach(keeper);
      resolve({ result: conversation.result, handOver: (sink) => keeper.handOver(transport, sink) });
    };
    const fail = (reason: unknown) => {
      transport.attach(DEAF);
      reject(reason);
    };
    const step = (advance: () => Uint8Array[], otherwise?: unknown) => {
      try {
        for (const bytes of advance()) transport.write(bytes);
        if (conversation.done) settle(succeed);
      } catch (error) {
        settle(() => fail(otherwise ?? error));
      }
    };
    const abort = () => {
      if (signal.reason instanceof TimeoutError) step(() => conversation.end(), signal.reason);
      else settle(() => fail(signal.reason));
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", abort);
    transport.attach({
      data: (chunk) => step(() => conversation.push(chunk)),
      drain() {},
      end: () => step(() => conversation.end()),
      closed: (cause?: WebSocketError) => step(() => conversation.end(), cause),
    });
    step(() => conversation.start());
  });
}

/** Keeps what comes between a talk and what follows it. */
class Keeper<Result> implements TransportSink {
  readonly #conversation: Conversation<Result>;
  #hasEnded = false;
  #closed: { readonly cause: WebSocketError | undefined } | undefined;

  constructor(conversation: Conversation<Result>) {
    this.#conversation = conversation;
  }

  data(chunk: Uint8Array): void {
    this.#conversation.push(chunk);
  }

  drain(): void {}

  end(): void {
    this.#hasEnded = true;
  }

  closed(cause?: WebSocketError): void {
    this.#closed = { cause };
  }

  handOver(transport: Transport, sink: TransportSink): void {
    transport.attach(sink);
    const { rest } = this.#conversation;
    if (rest.length > 0) sink.data(rest);
    if (this.#hasEnded) sink.end();
    if (this.#closed !== undefined) sink.closed(this.#closed.cause);
  }
}

/** Whatever comes behind a talk that failed. */
const DEAF: TransportSink = { data() {}, drain() {}, end() {}, closed() {} };

// Holds a conversation over a transport.

import { TimeoutError, type WebSocketError } from "../errors.ts";
import { Conversation } from "../handshake/conversation.ts";
import type { Talk } from "../handshake/talk.ts";
import type { Transport } from "../transport/transport.ts";

/** What came of a talk, and the bytes that followed it. */
export interface Outcome<Result> {
  readonly result: Result;
  readonly rest: Uint8Array;
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
      transport.attach(SILENT);
      act();
    };
    const step = (advance: () => Uint8Array[], otherwise?: unknown) => {
      try {
        for (const bytes of advance()) transport.write(bytes);
        if (conversation.done) {
          settle(() => resolve({ result: conversation.result, rest: conversation.rest.slice() }));
        }
      } catch (error) {
        settle(() => reject(otherwise ?? error));
      }
    };
    const abort = () => {
      if (signal.reason instanceof TimeoutError) step(() => conversation.end(), signal.reason);
      else settle(() => reject(signal.reason));
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

/** For the moment between a talk and what follows it, in which nothing arrives. */
const SILENT = { data() {}, drain() {}, end() {}, closed() {} };

// A connection whose process, system, network and peer the test plays.

import type { Way } from "../../lib/client/in-flight.ts";
import { sizeOf } from "../../lib/client/message-stream.ts";
import { LimitError } from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";

/** What was sent: a message, or a probe with its mark. */
type Item = { readonly message: Message; readonly end: number } | { readonly mark: number };

export class FakeWay implements Way {
  isOpen: boolean = true;
  hasClosed: boolean = true;
  /** It has no room. */
  refuses: boolean = false;
  maxBufferedAmount: number = 64 * 1024 * 1024;
  readonly handed: Message[] = [];
  /** The marks of its probes. */
  readonly probes: number[] = [];
  /** What the peer has read. */
  readonly read: Message[] = [];
  /** How often it was looked what has come. */
  looks: number = 0;
  readonly session: Way["session"] & { heard: number; bufferedBytes: number; sentBytes: number };
  #waiters: (() => void)[] = [];
  #items: Item[] = [];
  #heard = 0;
  #answered: (mark: number) => void = () => {};

  constructor(canPing = true) {
    const way = this;
    this.session = {
      canPing,
      bufferedBytes: 0,
      sentBytes: 0,
      get heard() {
        way.looks++;
        return way.#heard;
      },
      set heard(heard) {
        way.#heard = heard;
      },
    };
  }

  get bufferedAmount(): number {
    return this.session.bufferedBytes;
  }

  assertRoom(): void {
    if (this.refuses) throw new LimitError("ERR_WS_BACKPRESSURE", "", { limit: "", actual: 1 });
  }

  send(message: unknown, _compress?: boolean, isForced = false): Promise<void> {
    if (!isForced) this.assertRoom();
    this.handed.push(message as Message);
    this.session.sentBytes += sizeOf(message as Message);
    this.session.bufferedBytes += sizeOf(message as Message);
    this.#items.push({ message: message as Message, end: this.session.sentBytes });
    if (this.bufferedAmount < HIGH_WATER) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  probe(mark: number, answered: (mark: number) => void): void {
    this.probes.push(mark);
    this.#items.push({ mark });
    this.#answered = answered;
  }

  /** The system takes so many bytes. */
  take(bytes: number = Number.POSITIVE_INFINITY): void {
    this.session.bufferedBytes = Math.max(0, this.session.bufferedBytes - bytes);
    if (this.bufferedAmount < HIGH_WATER) for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Something comes from the peer. */
  hear(): void {
    this.#heard++;
  }

  /** The peer reads so many messages of what has left, and answers the probes behind them if it `answers`. */
  reads(count: number = Number.POSITIVE_INFINITY, answers = true): void {
    const left = this.session.sentBytes - this.session.bufferedBytes;
    for (let done = 0; ; ) {
      const [item] = this.#items;
      if (item === undefined) break;
      if ("mark" in item) {
        this.#items.shift();
        if (answers) this.pong(item.mark);
      } else {
        if (done === count || item.end > left) break;
        this.#items.shift();
        this.read.push(item.message);
        done++;
      }
    }
  }

  /** The pong of a probe comes. */
  pong(mark: number = this.probes.at(-1) ?? 0): void {
    this.hear();
    this.#answered(mark);
  }
}

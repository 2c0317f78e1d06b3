// Messages that were handed to one connection, until it is known that the peer has read them.
//
// A peer reads what it is sent in order. So a ping behind messages is their receipt: once its pong comes, all of them were
// read. Such a probe carries the number of messages before it. The first goes behind the first message; after that one goes
// out when there is something that none is behind, at a look (LOOK_MS) if no other is on its way, and at once when that
// is much. What was all read is not probed. A peer may leave out the pong of a ping that another follows (RFC 6455 §5.5.3):
// a probe that is not answered for long is repeated.
//
// A browser has no pings, and there are peers that answer none, although they must. There a guess has to do: what had left
// the process at the last look was read, if something has come from the peer since. That it leaves is no sign by itself, as
// it may lie in the kernel of a peer that reads nothing.

import type { CloseInfo } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import type { Session } from "../session/session.ts";
import type { Channel } from "./channel.ts";
import { idleTimer } from "./idle-timer.ts";
import { Line } from "./line.ts";
import { sizeOf } from "./message-stream.ts";

/** What is asked of a connection. */
export interface Way
  extends Pick<
    Channel,
    "isOpen" | "hasClosed" | "bufferedAmount" | "maxBufferedAmount" | "assertRoom" | "send" | "probe"
  > {
  readonly session: Pick<Session, "canPing" | "heard" | "bufferedBytes" | "sentBytes">;
}

export interface Sent {
  readonly message: Message;
  /** So many bytes had been sent when it was among them. */
  end: number;
}

/** Ms. */
export interface Pace {
  readonly look: number;
  readonly patience: number;
}

const PACE: Pace = {
  /** How often it is looked what has to be done: longer than a socket outlives a failed write. */
  look: 1500,
  /** How long a pong is waited for: longer than what is sent takes on a link that is slow. */
  patience: 30_000,
};

/**
 * Behind so many bytes a probe goes out at once: what is remembered stays little. A pong costs some 30 us of CPU, which is
 * 20 % of what it takes to send a quarter of it, and a few here.
 */
const MUCH = 1024 * 1024;

export class InFlight {
  readonly #way: Way;
  readonly #freed: () => void;
  readonly #pace: Pace;
  /** As many bytes are remembered at the most, and one message more. */
  readonly #most: number;
  readonly #sent = new Line<Sent>();
  /** Messages so far, those that a probe was sent behind, and those that the peer has read. */
  #count = 0;
  #probed = 0;
  #read = 0;
  /** Those at the front that are not remembered any more. */
  #gone = 0;
  /** Bytes that no probe is behind. */
  #unprobed = 0;
  /** Since when a pong is awaited, in ms. */
  #askedAt = 0;
  #hasAnswered = false;
  /** There are no pongs to go by. */
  #isMute: boolean;
  /** Of the last look: what had come, and the bytes that had left. */
  #heard: number;
  #left = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `freed` is called when some were read: there may be room for others. */
  constructor(way: Way, freed: () => void, pace: Pace = PACE) {
    this.#way = way;
    this.#freed = freed;
    this.#pace = pace;
    this.#most = way.maxBufferedAmount;
    this.#heard = way.session.heard;
    this.#isMute = !way.session.canPing;
  }

  get hasRoom(): boolean {
    return this.#sent.bytes < this.#most;
  }

  /** The connection was handed a message. Call left() with what is returned when it has been sent. */
  add(message: Message): Sent {
    const sent = { message, end: Number.POSITIVE_INFINITY };
    this.#sent.push(sent);
    this.#count++;
    this.#unprobed += sizeOf(message);
    const isMuch = this.#unprobed >= Math.min(MUCH, this.#most / 2);
    if (!this.#isMute && (isMuch || this.#probed === 0)) this.#probe();
    this.#timer ??= idleTimer(this.#look, 0); // behind all that is sent in this tick
    return sent;
  }

  left(sent: Sent): void {
    sent.end = this.#way.session.sentBytes;
  }

  /** We are about to close the connection. */
  conclude(): void {
    if (this.#probed < this.#count) this.#probe();
  }

  /** The connection is gone. Those that may not have been read, in order. */
  end(info: CloseInfo): Message[] {
    clearTimeout(this.#timer);
    const rest = this.#sent.clear();
    return this.#wasAnswered(info) ? [] : rest.map(({ message }) => message);
  }

  /**
   * Whether the peer's Close frame answers ours, and so proves that it has read all. They may have crossed: then its code is
   * another as a rule, and the pong that a peer would have sent before it is missing.
   */
  #wasAnswered({ wasClean, sent, received }: CloseInfo): boolean {
    if (!wasClean || !this.#way.hasClosed || sent?.code !== received?.code) return false;
    return !(this.#hasAnswered && this.#read < this.#count);
  }

  /** A probe is on its way. */
  get #isAsked(): boolean {
    return this.#read < this.#probed;
  }

  #probe(): void {
    if (!this.#way.session.canPing || !this.#way.isOpen) return;
    if (!this.#isAsked) this.#askedAt = performance.now();
    this.#probed = this.#count;
    this.#unprobed = 0;
    this.#way.probe(this.#count, this.#answered);
  }

  readonly #answered = (count: number): void => {
    this.#hasAnswered = true;
    this.#isMute = false;
    this.#read = Math.max(this.#read, count);
    this.#askedAt = performance.now();
    this.#forget(() => this.#gone < count);
  };

  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#sent.first === undefined || !this.#way.isOpen) return;
    const now = performance.now();
    const isOverdue = this.#isAsked && now - this.#askedAt >= this.#pace.patience;
    if (isOverdue) {
      this.#isMute = !this.#hasAnswered;
      this.#askedAt = now;
    }
    if (isOverdue || (!this.#isAsked && this.#probed < this.#count)) this.#probe();
    this.#guess();
    if (this.#sent.first !== undefined) this.#timer ??= idleTimer(this.#look, this.#pace.look);
  };

  /** Forgets what had left at the last look, if something has come since, or if it is too much to remember. */
  #guess(): void {
    const { heard, bufferedBytes, sentBytes } = this.#way.session;
    const left = this.#left;
    const hasHeard = heard !== this.#heard;
    this.#heard = heard;
    this.#left = sentBytes - bufferedBytes;
    if (this.#isMute && (hasHeard || !this.hasRoom)) this.#forget(({ end }) => end <= left);
  }

  /** Those at the front, and says so. */
  #forget(isDone: (first: Sent) => boolean): void {
    for (;;) {
      const { first } = this.#sent;
      if (first === undefined || !isDone(first)) break;
      this.#sent.shift();
      this.#gone++;
    }
    this.#freed();
  }
}

// One client of a soak: an app that sends numbered messages for as long as it is let, whatever happens to its connections, and
// holds all that it is told against what it was promised.

import type {
  AppOptions,
  CloseInfo,
  Message,
  WebSocketApp,
  WebSocketAppConstructor,
} from "../../lib/node.ts";
import type { Chance } from "./chance.ts";
import { FILLER, isWhole, type Tally, textOf } from "./tally.ts";

const RECONNECT = { minDelay: 20, maxDelay: 500, stableAfter: 500 };

/** As late as no attempt is, in ms. */
const OVERDUE_MS = 2_000;

/** Between two runs, in ms. */
const REST_MS = 20;

// What may be known of a message.
const ACKNOWLEDGED = 1;
/** It will not be sent, or perhaps was not: the outbox said so. */
const DROPPED = 2;
/** It was sent without an outbox, and may be lost with its connection. */
const AT_RISK = 4;

export class SoakClient {
  readonly name: string;
  readonly faults: string[] = [];
  /** How connections ended, and how often: `1006 ERR_WS_TRANSPORT`. */
  readonly ends: Map<string, number> = new Map();
  sent = 0;
  acknowledged = 0;
  received = 0;
  /** By how many ms each attempt came after a timer that was set for it when it was announced. */
  readonly lateness: number[] = [];
  /** Where in the range that there was for it each wait lay, from 0 to 1. */
  readonly waits: number[] = [];

  readonly #app: WebSocketApp;
  readonly #chance: Chance;
  /** What is known of each message, in bytes outside of the heap that is measured. */
  #known: Uint8Array = new Uint8Array(4096);
  readonly #hasOutbox: boolean;
  #isOpen = false;
  #isStopping = false;
  /** Messages that came with the current connection. */
  #pushed = 0;
  #nextAttempt: number | undefined;
  /** When the timer fired that was set for it. */
  #firedAt: number | undefined;
  #control: ReturnType<typeof setTimeout> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    name: string,
    type: WebSocketAppConstructor,
    url: string,
    options: AppOptions,
    chance: Chance,
    hasOutbox: boolean,
  ) {
    this.name = name;
    this.#chance = chance;
    this.#hasOutbox = hasOutbox;
    const outbox = {
      maxBytes: 1 << 22,
      onDrop: (message: Message) => this.#note(numberOf(message), DROPPED),
    };
    this.#app = new type(() => this.#attempt(url), {
      ...options,
      reconnect: RECONNECT,
      ...(hasOutbox && { outbox }),
      onOpen: () => this.#opened(),
      onMessage: (_app, message) => this.#message(message),
      onClose: (_app, code, reason, info) => this.#closed(code, reason, info),
      onError: () => {},
    });
  }

  /** Runs until stop(). */
  async run(): Promise<void> {
    this.#send();
    while (!this.#isStopping) {
      await this.#app.runForever();
      this.#forgetAttempt(); // the user may have ended the wait for it
      if (!this.#isStopping) await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }

  stop(): void {
    this.#isStopping = true;
    if (this.#firedAt !== undefined && performance.now() - this.#firedAt > OVERDUE_MS)
      this.#fault("an attempt was announced, and did not come");
    this.#forgetAttempt();
    clearTimeout(this.#timer);
    this.#app.close();
  }

  /** Holds what the server got against what was sent; how many vanished, without a word, of those that an outbox had. */
  check({ got }: Tally): number {
    const arrived = new Set(got[this.name] ?? []);
    for (const number of arrived)
      if (number >= this.sent) this.#fault(`${number} arrived and was never sent`);
    let vanished = 0;
    for (let number = 0; number < this.sent; number++) {
      const known = this.#known[number] ?? 0;
      if (arrived.has(number)) continue;
      if ((known & ACKNOWLEDGED) !== 0) this.#fault(`${number} was acknowledged and is lost`);
      if (known === 0) vanished++;
    }
    return vanished;
  }

  #attempt(url: string): string {
    if (this.#nextAttempt !== undefined) {
      const now = performance.now();
      if (now < this.#nextAttempt - 2) this.#fault(`connects ${this.#nextAttempt - now} ms too early`);
      this.lateness.push(now - (this.#firedAt ?? now));
      this.#forgetAttempt();
    }
    return url;
  }

  #opened(): void {
    if (this.#isOpen) this.#fault("onOpen twice");
    this.#isOpen = true;
    this.#pushed = 0;
  }

  #message(message: Message): void {
    if (!this.#isOpen) this.#fault("a message before onOpen or behind onClose");
    this.received++;
    if (typeof message !== "string") return; // noise of the server's that happened to be a frame
    const text = message;
    if (text.startsWith("a")) {
      this.acknowledged++;
      this.#note(Number(text.slice(1)), ACKNOWLEDGED);
    } else if (text.startsWith(`p${this.#pushed}:`)) {
      if (!isWhole(text)) this.#fault(`message ${this.#pushed} is not what was sent`);
      this.#pushed++;
    } else if (/^p\d/.test(text)) {
      this.#fault(`expected message ${this.#pushed}, and ${text.slice(0, 20)} came`);
    }
  }

  #closed(code: number, reason: string, info: CloseInfo): void {
    const { retry, wasClean, error } = info;
    const end = `${code}${wasClean ? " clean" : ""}${error === undefined ? "" : ` ${error.code}`}`;
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
    // The server says in its reason how much it sent before.
    if (wasClean && reason !== "" && Number(reason) !== this.#pushed)
      this.#fault(`a clean end after ${reason} messages, of which ${this.#pushed} came`);
    this.#isOpen = false;
    if (retry === undefined) return;
    const { minDelay, maxDelay } = RECONNECT;
    const most = Math.min(maxDelay, minDelay * 2 ** retry.attempt);
    if (retry.delay < minDelay || retry.delay > most)
      this.#fault(`attempt ${retry.attempt} waits ${retry.delay} ms`);
    // What a server asks for by Retry-After is no chance.
    if (error?.code !== "ERR_WS_UNEXPECTED_STATUS")
      this.waits.push((retry.delay - minDelay) / (most - minDelay));
    this.#nextAttempt = performance.now() + retry.delay;
    this.#control = setTimeout(() => {
      this.#firedAt = performance.now();
    }, retry.delay);
  }

  #forgetAttempt(): void {
    clearTimeout(this.#control);
    this.#nextAttempt = this.#firedAt = undefined;
  }

  readonly #send = (): void => {
    const number = this.sent;
    const size = this.#chance.upTo(20) === 0 ? this.#chance.upTo(100_000) : this.#chance.upTo(200);
    const isBinary = number % 3 === 0;
    const binary = Buffer.alloc(8 + size, FILLER);
    binary.writeUInt32BE(number);
    binary.writeUInt32BE(size, 4);
    try {
      this.#app.send(isBinary ? binary : textOf(number, size));
      this.sent++;
      if (!this.#hasOutbox) this.#note(number, AT_RISK);
    } catch {
      // There is no connection, and no outbox: it was not sent.
    }
    // Now and then the user wants another connection.
    const whim = this.#chance.upTo(2_000);
    if (whim === 0) this.#app.terminate();
    if (whim === 1) this.#app.close(4000, "");
    this.#timer = setTimeout(this.#send, this.#chance.upTo(80));
  };

  #note(number: number, what: number): void {
    while (number >= this.#known.length) {
      const larger = new Uint8Array(2 * this.#known.length);
      larger.set(this.#known);
      this.#known = larger;
    }
    this.#known[number] = (this.#known[number] ?? 0) | what;
  }

  #fault(what: string): void {
    if (this.faults.length < 5) this.faults.push(`${this.name}: ${what}`);
  }
}

function numberOf(message: Message): number {
  return typeof message === "string"
    ? Number(message.split(":", 1))
    : new DataView(message.buffer, message.byteOffset).getUint32(0);
}

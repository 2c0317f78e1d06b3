// What a run sends: its texts, then its input or what is typed, and when all of it is over.

import type { App } from "../client/app.ts";
import type { Connection } from "../client/connection.ts";
import { ClosedError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import { decodeLine, messagesOf, type Pieces } from "./input.ts";
import type { PromptSink } from "./prompt.ts";
import type { Settings } from "./settings.ts";

/** How long, in ms, a peer must be silent after the end of input for its answers to count as complete. */
const SILENCE_MS = 1000;

/** How long, in ms, input may be sent without a pause while there is more. */
const TURN_MS = 10;

/** Who is told how the sending goes. */
export interface SenderSink {
  /** There is nothing more to wait for; `isLate`: so --eof-wait says. */
  over(isLate: boolean): void;
  /** The input is not what it was said to be, or cannot be read. */
  failed(error: Error): void;
  note(line: string): void;
  interrupt(): void;
}

export class Sender implements PromptSink {
  readonly #app: App;
  readonly #settings: Settings;
  readonly #sink: SenderSink;
  readonly #silence: number;
  #hasSent = false;
  #isStopped = false;
  #opened: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When something was received, in ms. */
  #heardAt = 0;
  /** Unsent bytes when the silence was looked at last. */
  #unsent = Number.POSITIVE_INFINITY;

  /** `silence` in ms; only tests give another. */
  constructor(app: App, settings: Settings, sink: SenderSink, silence: number = SILENCE_MS) {
    this.#app = app;
    this.#settings = settings;
    this.#sink = sink;
    this.#silence = silence;
  }

  /** There is a connection, perhaps another one: a server must be told anew what it is to send. */
  opened(): void {
    for (const text of this.#settings.texts) void this.#app.connection?.send(text);
    this.#hasSent ||= this.#settings.texts.length > 0;
    this.#opened?.();
    this.#opened = undefined;
  }

  /** Sends all of the input, as fast as the peer takes it. */
  async sendInput(input: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const message of messagesOf(inTurns(input), this.#settings)) {
        if (this.#isStopped) return;
        await this.#send(message);
        this.#hasSent = true;
      }
      this.#inputEnded();
    } catch (error) {
      if (!this.#isStopped) this.#sink.failed(error as Error);
    }
  }

  /** Something was received. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** A line was typed. */
  line(line: string): void {
    if (line === "") return;
    const { connection } = this.#app;
    if (connection?.state !== "open") {
      this.#sink.note("not connected: nothing was sent");
      return;
    }
    try {
      void connection.send(decodeLine(Buffer.from(line), this.#settings, "the line"));
    } catch (error) {
      this.#sink.note(`${(error as Error).message}: nothing was sent`);
    }
  }

  /** Ctrl-D. */
  end(): void {
    if (this.#settings.eofWait === undefined) this.#sink.over(false);
    else this.#inputEnded();
  }

  interrupt(): void {
    this.#sink.interrupt();
  }

  /** Fulfils once the peer took it. What was lost with its connection may have arrived, so it is not sent again. */
  async #send(message: Message | Pieces): Promise<void> {
    const connection = await this.#connection();
    const binary = this.#settings.binary || this.#settings.hex;
    try {
      if (typeof message === "string" || message instanceof Uint8Array) await connection.send(message);
      else await connection.sendStream(message, { binary });
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
      if (this.#settings.reconnect !== undefined)
        this.#sink.note("the message that was being sent may be lost with its connection");
    }
  }

  /** The connection, when there is one. */
  async #connection(): Promise<Connection> {
    for (;;) {
      const { connection } = this.#app;
      if (connection?.state === "open") return connection;
      await new Promise<void>((resolve) => {
        this.#opened = resolve;
      });
    }
  }

  #inputEnded(): void {
    const { eofWait, count } = this.#settings;
    if (eofWait === Number.POSITIVE_INFINITY) return;
    if (eofWait !== undefined) this.#timer = setTimeout(() => this.#sink.over(true), eofWait);
    else if (count === undefined && this.#hasSent) this.#awaitSilence(this.#silence);
  }

  /** Waits until nothing was received for a while, and all that was sent has left, or none of it does any more. */
  #awaitSilence(ms: number): void {
    this.#timer = setTimeout(() => {
      const { connection } = this.#app;
      const unsent = connection?.bufferedAmount ?? Number.POSITIVE_INFINITY;
      const rest = this.#heardAt + this.#silence - performance.now();
      if (rest > 0) this.#awaitSilence(rest);
      else if (connection === undefined || (unsent > 0 && unsent < this.#unsent))
        this.#awaitSilence(this.#silence);
      else this.#sink.over(false);
      this.#unsent = unsent;
    }, ms);
  }
}

/**
 * Input that is always there keeps a runtime from its sockets: what can be read and sent at once goes before them. So there is
 * a pause in which they have their turn, by a timer, as Deno's setImmediate() is no such pause.
 */
async function* inTurns(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let pausedAt = performance.now();
  for await (const chunk of input) {
    yield chunk;
    if (performance.now() - pausedAt < TURN_MS) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    pausedAt = performance.now();
  }
}

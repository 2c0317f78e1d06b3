// Plays a case over an upgraded socket, as a suite's peer does, and judges what came back and how it ended.

import { once } from "node:events";
import type { Socket } from "node:net";
import {
  type Answer,
  BINARY,
  type Case,
  CLOSE,
  CONTINUATION,
  closing,
  frame,
  type Message,
  NO_CODE,
  PING,
  PONG,
  pieces,
  type SentFrame,
  type Step,
  TEXT,
} from "./case.ts";
import type { PeerDeflate } from "./deflater.ts";
import { encode, FrameReader, type ReadFrame, type Side } from "./wire.ts";

/** How long the other side may take to answer, in ms, before the case counts as failed. */
const PATIENCE_MS = 15_000;

/** How long a server may take to end TCP once both have closed, in ms. */
const DROP_MS = 10_000;

export interface Verdict {
  readonly outcome: "ok" | "non-strict" | "failed";
  /** Why it is not ok. */
  readonly why: string;
}

/** The two halves of a message that comes in fragments. */
interface Incoming {
  readonly kind: "text" | "binary";
  readonly rsv1: boolean;
  readonly parts: Buffer[];
}

export class Player {
  readonly #socket: Socket;
  readonly #side: Side;
  readonly #deflate: PeerDeflate | undefined;
  readonly #reader: FrameReader;
  readonly #answers: Answer[] = [];
  /** Answers that an echo step has taken. */
  #taken = 0;
  #incoming: Incoming | undefined;
  #work: Promise<void> = Promise.resolve();
  /** The code of the Close that came. */
  #closed: number | undefined;
  #fault: string | undefined;
  #hasEnded = false;
  #isGone = false;
  #isLate = false;
  #changed: () => void = () => {};

  /** `side`: what the peer is. `rest`: what came behind the handshake. */
  constructor(socket: Socket, side: Side, rest: Uint8Array, deflate?: PeerDeflate) {
    this.#socket = socket;
    this.#side = side;
    this.#deflate = deflate;
    this.#reader = new FrameReader(side === "client" ? "server" : "client", deflate !== undefined);
    const take = (chunk: Buffer) => this.#receive(chunk);
    socket.on("data", take).on("end", () => {
      this.#hasEnded = true;
      this.#changed();
    });
    socket.on("error", (error) => {
      this.#fault ??= `the connection was lost: ${error.message}`;
    });
    socket.on("close", () => {
      this.#hasEnded = true;
      this.#isGone = true;
      this.#changed();
    });
    if (rest.length > 0) take(Buffer.from(rest));
    socket.resume();
  }

  async play(one: Case): Promise<Verdict> {
    let isStrict = true;
    let sentClose = false;
    try {
      for (const step of one.steps()) {
        if (this.#isGone) break;
        if ("failed" in step) isStrict = (await this.#until(() => this.#isOver)) && isStrict;
        else await this.#step(step);
        sentClose ||= framesOf(step).some(({ opcode, rsv }) => opcode === CLOSE && rsv === 0);
      }
      const enough = one.answers.length;
      await this.#until(() => this.#isOver || this.#answers.length - this.#taken >= enough);
      if (one.end.by === "peer" && !sentClose && !this.#isOver) await this.#send(frame(CLOSE, closing(1000)));
      await this.#until(() => this.#isOver);
      if (one.end.by === "subject" && !sentClose && this.#closed !== undefined && !this.#isGone)
        await this.#send(frame(CLOSE, closing(this.#closed === NO_CODE ? 1000 : this.#closed)));
      await this.#drop();
    } catch (error) {
      this.#fault ??= String((error as Error).message ?? error);
    } finally {
      this.#socket.destroy();
      this.#deflate?.close();
    }
    return this.#verdict(one, isStrict);
  }

  /** The other side said that it is the end, or just went. */
  get #isOver(): boolean {
    return this.#closed !== undefined || this.#hasEnded || this.#fault !== undefined;
  }

  /** A server ends TCP itself, and a client waits for the server to (§7.1.1). */
  async #drop(): Promise<void> {
    if (this.#side === "server") this.#socket.end();
    else if (!(await this.#until(() => this.#hasEnded, DROP_MS)))
      this.#fault ??= "the server left it to the client to end TCP";
    this.#socket.end();
    await this.#until(() => this.#isGone, DROP_MS);
  }

  async #step(step: Exclude<Step, { failed: true }>): Promise<void> {
    if ("frame" in step) await this.#send(step.frame);
    else if ("part" in step) await this.#write(partOf(step, this.#side));
    else if ("together" in step)
      await this.#write(Buffer.concat(step.together.map((sent) => encode(sent, this.#side).bytes)));
    else if ("answers" in step)
      await this.#until(() => this.#isOver || this.#answers.length - this.#taken >= step.answers);
    else await this.#echo(step.echo);
  }

  async #echo(message: Message): Promise<void> {
    const { isText, payload, frameSize = Number.POSITIVE_INFINITY } = message;
    const packed = (await this.#deflate?.compress(payload)) ?? payload;
    const parts = packed.length <= frameSize ? [packed] : pieces(packed, frameSize);
    const frames = parts.map((part, i) =>
      frame(i > 0 ? CONTINUATION : isText ? TEXT : BINARY, part, {
        fin: i === parts.length - 1,
        rsv: i === 0 && this.#deflate !== undefined ? 4 : 0,
      }),
    );
    await this.#write(Buffer.concat(frames.map((sent) => encode(sent, this.#side).bytes)));
    if (!(await this.#until(() => this.#isOver || this.#answers.length > this.#taken)) || this.#isOver)
      throw new Error(`message ${this.#taken} did not come back`);
    const back = this.#answers[this.#taken] as Answer;
    this.#answers[this.#taken++] = { kind: back.kind, payload: new Uint8Array(0) };
    if (!isSame(back, { kind: isText ? "text" : "binary", payload }))
      throw new Error(`message ${this.#taken - 1} came back as ${nameOf(back)}`);
  }

  async #send(sent: SentFrame): Promise<void> {
    const { bytes } = encode(sent, this.#side);
    const { chop = bytes.length } = sent;
    for (let at = 0; at < bytes.length && !this.#isGone; at += chop)
      await this.#write(bytes.subarray(at, at + chop));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#isGone || this.#socket.destroyed || this.#socket.write(bytes)) return;
    await Promise.race([once(this.#socket, "drain"), once(this.#socket, "close")]).catch(() => {});
  }

  #receive(chunk: Buffer): void {
    if (this.#fault !== undefined || this.#closed !== undefined) return;
    try {
      for (const read of this.#reader.push(chunk)) {
        if (this.#closed === undefined) this.#take(read);
      }
    } catch (error) {
      this.#fault = `what came is wrong: ${(error as Error).message}`;
    }
    this.#changed();
  }

  #take(read: ReadFrame): void {
    const { opcode, payload } = read;
    if (opcode === CLOSE) this.#closed = payload.length < 2 ? NO_CODE : payload.readUInt16BE();
    else if (opcode === PING) this.#fault = "a ping came that nobody expected";
    else if (opcode === PONG) this.#answers.push({ kind: "pong", payload });
    else this.#data(read);
  }

  #data({ opcode, payload, fin, rsv1 }: ReadFrame): void {
    this.#incoming ??= { kind: opcode === TEXT ? "text" : "binary", rsv1, parts: [] };
    this.#incoming.parts.push(payload);
    if (!fin) return;
    const { kind, parts, rsv1: isPacked } = this.#incoming;
    this.#incoming = undefined;
    const whole = Buffer.concat(parts);
    const deflate = this.#deflate;
    if (!isPacked || deflate === undefined) {
      this.#answers.push({ kind, payload: whole });
      return;
    }
    this.#work = this.#work
      .then(async () => void this.#answers.push({ kind, payload: await deflate.decompress(whole) }))
      .catch((error: Error) => {
        this.#fault = `what came cannot be inflated: ${error.message}`;
      })
      .then(() => this.#changed());
  }

  /** Waits for something to become true; false if that takes too long. */
  async #until(isTrue: () => boolean, patience = PATIENCE_MS): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLate = false;
    while (!isTrue() && !isLate) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
        timer ??= setTimeout(() => {
          isLate = true;
          this.#changed();
        }, patience);
      });
    }
    clearTimeout(timer);
    this.#isLate ||= isLate;
    return !isLate;
  }

  #verdict({ answers, otherwise, end }: Case, isStrict: boolean): Verdict {
    const came = this.#answers.slice(this.#taken);
    const isAsExpected = areSame(came, answers);
    const isOtherwise = otherwise !== undefined && areSame(came, otherwise.answers);
    if (this.#fault !== undefined) return { outcome: "failed", why: this.#fault };
    if (!isAsExpected && !isOtherwise)
      return { outcome: "failed", why: `what came back was ${came.map(nameOf).join(", ") || "nothing"}` };
    if (this.#closed === undefined)
      return { outcome: "failed", why: this.#isLate ? "no Close came in time" : "it ended without a Close" };
    if (!end.codes.includes(this.#closed))
      return { outcome: "failed", why: `it closed with ${this.#closed}` };
    if (!isStrict) return { outcome: "non-strict", why: "it was failed only when more had come" };
    if (!isAsExpected && otherwise?.verdict === "non-strict")
      return { outcome: "non-strict", why: "what came before the fault was not answered" };
    return { outcome: "ok", why: "" };
  }
}

function framesOf(step: Step): readonly SentFrame[] {
  if ("frame" in step) return [step.frame];
  return "together" in step ? step.together : [];
}

function partOf({ part, from, to }: { part: SentFrame; from: number; to: number }, side: Side): Uint8Array {
  const { bytes, header } = encode(part, side);
  return bytes.subarray(from === 0 ? 0 : header + from, header + to);
}

function isSame(one: Answer, other: Answer): boolean {
  return one.kind === other.kind && Buffer.compare(one.payload, other.payload) === 0;
}

function areSame(some: readonly Answer[], others: readonly Answer[]): boolean {
  return some.length === others.length && some.every((one, i) => isSame(one, others[i] as Answer));
}

function nameOf({ kind, payload }: Answer): string {
  return `${kind} of ${payload.length} bytes`;
}

// An open session and what its user waits for: that sends go out in order and find room, that pings come back, the end.
// Both shapes stand on it: a Connection, which queues what arrives, and an app, which calls back.

import { decodeLatin1 } from "../bytes/latin1.ts";
import { randomFraction } from "../bytes/random.ts";
import { INTERNAL_ERROR, NORMAL_CLOSURE } from "../codec/close-code.ts";
import type { DataOpcode } from "../codec/opcode.ts";
import { ClosedError, type CloseInfo, LimitError, TimeoutError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import type { ProtocolState } from "../protocol/protocol.ts";
import { HIGH_WATER, type Session, type SessionSink } from "../session/session.ts";
import type { Heartbeat, SendBeat } from "./heartbeat.ts";
import { closedError, handled } from "./inbox.ts";
import { sizeOf } from "./message-stream.ts";
import { duration, type ResolvedOptions } from "./options.ts";
import { type ItemIterator, iteratorOf, OutgoingStream, type StreamSource } from "./outgoing-stream.ts";
import { controlPayload, isBlob, messageOf, type Sendable } from "./sendable.ts";

/** Who gets what arrives. None of these may throw. */
export interface Receiver {
  message(data: Message): void;
  piece(data: Message, opcode: DataOpcode, fin: boolean): void;
  pinged(payload: Uint8Array): void;
  ponged(payload: Uint8Array): void;
  ended(info: CloseInfo): void;
}

interface PendingPing {
  readonly payload: Uint8Array;
  readonly sentAt: number;
  /** The mark of the last probe before it. */
  readonly mark: number;
  readonly resolve: (ms: number) => void;
  readonly reject: (reason: unknown) => void;
}

/** The pings that tell what the peer has read. */
interface Probes {
  /** What their payloads begin with, on this connection alone: no ping of others is taken for one of them. */
  readonly name: string;
  readonly answered: (mark: number) => void;
  /** Of the last one. */
  mark: number;
}

interface DrainWaiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** What send() returns when there is nothing to wait for: one promise for all. */
const SENT: Promise<void> = Promise.resolve();

/** For who does not wait for a ping. */
function ignored(): void {}

/** What `call` returns; what it throws rejects. */
export function promised<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return call();
  } catch (error) {
    return handled(Promise.reject(error));
  }
}

export class Channel implements SessionSink {
  readonly session: Session;
  /** How it ended, once it has. */
  info: CloseInfo | undefined;
  /** Round-trip time in ms of the last ping that was answered, of ping() or of keepAlive. */
  latency: number | undefined;

  readonly #receiver: Receiver;
  /** Bytes that may wait to be sent. */
  readonly maxBufferedAmount: number;
  readonly #closeTimeout: number;
  readonly #checkClose: ResolvedOptions["checkClose"];
  #closed: Promise<CloseInfo> | undefined;
  #settleClosed: ((info: CloseInfo) => void) | undefined;
  #isClosing = false;
  /** Our Close frame went before the peer's came. */
  hasClosed = false;
  /** More than maxBufferedAmount was buffered when it was last looked at. */
  #mayBeFull = false;
  #waiters: DrainWaiter[] | undefined;
  #pings: PendingPing[] | undefined;
  #pingCount = 0;
  #probes: Probes | undefined;
  /** Bytes that had left when a message of keepAlive last could not be sent; NaN where little waited. */
  #left = Number.NaN;
  readonly #startHeartbeat: ResolvedOptions["heartbeat"];
  #heartbeat: Heartbeat | undefined;
  /** The last of the sends that take their time (streams, Blobs): whatever is sent meanwhile goes behind it. */
  #turn: Promise<void> | undefined;
  /** Ends the wait for a stream's next item. */
  #interrupt: ((reason: unknown) => void) | undefined;
  /** Bytes of what waits for its turn. */
  #waitingBytes = 0;

  /** Nothing is delivered until start(). */
  constructor(session: Session, options: Omit<ResolvedOptions, "open">, receiver: Receiver) {
    this.session = session;
    this.#receiver = receiver;
    this.maxBufferedAmount = options.maxBufferedAmount;
    this.#closeTimeout = options.closeTimeout;
    this.#checkClose = options.checkClose;
    this.#startHeartbeat = options.heartbeat;
  }

  start(): void {
    this.session.start(this);
    if (this.isOpen) this.#heartbeat = this.#startHeartbeat?.(this.session, (beat) => this.#sendBeat(beat));
  }

  /** Fulfils when the connection is gone; never rejects. */
  get closed(): Promise<CloseInfo> {
    this.#closed ??= new Promise((resolve) => {
      if (this.info !== undefined) resolve(this.info);
      else this.#settleClosed = resolve;
    });
    return this.#closed;
  }

  get isOpen(): boolean {
    return !this.#isClosing && this.session.state === "open";
  }

  get state(): ProtocolState {
    if (this.info !== undefined) return "closed";
    return this.isOpen ? "open" : "closing";
  }

  /** Bytes that were sent and have not left the process. */
  get bufferedAmount(): number {
    return this.session.bufferedBytes + this.#waitingBytes;
  }

  /**
   * Sends a message, as it is where `compress` is false, and room or not if it `isForced`. Throws ClosedError, UsageError,
   * LimitError; what it returns rejects with ClosedError, and does no harm ignored.
   */
  send(data: Sendable, compress?: boolean, isForced?: boolean): Promise<void> {
    this.#assertOpen();
    const message = typeof data === "string" ? data : messageOf(data);
    const isLater = this.#turn !== undefined || isBlob(message);
    if ((isLater || this.#mayBeFull) && !isForced) this.assertRoom();
    if (isLater) return this.#sendLater(message, compress);
    this.session.send(message, compress);
    const buffered = this.session.bufferedBytes;
    if (buffered > this.maxBufferedAmount) this.#mayBeFull = true;
    return buffered < HIGH_WATER ? SENT : this.#drained();
  }

  /** Sends one message in as many frames as the source has items, and an empty last one. */
  sendStream(source: StreamSource, binary: boolean | undefined, compress?: boolean): Promise<void> {
    this.#assertOpen();
    const iterator = iteratorOf(source);
    return this.#inTurn(async () => {
      const stream = new OutgoingStream(this.session, binary, compress);
      try {
        for (;;) {
          this.#assertAlive();
          const item = await this.#next(iterator);
          this.#assertAlive();
          if (item.done) break;
          stream.write(item.value);
          if (this.session.bufferedBytes >= HIGH_WATER) await this.#drained();
        }
        stream.end();
      } catch (error) {
        promised(async () => iterator.return?.()).catch(() => {}); // the error at hand is the one that tells why
        // The message cannot be taken back and must not look whole: the connection fails (RFC 6455 §7.4.1, 1011).
        if (stream.isBegun && this.session.state === "open")
          this.session.close(INTERNAL_ERROR, "", this.#closeTimeout);
        throw error;
      }
    });
  }

  /** Sends a ping; the time in ms until its pong. Throws UsageError, ClosedError. */
  ping(data?: Sendable): Promise<number> {
    this.#assertOpen();
    const payload = new Uint8Array(data === undefined ? this.#freshPayload() : controlPayload(data));
    this.session.ping(payload);
    return handled(new Promise((resolve, reject) => this.#await(payload, resolve, reject)));
  }

  /**
   * Sends a ping behind all that was sent before, streams and Blobs too; only when open. When its pong comes, or one that makes
   * up for it, `answered` is called with its `mark`, an integer above 0 that does not fall from probe to probe: the peer has read
   * what was before it. Nobody else is told of that pong.
   */
  probe(mark: number, answered: (mark: number) => void): void {
    this.#probes ??= { name: `probe ${randomFraction().toString(36).slice(2, 8)} `, answered, mark: 0 };
    const probes = this.#probes;
    const send = () => {
      if (this.session.state !== "open") return;
      probes.mark = mark;
      this.session.ping(controlPayload(probes.name + mark), true);
    };
    if (this.#turn === undefined) send();
    else void this.#inTurn(async () => send());
  }

  #sendBeat({ payload = this.#freshPayload(), message }: Parameters<SendBeat>[0]): boolean {
    if (message !== undefined) {
      if (this.#turn !== undefined) return this.#isStuck(); // it cannot go between the frames of another
      const data = message();
      if (this.isOpen) this.session.send(data); // the user's function may have closed it
      return true;
    }
    // One of them is enough to wait for: a peer may answer none.
    this.#pings = (this.#pings ?? []).filter(({ resolve }) => resolve !== ignored);
    this.session.ping(payload);
    this.#await(payload, ignored, ignored);
    return true;
  }

  /** A peer that has taken nothing for as long as there is between two beats is asked by what waits for it. */
  #isStuck(): boolean {
    const before = this.#left;
    const { bufferedBytes, sentBytes } = this.session;
    this.#left = bufferedBytes < HIGH_WATER ? Number.NaN : sentBytes - bufferedBytes;
    return this.#left === before;
  }

  #await(payload: Uint8Array, resolve: PendingPing["resolve"], reject: PendingPing["reject"]): void {
    this.#pings ??= [];
    this.#pings.push({ payload, sentAt: performance.now(), mark: this.#probes?.mark ?? 0, resolve, reject });
  }

  /** Another for each ping, so that a late pong is not taken for the answer to a later one. */
  #freshPayload(): Uint8Array {
    return controlPayload(`${++this.#pingCount}`);
  }

  /** Sends an unsolicited pong. Throws UsageError, ClosedError. */
  pong(data?: Sendable): void {
    this.#assertOpen();
    this.session.pong(data === undefined ? new Uint8Array(0) : controlPayload(data));
  }

  /** Closes behind what was sent before; a second call changes nothing. Throws UsageError. */
  close(code: number = NORMAL_CLOSURE, reason = "", within?: number): Promise<CloseInfo> {
    this.#checkClose(code, reason);
    const timeout = duration("the timeout of close", within, this.#closeTimeout);
    if (this.#isClosing) return this.closed;
    this.#end();
    if (this.#turn === undefined) this.#close(code, reason, timeout);
    else void this.#closeInTurn(this.#turn, code, reason, timeout);
    return this.closed;
  }

  /** Drops the connection now. */
  terminate(): void {
    this.#end();
    this.session.destroy();
  }

  #end(): void {
    this.#isClosing = true;
    this.#heartbeat?.stop();
  }

  /** Lets a stream or Blob that is under way finish, for as long as the closing handshake may take. */
  async #closeInTurn(turn: Promise<void>, code: number, reason: string, timeout: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      if (timeout !== Number.POSITIVE_INFINITY) timer = setTimeout(() => resolve(true), timeout);
    });
    const isLate = await Promise.race([turn.then(() => false), this.closed.then(() => false), late]);
    clearTimeout(timer);
    if (isLate) {
      const message = `a stream or Blob that was being sent did not end within ${timeout} ms of close()`;
      this.session.destroy(new TimeoutError("close", timeout, message));
    } else {
      this.#close(code, reason, timeout);
    }
  }

  #close(code: number, reason: string, timeout: number): void {
    this.hasClosed = this.session.state === "open";
    this.session.close(code, reason, timeout);
  }

  message(data: Message): void {
    this.#receiver.message(data);
  }

  piece(data: Message, opcode: DataOpcode, fin: boolean): void {
    this.#receiver.piece(data, opcode, fin);
  }

  pinged(payload: Uint8Array): void {
    this.#receiver.pinged(payload);
  }

  /** A pong answers the ping with its payload, and those before it, whose pongs the peer may have spared itself (§5.5.3). */
  ponged(payload: Uint8Array): void {
    const mark = this.#markOf(payload);
    const pings = this.#pings ?? [];
    if (mark === undefined) {
      this.#answered(1 + pings.findIndex((ping) => isSame(ping.payload, payload)));
      this.#receiver.ponged(payload);
    } else {
      this.#answered(pings.filter((ping) => ping.mark < mark).length);
      this.#probes?.answered(mark);
    }
  }

  /** The oldest pings were answered. */
  #answered(count: number): void {
    const now = performance.now();
    for (const ping of this.#pings?.splice(0, count) ?? []) {
      this.latency = now - ping.sentAt;
      ping.resolve(this.latency);
    }
  }

  /** Of the probe whose payload it is; undefined for any other. */
  #markOf(payload: Uint8Array): number | undefined {
    if (this.#probes === undefined) return undefined;
    const { name } = this.#probes;
    const text = decodeLatin1(payload);
    return text.startsWith(name) ? Number(text.slice(name.length)) : undefined;
  }

  drain(): void {
    if (this.session.bufferedBytes >= HIGH_WATER) return;
    for (const waiter of this.#waiters?.splice(0) ?? []) waiter.resolve();
  }

  ended(info: CloseInfo): void {
    this.info = info;
    this.#end();
    const waiters = [...(this.#waiters?.splice(0) ?? []), ...(this.#pings?.splice(0) ?? [])];
    for (const waiter of waiters) waiter.reject(this.#closedError());
    this.#interrupt?.(this.#closedError());
    this.#receiver.ended(info);
    this.#settleClosed?.(info);
  }

  #closedError(): ClosedError {
    const { publicUrl } = this.session;
    if (this.info !== undefined) return closedError(this.info, publicUrl);
    return new ClosedError("the connection is closing", undefined, publicUrl);
  }

  #assertOpen(): void {
    if (!this.isOpen) throw this.#closedError();
  }

  /** Open as far as the peer is concerned: what was sent before close() still goes out. */
  #assertAlive(): void {
    if (this.session.state !== "open") throw this.#closedError();
  }

  /** Throws LimitError. */
  assertRoom(): void {
    const bytes = this.bufferedAmount;
    this.#mayBeFull = bytes > this.maxBufferedAmount;
    if (!this.#mayBeFull) return;
    throw new LimitError(
      "ERR_WS_BACKPRESSURE",
      `${bytes} bytes wait to be sent, more than maxBufferedAmount (${this.maxBufferedAmount}): await send(), or raise it`,
      { limit: "maxBufferedAmount", actual: bytes },
    ).locate(this.session.publicUrl);
  }

  #drained(): Promise<void> {
    return handled(
      new Promise((resolve, reject) => {
        this.#waiters ??= [];
        this.#waiters.push({ resolve, reject });
      }),
    );
  }

  /** Behind the sends that take their time. Bytes are copied, as the caller may change them once this returned. */
  #sendLater(message: Message | Blob, compress: boolean | undefined): Promise<void> {
    const size = isBlob(message) ? 0 : sizeOf(message);
    this.#waitingBytes += size;
    const copy = message instanceof Uint8Array ? new Uint8Array(message) : message;
    return this.#inTurn(async () => {
      this.#waitingBytes -= size;
      const ready = isBlob(copy) ? new Uint8Array(await copy.arrayBuffer()) : copy;
      this.#assertAlive();
      this.session.send(ready, compress);
      if (this.session.bufferedBytes >= HIGH_WATER) await this.#drained();
    });
  }

  /** The source's next item, or the connection's end if that comes first: a source may wait for ever. */
  #next(iterator: ItemIterator): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      Promise.resolve(iterator.next()).then(resolve, reject);
    });
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const run = (this.#turn ?? SENT).then(task);
    const turn: Promise<void> = run
      .catch(() => {})
      .then(() => {
        if (this.#turn === turn) this.#turn = undefined;
      });
    this.#turn = turn;
    return handled(run);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

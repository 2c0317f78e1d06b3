// A session over a transport: Transport and Protocol joined, with one deadline. (hot)
//
// Frames are written when the loop is about to go back to polling, all of a tick in one write, or earlier when a slab is
// full. What a callback sends while it is told what came is written when all of that was told: to wait for the end of the tick
// would cost each read up to 1.7 us, as the runtime makes a task of it. The TCP connection ends like this (RFC 6455 §7.1.1): when
// both Close frames are through, a client waits for the server to end it; when the connection failed, it is ended behind our
// Close frame. Either way it is dropped when that does not happen soon. ended() comes last, when the transport is gone.

import type { Role } from "../codec/frame-decoder.ts";
import type { DataOpcode } from "../codec/opcode.ts";
import { type CloseInfo, TimeoutError, TransportError, WebSocketError } from "../errors.ts";
import type { Delivery, Message } from "../protocol/assembler.ts";
import type { DeflateAgreement } from "../protocol/compression.ts";
import { Protocol, type ProtocolSink, type ProtocolState } from "../protocol/protocol.ts";
import type { Platform, Transport, TransportSink } from "../transport/transport.ts";
import type { Turn } from "../transport/turn.ts";
import { onAbort } from "./abort-listeners.ts";
import {
  HIGH_WATER,
  type OpenOptions,
  type Session,
  type SessionSink,
  type UpgradeResponse,
} from "./session.ts";
import type { Trace } from "./trace.ts";

/** How long a peer has to end TCP once the closing handshake is done, in ms. */
const LINGER_MS = 1000;

/** What the handshake found out. */
export interface Opened {
  readonly role: Role;
  readonly url: string;
  readonly publicUrl: string;
  readonly secure: boolean;
  readonly protocol: string;
  readonly extensions: string;
  /** What was agreed on compression; undefined for none. */
  readonly deflate?: DeflateAgreement | undefined;
  readonly response: UpgradeResponse;
}

/** What of the options a session goes by. */
export type WireOptions = Pick<
  OpenOptions,
  | "closeTimeout"
  | "signal"
  | "maxMessageSize"
  | "maxFragments"
  | "utf8Validation"
  | "perMessageDeflate"
  | "tolerate"
>;

export class WireSession implements Session, TransportSink, ProtocolSink {
  readonly url: string;
  readonly publicUrl: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly response: UpgradeResponse;
  readonly secure: boolean;
  readonly canPing = true;
  isPaused = true;
  heard = 0;

  private readonly role: Role;
  private readonly transport: Transport;
  private sink: SessionSink | undefined;
  /** The transport's end, where it came before start(). */
  private early: { readonly cause: WebSocketError | undefined } | undefined;
  protected readonly wire: Protocol;
  private readonly defer: (task: () => void) => void;
  private flush: (() => void) | undefined;
  private readonly later: (task: () => void) => void;
  private readonly turn: Turn;
  private readonly signal: AbortSignal | undefined;
  private readonly ignoreSignal: (() => void) | undefined;
  /** Bytes that the transport was given. */
  private written = 0;
  /** Signs of life so far, besides what came. */
  private signs = 0;
  /** Bytes that waited in the transport, and those that had left it, when it was last looked. */
  private waited = 0;
  private left = 0;
  /** Bytes by which compression made less of what had waited for it, so that sentBytes never goes back. */
  private saved = 0;
  private closeTimeout: number;
  private deadline: ReturnType<typeof setTimeout> | undefined;
  private isDestroyed = false;
  /** The peer's side of the stream is at its end. */
  private hasEnded = false;
  /** It is being told what came, and flushes afterwards. */
  private isTold = false;
  /** proceed() is to be called. */
  private isResting = false;
  /** Why we dropped the connection. */
  private cause: WebSocketError | undefined;

  /** The transport's calls are for it from when it is attached. */
  constructor(
    platform: Platform,
    transport: Transport,
    opened: Opened,
    options: WireOptions,
    trace: Trace | undefined,
  ) {
    this.url = opened.url;
    this.publicUrl = opened.publicUrl;
    this.protocol = opened.protocol;
    this.extensions = opened.extensions;
    this.response = opened.response;
    this.secure = opened.secure;
    this.role = opened.role;
    this.transport = transport;
    this.defer = platform.defer;
    this.later = platform.later;
    this.turn = platform.turn;
    this.closeTimeout = options.closeTimeout;
    this.signal = options.signal;
    const { maxMessageSize, maxFragments, utf8Validation, perMessageDeflate, tolerate } = options;
    const { text, slabs, shares, guard, allocate, mask, zlib } = platform;
    const agreement = opened.deflate;
    const deflate = agreement && perMessageDeflate && { ...perMessageDeflate, agreement, zlib };
    // Not spread: each such object has a shape of its own, which takes half a kilobyte.
    const protocol = {
      maxMessageSize,
      maxFragments,
      utf8Validation,
      tolerate,
      text,
      slabs,
      shares,
      guard,
      allocate,
      mask,
      observer: trace,
      deflate,
    };
    this.wire = new Protocol(opened.role, protocol, this);
    this.wire.isPatient = true;
    this.wire.pause();
    this.ignoreSignal = this.signal && onAbort(this.signal, () => this.abort());
  }

  get state(): ProtocolState {
    const { state } = this.wire;
    return state === "open" && (this.hasEnded || this.isDestroyed) ? "closing" : state;
  }

  get localAddress(): string | undefined {
    return this.transport.localAddress;
  }

  get remoteAddress(): string | undefined {
    return this.transport.remoteAddress;
  }

  get bufferedBytes(): number {
    return this.wire.stagedBytes + this.transport.bufferedBytes;
  }

  get sentBytes(): number {
    return this.wire.stagedBytes + this.written + this.saved;
  }

  /**
   * That the operating system takes bytes tells nothing of the peer, as long as it has room. Only where some have waited from
   * one look to the next and could leave, the peer has taken what was before them.
   */
  get activity(): number {
    const { bufferedBytes } = this.transport;
    const left = this.written - bufferedBytes;
    if (this.waited > 0 && left > this.left) this.signs++;
    this.waited = bufferedBytes;
    this.left = left;
    return this.signs + this.heard;
  }

  set delivery(delivery: Delivery) {
    this.wire.delivery = delivery;
  }

  send(data: Message, compress?: boolean): void {
    this.wire.send(data, compress);
  }

  sendFragment(data: Message, isFirst: boolean, fin: boolean, compress?: boolean): void {
    this.wire.sendFragment(data, isFirst, fin, compress);
  }

  ping(payload: Uint8Array, isLast?: boolean): void {
    this.wire.ping(payload, isLast);
  }

  pong(payload: Uint8Array): void {
    this.wire.pong(payload);
  }

  start(sink: SessionSink): void {
    this.sink = sink;
    this.resume();
    if (this.early !== undefined) this.closed(this.early.cause);
  }

  pause(): void {
    this.isPaused = true;
    this.wire.pause();
    this.transport.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.wire.resume();
    this.read();
  }

  /** What was kept may have been enough for the reader to pause again, or more than one turn of the loop is good for. */
  private read(): void {
    if (!this.isPaused && !this.wire.isBehind) this.transport.resume();
  }

  close(code: number, reason: string, timeout: number): void {
    this.closeTimeout = timeout;
    this.wire.close(code, reason);
  }

  destroy(cause?: WebSocketError): void {
    this.isDestroyed = true;
    this.cause ??= cause;
    this.wire.drop();
    this.transport.destroy();
  }

  ref(): void {
    this.transport.ref();
  }

  unref(): void {
    this.transport.unref();
  }

  data(chunk: Uint8Array): void {
    this.heard++;
    this.turn.begin();
    this.isTold = true;
    try {
      this.wire.receive(chunk);
    } finally {
      this.isTold = false;
      this.wire.flush();
    }
    if (!this.turn.end() || this.isPaused) return;
    this.transport.pause(); // others have their turn
    this.restOnce();
  }

  drain(): void {
    this.wire.drained();
    this.sink?.drain();
  }

  /** The peer sends no more: neither do we, and if it does not take what is left to send, it is not waited for. */
  end(): void {
    this.hasEnded = true;
    this.wire.hurry();
    this.wire.flush();
    this.transport.end();
    this.arm(LINGER_MS);
  }

  closed(cause?: WebSocketError): void {
    if (this.sink === undefined) {
      this.early = { cause };
      return;
    }
    this.ignoreSignal?.();
    this.wire.receiveEnd(this.cause ?? cause ?? this.unexpected());
  }

  /** The error that it is when TCP ends and nobody had said that it would. */
  private unexpected(): WebSocketError | undefined {
    if (this.isDestroyed || this.wire.state !== "open") return undefined;
    return new TransportError("ERR_WS_TRANSPORT", "the peer ended the connection without a Close frame");
  }

  write(bytes: Uint8Array, release?: () => void): boolean {
    this.written += bytes.length;
    const isFree = this.transport.write(bytes, release);
    this.wire.congested = this.transport.bufferedBytes > HIGH_WATER;
    return isFree;
  }

  staged(): void {
    if (this.isTold) return;
    this.flush ??= () => this.wire.flush();
    this.defer(this.flush);
  }

  rest(): void {
    if (this.wire.isBehind) this.transport.pause();
    this.restOnce();
  }

  private restOnce(): void {
    if (this.isResting) return;
    this.isResting = true;
    this.later(() => this.proceed());
  }

  private proceed(): void {
    this.isResting = false;
    const sent = this.sentBytes;
    this.wire.proceedSending();
    this.saved += sent - this.sentBytes;
    this.wire.proceedReceiving();
    if (this.wire.state === "closed") return;
    this.wire.flush();
    this.read();
    this.sink?.drain();
  }

  message(data: Message): void {
    this.sink?.message(data);
  }

  piece(data: Message, opcode: DataOpcode, fin: boolean): void {
    this.sink?.piece(data, opcode, fin);
  }

  closing(): void {
    if (!this.wire.isShaken && !this.wire.isFailed) {
      this.arm(this.closeTimeout);
      return;
    }
    this.wire.flush();
    if (this.wire.isFailed || this.role === "server") this.transport.end();
    // What still arrives is read and dropped, so that the end of the stream is seen, paused or not.
    this.transport.resume();
    this.arm(Math.min(LINGER_MS, this.closeTimeout));
  }

  pinged(payload: Uint8Array): void {
    this.sink?.pinged(payload);
  }

  ponged(payload: Uint8Array): void {
    this.sink?.ponged(payload);
  }

  ended(info: CloseInfo): void {
    clearTimeout(this.deadline); // the Close frame may have come to light with the last that was handed out
    info.error?.locate(this.publicUrl);
    this.sink?.ended(info);
  }

  private arm(ms: number): void {
    clearTimeout(this.deadline);
    if (ms !== Number.POSITIVE_INFINITY) this.deadline = setTimeout(() => this.expire(ms), ms);
  }

  private expire(ms: number): void {
    // A peer that has said all it had to say may leave TCP to us; one that owed us a Close frame did not keep its word.
    if (this.wire.state === "closing" && !this.wire.isShaken) {
      this.cause ??= new TimeoutError("close", ms, `the peer did not answer the Close frame within ${ms} ms`);
    }
    this.transport.destroy();
  }

  private abort(): void {
    this.destroy(
      new WebSocketError("ERR_WS_ABORTED", "the signal was aborted", { cause: this.signal?.reason }),
    );
  }
}

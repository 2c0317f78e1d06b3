// Frames to messages and back, and closing (RFC 6455 §5.4, §5.5, §7): one connection after its upgrade, either role.
//
// Bytes come in by receive(), go out by sink.write(); what they mean is told to the sink. It has no socket, no clock and
// no randomness of its own. Frames are staged: sink.staged() says that there is something to flush(), once until then.
//
// Rules of the states:
//   open     data and control frames may go out. A Close frame that goes out or comes in leads to `closing`.
//   closing  nothing goes out any more. Messages still come in until the peer's Close frame; after it nothing does.
//            sink.closing() is called for the first Close frame and for the second: the owner of the clock sets its
//            deadline, and the owner of the socket ends it when both are through (`isShaken`).
//   closed   sink.ended() was called, once, as the last thing: by receiveEnd(), when the stream has ended.
// A peer's fault has one exit, fail(): the Close frame with the fault's code goes out, nothing is read any more, and
// sink.closing() is called; the connection then ends as above, with the fault in its CloseInfo.

import type { MaskSource } from "../bytes/random.ts";
import { PIECE, type SlabPool, Staging } from "../bytes/staging.ts";
import type { TextCodec } from "../bytes/utf8.ts";
import {
  ABNORMAL_CLOSURE,
  decodeClose,
  encodeClose,
  NORMAL_CLOSURE,
  PROTOCOL_ERROR,
} from "../codec/close-code.ts";
import { FrameDecoder, type Role } from "../codec/frame-decoder.ts";
import { encodeFrame, encodeText } from "../codec/frame-encoder.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  type DataOpcode,
  isControl,
  MAX_CONTROL_PAYLOAD,
  type Opcode,
  PING,
  PONG,
  TEXT,
} from "../codec/opcode.ts";
import {
  type CloseFrame,
  type CloseInfo,
  LimitError,
  ProtocolError,
  UsageError,
  type WebSocketError,
} from "../errors.ts";
import { Assembler, type AssemblerOptions, type Delivery, type Message } from "./assembler.ts";

/** Who is told what happens. None of these may throw. */
export interface ProtocolSink {
  /**
   * Bytes for the peer. True: they were taken, the memory is free again. False: the memory is the sink's from now on.
   * It must not send in turn: a large frame is written in pieces, and nothing may come between them.
   */
  write(bytes: Uint8Array): boolean;
  /** Something is staged: call flush() before the loop is given back. */
  staged(): void;
  /** A whole message; binary is owned by the sink. */
  message(data: Message): void;
  /** A piece of a message, where delivery is not `whole`. `opcode` is the frame's; `fin`: the message ends with it. */
  piece(data: Message, opcode: DataOpcode, fin: boolean): void;
  /** The pong is already staged. The payload is owned by the sink. */
  pinged(payload: Uint8Array): void;
  ponged(payload: Uint8Array): void;
  /** A Close frame was sent or received, or the connection failed. */
  closing(): void;
  /** The end; `info.error` says why, where it was neither side's wish. */
  ended(info: CloseInfo): void;
}

/** Sees every frame, for a trace. */
export interface FrameObserver {
  sent(opcode: Opcode, fin: boolean, payload: Uint8Array, key: number | null): void;
  /** A frame, or part of one, that the decoder stands on. */
  received(frame: FrameDecoder): void;
}

export interface ProtocolOptions extends AssemblerOptions {
  /** Source of mask keys; only the client's role draws from it. */
  readonly mask: MaskSource;
  readonly slabs: SlabPool;
  readonly observer?: FrameObserver | undefined;
}

export type ProtocolState = "open" | "closing" | "closed";

const EMPTY = new Uint8Array(0);

export class Protocol {
  state: ProtocolState = "open";
  /** The owner says here that the peer does not take what it is sent; of the pings that come meanwhile only the latest is answered. */
  congested = false;

  private readonly sink: ProtocolSink;
  private readonly mask: MaskSource | null;
  private readonly text: TextCodec;
  private readonly observer: FrameObserver | undefined;
  private readonly decoder: FrameDecoder;
  private readonly assembler: Assembler;
  private readonly staging: Staging;
  private announced = false;
  private pulling = false;
  private paused = false;
  private streamEnded = false;
  /** Nothing is read any more: the peer's Close frame came, or the connection failed. */
  private deaf = false;
  private sentClose: CloseFrame | undefined;
  private receivedClose: CloseFrame | undefined;
  private failure: WebSocketError | undefined;
  private unanswered: Uint8Array | undefined;

  constructor(role: Role, options: ProtocolOptions, sink: ProtocolSink) {
    this.sink = sink;
    this.mask = role === "client" ? options.mask : null;
    this.text = options.text;
    this.observer = options.observer;
    this.decoder = new FrameDecoder(role);
    this.assembler = new Assembler(options);
    this.staging = new Staging(options.slabs, (bytes) => sink.write(bytes));
  }

  /** Bytes that wait for flush(). */
  get stagedBytes(): number {
    return this.staging.length;
  }

  /** Both Close frames are through: the stream can end. */
  get isShaken(): boolean {
    return this.sentClose !== undefined && this.receivedClose !== undefined;
  }

  get isFailed(): boolean {
    return this.failure !== undefined;
  }

  /** How messages are handed out; may change at any time, also within a message. */
  set delivery(delivery: Delivery) {
    this.assembler.delivery = delivery;
  }

  /** Takes bytes from the peer, borrowed for the call. Faults in them do not throw: they fail the connection. */
  receive(chunk: Uint8Array): void {
    if (this.deaf || this.state === "closed") return;
    this.decoder.push(chunk);
    this.pull();
    if (!this.deaf) this.decoder.keep();
  }

  /** Stops handing out messages, in the middle of a chunk if need be; what has arrived is kept. */
  pause(): void {
    this.paused = !this.streamEnded;
  }

  /** Goes on with what was kept. */
  resume(): void {
    this.paused = false;
    this.pull();
  }

  /**
   * The stream has ended, `cause` says why if it was not meant to. What was kept is handed out first, paused or not.
   * A second call does nothing.
   */
  receiveEnd(cause?: WebSocketError): void {
    if (this.state === "closed") return;
    this.streamEnded = true; // there is nobody left to hold up
    this.resume();
    this.deaf = true; // ends the loop where this was called from one of its callbacks
    this.state = "closed";
    this.staging.discard();
    this.sink.ended(this.closeInfo(cause));
  }

  /** Reads nothing more, not even what was kept. */
  drop(): void {
    this.deaf = true;
  }

  private pull(): void {
    if (this.pulling || this.deaf) return;
    this.pulling = true;
    try {
      while (!this.paused && !this.deaf && this.decoder.next()) this.dispatch(this.decoder);
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof LimitError)) throw error;
      this.fail(error);
    } finally {
      this.pulling = false;
    }
  }

  private dispatch(frame: FrameDecoder): void {
    if (this.observer !== undefined) this.observer.received(frame);
    if (isControl(frame.opcode)) {
      this.control(frame);
      return;
    }
    const data = this.assembler.accept(frame);
    if (data === undefined) return;
    if (this.assembler.isPiece) this.sink.piece(data, this.assembler.opcode, this.assembler.fin);
    else this.sink.message(data);
  }

  private control(frame: FrameDecoder): void {
    if (frame.opcode === CLOSE) {
      this.receiveClose(frame);
      return;
    }
    const payload = frame.bytes.slice(frame.start, frame.end);
    if (frame.opcode === PING) {
      this.answer(payload);
      this.sink.pinged(payload);
    } else {
      this.sink.ponged(payload);
    }
  }

  /** §5.5.2: a ping is answered with its payload; §5.5.3: of several that wait, the latest will do. */
  private answer(payload: Uint8Array): void {
    if (this.state !== "open") return;
    if (this.congested)
      this.unanswered = payload.slice(); // the sink gets the other
    else this.frame(PONG, payload, true);
  }

  /** §5.5.1, §7.1.5: the first Close frame counts, is echoed if none went out before, and ends all reading. */
  private receiveClose(frame: FrameDecoder): void {
    this.receivedClose = decodeClose(frame.bytes, frame.start, frame.end, this.text);
    this.deaf = true;
    if (this.sentClose === undefined) {
      const { code, reason } = this.receivedClose;
      this.sendClose(code, reason);
    }
    this.sink.closing();
  }

  /** The one exit of every fault of the peer (§7.1.7). After our Close frame there is nothing left to tell it. */
  private fail(error: ProtocolError | LimitError): void {
    this.failure = error;
    this.deaf = true;
    if (this.sentClose === undefined) this.sendClose(error.closeCode ?? PROTOCOL_ERROR, "");
    this.sink.closing();
  }

  private closeInfo(cause: WebSocketError | undefined): CloseInfo {
    const { sentClose: sent, receivedClose: received } = this;
    const wasClean = this.isShaken;
    // After both Close frames a reset is as good an end of TCP as any.
    const error = this.failure ?? (wasClean ? undefined : cause);
    return {
      code: wasClean && received !== undefined ? received.code : ABNORMAL_CLOSURE,
      reason: wasClean && received !== undefined ? received.reason : "",
      wasClean,
      ...(sent && { sent }),
      ...(received && { received }),
      ...(error && { error }),
    };
  }

  /** Stages a message: text for a string, binary for bytes, which are copied at once. Throws UsageError when not open. */
  send(data: Message): void {
    this.assertOpen("send");
    if (typeof data === "string") this.textFrame(TEXT, data, true);
    else this.frame(BINARY, data, true);
  }

  /** Stages one frame of a message in several; the caller sees to their order. Throws UsageError when not open. */
  sendFragment(data: Message, isFirst: boolean, fin: boolean): void {
    this.assertOpen("send");
    if (typeof data === "string") this.textFrame(isFirst ? TEXT : CONTINUATION, data, fin);
    else this.frame(isFirst ? BINARY : CONTINUATION, data, fin);
  }

  /** Stages a ping with up to 125 bytes. Throws UsageError. */
  ping(payload: Uint8Array = EMPTY): void {
    this.assertControl("ping", payload);
    this.frame(PING, payload, true);
  }

  /** Stages an unsolicited pong with up to 125 bytes. Throws UsageError. */
  pong(payload: Uint8Array = EMPTY): void {
    this.assertControl("pong", payload);
    this.frame(PONG, payload, true);
  }

  /** Begins the closing handshake; does nothing if it has begun. Throws UsageError for a code or reason that may not travel. */
  close(code: number = NORMAL_CLOSURE, reason = ""): void {
    const payload = encodeClose(code, reason, this.text);
    if (this.state !== "open") return;
    this.stageClose(payload, { code, reason });
    this.sink.closing();
  }

  /** Hands the staged frames to the sink in one write. */
  flush(): void {
    this.announced = false;
    this.staging.flush();
  }

  /** The peer takes bytes again: a ping that came meanwhile is answered. */
  drained(): void {
    this.congested = false;
    const payload = this.unanswered;
    this.unanswered = undefined;
    if (payload !== undefined) this.answer(payload);
  }

  private sendClose(code: number, reason: string): void {
    this.stageClose(encodeClose(code, reason, this.text), { code, reason });
  }

  private stageClose(payload: Uint8Array, frame: CloseFrame): void {
    // First, as the sink hears of the frame within the next call and may send or close in turn.
    this.sentClose = frame;
    this.state = "closing";
    this.frame(CLOSE, payload, true);
  }

  private frame(opcode: Opcode, payload: Uint8Array, fin: boolean): void {
    const key = this.mask === null ? null : this.mask();
    encodeFrame(this.staging, opcode, payload, fin, false, key);
    if (this.observer !== undefined) this.observer.sent(opcode, fin, payload, key);
    this.announce();
  }

  private textFrame(opcode: Opcode, text: string, fin: boolean): void {
    const key = this.mask === null ? null : this.mask();
    encodeText(this.staging, opcode, text, this.text, fin, key);
    if (this.observer !== undefined) this.observer.sent(opcode, fin, new TextEncoder().encode(text), key);
    this.announce();
  }

  private announce(): void {
    // A slab's worth is worth a write of its own: what is staged stays small, whatever is sent in one tick.
    if (this.staging.length >= PIECE) this.staging.flush();
    if (this.announced) return;
    this.announced = true;
    this.sink.staged();
  }

  private assertOpen(verb: string): void {
    if (this.state !== "open")
      throw new UsageError(`cannot ${verb}: the connection is ${this.state}`, "ERR_WS_INVALID_STATE");
  }

  private assertControl(verb: string, payload: Uint8Array): void {
    this.assertOpen(verb);
    if (payload.length <= MAX_CONTROL_PAYLOAD) return;
    throw new UsageError(
      `a ${verb} carries at most ${MAX_CONTROL_PAYLOAD} bytes; this one has ${payload.length}`,
    );
  }
}

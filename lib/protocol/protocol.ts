// Frames to messages and back, and closing (RFC 6455 §5.4, §5.5, §7): one connection after its upgrade, either role.
//
// Bytes come in by receive(), go out by sink.write(); what they mean is told to the sink. It has no socket, no clock and
// no randomness of its own. Frames are staged: sink.staged() says that there is something to flush(), once until then; where many
// are sent some of them leave before.
//
// Rules of the states:
//   open     data and control frames may go out. A Close frame that goes out or comes in leads to `closing`.
//   closing  nothing goes out any more. Messages still come in until the peer's Close frame; after it nothing does.
//            sink.closing() is called for the first Close frame and for the second: the owner of the clock sets its
//            deadline, and the owner of the socket ends it when both are through (`isShaken`).
//   closed   sink.ended() was called, once, as the last thing: by receiveEnd(), when the stream has ended.
// Compression takes time, so both directions do no more of it at once than is good for the loop: sink.rest() asks for
// proceed() then, after a turn of it. `isBehind`: what has come is not handed out yet, so more should not be read. What is
// sent waits likewise; the Close frame goes behind it, and the end of the stream behind what has come.
// A peer's fault has one exit, fail(): the Close frame with the fault's code goes out, nothing is read any more, and
// sink.closing() is called; the connection then ends as above, with the fault in its CloseInfo. Where `isPatient`, the peer's
// Close frame and its faults count a turn of the loop later: by then what came before them may have been answered.

import type { TextCodec } from "../bytes/utf8.ts";
import { encodeClose, NORMAL_CLOSURE, PROTOCOL_ERROR } from "../codec/close-code.ts";
import { type DecoderOptions, FrameDecoder, type Role } from "../codec/frame-decoder.ts";
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
import {
  Assembler,
  type AssemblerOptions,
  type Delivery,
  type FramePart,
  type Message,
} from "./assembler.ts";
import { Closing } from "./closing.ts";
import { type DeflateOptions, termsOf } from "./compression.ts";
import {
  FIRST_ANSWERS,
  FrameWriter,
  type FrameWriterOptions,
  type FrameWriterSink,
  type SentObserver,
} from "./frame-writer.ts";
import { Inflater } from "./inflater.ts";
import type { ToleranceOptions } from "./tolerance.ts";

/** Who is told what happens. None of these may throw. */
export interface ProtocolSink extends FrameWriterSink {
  /** There is more to do: call proceed() when the loop has had its turn. Only where messages are compressed, or `isPatient`. */
  rest(): void;
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
export interface FrameObserver extends SentObserver, NonNullable<ToleranceOptions["observer"]> {
  /** A frame, or part of one, that the decoder stands on. */
  received(frame: FrameDecoder): void;
}

/** What a protocol is given, all of it: it has nothing of its own. See protocolOptions(). */
export interface ProtocolOptions extends AssemblerOptions, FrameWriterOptions {
  /** How many times its own size a small binary message may keep alive, as it shares memory with others. Default 1, for none. */
  readonly shares?: number | undefined;
  /** Is told of memory that several messages share, before one is handed out. Default nobody. */
  readonly guard?: DecoderOptions["guard"];
  readonly observer?: FrameObserver | undefined;
}

/** As the rules at the head of this file have it: `closed` only once the stream has ended. */
export type ProtocolState = "open" | "closing" | "closed";

const EMPTY = new Uint8Array(0);

/** Why nothing is handed out. */
const PAUSED = 1;
const RESTING = 2;

/** After so much inflating the loop is to have its turn: in bytes of output, of which a millisecond makes some 500 000. */
const TURN_COST = 1024 * 1024;

/** One connection after its upgrade, in either role: bytes come in by receive(), and leave by the write() of its sink. */
export class Protocol {
  state: ProtocolState = "open";
  /** The owner says here that the peer does not take what it is sent; of the pings that come meanwhile only the latest is answered. */
  congested = false;
  /** Messages are answered later in their turn of the loop: what ends the connection waits for the next. */
  isPatient = false;

  private readonly sink: ProtocolSink;
  private readonly role: Role;
  private readonly text: TextCodec;
  private readonly observer: FrameObserver | undefined;
  private readonly tolerances: ToleranceOptions;
  private readonly decoder: FrameDecoder;
  private readonly assembler: Assembler;
  private readonly writer: FrameWriter;
  private readonly deflate: DeflateOptions | undefined;
  private readonly maxMessageSize: number;
  private readonly closing = new Closing();
  /** Made when it is first needed: a connection that compresses, and is idle, costs nothing for it. */
  private inflater: Inflater | undefined;
  private pulling = false;
  /** PAUSED, RESTING. */
  private halted = 0;
  /** What inflating has cost since the loop had its turn. */
  private spent = 0;
  private streamEnded = false;
  /** Nothing is read any more: the peer's Close frame came, or the connection failed. */
  private deaf = false;
  /** Why the stream ended. */
  private cause: WebSocketError | undefined;
  private unanswered: Uint8Array | undefined;
  /** How the connection ends, a turn of the loop later. */
  private last: (() => void) | undefined;

  constructor(role: Role, options: ProtocolOptions, sink: ProtocolSink) {
    this.sink = sink;
    this.role = role;
    this.text = options.text;
    this.observer = options.observer;
    this.tolerances = options;
    this.decoder = new FrameDecoder(role, {
      allowRsv1: options.deflate !== undefined,
      shares: options.shares,
      guard: options.guard,
      slabs: options.slabs,
      allocate: options.allocate,
    });
    this.assembler = new Assembler(options);
    this.writer = new FrameWriter(role, options, sink);
    this.deflate = options.deflate;
    this.maxMessageSize = options.maxMessageSize;
  }

  private makeInflater({ agreement, zlib }: DeflateOptions): Inflater {
    const terms = termsOf(this.role === "client" ? "server" : "client", agreement);
    return new Inflater(zlib, terms, this.maxMessageSize);
  }

  /** Bytes that wait for flush(), or to be compressed. */
  get stagedBytes(): number {
    return this.writer.bytes;
  }

  /** What has come is not handed out yet, as the loop is to have its turn. */
  get isBehind(): boolean {
    return (this.halted & RESTING) !== 0;
  }

  /** What was sent is not staged yet, as the loop is to have its turn. */
  get isSending(): boolean {
    return this.writer.isBehind;
  }

  /** Both Close frames are through: the stream can end. */
  get isShaken(): boolean {
    return this.closing.isShaken;
  }

  get isFailed(): boolean {
    return this.closing.failure !== undefined;
  }

  /** How messages are handed out; may change at any time, also within a message. */
  set delivery(delivery: Delivery) {
    this.assembler.delivery = delivery;
  }

  /** Takes bytes from the peer, borrowed for the call. Faults in them do not throw: they fail the connection. */
  receive(chunk: Uint8Array): void {
    if (this.deaf || this.state === "closed") return;
    this.writer.due = FIRST_ANSWERS;
    this.decoder.push(chunk);
    this.pull();
    if (!this.deaf) this.decoder.keep();
  }

  /** Stops handing out messages, in the middle of a chunk if need be; what has arrived is kept. */
  pause(): void {
    if (!this.streamEnded) this.halted |= PAUSED;
  }

  /** Goes on with what was kept. */
  resume(): void {
    this.halted &= ~PAUSED;
    this.pull();
  }

  /**
   * The stream has ended, `cause` says why if it was not meant to. What was kept is handed out first, paused or not.
   * A second call does nothing.
   */
  receiveEnd(cause?: WebSocketError): void {
    if (this.state === "closed" || this.streamEnded) return;
    this.streamEnded = true; // there is nobody left to hold up
    this.cause = cause;
    this.hurry();
    this.resume();
    this.end();
  }

  /** The loop has had its turn: goes on with what had to wait for it. */
  proceed(): void {
    this.proceedSending();
    this.proceedReceiving();
  }

  proceedSending(): void {
    if (this.state === "closed") return;
    this.writer.proceed();
    const { waiting } = this.closing;
    if (waiting !== undefined && !this.isSending) this.sendWaitingClose(waiting);
  }

  proceedReceiving(): void {
    if (this.state === "closed") return;
    this.spent = 0;
    this.halted &= ~RESTING;
    this.hurry();
    this.pull();
    this.end();
  }

  /** The end, if the stream has ended and all that came is handed out. */
  private end(): void {
    if (!this.streamEnded || (this.isBehind && !this.deaf) || this.state === "closed") return;
    this.deaf = true; // ends the loop where this was called from one of its callbacks
    this.state = "closed";
    this.writer.release();
    this.closing.sent ??= this.closing.waiting; // it would have gone, like others that are staged
    this.inflater?.release();
    this.sink.ended(this.closing.info(this.cause));
  }

  /** Reads nothing more, not even what was kept, and sends nothing of what waits. */
  drop(): void {
    this.deaf = true;
    this.writer.discard();
  }

  private pull(): void {
    if (this.pulling || this.deaf) return;
    this.pulling = true;
    try {
      if (this.inflater?.isBusy && this.halted === 0) this.inflate(this.inflater);
      while (this.halted === 0 && !this.deaf && this.decoder.next()) this.dispatch(this.decoder);
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof LimitError)) throw error;
      this.conclude(() => this.fail(error));
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
    if (this.deflate !== undefined && (frame.rsv1 || this.inflater?.takes(frame))) {
      this.inflater ??= this.makeInflater(this.deflate);
      this.inflater.push(frame);
      this.inflate(this.inflater);
    } else {
      this.assemble(frame);
    }
  }

  private assemble(frame: FramePart): void {
    const data = this.assembler.accept(frame);
    if (data === undefined) return;
    if (this.assembler.isPiece) this.sink.piece(data, this.assembler.opcode, this.assembler.fin);
    else this.sink.message(data);
  }

  private inflate(inflater: Inflater): void {
    do {
      inflater.next();
      this.spent += inflater.cost;
      if (this.spent >= TURN_COST) {
        this.halted |= RESTING;
        this.sink.rest();
      }
      this.assemble(inflater);
    } while (inflater.isBusy && this.halted === 0 && !this.deaf);
  }

  private control(frame: FrameDecoder): void {
    if (frame.opcode === CLOSE) {
      this.receiveClose(frame);
      return;
    }
    const payload = frame.own();
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
    else this.frame(PONG, payload, true, false);
  }

  /** §5.5.1, §7.1.5: the first Close frame counts, is echoed if none went out before, and ends all reading. */
  private receiveClose(frame: FrameDecoder): void {
    const received = this.closing.decode(frame, this.text, this.tolerances);
    this.conclude(() => {
      this.closing.received = received;
      this.deaf = true;
      const { code, reason } = received;
      if (!this.closing.isBegun) this.sendClose({ code, reason });
      this.sink.closing();
    });
  }

  /** The end of the connection waits no longer, as there are no answers to wait for. */
  hurry(): void {
    if (!this.deaf) this.last?.();
  }

  /** Does the last thing, at once or when what came before it may have been answered. */
  private conclude(last: () => void): void {
    if (!this.isPatient || this.streamEnded || this.state !== "open") {
      last();
      return;
    }
    this.last = last;
    this.halted |= RESTING;
    this.sink.rest();
  }

  /** The one exit of every fault of the peer (§7.1.7). After our Close frame there is nothing left to tell it. */
  private fail(error: ProtocolError | LimitError): void {
    this.closing.failure = error;
    this.deaf = true;
    this.writer.discard();
    this.closing.waiting = undefined;
    if (!this.closing.isBegun) this.sendClose({ code: error.closeCode ?? PROTOCOL_ERROR, reason: "" });
    this.sink.closing();
  }

  /**
   * Stages a message: text for a string, binary for bytes, which are copied at once. `compress` false: it leaves as it is,
   * where compression was agreed on too. Throws UsageError when not open.
   */
  send(data: Message, compress = true): void {
    this.assertOpen("send");
    this.writer.send(data, typeof data === "string" ? TEXT : BINARY, true, compress);
  }

  /** Stages one frame of a message in several; the caller sees to their order. Throws UsageError when not open. */
  sendFragment(data: Message, isFirst: boolean, fin: boolean, compress = true): void {
    this.assertOpen("send");
    const opcode = !isFirst ? CONTINUATION : typeof data === "string" ? TEXT : BINARY;
    this.writer.send(data, opcode, fin, compress);
  }

  /** Stages a ping with up to 125 bytes; `isLast`: behind what waits to be compressed, too. Throws UsageError. */
  ping(payload: Uint8Array = EMPTY, isLast = false): void {
    this.assertControl("ping", payload);
    if (isLast) this.writer.lastPing(payload);
    else this.frame(PING, payload, true, false);
  }

  /** Stages an unsolicited pong with up to 125 bytes. Throws UsageError. */
  pong(payload: Uint8Array = EMPTY): void {
    this.assertControl("pong", payload);
    this.frame(PONG, payload, true, false);
  }

  /** Begins the closing handshake; does nothing if it has begun. Throws UsageError for a code or reason that may not travel. */
  close(code: number = NORMAL_CLOSURE, reason = ""): void {
    encodeClose(code, reason, this.text); // for its complaints
    if (this.state !== "open") return;
    this.sendClose({ code, reason });
    this.sink.closing();
  }

  /** Hands the staged frames to the sink in one write. */
  flush(): void {
    this.writer.flush();
  }

  /** The peer takes bytes again: a ping that came meanwhile is answered. */
  drained(): void {
    this.congested = false;
    const payload = this.unanswered;
    this.unanswered = undefined;
    if (payload !== undefined) this.answer(payload);
  }

  /** Sends a Close frame behind what waits to be compressed. */
  private sendClose(frame: CloseFrame): void {
    // First, as the sink hears of the frame within the next call and may send or close in turn.
    this.state = "closing";
    if (this.isSending) {
      this.closing.waiting = frame;
      return;
    }
    this.closing.sent = frame;
    this.frame(CLOSE, encodeClose(frame.code, frame.reason, this.text), true, false);
  }

  private sendWaitingClose(frame: CloseFrame): void {
    this.closing.waiting = undefined;
    this.sendClose(frame);
    this.sink.closing();
  }

  /** Stages one frame as it is: also for who encodes a payload once for many connections, and keeps to the rules itself. */
  frame(opcode: Opcode, payload: Uint8Array, fin: boolean, rsv1: boolean): void {
    this.writer.frame(opcode, payload, fin, rsv1);
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

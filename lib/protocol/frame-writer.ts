// Frames on their way out: compressed where that was agreed on, masked, staged, and written together. (hot)
// Which of them may go out, and when, is for the protocol. Compression takes turns, so what is sent may wait here; frames that
// are not compressed do not pass it: the protocol sends no Close frame while there is something that waits.

import type { MaskSource } from "../bytes/random.ts";
import { PIECE, type SlabPool, Staging } from "../bytes/staging.ts";
import type { TextCodec } from "../bytes/utf8.ts";
import type { Role } from "../codec/frame-decoder.ts";
import { encodeFrame, encodeText } from "../codec/frame-encoder.ts";
import { type DataOpcode, type Opcode, PING } from "../codec/opcode.ts";
import type { Message } from "./assembler.ts";
import { type DeflateOptions, termsOf } from "./compression.ts";
import { Deflater, type DeflaterSink } from "./deflater.ts";

/** What frames are made with. */
export interface FrameWriterOptions {
  /** Source of mask keys; only the client's role draws from it. */
  readonly mask: MaskSource;
  readonly slabs: SlabPool;
  readonly text: TextCodec;
  readonly observer?: SentObserver | undefined;
  /** What was agreed on compression, how it is done, and what does it; undefined for none. */
  readonly deflate?: DeflateOptions | undefined;
}

/** Sees every frame that goes out. */
export interface SentObserver {
  sent(opcode: Opcode, fin: boolean, payload: Uint8Array, key: number | null, rsv1: boolean): void;
}

/** Who is told what happens. None of these may throw. */
export interface FrameWriterSink {
  /**
   * Bytes for the peer. True: they were taken, the memory is free again. False: the memory is the sink's until it calls `release`,
   * once or never. It must not send in turn: a large frame is written in pieces, and nothing may come between them.
   */
  write(bytes: Uint8Array, release: () => void): boolean;
  /** Something is staged: call flush() before the loop is given back. */
  staged(): void;
  /** There is more to compress: call proceed() when the loop has had its turn. */
  rest(): void;
}

/**
 * Of many answers to what came in one read the first leave before the others are made: at the 64th frame, the 128th, the 256th and
 * so on. The peer deals with them meanwhile. Where each waits for the other that is 1.5 to 1.8 times the throughput (texts of 32
 * bytes, 256 under way, for no more CPU), 1.2 to 1.3 times with 1,024 (for a tenth more CPU), and where 4,096 keep both busy a tenth
 * to a sixth less. Earlier, and the writes would cost more than the frames. What is sent until the next flush() is taken for an
 * answer, also where that comes much later.
 */
export const FIRST_ANSWERS = 64;

export class FrameWriter implements DeflaterSink {
  /** At how many frames since the last flush() a write is due; the owner says FIRST_ANSWERS when something has come. */
  due = 0;

  private readonly sink: FrameWriterSink;
  private readonly mask: MaskSource | null;
  private readonly text: TextCodec;
  private readonly observer: SentObserver | undefined;
  private readonly staging: Staging;
  private readonly deflate: DeflateOptions | undefined;
  /** Made when it is first needed: a connection that compresses, and is idle, costs nothing for it. */
  private deflater: Deflater | undefined;
  /** Frames since the last flush(). */
  private frames = 0;

  constructor(role: Role, options: FrameWriterOptions, sink: FrameWriterSink) {
    this.sink = sink;
    this.mask = role === "client" ? options.mask : null;
    this.text = options.text;
    this.observer = options.observer;
    this.staging = new Staging(options.slabs, (bytes, release) => sink.write(bytes, release));
    this.deflate = options.deflate;
  }

  private makeDeflater(options: DeflateOptions): Deflater {
    const terms = termsOf(this.mask === null ? "server" : "client", options.agreement);
    return new Deflater({ ...options, ...terms, text: this.text }, this);
  }

  /** Bytes that wait for flush(), or to be compressed. */
  get bytes(): number {
    const { deflater } = this;
    return deflater === undefined ? this.staging.length : this.staging.length + deflater.waitingBytes;
  }

  /** What was sent is not staged yet, as the loop is to have its turn. */
  get isBehind(): boolean {
    return this.deflater?.isBehind ?? false;
  }

  /** Stages a message, or one frame of it; `compress` counts for the first. */
  send(data: Message, opcode: DataOpcode, fin: boolean, compress: boolean): void {
    if (this.deflate !== undefined) {
      this.deflater ??= this.makeDeflater(this.deflate);
      this.deflater.send(data, opcode, fin, compress);
    } else if (typeof data === "string") this.textFrame(opcode, data, fin);
    else this.frame(opcode, data, fin, false);
  }

  /** Stages a ping behind all that was sent, what waits to be compressed too. */
  lastPing(payload: Uint8Array): void {
    if (this.deflater?.isBehind) this.deflater.send(payload, PING, true, false);
    else this.frame(PING, payload, true, false);
  }

  /** Stages one frame as it is. */
  frame(opcode: Opcode, payload: Uint8Array, fin: boolean, rsv1: boolean): void {
    const key = this.mask === null ? null : this.mask();
    encodeFrame(this.staging, opcode, payload, fin, rsv1, key);
    if (this.observer !== undefined) this.observer.sent(opcode, fin, payload, key, rsv1);
    this.announce();
  }

  /** Stages one frame of text as it is. */
  textFrame(opcode: Opcode, text: string, fin: boolean): void {
    const key = this.mask === null ? null : this.mask();
    encodeText(this.staging, opcode, text, this.text, fin, key);
    if (this.observer !== undefined)
      this.observer.sent(opcode, fin, new TextEncoder().encode(text), key, false);
    this.announce();
  }

  private announce(): void {
    // A slab's worth is worth a write of its own: what is staged stays small, whatever is sent in one tick.
    if (this.staging.length >= PIECE) this.staging.flush();
    if (++this.frames === this.due) {
      this.due *= 2;
      this.staging.flush();
    }
    if (this.frames === 1) this.sink.staged();
  }

  /** Hands the staged frames to the sink in one write. */
  flush(): void {
    if (this.frames === 0) return;
    this.frames = 0;
    this.due = 0;
    this.staging.flush();
  }

  /** For the deflater. */
  rest(): void {
    this.sink.rest();
  }

  /** Goes on with what waits to be compressed. */
  proceed(): void {
    this.deflater?.proceed();
  }

  /** Drops what waits to be compressed. */
  discard(): void {
    this.deflater?.discard();
  }

  /** Drops all there is, for good. */
  release(): void {
    this.staging.discard();
    this.deflater?.release();
  }
}

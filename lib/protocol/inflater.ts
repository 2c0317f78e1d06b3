// Compressed frames to plain ones (RFC 7692 §6.2, §7.2.2): a cursor that stands on parts of messages as a FrameDecoder does,
// for the assembler behind it. (hot)
//
//   inflater.push(frame);
//   do inflater.next(); while (inflater.isBusy);
//
// A part is at most PART_BYTES of output, so that text is checked and the size of the message limited while it is inflated:
// whatever a peer sends, there is never more of it than one part beyond `maxMessageSize`. Between two parts the caller may
// take its time: `cost` says how much work a part was.
//
// A message may have blocks with BFINAL set (§7.2.3.5). zlib forgets its window there, so it is filled again from the history.

import { INVALID_PAYLOAD } from "../codec/close-code.ts";
import { CONTINUATION } from "../codec/opcode.ts";
import { ProtocolError } from "../errors.ts";
import { type FramePart, tooBig } from "./assembler.ts";
import { CORRUPT, type DirectionTerms, type RawInflate, TOO_MUCH, type Zlib } from "./compression.ts";
import { History } from "./history.ts";

/** The most that is inflated before it is handed on. */
const PART_BYTES = 64 * 1024;

// What a part costs, in the time that one byte of output takes: each byte of input, each part, each filling of the window.
const PER_INPUT = 8;
const PER_PART = 2048;
const PER_RESTART = 16 * 1024;

const EMPTY = new Uint8Array(0);

/** Where all inflaters put their output: one for all, as a part is used up before the next. */
let scratch: Uint8Array = EMPTY;

export class Inflater implements FramePart {
  // The current part; valid until the next call of next().
  opcode = 0;
  fin = false;
  rsv1 = false;
  /** It is not known beforehand, and is limited here. */
  readonly length = 0;
  /** A guess: as much again as there has been. */
  remaining = 0;
  isFirst = false;
  isLast = false;
  bytes: Uint8Array = EMPTY;
  readonly start = 0;
  end = 0;
  /** There is more to come of what was pushed. */
  isBusy = false;
  /** The work that the current part was, in bytes of output. */
  cost = 0;

  private readonly zlib: Zlib;
  private readonly terms: DirectionTerms;
  private readonly maxMessageSize: number;
  private readonly history: History;
  private raw: RawInflate | undefined;
  /** Of a compressed message the last frame has not come. */
  private isWithin = false;
  /** Bytes that the frames of the message announced, and bytes that came out of them. */
  private announced = 0;
  private inflated = 0;
  private frames = 0;
  /** What is left of the frame's part is input[at, inputEnd). */
  private input: Uint8Array = EMPTY;
  private at = 0;
  private inputEnd = 0;
  private isOwnInput = false;
  private isFrameEnd = false;
  /** The current part was the first of what was pushed. */
  private isFresh = false;
  /** The output was full: zlib may hold more. */
  private isFull = false;
  private isFinishing = false;
  /** A final block has ended. */
  private isEnded = false;

  constructor(zlib: Zlib, terms: DirectionTerms, maxMessageSize: number) {
    this.zlib = zlib;
    this.terms = terms;
    this.maxMessageSize = maxMessageSize;
    this.history = new History(terms.windowBits);
  }

  /** Whether a data frame is one of a compressed message. */
  takes(frame: FramePart): boolean {
    return frame.rsv1 || (this.isWithin && frame.opcode === CONTINUATION);
  }

  /** Takes a frame or part of one, borrowed until next() has been called. Throws LimitError. */
  push(frame: FramePart): void {
    if (frame.isFirst) this.begin(frame);
    this.opcode = frame.opcode;
    this.fin = frame.fin;
    this.rsv1 = frame.rsv1;
    this.isFirst = frame.isFirst;
    this.isFrameEnd = frame.isLast;
    this.input = frame.bytes;
    this.at = frame.start;
    this.inputEnd = frame.end;
    this.isOwnInput = false;
    this.isFresh = true;
    this.isBusy = true;
  }

  /** What is far larger than the largest message could be once compressed is not waited for. */
  private begin(frame: FramePart): void {
    if (frame.rsv1) {
      this.isWithin = true;
      this.announced = 0;
      this.inflated = 0;
      this.frames = 0;
      this.isEnded = false;
      this.raw ??= this.zlib.inflate(this.terms.windowBits);
      this.raw.begin(this.history, this.maxMessageSize + 1);
    }
    this.announced += frame.length;
    this.frames++;
    if (this.announced > 2 * this.maxMessageSize + 1024 * this.frames)
      throw tooBig(this.announced, this.maxMessageSize);
  }

  /** Moves on to the next part, which may be empty. Throws ProtocolError, LimitError. */
  next(): void {
    this.isFirst = this.isFresh && this.isFirst;
    this.isFresh = false;
    this.cost = PER_PART;
    if (scratch === EMPTY) scratch = new Uint8Array(PART_BYTES);
    const limit = Math.min(PART_BYTES, this.maxMessageSize - this.inflated + 1);
    let size = this.inflate(limit);
    const isUsedUp = this.at === this.inputEnd && !this.isFull;
    const isEnd = isUsedUp && this.isFrameEnd && this.fin;
    if (isEnd) size += this.finish(limit);

    this.inflated += size;
    if (this.inflated > this.maxMessageSize) throw tooBig(this.inflated, this.maxMessageSize);
    this.isBusy = !isUsedUp || this.isFinishing;
    this.isLast = !this.isBusy && this.isFrameEnd;
    this.remaining = this.isLast ? 0 : this.inflated + 1;
    this.bytes = scratch;
    this.end = size;
    this.cost += size;
    if (this.isLast && this.fin) this.finished(size);
    else this.history.append(scratch, 0, size);
    if (this.isBusy && !this.isOwnInput) this.keepInput();
  }

  own(): Uint8Array {
    return this.bytes.slice(0, this.end);
  }

  private inflate(limit: number): number {
    const { raw } = this;
    if (raw === undefined || this.isFinishing || (this.at === this.inputEnd && !this.isFull)) return 0;
    if (this.isEnded) {
      this.cost += PER_RESTART;
      raw.begin(this.history, this.maxMessageSize - this.inflated + 1);
    }
    const size = this.checked(raw.step(this.input, this.at, this.inputEnd, scratch, limit));
    this.cost += PER_INPUT * raw.taken;
    this.at += raw.taken;
    this.isEnded = raw.isEnded;
    this.isFull = size === limit && !raw.isEnded;
    return size;
  }

  /** §7.2.2: what was cut off the message's end is added; where it is left out behind a final block, nothing is missing. */
  private finish(limit: number): number {
    if (this.raw === undefined || this.isEnded) return 0;
    // Of nothing the tail is no empty block, as what begins that block is part of the message.
    const size = this.checked(this.announced === 0 ? CORRUPT : this.raw.finish(scratch, limit));
    this.isFinishing = size === limit;
    return size;
  }

  private finished(size: number): void {
    this.isWithin = false;
    this.raw?.rest();
    if (this.terms.keepsContext) {
      this.history.append(scratch, 0, size);
    } else {
      this.history.clear();
      this.raw?.forget();
    }
  }

  private checked(size: number): number {
    if (size === TOO_MUCH) throw tooBig(this.maxMessageSize + 1, this.maxMessageSize);
    if (size !== CORRUPT) return size;
    throw new ProtocolError(
      "received a compressed message that cannot be inflated",
      INVALID_PAYLOAD,
      "ERR_WS_INVALID_DEFLATE",
    );
  }

  /** What is left is needed after the caller has had its turn, when the memory may be its owner's again. */
  private keepInput(): void {
    this.input = this.input.slice(this.at, this.inputEnd);
    this.inputEnd -= this.at;
    this.at = 0;
    this.isOwnInput = true;
  }

  /** Gives back zlib's memory, and its own. */
  release(): void {
    this.raw?.release();
    this.history.clear();
    this.input = EMPTY;
    this.isBusy = false;
  }
}

// Messages to compressed frames (RFC 7692 §6.1, §7.2.1), in order, and never too much at a time. (hot)
//
// Compressing takes 10 to 20 ns a byte. So a message is compressed at once, in its tick, up to a share of the loop's turn
// (TURN_BYTES, 1.5 ms at the most); then the deflater rests, and what is sent meanwhile, compressed or not, waits until
// proceed(). A large message leaves in frames of SLICE_BYTES or SLICE_UNITS, one in each turn. Control frames do not wait:
// they go between them, but for a ping that is to be behind all that waits.
//
// What waits is the text itself, or a copy of the bytes. What is compressed is copied first, all of it to one place: it
// may be memory that others write to, and has to be the same in zlib's window and in the history.

import type { TextCodec } from "../bytes/utf8.ts";
import { CONTINUATION, type DataOpcode, PING } from "../codec/opcode.ts";
import type { Message } from "./assembler.ts";
import {
  type DeflateSettings,
  type DirectionTerms,
  type RawDeflate,
  TAIL,
  type Zlib,
} from "./compression.ts";
import { History } from "./history.ts";

/** The most that is compressed at a time: bytes, and UTF-16 units of a text, which are up to three bytes each. */
const SLICE_BYTES = 64 * 1024;
const SLICE_UNITS = 32 * 1024;

/** After so many bytes the loop is to have its turn; a message counts as PER_FRAME at least. */
const TURN_BYTES = 64 * 1024;
const PER_FRAME = 512;

/**
 * After so many bytes, 0.2 ms or less, what is ready is written rather than held for the end of the tick: the peer inflates it
 * while the next is compressed. An echo of 32 texts of 2 KiB at a time came three times as fast, for 1.5 us more CPU a text.
 */
const WRITE_BYTES = 16 * 1024;

const EMPTY = new Uint8Array(0);

/** What is left of the TAIL's block when nothing comes before it. */
const EMPTY_BLOCK = Uint8Array.of(0x00);

/** Where all deflaters put what they compress: one for all, as it is used up at once. */
let scratch: Uint8Array = EMPTY;

/** Of what can wait. */
type JobOpcode = DataOpcode | typeof PING;

/** What is sent and waits. */
interface Job {
  readonly data: Message;
  readonly opcode: JobOpcode;
  readonly fin: boolean;
  readonly compress: boolean;
  /** So much of the data has left. */
  at: number;
}

/** Who writes the frames. */
export interface DeflaterSink {
  frame(opcode: JobOpcode, payload: Uint8Array, fin: boolean, rsv1: boolean): void;
  textFrame(opcode: JobOpcode, text: string, fin: boolean): void;
  /** Writes them. */
  flush(): void;
  /** The deflater is to rest: call proceed() when the loop has had its turn. */
  rest(): void;
}

export interface DeflaterOptions extends DeflateSettings, DirectionTerms {
  readonly zlib: Zlib;
  readonly text: TextCodec;
}

export class Deflater {
  /** Bytes that wait; of a text, UTF-16 units. */
  waitingBytes = 0;

  private readonly options: DeflaterOptions;
  private readonly sink: DeflaterSink;
  private readonly history: History;
  private raw: RawDeflate | undefined;
  private queue: Job[] = [];
  private spent = 0;
  /** Bytes that were compressed and not written. */
  private unwritten = 0;
  private isResting = false;
  /** The message that is being sent is compressed. */
  private isCompressing = false;

  constructor(options: DeflaterOptions, sink: DeflaterSink) {
    this.options = options;
    this.sink = sink;
    this.history = new History(options.windowBits);
  }

  /** There is something that has not left. */
  get isBehind(): boolean {
    return this.queue.length > 0;
  }

  /** Sends a message, or a frame of one that is sent in several; `compress` counts for the first of them, and not for a ping. */
  send(data: Message, opcode: JobOpcode, fin: boolean, compress: boolean): void {
    // Nothing waits unless it rests.
    if (!this.isResting && (!this.packs(opcode, compress) || data.length <= sliceOf(data))) {
      this.write(data, opcode, fin, compress);
      return;
    }
    this.queue.push({
      data: typeof data === "string" ? data : new Uint8Array(data),
      opcode,
      fin,
      compress,
      at: 0,
    });
    this.waitingBytes += data.length;
    this.work();
  }

  /** The loop has had its turn. */
  proceed(): void {
    this.isResting = false;
    this.spent = 0;
    this.work();
  }

  /** Drops what waits. */
  discard(): void {
    this.queue = [];
    this.waitingBytes = 0;
  }

  /** Gives back zlib's memory, and its own. */
  release(): void {
    this.discard();
    this.raw?.release();
    this.raw = undefined;
    this.history.clear();
  }

  private work(): void {
    let done = 0;
    for (const job of this.queue) {
      if (this.isResting) break;
      if (this.advance(job)) done++;
    }
    this.queue.splice(0, done);
  }

  /** Sends of a job what may be sent in this turn; whether that was all of it. */
  private advance(job: Job): boolean {
    const { data, compress } = job;
    do {
      const opcode = job.at === 0 ? job.opcode : CONTINUATION;
      const end = this.packs(opcode, compress) ? endOfSlice(data, job.at) : data.length;
      const slice = typeof data === "string" ? data.slice(job.at, end) : data.subarray(job.at, end);
      this.write(slice, opcode, job.fin && end === data.length, compress);
      this.waitingBytes -= end - job.at;
      job.at = end;
    } while (job.at < data.length && !this.isResting);
    return job.at === data.length;
  }

  private packs(opcode: JobOpcode, compress: boolean): boolean {
    return opcode === CONTINUATION ? this.isCompressing : compress;
  }

  /** One frame. */
  private write(data: Message, opcode: JobOpcode, fin: boolean, compress: boolean): void {
    if (opcode !== CONTINUATION && opcode !== PING)
      this.isCompressing = compress && !(fin && this.isSmall(data));
    if (this.isCompressing && opcode !== PING) this.pack(this.copy(data), opcode, fin);
    else if (typeof data === "string") this.sink.textFrame(opcode, data, fin);
    else this.sink.frame(opcode, data, fin, false);
  }

  private isSmall(data: Message): boolean {
    const { threshold, text } = this.options;
    if (data.length >= threshold) return false;
    return typeof data !== "string" || text.byteLength(data) < threshold;
  }

  /** Copies the data to where it is compressed; its length in bytes. */
  private copy(data: Message): number {
    if (scratch === EMPTY) scratch = new Uint8Array(3 * SLICE_UNITS);
    if (typeof data === "string") return this.options.text.write(data, scratch, 0);
    scratch.set(data);
    return data.length;
  }

  private pack(length: number, opcode: DataOpcode, fin: boolean): void {
    const { zlib, windowBits, level, memLevel, keepsContext } = this.options;
    let payload: Uint8Array = fin ? EMPTY_BLOCK : EMPTY;
    if (length > 0) {
      this.raw ??= zlib.deflate(windowBits, level, memLevel);
      payload = this.raw.compress(scratch, 0, length, this.history);
      if (fin) payload = payload.subarray(0, payload.length - TAIL.length);
    }
    if (keepsContext || !fin) {
      this.history.append(scratch, 0, length);
    } else {
      this.history.clear();
      this.raw?.forget();
    }
    this.sink.frame(opcode, payload, fin, opcode !== CONTINUATION);
    this.unwritten += length;
    if (this.unwritten >= WRITE_BYTES) {
      this.unwritten = 0;
      this.sink.flush();
    }
    this.spent += Math.max(length, PER_FRAME);
    if (this.spent < TURN_BYTES || this.isResting) return;
    this.isResting = true;
    this.sink.rest();
  }
}

function sliceOf(data: Message): number {
  return typeof data === "string" ? SLICE_UNITS : SLICE_BYTES;
}

/** Where the slice that begins at `at` ends: between two characters. */
function endOfSlice(data: Message, at: number): number {
  const end = Math.min(at + sliceOf(data), data.length);
  if (typeof data !== "string" || end === data.length) return end;
  const last = data.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

// Data frames to messages (RFC 6455 §5.4, §5.6): order of fragments, limits, UTF-8, and one copy of each byte. (hot)
//
// A message that lies whole in the chunk is decoded or copied straight out of it. Any other is gathered in one buffer
// which grows with the bytes that have come (not with what a header announces, but for the first megabyte), however
// small or many its fragments are. Text is checked part by part: a byte that no following byte could redeem fails the
// connection when it arrives.
// Limits are checked at each header, before the payload is allocated or waited for.
// What was compressed comes through an inflater, which knows no size beforehand and keeps the limit itself: it is gathered in
// blocks, so that the message takes its size in memory, and no more, until it is whole.
//
// Three ways of delivery: whole messages; frames of fragmented messages as each is complete; parts as they arrive.

import { type Allocate, allocate } from "../bytes/allocate.ts";
import { joinBytes } from "../bytes/join.ts";
import { incompleteTail, type TextCodec } from "../bytes/utf8.ts";
import { INVALID_PAYLOAD, MESSAGE_TOO_BIG, POLICY_VIOLATION } from "../codec/close-code.ts";
import { BINARY, CONTINUATION, type DataOpcode, TEXT } from "../codec/opcode.ts";
import { LimitError, ProtocolError } from "../errors.ts";
import type { Limits } from "./limits.ts";
import { type ToleranceOptions, tolerates } from "./tolerance.ts";

/** A message: text is a string, binary is a Uint8Array that belongs to whoever gets it; its ArrayBuffer may be that of others too. */
export type Message = string | Uint8Array;

/**
 * What is handed out. `whole`: messages. `frames`: messages of one frame whole, the frames of others one by one.
 * `parts`: messages that lie whole in a chunk whole, others piece by piece as they arrive.
 */
export type Delivery = "whole" | "frames" | "parts";

/** A data frame, or part of one, that a FrameDecoder or an Inflater stands on. */
export interface FramePart {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  /** Bytes of the whole payload, and of it those that come after this part. */
  readonly length: number;
  readonly remaining: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The part is bytes[start, end), borrowed. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The part, owned by the caller. */
  own(): Uint8Array;
}

/** How frames become messages. */
export interface AssemblerOptions extends Limits, ToleranceOptions {
  /** False: what is not UTF-8 becomes U+FFFD. */
  readonly utf8Validation: boolean;
  readonly text: TextCodec;
  /** Where the memory of messages comes from. Default the language. */
  readonly allocate?: Allocate | undefined;
}

/** The most that is allocated on the word of a header. */
const TRUSTED_BYTES = 1024 * 1024;
const FIRST_BYTES = 64;

const EMPTY = new Uint8Array(0);

export class Assembler {
  delivery: Delivery = "whole";
  /** Whether the value that accept() returned is a piece of a message; then `opcode` and `fin` say which. */
  isPiece = false;
  /** Opcode of the frame that the piece came in. */
  opcode: DataOpcode = TEXT;
  /** The piece ends its message. */
  fin = true;

  private readonly text: TextCodec;
  private readonly allocate: Allocate;
  private readonly validate: boolean;
  private readonly limits: Limits;
  private readonly tolerances: ToleranceOptions;
  /** TEXT or BINARY while a message is under way, else CONTINUATION. */
  private kind: DataOpcode = CONTINUATION;
  /** Bytes of the message that its frames have announced so far. */
  private announced = 0;
  private fragments = 0;
  /** A piece of the message was handed out, so the rest of it goes out in pieces too. */
  private inPieces = false;
  private isInflated = false;
  /** What was gathered before the buffer's content, where the message was inflated and is large. */
  private blocks: Message[] = [];
  /** What was gathered and not handed out: buffer[0, size), of which [0, checked) is whole characters. */
  private buffer: Uint8Array = EMPTY;
  private size = 0;
  private checked = 0;

  constructor(options: AssemblerOptions) {
    this.text = options.text;
    this.allocate = options.allocate ?? allocate;
    this.validate = options.utf8Validation;
    this.limits = options;
    this.tolerances = options;
  }

  /**
   * Takes the decoder's current data frame, or part of one. Returns a message or a piece of one, or undefined when
   * there is nothing to hand out yet. Throws ProtocolError, LimitError.
   */
  accept(frame: FramePart): Message | undefined {
    if (frame.isFirst) {
      this.begin(frame);
      if (frame.isLast && frame.fin && this.fragments === 1) return this.whole(frame);
    }
    this.gather(frame);
    if (frame.isLast && frame.fin) return this.inPieces ? this.piece(frame, true) : this.finish();
    if (this.delivery === "whole") {
      if (this.isInflated && this.size >= TRUSTED_BYTES) this.blocks.push(this.cut(this.complete));
      return undefined;
    }
    const ready = this.delivery === "frames" ? frame.isLast : this.complete > 0;
    return ready ? this.piece(frame, false) : undefined;
  }

  /** A frame begins: may it, here, and this large? */
  private begin(frame: FramePart): void {
    if (frame.opcode === CONTINUATION) {
      if (this.kind === CONTINUATION)
        throw new ProtocolError("received a continuation frame with no message to continue");
      this.fragments++;
      if (this.fragments > this.limits.maxFragments)
        throw tooManyFragments(this.fragments, this.limits.maxFragments);
    } else {
      if (this.kind !== CONTINUATION)
        throw new ProtocolError("received a new message before the last fragment of another");
      this.kind = frame.opcode === TEXT ? TEXT : BINARY;
      this.isInflated = frame.rsv1;
      this.announced = 0;
      this.fragments = 1;
    }
    this.announced += frame.length;
    if (this.announced > this.limits.maxMessageSize) throw tooBig(this.announced, this.limits.maxMessageSize);
  }

  /** The fast path: a message in one frame that lies whole in the chunk. */
  private whole(frame: FramePart): Message {
    const isBinary = this.kind === BINARY;
    this.kind = CONTINUATION;
    this.isPiece = false;
    if (isBinary) return frame.own();
    return this.decode(frame.bytes, frame.start, frame.end);
  }

  private gather(frame: FramePart): void {
    const { start, end } = frame;
    const size = this.size + end - start;
    if (size > this.buffer.length) this.grow(size, frame);
    // A view for the copy costs more than the copy of the few bytes of a tiny fragment.
    if (end - start > 32) this.buffer.set(frame.bytes.subarray(start, end), this.size);
    else
      for (let from = start, to = this.size; from < end; from++, to++)
        this.buffer[to] = frame.bytes[from] as number;
    this.size = size;
    if (this.kind === TEXT) this.check();
  }

  /** Doubles the buffer, or makes it as large as the message is known to become, where that is less. */
  private grow(needed: number, frame: FramePart): void {
    const known = needed + frame.remaining;
    const roomy = Math.max(needed, 2 * this.buffer.length, Math.min(known, TRUSTED_BYTES), FIRST_BYTES);
    // The last frame tells the message's exact size: then the buffer itself can become the message.
    const buffer = this.allocate(frame.fin ? Math.min(roomy, known) : roomy);
    buffer.set(this.buffer.subarray(0, this.size));
    this.buffer = buffer;
  }

  /** Checks the text that has come, but for an incomplete character at its end. */
  private check(): void {
    const complete = this.size - incompleteTail(this.buffer, this.checked, this.size);
    if (this.validate && complete > this.checked && !this.text.isValid(this.buffer, this.checked, complete)) {
      this.takeAsBinary();
      this.kind = BINARY;
    }
    this.checked = complete;
  }

  /** How much of what was gathered can be handed out. */
  private get complete(): number {
    return this.kind === TEXT ? this.checked : this.size;
  }

  private finish(): Message {
    const { kind, buffer, size } = this;
    this.isPiece = false;
    if (this.blocks.length > 0) return this.end();
    this.reset();
    if (kind === TEXT) return this.decode(buffer, 0, size);
    return buffer.length === size ? buffer : buffer.slice(0, size);
  }

  /** Hands out what was gathered; an incomplete character stays for the next piece. */
  private piece(frame: FramePart, fin: boolean): Message {
    this.isPiece = true;
    this.inPieces = true;
    this.opcode = frame.opcode as DataOpcode;
    this.fin = fin;
    return fin ? this.end() : this.joined(this.cut(this.complete));
  }

  /** All that is left of a message. */
  private end(): Message {
    const data = this.joined(this.cut(this.size));
    this.reset();
    return data;
  }

  /** Takes the first `end` bytes out of the buffer. */
  private cut(end: number): Message {
    const { kind, buffer } = this;
    const data = kind === TEXT ? this.decode(buffer, 0, end) : buffer.slice(0, end);
    buffer.copyWithin(0, end, this.size);
    this.size -= end;
    this.checked = 0;
    return data;
  }

  private joined(last: Message): Message {
    if (this.blocks.length === 0) return last;
    const blocks = [...this.blocks, last];
    this.blocks = [];
    return typeof last === "string" ? blocks.join("") : joinBytes(blocks as Uint8Array[]);
  }

  private reset(): void {
    this.kind = CONTINUATION;
    this.inPieces = false;
    this.buffer = EMPTY;
    this.size = 0;
    this.checked = 0;
  }

  private decode(bytes: Uint8Array, start: number, end: number): Message {
    if (!this.validate) return this.text.decodeLossy(bytes, start, end);
    const text = this.text.decode(bytes, start, end);
    if (text !== undefined) return text;
    this.takeAsBinary();
    return bytes.slice(start, end);
  }

  /** What was cut off the message as text becomes bytes. Throws ProtocolError unless that is tolerated, of messages handed out whole. */
  private takeAsBinary(): void {
    if (this.delivery !== "whole" || this.inPieces || !tolerates("binaryAsText", this.tolerances))
      throw invalidText();
    this.blocks = this.blocks.map((block) => new TextEncoder().encode(block as string));
  }
}

function invalidText(): ProtocolError {
  return new ProtocolError("received a text message that is not valid UTF-8", INVALID_PAYLOAD);
}

export function tooBig(actual: number, limit: number): LimitError {
  return new LimitError(
    "ERR_WS_MESSAGE_TOO_BIG",
    `received a message of at least ${actual} bytes, and maxMessageSize is ${limit}: raise it if such messages are expected`,
    { limit: "maxMessageSize", actual, closeCode: MESSAGE_TOO_BIG },
  );
}

function tooManyFragments(actual: number, limit: number): LimitError {
  return new LimitError(
    "ERR_WS_TOO_MANY_FRAGMENTS",
    `received a message of more than ${limit} fragments: raise maxFragments if such messages are expected`,
    { limit: "maxFragments", actual, closeCode: POLICY_VIOLATION },
  );
}

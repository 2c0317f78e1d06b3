// One message that is read as it arrives.

import { joinBytes } from "../bytes/join.ts";
import type { Message } from "../protocol/assembler.ts";

/** Bytes of a message in memory; a text counts two for each UTF-16 unit, which it takes at the most. */
export function sizeOf(message: Message): number {
  return typeof message === "string" ? 2 * message.length : message.length;
}

/**
 * A message in pieces: strings of a text, cut between characters, or bytes, which are yours to keep. It can be iterated once.
 * Iteration throws ClosedError when the connection ends within the message; leaving the loop drops the rest of it.
 */
export class MessageStream implements AsyncIterable<Message> {
  /** Whether its pieces are strings or bytes. */
  readonly type: "text" | "binary";
  readonly #pieces: Message[] = [];
  readonly #consumed: (bytes: number) => void;
  #isComplete = false;
  #isDropped = false;
  #isRead = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /** For isosocket itself: `consumed` is told how many bytes left the stream. */
  constructor(type: "text" | "binary", consumed: (bytes: number) => void) {
    this.type = type;
    this.#consumed = consumed;
  }

  /** For isosocket itself: adds a piece; whether it will be kept. */
  add(piece: Message, fin: boolean): boolean {
    const isKept = !this.#isDropped && piece.length > 0;
    if (isKept) this.#pieces.push(piece);
    if (fin) this.#isComplete = true;
    this.#wake?.();
    return isKept;
  }

  /** For isosocket itself: the connection ended. */
  fail(error: Error): void {
    if (this.#isComplete) return;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    if (this.#isRead) throw new TypeError("a message stream can be read once");
    this.#isRead = true;
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#consumed(sizeOf(piece));
          yield piece;
        } else if (this.#isComplete) {
          return;
        } else if (this.#error !== undefined) {
          throw this.#error;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#drop();
    }
  }

  /** All that is left of it as one message. */
  async collect(): Promise<Message> {
    const pieces: Message[] = [];
    for await (const piece of this) pieces.push(piece);
    return this.type === "text" ? pieces.join("") : joinBytes(pieces as Uint8Array[]);
  }

  #drop(): void {
    this.#isDropped = true;
    for (const piece of this.#pieces.splice(0)) this.#consumed(sizeOf(piece));
  }
}

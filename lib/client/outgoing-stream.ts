// One message that is sent piece by piece: a frame for each item of its source (RFC 6455 §5.4).

import { UsageError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import type { Session } from "../session/session.ts";
import { bytesOf } from "./sendable.ts";

/** What can be streamed: strings make a text message, bytes a binary one. */
export type StreamSource =
  | Iterable<string | ArrayBuffer | ArrayBufferView>
  | AsyncIterable<string | ArrayBuffer | ArrayBufferView>
  | ReadableStream<string | ArrayBuffer | ArrayBufferView>;

export type ItemIterator = AsyncIterator<unknown> | Iterator<unknown>;

/** Throws UsageError for what cannot be iterated. */
export function iteratorOf(source: StreamSource): ItemIterator {
  if (typeof source === "object" && source !== null && !ArrayBuffer.isView(source)) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new UsageError("a stream is an iterable, an async iterable or a ReadableStream of strings or bytes");
}

/** The frames of one message that is sent piece by piece. */
export class OutgoingStream {
  isBegun = false;
  readonly #session: Session;
  readonly #compress: boolean | undefined;
  #isBinary: boolean | undefined;
  /** The first half of a surrogate pair whose second half is in the next item. */
  #half = "";

  constructor(session: Session, binary: boolean | undefined, compress?: boolean) {
    this.#session = session;
    this.#isBinary = binary;
    this.#compress = compress;
  }

  write(item: unknown): void {
    this.#isBinary ??= typeof item !== "string";
    if (this.#isBinary === (typeof item === "string")) {
      throw new UsageError(
        `a stream of ${this.#isBinary ? "bytes" : "text"} has an item that is not: ${typeof item}`,
      );
    }
    this.#send(typeof item === "string" ? this.#whole(item) : bytesOf(item), false);
  }

  end(): void {
    this.#send(this.#isBinary ? new Uint8Array(0) : this.#half, true);
  }

  #send(data: Message, fin: boolean): void {
    this.#session.sendFragment(data, !this.isBegun, fin, this.#compress);
    this.isBegun = true;
  }

  /** The text up to its last whole character. */
  #whole(item: string): string {
    const text = this.#half + item;
    const last = text.charCodeAt(text.length - 1);
    this.#half = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : "";
    return this.#half === "" ? text : text.slice(0, -1);
  }
}

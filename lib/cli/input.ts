// Input to messages: bytes as they are read to lines, or to the whole, as text, bytes, or bytes that hex digits stand for.
// Nothing is read before it is asked for, and nothing is held but the line at hand.

import { UsageError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import { bytesOfHex } from "./values.ts";

export interface InputKind {
  readonly binary: boolean;
  readonly hex: boolean;
  readonly whole: boolean;
}

/** The longest line that is taken, in bytes: a file without line ends must not fill the memory. */
export const MAX_LINE: number = 64 * 1024 * 1024;

/** Input up to so many bytes is a message of one frame, which every server takes; more of it is streamed. */
export const MAX_FRAME: number = 1024 * 1024;

/** Pieces of one message: strings, or bytes. */
export type Pieces = AsyncIterable<string> | AsyncIterable<Uint8Array>;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** The messages in the input; the last line needs no end. Throws UsageError for what is not as it was said to be. */
export async function* messagesOf(
  input: AsyncIterable<Uint8Array>,
  kind: InputKind,
): AsyncGenerator<Message | Pieces, void, undefined> {
  if (kind.whole) {
    const message = await whole(input, kind);
    if (message !== undefined) yield message;
    return;
  }
  let number = 0;
  for await (const line of linesOf(input)) yield decodeLine(line, kind, `line ${++number} of the input`);
}

/** A line, without its end, as a message. */
export function decodeLine(line: Uint8Array, kind: InputKind, what: string): Message {
  if (kind.binary && !kind.hex) return line;
  const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
  const text = decode(line.subarray(0, end), new TextDecoder("utf-8", STRICT), what);
  return kind.hex ? hexBytes(text, what) : text;
}

const STRICT = { fatal: true, ignoreBOM: true };

function decode(
  bytes: Uint8Array,
  decoder: InstanceType<typeof TextDecoder>,
  what: string,
  stream = false,
): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch {
    throw new UsageError(`${what} is not UTF-8: --binary sends any bytes`);
  }
}

async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]);
      parts = [];
      length = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > MAX_LINE)
      throw new UsageError(`a line of the input is longer than ${MAX_LINE} bytes: --whole streams it`);
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

/** All of the input: in one piece where it is small, undefined where there is none. */
async function whole(
  input: AsyncIterable<Uint8Array>,
  kind: InputKind,
): Promise<Message | Pieces | undefined> {
  const isText = !kind.binary && !kind.hex;
  const pieces = isText ? textPieces(input) : kind.hex ? hexPieces(input) : input;
  const iterator = (pieces as AsyncIterable<Message>)[Symbol.asyncIterator]();
  const first: Message[] = [];
  let length = 0;
  while (length <= MAX_FRAME) {
    const { done, value } = await iterator.next();
    if (done && length === 0) return undefined;
    if (done) return isText ? first.join("") : Buffer.concat(first as Uint8Array[]);
    first.push(value);
    length += value.length;
  }
  return piecesOf(first, iterator) as Pieces;
}

async function* piecesOf(first: Message[], rest: AsyncIterator<Message>): AsyncGenerator<Message> {
  yield* first.splice(0);
  yield* { [Symbol.asyncIterator]: () => rest };
}

async function* textPieces(input: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", STRICT);
  for await (const chunk of input) yield decode(chunk, decoder, "the input", true);
  yield decode(new Uint8Array(0), decoder, "the input");
}

async function* hexPieces(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let half = "";
  for await (const chunk of input) {
    const digits = half + Buffer.from(chunk).toString("latin1").replace(/\s/g, "");
    half = digits.length % 2 === 1 ? digits.slice(-1) : "";
    yield hexBytes(digits.slice(0, digits.length - half.length));
  }
  if (half !== "") yield hexBytes(half);
}

function hexBytes(digits: string, what = "the input"): Uint8Array {
  const bytes = bytesOfHex(digits);
  if (bytes === undefined) throw new UsageError(`${what} is not pairs of hex digits`);
  return bytes;
}

// The server's half of RFC 6455 §5 for the benchmark, on the stream rather than on messages: a client's frames come in as
// chunks, and are turned into a server's frames, or counted, a chunk at a time. No message is assembled, so that the server
// is faster than any client that it is to measure. It trusts its clients: nothing but masks and lengths is looked at.

/** A chunk and what was left of the one before it. */
const CHUNK = 2 ** 20;

/** From here on the memory's own copy and words are faster than a loop over bytes. */
const SMALL = 64;

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Where a chunk's frames are written; every socket's, as it is handed on before the next chunk comes. */
const output = new Uint8Array(CHUNK + 64);
const words = new Int32Array(output.buffer);

/** Frames of one client. What is left of a chunk, that ends in a header or in a small frame, waits for the next one. */
export class BulkFrames {
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes of a frame that are still to come, the key that they are masked with, and how far it is turned. */
  #left = 0;
  #key = 0;
  #turn = 0;
  /** The frame's opcode, and whether it has been the last one. */
  #opcode = 0;
  isClosed = false;
  /** What has been counted. */
  messages = 0;
  bytes = 0;
  /** One in 64 frames must be like the first. */
  #sample = "";
  isSpoiled = false;

  /** The frames of a chunk as a server sends them: pings as pongs, all else as it came. Valid until the next call. */
  echo(bytes: Uint8Array): Uint8Array {
    const chunk = this.#joined(bytes);
    let end = 0;
    let at = 0;
    for (;;) {
      if (this.#left === 0) {
        const size = this.#header(chunk, at);
        if (size === 0) break;
        if (this.#opcode === CLOSE) this.isClosed = true;
        output[end] = this.#opcode === PING ? 0x80 | PONG : (chunk[at] ?? 0);
        output[end + 1] = (chunk[at + 1] ?? 0) & 0x7f;
        for (let i = 2; i < size - 4; i++) output[end + i] = chunk[at + i] ?? 0;
        at += size;
        end += size - 4;
      }
      const length = Math.min(this.#left, chunk.length - at);
      if (length === 0 && this.#left > 0) break;
      this.#unmask(chunk, at, length, end);
      this.#left -= length;
      at += length;
      end += length;
    }
    this.#keep(chunk, at);
    return output.subarray(0, end);
  }

  /** Counts messages and their bytes; `small` is told the text of those that are at most 24 bytes long. */
  count(bytes: Uint8Array, small: (text: string) => void): void {
    const chunk = this.#joined(bytes);
    let at = 0;
    for (;;) {
      if (this.#left === 0) {
        const size = this.#header(chunk, at);
        if (size === 0) break;
        at += size;
        const length = this.#left;
        if (this.#opcode === CLOSE) this.isClosed = true;
        if (length <= 24) {
          if (this.#opcode === TEXT) small(this.#text(chunk, at, length));
        } else {
          this.#check(chunk, at, length);
        }
      }
      const length = Math.min(this.#left, chunk.length - at);
      if (length === 0 && this.#left > 0) break;
      this.#left -= length;
      at += length;
    }
    this.#keep(chunk, at);
  }

  /** Begins to count anew. */
  reset(): void {
    this.messages = 0;
    this.bytes = 0;
    this.isSpoiled = false;
  }

  #check(chunk: Uint8Array, at: number, length: number): void {
    if (length < SMALL && this.messages % 64 === 0) {
      const text = this.#text(chunk, at, length);
      if (this.messages === 0) this.#sample = text;
      this.isSpoiled ||= text !== this.#sample;
    }
    this.messages++;
    this.bytes += length;
  }

  #text(chunk: Uint8Array, at: number, length: number): string {
    this.#unmask(chunk, at, length, 0);
    return String.fromCharCode(...output.subarray(0, length));
  }

  #joined(bytes: Uint8Array): Uint8Array {
    if (this.#rest.length === 0) return bytes;
    const chunk = new Uint8Array(this.#rest.length + bytes.length);
    chunk.set(this.#rest);
    chunk.set(bytes, this.#rest.length);
    return chunk;
  }

  #keep(chunk: Uint8Array, at: number): void {
    this.#rest = chunk.slice(at);
  }

  /** Reads a header; its size, or 0 when it, or the small frame that it begins, does not end within the chunk. */
  #header(chunk: Uint8Array, at: number): number {
    const available = chunk.length - at;
    if (available < 6) return 0;
    const short = (chunk[at + 1] ?? 0) & 0x7f;
    let size = 6;
    let length = short;
    if (short > 125) {
      size = short === 126 ? 8 : 14;
      if (available < size) return 0;
      length = 0;
      for (let i = at + 2; i < at + size - 4; i++) length = length * 256 + (chunk[i] ?? 0);
    } else if (available < size + short) {
      return 0;
    }
    const k = at + size - 4;
    this.#opcode = (chunk[at] ?? 0) & 0x0f;
    this.#left = length;
    this.#turn = 0;
    this.#key =
      (chunk[k] ?? 0) |
      ((chunk[k + 1] ?? 0) << 8) |
      ((chunk[k + 2] ?? 0) << 16) |
      ((chunk[k + 3] ?? 0) << 24);
    return size;
  }

  /** Writes the next bytes of a frame, unmasked, to `end` of the output. */
  #unmask(chunk: Uint8Array, at: number, length: number, end: number): void {
    const key = this.#key;
    let turn = this.#turn;
    let i = 0;
    if (length >= SMALL) {
      output.set(at === 0 && length === chunk.length ? chunk : chunk.subarray(at, at + length), end);
      for (; (end + i) % 4 !== 0; i++, turn++)
        output[end + i] = (output[end + i] ?? 0) ^ (key >>> ((turn & 3) * 8));
      const by = (turn & 3) * 8;
      const turned = by === 0 ? key : (key >>> by) | (key << (32 - by));
      const last = (end + length) >> 2;
      let word = (end + i) >> 2;
      for (; word + 8 <= last; word += 8) {
        words[word] = (words[word] ?? 0) ^ turned;
        words[word + 1] = (words[word + 1] ?? 0) ^ turned;
        words[word + 2] = (words[word + 2] ?? 0) ^ turned;
        words[word + 3] = (words[word + 3] ?? 0) ^ turned;
        words[word + 4] = (words[word + 4] ?? 0) ^ turned;
        words[word + 5] = (words[word + 5] ?? 0) ^ turned;
        words[word + 6] = (words[word + 6] ?? 0) ^ turned;
        words[word + 7] = (words[word + 7] ?? 0) ^ turned;
      }
      for (; word < last; word++) words[word] = (words[word] ?? 0) ^ turned;
      turn += word * 4 - end - i;
      i = word * 4 - end;
      for (; i < length; i++, turn++) output[end + i] = (output[end + i] ?? 0) ^ (key >>> ((turn & 3) * 8));
    } else {
      const [k0, k1, k2, k3] = [key, key >>> 8, key >>> 16, key >>> 24];
      for (; i < length && (turn & 3) !== 0; i++, turn++)
        output[end + i] = (chunk[at + i] ?? 0) ^ (key >>> ((turn & 3) * 8));
      for (; i + 4 <= length; i += 4) {
        output[end + i] = (chunk[at + i] ?? 0) ^ k0;
        output[end + i + 1] = (chunk[at + i + 1] ?? 0) ^ k1;
        output[end + i + 2] = (chunk[at + i + 2] ?? 0) ^ k2;
        output[end + i + 3] = (chunk[at + i + 3] ?? 0) ^ k3;
      }
      for (let j = 0; i < length; i++, j++, turn++)
        output[end + i] = (chunk[at + i] ?? 0) ^ (key >>> (j * 8));
    }
    this.#turn = turn;
  }
}

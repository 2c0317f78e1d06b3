// Strings to UTF-8 and back (RFC 3629), for frames that are written and read in place.
// A TextCodec is what a runtime does fastest; `webText` is the one that works everywhere. `incompleteTail` lets text be
// checked as it arrives: it tells how many bytes at the end of a part are the beginning of a character.

/** The text functions that differ in speed from runtime to runtime. None keeps the bytes it is given. */
export interface TextCodec {
  /** Decodes bytes[start, end); undefined when they are not valid UTF-8. A byte order mark is kept. */
  decode(bytes: Uint8Array, start: number, end: number): string | undefined;
  /** Decodes bytes[start, end) with U+FFFD in the place of what is not UTF-8. A byte order mark is kept. */
  decodeLossy(bytes: Uint8Array, start: number, end: number): string;
  /** Whether bytes[start, end) are valid UTF-8. */
  isValid(bytes: Uint8Array, start: number, end: number): boolean;
  /** Length of `text` in UTF-8, in bytes. */
  byteLength(text: string): number;
  /**
   * Writes `text` into `into` from `at` on and returns the number of bytes written. A lone surrogate becomes U+FFFD.
   * The caller sees to it that there is room: 3 bytes for each UTF-16 code unit are always enough.
   */
  write(text: string, into: Uint8Array, at: number): number;
}

/**
 * Up to this many characters, writing ASCII in a loop beats the call into the runtime: measured crossovers are 12
 * characters in Bun and new V8, 28 in Deno and Node 20, and between them the difference is a few nanoseconds.
 */
const SHORT = 16;

/** Writes a short text that is all ASCII; false, with nothing promised about `into`, when it is not such a text. */
export function writeShortAscii(text: string, into: Uint8Array, at: number): boolean {
  const length = text.length;
  if (length > SHORT) return false;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return false;
    into[at + i] = unit;
  }
  return true;
}

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

/** The web-standard codec, for any runtime. */
export const webText: TextCodec = {
  decode(bytes, start, end) {
    try {
      return strict.decode(bytes.subarray(start, end));
    } catch {
      return undefined;
    }
  },
  decodeLossy(bytes, start, end) {
    return lossy.decode(bytes.subarray(start, end));
  },
  isValid(bytes, start, end) {
    return this.decode(bytes, start, end) !== undefined;
  },
  byteLength(text) {
    let length = text.length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit <= 0x7f) continue;
      if (unit <= 0x7ff) {
        length += 1;
        continue;
      }
      length += 2;
      // A surrogate pair is 4 bytes for two units: 2 more than its first unit alone stands for, none for its second.
      const isPair = unit >= 0xd800 && unit <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
      if (isPair) i++;
    }
    return length;
  },
  write(text, into, at) {
    if (writeShortAscii(text, into, at)) return text.length;
    return encoder.encodeInto(text, into.subarray(at)).written;
  },
};

/**
 * How many bytes at the end of bytes[start, end), 0 to 3, are the beginning of a character that more bytes could
 * complete (RFC 3629 §4). Bytes that nothing could complete count as 0: they are then seen to be invalid at once.
 */
export function incompleteTail(bytes: Uint8Array, start: number, end: number): number {
  const stop = Math.max(start, end - 3);
  for (let at = end - 1; at >= stop; at--) {
    const lead = bytes[at] as number;
    if (lead < 0x80) return 0;
    if (lead < 0xc0) continue; // a continuation byte: its lead is further back
    const present = end - at;
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || present >= length) return 0;
    return present === 1 || canFollow(lead, bytes[at + 1] as number) ? present : 0;
  }
  return 0;
}

/** Whether `second` may follow `lead`: no overlong forms, no surrogates, nothing above U+10FFFF. */
function canFollow(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second <= 0x8f;
  return true;
}

// What a compressed binary message says: text in gzip (RFC 1952), zlib (RFC 1950) or bare deflate (RFC 1951). Any bytes may
// come, and few of them may stand for many, so what is unpacked is bounded, and shown only where it is text.

import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

/** The most bytes that are unpacked; a message with more is shown as it is. */
export const MAX_UNPACKED: number = 1024 * 1024;

export interface Unpacked {
  readonly kind: "gzip" | "zlib";
  readonly text: string;
}

/** The least bytes that may be bare deflate, which has no mark: of shorter ones some stand for a text by chance. */
const MIN_BARE = 16;

/** The text in a message, if it is compressed and there is one. */
export function peek(bytes: Uint8Array): Unpacked | undefined {
  const [first = 0, second = 0] = bytes;
  const isGzip = first === 0x1f && second === 0x8b;
  // The header's two bytes are a multiple of 31, and name the method 8.
  const isZlib = (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
  const kind = isGzip ? "gzip" : "zlib";
  const text = isGzip || isZlib ? unpacked(isGzip ? gunzipSync : inflateSync, bytes) : bareText(bytes);
  return text === undefined || text === "" ? undefined : { kind, text };
}

/** Text in bare deflate: plain, and with nothing behind it, as then it would do without its last byte. */
function bareText(bytes: Uint8Array): string | undefined {
  const text = bytes.length < MIN_BARE ? undefined : unpacked(inflateRawSync, bytes);
  if (text === undefined || /(?![\t\r\n])\p{Cc}/u.test(text)) return undefined;
  return unpacked(inflateRawSync, bytes.subarray(0, -1)) === undefined ? text : undefined;
}

function unpacked(unpack: typeof gunzipSync, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(unpack(bytes, { maxOutputLength: MAX_UNPACKED }));
  } catch {
    return undefined;
  }
}

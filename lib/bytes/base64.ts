// Bytes to base64 (RFC 4648 §4), for Sec-WebSocket-Key, Sec-WebSocket-Accept and Basic credentials.

import { decodeLatin1 } from "./latin1.ts";

/** The base64 form of `bytes`, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(decodeLatin1(bytes));
}

// What users send, as a message: text stays a string, every kind of buffer becomes a view of its bytes.

import { UsageError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";

/** What can be sent: text for a string, binary for all else. */
export type Sendable = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView | Blob;

/** The message in it; a Blob's bytes are read later. Throws UsageError. */
export function messageOf(data: unknown): Uint8Array | Blob {
  if (data instanceof Uint8Array && data.length > 0) return data;
  const isBytes = ArrayBuffer.isView(data) || data instanceof ArrayBuffer;
  return !isBytes && data instanceof Blob ? data : bytesOf(data);
}

export function isBlob(message: Message | Blob): message is Blob {
  return typeof message !== "string" && !(message instanceof Uint8Array);
}

/**
 * A view of the bytes of any buffer or view. Throws UsageError for what is neither, so that no memory leaks by mistake, and
 * for memory that was transferred to somebody else, or shrank, whose bytes are lost to the caller.
 */
export function bytesOf(data: unknown): Uint8Array {
  const bytes = viewOf(data);
  if (bytes.length === 0 && isLost(bytes)) {
    throw new UsageError(
      "the memory of the message was transferred, or has shrunk, so there is nothing left in it to send",
    );
  }
  return bytes;
}

function viewOf(data: unknown): Uint8Array {
  try {
    if (data instanceof Uint8Array) return data;
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer || isShared(data)) return new Uint8Array(data);
  } catch (cause) {
    throw new UsageError(
      "the memory of the message cannot be read: it was transferred, or has shrunk",
      undefined,
      { cause },
    );
  }
  const kind = data === null ? "null" : Array.isArray(data) ? "an array" : typeof data;
  throw new UsageError(`a message is a string, an ArrayBuffer, a view of one, or a Blob, and not ${kind}`);
}

function isShared(data: unknown): data is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== "undefined" && data instanceof SharedArrayBuffer;
}

/** Whether a view that looks empty has lost its memory: its methods refuse that. */
function isLost(bytes: Uint8Array): boolean {
  try {
    bytes.at(0);
    return false;
  } catch {
    return true;
  }
}

/** The payload of a ping or pong. Throws UsageError. */
export function controlPayload(data: unknown): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : bytesOf(data);
}

// Frames as lines, for tables: what a decoder makes of chunks, and the bytes that an encoder staged.

import { expect } from "chai";
import { SlabPool, Staging } from "../../lib/bytes/staging.ts";
import { FrameDecoder, type Role } from "../../lib/codec/frame-decoder.ts";
import { concat, toHex } from "./hex.ts";

const NAMES: Record<number, string> = {
  0: "continuation",
  1: "text",
  2: "binary",
  8: "close",
  9: "ping",
  10: "pong",
};

/**
 * The frames in these chunks as `fin text 48656c6c6f`, each when it is whole. Throws what the decoder throws. Sees to it
 * that parts add up, control frames come whole, and a chunk is left as it was; then overwrites it, as its owner may.
 */
export function frames(role: Role, chunks: Uint8Array[], options: { allowRsv1?: boolean } = {}): string[] {
  const decoder = new FrameDecoder(role, options);
  const lines: string[] = [];
  let parts: Uint8Array[] = [];
  let arrived = 0;
  for (const chunk of chunks) {
    const original = toHex(chunk);
    decoder.push(chunk);
    while (decoder.next()) {
      expect(decoder.isFirst, "isFirst").to.equal(parts.length === 0);
      if (decoder.isFirst) arrived = 0;
      parts.push(Uint8Array.from(decoder.bytes.subarray(decoder.start, decoder.end)));
      arrived += decoder.end - decoder.start;
      expect(decoder.remaining, "remaining").to.equal(decoder.length - arrived);
      expect(decoder.isLast, "isLast").to.equal(decoder.remaining === 0);
      if (decoder.opcode >= 8) expect(decoder.isLast, "a control frame is whole").to.equal(true);
      if (!decoder.isLast) continue;
      const flags = (decoder.fin ? "fin " : "") + (decoder.rsv1 ? "rsv1 " : "");
      lines.push(`${flags}${NAMES[decoder.opcode]} ${toHex(concat(...parts))}`);
      parts = [];
    }
    decoder.keep();
    expect(toHex(chunk), "the caller's chunk").to.equal(original);
    chunk.fill(0xee);
  }
  return lines;
}

/** The bytes that `stage` stages, in the order in which they are written. */
export function staged(stage: (into: Staging) => void): Uint8Array {
  const written: Uint8Array[] = [];
  const staging = new Staging(new SlabPool(), (bytes) => {
    written.push(bytes.slice());
    return true;
  });
  stage(staging);
  staging.flush();
  return concat(...written);
}

/** The payload masked or unmasked with a key given as its four bytes, as RFC 6455 §5.3 defines it. */
export function masked(payload: Uint8Array, key: Uint8Array): Uint8Array {
  return payload.map((byte, i) => byte ^ (key[i % 4] as number));
}

/** The number as which the library takes a key. */
export function keyOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
}

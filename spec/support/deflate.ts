// Compression for tests: what two sides agreed on, by each of the ways in which this library does it, and by node:zlib's own
// streams as an independent peer has it.

import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { DeflateAgreement, DeflateOptions, DeflateSettings } from "../../lib/protocol/compression.ts";
import { nodeZlib, type ZlibWay } from "../../lib/transport/node-zlib.ts";
import { concat } from "./hex.ts";

export const WAYS: readonly ZlibWay[] = ["driven", "one-shot"];

const ZLIBS = { driven: nodeZlib("driven"), "one-shot": nodeZlib("one-shot") };

export const AGREEMENT: DeflateAgreement = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** Everything is compressed, however small, unless `more` says otherwise. */
export function deflating(
  way: ZlibWay,
  more: Partial<DeflateAgreement & DeflateSettings> = {},
): { readonly deflate: DeflateOptions } {
  const { threshold = 0, level = 6, memLevel = 8, ...agreement } = more;
  const settings = { threshold, level, memLevel, zlib: ZLIBS[way] };
  return { deflate: { ...settings, agreement: { ...AGREEMENT, ...agreement } } };
}

/** A message by itself as a payload, in the words of RFC 7692 §7.2.1. */
export function packed(plain: Uint8Array, level = 6): Uint8Array {
  return deflateRawSync(plain, { level, finishFlush: 2 }).subarray(0, -4);
}

/** The other way round, for a message that refers to none before it. */
export function unpacked(payload: Uint8Array): Uint8Array {
  return inflateRawSync(concat(payload, Uint8Array.of(0, 0, 0xff, 0xff)), { finishFlush: 2 });
}

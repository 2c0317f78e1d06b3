// Masking (RFC 6455 §5.3) of large payloads by SIMD, in WebAssembly. (hot)
// A payload is copied into the module's memory, masked there and copied on: 15 to 20 GB/s with both copies, where by words of
// 32 bits masking alone does 7 to 11 in V8. Below some KiB that gains nothing. Where WebAssembly is missing or forbidden it is
// done by words.
//
// The module, in text:
//   (memory (export "m") 2)
//   (func (export "f") (param $end i32) (param $key i32) (local $at i32) (local $keys v128)
//     (local.set $keys (i32x4.splat (local.get $key)))
//     (loop
//       (v128.store (local.get $at) (v128.xor (v128.load (local.get $at)) (local.get $keys)))
//       ... the same at offset=16, 32 and 48 ...
//       (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end)))))

import { maskInPlace, type Slab } from "./mask.ts";

const MODULE =
  "AGFzbQEAAAABBgFgAn9/AAMCAQAFAwEAAgcJAgFtAgABZgAACl4BXAIBfwF7IAH9ESEDA0AgAiAC/QAAACAD/VH9CwAAIAIgAv0AABAgA/1R/QsAECACIAL9AAAgIAP9" +
  "Uf0LACAgAiAC/QAAMCAD/VH9CwAwIAJBwABqIgIgAEkNAAsL";

/** Bytes that fit into the module's memory, with 64 KiB to spare: it masks 64 at a time. */
const ROOM = 64 * 1024;

/** The module, ready to be used. */
export interface SimdMask {
  /** Its memory. */
  readonly bytes: Uint8Array;
  /** Masks bytes[0, end), and up to 63 behind them. */
  mask(end: number, key: number): void;
}

/** What of WebAssembly is used. */
export interface Wasm {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: never) => { readonly exports: object };
}

/** The module; null where WebAssembly or SIMD is missing (then `wasm` may throw), or the program may not use it. */
export function compileSimdMask(wasm: () => Wasm): SimdMask | null {
  try {
    const { Module, Instance } = wasm();
    const module = new Module(Uint8Array.from(atob(MODULE), (byte) => byte.charCodeAt(0)));
    const { m, f } = new Instance(module as never).exports as {
      m: { buffer: ArrayBuffer };
      f: SimdMask["mask"];
    };
    return { bytes: new Uint8Array(m.buffer, 0, ROOM), mask: f };
  } catch {
    return null;
  }
}

declare const WebAssembly: Wasm;

let compiled: SimdMask | null | undefined;

function simdMask(): SimdMask | null {
  if (compiled === undefined) compiled = compileSimdMask(() => WebAssembly);
  return compiled;
}

/** Copies a payload of up to 64 KiB to slab.bytes[start...], masked; its first byte meets the key's first. */
export function copyMasked(
  slab: Slab,
  start: number,
  payload: Uint8Array,
  key: number,
  simd: SimdMask | null = simdMask(),
): void {
  const { length } = payload;
  if (simd === null) {
    slab.bytes.set(payload, start);
    maskInPlace(slab, start, start + length, key);
    return;
  }
  simd.bytes.set(payload);
  simd.mask(length, key);
  slab.bytes.set(simd.bytes.subarray(0, length), start);
}

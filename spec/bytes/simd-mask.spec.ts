// Masking by SIMD is masking by bytes: for every length around its steps, any place and key; and where it cannot be had, the
// same is done without it.

import { expect } from "chai";
import { slabOf } from "../../lib/bytes/mask.ts";
import { compileSimdMask, copyMasked, type Wasm } from "../../lib/bytes/simd-mask.ts";
import { keyOf, masked } from "../support/frames.ts";
import { hex, toHex } from "../support/hex.ts";

declare const WebAssembly: Wasm;

const KEY = hex("37fa21f3");
const SLAB_BYTES = 66 * 1024;

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 0xff);
}

describe("copyMasked", () => {
  const simd = compileSimdMask(() => WebAssembly);

  it("has SIMD in every runtime that this is run in", () => {
    expect(simd?.bytes.length).to.equal(64 * 1024);
  });

  for (const [title, by] of [["SIMD", simd] as const, ["words", null] as const]) {
    for (const length of [0, 1, 3, 15, 16, 17, 63, 64, 65, 127, 128, 1000, 16_384, 65_535, 65_536]) {
      it(`masks ${length} bytes by ${title}, and changes nothing else`, () => {
        for (const start of [0, 1, 10, 64]) {
          const payload = noise(length);
          const expected = new Uint8Array(SLAB_BYTES).fill(0xee);
          expected.set(masked(noise(length), KEY), start);
          const slab = slabOf(new Uint8Array(SLAB_BYTES).fill(0xee));
          copyMasked(slab, start, payload, keyOf(KEY), by);
          expect(toHex(slab.bytes) === toHex(expected)).to.equal(true);
          expect(toHex(payload) === toHex(noise(length))).to.equal(true);
        }
      });
    }
  }

  it("does without what is missing, forbidden or broken", () => {
    const broken: [title: string, wasm: unknown][] = [
      ["no WebAssembly", undefined],
      ["nothing in it", {}],
      ["a module that is refused", { Module: refused, Instance: refused }],
      ["no memory to be had", { Module: class {}, Instance: refused }],
      ["an instance without exports", { Module: class {}, Instance: class {} }],
    ];
    for (const [title, wasm] of broken)
      expect(
        compileSimdMask(() => wasm as Wasm),
        title,
      ).to.equal(null);
    const missing = () => {
      throw new ReferenceError("WebAssembly is not defined");
    };
    expect(compileSimdMask(missing)).to.equal(null);
  });
});

class refused {
  constructor() {
    throw new RangeError("not here");
  }
}

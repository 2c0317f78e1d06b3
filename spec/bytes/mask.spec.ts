// Masking against the definition of RFC 6455 §5.3, a loop over bytes: at every alignment, and nothing but what was asked for.

import { expect } from "chai";
import { maskInPlace, rotateKey, slabOf } from "../../lib/bytes/mask.ts";
import { toHex } from "../support/hex.ts";

/** Bytes 12 a9 07 f3: each is different, and the last sets the sign of the number. */
const KEY = 0xf307a912 | 0;
const KEY_BYTES = [0x12, 0xa9, 0x07, 0xf3];

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 0xff);
}

/** The bytes with [start, end) masked as the RFC says: octet i with octet i MOD 4 of the key. */
function naive(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.map((byte, i) =>
    i < start || i >= end ? byte : byte ^ (KEY_BYTES[(i - start) % 4] as number),
  );
}

describe("slabOf", () => {
  it("reaches the same memory by bytes and by words, but for up to 3 bytes at the end", () => {
    const { bytes, words } = slabOf(new Uint8Array(new ArrayBuffer(20), 4, 11));
    expect(words.length).to.equal(2);
    words[1] = -1;
    expect(toHex(bytes)).to.equal("00000000ffffffff000000");
  });

  it("reaches it by words of 64 bits if it is told to", () => {
    const { bytes, longs } = slabOf(new Uint8Array(new ArrayBuffer(32), 8, 19), true);
    expect(longs?.length).to.equal(2);
    longs?.fill(-1n, 1);
    expect(toHex(bytes)).to.equal("0000000000000000ffffffffffffffff000000");
    expect(slabOf(bytes.slice()).longs).to.equal(undefined);
  });
});

describe("rotateKey", () => {
  const rows: [offset: number, hex: string][] = [
    [0, "12a907f3"],
    [1, "a907f312"],
    [2, "07f312a9"],
    [3, "f312a907"],
    [4, "12a907f3"],
    [65_537, "a907f312"],
  ];
  for (const [offset, hex] of rows) {
    it(`the key as byte ${offset} meets it`, () => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setInt32(0, rotateKey(KEY, offset), true);
      expect(toHex(bytes)).to.equal(hex);
    });
  }
});

for (const hasLongs of [false, true])
  describe(`maskInPlace, ${hasLongs ? "also by words of 64 bits" : "by words of 32 bits"}`, () => {
    const lengths = [...Array(301).keys(), 65_536];
    for (let start = 0; start < 8; start++) {
      it(`from byte ${start} on, for 0 to 300 bytes and 65,536`, () => {
        for (const length of lengths) {
          const before = noise(start + length + 9);
          const slab = slabOf(before.slice(), hasLongs);
          maskInPlace(slab, start, start + length, KEY);
          expect(toHex(slab.bytes), `${length} bytes`).to.equal(toHex(naive(before, start, start + length)));
        }
      });
    }

    it("reaches the last byte of a slab that is no whole number of words", () => {
      for (const length of [1, 2, 3, 5, 34, 35, 129, 130, 131, 132, 133, 134, 135, 136, 137]) {
        const slab = slabOf(noise(length), hasLongs);
        maskInPlace(slab, 0, length, KEY);
        expect(toHex(slab.bytes), `${length} bytes`).to.equal(toHex(naive(noise(length), 0, length)));
      }
    });

    it("done twice, changes nothing", () => {
      const slab = slabOf(noise(1000), hasLongs);
      maskInPlace(slab, 3, 998, KEY);
      maskInPlace(slab, 3, 998, KEY);
      expect(toHex(slab.bytes)).to.equal(toHex(noise(1000)));
    });

    it("goes piece by piece with the key turned", () => {
      for (let cut = 0; cut <= 500; cut++) {
        const slab = slabOf(noise(500), hasLongs);
        maskInPlace(slab, 0, cut, KEY);
        maskInPlace(slab, cut, 500, rotateKey(KEY, cut));
        expect(toHex(slab.bytes), `cut at ${cut}`).to.equal(toHex(naive(noise(500), 0, 500)));
      }
    });
  });

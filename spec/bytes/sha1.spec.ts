// SHA-1: the vectors of RFC 3174 §7.3 and FIPS 180, and each length around the borders of its padding against Node's.

import { createHash } from "node:crypto";
import { expect } from "chai";
import { sha1 } from "../../lib/bytes/sha1.ts";
import { toHex, utf8 } from "../support/hex.ts";

describe("sha1", () => {
  const rows: [title: string, text: string, digest: string][] = [
    ["the empty message", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
    ["abc", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    [
      "56 bytes, which pad to two blocks",
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
    ],
    ["a million times a", "a".repeat(1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
    ["ten whole blocks", "01234567".repeat(80), "dea356a2cddd90c7a7ecedc5ebb563934f460452"],
  ];
  for (const [title, text, digest] of rows) {
    it(title, () => expect(toHex(sha1(utf8(text)))).to.equal(digest));
  }

  it("agrees with Node's for every length up to 200", () => {
    const bytes = Uint8Array.from({ length: 200 }, (_, i) => 255 - i);
    for (let length = 0; length <= bytes.length; length++) {
      const message = bytes.subarray(0, length);
      expect(toHex(sha1(message)), `${length} bytes`).to.equal(
        createHash("sha1").update(message).digest("hex"),
      );
    }
  });

  it("reads a view, and leaves the message as it was", () => {
    const memory = utf8("xxabcxx");
    expect(toHex(sha1(memory.subarray(2, 5)))).to.equal("a9993e364706816aba3e25717850c26c9cd0d89d");
    expect(memory).to.deep.equal(utf8("xxabcxx"));
  });
});

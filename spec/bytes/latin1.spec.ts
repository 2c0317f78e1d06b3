// Bytes and characters of the same number, both ways, whatever the length.

import { expect } from "chai";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";

const LENGTHS = [0, 1, 255, 4095, 4096, 4097, 100_000];

for (const length of LENGTHS) {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
  const text = Buffer.from(bytes).toString("latin1");

  describe(`${length} bytes`, () => {
    it("decodeLatin1", () => expect(decodeLatin1(bytes) === text).to.equal(true));
    it("encodeLatin1", () => expect(encodeLatin1(text)).to.deep.equal(bytes));
  });
}

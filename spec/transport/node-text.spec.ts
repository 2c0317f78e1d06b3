import { Buffer } from "node:buffer";
import { expect } from "chai";
import { slicing } from "../../lib/transport/node-text.ts";

const BYTES = Buffer.from("aé€😀\ufeffz");

/** Start, end, and the text between them. */
const PARTS: readonly (readonly [number, number, string])[] = [
  [0, BYTES.length, "aé€😀\ufeffz"],
  [1, 6, "é€"],
  [10, 14, "\ufeffz"],
  [2, 3, "\ufffd"],
  [3, 3, ""],
];

describe("slicing", () => {
  for (const [title, of] of [
    ["with utf8Slice()", Buffer.prototype],
    ["without it", {}],
  ] as const) {
    const slice = slicing(of);
    for (const [start, end, text] of PARTS)
      it(`gives the text of [${start}, ${end}), ${title}`, () => {
        expect(slice(BYTES, start, end)).to.equal(text);
      });
  }
});

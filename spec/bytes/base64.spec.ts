// Base64: the vectors of RFC 4648 §10, and every value that a byte can have.

import { expect } from "chai";
import { encodeBase64 } from "../../lib/bytes/base64.ts";
import { utf8 } from "../support/hex.ts";

describe("encodeBase64", () => {
  const rows: [text: string, base64: string][] = [
    ["", ""],
    ["f", "Zg=="],
    ["fo", "Zm8="],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg=="],
    ["fooba", "Zm9vYmE="],
    ["foobar", "Zm9vYmFy"],
  ];
  for (const [text, base64] of rows) {
    it(`"${text}"`, () => expect(encodeBase64(utf8(text))).to.equal(base64));
  }

  it("every byte", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(encodeBase64(bytes)).to.equal(Buffer.from(bytes).toString("base64"));
  });
});

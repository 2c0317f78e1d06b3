// Close codes and Close payloads (RFC 6455 §5.5.1, §7.4): what may travel, and what a payload may say, there and back.

import { expect } from "chai";
import { webText } from "../../lib/bytes/utf8.ts";
import { checkClose, decodeClose, encodeClose, MAX_REASON, mayTravel } from "../../lib/codec/close-code.ts";
import { ProtocolError, UsageError } from "../../lib/errors.ts";
import { concat, hex, toHex } from "../support/hex.ts";

describe("MAX_REASON", () => {
  it("is a control frame's payload less the code", () => expect(MAX_REASON).to.equal(123));
});

describe("mayTravel", () => {
  it("allows the registered codes and 3000 to 4999, of all that 16 bits can say", () => {
    const allowed = [...Array(65_536).keys()].filter(mayTravel);
    const registered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    expect(allowed).to.deep.equal([...registered, ...Array.from({ length: 2000 }, (_, i) => 3000 + i)]);
  });
});

const PAYLOADS: [title: string, code: number, reason: string, hex: string][] = [
  ["no code", 1005, "", ""],
  ["a code alone", 1000, "", "03e8"],
  ["a code and a reason", 1001, "bye", "03e9627965"],
  ["a reason that is not ASCII", 3000, "é😀", "0bb8c3a9f09f9880"],
  ["the highest code", 4999, "", "1387"],
  ["the longest reason", 1011, "x".repeat(123), `03f3${"78".repeat(123)}`],
  ["the longest reason, counted in bytes", 1011, `${"é".repeat(61)}x`, `03f3${"c3a9".repeat(61)}78`],
];

describe("checkClose", () => {
  it("counts a reason in UTF-8", () => {
    expect(checkClose(1000, "", webText)).to.equal(0);
    expect(checkClose(4999, "\u20aca", webText)).to.equal(4);
    expect(checkClose(1005, "", webText)).to.equal(0);
  });

  it("refuses what may not be sent", () => {
    for (const [code, reason] of [
      [1006, ""],
      [1005, "why"],
      [1000, "x".repeat(MAX_REASON + 1)],
    ] as const)
      expect(() => checkClose(code, reason, webText)).to.throw(UsageError);
  });
});

describe("encodeClose", () => {
  for (const [title, code, reason, payload] of PAYLOADS) {
    it(title, () => expect(toHex(encodeClose(code, reason, webText))).to.equal(payload));
  }

  const refused: [title: string, code: unknown, reason: unknown, message: RegExp][] = [
    ["a code that stands for none", 1006, "", /close code 1006/],
    ["a code below all", 999, "", /close code 999/],
    ["a code of nobody", 2999, "", /close code 2999/],
    ["a code above all", 5000, "", /close code 5000/],
    ["a code that 16 bits would cut down to a good one", 65_536 + 1000, "", /close code 66536/],
    ["half a code", 3000.5, "", /close code 3000\.5/],
    ["no number", Number.NaN, "", /close code NaN/],
    ["a string of digits", "1000", "", /close code 1000/],
    ["a reason that is no string", 1000, 7, /reason is a string/],
    ["a reason without a code", 1005, "bye", /needs a close code/],
    ["a reason that is too long", 1000, "x".repeat(124), /at most 123 bytes.* 124/],
    ["a reason that is too long in bytes alone", 1000, "é".repeat(62), /at most 123 bytes.* 124/],
  ];
  for (const [title, code, reason, message] of refused) {
    it(`refuses ${title}`, () => {
      const encode = () => encodeClose(code as number, reason as string, webText);
      expect(encode).to.throw(UsageError, message);
    });
  }
});

describe("decodeClose", () => {
  /** Decodes a payload that lies in the middle of other bytes. */
  function decode(payload: string) {
    const bytes = hex(payload);
    return decodeClose(concat(hex("ff"), bytes, hex("ff")), 1, 1 + bytes.length, webText);
  }

  for (const [title, code, reason, payload] of PAYLOADS) {
    it(title, () => expect(decode(payload)).to.deep.equal({ code, reason }));
  }

  const refused: [title: string, hex: string, message: RegExp, closeCode: number][] = [
    ["half a code", "03", /half a code/, 1002],
    ["code 0", "0000", /code 0,/, 1002],
    ["code 999", "03e7", /code 999,/, 1002],
    ["code 1004", "03ec", /code 1004,/, 1002],
    ["code 1005 on the wire", "03ed", /code 1005,/, 1002],
    ["code 1006 on the wire", "03ee", /code 1006,/, 1002],
    ["code 1015 on the wire", "03f7", /code 1015,/, 1002],
    ["code 2999", "0bb7", /code 2999,/, 1002],
    ["code 5000", "1388", /code 5000,/, 1002],
    ["code 65535", "ffff", /code 65535,/, 1002],
    ["a reason that is not UTF-8", "03e8ff", /reason is not valid UTF-8/, 1007],
    ["a reason that ends within a character", "03e8e282", /reason is not valid UTF-8/, 1007],
  ];
  for (const [title, payload, message, closeCode] of refused) {
    it(`refuses ${title}`, () => {
      expect(() => decode(payload))
        .to.throw(ProtocolError, message)
        .with.property("closeCode", closeCode);
    });
  }
});

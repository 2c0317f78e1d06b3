// Frames as lines for people: Python's spelling of bytes, frames cut where they get long, nothing that acts on a terminal.

import { expect } from "chai";
import { describeDecoded, describeRaw, type Frame, literal, wireBytes } from "../../lib/codec/describe.ts";
import { BINARY, CONTINUATION, TEXT } from "../../lib/codec/opcode.ts";
import { hex, toHex, utf8 } from "../support/hex.ts";

const KEY = 0x3d21fa37;

function frame(payload: Uint8Array, fields: Partial<Frame> = {}): Frame {
  return { fin: true, rsv1: false, opcode: TEXT, payload, length: payload.length, key: null, ...fields };
}

describe("literal", () => {
  const rows: [title: string, hex: string, literal: string][] = [
    ["nothing", "", "b''"],
    ["printable ASCII, first to last", "20 41 7e", "b' A~'"],
    ["what has a name", "09 0a 0d 5c", String.raw`b'\t\n\r\\'`],
    ["what has none", "00 1b 1f 7f 80 ff", String.raw`b'\x00\x1b\x1f\x7f\x80\xff'`],
    ["a single quote", "61 27 62", `b"a'b"`],
    ["a double quote", "61 22 62", `b'a"b'`],
    ["both quotes", "27 22", String.raw`b'\'"'`],
  ];
  for (const [title, bytes, expected] of rows) {
    it(title, () => expect(literal(hex(bytes))).to.equal(expected));
  }
});

const LONG = new Uint8Array(300).fill(0x61);

describe("describeRaw", () => {
  const rows: [title: string, frame: Frame, line: string][] = [
    ["a text", frame(utf8("Hello")), String.raw`b'\x81\x05Hello'`],
    ["a masked text", frame(utf8("Hello"), { key: KEY }), String.raw`b'\x81\x857\xfa!=\x7f\x9fMQX'`],
    ["a compressed fragment", frame(hex("00"), { fin: false, rsv1: true }), String.raw`b'A\x01\x00'`],
    ["256 bytes, whole", frame(LONG.subarray(0, 256)), String.raw`b'\x81~\x01\x00${"a".repeat(256)}'`],
    ["300 bytes, cut", frame(LONG), String.raw`b'\x81~\x01,${"a".repeat(256)}'... (300 bytes)`],
    [
      "the beginning of a long one",
      frame(utf8("abc"), { length: 2 ** 32 + 5 }),
      String.raw`b'\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x05abc'... (4294967301 bytes)`,
    ],
  ];
  for (const [title, shown, line] of rows) {
    it(title, () => expect(describeRaw(shown)).to.equal(line));
  }

  it("masks a copy: the payload stays as it was, also one in Node's pool at an odd place", () => {
    const memory = Buffer.from("xHello");
    for (const payload of [utf8("Hello"), Buffer.from("Hello"), memory.subarray(1)]) {
      expect(describeRaw(frame(payload, { key: KEY }))).to.equal(String.raw`b'\x81\x857\xfa!=\x7f\x9fMQX'`);
      expect(toHex(payload)).to.equal("48656c6c6f");
    }
  });
});

describe("wireBytes", () => {
  const long = utf8("abc");
  const rows: [title: string, frame: Frame, most: number | undefined, expected: string][] = [
    ["nothing", frame(hex("")), undefined, "81 00"],
    ["a text", frame(long), undefined, "81 03 616263"],
    ["a masked one", frame(utf8("Hello"), { key: KEY }), undefined, "81 85 37fa213d 7f9f4d5158"],
    [
      "RSV1 and a length of 16 bits",
      frame(hex("00"), { rsv1: true, length: 126 }),
      undefined,
      "c1 7e 007e 00",
    ],
    ["no more than is asked for", frame(long), 2, "81 03 6162"],
    ["none of the payload", frame(long, { key: KEY }), 0, "81 83 37fa213d"],
  ];
  for (const [title, shown, most, expected] of rows) {
    it(title, () => expect(toHex(wireBytes(shown, most))).to.equal(toHex(hex(expected))));
  }

  it("is a copy", () => {
    const payload = utf8("abc");
    for (const key of [null, KEY]) wireBytes(frame(payload, { key })).fill(0);
    expect(toHex(payload)).to.equal("616263");
  });
});

describe("describeDecoded", () => {
  const rows: [title: string, frame: Frame, line: string][] = [
    ["a text", frame(utf8("Hello")), "fin=1 opcode=1 data=b'Hello'"],
    ["a masked text, the same", frame(utf8("Hello"), { key: KEY }), "fin=1 opcode=1 data=b'Hello'"],
    ["a fragment", frame(utf8("lo"), { fin: false, opcode: CONTINUATION }), "fin=0 opcode=0 data=b'lo'"],
    ["a compressed one", frame(hex("00"), { rsv1: true }), String.raw`fin=1 rsv1=1 opcode=1 data=b'\x00'`],
    ["256 bytes, whole", frame(LONG.subarray(0, 256)), `fin=1 opcode=1 data=b'${"a".repeat(256)}'`],
    [
      "300 bytes, cut",
      frame(LONG, { opcode: BINARY }),
      `fin=1 opcode=2 data=b'${"a".repeat(256)}'... (300 bytes)`,
    ],
  ];
  for (const [title, shown, line] of rows) {
    it(title, () => expect(describeDecoded(shown)).to.equal(line));
  }
});

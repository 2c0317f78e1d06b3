// Frames as lines for people: Python's spelling of bytes, frames cut where they get long, nothing that acts on a terminal.

import { expect } from "chai";
import {
  describeDecoded,
  describeRaw,
  escapeControls,
  type Frame,
  literal,
} from "../../lib/codec/describe.ts";
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

describe("escapeControls", () => {
  const rows: [title: string, text: string, expected: string][] = [
    ["letters of every script", "aé€漢😀", "aé€漢😀"],
    ["quotes and backslashes", `'"\\`, `'"\\`],
    ["an escape sequence", "\x1b[31m", String.raw`\x1b[31m`],
    ["line ends and tabs", "a\r\n\tb", String.raw`a\x0d\x0a\x09b`],
    ["NUL and DEL", "\0\x7f", String.raw`\x00\x7f`],
    ["C1 controls", "\x80\x9b\x9f", String.raw`\x80\x9b\x9f`],
    ["a soft hyphen", "\xad", String.raw`\xad`],
    ["text turned round", "\u202egpj.exe", String.raw`\u202egpj.exe`],
    ["what has no width", "a\u200bb\ufeff", String.raw`a\u200bb\ufeff`],
    ["line and paragraph separators", "\u2028\u2029", String.raw`\u2028\u2029`],
    ["a lone surrogate", "\ud83d!", String.raw`\ud83d!`],
    ["a control character above U+FFFF", "\u{e0001}", String.raw`\u{e0001}`],
  ];
  for (const [title, text, expected] of rows) {
    it(title, () => expect(escapeControls(text)).to.equal(expected));
  }
});

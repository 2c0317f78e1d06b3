// UTF-8 (RFC 3629): every codec does the same, valid or not, within the range it is given and nowhere else; and the
// incomplete characters are found that an oracle over all characters knows.

import { isUtf8 } from "node:buffer";
import { expect } from "chai";
import fc from "fast-check";
import { maskInPlace, slabOf } from "../../lib/bytes/mask.ts";
import { incompleteTail, type TextCodec, webText, writeAscii } from "../../lib/bytes/utf8.ts";
import { denoText } from "../../lib/transport/deno-text.ts";
import { nodeText } from "../../lib/transport/node-text.ts";
import { concat, hex, toHex, utf8 } from "../support/hex.ts";

const VALID: [title: string, text: string, hex: string][] = [
  ["the empty text", "", ""],
  ["U+0000", "\0", "00"],
  ["the last of one byte", "\x7f", "7f"],
  ["the first of two bytes", "\u0080", "c280"],
  ["the last of two bytes", "\u07ff", "dfbf"],
  ["the first of three bytes", "\u0800", "e0a080"],
  ["the last before the surrogates", "\ud7ff", "ed9fbf"],
  ["the first after the surrogates", "\ue000", "ee8080"],
  ["the last of three bytes", "\uffff", "efbfbf"],
  ["the first of four bytes", "\u{10000}", "f0908080"],
  ["the last there is", "\u{10ffff}", "f48fbfbf"],
  ["a byte order mark, which stays", "\ufeffa", "efbbbf61"],
  ["U+FFFD itself", "a\ufffdb", "61efbfbd62"],
  ["one of each width", "aé€😀", "61c3a9e282acf09f9880"],
  ["two pairs", "😀😀", "f09f9880f09f9880"],
];

const INVALID: [title: string, hex: string, lossy: string][] = [
  ["a continuation byte alone", "80", "\ufffd"],
  ["a continuation byte too many", "c3a9a9", "é\ufffd"],
  ["a byte that is never used", "61ff62", "a\ufffdb"],
  ["overlong in two bytes", "c0af", "\ufffd\ufffd"],
  ["overlong in two bytes, the highest", "c1bf", "\ufffd\ufffd"],
  ["overlong in three bytes", "e09fbf", "\ufffd\ufffd\ufffd"],
  ["overlong in four bytes", "f08fbfbf", "\ufffd\ufffd\ufffd\ufffd"],
  ["the first surrogate", "eda080", "\ufffd\ufffd\ufffd"],
  ["a surrogate pair, each encoded", "eda0bdedb880", "\ufffd".repeat(6)],
  ["above U+10FFFF", "f4908080", "\ufffd\ufffd\ufffd\ufffd"],
  ["a lead above f4", "f5808080", "\ufffd\ufffd\ufffd\ufffd"],
  ["two bytes, cut after one", "61c3", "a\ufffd"],
  ["three bytes, cut after two", "61e282", "a\ufffd"],
  ["four bytes, cut after three", "61f09f98", "a\ufffd"],
  ["a character within another", "e282c3a9", "\ufffdé"],
  ["next to U+FFFD itself", "efbfbdff", "\ufffd\ufffd"],
];

/** Texts that a string can hold and UTF-8 cannot. */
const LONE: [title: string, text: string, hex: string][] = [
  ["a high surrogate alone", "\ud83d", "efbfbd"],
  ["a low surrogate alone", "\ude00", "efbfbd"],
  ["a high one before a letter", "\ud83da", "efbfbd61"],
  ["a pair the wrong way round", "\ude00\ud83d", "efbfbdefbfbd"],
  ["a high one before a pair", "\ud83d😀", "efbfbdf09f9880"],
];

/** ASCII, whole or with one other character somewhere. */
const NEARLY_ASCII: [title: string, text: string, hex: string][] = [15, 40].flatMap((length) =>
  ["a".repeat(length), ...[0, 1, length - 2, length - 1].map((at) => withAccent(length, at))].map(
    (text): [string, string, string] => [`${length} characters: ${text}`, text, toHex(utf8(text))],
  ),
);

function withAccent(length: number, at: number): string {
  return `${"a".repeat(at)}é${"a".repeat(length - 1 - at)}`;
}

/** Bytes around a range, valid or not as the case may be, which must not be looked at. */
const BEFORE = hex("e282");
const AFTER = hex("80ff");

function within(bytes: Uint8Array): [bytes: Uint8Array, start: number, end: number] {
  return [concat(BEFORE, bytes, AFTER), BEFORE.length, BEFORE.length + bytes.length];
}

const CODECS: [name: string, codec: TextCodec][] = [
  ["webText", webText],
  ["nodeText", nodeText],
  ["denoText", denoText],
];

/** Before and behind a row, so that it is also read as a part of a text that is not short. */
const LONG = "a".repeat(400);

for (const [name, codec] of CODECS) {
  describe(name, () => {
    for (const [title, text, bytes] of [...VALID, ...NEARLY_ASCII]) {
      it(`reads ${title}`, () => {
        const range = within(hex(bytes));
        expect(codec.decode(...range)).to.equal(text);
        expect(codec.decodeLossy(...range)).to.equal(text);
        expect(codec.isValid(...range)).to.equal(true);
        expect(codec.decode(...within(utf8(LONG + text + LONG)))).to.equal(LONG + text + LONG);
      });
    }

    for (const [title, bytes, lossy] of INVALID) {
      it(`finds ${title}`, () => {
        const range = within(hex(bytes));
        expect(codec.decode(...range)).to.equal(undefined);
        expect(codec.decodeLossy(...range)).to.equal(lossy);
        expect(codec.isValid(...range)).to.equal(false);
        const long = within(concat(utf8(LONG), hex(bytes), utf8(LONG)));
        expect(codec.decode(...long)).to.equal(undefined);
        expect(codec.decodeLossy(...long)).to.equal(LONG + lossy + LONG);
      });
    }

    for (const [title, text, bytes] of [...VALID, ...LONE, ...NEARLY_ASCII]) {
      it(`writes ${title}`, () => {
        const into = new Uint8Array(3 * text.length + 10).fill(0xee);
        const written = codec.write(text, into, 5);
        expect(written).to.equal(codec.byteLength(text));
        expect(toHex(into.subarray(5, 5 + written))).to.equal(bytes);
        expect(into.subarray(0, 5).every((byte) => byte === 0xee)).to.equal(true);
        expect(into.subarray(5 + written).every((byte) => byte === 0xee)).to.equal(true);
      });
    }

    it("goes on with valid text after text that was not", () => {
      expect(codec.decode(hex("f09f"), 0, 2)).to.equal(undefined);
      expect(codec.decode(hex("9880"), 0, 2)).to.equal(undefined);
      expect(codec.decode(hex("61"), 0, 1)).to.equal("a");
    });

    it("sees what has changed in memory that it knows", () => {
      const memory = hex("6162");
      expect(codec.decode(memory, 0, 2)).to.equal("ab");
      memory.set(hex("c3a9"));
      expect(codec.decode(memory, 0, 2)).to.equal("é");
      expect(codec.write("a text of more than sixteen", new Uint8Array(40), 0)).to.equal(27);
      expect(codec.decode(memory, 0, 2)).to.equal("é");
    });

    it("writes any string as TextEncoder does", () => {
      const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((all) => String.fromCharCode(...all));
      fc.assert(
        fc.property(fc.oneof(units, fc.string({ unit: "binary" })), (text) => {
          const into = new Uint8Array(3 * text.length);
          expect(codec.write(text, into, 0)).to.equal(codec.byteLength(text));
          expect(toHex(into.subarray(0, codec.byteLength(text)))).to.equal(toHex(utf8(text)));
        }),
      );
    });

    it("judges any bytes as Node does", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => {
          expect(codec.isValid(bytes, 0, bytes.length)).to.equal(isUtf8(bytes));
          expect(codec.decode(bytes, 0, bytes.length) !== undefined).to.equal(isUtf8(bytes));
        }),
      );
    });
  });
}

describe("writeAscii", () => {
  const KEY = 0xf3217fa9 | 0; // each byte is another, and the number negative
  const LETTERS = "The quick brown fox jumps over the lazy dog, twice";

  for (const length of [0, 1, 2, 3, 4, 5, 6, 7, 8, 47, 48, 49, 50]) {
    it(`writes ${length} characters where they belong, and nothing beside, masked as by maskInPlace()`, () => {
      for (const start of [0, 1, 2, 3, 6]) {
        const into = new Uint8Array(64).fill(0xee);
        const expected = slabOf(new Uint8Array(64).fill(0xee));
        const text = LETTERS.slice(0, length);
        expected.bytes.set(utf8(text), start);
        expect(writeAscii(text, into, start, 0)).to.equal(true);
        expect(toHex(into)).to.equal(toHex(expected.bytes));
        maskInPlace(expected, start, start + length, KEY);
        expect(writeAscii(text, into, start, KEY)).to.equal(true);
        expect(toHex(into)).to.equal(toHex(expected.bytes));
      }
    });
  }

  it("takes the last of ASCII, and not the first behind it, wherever it stands", () => {
    for (const length of [1, 3, 4, 5, 8]) {
      for (let at = 0; at < length; at++) {
        const around = (one: string) => "a".repeat(at) + one + "a".repeat(length - at - 1);
        expect(writeAscii(around("\x7f"), new Uint8Array(8), 0, KEY), `${at} of ${length}`).to.equal(true);
        for (const other of ["\x80", "\u0100", "\ud800"])
          expect(writeAscii(around(other), new Uint8Array(8), 0, KEY), `${at} of ${length}`).to.equal(false);
      }
    }
  });
});

describe("incompleteTail", () => {
  /** Every proper beginning of every character of more than one byte, in hex. The last six bits are in none of them. */
  const beginnings = new Set<string>();
  for (let point = 0x80; point <= 0x10ffff; point += 0x40) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const character = toHex(utf8(String.fromCodePoint(point)));
    for (let cut = 2; cut < character.length; cut += 2) beginnings.add(character.slice(0, cut));
  }

  /** The sequences for which the answer is not the longest end that begins a character. */
  function misjudged(sequences: Iterable<number[]>): string[] {
    const wrong: string[] = [];
    for (const sequence of sequences) {
      const text = toHex(Uint8Array.from(sequence));
      const tail = [6, 4, 2].find((digits) => digits <= text.length && beginnings.has(text.slice(-digits)));
      const found = incompleteTail(Uint8Array.from(sequence), 0, sequence.length);
      if (found !== (tail ?? 0) / 2) wrong.push(`${text}: ${found}`);
    }
    return wrong;
  }

  function* sequences(...places: Iterable<number>[]): Generator<number[]> {
    const [first, ...others] = places;
    if (first === undefined) {
      yield [];
      return;
    }
    for (const byte of first) for (const rest of sequences(...others)) yield [byte, ...rest];
  }

  const ALL = Uint8Array.from({ length: 256 }, (_, i) => i);
  const BORDERS = hex("00 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 ed ef f0 f4 f5 ff");

  it("is right for every byte, and for every two", () => {
    expect(misjudged(sequences(ALL))).to.deep.equal([]);
    expect(misjudged(sequences(ALL, ALL))).to.deep.equal([]);
  });

  it("is right for three bytes with a border at each end", () => {
    expect(misjudged(sequences(BORDERS, ALL, BORDERS))).to.deep.equal([]);
  });

  it("is right for four bytes, each at a border", () => {
    expect(misjudged(sequences(BORDERS, BORDERS, BORDERS, BORDERS))).to.deep.equal([]);
  });

  const rows: [title: string, hex: string, start: number, end: number, expected: number][] = [
    ["an empty range", "e2", 0, 0, 0],
    ["a lead before the range", "e282", 1, 2, 0],
    ["a range that ends before the character does", "61e282ac", 0, 3, 2],
    ["a lead four bytes back", "f09f9880", 0, 4, 0],
    ["a lead further back than a character reaches", "f080808080", 0, 5, 0],
  ];
  for (const [title, bytes, start, end, expected] of rows) {
    it(title, () => expect(incompleteTail(hex(bytes), start, end)).to.equal(expected));
  }
});

// Text that could act on a terminal, made harmless, and all other text left as it is.

import { expect } from "chai";
import { escaped, escapedLines, safeJson } from "../../lib/cli/escape.ts";

const HARMFUL: readonly [title: string, text: string, escaped: string][] = [
  ["a colour", "\x1b[31mred", "\\x1b[31mred"],
  ["a title, with a bell", "\x1b]0;mine\x07", "\\x1b]0;mine\\x07"],
  ["a clipboard", "\x1b]52;c;aGk=\x1b\\", "\\x1b]52;c;aGk=\\x1b\\"],
  ["C1's control sequence introducer", "\x9b2J", "\\x9b2J"],
  ["C1's string terminator", "\x90q\x9c", "\\x90q\\x9c"],
  ["a backspace", "a\bb", "a\\x08b"],
  ["a carriage return", "good\rbad ", "good\\rbad "],
  ["a line feed", "a\nb", "a\\nb"],
  ["a vertical tab and a form feed", "\v\f", "\\x0b\\x0c"],
  ["a NUL", "\0", "\\x00"],
  ["DEL", "\x7f", "\\x7f"],
  ["shift out", "\x0e\x0f", "\\x0e\\x0f"],
  ["an override of direction", "\u202egnp.exe", "\\u202egnp.exe"],
  [
    "embeddings and isolates",
    "\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069",
    "\\u202a\\u202b\\u202c\\u202d\\u2066\\u2067\\u2068\\u2069",
  ],
  ["marks of direction", "\u200e\u200f\u061c", "\\u200e\\u200f\\u061c"],
  ["separators of lines and paragraphs", "\u2028\u2029", "\\u2028\\u2029"],
  ["annotations", "\ufff9\ufffa\ufffb", "\\ufff9\\ufffa\\ufffb"],
  ["half a character", "\ud83d-\ude00", "\\ud83d-\\ude00"],
];

const HARMLESS: readonly [title: string, text: string][] = [
  ["ASCII", ` !"#$%&'()*+,-./09:;<=>?@AZ[\\]^_\`az{|}~`],
  ["a tab", "a\tb"],
  ["other scripts", "é ß 日本語 עברית العربية हिन्दी"],
  ["emoji with joiners", "👩‍👩‍👧 🏳️‍🌈 😀"],
  ["a byte order mark", "\ufeff"],
  ["U+FFFD", "\ufffd"],
  ["nothing", ""],
];

describe("escaped", () => {
  for (const [title, text, expected] of HARMFUL) {
    it(`shows ${title} as an escape`, () => {
      expect(escaped(text)).to.equal(expected);
    });
  }

  for (const [title, text] of HARMLESS) {
    it(`leaves ${title}`, () => {
      expect(escaped(text)).to.equal(text);
    });
  }

  it("leaves no control of any kind", () => {
    const all = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit)).join("-");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(escaped(all)).to.not.match(/[\0-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/);
  });
});

describe("escapedLines", () => {
  it("keeps lines, of either kind, and escapes each", () => {
    expect(escapedLines("a\nb\r\n\x1bc\rd\n")).to.deep.equal(["a", "b", "\\x1bc\\rd", ""]);
  });
});

describe("safeJson", () => {
  for (const [title, text] of [...HARMFUL, ...HARMLESS]) {
    it(`says the same with ${title}, and is harmless`, () => {
      const json = safeJson({ data: text });
      expect(JSON.parse(json)).to.deep.equal({ data: text });
      expect(escaped(json)).to.equal(json);
    });
  }
});

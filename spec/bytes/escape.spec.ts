// What of a text could act on a terminal.

import { expect } from "chai";
import { escapeControls } from "../../lib/bytes/escape.ts";

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

  it("every control, every mark of direction, every end of a line", () => {
    for (const [first, last] of [
      [0x00, 0x1f],
      [0x7f, 0x9f],
      [0x061c, 0x061c],
      [0x200b, 0x200f],
      [0x2028, 0x202e],
      [0x2060, 0x2064],
      [0x2066, 0x206f],
      [0xfeff, 0xfeff],
      [0xd800, 0xdfff],
    ] as const) {
      for (let unit = first; unit <= last; unit++)
        expect(escapeControls(String.fromCharCode(unit))).to.match(/^\\[xu][0-9a-f]+$/);
    }
  });
});

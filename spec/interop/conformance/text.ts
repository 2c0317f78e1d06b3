// Class 6: text is UTF-8 (RFC 6455 §5.6, §8.1; RFC 3629), and that it is not is told by the first byte that makes it so, whether
// its frame is whole by then or not.

import {
  answer,
  type Case,
  CLEAN,
  type End,
  fragments,
  frame,
  fromHex,
  joined,
  numbered,
  oneByOne,
  pieces,
  type SentFrame,
  type Step,
  TEXT,
  utf8,
} from "./case.ts";

const NOT_UTF8: End = { by: "subject", codes: [1007] };

/** Greek for "world", which has characters of two and of three bytes. */
const KOSME = fromHex("ceba e1bdb9 cf83 cebc ceb5");
const MANY = utf8("Hello-µ@ßöäüàá-UTF-8!!");
const MORE = utf8(
  "\u65e5\u672c\u8a9e \ud55c\uae00 \u0440\u0443\u0441 \u05e2\u05d1 \u0e44\u0e17\u0e22 \u{1f600}\u{10ffff}",
);

function valid(title: string, payload: Uint8Array): Omit<Case, "id"> {
  return {
    title: `valid: ${title}`,
    steps: () => [{ frame: frame(TEXT, payload) }],
    answers: [answer("text", payload)],
    end: CLEAN,
  };
}

function invalid(title: string, payload: Uint8Array): Omit<Case, "id"> {
  return {
    title: `invalid: ${title}`,
    steps: () => [{ frame: frame(TEXT, payload) }],
    answers: [],
    end: NOT_UTF8,
  };
}

function inFragments(title: string, parts: readonly (string | Uint8Array)[]): Omit<Case, "id"> {
  const whole = joined(...parts.map((part) => (typeof part === "string" ? utf8(part) : part)));
  return {
    title,
    steps: () => oneByOne(fragments(TEXT, parts)),
    answers: [answer("text", whole)],
    end: CLEAN,
  };
}

const BEYOND = fromHex("f4908080"); // U+110000
const BAD = joined(KOSME, fromHex("eda080"), utf8("edited")); // a lone surrogate

/** Fragments or pieces of one frame: by the second of them it can be told. */
const PARTS: [title: string, parts: readonly [Uint8Array, Uint8Array, Uint8Array]][] = [
  ["the second has what no text has", [KOSME, BEYOND, utf8("edited")]],
  [
    "it shows within a character, that the second ends in",
    [joined(KOSME, fromHex("f4")), fromHex("90"), fromHex("8080 65 64 69 74 65 64")],
  ],
  ["the second is a byte that nothing may follow", [KOSME, fromHex("fe"), utf8("edited")]],
  [
    "the second makes a lone surrogate of it",
    [joined(KOSME, fromHex("ed")), fromHex("a0"), fromHex("80 65")],
  ],
];

/** The connection must be failed before the third. */
const FAIL_FAST: Omit<Case, "id">[] = PARTS.flatMap(([title, parts]) => {
  const [first, second, third] = fragments(TEXT, parts) as [SentFrame, SentFrame, SentFrame];
  const whole = frame(TEXT, joined(...parts));
  const cut = parts[0].length;
  const end = cut + parts[1].length;
  const inTime = { answers: [], end: NOT_UTF8 };
  return [
    {
      title: `fast, in fragments: ${title}`,
      steps: () => [{ frame: first }, { frame: second }, { failed: true }, { frame: third }],
      ...inTime,
    },
    {
      title: `fast, in pieces of one frame: ${title}`,
      steps: () => [
        { part: whole, from: 0, to: cut },
        { part: whole, from: cut, to: end },
        { failed: true },
        { part: whole, from: end, to: whole.payload.length },
      ],
      ...inTime,
    },
    {
      title: `fast, octet by octet: ${title}`,
      steps: () => [
        ...Array.from({ length: end }, (_, i): Step => ({ part: whole, from: i, to: i + 1 })),
        { failed: true },
        { part: whole, from: end, to: whole.payload.length },
      ],
      ...inTime,
    },
  ];
});

/** Bytes, and whether they are UTF-8: by RFC 3629 §4, and not by any decoder. */
const SEQUENCES: Readonly<Record<string, readonly [title: string, hex: string, isValid: boolean][]>> = {
  "6.5": [
    ["a Greek word", "ceba e1bdb9 cf83 cebc ceb5", true],
    ["a word, and another", "ceba e1bdb9 20 ceb5", true],
  ],
  "6.6": [
    ["its first byte", "ce", false],
    ["its first character", "ceba", true],
    ["and a byte of the second", "ceba e1", false],
    ["and two", "ceba e1bd", false],
    ["its first two characters", "ceba e1bdb9", true],
    ["and a byte of the third", "ceba e1bdb9 cf", false],
    ["its first three", "ceba e1bdb9 cf83", true],
    ["and a byte of the fourth", "ceba e1bdb9 cf83 ce", false],
    ["its first four", "ceba e1bdb9 cf83 cebc", true],
    ["and a byte of the last", "ceba e1bdb9 cf83 cebc ce", false],
    ["all of it", "ceba e1bdb9 cf83 cebc ceb5", true],
  ],
  "6.7": [
    ["the first of 1 byte, U+0000", "00", true],
    ["the first of 2 bytes, U+0080", "c280", true],
    ["the first of 3 bytes, U+0800", "e0a080", true],
    ["the first of 4 bytes, U+10000", "f0908080", true],
  ],
  "6.8": [
    ["5 bytes", "f888808080", false],
    ["6 bytes", "fc8480808080", false],
  ],
  "6.9": [
    ["the last of 1 byte, U+007F", "7f", true],
    ["the last of 2 bytes, U+07FF", "dfbf", true],
    ["the last of 3 bytes, U+FFFF", "efbfbf", true],
    ["the last of all, U+10FFFF", "f48fbfbf", true],
  ],
  "6.10": [
    ["the last of 4 bytes, U+1FFFFF", "f7bfbfbf", false],
    ["the last of 5 bytes", "fbbfbfbfbf", false],
    ["the last of 6 bytes", "fdbfbfbfbfbf", false],
  ],
  "6.11": [
    ["U+D7FF", "ed9fbf", true],
    ["U+E000", "ee8080", true],
    ["U+FFFD", "efbfbd", true],
    ["U+10FFFF", "f48fbfbf", true],
    ["U+110000", "f4908080", false],
  ],
  "6.12": [
    ["a continuation byte alone", "80", false],
    ["another", "bf", false],
    ...[2, 3, 4, 5, 6].map((n): [string, string, boolean] => [
      `${n} of them`,
      "80bf".repeat(3).slice(0, 2 * n),
      false,
    ]),
    ["all of them", Array.from({ length: 64 }, (_, i) => (0x80 + i).toString(16)).join(""), false],
  ],
  "6.13": [
    ["the first bytes of 2, each before a space", leads(0xc0, 0xdf), false],
    ["the first bytes of 3", leads(0xe0, 0xef), false],
    ["the first bytes of 4", leads(0xf0, 0xf7), false],
    ["the first bytes of 5", leads(0xf8, 0xfb), false],
    ["the first bytes of 6", leads(0xfc, 0xfd), false],
  ],
  "6.14": [
    ["2 bytes without the last", "c0", false],
    ["3 bytes without the last", "e080", false],
    ["4 bytes without the last", "f08080", false],
    ["5 bytes without the last", "f8808080", false],
    ["6 bytes without the last", "fc80808080", false],
    ["U+07FF without the last", "df", false],
    ["U+FFFF without the last", "efbf", false],
    ["U+1FFFFF without the last", "f7bfbf", false],
    ["the last of 5 bytes without the last", "fbbfbfbf", false],
    ["the last of 6 bytes without the last", "fdbfbfbfbf", false],
  ],
  "6.15": [
    [
      "all of these, one behind the other",
      "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf",
      false,
    ],
  ],
  "6.16": [
    ["FE", "fe", false],
    ["FF", "ff", false],
    ["both, twice", "fefeffff", false],
  ],
  "6.17": [
    ["a slash in 2 bytes", "c0af", false],
    ["in 3", "e080af", false],
    ["in 4", "f08080af", false],
    ["in 5", "f8808080af", false],
    ["in 6", "fc80808080af", false],
  ],
  "6.18": [
    ["U+007F in 2 bytes", "c1bf", false],
    ["U+07FF in 3", "e09fbf", false],
    ["U+FFFF in 4", "f08fbfbf", false],
    ["U+1FFFFF in 5", "f887bfbfbf", false],
    ["U+3FFFFFF in 6", "fc83bfbfbfbf", false],
  ],
  "6.19": [
    ["NUL in 2 bytes", "c080", false],
    ["in 3", "e08080", false],
    ["in 4", "f0808080", false],
    ["in 5", "f880808080", false],
    ["in 6", "fc8080808080", false],
  ],
  "6.20": ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"].map(
    (hex): [string, string, boolean] => [`the surrogate ${hex} alone`, hex, false],
  ),
  "6.21": ["eda080", "edadbf", "edae80", "edafbf"].flatMap((high) =>
    ["edb080", "edbfbf"].map((low): [string, string, boolean] => [
      `the pair ${high} ${low}`,
      high + low,
      false,
    ]),
  ),
  "6.22": [
    ...["efbfbe", "efbfbf", "efb790", "efb7af"].map((hex): [string, string, boolean] => [
      `the noncharacter ${hex}`,
      hex,
      true,
    ]),
    ...Array.from({ length: 16 }, (_, i): [string, string, boolean][] =>
      [0xfffe, 0xffff].map((low) => {
        const point = ((i + 1) << 16) + low;
        return [
          `the noncharacter U+${point.toString(16)}`,
          Buffer.from(String.fromCodePoint(point)).toString("hex"),
          true,
        ];
      }),
    ).flat(),
  ],
  "6.23": ["efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbbbf", "e280ae"].map(
    (hex): [string, string, boolean] => [`the special character ${hex}`, hex, true],
  ),
};

function leads(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => `${(from + i).toString(16)}20`).join("");
}

export const TEXTS: readonly Case[] = [
  ...numbered("6.1", [
    valid("an empty text", utf8("")),
    inFragments("three empty fragments", ["", "", ""]),
    inFragments("a fragment between two empty ones", ["", "middle frame payload", ""]),
  ]),
  ...numbered("6.2", [
    valid("characters of two bytes", MANY),
    inFragments("two fragments, cut between characters", [MANY.subarray(0, 12), MANY.subarray(12)]),
    inFragments("fragments of a byte each", pieces(MANY, 1)),
    inFragments("fragments of a byte each, of many scripts", pieces(MORE, 1)),
    inFragments(
      "fragments of a byte each, with empty ones between them",
      pieces(MORE, 1).flatMap((one) => [one, ""]),
    ),
  ]),
  ...numbered("6.3", [
    invalid("a lone surrogate within a text", BAD),
    {
      title: "invalid: the same, in fragments of a byte each",
      steps: () => oneByOne(fragments(TEXT, pieces(BAD, 1))),
      answers: [],
      end: NOT_UTF8,
    },
  ]),
  ...numbered("6.4", FAIL_FAST),
  ...Object.entries(SEQUENCES).flatMap(([prefix, rows]) =>
    numbered(
      prefix,
      rows.map(([title, hex, isValid]) => (isValid ? valid : invalid)(title, fromHex(hex))),
    ),
  ),
];

// Class 7: the closing handshake (RFC 6455 §5.5.1, §7), and which codes a Close frame may carry (§7.4).

import {
  answer,
  type Case,
  CLOSE,
  closing,
  type End,
  fragments,
  frame,
  fromHex,
  joined,
  NO_CODE,
  numbered,
  oneByOne,
  PING,
  type SentFrame,
  TEXT,
  utf8,
} from "./case.ts";

const HELLO = "Hello World!";

/** The code of a Close is echoed. */
function echoed(code: number): End {
  return { by: "peer", codes: [code] };
}

/** The peer says that it closes, in a way that is wrong; it may be told so, or just be left. */
const WRONG: End = { by: "subject", codes: [1002] };

function closes(
  title: string,
  frames: readonly SentFrame[],
  end: End,
  answers: Case["answers"] = [],
): Omit<Case, "id"> {
  return { title, steps: () => oneByOne(frames), answers, end };
}

/** All at once: whoever answers has no time to, but what it must. */
function atOnce(
  title: string,
  frames: readonly SentFrame[],
  end: End,
  answers: Case["answers"] = [],
): Omit<Case, "id"> {
  return { title: `${title}, in one write`, steps: () => [{ together: frames }], answers, end };
}

const NORMAL = frame(CLOSE, closing(1000));
const [FIRST, LAST] = fragments(TEXT, ["fragment1", "fragment2"]) as [SentFrame, SentFrame];
const LARGE = new Uint8Array(256 * 1024).fill(0x2a);

const ORDER: readonly (readonly [title: string, frames: readonly SentFrame[], answers: Case["answers"]])[] = [
  ["a message, and a Close", [frame(TEXT, HELLO), NORMAL], [answer("text", HELLO)]],
  ["two Closes", [NORMAL, frame(CLOSE, closing(1001))], []],
  ["a ping behind a Close", [NORMAL, frame(PING)], []],
  ["a text behind a Close", [NORMAL, frame(TEXT, HELLO)], []],
  ["a Close between two fragments", [FIRST, NORMAL, LAST], []],
  [
    "a ping and three messages, and a Close",
    [frame(PING, "p"), ...["one", "two", "three"].map((text) => frame(TEXT, text)), NORMAL],
    [answer("pong", "p"), ...["one", "two", "three"].map((text) => answer("text", text))],
  ],
];

/** Those registered by RFC 6455 and since, and the two ranges for others. */
const VALID = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];
const INVALID = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];

export const CLOSINGS: readonly Case[] = [
  ...numbered("7.1", [
    ...ORDER.map(([title, frames, answers]) => atOnce(title, frames, echoed(1000), answers)),
    ...ORDER.map(([title, frames, answers]) => closes(title, frames, echoed(1000), answers)),
    // By then the echo may be on its way, or not.
    {
      ...closes("256 KiB, a Close, and a ping", [frame(TEXT, LARGE), NORMAL, frame(PING)], echoed(1000)),
      otherwise: { answers: [answer("text", LARGE)], verdict: "ok" },
    },
  ]),
  ...numbered("7.3", [
    closes("a Close without payload", [frame(CLOSE)], echoed(NO_CODE)),
    closes("a Close with half a code", [frame(CLOSE, Uint8Array.of(3))], WRONG),
    closes("a Close with a code", [NORMAL], echoed(1000)),
    closes("a Close with a code and a reason", [frame(CLOSE, closing(1000, HELLO))], echoed(1000)),
    closes(
      "a Close with a reason of 123 bytes",
      [frame(CLOSE, closing(1000, "*".repeat(123)))],
      echoed(1000),
    ),
    closes("a Close with a reason of 124 bytes", [frame(CLOSE, closing(1000, "*".repeat(124)))], WRONG),
  ]),
  ...numbered("7.5", [
    closes(
      "a reason that is not UTF-8",
      [frame(CLOSE, closing(1000, joined(utf8("Hello"), fromHex("ceba e1bdb9 eda080"))))],
      {
        by: "subject",
        codes: [1007],
      },
    ),
  ]),
  ...numbered(
    "7.7",
    VALID.map((code) => closes(`code ${code}`, [frame(CLOSE, closing(code))], echoed(code))),
  ),
  ...numbered(
    "7.9",
    INVALID.flatMap((code) => [
      closes(`code ${code}, which may not travel`, [frame(CLOSE, closing(code))], WRONG),
      closes(`code ${code}, with a reason`, [frame(CLOSE, closing(code, "why not"))], WRONG),
    ]),
  ),
];

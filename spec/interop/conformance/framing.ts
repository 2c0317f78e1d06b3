// Classes 1 to 5: framing (RFC 6455 §5.2), pings and pongs (§5.5.2, §5.5.3), reserved bits, opcodes, and fragments (§5.4).

import {
  type Answer,
  answer,
  BINARY,
  type Case,
  CLEAN,
  CLOSE,
  CONTINUATION,
  closing,
  FAILED,
  fragments,
  frame,
  fromHex,
  numbered,
  oneByOne,
  PING,
  PONG,
  type SentFrame,
  TEXT,
  waysOf,
} from "./case.ts";

const SIZES = [0, 125, 126, 127, 128, 65535, 65536];

function sizesOf(kind: "text" | "binary"): Omit<Case, "id">[] {
  const rows = [...SIZES.map((size) => ({ size, chop: undefined })), { size: 65536, chop: 997 }];
  return rows.map(({ size, chop }) => {
    const payload = new Uint8Array(size).fill(kind === "text" ? 0x2a : 0xfe);
    return {
      title: `${kind} of ${size} bytes${chop === undefined ? "" : ` in writes of ${chop}`}`,
      steps: () => [{ frame: frame(kind === "text" ? TEXT : BINARY, payload, { chop }) }],
      answers: [answer(kind, payload)],
      end: CLEAN,
    };
  });
}

const TEN_PINGS = Array.from({ length: 10 }, (_, i) => `payload-${i}`);

/** A ping, and what comes back. */
function pings(
  title: string,
  frames: readonly SentFrame[],
  pongs: readonly (string | Uint8Array)[],
): Omit<Case, "id"> {
  return {
    title,
    steps: () => oneByOne(frames),
    answers: pongs.map((payload) => answer("pong", payload)),
    end: CLEAN,
  };
}

const BYTES = fromHex("00ff fefd fcfb 00ff");
const LONG = new Uint8Array(125).fill(0xfe);

const PINGS: Omit<Case, "id">[] = [
  pings("a ping without payload", [frame(PING)], [""]),
  pings("a ping with text", [frame(PING, "Hello, world!")], ["Hello, world!"]),
  pings("a ping with bytes that are no text", [frame(PING, BYTES)], [BYTES]),
  pings("a ping of 125 bytes", [frame(PING, LONG)], [LONG]),
  {
    title: "a ping of 126 bytes",
    steps: () => [{ frame: frame(PING, new Uint8Array(126).fill(0xfe)) }],
    answers: [],
    end: FAILED,
  },
  pings("a ping of 125 bytes, octet by octet", [frame(PING, LONG, { chop: 1 })], [LONG]),
  pings("a pong that nobody asked for", [frame(PONG)], []),
  pings("a pong with payload that nobody asked for", [frame(PONG, "unsolicited")], []),
  pings("such a pong, and a ping", [frame(PONG, "unsolicited"), frame(PING, "ping")], ["ping"]),
  pings(
    "ten pings",
    TEN_PINGS.map((payload) => frame(PING, payload)),
    TEN_PINGS,
  ),
  pings(
    "ten pings, octet by octet",
    TEN_PINGS.map((payload) => frame(PING, payload, { chop: 1 })),
    TEN_PINGS,
  ),
];

const HELLO = answer("text", "Hello, world!");

/** What is right is echoed before the connection fails of what is wrong; the ping behind it is not answered. */
function faultBehindMessage(title: string, wrong: SentFrame): Omit<Case, "id">[] {
  return waysOf([frame(TEXT, "Hello, world!"), wrong, frame(PING)]).map(({ way, steps }) => ({
    title: `${title} behind a message, ${way}`,
    steps,
    answers: [HELLO],
    otherwise: { answers: [], verdict: "non-strict" },
    end: FAILED,
  }));
}

function faultAlone(title: string, frames: readonly SentFrame[]): Omit<Case, "id"> {
  return { title, steps: () => oneByOne(frames), answers: [], end: FAILED };
}

const RESERVED_BITS: Omit<Case, "id">[] = [
  faultAlone("RSV of 4 in a text", [frame(TEXT, "Hello, world!", { rsv: 4 })]),
  ...[1, 2, 3, 4].flatMap((rsv) =>
    faultBehindMessage(`RSV of ${rsv}`, frame(TEXT, "Hello, world!", { rsv })),
  ),
  faultAlone("RSV of 5 in a binary", [frame(BINARY, BYTES, { rsv: 5 })]),
  faultAlone("RSV of 6 in a ping", [frame(PING, "Hello, world!", { rsv: 6 })]),
  // It says that it closes, but nothing in it counts.
  { ...faultAlone("RSV of 7 in a Close", [frame(CLOSE, closing(1000), { rsv: 7 })]) },
];

function opcodes(reserved: readonly number[]): Omit<Case, "id">[] {
  return [
    ...reserved.map((opcode) => faultAlone(`opcode ${opcode}`, [frame(opcode)])),
    ...reserved.flatMap((opcode) => faultBehindMessage(`opcode ${opcode}`, frame(opcode))),
    ...reserved.map((opcode) =>
      faultAlone(`opcode ${opcode} with a payload`, [frame(opcode, "reserved"), frame(PING)]),
    ),
  ];
}

const TWO = fragments(TEXT, ["fragment1", "fragment2"]);
const [FIRST, LAST] = TWO as [SentFrame, SentFrame];
const WHOLE = answer("text", "fragment1fragment2");

/** In each of the three ways. */
function ways(
  title: string,
  frames: readonly SentFrame[],
  rest: Pick<Case, "answers" | "end" | "otherwise">,
): Omit<Case, "id">[] {
  return waysOf(frames).map(({ way, steps }) => ({ title: `${title}, ${way}`, steps, ...rest }));
}

const STRAY = (fin: boolean) => frame(CONTINUATION, "nothing to continue", { fin });
const [P1, P2] = ["pongme 1!", "pongme 2!"];
const FIVE = fragments(TEXT, ["fragment1", "fragment2", "fragment3", "fragment4", "fragment5"]);
const BETWEEN = [
  ...FIVE.slice(0, 2),
  frame(PING, P1),
  ...FIVE.slice(2, 4),
  frame(PING, P2),
  ...FIVE.slice(4),
];
const BETWEEN_ANSWERS: Answer[] = [
  answer("pong", P1),
  answer("pong", P2),
  answer("text", "fragment1fragment2fragment3fragment4fragment5"),
];

const FRAGMENTS: Omit<Case, "id">[] = [
  faultAlone("a ping in fragments", fragments(PING, ["fragment1", "fragment2"])),
  faultAlone("a pong in fragments", fragments(PONG, ["fragment1", "fragment2"])),
  ...ways("a text in two fragments", TWO, { answers: [WHOLE], end: CLEAN }),
  ...ways("a ping between two fragments", [FIRST, frame(PING, "ping"), LAST], {
    answers: [answer("pong", "ping"), WHOLE],
    end: CLEAN,
  }),
  ...[true, false].flatMap((fin) =>
    ways(`a continuation of nothing with FIN ${fin ? 1 : 0}`, [STRAY(fin), frame(TEXT, "Hello")], {
      answers: [],
      end: FAILED,
    }),
  ),
  ...ways(
    "a continuation of nothing behind a text in two fragments",
    [...TWO, STRAY(false), frame(TEXT, "Hello")],
    { answers: [WHOLE], otherwise: { answers: [], verdict: "non-strict" }, end: FAILED },
  ),
  ...[true, false].map((fin) =>
    faultAlone(`a continuation of nothing with FIN ${fin ? 1 : 0}, and a text in fragments, twice`, [
      ...[STRAY(fin), ...TWO],
      ...[STRAY(fin), ...TWO],
    ]),
  ),
  ...ways("a new text within another", [FIRST, frame(TEXT, "fragment2")], { answers: [], end: FAILED }),
  ...ways("five fragments with two pings between them", BETWEEN, { answers: BETWEEN_ANSWERS, end: CLEAN }),
  {
    title: "five fragments with two pings between them, and time to answer each",
    steps: () => BETWEEN.flatMap((sent, i) => [{ frame: sent }, { answers: i < 2 ? 0 : i < 5 ? 1 : 2 }]),
    answers: BETWEEN_ANSWERS,
    end: CLEAN,
  },
  ...ways("a binary in fragments, of which some are empty", fragments(BINARY, ["", "one", "", "two", ""]), {
    answers: [answer("binary", "onetwo")],
    end: CLEAN,
  }),
];

export const FRAMING: readonly Case[] = [
  ...numbered("1.1", sizesOf("text")),
  ...numbered("1.2", sizesOf("binary")),
  ...numbered("2", PINGS),
  ...numbered("3", RESERVED_BITS),
  ...numbered("4.1", opcodes([3, 4, 5, 6, 7])),
  ...numbered("4.2", opcodes([11, 12, 13, 14, 15])),
  ...numbered("5", FRAGMENTS),
];

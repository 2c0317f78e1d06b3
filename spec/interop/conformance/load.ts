// Classes 9 and 10, limits and fragments of one's own making; 12 and 13, compression (RFC 7692) by whatever was agreed on.

import {
  answer,
  BINARY,
  type Case,
  CLEAN,
  type Compression,
  fragments,
  frame,
  type Message,
  numbered,
  oneByOne,
  pieces,
  type Step,
  TEXT,
  utf8,
} from "./case.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Above it a case counts as large. */
const LARGE = MIB;

function payloadOf(kind: "text" | "binary", size: number): Uint8Array {
  return new Uint8Array(size).fill(kind === "text" ? 0x2a : 0xfe);
}

const KINDS = [
  ["text", TEXT],
  ["binary", BINARY],
] as const;

function size(bytes: number): string {
  return bytes >= MIB ? `${bytes / MIB} MiB` : bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} bytes`;
}

function inOneFrame(bytes: number, chop?: number): Omit<Case, "id">[] {
  return KINDS.map(([kind, opcode]) => ({
    title: `${kind} of ${size(bytes)}${chop === undefined ? "" : ` in writes of ${chop} bytes`}`,
    steps: () => [{ frame: frame(opcode, payloadOf(kind, bytes), { chop }) }],
    answers: [answer(kind, payloadOf(kind, bytes))],
    end: CLEAN,
    isLarge: bytes > LARGE,
  }));
}

function inFragments(bytes: number, fragment: number): Omit<Case, "id">[] {
  return KINDS.map(([kind, opcode]) => ({
    title: `${kind} of ${size(bytes)} in fragments of ${size(fragment)}`,
    steps: () => oneByOne(fragments(opcode, pieces(payloadOf(kind, bytes), fragment))),
    answers: [answer(kind, payloadOf(kind, bytes))],
    end: CLEAN,
    isLarge: bytes > LARGE,
  }));
}

/** One message behind the echo of another. */
function* echoes(count: number, message: (i: number) => Message): Generator<Step> {
  for (let i = 0; i < count; i++) yield { echo: message(i) };
}

function roundTrips(count: number, bytes: number): Omit<Case, "id">[] {
  return KINDS.map(([kind]) => ({
    title: `${count} times ${kind} of ${size(bytes)}, there and back`,
    steps: () => echoes(count, () => ({ isText: kind === "text", payload: payloadOf(kind, bytes) })),
    answers: [],
    end: CLEAN,
  }));
}

const limits = ({ messages }: Amount): Omit<Case, "id">[] => [
  ...[64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].flatMap((bytes) => inOneFrame(bytes)),
  ...[64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB].flatMap((fragment) => [
    ...inFragments(MIB, fragment),
    ...inFragments(4 * MIB, fragment),
  ]),
  ...[64, 128, 256, 512, KIB, 2 * KIB].flatMap((chop) => inOneFrame(MIB, chop)),
  ...[0, 16, 64, 256, KIB, 4 * KIB].flatMap((bytes) => roundTrips(messages, bytes)),
];

const OWN_FRAGMENTS: Omit<Case, "id">[] = [
  {
    title: "a text of 64 KiB in fragments of 1300 bytes",
    steps: () => oneByOne(fragments(TEXT, pieces(payloadOf("text", 65536), 1300))),
    answers: [answer("text", payloadOf("text", 65536))],
    end: CLEAN,
  },
];

/** Bytes of a message, and the most that a frame of it carries. */
const SHAPES: readonly (readonly [bytes: number, frameSize?: number])[] = [
  ...[16, 64, 256, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB].map(
    (bytes) => [bytes] as const,
  ),
  ...[8, 16, 32, 64, 128].map((kib) => [kib * KIB, 256] as const),
  ...[KIB, 4 * KIB, 32 * KIB].map((fragment) => [128 * KIB, fragment] as const),
];

/** Text of words, and noise, both the same each time. */
function source(): { text: Uint8Array; noise: Uint8Array } {
  let state = 7;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const words = ["tick", "price", "volume", "side", "buy", "sell", "\u20acuro", "at", "id", "\u{1f600}"];
  let text = "";
  while (text.length < 300_000)
    text += `{"${words[Math.floor(next() * words.length)]}":${Math.floor(next() * 1e6)}},`;
  return { text: utf8(text), noise: Uint8Array.from({ length: 300_000 }, () => next() * 256) };
}

let made: ReturnType<typeof source> | undefined;

/** The i-th message of so many bytes: text is cut between characters, and so it may be a little shorter. */
function piece(i: number, bytes: number, isText: boolean): Uint8Array {
  made ??= source();
  const from = (i * 4099) % 150_000;
  if (!isText) return made.noise.slice(from, from + bytes);
  let [start, end] = [from, from + bytes];
  while (((made.text[start] ?? 0) & 0xc0) === 0x80) start++;
  while (((made.text[end] ?? 0) & 0xc0) === 0x80) end--;
  return made.text.slice(start, end);
}

/** So many messages of a size, which is fewer of the large. */
export interface Amount {
  readonly messages: number;
  /** Bytes that a case moves each way, at most. */
  readonly bytes: number;
}

function compressed(
  compression: Compression,
  { messages, bytes: most }: Amount,
  isText: (i: number) => boolean,
): Omit<Case, "id">[] {
  return SHAPES.map(([bytes, frameSize]) => {
    const count = Math.max(3, Math.min(messages, Math.floor(most / bytes)));
    return {
      title: `${count} messages of ${size(bytes)}${frameSize === undefined ? "" : ` in frames of ${size(frameSize)}`}, compressed; ${termsOf(compression)}`,
      steps: () =>
        echoes(count, (i) => ({ isText: isText(i), payload: piece(i, bytes, isText(i)), frameSize })),
      answers: [],
      end: CLEAN,
      compression,
    };
  });
}

function termsOf({ noContextTakeover, windowBits, fallbacks = [] }: Compression): string {
  const own = [
    noContextTakeover ? "no context takeover" : "context takeover",
    ...(windowBits ? [`windows of 2^${windowBits}`] : []),
  ];
  return [own.join(", "), ...fallbacks.map(termsOf)].join(", or ");
}

const TERMS: readonly Compression[] = [
  { noContextTakeover: false },
  { noContextTakeover: true },
  { noContextTakeover: false, windowBits: 9 },
  { noContextTakeover: false, windowBits: 15 },
  { noContextTakeover: true, windowBits: 9 },
  { noContextTakeover: true, windowBits: 15 },
  {
    noContextTakeover: true,
    windowBits: 9,
    fallbacks: [{ noContextTakeover: true }, { noContextTakeover: false }],
  },
];

export function load(amount: Amount): readonly Case[] {
  return [
    ...numbered("9", limits(amount)),
    ...numbered("10", OWN_FRAGMENTS),
    ...numbered(
      "12.1",
      compressed({ noContextTakeover: false }, amount, () => true),
    ),
    ...numbered(
      "12.2",
      compressed({ noContextTakeover: false }, amount, () => false),
    ),
    ...numbered(
      "12.3",
      compressed({ noContextTakeover: false }, amount, (i) => i % 3 > 0),
    ),
    ...TERMS.flatMap((terms, i) =>
      numbered(
        `13.${i + 1}`,
        compressed(terms, amount, (j) => j % 4 > 0),
      ),
    ),
  ];
}

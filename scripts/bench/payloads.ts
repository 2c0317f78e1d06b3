// What messages say in the benchmark, and whether what comes back is that.

import type { Payload } from "./clients.ts";

export const TEXT32 = "The quick brown fox, 32 letters.";
export const TEXT100: string = TEXT32.repeat(4).slice(0, 100);
export const TEXT1K: string = TEXT32.repeat(32);
/** 1,024 bytes: letters of one, two, three and four bytes, as a chat of many languages has them. */
export const MIXED1K: string = `${"Grüße, żółw! Привет, κόσμε. 你好世界。こんにちは😀 ".repeat(13).slice(0, -3)}é`;

export function binary(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31) & 0xff);
}

/** What the server's floods are made of. */
export function floodOf(size: number, isText: boolean): Payload {
  return isText ? "a".repeat(size) : new Uint8Array(size).fill(0x61);
}

/** Texts are compared whole; bytes by length and ends, or whole when asked for. */
export function isEqual(data: Payload, expected: Payload, thoroughly: boolean): boolean {
  if (typeof data === "string" || typeof expected === "string") return data === expected;
  if (data === expected) return true;
  if (
    data.length !== expected.length ||
    data[0] !== expected[0] ||
    data[data.length - 1] !== expected[expected.length - 1]
  )
    return false;
  return !thoroughly || Buffer.compare(data, expected) === 0;
}

const WORDS =
  "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo".split(
    " ",
  );

/** JSON as services send it: records that are alike in what they are, and not in what they say. */
function json(size: number, seed: number): string {
  let state = seed;
  const next = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
  const word = () => WORDS[next(WORDS.length)] ?? "";
  const rows: object[] = [];
  let text = "";
  for (;;) {
    rows.push({
      id: next(1e9),
      symbol: word().slice(0, 4).toUpperCase(),
      name: `${word()} ${word()}`,
      price: next(1e7) / 100,
      volume: next(1e6),
      side: next(2) === 0 ? "buy" : "sell",
      active: next(10) < 7,
      at: new Date(1.7e12 + next(1e10)).toISOString(),
    });
    const longer = JSON.stringify({ type: "update", rows });
    if (longer.length > size) return text.padEnd(size);
    text = longer;
  }
}

const TEXTS = Array.from({ length: 256 }, (_, i) => json(2048, i + 1));

/** Every text comes again so late that no window reaches back to it. */
export function jsonText(number: number): string {
  return TEXTS[number % TEXTS.length] ?? "";
}

// What is measured: each workload runs for a while on an open connection and says how many messages it moved.
// What comes back is checked: every message for its size or text, and every 64th byte for byte.

import type { Client, Payload } from "./clients.ts";

export interface Workload {
  readonly title: string;
  /** Messages are compressed, both ways. */
  readonly isCompressed?: boolean;
  /** Path of the server. */
  readonly path: string;
  /** Whether a client that only counts bytes can run it. */
  readonly isEcho: boolean;
  /** Moves messages for about `ms`; how many. */
  run(client: Client, ms: number): Promise<number>;
}

/** Keeps `window` messages under way; `payload` gives the text or bytes of each by its number. */
function echo(title: string, payload: (number: number) => Payload, window: number): Workload {
  return {
    title,
    path: "/echo",
    isEcho: true,
    run: (client, ms) =>
      new Promise((resolve, reject) => {
        const end = performance.now() + ms;
        let sent = 0;
        let received = 0;
        let isOver = false;
        client.onMessage = (data) => {
          if (!isEqual(data, payload(received), received % 64 === 0))
            reject(new Error(`${title}: wrong echo`));
          received++;
          // The clock is asked for now and then only: it costs as much as a message.
          if (!isOver && (window === 1 || received % 64 === 0)) isOver = performance.now() > end;
          if (!isOver) {
            client.send(payload(sent++));
          } else if (received === sent) {
            resolve(received);
          }
        };
        while (sent < window) client.send(payload(sent++));
      }),
  };
}

/** Sends as fast as it can, a thousand at a time, while less than a mebibyte waits; the server counts. */
function sendFlood(title: string, payload: Payload): Workload {
  return {
    title,
    path: "/sink",
    isEcho: false,
    async run(client, ms) {
      const end = performance.now() + ms;
      let sent = 0;
      while (performance.now() < end) {
        for (let i = 0; i < 1000 && client.buffered() < 2 ** 20; i++, sent++) client.send(payload);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const report = new Promise<Payload>((resolve) => {
        client.onMessage = resolve;
      });
      client.send("report");
      const expected = `${sent} ${sent * payload.length}`;
      const counted = await report;
      if (counted !== expected) throw new Error(`${title}: sent ${expected}, arrived ${String(counted)}`);
      return sent;
    },
  };
}

/** Takes what the server sends as fast as it can. */
function receiveFlood(title: string, size: number, kind: "text" | "binary"): Workload {
  const expected = kind === "text" ? "a".repeat(size) : new Uint8Array(size).fill(0x61);
  const batch = Math.max(2_000, Math.min(200_000, Math.floor(200_000_000 / (size + 200))));
  return {
    title,
    path: "/flood",
    isEcho: false,
    async run(client, ms) {
      const end = performance.now() + ms;
      let received = 0;
      while (performance.now() < end) {
        await new Promise<void>((resolve, reject) => {
          let left = batch;
          client.onMessage = (data) => {
            left--;
            if (!isEqual(data, expected, left % 64 === 0)) reject(new Error(`${title}: wrong message`));
            if (left === 0) resolve();
          };
          client.send(`${batch} ${size} ${kind}`);
        });
        received += batch;
      }
      return received;
    },
  };
}

function isEqual(data: Payload, expected: Payload, thoroughly: boolean): boolean {
  if (typeof data === "string" || typeof expected === "string") return data === expected;
  if (data.length !== expected.length || data[0] !== expected[0] || data.at(-1) !== expected.at(-1))
    return false;
  return !thoroughly || Buffer.compare(data, expected) === 0;
}

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31) & 0xff);
}

/** The same every time. */
function always(payload: Payload): () => Payload {
  return () => payload;
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

export const WORKLOADS: readonly Workload[] = [
  echo("pipelined echo 32 B text", always("The quick brown fox, 32 letters."), 256),
  echo("pipelined echo 1 KiB text", always("The quick brown fox, 32 letters.".repeat(32)), 256),
  echo("pipelined echo 64 KiB binary", always(bytes(64 * 1024)), 256),
  echo("ping-pong 32 B text", always("The quick brown fox, 32 letters."), 1),
  { ...echo("compressed echo 2 KiB JSON", jsonText, 32), isEcho: false, isCompressed: true },
  sendFlood("send flood 32 B text", "The quick brown fox, 32 letters."),
  receiveFlood("receive flood 32 B text", 32, "text"),
  receiveFlood("receive flood 1 KiB binary", 1024, "binary"),
];

// What is measured: each workload runs for a while on an open connection and says how many messages it moved.
// What comes back is checked: every message for its size or text, and every 64th byte for byte.

import type { Client, Payload } from "./clients.ts";

export interface Workload {
  readonly title: string;
  /** Path of the server. */
  readonly path: string;
  /** Whether a client that only counts bytes can run it. */
  readonly isEcho: boolean;
  /** Moves messages for about `ms`; how many. */
  run(client: Client, ms: number): Promise<number>;
}

/** Keeps `window` messages under way. */
function echo(title: string, payload: Payload, window: number): Workload {
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
          received++;
          if (!isEqual(data, payload, received % 64 === 0)) reject(new Error(`${title}: wrong echo`));
          // The clock is asked for now and then only: it costs as much as a message.
          if (!isOver && (window === 1 || received % 64 === 0)) isOver = performance.now() > end;
          if (!isOver) {
            sent++;
            client.send(payload);
          } else if (received === sent) {
            resolve(received);
          }
        };
        for (; sent < window; sent++) client.send(payload);
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

export const WORKLOADS: readonly Workload[] = [
  echo("pipelined echo 32 B text", "The quick brown fox, 32 letters.", 256),
  echo("pipelined echo 1 KiB text", "The quick brown fox, 32 letters.".repeat(32), 256),
  echo("pipelined echo 64 KiB binary", bytes(64 * 1024), 256),
  echo("ping-pong 32 B text", "The quick brown fox, 32 letters.", 1),
  sendFlood("send flood 32 B text", "The quick brown fox, 32 letters."),
  receiveFlood("receive flood 32 B text", 32, "text"),
  receiveFlood("receive flood 1 KiB binary", 1024, "binary"),
];

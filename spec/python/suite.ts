// What holds against the Python servers, in the runtime that runs this file: suite.ts PORTS, as servers.py prints them.
// Prints a line for each test; exit code 1 if any fails.

import process from "node:process";
import type { Connection } from "../../lib/client/connection.ts";
import type { PerMessageDeflateOptions } from "../../lib/client/deflate-option.ts";
import { createConnection, runtime } from "../support/runtime.ts";

/** How long a test may take, in ms. */
const PATIENCE_MS = 30_000;

const MIB = 1024 * 1024;

type Test = readonly [title: string, run: () => Promise<void>];

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function isSame(one: string | Uint8Array, other: string | Uint8Array): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  return Buffer.compare(one, other) === 0;
}

/** Texts and bytes of many sizes, of which much can be saved, or nothing. */
function* messages(count: number, seed: number): Generator<string | Uint8Array> {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const words = ["tick", "price", "\u20acuro", "volume", "side", "buy", "sell", "\u{1f600}", "at", "id"];
  for (let i = 0; i < count; i++) {
    const size = Math.floor(next() ** 4 * 20_000);
    if (i % 5 === 4) {
      yield Uint8Array.from({ length: size }, () => next() * (i % 2 === 0 ? 256 : 4));
      continue;
    }
    let text = "";
    while (text.length < size)
      text += `{"${words[Math.floor(next() * words.length)]}":${Math.floor(next() * 1e6)}}`;
    yield text;
  }
}

/** Sends all of them, and sees to it that they come back, in order. */
async function echoes(ws: Connection, all: readonly (string | Uint8Array)[]): Promise<void> {
  const send = async () => {
    for (const message of all) await ws.send(message);
  };
  const sent = send();
  for (const [i, message] of all.entries()) {
    const back = await ws.recv({ timeout: PATIENCE_MS });
    check(isSame(back, message), `message ${i} came back as another`);
  }
  await sent;
}

async function connected(
  port: number,
  perMessageDeflate: boolean | PerMessageDeflateOptions,
  use: (ws: Connection) => Promise<void>,
): Promise<void> {
  const ws = await createConnection(`ws://127.0.0.1:${port}/`, {
    perMessageDeflate,
    maxMessageSize: 64 * MIB,
    maxQueue: 10_000,
  });
  try {
    await use(ws);
    const { wasClean, code } = await ws.close(1000);
    check(wasClean && code === 1000, `it closed with ${code}`);
  } finally {
    ws.terminate();
  }
}

const TAKEOVERS = [
  {},
  { serverNoContextTakeover: true },
  { clientNoContextTakeover: true },
  { serverNoContextTakeover: true, clientNoContextTakeover: true },
];

function testsOf(server: string, port: number): Test[] {
  const windows = [9, 10, 11, 12, 13, 14, 15].flatMap((bits) =>
    TAKEOVERS.map((takeover): Test => {
      const names = Object.keys(takeover).join(", ");
      return [
        `windows of 2^${bits}${names && `, ${names}`}: 300 messages each way`,
        () => {
          const options = { ...takeover, serverMaxWindowBits: bits, clientMaxWindowBits: bits, threshold: 0 };
          return connected(port, options, async (ws) => {
            check(
              ws.extensions.startsWith("permessage-deflate"),
              `it agreed to ${ws.extensions || "nothing"}`,
            );
            await echoes(ws, [...messages(300, bits)]);
          });
        },
      ];
    }),
  );
  return [
    [
      "the offer of a client without wishes",
      () =>
        connected(port, true, async (ws) => {
          await ws.send("terms");
          const offer = await ws.recv();
          check(offer === "permessage-deflate; client_max_window_bits", `it was offered ${String(offer)}`);
          check(ws.extensions.startsWith("permessage-deflate"), `it agreed to ${ws.extensions || "nothing"}`);
          await echoes(ws, [...messages(300, 1)]);
        }),
    ],
    ...windows,
    [
      "levels and memory",
      () => connected(port, { level: 9, memLevel: 1 }, (ws) => echoes(ws, [...messages(300, 2)])),
    ],
    [
      "empty messages, and those that are not compressed",
      () =>
        connected(port, { threshold: 0 }, async (ws) => {
          await echoes(ws, ["", new Uint8Array(0), "a", ""]);
          for (const compress of [true, false, true]) await ws.send("over and over", { compress });
          for (let i = 0; i < 3; i++) check((await ws.recv()) === "over and over", "it came back as another");
        }),
    ],
    [
      "8 MiB",
      () => {
        const text = [...messages(500, 3)].filter((message) => typeof message === "string").join("");
        const noise = Uint8Array.from({ length: 2 * MIB }, (_, i) => (i * 2654435761) >>> (i % 23));
        const large = text
          .repeat(Math.ceil((8 * MIB) / text.length))
          .slice(0, 8 * MIB)
          .replace(/[\ud800-\udfff]/g, "x");
        return connected(port, true, (ws) => echoes(ws, [large, "between", noise, large]));
      },
    ],
    [
      "a stream of fragments",
      () =>
        connected(port, true, async (ws) => {
          const pieces = ["one, ", "", "one, two, ", "\u{1f600}".repeat(5000), "one, two"];
          await ws.sendStream(pieces);
          check((await ws.recv()) === pieces.join(""), "it came back as another");
        }),
    ],
    [
      "pings while messages are on their way",
      () =>
        connected(port, true, async (ws) => {
          const [, latency] = await Promise.all([echoes(ws, [...messages(200, 4)]), ws.ping()]);
          check(latency >= 0, "no pong came");
        }),
    ],
    [
      "none, where we do not want it",
      () =>
        connected(port, false, async (ws) => {
          check(ws.extensions === "", `it agreed to ${ws.extensions}`);
          await echoes(ws, [...messages(100, 5)]);
        }),
    ],
  ].map(([title, run]) => [`${server}: ${title as string}`, run as () => Promise<void>]);
}

/** What went wrong; undefined if nothing did. */
async function failureOf(run: () => Promise<void>): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it took more than ${PATIENCE_MS} ms`), PATIENCE_MS);
  });
  try {
    return await Promise.race([
      run().then(
        () => undefined,
        (error: unknown) => error ?? "nothing",
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

const ports: Record<string, number> = JSON.parse(process.argv[2] ?? "{}");
let [passed, failed] = [0, 0];
for (const [title, run] of Object.entries(ports).flatMap(([server, port]) => testsOf(server, port))) {
  const failure = await failureOf(run);
  if (failure === undefined) passed++;
  else failed++;
  if (failure !== undefined)
    console.log(`  FAILED ${title}\n    ${String((failure as Error).stack ?? failure)}`);
}
console.log(`${runtime}: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

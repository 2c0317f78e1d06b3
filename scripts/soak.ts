// npm run soak: many apps that reconnect, keep alive, compress and speak TLS, against a server that misbehaves at random. At the
// end nothing may be lost that was acknowledged, nothing doubled, and memory and handles must be flat.
//
//   npm run soak                                ten minutes
//   npm run soak -- --minutes 60 --clients 200 --seed 42

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { resources } from "../spec/support/resources.ts";
import { command, runtime, WebSocketApp } from "../spec/support/runtime.ts";
import { Chance } from "./soak/chance.ts";
import { SoakClient } from "./soak/client.ts";
import { CODES, slope, type Tally } from "./soak/tally.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    clients: { type: "string", default: "60" },
    seed: { type: "string", default: String(Math.trunc(Math.random() * 2 ** 31)) },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const MIB = 1024 * 1024;

/** The most that attempts may come behind timers that were set for them, on average, in ms. */
const LATENESS_MS = 20;

/** Ms in which all connections must be gone, once the clients are stopped: more than any of their deadlines. */
const PATIENCE_MS = 30_000;

/** Minutes after which each close code must have come. */
const ENOUGH = 5;

/** The most by which the heap, and buffers outside of it, may grow in the second half, in bytes: collectors take their time. */
const GROWTH = { heap: (minutes < ENOUGH ? 4 : 2) * MIB, buffers: 16 * MIB };

process.exitCode = 1; // until all of it was gone through
const accidents: string[] = [];
process.on("unhandledRejection", (reason) => accidents.push(`nobody handled: ${reason}`));
process.on("uncaughtException", (error) => accidents.push(`nobody caught: ${error.stack}`));

const collect: () => void = (() => {
  const { Bun } = globalThis as { Bun?: { gc(synchronously: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
})();

// 1. The server, in a process of its own.
const before = handles();
const [program = "", ...args] = command;
const server = spawn(program, [...args, "scripts/soak/server.ts", String(seed)], {
  stdio: ["ignore", "pipe", "inherit"],
});
const gone = () => void accidents.push("the server is gone");
server.once("close", gone);
const ports = new Map<string, number>();
let ca = "";
for await (const line of createInterface({ input: server.stdout })) {
  if (line.startsWith('"')) ca = JSON.parse(line);
  const [scheme = "", port] = line.split(" ");
  if (/^wss?$/.test(scheme)) ports.set(scheme, Number(port));
  if (ports.size === 2) break;
}
if (ports.size < 2) throw new Error("the server did not start");

// 2. The clients.
console.log(`soak: ${runtime}, ${values.clients} clients, ${minutes} minutes, seed ${seed}`);
const clients = Array.from({ length: Number(values.clients) }, (_, i) => {
  const secure = i % 2 === 1;
  const url = `${secure ? "wss://localhost" : "ws://127.0.0.1"}:${ports.get(secure ? "wss" : "ws")}/?client=c${i}`;
  const options = {
    timeout: 1_000,
    closeTimeout: 500,
    keepAlive: { interval: 400, timeout: 400 },
    perMessageDeflate: i % 4 < 2,
    proxy: false as const,
    ...(secure && { tls: { ca } }),
  };
  return new SoakClient(`c${i}`, WebSocketApp, url, options, new Chance(seed + 7 * i + 1), i % 3 !== 0);
});
const running = clients.map((client) => client.run());

// 3. Time passes; memory and handles are looked at.
const STEP_MS = Math.min(5_000, (minutes * 60_000) / 12);
const end = performance.now() + minutes * 60_000;
const heap: number[] = [];
const buffers: number[] = [];
const held: number[] = [];
while (performance.now() < end) {
  await new Promise((resolve) =>
    setTimeout(resolve, Math.max(0, Math.min(STEP_MS, end - performance.now()))),
  );
  collect();
  const { heapUsed, external } = process.memoryUsage();
  heap.push(heapUsed);
  buffers.push(external); // array buffers among it
  held.push(handles());
}

// 4. The end.
for (const client of clients) client.stop();
let patience: ReturnType<typeof setTimeout> | undefined;
const isStuck = new Promise<true>((resolve) => {
  patience = setTimeout(resolve, PATIENCE_MS, true);
});
if ((await Promise.race([Promise.all(running), isStuck])) === true)
  accidents.push("a client did not come to its end");
clearTimeout(patience);
await new Promise((resolve) => setTimeout(resolve, 1_000));
const tally = await tallyOf(ports.get("ws") ?? 0);
const vanished = clients.reduce((sum, client) => sum + client.check(tally), 0);
server.off("close", gone).kill();
await new Promise((resolve) => server.once("close", resolve));
collect();
const after = handles();

const total = (pick: (client: SoakClient) => number) =>
  clients.reduce((sum, client) => sum + pick(client), 0);
const ends = new Map<string, number>();
for (const client of clients)
  for (const [how, times] of client.ends) ends.set(how, (ends.get(how) ?? 0) + times);
const codes = new Set([...ends.keys()].map((how) => Number.parseInt(how, 10)));
const missing = minutes < ENOUGH ? [] : CODES.filter((code) => !codes.has(code));
const mean = (numbers: readonly number[]) =>
  numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
const lateness = clients.flatMap((client) => client.lateness);
const waits = clients.flatMap((client) => client.waits);
// Six standard deviations of the mean of so many numbers that are spread evenly.
const isUneven = Math.abs(mean(waits) - 0.5) > 6 / Math.sqrt(12 * Math.max(1, waits.length));
const half = <Value>(list: readonly Value[]) => list.slice(Math.floor(list.length / 2));
const perMinute = 60_000 / STEP_MS;
const heapSlope = slope(half(heap), 1) * perMinute;
const handleSlope = slope(half(held), 1) * perMinute;
const bufferSlope = slope(half(buffers), 1) * perMinute;
const grown = {
  heap: slope(half(heap), 1) * half(heap).length,
  buffers: slope(half(buffers), 1) * half(buffers).length,
};

console.log(
  `messages: ${total(({ sent }) => sent)} sent, ${total(({ acknowledged }) => acknowledged)} acknowledged, ${total(({ received }) => received)} received`,
);
console.log(
  `doubled: ${tally.doubled.length}; spoilt: ${tally.spoilt.length}; vanished without a word: ${vanished}; the server was held up for ${tally.lag.toFixed(0)} ms at the most`,
);
console.log(`connections: ${[...ends.values()].reduce((sum, times) => sum + times, 0)}, which ended so:`);
for (const [how, times] of [...ends].sort(([, one], [, other]) => other - one))
  console.log(`${String(times).padStart(8)}  ${how}`);
console.log(
  `attempts: ${lateness.length}, ${mean(lateness).toFixed(2)} ms behind a timer of theirs on average; waits lay at ${mean(waits).toFixed(3)} of their range`,
);
for (const [what, bytes, each] of [
  ["heap", heap, heapSlope],
  ["buffers", buffers, bufferSlope],
] as const)
  console.log(
    `${what}: ${(bytes.at(-1) ?? 0) >> 20} MiB, ${(each / 1024).toFixed(1)} KiB a minute in the second half`,
  );
console.log(
  `handles: ${held.at(-1)}, ${handleSlope.toFixed(2)} a minute; ${before} before and ${after} after it all`,
);

const faults = [
  ...accidents,
  ...clients.flatMap((client) => client.faults),
  ...tally.doubled.map((what) => `doubled: ${what}`),
  ...tally.spoilt.map((what) => `spoilt: ${what}`),
  ...(vanished > 0 ? [`${vanished} messages vanished`] : []),
  ...(after > before ? [`${after - before} handles stayed`] : []),
  ...(["heap", "buffers"] as const)
    .filter((what) => grown[what] > GROWTH[what])
    .map((what) => `${what} grew by ${(grown[what] / MIB).toFixed(1)} MiB`),
  ...(mean(lateness) > LATENESS_MS ? [`attempts come ${mean(lateness).toFixed(0)} ms late`] : []),
  ...(isUneven ? [`waits are not spread evenly: ${mean(waits).toFixed(3)} of the range on average`] : []),
  ...missing.map((code) => `no connection ended with ${code}`),
];
for (const fault of faults.slice(0, 20)) console.error(`FAULT ${fault}`);
console.log(faults.length === 0 ? "soak: nothing found" : `soak: ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1); // whatever is left

function handles(): number {
  let count = 0;
  for (const [kind, amount] of resources()) if (!/Pipe|Process|Timeout/.test(kind)) count += amount;
  return count;
}

/** The server may be restarting: then it is asked again. */
async function tallyOf(port: number): Promise<Tally> {
  for (const deadline = performance.now() + PATIENCE_MS; ; ) {
    try {
      return (await (await fetch(`http://127.0.0.1:${port}/tally`)).json()) as Tally;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

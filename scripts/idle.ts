// npm run bench:idle: what 2,000 connections that have nothing to do take of memory, for each, next to ws and the runtime's own.
// Each competitor has a process of its own, three times over; the server is Bun's.
//
//   npm run bench:idle [-- 500]      so many connections

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CLIENTS, type Client } from "./bench/clients.ts";
import { median } from "./bench/statistics.ts";

const ROUNDS = 3;
const COMPETITORS = ["isosocket", "isosocket recv", "ws", ...("WebSocket" in globalThis ? ["own"] : [])];

/** Bytes of each connection: of the whole process, of the heap, and of buffers outside of it. */
interface Taken {
  readonly rss: number;
  readonly heap: number;
  readonly buffers: number;
}

const [first = "2000", name, origin] = process.argv.slice(2);
if (name === undefined || origin === undefined) await compare(Number(first));
else console.log(JSON.stringify(await measure(Number(first), name, origin)));
process.exit();

async function measure(count: number, name: string, origin: string): Promise<Taken> {
  const connect = CLIENTS[name];
  if (connect === undefined) throw new Error(`no client is named ${name}`);
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const clients: Client[] = [];
  const open = async (more: number) => {
    for (let i = 0; i < more; i++) clients.push(await connect(`${origin}/sink`, false));
    for (let i = 0; i < 5; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return process.memoryUsage();
  };
  const before = await open(100); // what the first ones cost is not each one's
  const after = await open(count);
  return {
    rss: (after.rss - before.rss) / count,
    heap: (after.heapUsed - before.heapUsed) / count,
    buffers: (after.external + after.arrayBuffers - before.external - before.arrayBuffers) / count,
  };
}

async function compare(count: number): Promise<void> {
  const server = spawn("bun", ["scripts/bench/server.ts"], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const [port] = String((await lines.next()).value).split(" ");
  console.log(`${count} idle connections, bytes of each, medians of ${ROUNDS}; Node ${process.version}`);
  console.log(`${"".padEnd(16)}${"process".padStart(10)}${"heap".padStart(10)}${"buffers".padStart(10)}`);
  for (const name of COMPETITORS) {
    const taken: Taken[] = [];
    for (let i = 0; i < ROUNDS; i++) taken.push(await inProcess(count, name, `ws://127.0.0.1:${port}`));
    const columns = (["rss", "heap", "buffers"] as const).map((key) =>
      median(taken.map((each) => each[key])),
    );
    console.log(name.padEnd(16) + columns.map((bytes) => bytes.toFixed(0).padStart(10)).join(""));
  }
  server.kill();
}

async function inProcess(count: number, name: string, origin: string): Promise<Taken> {
  const child = spawn("tsx", ["scripts/idle.ts", String(count), name, origin], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  return JSON.parse(output);
}

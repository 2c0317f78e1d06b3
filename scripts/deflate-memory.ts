// tsx scripts/deflate-memory.ts [node | deno | bun]: KiB that each of 500 connections takes, by how compression was set: when it
// is open, after one message of 2 KiB each way, and after sixty, which fill the windows. Of the process, with what its heap
// and its allocator hold in reserve, and of what is alive. Each setting has processes of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createConnection, type PerMessageDeflateOptions } from "isosocket";
import { serve } from "isosocket/server";
import { median } from "./bench/statistics.ts";

const CONNECTIONS = 500;
const ROUNDS = 3;
const MESSAGES = [0, 1, 60];

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  node: [process.execPath, "--import", "tsx"],
  deno: ["node_modules/.bin/deno", "run", "-A"],
  bun: ["node_modules/.bin/bun"],
};

/** Bytes. */
interface Taken {
  readonly process: number;
  readonly alive: number;
}

const NO_TAKEOVER = { serverNoContextTakeover: true, clientNoContextTakeover: true };
const windows = (bits: number) => ({ serverMaxWindowBits: bits, clientMaxWindowBits: bits });

const SETTINGS: readonly (readonly [title: string, setting: PerMessageDeflateOptions | false])[] = [
  ["none", false],
  ["the defaults", {}],
  ["windows of 2^12", windows(12)],
  ["windows of 2^9", windows(9)],
  ["level 1", { level: 1 }],
  ["memLevel 1", { memLevel: 1 }],
  ["memLevel 9", { memLevel: 9 }],
  ["no context takeover", NO_TAKEOVER],
];

/** JSON of 2 KiB, as a feed of prices may send it. */
function text(number: number): string {
  const quotes = Array.from({ length: 24 }, (_, i) => ({
    symbol: `SYM${(number * 7 + i * 13) % 97}`,
    bid: (1000 + ((number * 31 + i * 17) % 9973)) / 100,
    ask: (1001 + ((number * 37 + i * 19) % 9973)) / 100,
    time: 1_700_000_000_000 + number * 1009 + i,
  }));
  return JSON.stringify(quotes).slice(0, 2048);
}

async function serveEchoes(): Promise<void> {
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    perMessageDeflate: true,
    async onConnection(ws) {
      for await (const message of ws) await ws.send(message);
    },
  });
  console.log(server.port);
}

async function measure(url: string, perMessageDeflate: PerMessageDeflateOptions | false): Promise<void> {
  const connect = () => createConnection(url, { perMessageDeflate });
  type Socket = Awaited<ReturnType<typeof connect>>;
  const exchange = async (ws: Socket, from: number, to: number) => {
    for (let i = from; i < to; i++) {
      await ws.send(text(i));
      if ((await ws.recv()) !== text(i)) throw new Error("wrong echo");
    }
  };
  // What the first ones cost is not each one's: their code, and the streams of zlib that are lent to all.
  const warm: Socket[] = [];
  for (let i = 0; i < 100; i++) warm.push(await connect());
  for (const ws of warm) await exchange(ws, 0, 60);
  const before = await settled();
  const sockets: Socket[] = [];
  for (let i = 0; i < CONNECTIONS; i++) sockets.push(await connect());
  const taken: Taken[] = [];
  let from = 0;
  for (const to of MESSAGES) {
    for (const ws of sockets) await exchange(ws, from, to);
    from = to;
    const { process, alive } = await settled();
    taken.push({ process: process - before.process, alive: alive - before.alive });
  }
  console.log(JSON.stringify(taken));
  await Promise.all([...warm, ...sockets].map((ws) => ws.close()));
}

/** Memory when all garbage is collected. */
async function settled(): Promise<Taken> {
  const { Bun } = globalThis as { Bun?: { gc(synchronously: boolean): void } };
  if (Bun === undefined) setFlagsFromString("--expose-gc");
  const collect = Bun === undefined ? (runInNewContext("gc") as () => void) : () => Bun.gc(true);
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { process: rss, alive: heapUsed + external };
}

async function compare(runtime: string): Promise<void> {
  const [program = "", ...args] = COMMANDS[runtime] ?? [];
  const start = (...more: string[]) =>
    spawn(program, [...args, "scripts/deflate-memory.ts", ...more], { stdio: ["ignore", "pipe", "inherit"] });
  console.log(`${runtime}: KiB of each of ${CONNECTIONS} connections: process (alive), medians of ${ROUNDS}`);
  console.log(`${"".padEnd(22)}${MESSAGES.map((count) => `${count} messages`.padStart(16)).join("")}`);
  for (const [title, setting] of SETTINGS) {
    const server = start("serve");
    const url = `ws://127.0.0.1:${await firstLine(server)}/`;
    const rounds: Taken[][] = [];
    for (let i = 0; i < ROUNDS; i++)
      rounds.push(JSON.parse(await firstLine(start("measure", url, JSON.stringify(setting)))));
    server.kill();
    await once(server, "exit");
    const kib = (key: keyof Taken, i: number) =>
      (median(rounds.map((taken) => taken[i]?.[key] ?? 0)) / CONNECTIONS / 1024).toFixed(1);
    const cells = MESSAGES.map((_, i) => `${kib("process", i)} (${kib("alive", i)})`);
    console.log(title.padEnd(22) + cells.map((cell) => cell.padStart(16)).join(""));
  }
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("nothing is piped");
  for await (const line of createInterface({ input: stdout })) return line;
  throw new Error("the process ended without a line");
}

const [what = "node", url = "", setting = "false"] = process.argv.slice(2);
if (what === "serve") await serveEchoes();
else if (what === "measure") await measure(url, JSON.parse(setting));
else await compare(what);

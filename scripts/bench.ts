// npm run bench [-- WORDS]: isosocket against ws, interleaved round by round, on workloads whose title has one of the words.
//
// Each competitor has a process of its own, pinned to one core; the server, in Bun, has another. In each round all take
// their turn. Where the server or the kernel limits the wall clock, the CPU time per message of the client decides.
// The row `raw` is a bare socket with ready-made frames: as long as it is well ahead, the server is not what limits.

import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { benchCodec } from "./bench/codec.ts";
import { median, spread } from "./bench/statistics.ts";
import type { Order, Result } from "./bench/worker.ts";
import { WORKLOADS, type Workload } from "./bench/workloads.ts";

const ROUNDS = 7;
const ROUND_MS = 1000;
const WARM_UP_MS = 600;
const COMPETITORS = ["isosocket", "isosocket recv", "ws", "raw"];

const canPin = availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;
const children: ChildProcess[] = [];

function pinned(child: ChildProcess, core: number): ChildProcess {
  if (canPin) spawnSync("taskset", ["-a", "-cp", String(core), String(child.pid)]);
  children.push(child);
  return child;
}

async function startServer(): Promise<string> {
  const server = spawn("node_modules/.bin/bun", ["scripts/bench/server.ts"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<string>((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(String(line).trim()));
    server.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)));
  });
  pinned(server, 1);
  return `ws://127.0.0.1:${port}`;
}

function startWorker(): ChildProcess {
  return pinned(fork("scripts/bench/worker.ts", { execArgv: ["--import", "tsx"] }), 0);
}

function measure(worker: ChildProcess, order: Order): Promise<Result> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`${order.client} failed in ${order.workload}`));
    worker.once("exit", fail);
    worker.once("message", (result: Result) => {
      worker.off("exit", fail);
      resolve(result);
    });
    worker.send(order);
  });
}

async function contest(
  workload: Workload,
  workers: Map<string, ChildProcess>,
  origin: string,
): Promise<void> {
  const results = new Map<string, Result[]>();
  const competitors = [...workers].filter(([client]) => client !== "raw" || workload.isEcho);
  const turn = ([client, worker]: [string, ChildProcess], ms: number) =>
    measure(worker, { client, workload: workload.title, origin, ms });
  for (const competitor of competitors) await turn(competitor, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const competitor of competitors) {
      const [client] = competitor;
      results.set(client, [...(results.get(client) ?? []), await turn(competitor, ROUND_MS)]);
    }
  }
  report(workload, results);
}

function report(workload: Workload, results: Map<string, Result[]>): void {
  console.log(`\n${workload.title}`);
  const rates = (client: string) =>
    (results.get(client) ?? []).map(({ messages, seconds }) => messages / seconds);
  const cpu = (client: string) =>
    (results.get(client) ?? []).map((result) => (result.cpuSeconds / result.messages) * 1e6);
  for (const client of results.keys()) {
    const cells = [
      Math.round(median(rates(client))).toLocaleString("en"),
      `${spread(rates(client)).toFixed(0)}%`,
      median(cpu(client)).toFixed(3),
      (median(rates(client)) / median(rates("ws"))).toFixed(2),
      (median(cpu("ws")) / median(cpu(client))).toFixed(2),
    ];
    console.log(line(client, cells));
  }
}

function line(head: string, cells: readonly string[]): string {
  return `  ${head.padEnd(16)}${cells.map((cell) => cell.padStart(14)).join("")}`;
}

const words = process.argv.slice(2);
const chosen = WORKLOADS.filter(
  ({ title }) => words.length === 0 || words.some((word) => title.includes(word)),
);
console.log(
  `Node ${process.versions.node}, ${cpus()[0]?.model.trim()}, ${availableParallelism()} cores${canPin ? ", pinned" : ""}`,
);
console.log(`medians of ${ROUNDS} rounds of ${ROUND_MS} ms, competitors taking turns\n`);
console.log(line("", ["messages/s", "spread", "CPU us/msg", "rate / ws", "ws CPU / its"]));
try {
  const origin = await startServer();
  const workers = new Map(COMPETITORS.map((client) => [client, startWorker()]));
  for (const workload of chosen) await contest(workload, workers, origin);
} finally {
  for (const child of children) child.kill();
}
if (words.length === 0 || words.includes("codec")) benchCodec();

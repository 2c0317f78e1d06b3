// npm run bench [-- WORDS]: isosocket against ws and the runtime's own, interleaved round by round. Of the words, `node`,
// `deno` and `bun` choose runtimes (Node without them), `codec` the codec alone, others the workloads that have them in
// their titles.
//
// Each competitor has a process of its own, pinned to one core; the server, in Bun, has another. In each round all take
// their turn. Where the server or the kernel limits the wall clock, the CPU time per message of the client decides.
// The row `raw` is a bare socket with ready-made frames: as long as it is well ahead, the server is not what limits.
//
// Where messages are compressed, it is told besides in how many bytes each competitor sends one, as a server here counts them,
// and what a connection takes of memory.

import { type ChildProcess, type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { benchCodec } from "./bench/codec.ts";
import { median, spread } from "./bench/statistics.ts";
import { startCounter } from "./bench/wire-bytes.ts";
import type { Order, Result } from "./bench/worker.ts";
import { WORKLOADS, type Workload } from "./bench/workloads.ts";

const ROUNDS = 7;
const ROUND_MS = 1000;
const WARM_UP_MS = 600;

const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  node: [process.execPath, "--import", "tsx"],
  deno: ["node_modules/.bin/deno", "run", "-A"],
  bun: ["node_modules/.bin/bun"],
};

const canPin = availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;
const children: ChildProcess[] = [];

function pinned(child: ChildProcess, core: number): void {
  if (canPin) spawnSync("taskset", ["-a", "-cp", String(core), String(child.pid)]);
  children.push(child);
}

/** Where it is talked to without compression, and with it. */
interface Origins {
  readonly plain: string;
  readonly compressing: string;
}

async function startServer(): Promise<Origins> {
  const server = spawn("node_modules/.bin/bun", ["scripts/bench/server.ts"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ports = await new Promise<string>((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(String(line).trim()));
    server.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)));
  });
  pinned(server, 1);
  const [plain, compressing] = ports.split(" ").map((port) => `ws://127.0.0.1:${port}`);
  return { plain: plain ?? "", compressing: compressing ?? "" };
}

/** A process that takes orders and gives results line by line. */
class Worker {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(runtime: string) {
    const [program = "", ...options] = RUNTIMES[runtime] ?? [];
    this.#process = spawn(program, [...options, "scripts/bench/worker.ts"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    pinned(this.#process, 0);
  }

  async measure(order: Order): Promise<Result> {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    const line = await this.#lines.next();
    if (line.done) throw new Error(`${order.client} failed in ${order.workload}`);
    return JSON.parse(line.value);
  }

  end(): void {
    this.#process.kill();
  }
}

async function contest(workload: Workload, workers: Map<string, Worker>, origins: Origins): Promise<void> {
  const origin = workload.isCompressed === true ? origins.compressing : origins.plain;
  const results = new Map<string, Result[]>();
  const competitors = [...workers].filter(([client]) => client !== "raw" || workload.isEcho);
  const turn = ([client, worker]: [string, Worker], ms: number) =>
    worker.measure({ client, workload: workload.title, origin, ms });
  for (const competitor of competitors) await turn(competitor, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const competitor of competitors) {
      const [client] = competitor;
      results.set(client, [...(results.get(client) ?? []), await turn(competitor, ROUND_MS)]);
    }
  }
  report(workload, results);
  if (workload.isCompressed !== true) return;
  for (const [client, worker] of competitors) {
    const order = { client, workload: workload.title, ms: 0 };
    const counted = counter.next();
    await worker.measure({ ...order, origin: counter.origin, instead: "bytes" });
    const sent = (await counted).toFixed(0);
    const { bytes = 0 } = await worker.measure({ ...order, origin, instead: "memory" });
    const kept = (bytes / 1024).toFixed(1);
    console.log(
      `  ${client.padEnd(16)} sends ${sent} bytes a message; ${kept} KiB a connection, of 1,000 with one each way`,
    );
  }
}

function report(workload: Workload, results: Map<string, Result[]>): void {
  console.log(`\n${workload.title}`);
  const rates = (client: string) => median(ratesOf(results.get(client) ?? []));
  const cpu = (client: string) => median(cpuOf(results.get(client) ?? []));
  for (const [client, its] of results) {
    const cells = [
      Math.round(rates(client)).toLocaleString("en"),
      `${spread(ratesOf(its)).toFixed(0)}%`,
      cpu(client).toFixed(3),
      ...["ws", "own"]
        .filter((rival) => results.has(rival))
        .flatMap((rival) => [
          (rates(client) / rates(rival)).toFixed(2),
          (cpu(rival) / cpu(client)).toFixed(2),
        ]),
    ];
    console.log(line(client, cells));
  }
}

function ratesOf(results: readonly Result[]): number[] {
  return results.map(({ messages, seconds }) => messages / seconds);
}

/** Microseconds per message. */
function cpuOf(results: readonly Result[]): number[] {
  return results.map(({ messages, cpuSeconds }) => (cpuSeconds / messages) * 1e6);
}

function line(head: string, cells: readonly string[]): string {
  return `  ${head.padEnd(16)}${cells.map((cell) => cell.padStart(14)).join("")}`;
}

async function benchRuntime(
  runtime: string,
  workloads: readonly Workload[],
  origins: Origins,
): Promise<void> {
  const [program = ""] = RUNTIMES[runtime] ?? [];
  const [version] = spawnSync(program, ["--version"], { encoding: "utf8" }).stdout.split("\n");
  const hasOwn = runtime !== "node" || "WebSocket" in globalThis; // Node 20 has none
  console.log(`\n=== ${runtime}: ${version}\n`);
  const rivals = hasOwn
    ? ["rate / ws", "ws CPU / its", "rate / own", "own CPU / its"]
    : ["rate / ws", "ws CPU / its"];
  console.log(line("", ["messages/s", "spread", "CPU us/msg", ...rivals]));
  const clients = ["isosocket", "isosocket recv", "ws", ...(hasOwn ? ["own"] : []), "raw"];
  const workers = new Map(clients.map((client) => [client, new Worker(runtime)]));
  for (const workload of workloads) await contest(workload, workers, origins);
  for (const worker of workers.values()) worker.end();
}

const words = process.argv.slice(2);
const runtimes = Object.keys(RUNTIMES).filter((runtime) => words.includes(runtime));
const titleWords = words.filter((word) => !(word in RUNTIMES) && word !== "codec");
const isAll = titleWords.length === 0 && !words.includes("codec");
const chosen = WORKLOADS.filter(({ title }) => isAll || titleWords.some((word) => title.includes(word)));
console.log(`${cpus()[0]?.model.trim()}, ${availableParallelism()} cores${canPin ? ", pinned" : ""}`);
console.log(`medians of ${ROUNDS} rounds of ${ROUND_MS} ms, competitors taking turns`);
const counter = await startCounter();
try {
  const origins = await startServer();
  if (chosen.length > 0) {
    for (const runtime of runtimes.length > 0 ? runtimes : ["node"])
      await benchRuntime(runtime, chosen, origins);
  }
} finally {
  counter.close();
  for (const child of children) child.kill();
}
if (isAll || words.includes("codec")) benchCodec();

// npm run bench: isosocket against ws, what each runtime has of its own, and a bare socket, in Node, Deno and Bun. The words
// and flags that it takes are in bench/plan.ts; --help prints them.
//
// Each competitor has a process of its own, on one core; the server, in Bun, has another. Round by round all take their
// turn. Where the server was busy for nine tenths of the time or more, the CPU time per message of the client decides. The
// row `raw` is a bare socket with ready-made frames, and the ceiling.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { certificates } from "../spec/support/certificates.ts";
import { benchCodec } from "./bench/codec.ts";
import { type Contest, contestMemory, contestStart, contestTimed, countWire } from "./bench/contest.ts";
import { checkRecordable, record, render } from "./bench/pages.ts";
import { durationOf, type Plan, planOf, USAGE } from "./bench/plan.ts";
import { printOutcome, printProgress, printSummary } from "./bench/print.ts";
import { canPin, endAll, Server, type Surroundings, Worker } from "./bench/processes.ts";
import {
  emptyResults,
  keyOf,
  type Outcome,
  put,
  type Results,
  readResults,
  writeResults,
} from "./bench/results.ts";
import { type Runtime, runtimeOf } from "./bench/runtimes.ts";
import { startCounter } from "./bench/wire-bytes.ts";

async function runAll(plan: Plan, results: Results, surroundings: Surroundings): Promise<void> {
  const server = await Server.start(surroundings);
  const counter = await startCounter();
  const planned = durationOf(plan);
  const started = performance.now();
  let workers = new Map<string, Worker>();
  let current: Runtime | undefined;
  for (const contest of plan.contests) {
    const { runtime, workload, isSecure } = contest;
    if (runtime !== current) {
      for (const worker of workers.values()) worker.end();
      workers = new Map(runtime.clients.map((name) => [name, new Worker(runtime, name, surroundings)]));
      current = runtime;
    }
    const progress = (turns: number) => {
      const spent = (performance.now() - started) / 1000;
      const left = Math.max(0, planned - spent);
      printProgress(`${runtime.title}: ${workload.title}, ${turns} turns; ${minutes(left)} to go`);
    };
    const outcome = await hold(contest, plan, workers, server, surroundings, progress);
    if (workload.isCompressed === true && workload.unit !== "bytes")
      await countWire(outcome, workers, counter);
    put(results, runtime, keyOf(workload.id, isSecure), outcome);
    printOutcome(contest, outcome);
    writeResults(plan.file, results);
  }
  counter.close();
}

function hold(
  contest: Contest,
  plan: Plan,
  workers: ReadonlyMap<string, Worker>,
  server: Server,
  surroundings: Surroundings,
  progress: (turns: number) => void,
): Promise<Outcome> {
  const { unit } = contest.workload;
  const newWorker = (runtime: Runtime, client: string) => new Worker(runtime, client, surroundings);
  if (unit === "bytes") return contestMemory(contest, newWorker, server, plan.memoryRounds, progress);
  if (unit === "ms") return contestStart(contest, server, plan.startRounds, progress);
  return contestTimed(contest, workers, server, plan.method, progress);
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function announce(plan: Plan, results: Results): void {
  const { contests, method } = plan;
  const titles = [...new Set(contests.map(({ runtime }) => runtime.title))];
  console.log(`${results.machine}${canPin ? ", client and server on a core each" : ", not pinned"}`);
  console.log(`${titles.join(", ")}: ${contests.length} workloads in about ${minutes(durationOf(plan))}`);
  console.log(`medians of ${method.rounds} rounds of ${method.roundMs} ms, competitors taking turns`);
  if (plan.addOnFolder === undefined && contests.some(({ workload }) => workload.isForAddOn))
    console.log("ws with its native add-on is left out: --bufferutil says where that is");
}

async function main(plan: Plan): Promise<void> {
  if (plan.isHelp) return console.log(USAGE);
  if (plan.isRendered) return render();
  if (plan.from !== undefined) return record(readResults(plan.from));
  const { rounds, roundMs } = plan.method;
  const results = emptyResults(rounds, roundMs, plan.addOnFolder);
  if (plan.isRecorded) checkRecordable(results, plan.contests);
  const folder = mkdtempSync(join(tmpdir(), "isosocket-bench-"));
  try {
    if (plan.contests.length > 0) {
      announce(plan, results);
      const certificateFile = join(folder, "ca.pem");
      const { ca, server: certificate } = certificates();
      writeFileSync(certificateFile, ca);
      const { addOnFolder } = plan;
      await runAll(plan, results, {
        ...{ serverRuntime: runtimeOf("bun"), certificate, certificateFile, addOnFolder },
      });
      printSummary(results);
      console.log(`\nall of it is in ${plan.file}`);
      if (plan.isRecorded) record(results);
    }
  } finally {
    endAll();
    rmSync(folder, { recursive: true });
  }
  if (plan.isCodec) benchCodec();
}

try {
  await main(planOf(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

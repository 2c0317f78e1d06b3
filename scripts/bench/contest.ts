// One workload in one runtime: the competitors take turns, round by round, each round begun by another, so that what the
// machine does besides meets all of them. Who fails is told of, and out of this workload.

import { spawn } from "node:child_process";
import { cpus } from "node:os";
import process from "node:process";
import { type Figures, figuresOf, type Sample, sampleOf } from "./figures.ts";
import { onClientCore, type Server, type Worker } from "./processes.ts";
import type { Outcome } from "./results.ts";
import type { Runtime } from "./runtimes.ts";
import type { Counter } from "./wire-bytes.ts";
import type { Workload } from "./workloads.ts";

export interface Contest {
  readonly runtime: Runtime;
  readonly workload: Workload;
  readonly isSecure: boolean;
  readonly clients: readonly string[];
}

export interface Method {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
}

/** Takes one turn. */
export type Turn = (ms: number) => Promise<Sample>;

/** Told after each turn how many there were. */
type Progress = (turns: number) => void;

export async function takeTurns(
  turns: ReadonlyMap<string, Turn>,
  { rounds, roundMs, warmUpMs }: Method,
  progress: Progress,
): Promise<Outcome> {
  const samples = new Map<string, Sample[]>();
  const failures: Record<string, string> = {};
  let [done, known] = [0, 0];
  const take = async (client: string, turn: Turn, ms: number): Promise<Sample | undefined> => {
    if (client in failures) return undefined;
    try {
      return await turn(ms);
    } catch (error) {
      failures[client] = error instanceof Error ? error.message : String(error);
      samples.delete(client);
      return undefined;
    } finally {
      progress(++done);
    }
  };
  if (warmUpMs > 0) for (const [client, turn] of turns) await take(client, turn, warmUpMs);
  const [busySince, start] = [busySeconds(), performance.now()];
  const all = [...turns];
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < all.length; i++) {
      const [client, turn] = all[(i + round) % all.length] as [string, Turn];
      const sample = await take(client, turn, roundMs);
      if (sample === undefined) continue;
      known += sample.busySeconds ?? 0;
      samples.set(client, [...(samples.get(client) ?? []), sample]);
    }
  }
  const figures: Record<string, Figures> = {};
  for (const client of turns.keys()) {
    const its = samples.get(client);
    if (its !== undefined) figures[client] = figuresOf(its);
  }
  const cores = ((performance.now() - start) / 1000) * cpus().length;
  const others = known === 0 ? 0 : Math.max(0, busySince() - known) / cores;
  return { figures, failures, others: Number(others.toFixed(2)) };
}

/** Begins to count what all programs but this one take of the machine, in seconds of one core. */
function busySeconds(): () => number {
  const busy = () =>
    cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
  const [busyBefore, own] = [busy(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(own);
    return busy() - busyBefore - (user + system) / 1e6;
  };
}

/** A workload that is timed, by workers that stay. */
export async function contestTimed(
  { workload, isSecure, clients }: Contest,
  workers: ReadonlyMap<string, Worker>,
  server: Server,
  method: Method,
  progress: Progress,
): Promise<Outcome> {
  const { plain, secure, compressing } = server.ports;
  const port = workload.isCompressed === true ? compressing : isSecure ? secure : plain;
  const origin = `${isSecure ? "wss" : "ws"}://127.0.0.1:${port}`;
  const turns = new Map<string, Turn>();
  for (const client of clients) {
    const worker = workers.get(client);
    if (worker === undefined) continue;
    turns.set(client, async (ms) => {
      const before = await server.cpuSeconds();
      const result = await worker.obey({ task: "run", workload: workload.id, origin, ms });
      return sampleOf(result, (await server.cpuSeconds()) - before);
    });
  }
  return takeTurns(turns, method, progress);
}

/** Memory, in a new process for each turn. */
export function contestMemory(
  { runtime, workload, clients }: Contest,
  newWorker: (runtime: Runtime, client: string) => Worker,
  server: Server,
  rounds: number,
  progress: Progress,
): Promise<Outcome> {
  const { plain, compressing } = server.ports;
  const origin = `ws://127.0.0.1:${workload.isCompressed === true ? compressing : plain}`;
  const turnOf = (client: string): Turn => {
    return async () => {
      const worker = newWorker(runtime, client);
      try {
        const { bytes = Number.NaN, ...parts } = await worker.obey({
          ...{ task: "memory", workload: workload.id, origin, ms: 0 },
        });
        return { value: bytes, ...parts };
      } finally {
        worker.end();
      }
    };
  };
  const turns = new Map(clients.map((client) => [client, turnOf(client)]));
  return takeTurns(turns, { rounds, roundMs: 0, warmUpMs: 0 }, progress);
}

/** A whole process, from its start to its end at the first echo. */
export function contestStart(
  { runtime, clients }: Contest,
  server: Server,
  rounds: number,
  progress: Progress,
): Promise<Outcome> {
  const url = `ws://127.0.0.1:${server.ports.plain}/echo`;
  const turnOf = (client: string): Turn => {
    const program = `scripts/bench/cold-start/${client}.js`;
    const [first = "", ...words] = onClientCore([runtime.program, ...runtime.javascript, program, url]);
    return () =>
      new Promise((resolve, reject) => {
        const start = performance.now();
        const child = spawn(first, words, { stdio: ["ignore", "inherit", "inherit"], timeout: 20_000 });
        child.on("error", reject).on("exit", (code) => {
          if (code === 0) resolve({ value: performance.now() - start });
          else reject(new Error(`${program} ended with code ${code}`));
        });
      });
  };
  const turns = new Map(clients.map((client) => [client, turnOf(client)]));
  return takeTurns(turns, { rounds, roundMs: 0, warmUpMs: 1 }, progress);
}

/** Adds to an outcome of a compressed workload in how many bytes each sends a message. */
export async function countWire(
  outcome: Outcome,
  workers: ReadonlyMap<string, Worker>,
  counter: Counter,
): Promise<void> {
  for (const [client, figures] of Object.entries(outcome.figures)) {
    const worker = workers.get(client);
    if (worker === undefined) continue;
    try {
      const counted = counter.next();
      await worker.obey({ task: "bytes", workload: "", origin: counter.origin, ms: 0 });
      outcome.figures[client] = { ...figures, wire: Math.round(await counted) };
    } catch (error) {
      outcome.failures[`${client}, bytes on the wire`] = String(error);
    }
  }
}

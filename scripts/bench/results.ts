// The results of runs, as they are kept: for each runtime and workload the medians of everyone.

import { readFileSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, cpus, platform, release } from "node:os";
import type { Figures } from "./figures.ts";
import type { Kind, Runtime } from "./runtimes.ts";

export interface Results {
  readonly machine: string;
  readonly rounds: number;
  readonly roundMs: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly runtimes: Record<string, RuntimeResults>;
}

export interface RuntimeResults {
  readonly kind: Kind;
  /** With its version. */
  readonly title: string;
  /** By the id of the workload, with `tls:` before it over TLS. */
  readonly workloads: Record<string, Outcome>;
}

export interface Outcome {
  /** By competitor. */
  readonly figures: Record<string, Figures>;
  /** Why somebody has none. */
  readonly failures: Record<string, string>;
  /** Share of all cores that other programs had meanwhile, from 0 to 1. */
  readonly others: number;
}

/** `tls:echo-32-text` */
export function keyOf(workload: string, isSecure: boolean): string {
  return isSecure ? `tls:${workload}` : workload;
}

export function emptyResults(rounds: number, roundMs: number, addOn: string | undefined): Results {
  const model = cpus()[0]?.model.trim() ?? arch();
  return {
    machine: `${model}, ${availableParallelism()} cores, ${platform()} ${release()} ${arch()}`,
    rounds,
    roundMs,
    versions: {
      isosocket: versionIn("package.json"),
      ws: versionIn("node_modules/ws/package.json"),
      ...(addOn === undefined ? {} : { bufferutil: versionIn(`${addOn}/bufferutil/package.json`) }),
    },
    runtimes: {},
  };
}

function versionIn(file: string): string {
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** Where a workload's outcome goes. */
export function put(results: Results, runtime: Runtime, key: string, outcome: Outcome): void {
  const { kind, id, title } = runtime;
  results.runtimes[id] ??= { kind, title, workloads: {} };
  const { workloads } = results.runtimes[id];
  workloads[key] = outcome;
}

export function readResults(file: string): Results {
  return JSON.parse(readFileSync(file, "utf8")) as Results;
}

export function writeResults(file: string, results: Results): void {
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

/** Older results with newer ones in their places. Throws where both would not stand on the same ground. */
export function merged(old: Results, more: Results): Results {
  if (old.machine !== more.machine || old.rounds !== more.rounds || old.roundMs !== more.roundMs)
    throw new Error("the recorded results are of another machine or method: record a whole run");
  const runtimes = { ...old.runtimes };
  for (const [id, its] of Object.entries(more.runtimes)) {
    const before = runtimes[id];
    if (before !== undefined && before.title !== its.title)
      throw new Error(
        `the recorded results are of ${before.title}, these of ${its.title}: record a whole run`,
      );
    runtimes[id] = { ...its, workloads: { ...before?.workloads, ...its.workloads } };
  }
  return { ...old, versions: { ...old.versions, ...more.versions }, runtimes };
}

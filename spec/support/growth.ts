// How the cost of work grows with its size, in time and in memory; only the relation counts, never the absolute figure.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const FACTOR = 8;

/** Below it the time is linear in the size, above it quadratic: right between FACTOR and its square, both of them far off. */
export const LINEAR: number = FACTOR ** 1.5;

/** How many times longer FACTOR times the work takes: the least of several tries, in time that this process computed. */
export function growthOfTime(work: (size: number) => void, size: number): number {
  const tries = Array.from({ length: 4 }, () => {
    const small = fastest(() => work(size), 4);
    return fastest(() => work(FACTOR * size), 2) / small;
  });
  return Math.min(...tries);
}

/** The least time that the work takes, in microseconds; what other processes do meanwhile does not count. */
function fastest(work: () => void, rounds: number): number {
  const times = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return Math.max(1, Math.min(...times));
}

/** Bytes that what `make` returns keeps alive. */
export function retainedBytes(make: () => unknown): number {
  const gc = collector();
  const collect = () => {
    gc();
    gc(); // the memory of array buffers is given back in the background, at the latest when the next collection begins
  };
  make(); // warm: what is made once is not retained by what is made
  collect();
  const before = usedBytes();
  const made = make();
  collect();
  const after = usedBytes();
  return made === undefined ? 0 : after - before;
}

/** What collects garbage at once, in this runtime. */
function collector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(synchronously: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

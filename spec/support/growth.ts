// How the cost of work grows with its size, in time and in memory; only the relation counts, never the absolute figure.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const FACTOR = 32;

/** Below it the time is linear in the size, above it quadratic: right between FACTOR and its square, both of them far off. */
export const LINEAR: number = FACTOR ** 1.5;

/** Long enough for the clock, and to outweigh what begins in the first calls. */
const MEASURABLE_US = 2000;

/**
 * How many times longer FACTOR times the work takes, in time that this process computed: of several tries the first that is
 * linear, as caches and other processes only ever make it look worse, or else the least.
 */
export function growthOfTime(work: (size: number) => void, size: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 4 && least >= LINEAR; tries++) {
    const small = fastest(() => work(size), 4);
    least = Math.min(least, fastest(() => work(FACTOR * size), 2) / small);
  }
  return least;
}

/** The least time that the work takes, in microseconds; what other processes do meanwhile does not count. */
function fastest(work: () => void, rounds: number): number {
  const times = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    for (let count = 1; ; count++) {
      work();
      const { user, system } = process.cpuUsage(before);
      if (user + system >= MEASURABLE_US) return (user + system) / count;
    }
  });
  return Math.min(...times);
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

// What the rounds of one competitor in one workload come to, and how competitors compare.

import { median, spread } from "./statistics.ts";
import type { Result } from "./worker.ts";

/** Of one round. */
export interface Sample {
  /** Messages per second, or connections; bytes; ms. */
  readonly value: number;
  /** Microseconds per message, of the client's process. */
  readonly cpu?: number;
  /** How much of its core the server needed meanwhile, from 0 to 1. */
  readonly server?: number;
  /** Of memory, the parts that a runtime knows of. */
  readonly heap?: number;
  readonly buffers?: number;
  /** CPU time of both. */
  readonly busySeconds?: number;
}

/** Of all rounds, medians. */
export interface Figures {
  readonly value: number;
  /** How far the rounds lie apart, in percent of the median. */
  readonly spread: number;
  readonly cpu?: number;
  readonly server?: number;
  readonly heap?: number;
  readonly buffers?: number;
  /** Bytes on the wire that a compressed message takes. */
  readonly wire?: number;
}

/** From here on the server is taken for what limits. */
export const SERVER_LIMIT = 0.9;

export function sampleOf(result: Result, serverSeconds: number): Sample {
  const { count = 0, seconds = Number.NaN, cpuSeconds = Number.NaN } = result;
  return {
    value: count / seconds,
    cpu: (cpuSeconds / count) * 1e6,
    server: serverSeconds / seconds,
    busySeconds: cpuSeconds + serverSeconds,
  };
}

export function figuresOf(samples: readonly Sample[]): Figures {
  const values = samples.map(({ value }) => value);
  const medianOf = (key: "cpu" | "server" | "heap" | "buffers") => {
    const its = samples.flatMap((sample) => sample[key] ?? []);
    return its.length > 0 ? { [key]: rounded(median(its)) } : {};
  };
  return {
    value: rounded(median(values)),
    spread: Math.round(spread(values)),
    ...medianOf("cpu"),
    ...medianOf("server"),
    ...medianOf("heap"),
    ...medianOf("buffers"),
  };
}

/** To four digits, which is more than they are good for. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export interface Comparison {
  /** How many times the other's: messages, memory or time. */
  readonly ratio: number;
  /** The other's CPU per message by ours. */
  readonly cpuRatio: number | undefined;
  /** What decides: where the server limited one of both, CPU per message. */
  readonly decides: number;
  readonly isByCpu: boolean;
}

export function compare(its: Figures, other: Figures): Comparison {
  const ratio = its.value / other.value;
  const cpuRatio = its.cpu === undefined || other.cpu === undefined ? undefined : other.cpu / its.cpu;
  const isLimited = Math.max(its.server ?? 0, other.server ?? 0) >= SERVER_LIMIT;
  const isByCpu = isLimited && cpuRatio !== undefined;
  return { ratio, cpuRatio, decides: isByCpu ? cpuRatio : ratio, isByCpu };
}

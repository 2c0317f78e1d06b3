// What is asked of isosocket in each workload: how many times the figure of its rival, or at most, where less is better.

import type { Kind } from "./runtimes.ts";

export interface Target {
  readonly node?: number;
  readonly deno?: number;
  readonly bun?: number;
  /** Against the bare socket of the same runtime. */
  readonly raw?: number;
  /** Against ws with its native add-on. */
  readonly addOn?: number;
  /** Of the promise path, against ws in Node. */
  readonly recv?: number;
  /** Bytes that it may be above the bare socket. */
  readonly rawMore?: number;
}

export const TARGETS: Readonly<Record<string, Target>> = {
  "echo-32-text": { node: 10, deno: 4, bun: 9, raw: 0.4, recv: 3 },
  "echo-1k-ascii": { node: 7, deno: 2.5, bun: 7 },
  "echo-1k-mixed": { node: 3, deno: 1.5, bun: 3 },
  "echo-1k-binary": { node: 7, deno: 3, bun: 7, raw: 0.5 },
  "echo-64k-binary": { node: 2.5, deno: 1.3, bun: 1.2, raw: 0.7, addOn: 1 },
  "echo-1m-binary": { node: 2.5, deno: 1.3, bun: 1.2, raw: 0.7, addOn: 1 },
  "send-32-text": { node: 30, deno: 8, bun: 20, raw: 0.3 },
  "receive-32-text": { node: 2.5, deno: 3, bun: 1.3 },
  "receive-1k-binary": { node: 2, deno: 2, bun: 1.3 },
  "receive-64k-binary": { node: 1.5, deno: 1.3, bun: 1.1 },
  "ping-pong": { node: 1.1, deno: 1.08, bun: 1, raw: 0.95 },
  "connections-1000": { node: 1.25, deno: 1.15, bun: 1, raw: 0.9 },
  connect: { node: 1.4, deno: 1.3, bun: 1.3, raw: 0.7 },
  "memory-idle": { node: 1, deno: 1, bun: 1, rawMore: 3072 },
  "memory-compressed": { node: 0.4, bun: 0.4 },
  start: { node: 0.65, deno: 1.1, bun: 1.1 },
};

export function targetOf(workload: string): Target {
  return TARGETS[workload] ?? {};
}

export function askedOf(workload: string, kind: Kind): number | undefined {
  return targetOf(workload)[kind];
}

// What a run prints: each workload as it is done, and a summary of all.

import process from "node:process";
import type { Contest } from "./contest.ts";
import { type Figures, SERVER_LIMIT } from "./figures.ts";
import { keyOf, type Outcome, type Results } from "./results.ts";
import { tally, type Verdict, verdictsOf, verdictsOfKey } from "./verdict.ts";
import { MEMORY, START, TIMED, type Unit, type Workload } from "./workloads.ts";

/** Shares of the machine that others may have before figures are doubted. */
export const NOISE = 0.1;

export function titleOf(workload: Workload, isSecure: boolean): string {
  return workload.title + (isSecure ? ", over TLS" : "");
}

/** Rates as they are, memory in KiB, time in ms. */
export function shown(value: number, unit: Unit): string {
  if (unit === "bytes") return `${(value / 1024).toFixed(1)} KiB`;
  if (unit === "ms") return `${value.toFixed(1)} ms`;
  return Math.round(value).toLocaleString("en");
}

/** `10.4`, `1.03` */
export function times(ratio: number): string {
  return ratio >= 9.95 ? ratio.toFixed(1) : ratio.toFixed(2);
}

function row(cells: readonly string[]): string {
  const [head = "", ...rest] = cells;
  return `  ${head.padEnd(20)}${rest.map((cell) => cell.padStart(14)).join("")}`;
}

/** One line that is written over and over, where there is a terminal. */
export function printProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** What some figures have. */
const COLUMNS: readonly { head: string; cell(its: Figures): string | undefined }[] = [
  { head: "CPU us each", cell: ({ cpu }) => cpu?.toFixed(3) },
  {
    head: "server busy",
    cell: ({ server }) => (server === undefined ? undefined : `${Math.round(server * 100)}%`),
  },
  { head: "bytes sent", cell: ({ wire }) => wire?.toFixed(0) },
  { head: "of it heap", cell: ({ heap }) => (heap === undefined ? undefined : shown(heap, "bytes")) },
  { head: "buffers", cell: ({ buffers }) => (buffers === undefined ? undefined : shown(buffers, "bytes")) },
];

export function printOutcome({ runtime, workload, isSecure }: Contest, outcome: Outcome): void {
  const { unit } = workload;
  const figures = Object.entries(outcome.figures);
  printProgress("");
  console.log(`\n${runtime.title}: ${titleOf(workload, isSecure)}`);
  const columns = COLUMNS.filter(({ cell }) => figures.some(([, its]) => cell(its) !== undefined));
  console.log(row(["", unit, "spread", ...columns.map(({ head }) => head)]));
  for (const [client, its] of figures) {
    const cells = columns.map(({ cell }) => cell(its) ?? "");
    console.log(row([client, shown(its.value, unit), `${its.spread}%`, ...cells]));
  }
  for (const [client, reason] of Object.entries(outcome.failures))
    console.log(`  ${client.padEnd(20)} failed: ${reason}`);
  for (const verdict of verdictsOf(outcome, runtime.kind, keyOf(workload.id, isSecure), unit))
    console.log(`  ${sentenceOf(verdict, unit)}`);
  if (outcome.others > NOISE)
    console.log(
      `  others had ${Math.round(outcome.others * 100)}% of the machine meanwhile: not to be relied on`,
    );
}

function sentenceOf({ whose, against, comparison, asked, isMet }: Verdict, unit: Unit): string {
  const { ratio, cpuRatio, isByCpu } = comparison;
  const cpu = cpuRatio === undefined ? "" : `, by CPU ${times(cpuRatio)}`;
  const by = isByCpu ? " (the server limits: CPU decides)" : "";
  const most = unit === "bytes" || unit === "ms" ? "at most " : "";
  const goal = asked === undefined ? "" : `; asked ${most}${times(asked)}: ${isMet ? "met" : "NOT MET"}`;
  return `${whose} by ${against}: ${times(ratio)}${cpu}${by}${goal}`;
}

/** All workloads that there may be, over TLS last. */
export const ALL: readonly { workload: Workload; isSecure: boolean; key: string }[] = [
  ...[...TIMED, ...MEMORY, START].map((workload) => ({ workload, isSecure: false, key: workload.id })),
  ...TIMED.filter(({ isSecureToo }) => isSecureToo).map((workload) => ({
    ...{ workload, isSecure: true, key: keyOf(workload.id, true) },
  })),
];

/** A table for each runtime. */
export function printSummary(results: Results): void {
  const { machine, rounds, roundMs, versions, runtimes } = results;
  console.log(`\n=== ${machine}; medians of ${rounds} rounds of ${roundMs} ms`);
  console.log(
    `=== ${Object.entries(versions)
      .map((pair) => pair.join(" "))
      .join(", ")}`,
  );
  const all: Verdict[] = [];
  for (const its of Object.values(runtimes)) {
    console.log(`\n${its.title}`);
    console.log(line("", ["isosocket", "spread", "against", "", "ratio", "CPU ratio", "asked", ""]));
    for (const { workload, isSecure, key } of ALL) {
      const verdicts = verdictsOfKey(its, key, workload.unit);
      all.push(...verdicts);
      verdicts.forEach((verdict, i) => {
        const head = i === 0 ? titleOf(workload, isSecure) : "";
        console.log(line(head, summaryCells(its.workloads[key], verdict, workload.unit)));
      });
    }
  }
  const { met, asked } = tally(all);
  console.log(
    `\n${met} of ${asked} that were asked are met. * server busy for ${SERVER_LIMIT * 100}% and more: CPU decides`,
  );
}

function line(head: string, cells: readonly string[]): string {
  const widths = [12, 8, 20, 12, 8, 10, 8, 9];
  return `${head.padEnd(44)}${cells.map((cell, i) => cell.padStart(widths[i] ?? 10)).join("")}`;
}

function summaryCells(outcome: Outcome | undefined, verdict: Verdict, unit: Unit): string[] {
  const { whose, against, comparison, asked, isMet } = verdict;
  const [ours, other] = [outcome?.figures[whose], outcome?.figures[against]];
  return [
    shown(ours?.value ?? Number.NaN, unit),
    `${ours?.spread}%`,
    whose === "isosocket" ? against : `recv, ${against}`,
    shown(other?.value ?? Number.NaN, unit),
    times(comparison.ratio) + (comparison.isByCpu ? "*" : ""),
    comparison.cpuRatio === undefined ? "" : times(comparison.cpuRatio),
    asked === undefined ? "" : times(asked),
    isMet === undefined ? "" : isMet ? "met" : "NOT MET",
  ];
}

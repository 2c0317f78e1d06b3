// What the README and docs/performance.md say of the recorded results: made from docs/performance.json, between two marks in
// each page, so that neither says what was not measured.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { chartOf } from "./chart.ts";
import type { Contest } from "./contest.ts";
import { SERVER_LIMIT } from "./figures.ts";
import { ALL, NOISE, shown, times, titleOf } from "./print.ts";
import {
  keyOf,
  merged,
  type Outcome,
  type Results,
  type RuntimeResults,
  readResults,
  writeResults,
} from "./results.ts";
import { isLessBetter, mainVerdict, type Verdict, verdictsOfKey } from "./verdict.ts";
import type { Unit } from "./workloads.ts";

export const RECORD = "docs/performance.json";
export const CHART = "docs/performance.svg";

const BEGIN = "<!-- made by `npm run bench -- --record`: change the results, not this -->";
const END = "<!-- the end of what is made -->";

/** The pages with a part that is made, and who makes it. */
export const PAGES: Readonly<Record<string, (results: Results) => string>> = {
  "README.md": readmePart,
  "docs/performance.md": resultsPart,
};

/** Puts a run into the record, and the record into the pages. */
export function record(run: Results): void {
  const old = recorded();
  const isWhole = old === undefined || hasAll(old, (id, key) => key in (run.runtimes[id]?.workloads ?? {}));
  writeResults(RECORD, isWhole ? run : merged(old, run));
  render();
}

/** Throws where a run that will have these workloads could not be put into the record. */
export function checkRecordable(run: Results, contests: readonly Contest[]): void {
  const old = recorded();
  const has = (id: string, key: string) =>
    contests.some(
      ({ runtime, workload, isSecure }) => runtime.id === id && keyOf(workload.id, isSecure) === key,
    );
  if (old === undefined || hasAll(old, has)) return;
  const runtimes = Object.fromEntries(
    contests.map(({ runtime: { id, kind, title } }) => [id, { kind, title, workloads: {} }]),
  );
  merged(old, { ...run, runtimes });
}

function recorded(): Results | undefined {
  return existsSync(RECORD) ? readResults(RECORD) : undefined;
}

/** Whether a run has all that is recorded, and so takes its place. */
function hasAll({ runtimes }: Results, has: (id: string, key: string) => boolean): boolean {
  return Object.entries(runtimes).every(([id, { workloads }]) =>
    Object.keys(workloads).every((key) => has(id, key)),
  );
}

/** Makes the parts of all pages, and the chart, from the record. */
export function render(): void {
  const results = readResults(RECORD);
  for (const [file, make] of Object.entries(PAGES))
    writeFileSync(file, withPart(readFileSync(file, "utf8"), make(results)));
  writeFileSync(CHART, chartOf(results));
  console.log(`made anew: ${[...Object.keys(PAGES), CHART].join(", ")}`);
}

/** The part of a page that is made. */
export function partOf(page: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`the page has no ${BEGIN} and ${END}`);
  return page.slice(from + BEGIN.length, to);
}

/** A page with another such part. */
export function withPart(page: string, part: string): string {
  const old = partOf(page);
  return page.replace(`${BEGIN}${old}${END}`, () => `${BEGIN}${part}${END}`);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  const line = (row: readonly string[]) => {
    const cells = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    );
    return `| ${cells.join(" | ")} |`;
  };
  const [head = [], ...rest] = rows;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(" | ")} |`, ...rest.map(line)].join("\n");
}

function versionsOf({ versions, runtimes }: Results): string {
  const { isosocket, ws, bufferutil } = versions;
  const titles = Object.values(runtimes).map(({ title }) => title);
  const addOn = bufferutil === undefined ? "" : `, and with it (bufferutil ${bufferutil}) where that is said`;
  return `isosocket ${isosocket}, ${titles.join(", ")}, \`ws\` ${ws} without its native add-on${addOn}`;
}

/** `1.56 M, 9.3×` */
function cellOf(its: RuntimeResults, key: string, unit: Unit): string {
  const figures = its.workloads[key]?.figures.isosocket;
  if (figures === undefined) return "";
  const verdict = mainVerdict(its, key, unit);
  const ratio =
    verdict === undefined
      ? ""
      : `, **${times(verdict.comparison.decides)}×**${verdict.comparison.isByCpu ? "\\*" : ""}`;
  return short(figures.value, unit) + ratio;
}

function short(value: number, unit: Unit): string {
  if (isLessBetter(unit)) return shown(value, unit);
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : Math.round(value).toLocaleString("en");
}

function readmePart(results: Results): string {
  const { machine, rounds, roundMs, runtimes } = results;
  const all = Object.values(runtimes);
  const rows = ALL.filter(({ isSecure, key }) => !isSecure && all.some((its) => key in its.workloads)).map(
    ({ workload, key }) => [workload.title, ...all.map((its) => cellOf(its, key, workload.unit))],
  );
  const texts = [
    "Messages per second (connections, where they are what is counted), and how many times that is of `ws` in Node, of the runtime's own in Deno, of the better of its own and its `ws` in Bun. Of memory and time less is better.",
    table([["", ...all.map(({ title }) => title)], ...rows]),
    `${machine}; ${versionsOf(results)}; medians of ${rounds} rounds of ${roundMs} ms in which all take turns, each in a process of its own on one core, the server on another. What comes back is checked.`,
    ...(hasCpu(results)
      ? [
          `\\* The server was busy for ${SERVER_LIMIT * 100}% of the time or more, so CPU time per message is compared.`,
        ]
      : []),
    behind(results),
    ...doubt(results),
  ];
  const paragraphs = texts.map((text) => (text.startsWith("|") ? text : wrapped(text)));
  return `\n\n![Throughput of isosocket, in times its rival's](${CHART})\n\n${paragraphs.join("\n\n")}\n\n`;
}

/** A paragraph in lines of at most 125 characters, as the pages have them. */
function wrapped(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > 125) {
      lines.push(line);
      line = word;
    } else {
      line += `${line === "" ? "" : " "}${word}`;
    }
  }
  return [...lines, line].join("\n");
}

function hasCpu({ runtimes }: Results): boolean {
  return Object.values(runtimes).some((its) =>
    ALL.some(({ key, workload }) => mainVerdict(its, key, workload.unit)?.comparison.isByCpu === true),
  );
}

/** What must be said of a machine that was not idle. */
function doubt({ runtimes }: Results): string[] {
  const shares = Object.values(runtimes).flatMap((its) =>
    Object.values(its.workloads).map(({ others }) => others),
  );
  const most = Math.max(0, ...shares);
  return most > NOISE
    ? [
        `Other programs had up to ${Math.round(most * 100)}% of the machine meanwhile: these figures are rough.`,
      ]
    : [];
}

/** Where the rival is ahead, as a list: of what is measured without TLS. */
function behind({ runtimes }: Results): string {
  const places = Object.values(runtimes).flatMap((its) => {
    const titles = ALL.filter(({ key, workload, isSecure }) => {
      if (isSecure) return false;
      const verdict = mainVerdict(its, key, workload.unit);
      if (verdict === undefined) return false;
      const ratio = Number(verdict.comparison.decides.toFixed(2));
      return isLessBetter(workload.unit) ? ratio > 1 : ratio < 1;
    }).map(({ workload }) => workload.title.replaceAll(",", ""));
    return titles.length > 0 ? [`in ${its.title} (${titles.join("; ")})`] : [];
  });
  return places.length > 0
    ? `The rival is ahead ${places.join(", ")}.`
    : "In none of these the rival is ahead.";
}

function resultsPart(results: Results): string {
  const { machine, rounds, roundMs } = results;
  const sections = Object.values(results.runtimes).flatMap((its) => [
    `### ${its.title}`,
    "",
    table([
      ["", "who", "figure", "spread", "CPU µs", "server", "isosocket / it", "by CPU", "asked"],
      ...ALL.flatMap(({ workload, isSecure, key }) => {
        const outcome = its.workloads[key];
        if (outcome === undefined) return [];
        const verdicts = verdictsOfKey(its, key, workload.unit);
        return outcomeRows(titleOf(workload, isSecure), outcome, verdicts, workload.unit);
      }),
    ]),
    "",
  ]);
  const text = [
    `${machine}; ${versionsOf(results)}; medians of ${rounds} rounds of ${roundMs} ms.`,
    "",
    ...sections,
  ];
  return `\n\n${text.join("\n")}\n`;
}

function outcomeRows(title: string, outcome: Outcome, verdicts: readonly Verdict[], unit: Unit): string[][] {
  const rows = Object.entries(outcome.figures).map(([client, its], i) => {
    const ours = verdicts.find(({ whose, against }) => whose === "isosocket" && against === client);
    const asked = verdicts.find(
      (one) => one.asked !== undefined && (client === "isosocket recv" ? one.whose === client : one === ours),
    );
    return [
      ...[i === 0 ? title : "", client, shown(its.value, unit), `${its.spread}%`],
      its.cpu === undefined ? "" : its.cpu >= 100 ? its.cpu.toFixed(0) : its.cpu.toPrecision(3),
      its.server === undefined ? "" : `${Math.round(its.server * 100)}%`,
      ours === undefined ? "" : times(ours.comparison.ratio) + (ours.comparison.isByCpu ? "\\*" : ""),
      ours?.comparison.cpuRatio === undefined ? "" : times(ours.comparison.cpuRatio),
      asked === undefined ? "" : askedCell(asked, unit),
    ];
  });
  const failures = Object.entries(outcome.failures).map(([client]) => [
    "",
    client,
    "failed",
    "",
    "",
    "",
    "",
    "",
    "",
  ]);
  return [...rows, ...failures];
}

/** `10.0, met`; of the promise path with what it reaches, which has no column. */
function askedCell({ whose, asked = 0, isMet, comparison }: Verdict, unit: Unit): string {
  const most = isLessBetter(unit) ? "≤ " : "";
  const reached = whose === "isosocket" ? "" : `${times(comparison.decides)} of `;
  return `${reached}${most}${times(asked)}, ${isMet ? "met" : "not met"}`;
}

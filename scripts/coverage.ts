// npm run coverage, its last step: what the report says that no spec reaches, against the table in docs/reliability.md that
// says why. Exit code 1 where more places than chance explains have no reason there.

import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { readPage, tableWith } from "../spec/support/markdown.ts";

const REPORT = "node_modules/.cache/coverage-report/coverage-final.json";
const PAGE = "docs/reliability.md";

interface Place {
  readonly start: { readonly line: number };
}

/** A file, as istanbul reports it: branches that begin at a place, and how often each was taken. */
interface FileReport {
  readonly branchMap: Readonly<Record<string, { readonly locations: readonly Place[] }>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
}

/** The lines in which the branches begin that were never taken; a line that was not reached is in one of them. */
function missedIn({ branchMap, b }: FileReport): number[] {
  return Object.entries(branchMap).flatMap(([key, { locations }]) =>
    locations.filter((_, i) => b[key]?.[i] === 0).map(({ start }) => start.line),
  );
}

/** How many places of a file the page gives reasons for. */
function argued(): Map<string, number> {
  const { rows } = tableWith(readPage(PAGE), "File");
  return new Map(rows.map(([file = "", places = ""]) => [file.replaceAll("`", ""), Number(places)]));
}

const report: Record<string, FileReport> = JSON.parse(readFileSync(REPORT, "utf8"));
const reasons = argued();
/** Places that are reached or not as the timing of a run has it: so many may be missed without a reason. */
const BY_CHANCE = 5;

let unexplained = 0;
let failures = 0;
for (const [path, file] of Object.entries(report)) {
  const name = relative(".", path);
  const missed = missedIn(file);
  const most = reasons.get(name) ?? 0;
  reasons.delete(name);
  if (missed.length <= most) continue;
  unexplained += missed.length - most;
  const lines = missed.join(", ");
  console.error(`${name}: ${missed.length} places are not reached, ${PAGE} argues ${most}; lines ${lines}`);
}
for (const name of reasons.keys()) {
  failures++;
  console.error(`${name}: ${PAGE} argues for it, and there is no report of it`);
}
if (failures > 0 || unexplained > BY_CHANCE) process.exitCode = 1;
else if (unexplained === 0) console.log(`What is not reached is what ${PAGE} argues.`);

// Our client against the servers, in the runtime that runs this file: suite.ts FILE [SYSTEM], where FILE has a Plan in JSON.
// Its last line has the rows in JSON.

import { readFileSync } from "node:fs";
import process from "node:process";
import "../../support/no-proxy-variables.ts";
import { runtime } from "../../support/runtime.ts";
import type { Row } from "../rows.ts";
import { systemsOf } from "./systems.ts";
import type { Trial, Trials, Verdict } from "./trial.ts";

/** How long a trial may take, in ms. */
const LIMIT_MS = 300_000;

async function verdictOf(trial: Trial): Promise<Verdict> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took more than ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    return await Promise.race([trial(), late]);
  } catch (error) {
    return { outcome: "failed", note: String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Systems that are tried at once: many trials wait more than they work. */
const AT_ONCE = 4;

const [, , file = "", wanted = ""] = process.argv;
const rows: Row[] = [];

/** Several of these share the iterator. */
async function tryAll(systems: Iterable<[system: string, trials: Trials]>): Promise<void> {
  for (const [system, trials] of systems) {
    for (const [title, trial] of Object.entries(trials)) {
      const { outcome, note } = await verdictOf(trial);
      rows.push({ system, case: title, runtime, outcome, note });
    }
  }
}

const all = Object.entries(systemsOf(JSON.parse(readFileSync(file, "utf8"))));
const systems = all.filter(([system]) => system.includes(wanted)).values();
await Promise.all(Array.from({ length: AT_ONCE }, () => tryAll(systems)));
console.log(JSON.stringify(rows));
process.exit(0);

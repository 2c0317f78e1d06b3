// Tries isosocket with the systems that people have, in Node, Deno and Bun, and writes what came of it to docs/interop.md:
// tsx spec/interop/interop.ts [node] [deno] [bun] [client-role] [server-role]. install.sh brings the systems. Exit code 1 if
// anything failed; else the page is written, if everything was tried. Nothing leaves 127.0.0.1.
//
// A half is a module that exports a Half of rows.ts: its title, the versions of its systems, and run(runtimes), which starts
// what it needs and returns rows { system, case, runtime, outcome, note }. To add one, import it here and put it into HALVES.

import { writeFileSync } from "node:fs";
import process from "node:process";
import "../support/no-proxy-variables.ts";
import { clientRole } from "./client-role.ts";
import { holes, page } from "./page.ts";
import { COMMANDS, type Half, type Row, type Runtime } from "./rows.ts";
import { serverRole } from "./server-role.ts";

const HALVES: Readonly<Record<string, Half>> = {
  "client-role": clientRole,
  "server-role": serverRole,
};

const words = process.argv.slice(2);
const chosen = <Name extends string>(names: readonly Name[]) => {
  const some = names.filter((name) => words.includes(name));
  return some.length > 0 ? some : names;
};
const runtimes = chosen(Object.keys(COMMANDS) as Runtime[]);
const halves = chosen(Object.keys(HALVES));
for (const word of words) {
  if (!(runtimes as readonly string[]).includes(word) && !halves.includes(word))
    throw new Error(`there is no runtime and no half ${word}`);
}

let isWhole = true;
const tried: { half: Half; rows: readonly Row[] }[] = [];
for (const name of halves) {
  const half = HALVES[name] as Half;
  const rows = await half.run(runtimes);
  tried.push({ half, rows });
  const failed = rows.filter(({ outcome }) => outcome === "failed");
  const faults = failed.map((row) => `${row.runtime}: ${row.system}, ${row.case}: ${row.note}`);
  for (const fault of [...faults, ...holes(half, rows, runtimes)]) {
    isWhole = false;
    console.log(`FAILED ${name}, ${fault}`);
  }
  const count = (outcome: Row["outcome"]) => rows.filter((row) => row.outcome === outcome).length;
  console.log(
    `${name}: ${count("ok")} ok, ${count("tolerated")} tolerated, ${count("none")} not there, ${count("failed")} failed`,
  );
}
if (isWhole && words.length === 0) writeFileSync("docs/interop.md", page(tried));
process.exit(isWhole ? 0 : 1);

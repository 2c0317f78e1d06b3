// npm run conformance: all cases of spec/interop/conformance/, the large ones too, through the programs of scripts/autobahn/, in
// both roles, in Node, Deno and Bun. Exit code 1 if a case is not passed, or not strictly.
//
//   npm run conformance                     a few minutes: of small messages fewer than suites send
//   npm run conformance -- --full           as many as they do
//   npm run conformance -- node server      one runtime, one role

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { casesOf, FULL } from "./conformance/cases.ts";
import { playWithServer } from "./conformance/fuzzing-client.ts";
import { fuzzingServer } from "./conformance/fuzzing-server.ts";
import type { Verdict } from "./conformance/play.ts";
import { COMMANDS, type Runtime } from "./rows.ts";

const words = process.argv.slice(2);
const CASES = casesOf(words.includes("--full") ? FULL : { messages: 200, bytes: 1024 * 1024 });

function chosen<Name extends string>(names: readonly Name[]): readonly Name[] {
  const some = names.filter((name) => words.includes(name));
  return some.length > 0 ? some : names;
}

function start(runtime: Runtime, args: readonly string[]): ChildProcess {
  const [program = "", ...options] = COMMANDS[runtime];
  return spawn(program, [...options, ...args], { stdio: ["pipe", "pipe", "inherit"] });
}

/** Verdicts in the order of the cases. */
async function clientIn(runtime: Runtime): Promise<(Verdict | undefined)[]> {
  const verdicts: (Verdict | undefined)[] = CASES.map(() => undefined);
  const server = await fuzzingServer(CASES, (played) => {
    if ("verdict" in played) verdicts[played.number - 1] = played.verdict;
  });
  const child = start(runtime, ["scripts/autobahn/client.ts", server.url]);
  child.stdout?.resume();
  await once(child, "close");
  await server.close();
  return verdicts;
}

async function serverIn(runtime: Runtime): Promise<Verdict[]> {
  const child = start(runtime, ["scripts/autobahn/server.ts", "0"]);
  const lines = createInterface({ input: child.stdout as Readable });
  const { value: url } = await lines[Symbol.asyncIterator]().next();
  const verdicts: Verdict[] = [];
  for (const one of CASES) verdicts.push(await playWithServer(one, Number(new URL(url).port)));
  child.stdin?.end();
  await once(child, "close");
  return verdicts;
}

const ROLES = { client: clientIn, server: serverIn };

for (const runtime of chosen(Object.keys(COMMANDS) as Runtime[])) {
  for (const role of chosen(Object.keys(ROLES) as (keyof typeof ROLES)[])) {
    const began = performance.now();
    const verdicts = await ROLES[role](runtime);
    const count = { ok: 0, "non-strict": 0, failed: 0 };
    for (const [i, { id, title }] of CASES.entries()) {
      const { outcome, why } = verdicts[i] ?? { outcome: "failed", why: "it was not played" };
      count[outcome]++;
      if (outcome !== "ok")
        console.log(`${outcome.toUpperCase()} ${runtime}, ${role}: ${id} ${title}: ${why}`);
    }
    if (count.ok !== CASES.length) process.exitCode = 1;
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(
      `${runtime}, ${role}: ${count.ok} ok, ${count["non-strict"]} not strict, ${count.failed} failed, ${seconds} s`,
    );
  }
}

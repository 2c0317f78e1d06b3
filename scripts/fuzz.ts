// npm run fuzz: almost good input to every parser, conversation and protocol, for as long as wanted. What fails is printed as small
// as it could be made, with the seed that leads to it; it belongs into the `rows` of its target then.
//
//   npm run fuzz                                a minute for all
//   npm run fuzz -- --minutes 60                an hour
//   npm run fuzz -- --only cookie --seed 42     the targets of that name, from that seed on

import { parseArgs } from "node:util";
import fc from "fast-check";
import { TARGETS } from "./fuzz/targets.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    only: { type: "string", default: "" },
  },
});

/** Inputs of a target before it is the next one's turn. */
const ROUND = 1000;

const targets = TARGETS.filter(({ name }) => name.includes(values.only));
if (targets.length === 0) throw new Error(`no target has ${JSON.stringify(values.only)} in its name`);
const end = performance.now() + Number(values.minutes) * 60_000;
const first = values.seed === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(values.seed);
const counts = new Map<string, number>();
let failures = 0;

console.log(`seed ${first}, ${targets.length} targets, ${values.minutes} minutes`);
for (let seed = first; performance.now() < end && failures === 0; seed++) {
  for (const { name, inputs, check, weight = 1, rows = [] } of targets) {
    if (performance.now() > end) break;
    const property = fc.asyncProperty(inputs, async (input) => check(input));
    const examples = rows.map((row): [unknown] => [row]);
    const details = await fc.check(property, { numRuns: ROUND / weight, seed, examples });
    counts.set(name, (counts.get(name) ?? 0) + details.numRuns);
    if (!details.failed) continue;
    failures++;
    console.error(
      `\n${name}: ${fc.defaultReportMessage(details)}\n${details.errorInstance instanceof Error ? details.errorInstance.stack : details.errorInstance}`,
    );
  }
}
for (const [name, count] of counts) console.log(`${String(count).padStart(9)}  ${name}`);
console.log(failures === 0 ? "nothing found" : `${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

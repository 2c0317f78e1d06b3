// A short run of `npm run fuzz`: almost good input to every parser, conversation and protocol. FUZZ_SEED repeats a run.

import process from "node:process";
import fc from "fast-check";
import { TARGETS } from "../../scripts/fuzz/targets.ts";

/** Inputs for each target. */
const RUNS = 200;

const seed = Number(process.env.FUZZ_SEED ?? Math.trunc(Math.random() * 2 ** 31));

describe(`faults: fuzzing, with seed ${seed}`, () => {
  before(() => console.log(`    fuzzing with seed ${seed}`));

  for (const { name, inputs, check, weight = 1, rows = [] } of TARGETS) {
    it(name, async () => {
      const property = fc.asyncProperty(inputs, async (input) => check(input));
      const examples = rows.map((row): [unknown] => [row]);
      await fc.assert(property, { numRuns: RUNS / weight, seed, examples });
    });
  }
});

// npm test: everything that proves the project, from the cheapest to the dearest. Stops at the first that fails.

import { spawnSync } from "node:child_process";

const STEPS: readonly [title: string, command: string][] = [
  ["build", "tsx scripts/build.ts"],
  ["types", "tsc --noEmit"],
  ["format and lint", "biome check --error-on-warnings ."],
  ["specs in Node", "mocha 'spec/**/*.spec.ts'"],
  ["specs in Deno", "deno run -A spec/runtimes/run.ts"],
  ["specs in Bun", "bun spec/runtimes/run.ts"],
];

for (const [title, command] of STEPS) {
  console.log(`\n=== ${title}: ${command}`);
  const { status, error } = spawnSync(command, { shell: true, stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) {
    console.error(`\n=== ${title} failed`);
    process.exit(1);
  }
}
console.log(`\n=== all of it holds: ${STEPS.map(([title]) => title).join(", ")}`);

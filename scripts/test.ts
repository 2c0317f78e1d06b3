// npm test: everything that proves the project, from the cheapest to the dearest. Stops at the first that fails.

import { type SpawnSyncOptions, spawn, spawnSync } from "node:child_process";

interface Step {
  readonly title: string;
  readonly command: string;
}

const STEPS: readonly Step[] = [
  { title: "build", command: "tsx scripts/build.ts" },
  { title: "types", command: "tsc --noEmit" },
  { title: "format and lint", command: "biome check --error-on-warnings ." },
  { title: "specs in Node", command: "mocha --parallel --jobs 2 --reporter dot 'spec/**/*.spec.ts'" },
];

/** These run side by side, as each waits more than it works; what they print comes when they are done. */
const RUNTIMES: readonly Step[] = [
  { title: "specs in Deno", command: "deno run -A spec/runtimes/run.ts" },
  { title: "specs in Bun", command: "bun spec/runtimes/run.ts" },
];

const SHELL: SpawnSyncOptions = { shell: true, stdio: "inherit" };

function announce({ title, command }: Step): void {
  console.log(`\n=== ${title}: ${command}`);
}

function check({ title }: Step, status: number | null): void {
  if (status === 0) return;
  console.error(`\n=== ${title} failed`);
  process.exit(1);
}

/** Runs a step; what it prints and its status. */
function finish({ command }: Step): Promise<{ output: string; status: number | null }> {
  const child = spawn(`${command} 2>&1`, { shell: true, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (status) => resolve({ output, status }));
  });
}

for (const step of STEPS) {
  announce(step);
  check(step, spawnSync(step.command, SHELL).status);
}
const running = RUNTIMES.map((step) => ({ step, finished: finish(step) }));
for (const { step, finished } of running) {
  const { output, status } = await finished;
  announce(step);
  process.stdout.write(output);
  check(step, status);
}
const titles = [...STEPS, ...RUNTIMES].map(({ title }) => title);
console.log(`\n=== all of it holds: ${titles.join(", ")}`);

// npm test: everything that proves the project, from the cheapest to the dearest. Stops at the first that fails.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";

interface Step {
  readonly title: string;
  readonly command: string;
}

const CHECKS: readonly Step[] = [
  { title: "build", command: "tsx scripts/build.ts" },
  { title: "types", command: "tsc --noEmit" },
  { title: "format and lint", command: "biome check --error-on-warnings ." },
];

/** Two at a time run side by side, as each has a core's worth of work. The first is seen as it runs, the others when they are done. */
const RUNTIMES: readonly Step[] = [
  { title: "specs in Node", command: "mocha --reporter dot 'spec/**/*.spec.ts'" },
  { title: "specs in Deno", command: "deno run -A spec/runtimes/run.ts" },
  { title: "specs in Bun", command: "bun spec/runtimes/run.ts" },
];
const AT_A_TIME = 2;

const children = new Set<ChildProcess>();

function announce({ title, command }: Step): void {
  console.log(`\n=== ${title}: ${command}`);
}

function check({ title }: Step, status: number | null): void {
  if (status === 0) return;
  console.error(`\n=== ${title} failed`);
  for (const child of children) child.kill();
  process.exit(1);
}

/** Runs a step, and shows what it prints, at once or in the end. */
async function run(step: Step): Promise<void> {
  const isLive = step === RUNTIMES[0];
  if (isLive) announce(step);
  const child = spawn(`exec ${step.command} 2>&1`, {
    shell: true,
    stdio: ["ignore", isLive ? "inherit" : "pipe", "inherit"],
  });
  children.add(child);
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  children.delete(child);
  if (!isLive) {
    announce(step);
    process.stdout.write(output);
  }
  check(step, status);
}

for (const step of CHECKS) {
  announce(step);
  check(step, spawnSync(step.command, { shell: true, stdio: "inherit" }).status);
}
const waiting = [...RUNTIMES];
const runWaiting = async () => {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await run(step);
};
await Promise.all(Array.from({ length: AT_A_TIME }, runWaiting));
const titles = [...CHECKS, ...RUNTIMES].map(({ title }) => title);
console.log(`\n=== all of it holds: ${titles.join(", ")}`);

// Runs suite.ts against the servers of servers.py in each runtime: tsx spec/python/python.ts [node] [deno] [bun]. The servers
// are those of Debian's python3-websockets, python3-autobahn and python3-tornado. Exit code 1 if anything fails.

import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  node: [process.execPath, "--import", "tsx"],
  deno: ["node_modules/.bin/deno", "run", "-A"],
  bun: ["node_modules/.bin/bun"],
};

async function serve(): Promise<{ ports: string; servers: ChildProcessByStdio<Writable, Readable, null> }> {
  // Debian's packages are for Debian's Python, and not for another that comes first in PATH.
  const servers = spawn(process.env.PYTHON ?? "/usr/bin/python3", ["spec/python/servers.py"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const { value: ports, done } = await createInterface({ input: servers.stdout })
    [Symbol.asyncIterator]()
    .next();
  if (done) throw new Error("the servers did not start");
  return { ports, servers };
}

const { ports, servers } = await serve();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RUNTIMES);
try {
  for (const name of wanted) {
    const [program, ...options] = RUNTIMES[name] ?? [];
    if (program === undefined) throw new Error(`no runtime is called ${name}`);
    const { status } = spawnSync(program, [...options, "spec/python/suite.ts", ports], { stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  servers.stdin.end();
  servers.kill();
}

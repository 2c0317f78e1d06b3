// npm run autobahn: both roles for a fuzzing suite like Autobahn|Testsuite, in Node, Deno and Bun.
//
//   npm run autobahn -- client ws://127.0.0.1:9001             through its fuzzing server, a runtime behind the other
//   npm run autobahn -- server                                 for its fuzzing client, until interrupted: on port 9002, 9003, 9004
//   npm run autobahn -- server -- wstest -m fuzzingclient ...  or until that command has ended
//   npm run autobahn -- client ws://... --runtime bun          in one alone; --port is the first port, --patience s of a case
//
// Where it serves, it prints what of a configuration names the servers: { "servers": [{ "agent": ..., "url": ... }] }.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { COMMANDS, type Runtime } from "../spec/interop/rows.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: "string", multiple: true },
    port: { type: "string", default: "9002" },
    patience: { type: "string", default: "300" },
  },
});
const [role, ...rest] = positionals;
const runtimes = (values.runtime ?? Object.keys(COMMANDS)) as Runtime[];

function start(runtime: Runtime, args: readonly string[], stdio: "inherit" | "pipe"): ChildProcess {
  const command = COMMANDS[runtime];
  if (command === undefined) throw new Error(`no runtime is called ${runtime}`);
  const [program = "", ...options] = command;
  const ends: "ignore" | "pipe" = stdio === "pipe" ? "pipe" : "ignore";
  return spawn(program, [...options, ...args], { stdio: [ends, stdio, "inherit"] });
}

/** Fulfils with the exit code. */
async function ended(child: ChildProcess): Promise<number> {
  const [code] = await once(child, "close");
  return code ?? 1;
}

async function beClient(url: string): Promise<void> {
  for (const runtime of runtimes) {
    const args = ["scripts/autobahn/client.ts", url, `isosocket-${runtime}`, "--patience", values.patience];
    if ((await ended(start(runtime, args, "inherit"))) !== 0) process.exitCode = 1;
  }
}

async function beServer(command: readonly string[]): Promise<void> {
  const children: ChildProcess[] = [];
  try {
    const servers: { agent: string; url: string }[] = [];
    for (const [i, runtime] of runtimes.entries()) {
      const child = start(runtime, ["scripts/autobahn/server.ts", String(Number(values.port) + i)], "pipe");
      children.push(child);
      const lines = createInterface({ input: child.stdout as Readable });
      const { value, done } = await lines[Symbol.asyncIterator]().next();
      if (done) throw new Error(`the server did not start in ${runtime}`);
      servers.push({ agent: `isosocket-${runtime}`, url: String(value) });
    }
    console.log(JSON.stringify({ servers }));
    const [program, ...args] = command;
    if (program !== undefined) process.exitCode = await ended(spawn(program, args, { stdio: "inherit" }));
    else await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  } finally {
    for (const child of children) child.stdin?.end();
    await Promise.all(children.map((child) => child.exitCode ?? ended(child)));
  }
}

if (role === "client") await beClient(rest[0] ?? "ws://127.0.0.1:9001");
else if (role === "server") await beServer(rest);
else {
  console.error("npm run autobahn -- client [URL], or npm run autobahn -- server [-- COMMAND]");
  process.exitCode = 2;
}

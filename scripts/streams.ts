// tsx scripts/streams.ts [MIB] [node | deno | bun]: a message of so many MiB (1024 if none are given) each way at once, between
// two processes with a heap of 64 MiB, one in each role. Prints what came through, and what memory it took.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { takesTypeScript } from "../spec/support/runtime.ts";

export interface StreamEnd {
  readonly role: "client" | "server";
  /** Bytes. */
  readonly sent: number;
  readonly received: number;
  /** The most memory that the process had taken before, and took, in MiB. */
  readonly before: number;
  readonly peak: number;
}

/** How a runtime is started, with the heap of its scripts bounded where that can be asked for. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  node: ["node", "--max-old-space-size=64", ...(takesTypeScript ? [] : ["--import", "tsx"])],
  deno: ["node_modules/.bin/deno", "run", "-A", "--v8-flags=--max-old-space-size=64"],
  bun: ["node_modules/.bin/bun", "--smol"],
};

/** Rejects for an end that fails, with what it said. */
export async function exchange(mib: number, runtime: string): Promise<StreamEnd[]> {
  const [program = "", ...args] = COMMANDS[runtime] ?? [];
  const start = (...more: string[]) =>
    spawn(program, [...args, "scripts/streams/end.ts", ...more], { stdio: ["ignore", "pipe", "inherit"] });
  const server = start("server", `${mib}`);
  const fromServer = linesOf(server);
  const ends: ChildProcess[] = [server];
  try {
    const port = await fromServer();
    const client = start("client", `${mib}`, port);
    ends.push(client);
    const lines = await Promise.all([linesOf(client)(), fromServer()]);
    return lines.map((line) => JSON.parse(line));
  } finally {
    for (const end of ends) end.kill();
  }
}

/** The next line that a process prints. */
function linesOf(child: ChildProcess): () => Promise<string> {
  if (child.stdout === null) throw new Error("its output is not read");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the process ended: ${child.exitCode ?? (await once(child, "exit"))[0]}`);
    return value;
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [mib = "1024", runtime = "node"] = process.argv.slice(2);
  for (const { role, sent, received, before, peak } of await exchange(Number(mib), runtime)) {
    const through = `${sent / 2 ** 20} MiB sent, ${received / 2 ** 20} received`;
    console.log(`${role}: ${through}; ${peak} MiB of memory at most, ${before} before`);
  }
}

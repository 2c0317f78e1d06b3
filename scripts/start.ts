// npm start [-- URL]: both programs of the tutorial at work, against an echo server of its own or one of the user's.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { serve } from "isosocket/server";

/** Runs a program with this Node; its exit code. */
async function run(title: string, program: string, url: string): Promise<number> {
  console.log(`\n=== ${title}: ${program} ${url}\n`);
  const child = spawn(process.execPath, ["--import", "tsx", program, url], { stdio: "inherit" });
  const [code] = await once(child, "exit");
  return code ?? 1;
}

/** Starts an echo server; its url. It ends with this process. */
async function startEchoServer(): Promise<string> {
  const { url = "" } = await serve({
    host: "localhost",
    port: 0,
    async onConnection(ws) {
      for await (const message of ws) await ws.send(message);
    },
  });
  console.log(`an echo server listens at ${url}`);
  return url;
}

const target = process.argv[2] ?? (await startEchoServer());
const code =
  (await run("Example 1, a short-lived connection", "scripts/tutorial/short-lived.ts", target)) ||
  (await run("Example 2, a long-lived connection, with its trace", "scripts/tutorial/long-lived.ts", target));
process.exit(code);

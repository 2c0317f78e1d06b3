// A client in JavaScript, in the runtime that runs this file, with our servers: run.ts web|ws URLS, where URLS is a JSON object of
// them by their runtimes. Prints its version, and a line of JSON for each outcome.

import { readFileSync } from "node:fs";
import process from "node:process";
import { tryAll } from "./cases.ts";
import { ws } from "./npm-ws.ts";
import { web } from "./web.ts";

const [kind, urls = "{}"] = process.argv.slice(2);
const { Deno, Bun } = globalThis as { Deno?: { version: { deno: string } }; Bun?: { version: string } };

function version(): string {
  if (kind === "ws")
    return JSON.parse(readFileSync(new URL("../../../node_modules/ws/package.json", import.meta.url), "utf8"))
      .version;
  return Deno?.version.deno ?? Bun?.version ?? process.versions.node;
}

console.log(JSON.stringify({ version: version() }));
for (const [runtime, url] of Object.entries<string>(JSON.parse(urls))) {
  for (const outcome of await tryAll(kind === "ws" ? ws : web, url))
    console.log(JSON.stringify({ runtime, ...outcome }));
}
process.exit(0);

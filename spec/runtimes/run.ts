// The one suite, by mocha, in the runtime that runs this file, which may be any: mocha's command line is Node's alone.
//
//   bun spec/runtimes/run.ts                      all that is the same in every runtime with sockets
//   bun spec/runtimes/run.ts spec/codec           the specs below these folders, or in these files

import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import Mocha from "mocha";
import "../support/no-proxy-variables.ts";
import { mochaHooks } from "../support/every-test.ts";

/** The rest is about the project itself, or Node's. */
const SHARED = [
  "bytes",
  "codec",
  "protocol",
  "handshake",
  "transport",
  "session",
  "client",
  "server",
  "cli",
  "docs",
  "examples",
  "interop",
  "faults",
  "secrets.spec.ts",
  "terminal.spec.ts",
];

/** The specs at and below a path. */
function specsIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".spec.ts")).map((file) => join(path, file));
}

const chosen = process.argv.slice(2);
const paths = chosen.length > 0 ? chosen : SHARED.map((folder) => join("spec", folder));
const mocha = new Mocha({ timeout: 20_000, forbidOnly: true, forbidPending: true, reporter: "dot" });
mocha.rootHooks(mochaHooks);
for (const file of paths.flatMap(specsIn).sort()) mocha.addFile(resolve(file));
await mocha.loadFilesAsync();
mocha.run((failures) => process.exit(failures === 0 ? 0 : 1));

// Runs specs by mocha in the runtime that runs this file, which may be any: its command line is Node's alone.
//
//   bun spec/runtimes/run.ts spec/bytes spec/codec      all specs below these folders, or in these files

import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import Mocha from "mocha";

/** The specs at and below a path. */
function specsIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".spec.ts")).map((file) => join(path, file));
}

const mocha = new Mocha({ timeout: 20_000, forbidOnly: true, forbidPending: true, reporter: "dot" });
for (const file of process.argv.slice(2).flatMap(specsIn).sort()) mocha.addFile(resolve(file));
await mocha.loadFilesAsync();
mocha.run((failures) => process.exit(failures === 0 ? 0 : 1));

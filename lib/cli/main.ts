// The command: arguments in, exit code out.

import { readFileSync } from "node:fs";
import type { WebSocketAppConstructor } from "../client/app.ts";
import { UsageError } from "../errors.ts";
import { parseArguments } from "./arguments.ts";
import { complaintLine, MISUSED } from "./exit.ts";
import { help } from "./help.ts";
import { PlainDisplay, writeNote } from "./output.ts";
import { Run } from "./run.ts";

/** Runs the command over a runtime's WebSocketApp; `manifest` is where the package.json is. The exit code. */
export async function main(
  args: readonly string[],
  WebSocketApp: WebSocketAppConstructor,
  manifest: URL,
): Promise<number> {
  try {
    const asked = parseArguments(args);
    if (typeof asked !== "string") return await new Run(asked, WebSocketApp).end(version(manifest));
    answer(asked === "help" ? help() : `isosocket ${version(manifest)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    writeNote(`${complaintLine(error.message)} (see isosocket --help)`);
    return MISUSED;
  }
}

function answer(text: string): void {
  try {
    new PlainDisplay().print(text);
  } catch {
    // Who asked did not want to read it all.
  }
}

function version(manifest: URL): string {
  return String(JSON.parse(readFileSync(manifest, "utf8")).version);
}

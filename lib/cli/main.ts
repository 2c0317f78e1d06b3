// The command: arguments in, exit code out.

import { readFileSync } from "node:fs";
import type { WebSocketAppConstructor } from "../client/app.ts";
import { UsageError } from "../errors.ts";
import { parseArguments } from "./arguments.ts";
import { ASKED, complaintLine, LOST, MISUSED } from "./exit.ts";
import { help } from "./help.ts";
import { PlainDisplay, unwritable, writeNote } from "./output.ts";
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
    return answer(asked === "help" ? help() : `isosocket ${version(manifest)}\n`);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    writeNote(`${complaintLine(error.message)} (see isosocket --help)`);
    return MISUSED;
  }
}

/** The exit code; who asked may not want to read it all. */
function answer(text: string): number {
  try {
    new PlainDisplay().print(text);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EPIPE") return ASKED;
    writeNote(complaintLine(unwritable(message)));
    return LOST;
  }
  return ASKED;
}

function version(manifest: URL): string {
  return String(JSON.parse(readFileSync(manifest, "utf8")).version);
}

// What the halves of interop.ts are made of: rows, each a thing that was tried with a system in a runtime.

import process from "node:process";

export type Runtime = "node" | "deno" | "bun";

/** How a program of ours is run. */
export const COMMANDS: Readonly<Record<Runtime, readonly string[]>> = {
  node: [process.execPath, "--import", "tsx"],
  deno: ["node_modules/.bin/deno", "run", "-A"],
  bun: ["node_modules/.bin/bun"],
};

/** What everybody is tried with: the columns of the table. Rows with other titles stand in a list below it. */
export const CASES = [
  "text",
  "UTF-8",
  "binary",
  "empty",
  "fragmented",
  "1 MiB",
  "ping",
  "close",
  "compression",
  "refusal",
] as const;

export interface Row {
  /** Whom we talked to, and with what it was started, if that matters: `ws4py on CherryPy`. */
  readonly system: string;
  /** One of CASES, or what else it is. */
  readonly case: string;
  /** The runtime in which our side ran. */
  readonly runtime: Runtime;
  /**
   * ok: it does, and we were strict; tolerated: it deviates, strictness failed as it should, and the tolerance in `note`
   * took it; none: the system does not have it, or it cannot be asked for it, and `note` says why.
   */
  readonly outcome: "ok" | "tolerated" | "none" | "failed";
  /** Where it is not simply ok: why. Where it is: what people should know, or "". No times, ports or paths. */
  readonly note: string;
}

/** One half: our client against servers, or our server against clients. */
export interface Half {
  readonly title: string;
  /** A few sentences in Markdown for the head of its table. */
  readonly text: string;
  /** The systems in the order of the table, with the versions that were met. */
  versions(): readonly (readonly [system: string, version: string])[];
  /** Starts what it needs, tries all of it in each runtime, and stops what it started. */
  run(runtimes: readonly Runtime[]): Promise<readonly Row[]>;
}

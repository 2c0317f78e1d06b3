// Who takes part: the runtimes of this machine, and in each of them isosocket, its rivals and the bare socket.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

export type Kind = "node" | "deno" | "bun";

export interface Runtime {
  readonly kind: Kind;
  /** Names it in results: `node-20`, `node-26`, `deno`, `bun`. */
  readonly id: string;
  /** `Node 20.20.2` */
  readonly title: string;
  readonly program: string;
  /** What stands before a file of TypeScript, and of JavaScript. */
  readonly typescript: readonly string[];
  readonly javascript: readonly string[];
  /** In the order of a table, isosocket first and the bare socket last. */
  readonly clients: readonly string[];
}

/** Those to compare with, of which the best decides; and the one that is compared with at start-up. */
export const RIVALS: Readonly<Record<Kind, readonly string[]>> = {
  node: ["ws"],
  deno: ["own"],
  bun: ["own", "ws"],
};

const LOCAL: Readonly<Record<Kind, string>> = {
  node: process.execPath,
  deno: resolve("node_modules/.bin/deno"),
  bun: resolve("node_modules/.bin/bun"),
};

export function runtimeOf(kind: Kind, program: string = LOCAL[kind]): Runtime {
  const { stdout, status, error } = spawnSync(program, ["--version"], { encoding: "utf8" });
  const [version] = /\d+\.\d+\.\d+/.exec(stdout ?? "") ?? [];
  if (status !== 0 || version === undefined)
    throw new Error(`${program} is no ${kind}`, { cause: error ?? stdout });
  const name = { node: "Node", deno: "Deno", bun: "Bun" }[kind];
  const common = { kind, title: `${name} ${version}`, program };
  const first = ["isosocket", "isosocket recv"];
  if (kind === "deno") {
    const run = ["run", "-A", "--v8-flags=--expose-gc"];
    return {
      ...common,
      id: kind,
      typescript: run,
      javascript: ["run", "-A"],
      clients: [...first, "own", "raw"],
    };
  }
  if (kind === "bun")
    return { ...common, id: kind, typescript: [], javascript: [], clients: [...first, "own", "ws", "raw"] };
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isErasing = major > 22 || (major === 22 && minor >= 18); // runs TypeScript by itself
  const own = major >= 22 ? ["own"] : []; // Node 20 has none
  return {
    ...{ ...common, id: `node-${major}`, javascript: [] },
    typescript: isErasing ? ["--expose-gc", "--no-warnings"] : ["--expose-gc", "--import", "tsx"],
    clients: [...first, "ws", "ws with bufferutil", ...own, "raw"],
  };
}

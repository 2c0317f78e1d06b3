// Programs of ours, in the runtime of the specs. Node 20 takes no TypeScript; to translate a program anew each time that it is run
// would take a second of the processor, which is longer than most of them run, so there they are built once, with esbuild.

import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { command, takesTypeScript } from "./runtime.ts";

const esbuild = takesTypeScript ? undefined : await import("esbuild");

/** Where built files are: the project as it looks to them. */
const root = esbuild === undefined ? "" : mkdtempSync(join(tmpdir(), "isosocket-"));
if (root !== "") {
  process.on("exit", () => rmSync(root, { recursive: true }));
  copyFileSync("package.json", join(root, "package.json"));
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
}
const built = new Map<string, string>();
const target = `node${process.versions.node}`;

function build(esbuild: typeof import("esbuild"), files: readonly string[]): void {
  const outdir = join(root, files === ENTRIES ? "dist" : dirname(files[0] ?? ""));
  const modules = { format: "esm", platform: "node", packages: "external", target } as const;
  esbuild.buildSync({
    entryPoints: [...files],
    outdir,
    bundle: true,
    splitting: files === ENTRIES,
    ...modules,
  });
  for (const file of files) built.set(file, join(outdir, basename(file).replace(/ts$/, "js")));
}

/**
 * The entries share what they share in the package: their errors, for one, are of the same classes. Other programs share nothing:
 * esbuild may give two files of different builds the same name that do not export the same.
 */
const ENTRIES = ["lib/node.ts", "lib/core.ts", "lib/server.ts", "lib/cli.ts"];

/** A file in TypeScript, as this runtime takes it. */
export function runnable(file: string): string {
  if (esbuild === undefined) return resolve(file);
  if (!built.has(file)) build(esbuild, ENTRIES.includes(file) ? ENTRIES : [file]);
  return built.get(file) ?? "";
}

/** The same of the text of a program that imports such files alone. */
export function runnableText(text: string): string {
  return esbuild?.transformSync(text, { loader: "ts", target }).code ?? text;
}

/** The words that run a program in this runtime. */
export function wordsOf(file: string): readonly [program: string, ...words: string[]] {
  const [program = "", ...words] = takesTypeScript ? command : [process.execPath];
  return [program, ...words, runnable(file)];
}

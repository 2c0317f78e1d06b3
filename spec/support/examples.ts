// The examples of the documentation, as programs: TypeScript that imports isosocket, or a shell that runs the command, with
// comments `=> text` that say what is printed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runnable, runnableText, wordsOf } from "./built.ts";
import { certificates } from "./certificates.ts";
import type { ExampleServer } from "./example-server.ts";
import type { CodeBlock } from "./markdown.ts";
import { command, runtime, takesTypeScript } from "./runtime.ts";

/** What the examples leave to their readers. */
const READERS: Readonly<Record<string, string>> = {
  freshToken: 'const freshToken = async () => "abc";',
  handle: "const handle = (message: string | Uint8Array) => console.log(message);",
};

/**
 * How long an example may take, in ms, and how long its test, which then tells what it had printed. Most of it is the start of a
 * runtime or two: a second, but half a minute on a machine that has more to do than it can.
 */
const PATIENCE_MS = 120_000;
export const EXAMPLE_TIMEOUT_MS: number = PATIENCE_MS + 10_000;

/** What runs an example. */
const PROGRAM = takesTypeScript ? command : [process.execPath];

const SERVER = runtime === "deno" ? "lib/server-deno.ts" : "lib/server.ts";

/** What the examples import besides. */
const PACKAGES = ["express", "fastify"];

/** The types of it. */
export const READERS_TYPES = `
declare function freshToken(): Promise<string>;
declare function handle(message: string | Uint8Array): void;
`;

/** The lines that an example says it prints. */
export function promised({ text }: CodeBlock): string[] {
  return Array.from(text.matchAll(/(?:\/\/|#) => (.*)$/gm), ([, line = ""]) => line);
}

/** Runs an example in the runtime of this spec, with the server's places for those that it names; the lines it prints. */
export function printedBy(example: CodeBlock, server: ExampleServer, ...args: string[]): Promise<string[]> {
  return outputOf(example, server, args, false);
}

/** As printedBy(), with what goes to standard error, in the order in which a person sees it. */
export function shownBy(example: CodeBlock, server: ExampleServer, ...args: string[]): Promise<string[]> {
  return outputOf(example, server, args, true);
}

/** Through a file, which keeps the order of two streams. Rejects for a program that fails, with all that it wrote. */
async function outputOf(
  example: CodeBlock,
  server: ExampleServer,
  args: readonly string[],
  withErrors: boolean,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
  const isShell = example.language === "sh";
  for (const [name, text] of Object.entries(filesOf(example))) writeFileSync(join(folder, name), text);
  if (importsPackage(example)) symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  const names = [isShell ? "example.sh" : `example.${takesTypeScript ? "mts" : "mjs"}`, "output", "errors"];
  const [source = "", output = "", errors = ""] = names.map((name) => join(folder, name));
  writeFileSync(source, isShell ? script(example, server) : program(example, server, folder));
  const [stdout, stderr] = [openSync(output, "a"), openSync(errors, "a")];
  try {
    const [runner = "", ...rest] = [...(isShell ? ["sh", "-e"] : PROGRAM), source, ...args];
    const stdio = ["ignore" as const, stdout, withErrors ? stdout : stderr];
    const [code, signal] = await once(spawn(runner, rest, { stdio, timeout: PATIENCE_MS }), "close");
    const text = readFileSync(output, "utf8");
    if (code !== 0)
      throw new Error(
        `${example.place} exits with ${code ?? signal}: ${text}${readFileSync(errors, "utf8")}`,
      );
    return text.split("\n").slice(0, -1);
  } finally {
    for (const file of [stdout, stderr]) closeSync(file);
    rmSync(folder, { recursive: true });
  }
}

/** What `npx isosocket` runs is the source, in the runtime of this spec. */
function script({ text }: CodeBlock, server: ExampleServer): string {
  const run = wordsOf("lib/cli.ts")
    .map((word) => `'${word}'`)
    .join(" ");
  return `npx() { shift; ${run} "$@"; }\n${local(text, server)}`;
}

function importsPackage({ text }: CodeBlock): boolean {
  return PACKAGES.some((name) => text.includes(`from "${name}"`));
}

/** The files that an example needs: certificates and keys that it reads, and what says which packages it has. */
function filesOf(example: CodeBlock): Record<string, string> {
  const dependencies = Object.fromEntries(PACKAGES.map((name) => [name, "*"]));
  const manifest = { "package.json": JSON.stringify({ dependencies }) };
  const packages = importsPackage(example) ? manifest : {};
  if (!example.text.includes('.pem"')) return packages;
  const { ca, server } = certificates();
  return { ...packages, "ca.pem": ca, "cert.pem": server.cert, "key.pem": server.key };
}

function program({ text }: CodeBlock, server: ExampleServer, folder: string): string {
  const missing = Object.entries(READERS).filter(([name]) => text.includes(`${name}(`));
  const imported = text
    .replaceAll('from "isosocket"', `from ${JSON.stringify(runnable(`lib/${runtime}.ts`))}`)
    .replaceAll('from "isosocket/core"', `from ${JSON.stringify(runnable("lib/core.ts"))}`)
    .replaceAll('from "isosocket/server"', `from ${JSON.stringify(runnable(SERVER))}`)
    .replace(/"(\w+\.pem)"/g, (_, name) => JSON.stringify(join(folder, name)));
  return runnableText([...missing.map(([, code]) => code), local(imported, server)].join("\n"));
}

/** The places of the server for those that the examples name. */
function local(text: string, { port, proxyPort }: ExampleServer): string {
  return text
    .replaceAll("localhost:3128", `127.0.0.1:${proxyPort}`)
    .replace(/wss?:\/\/(localhost:4040|[a-z.]+\.example)\//g, `ws://127.0.0.1:${port}/`);
}

// Our server for clients: starts it in each runtime, and then each client, which tries all of them.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { build } from "esbuild";
import puppeteer, { type LaunchOptions } from "puppeteer-core";
import type { Outcome } from "./clients/cases.ts";
import { CASES, COMMANDS, type Half, type Row, type Runtime } from "./rows.ts";

/** Of our servers, by the runtimes that they run in. */
type Urls = Readonly<Partial<Record<Runtime, string>>>;

interface Tried {
  readonly version: string;
  readonly outcomes: readonly (Outcome & { readonly runtime: Runtime })[];
}

interface ClientOfOthers {
  readonly system: string;
  run(urls: Urls): Promise<Tried>;
}

/** A client that is a program: it is given the urls, and prints its version and then outcomes, each as a line of JSON. */
function program(system: string, ...[command = "", ...args]: readonly string[]): ClientOfOthers {
  return {
    system,
    async run(urls) {
      const child = spawn(command, [...args, JSON.stringify(urls)], { stdio: ["ignore", "pipe", "inherit"] });
      const lines: string[] = [];
      for await (const line of createInterface({ input: child.stdout })) lines.push(line);
      const [{ version = "" } = {}, ...outcomes] = lines
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line));
      return { version, outcomes };
    },
  };
}

function python(system: string, name: string): ClientOfOthers {
  return program(system, process.env.PYTHON ?? "/usr/bin/python3", `spec/interop/clients/${name}_client.py`);
}

/** Of nothing that is asked it can do anything, for the same reason. */
function absent(urls: Urls, note: string): Tried["outcomes"] {
  const runtimes = Object.keys(urls) as Runtime[];
  return runtimes.flatMap((runtime) =>
    CASES.map((name) => ({ runtime, case: name, outcome: "none" as const, note })),
  );
}

/** The newest Node, which may be another than runs this; in Node 20 its WebSocket is an experiment. */
function nodeItself(): ClientOfOthers {
  const node = process.env.NEWEST_NODE ?? process.execPath;
  const flag = "--experimental-websocket";
  const { status } = spawnSync(node, [flag, "-e", ""]);
  return program(
    "Node's own",
    node,
    ...(status === 0 ? [flag] : []),
    "--import",
    "tsx",
    "spec/interop/clients/run.ts",
    "web",
  );
}

/** Its WebSocket is not built into Debian's; but it can ask for an upgrade, and tells how that was answered. */
const curl: ClientOfOthers = {
  system: "curl",
  async run(urls) {
    const { stdout: about = "" } = spawnSync("curl", ["--version"], { encoding: "utf8" });
    const version = /^curl (\S+)/.exec(about)?.[1] ?? "";
    const speaks = /^Protocols:.*\bwss?\b/m.test(about);
    const note = speaks
      ? "Its command has nothing to speak WebSocket with, but for what it receives."
      : "This curl is built without WebSocket.";
    const runtimes = Object.entries(urls) as [Runtime, string][];
    const refusals = runtimes.map(([runtime, url]) => ({ runtime, ...refusalBy("curl", url) }));
    const others = absent(urls, note).filter((outcome) => outcome.case !== "refusal");
    return { version, outcomes: [...others, ...refusals] };
  },
};

function refusalBy(command: string, url: string): Outcome {
  const fields = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const { stdout } = spawnSync(
    command,
    [
      ...["--silent", "--max-time", "20", "--write-out", " %{http_code}"],
      ...[...fields, key].flatMap((field) => ["--header", field]),
      `${url.replace(/^ws/, "http")}refuse`,
    ],
    { encoding: "utf8" },
  );
  if (stdout.trim() !== "not you 403")
    return { case: "refusal", outcome: "failed", note: `It got ${stdout}.` };
  return { case: "refusal", outcome: "ok", note: "As a client of HTTP that asks for an upgrade." };
}

const BROWSERS: Readonly<Record<string, LaunchOptions>> = {
  Chromium: {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  },
  Firefox: { browser: "firefox", executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr" },
};

function browser(system: string): ClientOfOthers {
  return {
    system,
    async run(urls) {
      const { outputFiles } = await build({
        entryPoints: ["spec/interop/clients/in-page.ts"],
        bundle: true,
        format: "iife",
        target: "es2022",
        write: false,
      });
      const started = await puppeteer.launch({ headless: true, ...BROWSERS[system] });
      try {
        const version = /\/([\d.]+)/.exec(await started.version())?.[1] ?? "";
        const page = await started.newPage();
        await page.evaluate(outputFiles.map((file) => file.text).join(""));
        const outcomes: (Outcome & { runtime: Runtime })[] = [];
        for (const [runtime, url] of Object.entries(urls) as [Runtime, string][]) {
          const tried = (await page.evaluate(`globalThis.tryAll(${JSON.stringify(url)})`)) as Outcome[];
          outcomes.push(...tried.map((outcome) => ({ runtime, ...outcome })));
        }
        return { version, outcomes };
      } finally {
        await started.close();
      }
    },
  };
}

const CLIENTS: readonly ClientOfOthers[] = [
  python("websocket-client", "websocket_client"),
  python("websockets", "websockets"),
  python("ws4py", "ws4py"),
  python("Autobahn on asyncio", "autobahn"),
  python("aiohttp", "aiohttp"),
  curl,
  program("npm's ws", ...COMMANDS.node, "spec/interop/clients/run.ts", "ws"),
  nodeItself(),
  program("Deno's own", ...COMMANDS.deno, "spec/interop/clients/run.ts", "web"),
  program("Bun's own", ...COMMANDS.bun, "spec/interop/clients/run.ts", "web"),
  browser("Chromium"),
  browser("Firefox"),
];

async function startServer(runtime: Runtime): Promise<{ child: ChildProcess; url: string }> {
  const [command = "", ...args] = COMMANDS[runtime];
  const child = spawn(command, [...args, "spec/interop/clients/server.ts"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout as Readable });
  const { value, done } = await lines[Symbol.asyncIterator]().next();
  if (done) throw new Error(`our server did not start in ${runtime}`);
  return { child, url: value };
}

/** Every client must have tried everything. */
function rowsOf({ system }: ClientOfOthers, urls: Urls, { outcomes }: Tried): Row[] {
  return (Object.keys(urls) as Runtime[]).flatMap((runtime) =>
    CASES.map((name): Row => {
      const found = outcomes.find((one) => one.runtime === runtime && one.case === name);
      const { outcome, note } = found ?? { outcome: "failed" as const, note: "It ended before." };
      return { system, case: name, runtime, outcome, note };
    }),
  );
}

/** By system, once they were met. */
const versions = new Map<string, string>();

export const serverRole: Half = {
  title: "isosocket's server and others' clients",
  text: "The clients are started by the programs in `spec/interop/clients/`, on Debian's packages, npm's, and what the runtimes have.",
  versions: () => CLIENTS.map(({ system }) => [system, versions.get(system) ?? ""] as const),

  async run(runtimes) {
    const servers = await Promise.all(
      runtimes.map(async (runtime) => ({ runtime, ...(await startServer(runtime)) })),
    );
    const urls: Urls = Object.fromEntries(servers.map(({ runtime, url }) => [runtime, url]));
    const rows: Row[] = [];
    const waiting = [...CLIENTS];
    const work = async () => {
      for (let client = waiting.shift(); client !== undefined; client = waiting.shift()) {
        const tried = await client
          .run(urls)
          .catch((error) => ({ version: "", outcomes: absentFor(urls, error) }));
        versions.set(client.system, tried.version);
        rows.push(...rowsOf(client, urls, tried));
      }
    };
    try {
      await Promise.all([work(), work()]);
    } finally {
      for (const { child } of servers) child.stdin?.end();
      await Promise.all(servers.map(({ child }) => child.exitCode ?? once(child, "close")));
    }
    return rows;
  },
};

/** A client that could not be started has failed in all. */
function absentFor(urls: Urls, error: unknown): Tried["outcomes"] {
  return absent(urls, String(error)).map((outcome) => ({ ...outcome, outcome: "failed" as const }));
}

// The servers that our client is tried with: each has a start script or a configuration below servers/, listens on free
// ports of 127.0.0.1, and ends with its standard input.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { certificates } from "../support/certificates.ts";
import { freePort, listening } from "../support/daemon.ts";

type Ports = Readonly<Record<string, number>>;

export interface Servers {
  /** By the name of the server, and of the port. */
  readonly ports: Readonly<Record<string, Ports>>;
  stop(): Promise<void>;
}

/** Those whose script is servers/NAME_server.py. */
const PYTHON: readonly string[] = [
  "websockets",
  "autobahn_asyncio",
  "autobahn_twisted",
  "tornado",
  "aiohttp",
  "wsproto",
  "gevent_websocket",
  "ws4py_gevent",
  "ws4py_wsgiref",
  "ws4py_cherrypy",
  "daphne",
  "socketio",
];

const HERE = resolve("spec/interop/servers");
const WITH_INPUT = join(HERE, "with-input.sh");

/** Starts all of them, side by side. */
export async function startServers(): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "isosocket-servers-"));
  const children: ChildProcessWithoutNullStreams[] = [];
  const start = (program: string, words: readonly string[]) => {
    const child = spawn(program, words, {
      cwd: folder,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }, // where some users have no path to
    });
    child.stdin.on("error", () => {}); // one that is gone already
    children.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of children) child.stdin.end();
    await Promise.all(children.map(gone));
    rmSync(folder, { recursive: true });
  };
  try {
    const python = PYTHON.map(async (name) => [name, await startPython(name, start)] as const);
    const lws = startLibwebsockets(start);
    const ports = Object.fromEntries(await Promise.all(python));
    const upstream = ports.websockets?.port ?? 0;
    const { cert, key } = certificates().server;
    writeFileSync(join(folder, "server.pem"), `${cert}${key}`, { mode: 0o600 });
    const [libwebsockets, nginx, haproxy] = await Promise.all([
      lws,
      startProxy("nginx.conf", folder, upstream, (conf) =>
        start(WITH_INPUT, ["nginx", "-p", folder, "-c", conf]),
      ),
      startProxy("haproxy.cfg", folder, upstream, (conf) =>
        start(WITH_INPUT, ["haproxy", "-q", "-db", "-f", conf]),
      ),
    ]);
    return { ports: { ...ports, libwebsockets, nginx, haproxy }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Fulfils when a child has ended. */
function gone(child: ChildProcessWithoutNullStreams): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => child.once("exit", resolve));
}

type Start = (program: string, words: readonly string[]) => ChildProcessWithoutNullStreams;

/** It says itself where it listens. */
async function startPython(name: string, start: Start): Promise<Ports> {
  // Debian's packages are for Debian's Python, and not for another that comes first in PATH; -B leaves no files behind.
  const child = start(process.env.PYTHON ?? "/usr/bin/python3", ["-B", join(HERE, `${name}_server.py`)]);
  const said = output(child);
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  throw new Error(`${name} does not listen: ${said()}`);
}

async function startLibwebsockets(start: Start): Promise<Ports> {
  const port = await freePort();
  const words = ["libwebsockets-test-server", `--port=${port}`, "-i", "lo", "-d", "1"];
  await until("libwebsockets", start(WITH_INPUT, words), port);
  return { port };
}

/** The configuration's words in capitals are its ports. */
async function startProxy(
  file: string,
  folder: string,
  upstream: number,
  start: (conf: string) => ChildProcessWithoutNullStreams,
): Promise<Ports> {
  const [port, secure, nobody] = [await freePort(), await freePort(), await freePort()];
  const text = readFileSync(join(HERE, file), "utf8")
    .replaceAll("PLAIN", `${port}`)
    .replaceAll("SECURE", `${secure}`)
    .replaceAll("UPSTREAM", `${upstream}`)
    .replaceAll("NOBODY", `${nobody}`);
  const conf = join(folder, file);
  writeFileSync(conf, text);
  await until(file, start(conf), port);
  return { port, secure };
}

async function until(name: string, child: ChildProcessWithoutNullStreams, port: number): Promise<void> {
  const said = output(child);
  await listening(port, child).catch((cause) => {
    throw new Error(`${name} does not listen: ${said()}`, { cause });
  });
}

/** What it says on standard error, which is also kept from filling up. */
function output(child: ChildProcessWithoutNullStreams): () => string {
  let text = "";
  child.stderr.on("data", (chunk) => {
    text = `${text}${chunk}`.slice(-10_000);
  });
  return () => text;
}

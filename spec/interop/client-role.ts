// Our client against servers: starts them once, and tries them in all runtimes side by side.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificates } from "../support/certificates.ts";
import type { Plan } from "./client-role/trial.ts";
import { COMMANDS, type Half, type Row, type Runtime } from "./rows.ts";
import { startServers } from "./servers.ts";

/** Debian's package of each system, and of what it runs on where that is another. */
const PACKAGES: readonly (readonly [system: string, name: string, on?: string, onName?: string])[] = [
  ["websockets", "python3-websockets"],
  ["Autobahn on asyncio", "python3-autobahn"],
  ["Autobahn on Twisted", "python3-autobahn", "Twisted", "python3-twisted"],
  ["Tornado", "python3-tornado"],
  ["aiohttp", "python3-aiohttp"],
  ["wsproto", "python3-wsproto"],
  ["gevent-websocket", "python3-gevent-websocket", "gevent", "python3-gevent"],
  ["ws4py on gevent", "python3-ws4py", "gevent", "python3-gevent"],
  ["ws4py on wsgiref", "python3-ws4py"],
  ["ws4py on CherryPy", "python3-ws4py", "CherryPy", "python3-cherrypy3"],
  ["Django Channels on Daphne", "python3-django-channels", "Daphne", "python3-daphne"],
  ["Flask-SocketIO on gevent", "python3-flask-socketio", "gevent", "python3-gevent"],
  ["libwebsockets", "libwebsockets-test-server"],
  ["nginx", "nginx-light"],
  ["HAProxy", "haproxy"],
];

/** The version as its authors count it: without what Debian adds before and behind. */
function versionOf(name: string): string {
  const { stdout } = spawnSync("dpkg-query", ["--show", name], { encoding: "utf8" });
  return (stdout.trim().split("\t")[1] ?? "").replace(/^\d+:/, "").replace(/[+~-].*$/, "");
}

/** The rows of the suite in a runtime. */
function rowsIn(runtime: Runtime, plan: string): Promise<readonly Row[]> {
  const [program = "", ...words] = COMMANDS[runtime];
  const child = spawn(program, [...words, "spec/interop/client-role/suite.ts", plan], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("close", () => {
      const last = output.trimEnd().split("\n").pop() ?? "";
      if (last.startsWith("[")) resolve(JSON.parse(last));
      else reject(new Error(`the suite broke off in ${runtime}: ${output}`));
    });
  });
}

async function run(runtimes: readonly Runtime[]): Promise<readonly Row[]> {
  const servers = await startServers();
  const folder = mkdtempSync(join(tmpdir(), "isosocket-interop-"));
  const file = join(folder, "plan.json");
  try {
    const plan: Plan = { ports: servers.ports, ca: certificates().ca };
    writeFileSync(file, JSON.stringify(plan));
    return (await Promise.all(runtimes.map((runtime) => rowsIn(runtime, file)))).flat();
  } finally {
    await servers.stop();
    rmSync(folder, { recursive: true });
  }
}

export const clientRole: Half = {
  title: "isosocket's client, others' servers",
  text: `Each server is started by its script in \`spec/interop/servers/\`, on Debian's packages. nginx and HAProxy stand before
websockets. Where two subprotocols are offered, each server's choice is taken; WAMP is spoken as AutobahnJS begins it, by
Autobahn's own transport.`,
  versions: () =>
    PACKAGES.map(([system, name, on, onName = ""]) => {
      const version = versionOf(name);
      return [system, on === undefined ? version : `${version}, ${on} ${versionOf(onName)}`] as const;
    }),
  run,
};

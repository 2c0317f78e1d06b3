// Runs suite.ts through real proxies, in Node, Deno and Bun: tsx spec/proxies/proxies.ts [node] [deno] [bun]. Needs Debian's
// packages tinyproxy-bin, stunnel4, microsocks, dante-server and openssh-server. Nothing leaves 127.0.0.1. Exit code 1 if
// anything fails.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import "../support/no-proxy-variables.ts";
import { certificates } from "../support/certificates.ts";
import { listen } from "../support/peer.ts";
import { type WsServer, wsServer } from "../support/ws-server.ts";
import { LOGIN, type Name, SOCKS_LOGIN, startDaemons } from "./daemons.ts";
import type { Plan, Row } from "./suite.ts";

const COMMANDS: Record<string, readonly string[]> = {
  node: [process.execPath, "--import", "tsx"],
  deno: ["node_modules/.bin/deno", "run", "-A"],
  bun: ["node_modules/.bin/bun"],
};

function rowsOf(ports: Readonly<Record<Name, number>>): Row[] {
  const row = (name: Name, scheme: string, login = "", expected: Row["expected"] = "open"): Row => ({
    title: `${name}, ${scheme}${login && `, login ${login}`}`,
    url: `${scheme}://${login && `${login}@`}127.0.0.1:${ports[name]}`,
    expected,
    tells: name !== "ssh -D",
  });
  const withLogins = (name: Name, scheme: string, login: string): Row[] => [
    row(name, scheme, login),
    row(name, scheme, "user:wrong", "login"),
    row(name, scheme, "", "login"),
  ];
  return [
    row("tinyproxy", "http"),
    ...withLogins("tinyproxy with a login", "http", LOGIN),
    row("stunnel and tinyproxy", "https"),
    ...withLogins("stunnel and tinyproxy with a login", "https", LOGIN),
    row("microsocks", "socks5"),
    row("microsocks", "socks5h"),
    ...withLogins("microsocks with a login", "socks5", SOCKS_LOGIN),
    ...withLogins("microsocks with a login", "socks5h", SOCKS_LOGIN),
    row("danted", "socks4"),
    row("danted", "socks4", "somebody"),
    row("danted", "socks5"),
    row("danted", "socks5", LOGIN), // which it does not ask for
    row("danted", "socks5h"),
    row("ssh -D", "socks4"),
    row("ssh -D", "socks4a"),
    row("ssh -D", "socks5"),
    row("ssh -D", "socks5h"),
  ];
}

/** Runs the suite in a runtime; how many failed, and how many connections it opened. */
function runIn(name: string, file: string): Promise<{ failed: number; opened: number }> {
  const [program = "", ...words] = COMMANDS[name] ?? [];
  if (program === "") throw new Error(`no runtime is called ${name}`);
  const child = spawn(program, [...words, "spec/proxies/suite.ts", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("close", () => {
      const lines = output.trimEnd().split("\n");
      const counts = lines.pop() ?? "";
      if (!counts.startsWith("{")) return reject(new Error(`the suite broke off: ${output}`));
      console.log(lines.join("\n"));
      console.log(`${name}: ${counts}`);
      resolve(JSON.parse(counts));
    });
  });
}

/** Echoes what the servers get, and counts whom they got it from. */
async function echoing(server: WsServer, count: () => void): Promise<void> {
  for (;;) {
    const socket = await server.connections.next();
    count();
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  }
}

const daemons = await startDaemons();
const servers = [await wsServer("TCP"), await wsServer("TLS")];
const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
const file = join(folder, "plan.json");
let connections = 0;
let failed = 0;
try {
  for (const server of servers) void echoing(server, () => connections++);
  const gone = await listen(() => {});
  await gone.close();
  const plan: Plan = {
    rows: rowsOf(daemons.ports),
    servers: servers.map(({ url }) => url.replace("127.0.0.1", "localhost")),
    nowhere: gone.url,
    ca: certificates().ca,
  };
  writeFileSync(file, JSON.stringify(plan));
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(COMMANDS);
  for (const name of wanted) {
    connections = 0;
    const counts = await runIn(name, file);
    failed += counts.failed;
    if (connections !== counts.opened) {
      failed++;
      console.log(`  FAILED ${name}: the servers got ${connections} connections, not ${counts.opened}`);
    }
  }
} finally {
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true });
  await daemons.stop();
}
process.exit(failed === 0 ? 0 : 1);

// npm run example -- unix-socket [--path PATH]: a daemon that answers on a Unix socket, which only its user may open: no port,
// no password, no page that could reach it. Talk to it with: npx isosocket ws+unix:PATH:/

import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type AcceptedConnection, serve } from "isosocket/server";
import { stopped } from "./site/stopped.ts";

const { values } = parseArgs({
  options: { path: { type: "string", default: join(tmpdir(), `isosocket-${process.pid}.sock`) } },
});
const socketPath = values.path;

/** What can be asked, and the answers. */
const COMMANDS: Readonly<Record<string, () => string>> = {
  uptime: () => `up for ${Math.round(process.uptime())} s`,
  memory: () => `${Math.round(process.memoryUsage().rss / 1024 / 1024)} MiB`,
  connections: () => `${server.connections.size} connected`,
  help: () => `I know ${Object.keys(COMMANDS).join(", ")}`,
};

async function onConnection(ws: AcceptedConnection): Promise<void> {
  for await (const message of ws) {
    const name = String(message).trim();
    const answer = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : COMMANDS.help;
    await ws.send(answer?.() ?? "");
  }
}

const end = stopped();
process.umask(0o077); // whoever may not write to the socket cannot connect
const server = await serve({ socketPath, maxMessageSize: 1024, onConnection });
console.log(`answering at ${server.url}`);

await end;
await server.close();

#!/usr/bin/env node
// The command isosocket, for whichever runtime runs it: all of them have Node's sockets. Deno says no to what it would
// ignore of TLS, which files of a client's certificate may be; of what Bun would, no flag asks for anything.

import { HUNG_UP } from "./cli/exit.ts";
import { main } from "./cli/main.ts";
import { webSocketAppWith } from "./client/app.ts";
import { overSockets } from "./client/socket-options.ts";
import { openWire } from "./session/open.ts";
import { deno } from "./transport/deno.ts";
import { node } from "./transport/node.ts";

const platform = process.versions.deno === undefined ? node : deno;
const WebSocketApp = webSocketAppWith(overSockets(openWire(platform), platform), {});
const manifest = new URL("../package.json", import.meta.url);
const code = await main(process.argv.slice(2), WebSocketApp, manifest);
// Node cannot exit from a terminal that is gone: it aborts, as it cannot put it back as it was.
if (code === HUNG_UP) process.kill(process.pid, "SIGHUP");
process.exit(code);

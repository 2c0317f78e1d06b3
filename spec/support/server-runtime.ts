// The server's entry of the runtime that these specs run in.

import type * as ServerEntry from "../../lib/server.ts";
import type { Host } from "../../lib/transport/host.ts";
import { hostOf } from "../../lib/transport/node-host.ts";
import { platform, runtime } from "./runtime.ts";

const entry: typeof ServerEntry = await import(`../../lib/server${runtime === "deno" ? "-deno" : ""}.ts`);

export const accept: typeof ServerEntry.accept = entry.accept;
export const serve: typeof ServerEntry.serve = entry.serve;
export const acceptOver: typeof ServerEntry.acceptOver = entry.acceptOver;

export const host: Host = hostOf(platform);

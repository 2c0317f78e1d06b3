// The entry and the platform of the runtime that these specs run in: one suite, whatever runs it.

import type { WebSocketAppConstructor } from "../../lib/client/app.ts";
import type { CreateClient } from "../../lib/client/client.ts";
import type { CreateConnection } from "../../lib/client/connection.ts";
import type * as NodeEntry from "../../lib/node.ts";
import type { Platform } from "../../lib/transport/transport.ts";

export type Runtime = "node" | "deno" | "bun";

export const runtime: Runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

const entry: typeof NodeEntry = await import(`../../lib/${runtime}.ts`);
const transport: Record<Runtime, Platform> = await import(`../../lib/transport/${runtime}.ts`);

export const createConnection: CreateConnection = entry.createConnection;
export const createClient: CreateClient = entry.createClient;
export const WebSocketApp: WebSocketAppConstructor = entry.WebSocketApp;
export type WebSocketApp = NodeEntry.WebSocketApp;

export const platform: Platform = transport[runtime];

/** Whether this runtime takes TypeScript as it is: Node does since 22.18, and then its coverage tells of the sources. */
export const takesTypeScript: boolean =
  runtime !== "node" || ("typescript" in process.features && process.features.typescript !== false);

/** The command that runs a program of ours in this runtime. */
export const command: readonly string[] = {
  node: takesTypeScript ? [process.execPath] : [process.execPath, "--import", "tsx"],
  deno: [process.execPath, "run", "-A"],
  bun: [process.execPath],
}[runtime];

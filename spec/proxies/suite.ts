// What is the same through every real proxy, in the runtime that runs this: suite.ts FILE, where FILE has a Plan in JSON.
// Prints a line for each test, and at last how many connections the servers must have got.

import { readFileSync } from "node:fs";
import process from "node:process";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { ProxyError } from "../../lib/errors.ts";
import { createClient, runtime } from "../support/runtime.ts";

export interface Row {
  readonly title: string;
  readonly url: string;
  /** What comes of it. */
  readonly expected: "open" | "login";
  /** Whether it tells when it cannot reach a server; ssh says yes to everything. */
  readonly tells: boolean;
}

export interface Plan {
  readonly rows: readonly Row[];
  /** Urls of two servers that echo. */
  readonly servers: readonly string[];
  /** Url of none. */
  readonly nowhere: string;
  /** PEM of the authority that signed the servers' certificates and that of stunnel. */
  readonly ca: string;
}

const plan: Plan = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
const client = createClient({ tls: { ca: plan.ca } });
const counts = { passed: 0, failed: 0, opened: 0 };

async function test(title: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    counts.passed++;
    console.log(`  ok ${runtime}: ${title}`);
  } catch (error) {
    counts.failed++;
    console.log(`  FAILED ${runtime}: ${title}\n    ${String((error as Error).stack ?? error)}`);
  }
}

function check(what: string, isTrue: boolean): void {
  if (!isTrue) throw new Error(`not so: ${what}`);
}

/** Connects, and sees whether it is through the proxy and carries messages of every size. */
async function talk(server: string, { url }: Row, options: ConnectionOptions): Promise<void> {
  const ws = await client.createConnection(server, options);
  counts.opened++;
  check("it goes through the proxy", ws.remoteAddress === new URL(url.replace(/^\w+/, "http")).host);
  for (const size of [0, 5, 70_000, 1_000_000]) {
    await ws.send(new Uint8Array(size).fill(size));
    const echo = await ws.recv();
    check(
      `${size} bytes come back`,
      echo.length === size && (echo as Uint8Array).every((byte) => byte === size % 256),
    );
  }
  const info = await ws.close();
  check("it closes cleanly", info.wasClean && info.code === 1000);
}

async function refused(server: string, options: ConnectionOptions): Promise<ProxyError> {
  try {
    const ws = await client.createConnection(server, options);
    ws.terminate();
  } catch (error) {
    if (error instanceof ProxyError) return error;
    throw error;
  }
  throw new Error("it opened");
}

for (const row of plan.rows) {
  const proxy = row.url.startsWith("https") ? { url: row.url, tls: { ca: plan.ca } } : row.url;
  for (const server of plan.servers) {
    const title = `${row.title}, ${server.slice(0, server.indexOf(":"))}`;
    if (row.expected === "login") {
      await test(`${title}: wants another login`, async () => {
        const error = await refused(server, { proxy });
        check(`its code, ${error.code}`, error.code === "ERR_WS_PROXY_AUTH");
        check("the message has no password", !/wrong|p@ss|p%40ss|p\.ss/.test(error.message));
      });
      continue;
    }
    await test(title, () => talk(server, row, { proxy }));
    await test(`${title}, 10 at once`, async () => {
      await Promise.all(Array.from({ length: 10 }, () => talk(server, row, { proxy })));
    });
    if (row.url.startsWith("https")) continue; // the environment cannot say whom to trust
    await test(`${title}, by the environment`, async () => {
      process.env.all_proxy = row.url;
      try {
        await talk(server, row, {});
      } finally {
        delete process.env.all_proxy;
      }
    });
  }
  if (row.expected === "open" && row.tells) {
    await test(`${row.title}: says that it cannot reach the server`, async () => {
      const error = await refused(plan.nowhere, { proxy });
      check(`its code, ${error.code}`, error.code === "ERR_WS_PROXY");
      check(`its status, ${error.status}`, error.status !== undefined);
    });
  }
}
console.log(JSON.stringify(counts));
process.exit(counts.failed === 0 ? 0 : 1);

// One end of a connection on which a message of so many MiB goes each way, at once: `server MIB`, which prints its port, or
// `client MIB PORT`. Prints what it sent, what it received, and the most memory that it took, in MiB, as JSON.

import { readFileSync } from "node:fs";
import type { Connection } from "../../lib/client/connection.ts";
import type * as Entry from "../../lib/node.ts";
import type * as ServerEntry from "../../lib/server.ts";

const [role = "", mib = "", port = ""] = process.argv.slice(2);
const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const MIB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const bytes = Number(mib) * MIB;
const unlimited = { maxMessageSize: Number.POSITIVE_INFINITY, maxFragments: Number.POSITIVE_INFINITY };

/** What stands at a place of the message, whoever sends it. */
function byteAt(place: number): number {
  return (place + Math.floor(place / PIECE_BYTES) * 7) & 0xff;
}

/** The message, in one buffer that is used again and again: what is sent was copied. */
function* pieces(): Generator<Uint8Array> {
  const piece = new Uint8Array(PIECE_BYTES);
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    for (let i = 0; i < PIECE_BYTES; i++) piece[i] = byteAt(at + i);
    yield piece;
  }
}

/** Reads the message to its end; now and then not, so that the sender has to wait. */
async function receive(ws: Connection): Promise<number> {
  let at = 0;
  for await (const piece of await ws.recvStream()) {
    if (typeof piece === "string") throw new Error("a text came");
    for (let i = 0; i < piece.length; i++)
      if (piece[i] !== byteAt(at + i)) throw new Error(`byte ${at + i} is wrong`);
    const isTurn = Math.floor(at / (16 * MIB)) < Math.floor((at + piece.length) / (16 * MIB));
    at += piece.length;
    if (isTurn) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return at;
}

/** The most memory that the process has taken, in MiB. */
function peak(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS / 1024;
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kib) / 1024;
}

async function exchange(ws: Connection): Promise<void> {
  const before = peak();
  const [received] = await Promise.all([receive(ws), ws.sendStream(pieces())]);
  if (role === "client") await ws.close();
  else await ws.closed;
  console.log(
    JSON.stringify({ role, sent: bytes, received, before: Math.round(before), peak: Math.round(peak()) }),
  );
}

if (role === "server") {
  const entry: typeof ServerEntry = await import(`../../lib/server${runtime === "deno" ? "-deno" : ""}.ts`);
  const server = await entry.serve({
    port: 0,
    host: "127.0.0.1",
    ...unlimited,
    async onConnection(ws) {
      await exchange(ws);
      await server.close();
    },
    onError(error) {
      console.error(error);
      process.exit(1);
    },
  });
  console.log(server.port);
} else {
  const entry: typeof Entry = await import(`../../lib/${runtime}.ts`);
  await exchange(await entry.createConnection(`ws://127.0.0.1:${port}/`, unlimited));
}

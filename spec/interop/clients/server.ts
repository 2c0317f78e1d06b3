// Our server for the clients of others, in the runtime that runs this file; prints its url. What it does is as the path of the
// request says, and it goes when its standard input ends. It never speaks first: ws4py's client reads what comes in one segment
// with the 101 in one thread, and what comes next in another.

import process from "node:process";
import type { AcceptedConnection } from "../../../lib/server/accepted-connection.ts";
import { type CloseInfo, RefusalError } from "../../../lib/server/api.ts";
import { serve } from "../../support/server-runtime.ts";

/** How connections ended, by the `id` of their urls, for /seen to tell. */
const ends = new Map<string, Promise<CloseInfo>>();

const PLACES: Readonly<Record<string, (ws: AcceptedConnection, query: URLSearchParams) => Promise<unknown>>> =
  {
    /** Every message, as it came. */
    async "/echo"(ws) {
      for await (const message of ws) await ws.send(message);
    },
    /** What was agreed on, and then as /echo. */
    async "/terms"(ws) {
      await ws.recv();
      await ws.send(ws.extensions);
      for await (const message of ws) await ws.send(message);
    },
    /** A text in fragments, of which one is empty. */
    async "/fragments"(ws) {
      await ws.recv();
      await ws.sendStream(["one, ", "", "two, ", "thr\u00e9\u00e9"]);
      await ws.closed;
    },
    /** A ping, and once it was answered, a text. */
    async "/ping"(ws) {
      await ws.recv();
      await ws.ping("are you there?");
      await ws.send("you are");
      await ws.closed;
    },
    /** A Close of this side's, as soon as a message has come. */
    async "/close"(ws) {
      await ws.recv();
      await ws.close(4002, "go away \u20ac");
    },
    /** How the connection with an id has ended. */
    async "/seen"(ws, query) {
      await ws.recv();
      const { code, reason, wasClean } = (await ends.get(query.get("id") ?? "")) ?? {};
      await ws.send(JSON.stringify({ code, reason, wasClean }));
      await ws.closed;
    },
  };

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  perMessageDeflate: true,
  protocols: ["chat"],
  verify({ path }) {
    if (path === "/refuse") throw new RefusalError(403, { body: "not you" });
    if (PLACES[path] === undefined) throw new RefusalError(404);
  },
  async onConnection(ws) {
    const { path, query } = placeOf(ws);
    const id = query.get("id");
    if (id !== null && path !== "/seen") ends.set(id, ws.closed);
    await PLACES[path]?.(ws, query);
  },
  onRefused: () => {},
});

function placeOf(ws: AcceptedConnection): { path: string; query: URLSearchParams } {
  const { pathname, searchParams } = new URL(ws.url);
  return { path: pathname, query: searchParams };
}

console.log(server.url);
process.stdin.on("end", async () => {
  await server.close();
  process.exit(0);
});
process.stdin.resume();

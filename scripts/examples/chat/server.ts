// npm run example -- chat [--port 8001]: a chat room, and its page. The first message of a page is the name that it wishes to
// have; every other is said to all. What the room says is JSON: `welcome`, `joined`, `said` and `left`.

import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type AcceptedConnection, ConnectionGroup, RefusalError, serve } from "isosocket/server";
import { openSite } from "../site/site.ts";
import { stopped } from "../site/stopped.ts";

const MAX_MEMBERS = 100;
const MAX_NAME = 24; // characters, as people count them
const MAX_TEXT = 500;
/** So many messages of the past are shown to who comes. */
const MAX_HISTORY = 50;
/** Ms in which a connection must say who it is. */
const JOIN_MS = 10_000;
/** Ms between two messages of a member. */
const PACE_MS = 100;

interface Said {
  readonly type: "said";
  readonly name: string;
  readonly text: string;
  /** Ms since 1970. */
  readonly at: number;
}

const room = new ConnectionGroup(); // who does not keep up is closed with 1013, and comes back by itself
const names = new Map<AcceptedConnection, string>();
const history: Said[] = [];

async function onConnection(ws: AcceptedConnection): Promise<void> {
  const wish = await ws.recv({ timeout: JOIN_MS }).catch(() => undefined);
  if (wish === undefined) return void ws.close(1008, "nobody said who they are");

  const name = freeName(clean(wish, MAX_NAME));
  names.set(ws, name);
  try {
    void ws.send(JSON.stringify({ type: "welcome", name, names: [...names.values()], history }));
    tell({ type: "joined", name, names: [...names.values()] });
    room.add(ws);
    for await (const message of ws) {
      const text = clean(message, MAX_TEXT);
      if (text !== "") say({ type: "said", name, text, at: Date.now() });
      // A member in a hurry is not read meanwhile: what it sends waits, in the end on its own side.
      await pause(PACE_MS, undefined, { ref: false });
    }
  } finally {
    names.delete(ws);
    tell({ type: "left", name, names: [...names.values()] });
  }
}

function say(said: Said): void {
  history.push(said);
  if (history.length > MAX_HISTORY) history.shift();
  tell(said);
}

function tell(event: object): void {
  room.broadcast(JSON.stringify(event));
}

/** A line of text: without what would steer a terminal or turn the direction of its neighbours, and not too long. */
function clean(message: string | Uint8Array, length: number): string {
  if (typeof message !== "string") return "";
  const line = message.normalize("NFC").replace(/[\p{Cc}\p{Bidi_Control}\s]+/gu, " ");
  return [...line.trim()].slice(0, length).join("").trim();
}

/** As wished, with a number behind it if somebody else has that name. */
function freeName(wish: string): string {
  const stem = /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(wish) ? wish : "guest";
  const taken = new Set([...names.values()].map((name) => name.toLowerCase()));
  let name = stem;
  for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${stem} ${number}`;
  return name;
}

const { values: options } = parseArgs({ options: { port: { type: "string", default: "8001" } } });
const end = stopped();
const site = await openSite({ folder: new URL(".", import.meta.url), port: Number(options.port) });
const server = await serve({
  server: site.server,
  path: "/chat",
  origins: site.origins,
  maxMessageSize: 4096,
  maxQueue: 16,
  verify: () => {
    if (server.connections.size >= MAX_MEMBERS) throw new RefusalError(503); // the page will try again
  },
  onConnection,
});
console.log(`a chat room is at ${site.url}`);

await end;
await server.close(); // 1001, "going away", to everybody
site.close();

// npm run example -- board [--port 8003]: drawing boards. All who look at the same address are at the same board, and see each
// stroke while it is drawn. A board is kept as long as somebody is at it.
//
// A page sends strokes, `{ ink, width, points: [x, y, x, y, ...] }`, and `{ clear: true }`. It is told, first of all, the
// `picture` so far; then each stroke, its own too, so that all draw in the same order; and how many `people` there are.

import { parseArgs } from "node:util";
import { type AcceptedConnection, ConnectionGroup, RefusalError, serve } from "isosocket/server";
import { openSite } from "../site/site.ts";
import { stopped } from "../site/stopped.ts";

const MAX_BOARDS = 100;
const MAX_PEOPLE = 30; // at one board
/** Numbers in a stroke; a page sends a long one in parts. */
const MAX_POINTS = 1000;
/** Numbers on a board: beyond them the oldest strokes go. */
const MAX_PICTURE = 100_000;
/** Coordinates are from 0 to this, in both directions. */
const SIZE = 10_000;
const INKS = 6;
const MAX_WIDTH = 400;

const BOARD = /^\/boards\/[a-z0-9-]{1,32}$/;

interface Stroke {
  /** The number of a colour. */
  readonly ink: number;
  readonly width: number;
  readonly points: readonly number[];
}

class Board {
  /** Who does not keep up is closed with 1013, comes back by itself, and is given the whole picture. */
  readonly people: ConnectionGroup = new ConnectionGroup();
  #strokes: Stroke[] = [];
  #size = 0;

  join(ws: AcceptedConnection): void {
    void ws.send(JSON.stringify({ type: "picture", strokes: this.#strokes }));
    this.people.add(ws);
    this.tellPeople();
  }

  /** What somebody sent; whether it can be drawn. */
  draw(message: string | Uint8Array): boolean {
    const drawn = parse(message);
    if (drawn === undefined) return false;
    if (drawn === "clear") {
      this.#strokes = [];
      this.#size = 0;
      this.people.broadcast(JSON.stringify({ type: "picture", strokes: [] }));
      return true;
    }
    this.#strokes.push(drawn);
    this.#size += drawn.points.length;
    while (this.#size > MAX_PICTURE) this.#size -= this.#strokes.shift()?.points.length ?? 0;
    this.people.broadcast(JSON.stringify({ type: "stroke", stroke: drawn }));
    return true;
  }

  tellPeople(): void {
    this.people.broadcast(JSON.stringify({ type: "people", count: this.people.size }));
  }
}

/** Takes no more of it than what others are to be told. */
function parse(message: string | Uint8Array): Stroke | "clear" | undefined {
  try {
    const { clear, ink, width, points } = JSON.parse(String(message));
    if (clear === true) return "clear";
    const isStroke =
      isWithin(ink, 0, INKS - 1) &&
      isWithin(width, 1, MAX_WIDTH) &&
      Array.isArray(points) &&
      points.length <= MAX_POINTS &&
      points.length >= 2 &&
      points.length % 2 === 0 &&
      points.every((value) => isWithin(value, 0, SIZE));
    return isStroke ? { ink, width, points } : undefined;
  } catch {
    return undefined;
  }
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

const boards = new Map<string, Board>();

async function onConnection(ws: AcceptedConnection): Promise<void> {
  const { path } = ws.request;
  const board = boards.get(path) ?? new Board();
  boards.set(path, board);
  board.join(ws);
  try {
    for await (const message of ws) {
      if (!board.draw(message)) void ws.close(1008, "That is no stroke");
    }
  } finally {
    board.people.delete(ws);
    board.tellPeople();
    if (board.people.size === 0) boards.delete(path);
  }
}

const { values: options } = parseArgs({ options: { port: { type: "string", default: "8003" } } });
const end = stopped();
const site = await openSite({
  folder: new URL(".", import.meta.url),
  pages: BOARD,
  home: "/boards/lobby",
  port: Number(options.port),
});
const server = await serve({
  server: site.server,
  origins: site.origins,
  maxMessageSize: 16 * 1024,
  verify: ({ path }) => {
    if (!BOARD.test(path)) throw new RefusalError(404);
    const people = boards.get(path)?.people.size;
    const isFull = people === undefined ? boards.size >= MAX_BOARDS : people >= MAX_PEOPLE;
    if (isFull) throw new RefusalError(503); // the page will try again
  },
  onConnection,
});
console.log(`drawing boards are at ${site.url}`);

await end;
await server.close(); // 1001, "going away", to everybody
site.close();

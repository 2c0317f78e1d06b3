// A program that opens and loses COUNT connections one after the other, in every way there is, and prints for each way, as JSON:
// by how many bytes of heap each made it grow, the handles that stayed, and how many of what was made were collected.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import type { Use } from "./clean-up.ts";
import { resources } from "./resources.ts";
import { createConnection, WebSocketApp } from "./runtime.ts";
import { type Script, scripted } from "./script.ts";
import { answer, answerClose, drop, hearEnd, upgrade } from "./script-steps.ts";

const count = Number(process.argv[2]);
const peers: { close(): unknown }[] = [];
const use: Use = (resource) => {
  peers.push(resource);
  return resource;
};

const { Bun } = globalThis as { Bun?: { gc(synchronously: boolean): void } };
setFlagsFromString("--expose-gc");
const collect: () => void = Bun === undefined ? runInNewContext("gc") : () => Bun.gc(true);

/** What is collected is told in the loop's own time. */
async function collected(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let seen = 0;
const registry = new FinalizationRegistry<void>(() => seen++);
function watched<Thing extends object>(thing: Thing): Thing {
  registry.register(thing);
  return thing;
}

/** The slope of the line through all points. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const across = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return across / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

async function measure(kind: string, rounds: number, once: () => Promise<void>): Promise<object> {
  for (let i = 0; i < rounds / 10; i++) await once(); // warm
  await collected();
  const before = resources();
  seen = 0;
  const points: [number, number][] = [[0, process.memoryUsage().heapUsed]];
  for (let i = 1; i <= rounds; i++) {
    await once();
    if (i % (rounds / 10) !== 0) continue;
    await collected();
    points.push([i, process.memoryUsage().heapUsed]);
  }
  let handles = 0;
  for (const [name, amount] of resources()) handles += Math.max(0, amount - (before.get(name) ?? 0));
  return { kind, count: rounds, bytesEach: Math.round(slope(points.slice(5))), handles, collected: seen };
}

/** The url of a peer that does that with every client. */
async function urlOf(script: Script): Promise<string> {
  const peer = await scripted(use, script);
  void (async () => {
    for (;;) await peer.lines.next(); // so that they are not kept
  })();
  return peer.url;
}

async function failing(url: string, options: ConnectionOptions = {}): Promise<void> {
  await createConnection(url, options).then(
    () => {
      throw new Error("it was to fail");
    },
    (error) => watched(error),
  );
}

const polite = await urlOf([upgrade(), ...answerClose]);
const rude = await urlOf([upgrade(), drop]);
const refusing = await urlOf([answer("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), hearEnd]);
const circling = await urlOf([
  answer("HTTP/1.1 302 Away\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
  hearEnd,
]);
const silent = await urlOf([hearEnd]);
const { signal } = new AbortController(); // one signal for all: nothing may stay on it

const rows = [
  await measure("closed", count, async () => {
    const ws = watched(await createConnection(polite, { keepAlive: true, signal }));
    await ws.send("x");
    await ws.close();
  }),
  await measure("dropped", count / 10, async () => {
    const app = watched(new WebSocketApp(rude, { keepAlive: true, signal }));
    await app.runForever();
  }),
  await measure("refused", count / 10, () => failing("ws://127.0.0.1:9/", { signal })),
  await measure("rejected", count / 10, () => failing(refusing, { signal })),
  await measure("redirected", count / 10, () => failing(circling, { redirect: "follow", signal })),
  await measure("aborted", count / 10, async () => {
    const controller = new AbortController();
    const ending = failing(silent, { signal: controller.signal });
    setImmediate(() => controller.abort(new Error("enough")));
    await ending;
  }),
  await measure("late", count / 100, () => failing(silent, { timeout: 5, signal })),
];
for (const peer of peers) await peer.close();
console.log(JSON.stringify(rows));

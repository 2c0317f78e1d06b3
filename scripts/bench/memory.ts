// What a connection that compresses takes of memory once a message went each way: the growth of the process by a thousand.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Client, Connect } from "./clients.ts";
import { jsonText } from "./workloads.ts";

const CONNECTIONS = 1000;

export async function bytesOfEach(connect: Connect, url: string): Promise<number> {
  const clients: Client[] = [];
  // What the first ones cost is not each one's.
  for (let i = 0; i < 50; i++) clients.push(await exchanged(connect, url, i));
  const before = await settledBytes();
  for (let i = 0; i < CONNECTIONS; i++) clients.push(await exchanged(connect, url, i));
  const after = await settledBytes();
  await Promise.all(clients.map((client) => client.close()));
  return (after - before) / CONNECTIONS;
}

async function exchanged(connect: Connect, url: string, number: number): Promise<Client> {
  const client = await connect(url, true);
  const echoed = new Promise((resolve) => {
    client.onMessage = resolve;
  });
  client.send(jsonText(number));
  if ((await echoed) !== jsonText(number)) throw new Error("wrong echo");
  return client;
}

/** Memory of the process when all garbage is collected. */
async function settledBytes(): Promise<number> {
  const { Bun } = globalThis as { Bun?: { gc(synchronously: boolean): void } };
  if (Bun === undefined) setFlagsFromString("--expose-gc");
  const collect = Bun === undefined ? (runInNewContext("gc") as () => void) : () => Bun.gc(true);
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return process.memoryUsage().rss;
}

// What a connection takes of memory: the growth of the process by many, all garbage collected, for each.

import process from "node:process";
import type { Client } from "./clients.ts";
import { jsonText } from "./payloads.ts";
import type { Memory } from "./workloads.ts";

/** What the first ones cost is not each one's. */
const FIRST = 100;

/** Bytes of each connection: of the whole process, of the heap, and of buffers outside of it. */
export interface Taken {
  readonly bytes: number;
  readonly heap: number;
  readonly buffers: number;
}

export async function memoryOfEach(workload: Memory, open: () => Promise<Client>): Promise<Taken> {
  const clients: Client[] = [];
  const grow = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const client = await open();
      if (workload.isCompressed === true) await exchange(client, i);
      clients.push(client);
    }
    return settledMemory();
  };
  const before = await grow(FIRST);
  const after = await grow(workload.connections);
  if (clients.some((client) => client.buffered() > 0)) throw new Error("something was left");
  const each = (of: (usage: NodeJS.MemoryUsage) => number) => (of(after) - of(before)) / workload.connections;
  return {
    bytes: each(({ rss }) => rss),
    heap: each(({ heapUsed }) => heapUsed),
    buffers: each(({ external }) => external), // Node counts those of arrays as external ones
  };
}

async function exchange(client: Client, number: number): Promise<void> {
  const echoed = new Promise((resolve) => {
    client.onMessage = resolve;
  });
  client.send(jsonText(number));
  if ((await echoed) !== jsonText(number)) throw new Error("wrong echo");
}

/** Memory of the process when all garbage is collected. */
async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  const { Bun, gc } = globalThis as { Bun?: { gc(synchronously: boolean): void }; gc?: () => void };
  for (let i = 0; i < 5; i++) {
    if (Bun === undefined) gc?.();
    else Bun.gc(true);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return process.memoryUsage();
}

// One competitor in a process of its own: runs the workloads that its parent names, one at a time, and tells what they took.

import process from "node:process";
import { createInterface } from "node:readline";
import { CLIENTS, type Client, type Connect } from "./clients.ts";
import { bytesOfEach } from "./memory.ts";
import { COUNTED_MESSAGES } from "./wire-bytes.ts";
import { jsonText, WORKLOADS } from "./workloads.ts";

export interface Order {
  readonly client: string;
  readonly workload: string;
  readonly origin: string;
  readonly ms: number;
  /** Instead of the workload: what a connection takes of memory, or messages for a server that counts their bytes. */
  readonly instead?: "memory" | "bytes";
}

export interface Result {
  readonly messages: number;
  /** Wall clock and CPU of this process. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Memory of each connection, where that was asked for. */
  readonly bytes?: number;
}

/** Connections stay open from round to round, as the workload begins where it left off. */
const open = new Map<string, Client>();

async function measure(order: Order): Promise<Result> {
  const workload = WORKLOADS.find(({ title }) => title === order.workload);
  const connect = CLIENTS[order.client];
  if (workload === undefined || connect === undefined)
    throw new Error(`nothing is named ${JSON.stringify(order)}`);
  const url = order.origin + workload.path;
  if (order.instead === "memory") return { ...NOTHING, bytes: await bytesOfEach(connect, url) };
  if (order.instead === "bytes") return { ...NOTHING, messages: await sendCounted(connect, url) };
  const client = open.get(url) ?? (await connect(url, workload.isCompressed === true));
  open.set(url, client);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const messages = await workload.run(client, order.ms);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { messages, seconds, cpuSeconds: (user + system) / 1e6 };
}

const NOTHING = { messages: 0, seconds: 0, cpuSeconds: 0 };

/** As many messages as the server counts, some at a time; it closes then. */
async function sendCounted(connect: Connect, url: string): Promise<number> {
  const client = await connect(url, true);
  for (let i = 0; i < COUNTED_MESSAGES; i++) {
    client.send(jsonText(i));
    if (i % 32 === 31) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return COUNTED_MESSAGES;
}

// Orders come in and results go out as lines of JSON, which every runtime can do.
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await measure(JSON.parse(line))));
}

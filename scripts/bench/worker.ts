// One competitor in a process of its own: runs the workloads that its parent names, one at a time, and tells what they took.

import process from "node:process";
import { createInterface } from "node:readline";
import { CLIENTS, type Client } from "./clients.ts";
import { WORKLOADS } from "./workloads.ts";

export interface Order {
  readonly client: string;
  readonly workload: string;
  readonly origin: string;
  readonly ms: number;
}

export interface Result {
  readonly messages: number;
  /** Wall clock and CPU of this process. */
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Connections stay open from round to round, as the workload begins where it left off. */
const open = new Map<string, Client>();

async function measure(order: Order): Promise<Result> {
  const workload = WORKLOADS.find(({ title }) => title === order.workload);
  const connect = CLIENTS[order.client];
  if (workload === undefined || connect === undefined)
    throw new Error(`nothing is named ${JSON.stringify(order)}`);
  const client = open.get(workload.path) ?? (await connect(order.origin + workload.path));
  open.set(workload.path, client);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const messages = await workload.run(client, order.ms);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { messages, seconds, cpuSeconds: (user + system) / 1e6 };
}

// Orders come in and results go out as lines of JSON, which every runtime can do.
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await measure(JSON.parse(line))));
}

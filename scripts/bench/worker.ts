// One competitor in a process of its own: does what its parent orders, one thing at a time, and tells what that took. Orders
// and results are lines of JSON, which every runtime can read and write.

import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { CLIENTS, type Client, checkAddOn } from "./clients.ts";
import { memoryOfEach, type Taken } from "./memory.ts";
import { jsonText } from "./payloads.ts";
import { COUNTED_MESSAGES } from "./wire-bytes.ts";
import { MEMORY, TIMED, type Timed } from "./workloads.ts";

export interface Order {
  readonly client: string;
  /** What to do: run a workload that is timed for `ms`, say what a connection takes, or send what a server counts. */
  readonly task: "run" | "memory" | "bytes";
  readonly workload: string;
  readonly origin: string;
  readonly ms: number;
}

export interface Result extends Partial<Taken> {
  readonly error?: string;
  /** Messages or connections, the wall clock, and CPU of this process. */
  readonly count?: number;
  readonly seconds?: number;
  readonly cpuSeconds?: number;
}

const ca = readFileSync(process.argv[2] ?? "", "utf8");

/** Connections stay open from round to round of a workload, as it begins where it left off. */
let open: { id: string; clients: Client[] } = { id: "", clients: [] };

function connect(order: Order, path: string, perMessageDeflate: boolean): Promise<Client> {
  const client = CLIENTS[order.client];
  if (client === undefined) throw new Error(`no client is named ${order.client}`);
  return client(order.origin + path, { perMessageDeflate, ca });
}

async function clientsOf(order: Order, workload: Timed): Promise<readonly Client[]> {
  const id = `${order.origin} ${workload.id}`;
  if (open.id !== id) {
    const old = open.clients;
    open = { id, clients: [] };
    await Promise.all(old.map((client) => client.close()));
    for (let i = 0; i < workload.connections; i++)
      open.clients.push(await connect(order, workload.path, workload.isCompressed === true));
  }
  return open.clients;
}

async function run(order: Order, workload: Timed): Promise<Result> {
  const clients = await clientsOf(order, workload);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const count = await workload.run(clients, order.ms, () => connect(order, workload.path, false));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { count, seconds, cpuSeconds: (user + system) / 1e6 };
}

/** As many messages as the server counts, some at a time; it closes then. */
async function sendCounted(order: Order): Promise<Result> {
  const client = await connect(order, "/", true);
  for (let i = 0; i < COUNTED_MESSAGES; i++) {
    client.send(jsonText(i));
    if (i % 32 === 31) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return {};
}

async function obey(order: Order): Promise<Result> {
  checkAddOn(order.client);
  const timed = TIMED.find(({ id }) => id === order.workload);
  if (order.task === "run" && timed !== undefined) return run(order, timed);
  if (order.task === "bytes") return sendCounted(order);
  const memory = MEMORY.find(({ id }) => id === order.workload);
  if (memory === undefined) throw new Error(`nothing is named ${JSON.stringify(order)}`);
  const isCompressed = memory.isCompressed === true;
  return memoryOfEach(memory, () => connect(order, memory.path, isCompressed));
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await obey(JSON.parse(line)).catch((error: unknown): Result => ({ error: String(error) }));
  console.log(JSON.stringify(result));
}
process.exit(); // the parent is gone

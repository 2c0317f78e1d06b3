// Our client, driven through all cases of a fuzzing server: it says how many there are, plays them one behind the other, and
// writes its reports when it is told that this was all.

import type { Connection } from "../../lib/client/connection.ts";
import { createConnection } from "../../spec/support/runtime.ts";
import { echo, OPTIONS } from "./echo.ts";

export interface Drive {
  /** Where the fuzzing server is, without a path: `ws://127.0.0.1:9001`. */
  readonly url: string;
  /** What the reports call us. */
  readonly agent: string;
  /** Ms that a case may take before it is left. */
  readonly patience: number;
  /** Told of each case that did not end as connections end, which is for the reports to judge. */
  readonly failed: (number: number, error: unknown) => void;
}

/** What is no case may take so many ms at least. */
const LEAST_MS = 30_000;

/** How many cases there were. Rejects only where the server does not tell. */
export async function drive({ url, agent, patience, failed }: Drive): Promise<number> {
  const name = encodeURIComponent(agent);
  const ample = Math.max(patience, LEAST_MS);
  const counting = await open(`${url}/getCaseCount`);
  const count = Number(await counting.recv({ timeout: ample }));
  await counting.close();
  for (let number = 1; number <= count; number++) {
    try {
      await bounded(await open(`${url}/runCase?case=${number}&agent=${name}`), patience);
    } catch (error) {
      failed(number, error);
    }
  }
  await bounded(await open(`${url}/updateReports?agent=${name}`), ample);
  return count;
}

function open(url: string): Promise<Connection> {
  return createConnection(url, { ...OPTIONS, proxy: false });
}

/** Echoes until the connection is gone, or drops it. */
async function bounded(ws: Connection, patience: number): Promise<void> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    ws.terminate();
  }, patience);
  try {
    await echo(ws);
  } finally {
    clearTimeout(timer);
  }
  if (isLate) throw new Error(`it took more than ${patience} ms`);
}

// When a program is to end.

import { once } from "node:events";
import process from "node:process";

/** Fulfils at Ctrl-C, or when the process is asked to end; the next time it ends at once. */
export async function stopped(): Promise<void> {
  const called = new AbortController();
  const { signal } = called;
  await Promise.race([once(process, "SIGINT", { signal }), once(process, "SIGTERM", { signal })]);
  called.abort();
}

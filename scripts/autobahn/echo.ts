// What fuzzing peers ask of both roles: an echo of every message, text as text and bytes as bytes, until the connection is gone.

import type { Connection } from "../../lib/client/connection.ts";
import { ClosedError } from "../../lib/errors.ts";

/** What both roles are run with: the defaults, and compression as the peer would have it. */
export const OPTIONS = { perMessageDeflate: { threshold: 0 }, keepAlive: false } as const;

/** Fulfils when the connection is gone, however that came about. */
export async function echo(ws: Connection): Promise<void> {
  try {
    for await (const message of ws) await ws.send(message);
  } catch (error) {
    // That it ends in a fault is what most cases are about.
    if (!(error instanceof ClosedError)) throw error;
  }
  await ws.closed;
}

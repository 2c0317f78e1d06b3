// Servers that share one of node:http's: each request for an upgrade is for one of them, by its path, and none is left without
// an answer.

import { UsageError } from "../errors.ts";
import type { HttpServer } from "../transport/host.ts";

/** One of those that share; without a path it takes what is for no other. */
export interface Sharer {
  readonly path: string | undefined;
}

const sharing = new WeakMap<HttpServer, Set<Sharer>>();

/** From here on upgrades may be for it. Throws UsageError where they would be for two. */
export function share(server: HttpServer, sharer: Sharer): void {
  const sharers = sharing.get(server) ?? new Set();
  const { path = "all paths" } = sharer;
  if ([...sharers].some((other) => other.path === sharer.path))
    throw new UsageError(`another serve() takes the upgrades of this server for ${path}: give each a path`);
  sharing.set(server, sharers.add(sharer));
}

export function unshare(server: HttpServer, sharer: Sharer): void {
  sharing.get(server)?.delete(sharer);
}

/** Whether an upgrade is for this one, to accept or to refuse. What is for none is left to others that listen, if there are. */
export function isFor(server: HttpServer, sharer: Sharer, path: string | undefined): boolean {
  const sharers = [...(sharing.get(server) ?? [])];
  const taker =
    sharers.find((one) => one.path !== undefined && one.path === path) ??
    sharers.find((one) => one.path === undefined);
  if (taker !== undefined) return taker === sharer;
  return sharers[0] === sharer && server.listenerCount("upgrade") === sharers.length;
}

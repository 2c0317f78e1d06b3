// isosocket/server: the server's role, for Deno.

import { type Accept, acceptWith } from "./server/accept.ts";
import { type AcceptOver, acceptOverWith } from "./server/accept-over.ts";
import { type Serve, serveWith } from "./server/serve.ts";
import { deno } from "./transport/deno.ts";
import { hostOf } from "./transport/node-host.ts";

export * from "./server/api.ts";

// The calls are marked as pure, so that a bundler leaves out what is not used.
const host = /* @__PURE__ */ hostOf(deno);

/**
 * Answers a request for an upgrade, as the `upgrade` event of a server of node:http or node:https tells of it; fulfils with the
 * connection once the 101 is out. Rejects with RefusalError where the client was refused, or with another WebSocketError, or
 * the reason of the signal; then nothing is left behind. Handle that: any client can cause it.
 */
export const accept: Accept = /* @__PURE__ */ acceptWith(host);

/**
 * Answers a request for an upgrade that comes over any stream of bytes: a pair of WHATWG streams, as a memoryPipe() of
 * isosocket/core has two of, or a Transport. As accept(), but that what carries the connection is read from its first byte.
 */
export const acceptOver: AcceptOver = /* @__PURE__ */ acceptOverWith(host);

/**
 * Listens on a port or a Unix socket, or for the upgrades of a server that is there, and calls onConnection with each connection.
 * Rejects with UsageError for options that are wrong, and with TransportError where it cannot listen.
 */
export const serve: Serve = /* @__PURE__ */ serveWith(host);

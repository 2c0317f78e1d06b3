// isosocket for Bun.

import { type App, type WebSocketAppConstructor, webSocketAppWith } from "./client/app.ts";
import { type CreateClient, createClientWith } from "./client/client.ts";
import { type CreateConnection, createConnectionWith } from "./client/connection.ts";
import { overSockets } from "./client/socket-options.ts";
import { openWire } from "./session/open.ts";
import { bun } from "./transport/bun.ts";

export * from "./api.ts";

// The calls are marked as pure, so that a bundler leaves out the shape that is not used.
const resolve = /* @__PURE__ */ overSockets(/* @__PURE__ */ openWire(bun), bun);

/** Opens a connection; fulfils once the upgrade is done. Rejects with a WebSocketError, or the reason of the signal. */
export const createConnection: CreateConnection = /* @__PURE__ */ createConnectionWith(resolve, {});

/** A long-lived WebSocket that calls back. */
export const WebSocketApp: WebSocketAppConstructor = /* @__PURE__ */ webSocketAppWith(resolve, {});
export type WebSocketApp = App;

/** Both shapes with other defaults. Throws UsageError for defaults that are wrong. */
export const createClient: CreateClient = /* @__PURE__ */ createClientWith(resolve);

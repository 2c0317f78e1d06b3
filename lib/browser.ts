// isosocket for browsers, and for whatever else has a WebSocket of its own and no sockets.

import { type App, type WebSocketAppConstructor, webSocketAppWith } from "./client/app.ts";
import { type CreateClient, createClientWith } from "./client/client.ts";
import { type CreateConnection, createConnectionWith } from "./client/connection.ts";
import { overNative } from "./client/native-options.ts";
import { openNative } from "./session/native.ts";

export * from "./api.ts";

// The calls are marked as pure, so that a bundler leaves out the shape that a page does not use.
const resolve = /* @__PURE__ */ overNative(/* @__PURE__ */ openNative());

/** Opens a connection; fulfils once the upgrade is done. Rejects with a WebSocketError, or the reason of the signal. */
export const createConnection: CreateConnection = /* @__PURE__ */ createConnectionWith(resolve, {});

/** A long-lived WebSocket that calls back. */
export const WebSocketApp: WebSocketAppConstructor = /* @__PURE__ */ webSocketAppWith(resolve, {});
export type WebSocketApp = App;

/** Both shapes with other defaults. Throws UsageError for defaults that are wrong. */
export const createClient: CreateClient = /* @__PURE__ */ createClientWith(resolve);

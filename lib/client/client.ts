// Both shapes with defaults of the user's own.

import type { Open } from "../session/session.ts";
import { type AppOptions, type WebSocketAppConstructor, webSocketAppWith } from "./app.ts";
import { type CreateConnection, createConnectionWith } from "./connection.ts";
import { type ConnectionOptions, resolve } from "./options.ts";

export interface Client {
  readonly createConnection: CreateConnection;
  readonly WebSocketApp: WebSocketAppConstructor;
}

/** What createClient() is, once a runtime is chosen. */
export type CreateClient = (defaults?: ConnectionOptions) => Client;

export function createClientWith(open: Open): CreateClient {
  return (defaults: ConnectionOptions = {}) => {
    resolve("ws://localhost/", defaults); // for its complaints
    return {
      createConnection: createConnectionWith(open, defaults),
      WebSocketApp: webSocketAppWith(open, defaults as AppOptions),
    };
  };
}

// Both shapes with defaults of the user's own.

import { type AppOptions, type WebSocketAppConstructor, webSocketAppWith } from "./app.ts";
import { type CreateConnection, createConnectionWith } from "./connection.ts";
import { type ConnectionOptions, copyOf, type Resolve } from "./options.ts";

/** Both shapes with other defaults; what is given to either goes before them. */
export interface Client {
  /** As the entry's own. */
  readonly createConnection: CreateConnection;
  /** As the entry's own. */
  readonly WebSocketApp: WebSocketAppConstructor;
}

/** What createClient() is, once a runtime is chosen. */
export type CreateClient = (defaults?: ConnectionOptions) => Client;

export function createClientWith(resolve: Resolve): CreateClient {
  return (given: ConnectionOptions = {}) => {
    const defaults = copyOf(given); // what becomes of the caller's object later is no concern of ours
    resolve("wss://localhost/", defaults); // for its complaints
    return {
      createConnection: createConnectionWith(resolve, defaults),
      WebSocketApp: webSocketAppWith(resolve, defaults as AppOptions),
    };
  };
}

// Both shapes with defaults of the user's own.

import { type AppOptions, type WebSocketAppConstructor, webSocketAppWith } from "./app.ts";
import { type CreateConnection, createConnectionWith } from "./connection.ts";
import {
  type ConnectionOptions,
  copyOf,
  isPlain,
  ownProperties,
  type Resolve,
  withDefaults,
} from "./options.ts";

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
    const copy = copyOf(given); // what becomes of the caller's object later is no concern of ours
    resolve("wss://localhost/", copy); // for its complaints
    const { tls, ...others } = copy;
    const defaults = ownProperties(others);
    // One client may be for urls of both kinds: its TLS is for those that may come to it.
    const resolveBoth: Resolve = (url, options = {}, callbacks) => {
      const isOurs = tls !== undefined && options.tls === undefined && !isPlain(url, options.redirect);
      return resolve(url, isOurs ? withDefaults({ tls }, options) : options, callbacks);
    };
    return {
      createConnection: createConnectionWith(resolveBoth, defaults),
      WebSocketApp: webSocketAppWith(resolveBoth, defaults as AppOptions),
    };
  };
}

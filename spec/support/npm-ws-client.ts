// npm's ws as a client. By its path, as Bun answers the bare name with a WebSocket of its own.

import { createRequire } from "node:module";
import type { ClientOptions, WebSocket } from "ws";

interface Ws {
  readonly WebSocket: new (url: string, protocols: string[], options: ClientOptions) => WebSocket;
}

const required: Ws = createRequire(import.meta.url)("../../node_modules/ws/index.js");

export function npmWs(url: string, protocols: string[] = [], options: ClientOptions = {}): WebSocket {
  return new required.WebSocket(url, protocols, options);
}

// npm's ws, the independent peer. By its path, as Bun answers the bare name with a WebSocket of its own.

import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import type * as ws from "ws";

interface Ws {
  readonly WebSocketServer: typeof ws.WebSocketServer;
  /** Its parser, which its types do not tell of. */
  readonly Receiver: new (options: {
    isServer: boolean;
    allowSynchronousEvents: boolean;
    maxPayload?: number;
  }) => Writable;
}

const required: Ws = createRequire(import.meta.url)("../../node_modules/ws/index.js");

export const WebSocketServer: Ws["WebSocketServer"] = required.WebSocketServer;
export const Receiver: Ws["Receiver"] = required.Receiver;

// npm's ws.

import type { RawData } from "ws";
import { npmWs } from "../../support/npm-ws-client.ts";
import { Arrivals } from "./arrivals.ts";
import { type Client, type Link, Refused } from "./cases.ts";

export const ws: Client = {
  open(url, compress) {
    const socket = npmWs(url, [], { perMessageDeflate: compress });
    const arrivals = new Arrivals();
    socket.on("message", (data: RawData, isBinary: boolean) =>
      arrivals.push(isBinary ? new Uint8Array(data as Buffer) : String(data)),
    );
    const closed = new Promise<{ code: number; reason: string }>((resolve) =>
      socket.on("close", (code, reason) => {
        arrivals.end();
        resolve({ code, reason: reason.toString() });
      }),
    );
    return new Promise<Link>((resolve, reject) => {
      socket.on("unexpected-response", (request, { statusCode }) => {
        request.destroy();
        reject(new Refused(statusCode));
      });
      socket.on("error", reject);
      socket.on("open", () =>
        resolve({
          send: (message) => socket.send(message),
          recv: () => arrivals.next(),
          close: (code, reason) => socket.close(code, reason),
          closed,
          ping: (data) =>
            new Promise((answered) => {
              socket.once("pong", (payload) => answered(payload.toString()));
              socket.ping(data);
            }),
          fragments: (pieces) =>
            pieces.forEach((piece, i) => void socket.send(piece, { fin: i === pieces.length - 1 })),
        }),
      );
    });
  },
};

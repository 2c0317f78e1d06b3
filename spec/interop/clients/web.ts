// The WebSocket of browsers, and that of runtimes that have one.

import { Arrivals } from "./arrivals.ts";
import { type Client, type Link, Refused } from "./cases.ts";

interface WebSocketLike {
  binaryType: string;
  send(message: string | Uint8Array): void;
  close(code: number, reason: string): void;
  addEventListener(type: string, listener: (event: never) => void): void;
}

const { WebSocket } = globalThis as unknown as { WebSocket: new (url: string) => WebSocketLike };

export const web: Client = {
  open(url) {
    const ws = new WebSocket(url);
    ws.binaryType = "arraybuffer";
    const arrivals = new Arrivals();
    const closed = new Promise<{ code: number; reason: string }>((resolve) =>
      ws.addEventListener("close", ({ code, reason }: { code: number; reason: string }) => {
        arrivals.end();
        resolve({ code, reason });
      }),
    );
    ws.addEventListener("message", ({ data }: { data: string | ArrayBuffer }) =>
      arrivals.push(typeof data === "string" ? data : new Uint8Array(data)),
    );
    return new Promise<Link>((resolve, reject) => {
      ws.addEventListener("open", () =>
        resolve({
          send: (message) => ws.send(message),
          recv: () => arrivals.next(),
          close: (code, reason) => ws.close(code, reason),
          closed,
        }),
      );
      ws.addEventListener("error", ({ message = "" }: { message?: string }) => {
        const [, status] = /status code:? (\d{3})/i.exec(message) ?? [];
        reject(new Refused(status === undefined ? undefined : Number(status)));
      });
    });
  },
};

// A program with an app that connects again, and nothing else to do: URL MS [close]. With close it ends the wait itself.

import { WebSocketApp } from "./runtime.ts";

const [url = "", ms, mode] = process.argv.slice(2);
const app = new WebSocketApp(url, {
  reconnect: { minDelay: Number(ms), jitter: 0 },
  onError() {},
  onClose(app) {
    if (mode === "close") setTimeout(() => app.close(), 10);
  },
});
await app.runForever();

// A program that is one of the cases below, in a process of its own: CASE URL. It ends when nothing keeps it, and never by exit().

import { createConnection, WebSocketApp } from "./runtime.ts";

const [name = "", url = ""] = process.argv.slice(2);

const cases: Record<string, () => unknown> = {
  /** An open connection and nothing to do. */
  async idle() {
    await createConnection(url, { keepAlive: true });
  },
  /** So, but it may end. */
  async unref() {
    (await createConnection(url, { keepAlive: { interval: 60_000, timeout: 60_000 } })).unref();
  },
  /** What is left when close() is through? */
  async close() {
    const ws = await createConnection(url, { keepAlive: true, closeTimeout: 60_000, timeout: 60_000 });
    await ws.ping();
    await ws.close();
    console.log(`left: ${process.getActiveResourcesInfo().filter((kind) => /Socket|Timeout/.test(kind))}`);
  },
  /** Nobody waits for the end of close(). */
  async closing() {
    void (await createConnection(url)).close();
  },
  async terminate() {
    (await createConnection(url, { keepAlive: true })).terminate();
  },
  /** Calls, rejections of which nobody takes care. */
  async careless() {
    const ws = await createConnection(url);
    void ws.recv();
    void ws.recv({ timeout: 1 });
    void ws.recvStream();
    void ws.ping();
    void ws.sendStream(
      (async function* () {
        yield "a";
        throw new Error("the source's own");
      })(),
    );
    void ws.close();
    void ws.send("late");
    void ws.sendStream(["late"]);
    void ws.ping();
    await ws.closed;
    void ws.send("later");
    void ws.recv();
  },
  /** A run, its server gone: it waits, and ends with the signal. */
  async reconnecting() {
    const app = new WebSocketApp(url, { reconnect: { minDelay: 3_600_000 } });
    app.onClose = (_app, _code, _reason, { retry }) => {
      process.on("SIGTERM", () => app.close());
      console.log(`waits: ${retry !== undefined}`);
    };
    await app.runForever();
    console.log("ended");
  },
  /** Says goodbye when it is told to go. */
  async sigterm() {
    const app = new WebSocketApp(url, { reconnect: true, keepAlive: true });
    app.onOpen = () => console.log("open");
    process.on("SIGTERM", () => app.close(1001, "shutting down"));
    const { wasClean } = await app.runForever();
    console.log(`clean: ${wasClean}`);
  },
};

await cases[name]?.();

// An app over the WebSocket of a browser: it connects again, and keeps what is sent meanwhile, as over sockets; what it cannot
// do it says.

import { expect } from "chai";
import { type App, type AppOptions, webSocketAppWith } from "../../lib/client/app.ts";
import { createConnectionWith } from "../../lib/client/connection.ts";
import { sizeOf } from "../../lib/client/message-stream.ts";
import { overNative } from "../../lib/client/native-options.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { ClosedError, UsageError, type WebSocketError } from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { openNative } from "../../lib/session/native.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { FakeNative } from "../support/fake-native.ts";
import { Queue } from "../support/queue.ts";
import { virtualClock } from "../support/script-clock.ts";

const URL_ = "ws://example.com/";

/** A WebSocket that counts what waits, as browsers do. */
class Counting extends FakeNative {
  override send(data: Message | Blob): void {
    super.send(data);
    this.bufferedAmount += data instanceof Blob ? data.size : sizeOf(data);
  }
}

/** A browser of our own, and the WebSockets that are made in it. */
function browser() {
  const made = new Queue<Counting>();
  const resolve = overNative(
    openNative((url, protocols) => {
      const socket = new Counting(url, protocols);
      made.push(socket);
      return socket;
    }),
  );
  return { made, WebSocketApp: webSocketAppWith(resolve, {}), connect: createConnectionWith(resolve, {}) };
}

describe("WebSocketApp in a browser", () => {
  const use = cleanUp();

  /** An app that connects again at once, and writes down what it is told. */
  function run(options: AppOptions = {}) {
    const { made, WebSocketApp } = browser();
    const log: string[] = [];
    const app: App = new WebSocketApp(URL_, {
      reconnect: { minDelay: 1, maxDelay: 1 },
      onOpen: () => log.push("open"),
      onReconnect: () => log.push("reconnect"),
      onError: (_app, error) => log.push(`error ${(error as WebSocketError).code}`),
      onClose: (_app, code, _reason, { retry }) => log.push(`close ${code} ${retry?.attempt}`),
      ...options,
    });
    use({ close: () => app.terminate() });
    const ended = app.runForever();
    /** The next WebSocket, open. */
    const next = async () => {
      const socket = await made.next();
      socket.open();
      while (app.connection === undefined) await nextTurn();
      return socket;
    };
    return { app, ended, log, made, next };
  }

  it("connects again after a failed attempt, a loss, and a Close frame that says so", async () => {
    const { ended, log, made, next } = run();
    (await made.next()).fail();
    (await next()).end({ code: 1006, wasClean: false });
    (await next()).end({ code: 1012 });
    (await next()).end({ code: 4000 });
    expect(await ended).to.include({ code: 4000, wasClean: true });
    expect(log).to.deep.equal([
      ...["error ERR_WS_CONNECT", "close 1006 1"],
      ...["open", "error ERR_WS_TRANSPORT", "close 1006 2"],
      ...["reconnect", "close 1012 3", "reconnect", "close 4000 undefined"],
    ]);
    expect(made.waiting).to.equal(0);
  });

  it("ends the wait with close()", async () => {
    const { app, ended, made } = run({ reconnect: 600_000 });
    (await made.next()).fail();
    while (app.connection !== undefined) await nextTurn();
    await nextTurn();
    app.close();
    expect((await ended).error).to.include({ code: "ERR_WS_CONNECT" });
    expect(made.waiting).to.equal(0);
  });

  it("calls off the next attempt with terminate()", async () => {
    const { app, ended, made, next } = run();
    (await next()).end({ code: 1006, wasClean: false });
    const socket = await made.next();
    app.terminate();
    expect((await ended).error).to.include({ code: "ERR_WS_ABORTED" });
    expect(socket.calls).to.deep.equal(["close"]);
  });

  it("has an outbox: what waits leaves in order with the next connection", async () => {
    const dropped: string[] = [];
    const { app, made, next } = run({
      onOpen: (app) => app.send("login"),
      onReconnect: (app) => app.send("login"),
      outbox: { onDrop: (message, reason) => dropped.push(`${reason} ${message}`) },
    });
    app.send("1");
    const first = await next();
    app.send("2");
    expect(first.sent).to.deep.equal(["login", "1", "2"]);
    first.end({ code: 1006, wasClean: false });
    await nextTurn();
    app.send("3");
    (await made.next()).fail();
    await nextTurn();
    app.send("4");
    expect((await next()).sent).to.deep.equal(["login", "3", "4"]);
    // The browser has not said that it took them.
    expect(dropped).to.deep.equal(["lost 1", "lost 2"]);
  });

  it("has an outbox that waits for room, and goes on when there is some", async () => {
    const { app, next } = run({ outbox: {} });
    for (let i = 0; i < 3; i++) app.send(new Uint8Array(HIGH_WATER));
    const socket = await next();
    expect(socket.sent).to.have.length(1);
    for (const count of [2, 3]) {
      socket.bufferedAmount = 0;
      while (socket.sent.length < count) await nextTurn();
    }
    app.close();
    socket.end();
  });

  it("has an outbox that forgets what left long before something came", async () => {
    const clock = virtualClock(use);
    const dropped: string[] = [];
    const { app, ended, next } = run({
      outbox: { onDrop: (message, reason) => dropped.push(`${reason} ${message}`) },
      reconnect: false,
    });
    const socket = await next();
    app.send("1");
    await nextTurn();
    socket.bufferedAmount = 0;
    for (let look = 0; look < 2; look++) {
      await clock.advance(1_500);
      socket.message("alive");
    }
    await clock.advance(1_500);
    app.send("2");
    socket.end({ code: 1006, wasClean: false });
    await ended;
    expect(dropped).to.deep.equal(["lost 2"]);
  });

  it("refuses compress: false at once, be there an outbox or none: it would wait for ever", async () => {
    for (const outbox of [undefined, {}]) {
      const { app, next } = run({ ...(outbox && { outbox }) });
      if (outbox !== undefined)
        expect(thrown(() => app.send("waits", { compress: false }), UsageError).code).to.equal(
          "ERR_WS_UNSUPPORTED",
        );
      const socket = await next();
      expect(thrown(() => app.send("1", { compress: false }), UsageError).code).to.equal(
        "ERR_WS_UNSUPPORTED",
      );
      app.send("2", { compress: true });
      expect(socket.sent).to.deep.equal(["2"]);
    }
  });

  it("sends all that waits before it closes", async () => {
    const { app, ended, next } = run({ outbox: {} });
    for (let i = 0; i < 3; i++) app.send(new Uint8Array(HIGH_WATER).fill(i));
    const socket = await next();
    app.close();
    expect(socket.calls.slice(-1)).to.deep.equal(["close 1000"]);
    expect(socket.sent).to.have.length(3);
    thrown(() => app.send("late"), ClosedError);
    socket.end();
    await ended;
  });

  it("keeps alive by messages, and takes whatever comes for a sign of life", async () => {
    const clock = virtualClock(use);
    const { made, log } = run({ keepAlive: { interval: 1_000, timeout: 500, message: "beat" } });
    const socket = await made.next();
    socket.open();
    for (let beats = 1; beats <= 10; beats++) {
      await clock.advance(1_000);
      expect(socket.sent).to.deep.equal(Array(beats).fill("beat"));
      socket.message("anything");
    }
    expect(log).to.deep.equal(["open"]);
  });

  it("takes bytes that could leave for a sign of life, as a server answers no message before it has come", async () => {
    const clock = virtualClock(use);
    const { made, log, app } = run({ keepAlive: { interval: 1_000, timeout: 500, message: "beat" } });
    const socket = await made.next();
    socket.open();
    await clock.advance(0);
    app.send(new Uint8Array(1_000_000));
    for (let i = 0; i < 20; i++) {
      await clock.advance(500);
      socket.bufferedAmount -= 10_000;
    }
    expect(log).to.deep.equal(["open"]);
    await clock.advance(3_000); // nothing leaves any more
    expect(log).to.include("error ERR_WS_TIMEOUT");
  });

  it("drops a server that takes nothing more of a Blob, behind which no message can go, and no other", async () => {
    const clock = virtualClock(use);
    const { made, log, app } = run({ keepAlive: { interval: 1_000, timeout: 500, message: "beat" } });
    const socket = await made.next();
    socket.open();
    await clock.advance(0);
    app.send(new Blob([new Uint8Array(1_000_000)]));
    for (let i = 0; i < 10; i++) {
      await clock.advance(1_000);
      socket.bufferedAmount -= 10_000;
    }
    expect(log).to.deep.equal(["open"]);
    await clock.advance(3_000);
    expect(log).to.include("error ERR_WS_TIMEOUT");
    expect(socket.sent).to.have.length(1);
  });

  it("drops a server that is silent, and connects again", async () => {
    const { next, log } = run({ keepAlive: { interval: 5, timeout: 5, message: () => "beat" } });
    const socket = await next();
    const second = await next();
    expect(socket.sent).to.include("beat");
    expect(socket.calls.at(-1)).to.equal("close");
    expect(second.calls).to.deep.equal([]);
    expect(log).to.deep.equal(["open", "error ERR_WS_TIMEOUT", "close 1006 1", "reconnect"]);
  });

  it("keeps a live connection whose timers come late, as in a page in the background", async () => {
    const clock = virtualClock(use);
    const { made, log } = run({ keepAlive: { interval: 1_000, timeout: 1_000, message: "beat" } });
    const socket = await made.next();
    socket.open();
    await clock.advance(0);
    // Once a minute all that is due runs; what the server says comes in between, behind the timers.
    for (let minute = 0; minute < 20; minute++) {
      await clock.block(60_000);
      socket.message("anything");
    }
    expect(log).to.deep.equal(["open"]);
    expect(socket.sent.length).to.be.at.least(5);
  });

  it("tries again at once where the browser is online again, and listens only while it waits", async () => {
    const listeners: (() => void)[] = [];
    const events = {
      addEventListener: (type: string, call: () => void) => type === "online" && listeners.push(call),
      removeEventListener: (_type: string, call: () => void) => listeners.splice(listeners.indexOf(call), 1),
    };
    const before = Object.keys(events).map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
    Object.assign(globalThis, events);
    try {
      const { app, ended, made, log } = run({ reconnect: 600_000 });
      for (let attempt = 1; attempt <= 3; attempt++) {
        (await made.next()).fail();
        while (listeners.length === 0) await nextTurn();
        expect(log).to.deep.equal(["error ERR_WS_CONNECT", `close 1006 ${attempt}`]);
        log.length = 0;
        listeners[0]?.();
        expect(listeners).to.deep.equal([]);
      }
      (await made.next()).fail();
      while (listeners.length === 0) await nextTurn();
      app.close();
      await ended;
      expect(listeners).to.deep.equal([]);
    } finally {
      for (const [i, name] of Object.keys(events).entries()) {
        const own = before[i];
        if (own === undefined) Reflect.deleteProperty(globalThis, name);
        else Object.defineProperty(globalThis, name, own);
      }
    }
  });

  it("has no keep-alive by pings, as it has none, and says what to give", async () => {
    const { WebSocketApp, connect } = browser();
    for (const keepAlive of [true, {}, { interval: 1000 }, { payload: "a" }] as const) {
      const make = () => new WebSocketApp(URL_, { keepAlive });
      const error = thrown(make, UsageError);
      expect(error).to.include({ code: "ERR_WS_UNSUPPORTED" });
      expect(error.message).to.include("keepAlive.message");
      expect(await rejection(connect(URL_, { keepAlive }), UsageError)).to.include({
        code: "ERR_WS_UNSUPPORTED",
      });
      const app = new WebSocketApp(URL_, { keepAlive: false });
      expect(await rejection(app.runForever({ keepAlive }), UsageError)).to.include({
        code: "ERR_WS_UNSUPPORTED",
      });
    }
  });

  it("refuses reconnect and outbox for a single connection", async () => {
    const { connect } = browser();
    for (const options of [{ reconnect: true }, { outbox: {} }]) {
      const error = await rejection(connect(URL_, options as ConnectionOptions), UsageError);
      expect(error.message).to.include("belongs to the constructor of WebSocketApp");
    }
  });

  it("closes what has opened when it finds that a callback could never be called", async () => {
    const { app, ended, log, made } = run();
    const socket = await made.next();
    app.onContMessage = () => {};
    socket.open();
    expect((await ended).error).to.include({ code: "ERR_WS_UNSUPPORTED" });
    expect(socket.calls).to.deep.equal(["close"]);
    expect(log).to.deep.equal(["error ERR_WS_UNSUPPORTED", "close 1006 undefined"]);
  });
});

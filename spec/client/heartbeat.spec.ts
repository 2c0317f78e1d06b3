// Keep-alive on real sockets: who is alive is kept, whatever is in the way of a pong, and who is dead is dropped at once.
// Titles say what fails elsewhere.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { Heartbeat } from "../../lib/client/heartbeat.ts";
import type { KeepAliveOptions } from "../../lib/client/keep-alive.ts";
import { BINARY, CLOSE, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { type CloseInfo, TimeoutError, UsageError, type WebSocketError } from "../../lib/errors.ts";
import type { ProtocolState } from "../../lib/protocol/protocol.ts";
import { wordsOf } from "../support/built.ts";
import { busy } from "../support/busy.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { Queue } from "../support/queue.ts";
import { pair, rawServer, running, type SentFrame, type ServerEnd } from "../support/raw-server.ts";
import { createClient, createConnection, WebSocketApp } from "../support/runtime.ts";

const MIB = 1024 * 1024;

/** Short, so that tests are: but longer than a loop that is free can be late. */
const keepAlive = { interval: 20, timeout: 200 };

/** The next ping of the client's. */
async function nextPing({ frames }: ServerEnd): Promise<SentFrame> {
  for (;;) {
    const frame = await frames.next();
    if (frame.opcode === PING) return frame;
  }
}

/** Answers so many pings, each with the same payload. */
async function answer(server: ServerEnd, count: number): Promise<string[]> {
  const payloads: string[] = [];
  while (payloads.length < count) {
    const { payload } = await nextPing(server);
    payloads.push(payload.toString());
    server.send(PONG, payload);
  }
  return payloads;
}

/** That a connection was dropped as dead: not closed, with no Close frame on either side. */
function expectDead(info: CloseInfo): void {
  expect(info).to.include({ code: 1006, wasClean: false }).and.not.to.have.any.keys("sent", "received");
  expect(info.error).to.be.an.instanceOf(TimeoutError).and.to.include({ phase: "ping" });
}

/** What a client sends on a socket, once it has sent it all. */
async function opcodesOf(server: ServerEnd): Promise<number[]> {
  const opcodes: number[] = [];
  try {
    for (;;) opcodes.push((await server.frames.next()).opcode);
  } catch {
    return opcodes; // the connection is gone
  }
}

describe("keepAlive", () => {
  const use = cleanUp();

  it("pings, each time with another payload, and measures the latency", async () => {
    const { ws, server } = await pair(use, { keepAlive });
    expect(ws.latency).to.equal(undefined);
    expect(await answer(server, 3)).to.deep.equal(["1", "2", "3"]);
    await nextPing(server);
    expect(ws.latency).to.be.above(0);
  });

  it("pings with a payload of the user's, which is copied", async () => {
    const payload = Uint8Array.of(1, 2);
    const { server } = await pair(use, { keepAlive: { ...keepAlive, payload } });
    payload.fill(9);
    for (let i = 0; i < 2; i++) expect((await nextPing(server)).payload).to.deep.equal(Buffer.of(1, 2));
  });

  it("takes its numbers where ping() does, so that no pong answers two", async () => {
    const { ws, server } = await pair(use, { keepAlive });
    expect(await answer(server, 1)).to.deep.equal(["1"]);
    const pinged = ws.ping();
    expect(await answer(server, 2)).to.include("2");
    await pinged;
  });

  it("answers a ping() with the pong of a later ping of its own: a peer may answer the last alone", async () => {
    const { ws, server } = await pair(use, { keepAlive: { interval: 20, timeout: 20_000 } });
    const pinged = ws.ping("mine");
    expect((await nextPing(server)).payload.toString()).to.equal("mine");
    server.send(PONG, (await nextPing(server)).payload);
    expect(await pinged).to.be.at.least(0);
  });

  it("keeps no account of pings that are never answered", async () => {
    const { ws, server } = await pair(use, { keepAlive });
    for (let i = 0; i < 5; i++) {
      await nextPing(server);
      server.send(TEXT, "alive");
    }
    const pinged = ws.ping("mine");
    let frame = await nextPing(server);
    while (frame.payload.toString() !== "mine") frame = await nextPing(server);
    server.send(PONG, "mine");
    await pinged;
    expect(ws.latency).to.be.above(0);
  });

  it("is what an app is given for all runs, or for one; its pongs come to onPong", async () => {
    const pongs = new Queue<string>();
    const { url, accepted } = await rawServer(use);
    const app = new WebSocketApp(url, {
      keepAlive: { ...keepAlive, payload: "all" },
      onPong: (_app, payload) => pongs.push(Buffer.from(payload).toString()),
    });
    for (const [options, expected] of [
      [{}, "all"],
      [{ keepAlive: { ...keepAlive, payload: "one" } }, "one"],
    ] as const) {
      const run = app.runForever(options);
      const server = await accepted.next();
      await answer(server, 1);
      expect(await pongs.next()).to.equal(expected);
      server.close();
      await run;
    }
    const run = app.runForever({ keepAlive: false });
    const server = await accepted.next();
    server.close();
    await run;
    expect(await opcodesOf(server)).to.deep.equal([CLOSE]);
  });

  for (const wrong of [null, 5, { interval: 0 }, { timeout: -1 }, { payload: 5 }, { period: 5 }]) {
    it(`refuses ${JSON.stringify(wrong)} at once, in either shape`, async () => {
      const { url, accepted } = await rawServer(use);
      const options = { keepAlive: wrong } as object;
      await rejection(createConnection(url, options), UsageError);
      thrown(() => new WebSocketApp(url, options), UsageError);
      await rejection(new WebSocketApp(url).runForever(options), UsageError);
      thrown(() => createClient(options), UsageError);
      expect(accepted.waiting).to.equal(0);
    });
  }

  describe("drops", () => {
    const peers: [title: string, isDeaf: boolean][] = [
      ["that reads and says nothing", false],
      ["that does not even read: half-open", true],
    ];
    for (const [title, isDeaf] of peers) {
      it(`a peer ${title}, without a closing handshake (others stay in CLOSING for ever)`, async () => {
        const { ws, server } = await pair(use, { keepAlive, closeTimeout: 600_000 }, { isDeaf });
        const gone = once(server.socket, "close");
        const opcodes = opcodesOf(server);
        server.socket.on("data", () => {});
        expectDead(await ws.closed);
        expect(ws.state).to.equal("closed");
        server.socket.resume();
        await gone;
        if (!isDeaf)
          expect(await opcodes)
            .to.include(PING)
            .and.not.to.include(CLOSE);
      });
    }

    it("a peer that does not take what is sent", async () => {
      const { ws } = await pair(use, { keepAlive }, { isDeaf: true });
      const sent: Promise<unknown>[] = [];
      for (let i = 0; i < 30; i++) sent.push(ws.send(new Uint8Array(MIB)).catch((error: unknown) => error));
      expectDead(await ws.closed);
      expect((await Promise.all(sent)).at(-1)).to.include({ code: "ERR_WS_CLOSED" });
    });

    it("a peer that fell silent, once it is read again", async () => {
      const { ws, server } = await pair(use, { keepAlive, maxQueue: 1 });
      for (const text of ["1", "2", "3"]) server.send(TEXT, text);
      // Nothing is read beyond the first message: that is no silence of the peer's.
      for (let i = 0; i < 20; i++) await nextPing(server);
      expect(ws.state).to.equal("open");
      for (const text of ["1", "2", "3"]) expect(await ws.recv()).to.equal(text);
      expectDead(await ws.closed);
    });

    it("it and connects again, with nothing of the dead connection left (others: ping timed out, again and again)", async () => {
      const log: string[] = [];
      const reopened = new Queue<string>();
      const { url, accepted } = await rawServer(use);
      const app = new WebSocketApp(url, {
        keepAlive: { interval: 20, timeout: 200 },
        reconnect: { minDelay: 1, maxDelay: 1 },
        onOpen: () => log.push("open"),
        onReconnect: (app) => reopened.push(`${app.connection?.latency}`),
        onError: (_app, error) => log.push((error as WebSocketError).code),
        onClose: (_app, code, _reason, { retry }) => log.push(`${code} ${retry?.attempt}`),
      });
      const run = app.runForever();
      const dead = await accepted.next();
      const gone = once(dead.socket, "close");
      expect(await reopened.next()).to.equal("undefined");
      await gone;
      const living = await accepted.next();
      // It lives on beyond the deadline of each ping that the dead one was sent.
      expect(await answer(living, 25)).to.include.members(["1", "2", "25"]);
      app.close();
      living.close();
      await run;
      expect(log).to.deep.equal(["open", "ERR_WS_TIMEOUT", "1006 1", "1000 undefined"]);
    });
  });

  describe("keeps", () => {
    const signs: [title: string, act: (server: ServerEnd, ping: SentFrame) => void][] = [
      ["that sends data and never a pong (others drop it)", ({ send }) => send(TEXT, "data")],
      ["that sends pongs with another payload", ({ send }) => send(PONG, "other")],
      ["that sends pings of its own", ({ send }) => send(PING, "own")],
      [
        "whose message comes a byte at a time",
        ({ socket }, { payload }) => void socket.write(Buffer.of([0x81, 0x7d][Number(payload) - 1] ?? 0x61)),
      ],
    ];
    for (const [title, act] of signs) {
      it(`a peer ${title}`, async () => {
        const { ws, server } = await pair(use, { keepAlive: { interval: 20, timeout: 100 } });
        for (let i = 0; i < 12; i++) act(server, await nextPing(server));
        expect(ws.state).to.equal("open");
      });
    }

    it("a peer whose pongs are queued behind bulk data (others drop it)", async () => {
      const { app, server } = await running(use, {
        keepAlive: { interval: 20, timeout: 100 },
        onMessage: () => busy(5),
      });
      for (let i = 0; i < 5; i++) {
        const { payload } = await nextPing(server);
        for (let j = 0; j < 16; j++) server.send(BINARY, new Uint8Array(MIB));
        server.send(PONG, payload);
      }
      expect(app.connection?.state).to.equal("open");
    });

    it("a peer that does not hear the ping for all that is sent to it, as long as it takes that", async () => {
      const { ws, server } = await pair(use, { keepAlive }, { isDeaf: true });
      for (let i = 0; i < 12; i++) {
        const sent = ws.send(new Uint8Array(8 * MIB));
        await nextTurn();
        server.socket.resume();
        await sent;
        server.socket.pause();
      }
      expect(ws.state).to.equal("open");
    });

    it("a peer whose pongs lie in the kernel's buffer while the loop is blocked (others drop it)", async () => {
      const [program, ...words] = wordsOf("spec/support/pong-process.ts");
      const child = spawn(program, words, {
        stdio: ["ignore", "pipe", "inherit"],
      });
      use({ close: () => void child.kill() });
      const [url] = (await once(createInterface(child.stdout), "line")) as [string];
      const ws = await createConnection(url, { keepAlive: { interval: 20, timeout: 100 } });
      use({ close: () => ws.terminate() });
      // Of every length up to what passes for a sleep; each begins at another part of a ping's way.
      for (const [round, ms] of [60, 90, 110, 130, 150, 170, 190, 220, 300, 450, 600].entries()) {
        await new Promise((resolve) => setTimeout(resolve, (round * 7) % 40));
        if (round % 3 === 0) setTimeout(busy, 0, ms); // another timer that is due at the same time as ours
        busy(ms);
        expect(ws.state).to.equal("open");
      }
      await ws.send("still there");
      expect(await ws.recv()).to.equal("still there");
    });
  });

  describe("is silent", () => {
    it("once we close", async () => {
      const { ws, server } = await pair(use, { keepAlive: { interval: 5, timeout: 5 }, closeTimeout: 300 });
      void ws.close();
      expect((await ws.closed).error).to.include({ phase: "close" });
      expect((await opcodesOf(server)).slice(-1)).to.deep.equal([CLOSE]);
    });

    it("once the peer closes", async () => {
      const { ws, server } = await pair(use, { keepAlive: { interval: 10, timeout: 50 } });
      server.socket.write(Buffer.of(0x88, 0)); // and leaves TCP as it is
      const info = await ws.closed;
      expect(info).to.include({ code: 1005, wasClean: true });
      expect((await opcodesOf(server)).slice(-1)).to.deep.equal([CLOSE]);
    });

    it("once the peer has ended its side: the loss is not taken for a silence", async () => {
      const { ws, server } = await pair(use, { keepAlive: { interval: 10, timeout: 50 } }, { isDeaf: true });
      void ws.send(new Uint8Array(32 * MIB)); // what is still to be sent keeps TCP open
      server.socket.end();
      expect((await ws.closed).error).to.include({ code: "ERR_WS_TRANSPORT" });
    });
  });

  it("does not keep a process alive whose connection may end with it", async () => {
    const { url, accepted } = await rawServer(use);
    const [program, ...words] = wordsOf("spec/support/kept-alive.ts");
    for (const mode of ["unref", "ref"]) {
      const child = spawn(program, [...words, url, mode], {
        stdio: "inherit",
      });
      const exit = once(child, "exit");
      const server = await accepted.next();
      if (mode === "ref") {
        await answer(server, 5);
        expect(child.exitCode).to.equal(null);
        server.close();
      }
      expect(await exit).to.deep.equal([0, null]);
    }
  });
});

describe("keepAlive with a message", () => {
  const use = cleanUp();

  const messages: [title: string, message: Required<KeepAliveOptions>["message"], sent: string[]][] = [
    ["a text", "beat", ["1 beat", "1 beat"]],
    ["bytes", Uint8Array.of(0x31), ["2 1", "2 1"]],
    [
      "what a function gives",
      (
        (count = 0) =>
        () =>
          `${++count}`
      )(),
      ["1 1", "1 2"],
    ],
  ];
  for (const [title, message, sent] of messages) {
    it(`sends ${title} in the place of a ping`, async () => {
      const { server } = await pair(use, { keepAlive: { ...keepAlive, message } });
      const frames = await server.frames.take(2);
      expect(frames.map(({ opcode, payload }) => `${opcode} ${payload}`)).to.deep.equal(sent);
    });
  }

  it("copies bytes", async () => {
    const message = Uint8Array.of(7);
    const { server } = await pair(use, { keepAlive: { ...keepAlive, message } });
    message[0] = 9;
    expect((await server.frames.next()).payload).to.deep.equal(Buffer.of(7));
  });

  it("takes whatever comes for a sign of life", async () => {
    const { ws, server } = await pair(use, { keepAlive: { interval: 20, timeout: 1000, message: "beat" } });
    for (let i = 0; i < 60; i++) {
      expect(await server.text()).to.equal("beat");
      server.send(TEXT, "anything");
    }
    expect(ws.state).to.equal("open");
  });

  it("drops a peer that is silent, and says after what", async () => {
    const { ws, server } = await pair(use, { keepAlive: { interval: 5, timeout: 5, message: "beat" } });
    const info = await ws.closed;
    expectDead(info);
    expect(info.error?.message).to.include("within 5 ms of keepAlive.message (option keepAlive.timeout)");
    expect(new Set(await opcodesOf(server))).to.deep.equal(new Set([TEXT]));
  });

  const faults: [title: string, message: () => unknown, code: string, text: string][] = [
    ["throws", () => thrownBy(new RangeError("mine")), "ERR_WS_CALLBACK", "keepAlive.message failed: mine"],
    ["throws what is no error", () => thrownBy(5), "ERR_WS_CALLBACK", "keepAlive.message threw 5"],
    ["gives no message", () => 5, "ERR_WS_INVALID_ARGUMENT", "not number"],
    ["gives a promise", async () => "beat", "ERR_WS_INVALID_ARGUMENT", "not object"],
    ["gives a Blob", () => new Blob(["a"]), "ERR_WS_INVALID_ARGUMENT", "no Blob"],
  ];
  for (const [title, message, code, text] of faults) {
    it(`drops the connection where the function ${title}, and says so`, async () => {
      const option = { ...keepAlive, message: message as () => string };
      const { ws } = await pair(use, { keepAlive: option });
      const { error } = await ws.closed;
      expect(error).to.include({ code });
      expect(error?.message).to.include(text);
    });
  }

  it("sends nothing between the frames of a stream, and counts no silence meanwhile", async () => {
    const source = async function* () {
      yield "a";
      for (const end = performance.now() + 300; performance.now() < end; ) await nextTurn();
      yield "b";
    };
    const { server } = await running(use, {
      keepAlive: { interval: 5, timeout: 5, message: "beat" },
      onOpen: (app) => app.sendStream(source()),
    });
    const frames: string[] = [];
    while (frames.at(-1) !== "beat") frames.push(await server.text());
    expect(frames).to.deep.equal(["a", "b", "", "beat"]);
  });
});

/** For where only an expression may be. */
function thrownBy(value: unknown): never {
  throw value;
}

describe("Heartbeat", () => {
  cleanUp();

  /** A session that hears nothing, and what is done to it. */
  function silent(state: ProtocolState = "open") {
    const calls = new Queue<string>();
    const session = {
      state,
      activity: 0,
      isPaused: false,
      destroy: (cause?: WebSocketError) => calls.push(`destroy ${cause?.message}`),
    };
    const options = { interval: 5, timeout: 5, payload: undefined, message: undefined };
    const heartbeat = new Heartbeat(session, options, () => {
      calls.push("ping");
      return true;
    });
    return { session, calls, heartbeat };
  }

  it("says why it drops a session", async () => {
    const { calls } = silent();
    expect(await calls.take(2)).to.deep.equal([
      "ping",
      "destroy nothing came from the peer within 5 ms of a ping (option keepAlive.timeout)",
    ]);
  });

  it("does nothing more once it is stopped, or has dropped the session", async () => {
    const stopped = silent();
    stopped.heartbeat.stop();
    const dropped = silent();
    await dropped.calls.take(2);
    for (let i = 0; i < 3; i++) await silent().calls.take(2); // as long as it took
    expect([stopped.calls.waiting, dropped.calls.waiting]).to.deep.equal([0, 0]);
  });

  it("asks for no timer before now, however long its own work takes: a runtime would warn of it", () => {
    const { performance, setTimeout } = globalThis;
    const real = performance.now.bind(performance);
    const asked: number[] = [];
    let now = 0;
    Object.assign(globalThis, { setTimeout: (_call: () => void, ms: number) => asked.push(ms) });
    Object.defineProperty(performance, "now", { value: () => (now += 1000), configurable: true });
    try {
      new Heartbeat(
        { activity: 0, isPaused: false, state: "open", destroy() {} } as never,
        { interval: 20, timeout: 20, payload: undefined, message: undefined },
        () => true,
      );
    } finally {
      Object.assign(globalThis, { setTimeout });
      Object.defineProperty(performance, "now", { value: real, configurable: true });
    }
    expect(asked).to.deep.equal([0]);
  });

  it("leaves a session alone that is closing", async () => {
    const { calls } = silent("closing");
    for (let i = 0; i < 3; i++) await silent().calls.take(2);
    expect(calls.waiting).to.equal(0);
  });

  it("can be stopped by what a ping brings about", async () => {
    const { session, calls, heartbeat } = silent();
    await calls.next();
    session.destroy = () => calls.push("never");
    heartbeat.stop();
    for (let i = 0; i < 3; i++) await silent().calls.take(2);
    expect(calls.waiting).to.equal(0);
  });
});

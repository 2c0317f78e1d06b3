// Faults 62 to 68: what only time brings, callbacks that misbehave, and servers that do for as long as one likes.

import { expect } from "chai";
import { randomFraction } from "../../lib/bytes/random.ts";
import type { AppOptions } from "../../lib/client/app.ts";
import { Backoff, resolveReconnect } from "../../lib/client/backoff.ts";
import { CLOSE, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, type CloseInfo, TimeoutError, type WebSocketError } from "../../lib/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { printed } from "../support/console.ts";
import { rejection } from "../support/failure.ts";
import { frame } from "../support/raw-server.ts";
import { type WebSocketApp as App, createConnection, WebSocketApp } from "../support/runtime.ts";
import { type Step, scripted } from "../support/script.ts";
import { settle, virtualClock } from "../support/script-clock.ts";
import {
  answerClose,
  close,
  drop,
  finish,
  goodbye,
  hear,
  hearEnd,
  reset,
  send,
  stopReading,
  upgrade,
} from "../support/script-steps.ts";

const MIB = 1024 * 1024;

describe("faults: in the long run", () => {
  const use = cleanUp();

  it("62: the loop is blocked for half a minute, and the pong lies in the kernel's buffer: not dead", async () => {
    const clock = virtualClock(use);
    const peer = await scripted(use, [upgrade()], "memory");
    const connecting = peer.createConnection(peer.url, { keepAlive: { interval: 10_000, timeout: 5_000 } });
    await clock.advance(0);
    const [ws, line] = [await connecting, await peer.lines.next()];
    for (let round = 0; round < 5; round++) {
      while (line.frames.waiting === 0) await clock.advance(1_000);
      void line.send(frame(PONG, (await line.frames.next()).payload)); // on its way, and not read
      await clock.block(30_000);
      expect(ws.state).to.equal("open");
    }
    ws.terminate();
    await clock.advance(0);
  });

  it("62: so where it is blocked for a moment only, and the deadline passes in it", async () => {
    const clock = virtualClock(use);
    const peer = await scripted(use, [upgrade()], "memory");
    const connecting = peer.createConnection(peer.url, { keepAlive: { interval: 10_000, timeout: 5_000 } });
    await clock.advance(0);
    const [ws, line] = [await connecting, await peer.lines.next()];
    await clock.advance(14_900);
    void line.send(frame(PONG, (await line.frames.next()).payload));
    await clock.block(400); // no more than a timer may be late, so that what lies there decides
    await clock.advance(1_000);
    expect(ws.state).to.equal("open");
    ws.terminate();
    await clock.advance(0);
  });

  it("63: the system's clock jumps: nothing happens", async () => {
    const clock = virtualClock(use);
    const { now } = Date;
    use({ close: () => void Object.assign(Date, { now }) });
    let waited = 0;
    const peer = await scripted(
      use,
      (client) => (client === 0 ? [upgrade(), drop] : [upgrade(), beating]),
      "memory",
    );
    const app = new peer.WebSocketApp(peer.url, {
      keepAlive: { interval: 10_000, timeout: 5_000 },
      reconnect: { minDelay: 1_000, jitter: 0, factor: 1 },
    });
    app.onClose = (_app, _code, _reason, { retry }) => {
      waited = retry?.delay ?? 0;
    };
    const ending = app.runForever();
    await clock.advance(0);
    expect(waited).to.equal(1_000);
    for (const jump of [-1e9, 1e9, -1e12, 1e12]) {
      Object.assign(Date, { now: () => now() + jump });
      await clock.advance(20_000);
      expect(app.connection?.state).to.equal("open");
    }
    expect(peer.count).to.equal(2);
    app.terminate();
    await clock.advance(0);
    expect(await ending).to.include({ code: 1006 });
  });

  describe("64: a callback", () => {
    const names = ["onOpen", "onMessage", "onData", "onPing", "onPong", "onClose"] as const;
    const script = [upgrade(), send("89 00 | 8a 00 | 81 01 61"), ...goodbye(4000)];
    const misdeeds: [title: string, act: () => unknown][] = [
      [
        "that throws",
        () => {
          throw new RangeError("mine");
        },
      ],
      ["that rejects", () => Promise.reject(new RangeError("mine"))],
    ];
    for (const name of names) {
      for (const [title, act] of misdeeds) {
        it(`${title}, ${name}: is reported once, and all goes on`, async () => {
          const log: string[] = [];
          const peer = await scripted(use, script);
          const app = new peer.WebSocketApp(peer.url, { ...logging(log), [name]: act });
          expect(await app.runForever()).to.include({ code: 4000, wasClean: true });
          await settle();
          const rest = ["open", "ping", "pong", "message a", "close 4000"];
          const own = {
            onOpen: "open",
            onMessage: "message a",
            onPing: "ping",
            onPong: "pong",
            onClose: "close 4000",
            onData: "",
          };
          expect(log.filter((line) => line !== "error mine")).to.deep.equal(
            rest.filter((line) => line !== own[name]),
          );
          expect(log.filter((line) => line === "error mine")).to.have.length(1);
        });
      }

      it(`that takes for ever, ${name}: nobody waits for it`, async () => {
        const log: string[] = [];
        const peer = await scripted(use, script);
        const app = new peer.WebSocketApp(peer.url, { ...logging(log), [name]: () => new Promise(() => {}) });
        expect(await app.runForever()).to.include({ code: 4000, wasClean: true });
      });
    }

    it("onError that throws: is printed, and comes to no end in itself", async () => {
      const peer = await scripted(use, [upgrade(), reset]);
      const app = new peer.WebSocketApp(peer.url);
      let calls = 0;
      app.onError = () => {
        calls++;
        throw new RangeError("again");
      };
      const lines = await printed(() => app.runForever());
      expect(calls).to.equal(1);
      expect(lines.map(String)).to.deep.equal(["RangeError: again"]);
    });

    it("that calls everything it can: send, ping, close, runForever, in each callback", async () => {
      const errors: string[] = [];
      const peer = await scripted(use, [upgrade(), send("89 00 | 8a 00 | 81 01 61"), ...answerClose]);
      const wild = (app: App) => {
        const attempts = [
          () => app.send("x"),
          () => app.pong(),
          () => app.ping(),
          () => app.close(),
          () => app.runForever(),
        ];
        for (const attempt of attempts)
          Promise.resolve()
            .then(attempt)
            .catch((error: WebSocketError) => errors.push(error.code));
      };
      const app = new peer.WebSocketApp(peer.url, {
        onOpen: wild,
        onMessage: wild,
        onPing: wild,
        onPong: wild,
      });
      expect(await app.runForever()).to.include({ code: 1000, wasClean: true });
      await settle();
      expect(new Set(errors)).to.deep.equal(new Set(["ERR_WS_INVALID_STATE", "ERR_WS_CLOSED"]));
    });
  });

  describe("65: the connection is lost while messages leave, and another follows", () => {
    it("without an outbox: a send that is lost is told of, and not sent again", async () => {
      const got: string[] = [];
      const take = hear(TEXT, ({ payload }) => void got.push(String(payload)));
      const peer = await scripted(use, (client) =>
        client === 0 ? [upgrade(), stopReading, drop] : [upgrade(), take, ...answerClose],
      );
      const opened: App[] = [];
      const app: App = new peer.WebSocketApp(peer.url, {
        reconnect: { minDelay: 1, maxDelay: 1 },
        onOpen(app) {
          opened.push(app);
          app.send(opened.length === 1 ? "lost" : "second");
          if (opened.length === 2) app.close();
        },
      });
      await app.runForever();
      await (await peer.lines.take(2))[1]?.ended;
      expect(got).to.deep.equal(["second"]);
    });

    it("with one: what was handed to a connection that is lost is told of, and the rest goes with the next", async () => {
      const got: number[] = [];
      const take: Step = async (line) => {
        for (;;) {
          const { opcode, payload } = await line.frames.next();
          if (opcode === CLOSE) break;
          if (opcode !== PING) got.push(payload[0] ?? -1);
        }
        for (const step of [close(), finish]) await step(line);
      };
      const dropped: string[] = [];
      const peer = await scripted(use, (client) =>
        client === 0 ? [upgrade(), stopReading, settle, drop] : [upgrade(), take],
      );
      const all = 40;
      const app: App = new peer.WebSocketApp(peer.url, {
        reconnect: { minDelay: 1, maxDelay: 1 },
        outbox: {
          maxBytes: 100 * MIB,
          onDrop: (message, reason) => dropped.push(`${reason} ${(message as Uint8Array)[0]}`),
        },
      });
      let lost = 0;
      app.onClose = () => void lost++;
      const ending = app.runForever();
      for (let i = 0; i < all; i++) app.send(new Uint8Array(MIB).fill(i));
      const isAccounted = () => got.at(-1) === all - 1 || dropped.at(-1) === `lost ${all - 1}`;
      while (!isAccounted()) await settle();
      app.close();
      await ending;
      expect(lost).to.equal(2);
      // Each was told of, or arrived; none did twice.
      const told = dropped.map((line) => Number(line.replace("lost ", "")));
      expect([...told, ...got]).to.deep.equal(Array.from({ length: all }, (_, i) => i));
    });
  });

  it("66: a server accepts and drops, a hundred times: the waits grow to the longest, and are counted", async () => {
    const clock = virtualClock(use);
    const peer = await scripted(
      use,
      (client) => (client === 100 ? [upgrade(), ...goodbye()] : [upgrade(), drop]),
      "memory",
    );
    const retries: NonNullable<CloseInfo["retry"]>[] = [];
    const app = new peer.WebSocketApp(peer.url, { reconnect: true });
    app.onClose = (_app, _code, _reason, { retry }) => retry && void retries.push(retry);
    const ending = app.runForever();
    for (let i = 0; i < 100; i++) {
      await clock.advance(retries.at(-1)?.delay ?? 0);
      expect(peer.count).to.equal(i + 1);
    }
    await clock.advance(30_000);
    expect(await ending).to.include({ code: 1000, wasClean: true });
    expect(retries.map(({ attempt }) => attempt)).to.deep.equal(Array.from({ length: 100 }, (_, i) => i + 1));
    for (const { attempt, delay } of retries)
      expect(delay).to.be.within(1_000, Math.min(30_000, 1_000 * 2 ** attempt));
    expect(new Set(retries.map(({ delay }) => delay)).size).to.be.greaterThan(90);
  });

  it("67: a thousand clients are lost at once: they come back spread over the whole wait", () => {
    const options = resolveReconnect(true);
    if (options === undefined) throw new Error("there are defaults");
    for (const attempt of [1, 3, 10]) {
      const delays = Array.from({ length: 1000 }, () => {
        const backoff = new Backoff(options, randomFraction);
        for (let i = 0; i < attempt; i++) backoff.lost(0);
        return backoff.delay();
      });
      const ceiling = Math.min(30_000, 1_000 * 2 ** attempt);
      // Kolmogorov and Smirnov: the distance from the uniform distribution exceeds it once in ten million times.
      const distance = delays
        .sort((one, other) => one - other)
        .map((delay, i) => Math.abs((i + 0.5) / delays.length - (delay - 1_000) / (ceiling - 1_000)));
      expect(Math.max(...distance), `attempt ${attempt}`).to.be.below(2.9 / Math.sqrt(delays.length));
    }
  });

  describe("68: a function of the user's, for url, headers, protocols or cookies", () => {
    const URL = "ws://127.0.0.1:9/";
    const mine = new RangeError("mine");
    const throws = () => {
      throw mine;
    };
    const rows: [title: string, url: string | (() => never), options: AppOptions][] = [
      ["url", throws, {}],
      ["headers", URL, { headers: throws }],
      ["protocols", URL, { protocols: throws }],
      ["cookies", URL, { cookies: throws }],
    ];
    for (const [name, url, options] of rows) {
      it(`that throws, ${name}: a failed attempt`, async () => {
        expect(await rejection(createConnection(url, options), RangeError)).to.equal(mine);
        const log: string[] = [];
        const app = new WebSocketApp(url, {
          ...options,
          ...logging(log),
          reconnect: { minDelay: 1, maxDelay: 1, maxAttempts: 2 },
        });
        const info = await app.runForever();
        expect(info.error).to.include({ code: "ERR_WS_CALLBACK", cause: mine });
        expect(log).to.deep.equal(
          Array.from({ length: 3 }, () => ["error an option's function failed: mine", "close 1006"]).flat(),
        );
      });
    }

    const hangs = () => new Promise<never>(() => {});
    const hanging: [name: string, url: string | (() => Promise<never>), options: AppOptions][] = [
      ["url", hangs, {}],
      ["headers", URL, { headers: hangs }],
      ["protocols", URL, { protocols: hangs }],
      ["cookies", URL, { cookies: hangs }],
    ];
    for (const [name, url, options] of hanging) {
      it(`that never settles, ${name}: the deadline holds for it, and the next attempt follows`, async () => {
        const clock = virtualClock(use);
        const log: string[] = [];
        const app = new WebSocketApp(url, {
          ...options,
          ...logging(log),
          reconnect: { jitter: 0, maxAttempts: 1 },
        });
        const connecting = rejection(createConnection(url, options), TimeoutError);
        const ending = app.runForever();
        await clock.advance(10_000);
        expect(await connecting).to.include({ phase: "headers", ms: 10_000 });
        expect(log).to.have.length(2);
        await clock.advance(2_000);
        await clock.advance(10_000);
        expect((await ending).error).to.include({ name: "TimeoutError", phase: "headers" });
        expect(log.filter((line) => line === "close 1006")).to.have.length(2);
        expect(log).to.have.length(4);
      });
    }

    const garbage: [title: string, url: string | (() => string), options: AppOptions][] = [
      ["url", () => "http://user:SECRET@", {}],
      ["url", (() => 1) as never, {}],
      ["headers", URL, { headers: () => ({ "a b": "SECRET" }) }],
      ["headers", URL, { headers: (() => 1) as never }],
      ["headers", URL, { headers: async () => ({ a: "SECRET\r\nX: y" }) }],
      ["protocols", URL, { protocols: () => ["a b SECRET"] }],
      ["cookies", URL, { cookies: () => "a=SECRET\r\n" }],
    ];
    for (const [name, url, options] of garbage) {
      it(`that gives what is none, ${name}: an error that says so, and no second attempt`, async () => {
        const log: string[] = [];
        const app = new WebSocketApp(url, {
          ...options,
          ...logging(log),
          reconnect: { minDelay: 1, maxDelay: 1 },
        });
        const info = await app.runForever();
        expect(info.error?.name).to.equal("UsageError");
        expect(log).to.have.length(2);
        expect(`${log} ${info.error?.stack}`).not.to.include("SECRET");
      });
    }
  });

  it("64 and 65: the last message, sent as the end comes, is sent or refused, and nothing else happens", async () => {
    const peer = await scripted(use, [upgrade(), close(4000), hear(CLOSE), finish, hearEnd]);
    const ws = await peer.createConnection(peer.url);
    await rejection(ws.recv(), ClosedError);
    await rejection(ws.send("late"), ClosedError);
  });
});

/** Answers every ping. */
async function beating(line: Parameters<Step>[0]): Promise<void> {
  for (;;) await hear(PING, ({ payload }) => void line.send(frame(PONG, payload)))(line);
}

/** Callbacks that write down what happens. */
function logging(log: string[]) {
  return {
    onOpen: () => log.push("open"),
    onMessage: (_app: App, message: unknown) => log.push(`message ${message}`),
    onPing: () => log.push("ping"),
    onPong: () => log.push("pong"),
    onError: (_app: App, error: Error) => log.push(`error ${error.message.replace(/ \[.*/, "")}`),
    onClose: (_app: App, code: number) => log.push(`close ${code}`),
  };
}

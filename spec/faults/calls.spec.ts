// Faults 55 to 61: what a user may call at any time, in any state, from anywhere.

import { getEventListeners } from "node:events";
import { expect } from "chai";
import type { AppOptions } from "../../lib/client/app.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { BINARY, CLOSE, PONG, TEXT } from "../../lib/codec/opcode.ts";
import {
  ClosedError,
  type CloseInfo,
  LimitError,
  type Phase,
  TimeoutError,
  UsageError,
} from "../../lib/errors.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { frame } from "../support/raw-server.ts";
import { type WebSocketApp as App, createConnection, WebSocketApp } from "../support/runtime.ts";
import { type Line, type Step, scripted } from "../support/script.ts";
import { blackHole } from "../support/script-black-hole.ts";
import { settle, virtualClock } from "../support/script-clock.ts";
import { resolving } from "../support/script-names.ts";
import {
  answerClose,
  cue,
  goodbye,
  hear,
  hearEnd,
  request,
  send,
  stayOpen,
  stopReading,
  upgrade,
} from "../support/script-steps.ts";

const MIB = 1024 * 1024;
const REASON = new RangeError("enough");

/** An attempt that does not get on, and how far it got. */
interface Stuck {
  readonly url: string;
  readonly options?: ConnectionOptions;
  /** The peer's end, where there is one. */
  readonly line?: Promise<Line>;
  /** Fulfils when it is there where it stays. */
  readonly reached: Promise<unknown>;
}

describe("faults: calls", () => {
  const use = cleanUp();

  const phases: Record<Exclude<Phase, "recv" | "ping" | "close">, () => Promise<Stuck>> = {
    async headers() {
      let called = () => {};
      const reached = new Promise<void>((resolve) => {
        called = resolve;
      });
      const headers = () => {
        called();
        return new Promise<never>(() => {});
      };
      return { url: "ws://127.0.0.1:9/", options: { headers }, reached };
    },
    async dns() {
      const asked = resolving(use, () => ({ "host.test": "silence" }));
      const reached = (async () => {
        while (asked.length === 0) await nextTurn();
      })();
      return { url: "ws://host.test/", reached };
    },
    async connect() {
      const port = await blackHole(use, "127.0.0.2");
      return { url: `ws://127.0.0.2:${port}/`, reached: settle() };
    },
    async tls() {
      const { url, lines } = await scripted(use, [hearEnd]);
      const line = lines.next();
      return { url: url.replace("ws:", "wss:"), line, reached: line };
    },
    async proxy() {
      const { url, lines } = await scripted(use, [hearEnd]);
      const line = lines.next();
      const options = { proxy: url.replace("ws:", "http:") };
      return { url: "ws://host.test/", options, line, reached: line.then(request) };
    },
    async handshake() {
      const { url, lines } = await scripted(use, [hearEnd]);
      const line = lines.next();
      return { url, line, reached: line.then(request) };
    },
  };

  describe("55: calling off an attempt", () => {
    for (const [phase, stick] of Object.entries(phases)) {
      it(`in phase ${phase}, by the signal of a Connection`, async () => {
        const { url, options, line, reached } = await stick();
        const controller = new AbortController();
        const connecting = createConnection(url, { ...options, signal: controller.signal });
        await reached;
        controller.abort(REASON);
        expect(await rejection(connecting, RangeError)).to.equal(REASON);
        await (await line)?.gone;
      });

      const acts: [how: string, act: (app: App, own: AbortController, run: AbortController) => void][] = [
        ["close()", (app) => app.close()],
        ["terminate()", (app) => app.terminate()],
        ["the app's signal", (_app, own) => own.abort(REASON)],
        ["the run's signal", (_app, _own, run) => run.abort(REASON)],
        [
          "all of them at once",
          (app, own, run) => {
            app.close();
            app.terminate();
            own.abort(REASON);
            run.abort(REASON);
            app.close(4000);
          },
        ],
      ];
      for (const [how, act] of acts) {
        it(`in phase ${phase}, by ${how} of an app that reconnects`, async () => {
          const { url, options, line, reached } = await stick();
          const [own, run] = [new AbortController(), new AbortController()];
          const log: string[] = [];
          const app = new WebSocketApp(url, {
            ...options,
            ...logging(log),
            reconnect: { minDelay: 1 },
            signal: own.signal,
          });
          const ending = app.runForever({ signal: run.signal });
          await reached;
          act(app, own, run);
          log.push("returned");
          const info = await ending;
          expect(info).to.include({ code: 1006, wasClean: false }).and.not.to.have.property("retry");
          expect(log).to.deep.equal(["returned", "close 1006"]);
          await (await line)?.gone;
          await nextTurn();
          expect(log).to.have.length(2);
          thrown(() => app.send("x"), ClosedError);
        });
      }
    }

    for (const [how, act] of [
      ["close()", (app: App) => app.close()],
      ["terminate()", (app: App) => app.terminate()],
      ["the signal", (_app: App, controller: AbortController) => controller.abort()],
    ] as const) {
      it(`in the wait before the next, by ${how}`, async () => {
        const clock = virtualClock(use);
        const controller = new AbortController();
        const log: string[] = [];
        const lost = await scripted(use, [({ socket }) => void socket.destroy()], "memory");
        const app = new lost.WebSocketApp(lost.url, {
          ...logging(log),
          reconnect: { minDelay: 60_000, jitter: 0 },
        });
        const ending = app.runForever({ signal: controller.signal });
        await clock.advance(0);
        expect(clock.due).to.have.length(1);
        act(app, controller);
        expect(await ending).to.include({ code: 1006 });
        expect(clock.due).to.deep.equal([]);
        expect(log.filter((line) => line.startsWith("close"))).to.deep.equal(["close 1006"]);
        await clock.advance(1_000_000);
        expect(lost.count).to.equal(1);
      });
    }
  });

  describe("55: ending it from within a callback", () => {
    const names = ["onOpen", "onMessage", "onData", "onPing", "onPong", "onClose"] as const;
    for (const name of names) {
      for (const how of ["close", "terminate", "abort"] as const) {
        it(`${how} in ${name}`, async () => {
          const script = [upgrade(), send("89 00 | 8a 00 | 81 01 61 | 81 01 62"), ...goodbye(4000)];
          const peer = await scripted(use, script);
          const controller = new AbortController();
          const log: string[] = [];
          const own = logging(log);
          let done = false;
          const app: App = new peer.WebSocketApp(peer.url, {
            ...own,
            [name]: (app: App, ...args: unknown[]) => {
              (own[name] as ((...args: unknown[]) => unknown) | undefined)?.(app, ...args);
              if (done) return;
              done = true;
              if (how === "close") app.close(1001);
              else if (how === "terminate") app.terminate();
              else controller.abort();
            },
          });
          const info = await app.runForever({ signal: controller.signal });
          await settle();
          expect(log.filter((line) => line.startsWith("close"))).to.have.length(1);
          expect(log.at(-1)).to.equal(`close ${info.code}`);
          expect(log.filter((line) => line.startsWith("error"))).to.deep.equal([]);
          // What is dropped delivers nothing more.
          if (how !== "close" && name === "onMessage") expect(log).not.to.include("message b");
        });
      }
    }

    it("of a connection that is closing or closed: once is enough, and nothing throws", async () => {
      const peer = await scripted(use, [upgrade(), hear(CLOSE), stayOpen, hearEnd]);
      const controller = new AbortController();
      const log: string[] = [];
      const app: App = new peer.WebSocketApp(peer.url, {
        ...logging(log),
        signal: controller.signal,
        closeTimeout: 60_000,
      });
      app.onOpen = () => {
        app.close(4000);
        app.close(4001);
        log.push("closing");
        app.terminate();
        controller.abort();
        app.close(4002);
        log.push("dropped");
      };
      const info = await app.runForever();
      expect(info).to.include({ code: 1006, wasClean: false });
      for (const act of [() => app.close(), () => app.terminate(), () => controller.abort()]) act();
      await settle();
      expect(log).to.deep.equal(["closing", "dropped", "close 1006"]);
      // The first was on its way already, or not; there is no other.
      const { record } = await peer.lines.next();
      const told: number[] = [];
      while (record.waiting > 0) told.push((await record.next()).payload.readUInt16BE());
      expect(told.filter((code) => code !== 4000)).to.deep.equal([]);
      expect(told.length).to.be.at.most(1);
    });

    it("of a failed attempt, in onError and in reconnect.retry", async () => {
      for (const where of ["onError", "retry"]) {
        const log: string[] = [];
        const peer = await scripted(use, [({ socket }) => void socket.destroy()]);
        const end = (app: App) => void app.close();
        const app: App = new peer.WebSocketApp(peer.url, {
          ...logging(log),
          onError: (app) => where === "onError" && end(app),
          reconnect: {
            minDelay: 1,
            retry: () => {
              if (where === "retry") end(app);
              return true;
            },
          },
        });
        expect(await app.runForever())
          .to.include({ code: 1006 })
          .and.not.to.have.property("retry");
        expect(log, where).to.deep.equal(["close 1006"]);
        expect(peer.count).to.equal(1);
      }
    });
  });

  describe("56: a signal", () => {
    it("that is aborted already: nothing is begun", async () => {
      const peer = await scripted(use, [upgrade()]);
      const signal = AbortSignal.abort(REASON);
      expect(await rejection(peer.createConnection(peer.url, { signal }), RangeError)).to.equal(REASON);
      const log: string[] = [];
      const app = new peer.WebSocketApp(peer.url, logging(log));
      expect((await app.runForever({ signal })).code).to.equal(1006);
      expect(log).to.deep.equal(["close 1006"]);
      expect(peer.count).to.equal(0);
    });

    it("that is aborted once it is open: dropped, and everything settles", async () => {
      const peer = await scripted(use, [upgrade(), hearEnd]);
      const controller = new AbortController();
      const ws = await peer.createConnection(peer.url, { signal: controller.signal });
      const waiting = [ws.recv(), ws.recvStream(), ws.ping()];
      controller.abort(REASON);
      const info = await ws.closed;
      expect([info.code, info.error?.code, info.error?.cause]).to.deep.equal([
        1006,
        "ERR_WS_ABORTED",
        REASON,
      ]);
      for (const promise of waiting) expect((await rejection(promise, ClosedError)).info).to.equal(info);
    });

    it("of recv(): the next message is not lost, and the connection lives", async () => {
      let go = () => {};
      const gone = new Promise<void>((resolve) => {
        go = resolve;
      });
      const peer = await scripted(use, [upgrade(), cue(gone), send("81 01 61 | 81 01 62"), ...answerClose]);
      const ws = await peer.createConnection(peer.url);
      const controller = new AbortController();
      const received = ws.recv({ signal: controller.signal });
      controller.abort(REASON);
      expect(await rejection(received, RangeError)).to.equal(REASON);
      go();
      expect([await ws.recv(), await ws.recv({ signal: new AbortController().signal })]).to.deep.equal([
        "a",
        "b",
      ]);
      expect(getEventListeners(controller.signal, "abort")).to.deep.equal([]);
      await ws.close();
    });

    it("is let go of, whatever came of that for which it was", async () => {
      const peer = await scripted(use, (client) =>
        client === 0
          ? [({ socket }) => void socket.destroy()]
          : [upgrade(), hear(TEXT), send("81 01 61"), ...answerClose],
      );
      const { signal } = new AbortController();
      await rejection(peer.createConnection(peer.url, { signal }), Error);
      const ws = await peer.createConnection(peer.url, { signal });
      const { signal: other } = new AbortController();
      const received = ws.recv({ signal: other, timeout: 60_000 });
      void ws.send("your turn");
      expect(await received).to.equal("a");
      expect(getEventListeners(other, "abort")).to.deep.equal([]);
      await ws.close();
      expect(getEventListeners(signal, "abort")).to.deep.equal([]);
    });
  });

  describe("57: send()", () => {
    it("of an app, in each state", async () => {
      const peer = await scripted(use, [upgrade(), hear(TEXT), ...answerClose]);
      const log: string[] = [];
      const attempt = (app: App, when: string) => {
        try {
          app.send("x");
          log.push(`${when}: sent`);
        } catch (error) {
          log.push(`${when}: ${(error as Error).name}`);
        }
      };
      const app: App = new peer.WebSocketApp(peer.url, {
        onOpen(app) {
          attempt(app, "open");
          app.close();
          attempt(app, "closing");
        },
        onClose: (app) => attempt(app, "onClose"),
      });
      attempt(app, "before");
      const ending = app.runForever();
      attempt(app, "connecting");
      await ending;
      attempt(app, "closed");
      expect(log).to.deep.equal([
        "before: ClosedError",
        "connecting: ClosedError",
        "open: sent",
        "closing: ClosedError",
        "onClose: ClosedError",
        "closed: ClosedError",
      ]);
    });

    it("of a connection that is closing, or closed: rejects, and nothing is thrown at once", async () => {
      const peer = await scripted(use, [upgrade(), ...answerClose]);
      const ws = await peer.createConnection(peer.url);
      const closing = ws.close();
      await rejection(ws.send("x"), ClosedError);
      await closing;
      void ws.send("nobody listens"); // and it harms nobody
      await rejection(ws.send("x"), ClosedError);
    });

    it("of what is no message: UsageError, and nothing is sent", async () => {
      const peer = await scripted(use, [upgrade(), ...answerClose]);
      const ws = await peer.createConnection(peer.url);
      for (const wrong of [1, null, undefined, {}, [1], true, Symbol("x"), () => {}, 1n])
        await rejection(ws.send(wrong as never), UsageError);
      await ws.close();
      const { record } = await peer.lines.next();
      expect((await record.next()).opcode).to.equal(CLOSE);
    });

    it("counts what has not left", async () => {
      const peer = await scripted(use, [upgrade(), stopReading]);
      const ws = await peer.createConnection(peer.url);
      expect(ws.bufferedAmount).to.equal(0);
      void ws.send("abc");
      expect(ws.bufferedAmount).to.equal(2 + 4 + 3);
      for (let i = 0; i < 32; i++) void ws.send(new Uint8Array(MIB));
      expect(ws.bufferedAmount).to.be.greaterThan(8 * MIB);
      ws.terminate();
      await ws.closed;
      expect(ws.bufferedAmount).to.equal(0);
    });
  });

  describe("58: changing a message that was sent changes nothing", () => {
    for (const size of [1, 125, 126, 4096, 70_000, MIB]) {
      it(`of ${size} bytes`, async () => {
        const got: Buffer[] = [];
        const take = hear(BINARY, ({ payload }) => void got.push(payload));
        const peer = await scripted(use, [upgrade(), take, take, take, take, ...answerClose]);
        const ws = await peer.createConnection(peer.url);
        const bytes = new Uint8Array(size).fill(1);
        const sent = [ws.send(bytes)];
        bytes.fill(2);
        sent.push(ws.send(bytes.buffer));
        bytes.fill(3);
        // Behind a stream, a message waits for its turn.
        sent.push(ws.sendStream([bytes.slice()]), ws.send(new DataView(bytes.buffer)));
        bytes.fill(4);
        await Promise.all(sent);
        await ws.close();
        expect(got.map((payload) => [payload.length, new Set(payload)])).to.deep.equal(
          [1, 2, 3, 3].map((byte) => [size, new Set([byte])]),
        );
      });
    }

    it("of a ping and a pong", async () => {
      const got: Buffer[] = [];
      const peer = await scripted(use, [
        upgrade(),
        hear(PONG, ({ payload }) => void got.push(payload)),
        send("8a 05 0101010101"),
        ...answerClose,
      ]);
      const ws = await peer.createConnection(peer.url);
      const bytes = new Uint8Array(5).fill(1);
      const answered = ws.ping(bytes);
      ws.pong(bytes);
      bytes.fill(2);
      expect(await answered).to.be.a("number"); // by a pong with the old ones
      await ws.close();
      expect(got).to.deep.equal([Buffer.alloc(5, 1)]);
    });
  });

  it("59: a server that does not read: send() waits, then refuses; a dead one is found out", async () => {
    const peer = await scripted(use, [upgrade(), stopReading]);
    const ws = await peer.createConnection(peer.url, {
      maxBufferedAmount: 8 * MIB,
      keepAlive: { interval: 50, timeout: 50 },
    });
    const waiting: Promise<void>[] = [];
    let refusal: LimitError | undefined;
    while (refusal === undefined) {
      const sent = ws.send(new Uint8Array(MIB));
      waiting.push(sent);
      sent.catch((error) => {
        if (error instanceof LimitError) refusal = error;
      });
      await nextTurn(); // the loop is free
    }
    expect(refusal).to.include({ code: "ERR_WS_BACKPRESSURE", limit: "maxBufferedAmount" });
    expect(ws.bufferedAmount).to.be.within(8 * MIB, 10 * MIB);
    const { error } = await ws.closed;
    expect(error).to.be.an.instanceOf(TimeoutError).and.to.include({ phase: "ping" });
    const ends = (await Promise.allSettled(waiting)).map((end) =>
      end.status === "fulfilled" ? "sent" : (end.reason as Error).name,
    );
    expect(new Set(ends)).to.deep.equal(new Set(["sent", "ClosedError", "LimitError"]));
    expect(waiting.length * MIB).to.be.greaterThan(HIGH_WATER);
  });

  // Over TCP the kernels take megabytes, in memory nobody does: there so many bytes would not hold anybody up, but so many messages.
  for (const [what, count, size, stream] of [
    ["small ones", 9_000, 100, "memory"],
    ["middling ones", 2000, 10_000, "TCP"],
    ["large ones", 40, MIB, "TCP"],
  ] as const) {
    it(`60: nobody receives: the server is held up, and nothing is lost: ${what}`, async () => {
      const one = frame(BINARY, new Uint8Array(size));
      let taken = 0;
      const messages: Step = async (line) => {
        for (; taken < count; taken++) await line.send(one);
      };
      const script = [upgrade(), messages, send("89 00"), hear(PONG), ...goodbye()];
      const peer = await scripted(use, script, stream);
      const ws = await peer.createConnection(peer.url);
      let before = -1;
      for (let same = 0; same < 50; same++) {
        await nextTurn();
        if (taken !== before) same = 0;
        before = taken;
      }
      expect(taken, "messages that the server could send").to.be.below(count);
      for (let i = 0; i < count; i++) expect(await ws.recv()).to.have.length(size);
      expect(await ws.closed).to.include({ code: 1000, wasClean: true });
    });
  }

  describe("61: recv() times out", () => {
    for (const order of ["before", "after", "in the moment in which"] as const) {
      it(`${order} the message comes: it is there, once`, async () => {
        const clock = virtualClock(use);
        const peer = await scripted(use, [upgrade()], "memory");
        const connecting = peer.createConnection(peer.url);
        await clock.advance(0);
        const ws = await connecting;
        const line = await peer.lines.next();
        const got: unknown[] = [];
        const receive = () =>
          ws.recv({ timeout: 100 }).then(
            (message) => got.push(message),
            (error: TimeoutError) => got.push(`${error.name} ${error.phase}`),
          );
        const receiving = receive();
        if (order === "after") await clock.advance(100);
        void line.send(frame(TEXT, "once"));
        if (order === "before") await clock.advance(99);
        else await clock.block(100);
        await receiving;
        await Promise.all([receive(), clock.advance(100)]);
        const late = "TimeoutError recv";
        expect(got).to.deep.equal(order === "before" ? ["once", late] : [late, "once"]);
        ws.terminate();
        await clock.advance(0);
      });
    }
  });
});

/** Callbacks that write down what happens: `open`, `message a`, `error ...`, `close 1006`. */
function logging(
  log: string[],
): Pick<AppOptions, "onOpen" | "onMessage" | "onData" | "onPing" | "onPong" | "onError" | "onClose"> {
  return {
    onOpen: () => log.push("open"),
    onMessage: (_app, message) => log.push(`message ${message}`),
    onError: (_app, error) => log.push(`error ${error.message}`),
    onClose: (_app, code, _reason, info: CloseInfo) => log.push(`close ${info.code === code ? code : "?"}`),
  };
}

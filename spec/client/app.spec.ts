// The long-lived shape: which callback comes when, with what, and that a run ends once, whatever happens in it.

import type { Socket } from "node:net";
import { expect } from "chai";
import type { AppOptions } from "../../lib/client/app.ts";
import { type AppCallbacks, CALLBACKS } from "../../lib/client/callbacks.ts";
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, type CloseInfo, LimitError, UsageError, WebSocketError } from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { printed } from "../support/console.ts";
import { rejection, thrown } from "../support/failure.ts";
import { listen, NOWHERE } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { closeFrame, frame, rawServer, running, type ServerEnd } from "../support/raw-server.ts";
import { WebSocketApp } from "../support/runtime.ts";

/** Every callback, writing down its arguments: `message "text"`, `error ERR_WS_CONNECT`, `close 1000`. */
function logging(log: string[]): AppCallbacks<WebSocketApp> {
  const show = (value: unknown) => {
    if (value instanceof WebSocketError) return value.code;
    if (value instanceof Error) return value.message;
    return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : JSON.stringify(value);
  };
  const names = CALLBACKS.filter((name) => name !== "onContMessage");
  const callback =
    (name: string) =>
    (_app: WebSocketApp, ...args: unknown[]) => {
      const shown = name === "onClose" ? args.slice(0, 2) : args;
      log.push([name.slice(2).toLowerCase(), ...shown.map(show)].join(" "));
    };
  return Object.fromEntries(names.map((name) => [name, callback(name)]));
}

describe("WebSocketApp", () => {
  const use = cleanUp();

  it("calls everything in order, with its arguments", async () => {
    const log: string[] = [];
    const { run, server } = await running(use, logging(log), { first: frame(TEXT, "hello") });
    server.send(BINARY, Buffer.of(1, 2));
    server.send(PING, "pi");
    server.send(PONG, "po");
    server.send(TEXT, "in ", false);
    server.send(CONTINUATION, "two");
    server.close(4000, "bye");
    const info = await run;
    expect(log).to.deep.equal([
      "open",
      'data "hello" 1 true',
      'message "hello"',
      "data 0102 2 true",
      "message 0102",
      "ping 7069",
      "pong 706f",
      'data "in two" 1 true',
      'message "in two"',
      'close 4000 "bye"',
    ]);
    expect(info).to.include({ code: 4000, reason: "bye", wasClean: true });
  });

  it("delivers what comes between close() and the server's Close frame (others throw it away)", async () => {
    const log: string[] = [];
    const { app, run, server } = await running(use, logging(log));
    app.close();
    expect((await server.frames.next()).opcode).to.equal(CLOSE);
    server.send(TEXT, "still");
    server.send(PING, "pi");
    server.send(BINARY, Buffer.of(1));
    server.close(1000);
    expect(await run).to.include({ code: 1000, wasClean: true });
    expect(log).to.deep.equal([
      ...["open", 'data "still" 1 true', 'message "still"', "ping 7069"],
      ...["data 01 2 true", "message 01", 'close 1000 ""'],
    ]);
  });

  it("gives text as a string also where it is not UTF-8, with utf8Validation: false, whole and in frames", async () => {
    for (const inFrames of [false, true]) {
      const log: string[] = [];
      const { run, server } = await running(use, {
        ...logging(log),
        ...(inFrames && {
          onContMessage: (_app: WebSocketApp, chunk: Message) => log.push(JSON.stringify(chunk)),
        }),
        utf8Validation: false,
      });
      server.send(TEXT, Buffer.of(0x61, 0xff), false);
      server.send(CONTINUATION, Buffer.of(0x62));
      server.close();
      expect(await run).to.include({ code: 1000 });
      expect(log.filter((line) => !/^data|^open|^close/.test(line))).to.deep.equal(
        inFrames ? ['"a\ufffd"', '"b"'] : ['message "a\ufffdb"'],
      );
    }
  });

  it("checks text over all of its frames, also where they come one by one (others do not)", async () => {
    const log: string[] = [];
    const { run, server } = await running(use, {
      ...logging(log),
      onContMessage: (_app, chunk, fin) => log.push(`cont ${JSON.stringify(chunk)} ${fin}`),
    });
    server.send(TEXT, Buffer.of(0x61, 0xe2), false);
    server.send(CONTINUATION, Buffer.of(0x62));
    const { opcode, payload } = await server.frames.next();
    expect([opcode, payload.readUInt16BE()]).to.deep.equal([CLOSE, 1007]);
    server.socket.end();
    expect((await run).error).to.include({ code: "ERR_WS_INVALID_UTF8" });
    expect(log).to.deep.equal([
      ...["open", 'data "a" 1 false', 'cont "a" false', "error ERR_WS_INVALID_UTF8", 'close 1006 ""'],
    ]);
  });

  it("sends no Origin unless it is asked for (others always do)", async () => {
    for (const [options, expected] of [
      [{}, undefined],
      [{ origin: "https://example.com" }, "https://example.com"],
    ] as const) {
      const { server } = await running(use, options);
      expect(/^origin: (.*)\r$/im.exec(server.head)?.[1]).to.equal(expected);
    }
  });

  it("gives onClose all that is known of the end", async () => {
    const infos: CloseInfo[] = [];
    const { run, server } = await running(use, { onClose: (_app, _code, _reason, info) => infos.push(info) });
    server.close(1001);
    expect(infos).to.deep.equal([]);
    expect([await run]).to.deep.equal(infos);
  });

  it("sends what onOpen sends before any message comes", async () => {
    const { server } = await running(
      use,
      {
        onOpen: (app) => app.send("first"),
        onMessage: (app, message) => app.send(`got ${message}`),
      },
      { first: frame(TEXT, "hello") },
    );
    expect([await server.text(), await server.text()]).to.deep.equal(["first", "got hello"]);
  });

  it("has onContMessage get the frames of fragmented messages, and onMessage the others", async () => {
    const log: string[] = [];
    const { run, server } = await running(use, {
      ...logging(log),
      onContMessage: (_app, chunk, fin) => log.push(`cont ${JSON.stringify(chunk)} ${fin}`),
    });
    server.send(TEXT, "whole");
    server.send(TEXT, "one-", false);
    server.send(CONTINUATION, Buffer.from("\u20ac").subarray(0, 1), false);
    server.send(CONTINUATION, Buffer.from("\u20ac").subarray(1), false);
    server.send(CONTINUATION, "", true);
    server.close();
    await run;
    expect(log.slice(1, -1)).to.deep.equal([
      'data "whole" 1 true',
      'message "whole"',
      ...['data "one-" 1 false', 'cont "one-" false'],
      ...['data "" 0 false', 'cont "" false'],
      ...['data "\u20ac" 0 false', 'cont "\u20ac" false'],
      ...['data "" 0 true', 'cont "" true'],
    ]);
  });

  describe("callbacks", () => {
    it("can be assigned, exchanged and taken away at any time", async () => {
      const log: string[] = [];
      const { app, run, server } = await running(use, { onMessage: () => log.push("first") });
      app.onMessage = (app) => {
        log.push("second");
        app.onMessage = undefined;
        app.onContMessage = (_app, chunk) => log.push(`cont ${chunk}`);
      };
      app.onClose = () => log.push("close");
      for (const text of ["1", "2"]) server.send(TEXT, text);
      server.send(TEXT, "3", false);
      server.send(CONTINUATION, "4");
      server.close();
      await run;
      expect(log).to.deep.equal(["second", "cont 3", "cont 4", "close"]);
    });

    it("can be those of a subclass", async () => {
      const { url, accepted } = await rawServer(use);
      class Greeter extends WebSocketApp {
        greeted = 0;
        override onOpen = (): void => this.send("hello");
        override onMessage = (): void => {
          this.greeted++;
          this.close();
        };
      }
      const app = new Greeter(url);
      expect(app).to.be.an.instanceOf(WebSocketApp);
      const run = app.runForever();
      const server = await accepted.next();
      expect(await server.text()).to.equal("hello");
      server.send(TEXT, "hello");
      await server.frames.next();
      server.close();
      expect((await run).wasClean).to.equal(true);
      expect(app.greeted).to.equal(1);
    });

    it("can be methods of a subclass", async () => {
      const { url, accepted } = await rawServer(use);
      class Greeter extends WebSocketApp {}
      Object.assign(Greeter.prototype, { onOpen: (app: WebSocketApp) => app.send("hello") });
      const app = new Greeter(url);
      void app.runForever();
      const server = await accepted.next();
      server.send(PING); // a pong is the first frame if onOpen was not called
      expect((await server.frames.next()).opcode).to.equal(TEXT);
    });

    for (const name of CALLBACKS) {
      it(`are functions: ${name}`, async () => {
        for (const wrong of [null, 5, "log", {}]) {
          thrown(() => new WebSocketApp("ws://a/", { [name]: wrong } as AppOptions), UsageError);
        }
      });
    }

    it("that throw are told to onError, once, and change nothing else", async () => {
      const log: string[] = [];
      const fail = (name: string) => () => {
        log.push(name);
        throw new RangeError(name);
      };
      const failing = Object.fromEntries(
        CALLBACKS.filter((name) => name !== "onError").map((name) => [name, fail(name)]),
      );
      const { run, server } = await running(use, {
        ...failing,
        onError: (_app, error) => log.push(`error ${error.message}`),
      });
      server.send(TEXT, "whole");
      server.send(TEXT, "part", false);
      server.send(CONTINUATION);
      server.send(PING);
      server.send(PONG);
      server.close(4000);
      expect(await run).to.include({ code: 4000, wasClean: true });
      const called = ["onOpen", "onData", "onMessage", "onData", "onContMessage", "onData", "onContMessage"];
      expect(log).to.deep.equal(
        [...called, "onPing", "onPong", "onClose"].flatMap((name) => [name, `error ${name}`]),
      );
    });

    it("that reject are told to onError, once, and change nothing else", async () => {
      const log: string[] = [];
      const { run, server } = await running(use, {
        onOpen: () => Promise.reject(new RangeError("open")),
        onMessage: async () => Promise.reject(new RangeError("message")),
        onClose: () => Promise.reject(new RangeError("close")),
        onError: (_app, error) => log.push(error.message),
      });
      server.send(TEXT, "1");
      server.send(TEXT, "2");
      server.close();
      expect((await run).wasClean).to.equal(true);
      await nextTurn();
      expect(log).to.deep.equal(["open", "message", "message", "close"]);
    });

    it("may fail in onError itself without an end to it", async () => {
      let calls = 0;
      const lines = await printed(async () => {
        const { run, server } = await running(use, {
          onMessage: () => Promise.reject(new RangeError("message")),
          onError: () => {
            calls++;
            throw new RangeError("onError");
          },
        });
        server.send(TEXT, "1");
        server.close();
        await run;
        await nextTurn();
      });
      expect(calls).to.equal(1);
      expect(lines.map(String)).to.deep.equal(["RangeError: onError"]);
    });
  });

  describe("onError", () => {
    it("is told that nobody listens, then onClose 1006", async () => {
      const log: string[] = [];
      const app = new WebSocketApp(NOWHERE, logging(log));
      const info = await app.runForever();
      expect(log).to.deep.equal(["error ERR_WS_CONNECT", 'close 1006 ""']);
      expect(info).to.include({ code: 1006, reason: "", wasClean: false });
      expect(info.error?.code).to.equal("ERR_WS_CONNECT");
    });

    const losses: [title: string, lose: (server: ServerEnd) => void, code: string][] = [
      ["that the connection was reset", ({ socket }) => socket.resetAndDestroy(), "ERR_WS_TRANSPORT"],
      ["that TCP ended without a Close frame", ({ socket }) => socket.end(), "ERR_WS_TRANSPORT"],
      ["of a frame that breaks the rules", ({ socket }) => socket.end(Buffer.of(0x83, 0)), "ERR_WS_PROTOCOL"],
    ];
    for (const [title, lose, code] of losses) {
      it(`is told ${title}, once`, async () => {
        const log: string[] = [];
        const { run, server } = await running(use, logging(log));
        lose(server);
        expect((await run).error?.code).to.equal(code);
        expect(log).to.deep.equal(["open", `error ${code}`, 'close 1006 ""']);
      });
    }

    const throwing: [title: string, options: AppOptions][] = [
      [
        "headers",
        {
          headers: () => {
            throw new RangeError("no token");
          },
        },
      ],
      ["protocols", { protocols: () => Promise.reject(new RangeError("no token")) }],
    ];
    for (const [name, options] of throwing) {
      it(`is told that the function for ${name} failed`, async () => {
        const errors: Error[] = [];
        const app = new WebSocketApp("ws://127.0.0.1:9/", {
          ...options,
          onError: (_app, error) => errors.push(error),
        });
        const info = await app.runForever();
        expect(errors).to.have.length(1).and.to.deep.equal([info.error]);
        expect(errors[0]).to.include({ code: "ERR_WS_CALLBACK" });
        expect(errors[0]?.cause).to.be.an.instanceOf(RangeError);
      });
    }

    it("is told of a Blob that could not be read", async () => {
      const errors = new Queue<Error>();
      const { app, server } = await running(use, { onError: (_app, error) => errors.push(error) });
      const unreadable = new Blob(["a"]);
      unreadable.arrayBuffer = () => Promise.reject(new RangeError("gone"));
      app.send(unreadable);
      expect((await errors.next()).message).to.equal("gone");
      app.send("next");
      expect(await server.text()).to.equal("next");
    });

    it("hears nothing of an end that was clean, whatever its code", async () => {
      const log: string[] = [];
      const { run, server } = await running(use, logging(log));
      server.close(1011, "overload");
      await run;
      expect(log).to.deep.equal(["open", 'close 1011 "overload"']);
    });
  });

  describe("ends its run", () => {
    /** What ends a run, and whether the server sees a Close frame. */
    const endings: [
      title: string,
      end: (app: WebSocketApp, controller: AbortController) => void,
      isPolite: boolean,
    ][] = [
      ["close()", (app) => app.close(4000, "enough"), true],
      ["terminate()", (app) => app.terminate(), false],
      ["its signal", (_app, controller) => controller.abort(new RangeError("enough")), false],
    ];
    for (const [title, end, isPolite] of endings) {
      for (const name of CALLBACKS.filter((name) => name !== "onClose" && name !== "onReconnect")) {
        it(`by ${title} in ${name}`, async () => {
          const { url, accepted } = await rawServer(use);
          const controller = new AbortController();
          const log: string[] = [];
          const app = new WebSocketApp(url, logging(log));
          if (name === "onError") app.onMessage = () => Promise.reject(new RangeError("for onError"));
          app[name] = () => {
            if (log.at(-1) !== "end") log.push("end");
            end(app, controller);
            end(app, controller);
          };
          const run = app.runForever({ signal: controller.signal });
          const server = await accepted.next();
          const part = frame(TEXT, "part", false);
          server.socket.write(
            Buffer.concat([frame(PING), frame(PONG), frame(TEXT, "whole"), part, frame(CONTINUATION)]),
          );
          if (isPolite) {
            let sent = await server.frames.next();
            while (sent.opcode !== CLOSE) sent = await server.frames.next();
            expect(sent.payload.readUInt16BE()).to.equal(4000);
            server.close(4000, "enough");
          }
          const info = await run;
          expect(info.code).to.equal(isPolite ? 4000 : 1006);
          expect(log.filter((line) => line.startsWith("close"))).to.deep.equal([log.at(-1)]);
          expect(log.filter((line) => line.startsWith("error"))).to.deep.equal([]);
          expect(log).to.include("end");
          expect(app.connection).to.equal(undefined);
        });
      }

      it(`by ${title} while it connects`, async () => {
        const connected = new Queue<Socket>();
        const peer = use(await listen((socket) => connected.push(socket)));
        const controller = new AbortController();
        const log: string[] = [];
        const app = new WebSocketApp(peer.url, logging(log));
        const run = app.runForever({ signal: controller.signal });
        const socket = await connected.next();
        const gone = new Promise((resolve) => socket.on("close", resolve).resume());
        end(app, controller);
        const info = await run;
        expect(info).to.include({ code: 1006, wasClean: false });
        expect(info.error?.code).to.equal("ERR_WS_ABORTED");
        expect(log).to.deep.equal(['close 1006 ""']);
        await gone;
      });

      it(`by ${title} before it has begun to connect`, async () => {
        const connected = new Queue<Socket>();
        const peer = use(await listen((socket) => connected.push(socket)));
        const controller = new AbortController();
        const log: string[] = [];
        const app = new WebSocketApp(peer.url, logging(log));
        const run = app.runForever({ signal: controller.signal });
        end(app, controller);
        await run;
        expect(log).to.deep.equal(['close 1006 ""']);
        await nextTurn();
        expect(connected.waiting).to.equal(0);
      });

      it(`by ${title} in onClose, which changes nothing`, async () => {
        const controller = new AbortController();
        let calls = 0;
        const { run, server } = await running(use, {
          onClose: (app) => {
            calls++;
            end(app, controller);
          },
          signal: controller.signal,
        });
        server.close(1001);
        expect(await run).to.include({ code: 1001, wasClean: true });
        expect(calls).to.equal(1);
      });
    }

    for (const name of ["url", "headers", "protocols"]) {
      for (const [title, end] of endings) {
        it(`by ${title} in the function for ${name}: no connection`, async () => {
          const { url, accepted } = await rawServer(use);
          const controller = new AbortController();
          const log: string[] = [];
          const given: Record<string, unknown> = { url, headers: {}, protocols: [] };
          const ask = (own: string) => () => {
            if (own === name) end(app, controller);
            return given[own] as never;
          };
          const options = { ...logging(log), headers: ask("headers"), protocols: ask("protocols") };
          const app: WebSocketApp = new WebSocketApp(ask("url"), { ...options, reconnect: 1 });
          const info = await app.runForever({ signal: controller.signal });
          expect(info).to.include({ code: 1006, wasClean: false }).and.not.to.have.property("retry");
          expect(info.error).to.include({ code: "ERR_WS_ABORTED" });
          expect(log).to.deep.equal(['close 1006 ""']);
          for (let i = 0; i < 20; i++) await nextTurn();
          expect(accepted.waiting).to.equal(0);
        });
      }
    }

    for (const [title, end, isPolite] of endings) {
      it(`by ${title} in the function for keepAlive.message, behind whose return nothing is sent`, async () => {
        const { url, accepted } = await rawServer(use);
        const controller = new AbortController();
        const log: string[] = [];
        const message = () => {
          end(app, controller);
          return "beat";
        };
        const app: WebSocketApp = new WebSocketApp(url, {
          ...logging(log),
          keepAlive: { interval: 5, message },
        });
        const run = app.runForever({ signal: controller.signal });
        const server = await accepted.next();
        if (isPolite) {
          expect((await server.frames.next()).opcode).to.equal(CLOSE);
          server.close(4000, "enough");
        }
        expect(await run).to.include({ code: isPolite ? 4000 : 1006, wasClean: isPolite });
        expect(log.filter((line) => line !== "open")).to.deep.equal([log.at(-1)]);
      });
    }

    it("by a signal that was aborted before: no socket, and no error", async () => {
      const connected = new Queue<Socket>();
      const peer = use(await listen((socket) => connected.push(socket)));
      for (const [own, runs] of [
        [AbortSignal.abort(), undefined],
        [undefined, AbortSignal.abort()],
      ]) {
        const log: string[] = [];
        const app = new WebSocketApp(peer.url, { ...logging(log), ...(own && { signal: own }) });
        const info = await app.runForever(runs && { signal: runs });
        expect(info.error?.code).to.equal("ERR_WS_ABORTED");
        expect(log).to.deep.equal(['close 1006 ""']);
      }
      expect(connected.waiting).to.equal(0);
    });

    it("by close() behind what was sent before", async () => {
      const { app, server } = await running(use);
      app.send("last words");
      app.close();
      expect(await server.text()).to.equal("last words");
      expect((await server.frames.next()).opcode).to.equal(CLOSE);
    });

    it("but not by a close() that is wrong", async () => {
      const { app, server } = await running(use);
      thrown(() => app.close(1005.5), UsageError);
      thrown(() => app.close(1000, "x".repeat(124)), UsageError);
      app.send("still running");
      expect(await server.text()).to.equal("still running");
    });

    it("but not by a close() that is wrong while it connects", async () => {
      const { url, accepted } = await rawServer(use);
      const app = new WebSocketApp(url, { onOpen: (app) => app.send("open") });
      void app.runForever();
      thrown(() => app.close(5), UsageError);
      expect(await (await accepted.next()).text()).to.equal("open");
    });
  });

  describe("runForever", () => {
    it("runs once at a time", async () => {
      const { app, run, server } = await running(use);
      expect((await rejection(app.runForever(), UsageError)).code).to.equal("ERR_WS_INVALID_STATE");
      server.close();
      expect((await run).wasClean).to.equal(true);
    });

    it("runs again after its end", async () => {
      const { url, accepted } = await rawServer(use);
      const log: string[] = [];
      const app = new WebSocketApp(url, logging(log));
      app.close(); // ends nothing, as nothing runs
      for (const code of [4000, 4001]) {
        const run = app.runForever();
        (await accepted.next()).close(code);
        expect((await run).code).to.equal(code);
      }
      expect(log).to.deep.equal(["open", 'close 4000 ""', "open", 'close 4001 ""']);
    });

    it("runs again at once after a close() while it connects (others cannot, or connect twice)", async () => {
      const connected = new Queue<Socket>();
      const peer = use(await listen((socket) => connected.push(socket)));
      const { url, accepted } = await rawServer(use);
      const places = [peer.url, url];
      const app = new WebSocketApp(() => places.shift() ?? "", { reconnect: 1 });
      use({ close: () => app.terminate() });
      const first = app.runForever();
      const socket = await connected.next();
      socket.resume();
      const gone = new Promise((resolve) => socket.once("close", resolve));
      app.close();
      expect((await first).error).to.include({ code: "ERR_WS_ABORTED" });
      const second = app.runForever();
      const server = await accepted.next();
      server.close(4000);
      expect(await second).to.include({ code: 4000, wasClean: true });
      await gone;
      expect(places).to.deep.equal([]);
    });

    it("runs again from within onClose", async () => {
      const { url, accepted } = await rawServer(use);
      const runs: Promise<CloseInfo>[] = [];
      const app = new WebSocketApp(url, {
        onClose(app) {
          if (runs.length === 1) runs.push(app.runForever());
        },
      });
      runs.push(app.runForever());
      (await accepted.next()).close(4000);
      (await accepted.next()).close(4001);
      expect((await Promise.all(runs)).map(({ code }) => code)).to.deep.equal([4000, 4001]);
    });

    it("tells of errors again when the run before was closed by us", async () => {
      const { url, accepted } = await rawServer(use);
      const log: string[] = [];
      const app = new WebSocketApp(url, logging(log));
      const first = app.runForever();
      await accepted.next();
      app.terminate();
      await first;
      const second = app.runForever();
      (await accepted.next()).socket.resetAndDestroy();
      await second;
      expect(log.filter((line) => line.startsWith("error"))).to.deep.equal(["error ERR_WS_TRANSPORT"]);
    });

    const wrong: [options: unknown, code: string][] = [
      [null, "ERR_WS_INVALID_ARGUMENT"],
      [5, "ERR_WS_INVALID_ARGUMENT"],
      [{ signal: {} }, "ERR_WS_INVALID_ARGUMENT"],
      [{ pingInterval: 5 }, "ERR_WS_UNKNOWN_OPTION"],
      [{ reconnect: 0 }, "ERR_WS_INVALID_ARGUMENT"],
      [{ keepAlive: { interval: 0 } }, "ERR_WS_INVALID_ARGUMENT"],
      [{ outbox: {} }, "ERR_WS_UNSUPPORTED"],
    ];
    for (const [options, code] of wrong) {
      it(`refuses ${JSON.stringify(options)}, and can run all the same`, async () => {
        const { url, accepted } = await rawServer(use);
        const app = new WebSocketApp(url);
        expect((await rejection(app.runForever(options as object), UsageError)).code).to.equal(code);
        const run = app.runForever({ reconnect: false, keepAlive: false });
        (await accepted.next()).close();
        await run;
      });
    }

    it("asks functions for url, headers and protocols in each run", async () => {
      const { url, accepted } = await rawServer(use, { lines: ["Sec-WebSocket-Protocol: chat"] });
      let calls = 0;
      const app = new WebSocketApp(async () => `${url}${++calls}`, {
        headers: () => ({ "x-run": `${calls}` }),
        protocols: () => ["chat"],
      });
      expect(calls).to.equal(0);
      for (const path of ["/1", "/2"]) {
        const run = app.runForever();
        const server = await accepted.next();
        expect(server.head).to.match(new RegExp(`^GET ${path} `));
        server.close();
        await run;
      }
    });
  });

  describe("send and its like", () => {
    it("send texts, bytes, streams, pings and pongs", async () => {
      const { app, server } = await running(use);
      app.send("text");
      app.send(Uint8Array.of(1));
      await app.sendStream(["a"]);
      app.pong("pong");
      const pinged = app.ping("ping");
      const opcodes = (await server.frames.take(6)).map(({ opcode }) => opcode);
      expect(opcodes).to.deep.equal([TEXT, BINARY, TEXT, CONTINUATION, PONG, PING]);
      server.send(PONG, "ping");
      expect(await pinged).to.be.at.least(0);
    });

    it("throw, or reject, with ClosedError before, while connecting and after", async () => {
      const { url, accepted } = await rawServer(use);
      const app = new WebSocketApp(url);
      const refused = async () => {
        thrown(() => app.send("a"), ClosedError);
        thrown(() => app.pong(), ClosedError);
        for (const promise of [app.ping(), app.sendStream(["a"])]) await rejection(promise, ClosedError);
      };
      await refused();
      const run = app.runForever();
      await refused();
      (await accepted.next()).close();
      await run;
      await refused();
    });

    it("throw for what cannot be sent, and for too much", async () => {
      const { app } = await running(use, { maxBufferedAmount: 1024 * 1024 }, { isDeaf: true });
      thrown(() => app.send(5 as never), UsageError);
      thrown(() => {
        for (let i = 0; i < 50; i++) app.send(new Uint8Array(1024 * 1024));
      }, LimitError);
    });

    it("harm nobody with what they still had to send", async () => {
      const { app, run } = await running(use, {}, { isDeaf: true });
      for (let i = 0; i < 20; i++) app.send(new Uint8Array(1024 * 1024));
      app.send(new Blob(["a"]));
      void app.ping();
      app.terminate();
      await run;
      await nextTurn(); // mocha fails the test for a rejection that is not handled
    });
  });

  it("shows its connection while it is open", async () => {
    const seen: unknown[] = [];
    const { app, run, server } = await running(use, {
      onOpen: (app) => seen.push(app.connection?.state),
      onClose: (app) => seen.push(app.connection),
    });
    await app.sendStream(["ready"]);
    expect(app.connection?.url).to.match(/^ws:/);
    server.close();
    await run;
    expect(seen).to.deep.equal(["open", undefined]);
  });

  it("refuses a wrong url or option when it is made", () => {
    thrown(() => new WebSocketApp("nowhere"), UsageError);
    thrown(() => new WebSocketApp("ws://a/", { timeout: -1 }), UsageError);
    thrown(() => new WebSocketApp("ws://a/", { onMesage() {} } as AppOptions), UsageError);
  });

  it("answers a Close frame in the segment of the 101, after onOpen", async () => {
    const log: string[] = [];
    const { run, server } = await running(use, logging(log), { first: closeFrame(1001) });
    expect((await server.frames.next()).payload.readUInt16BE()).to.equal(1001);
    server.socket.end();
    expect(await run).to.include({ code: 1001, wasClean: true });
    expect(log).to.deep.equal(["open", 'close 1001 ""']);
  });
});

// Connecting again: each of the ways in which it goes wrong elsewhere, on real sockets, or in memory
// where time has to pass. Titles say what fails in others.

import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import type { AppOptions } from "../../lib/client/app.ts";
import type { ReconnectOptions } from "../../lib/client/backoff.ts";
import { CALLBACKS } from "../../lib/client/callbacks.ts";
import type { Provider } from "../../lib/client/options.ts";
import { CLOSE, CONTINUATION, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, type CloseInfo, UsageError, WebSocketError } from "../../lib/errors.ts";
import { wordsOf } from "../support/built.ts";
import { tolerance, unevenness } from "../support/chance.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { printed } from "../support/console.ts";
import { rejection, thrown } from "../support/failure.ts";
import { accepting, listen, NOWHERE, requestHead } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { frame, type RawServer, rawServer, type ServerEnd } from "../support/raw-server.ts";
import { WebSocketApp } from "../support/runtime.ts";
import { scripted as scriptedPeer } from "../support/script.ts";
import { virtualClock } from "../support/script-clock.ts";
import { answer, request, upgrade } from "../support/script-steps.ts";

/** As soon as can be. */
const AT_ONCE: ReconnectOptions = { minDelay: 1, maxDelay: 1 };

/** Longer than any test. */
const NEVER = 600_000;

/** What an app is told: `open`, `error ERR_WS_TRANSPORT`, `close 1006 retry 1`. */
function logging(log: string[], act: (app: WebSocketApp, line: string) => void = () => {}): AppOptions {
  const tell = (app: WebSocketApp, line: string) => {
    log.push(line);
    act(app, line);
  };
  return {
    onOpen: (app) => tell(app, "open"),
    onReconnect: (app) => tell(app, "reconnect"),
    onMessage: (app, message) => tell(app, `message ${message}`),
    onError: (app, error) =>
      tell(app, `error ${error instanceof WebSocketError ? error.code : error.message}`),
    onClose: (app, code, _reason, { retry }) =>
      tell(app, `close ${code}${retry === undefined ? "" : ` retry ${retry.attempt}`}`),
  };
}

describe("WebSocketApp with reconnect", () => {
  const use = cleanUp();

  /** A server that answers each attempt as the script says, which is told its number, from 1 on. */
  async function scripted(script: (attempt: number, socket: Socket, head: string) => unknown) {
    let attempts = 0;
    const peer = use(
      await listen(async (socket) => {
        const head = await requestHead(socket);
        attempts++;
        await script(attempts, socket, head);
      }),
    );
    return { url: peer.url, sockets: peer.sockets, attempts: () => attempts };
  }

  /** Runs an app, which is ended after the test if it is not before. */
  function run(url: Provider<string | URL>, options: AppOptions, signal?: AbortSignal) {
    const app = new WebSocketApp(url, { reconnect: AT_ONCE, onError() {}, ...options });
    use({ close: () => app.terminate() });
    return { app, run: app.runForever(signal && { signal }) };
  }

  /** An app, and its server's end of the first connection, which is open. */
  async function running(options: AppOptions, signal?: AbortSignal) {
    const opened = new Queue<WebSocketApp>();
    const server: RawServer = await rawServer(use);
    const { app, run: ended } = run(
      server.url,
      {
        ...options,
        onOpen(app) {
          opened.push(app);
          return options.onOpen?.(app);
        },
      },
      signal,
    );
    const [first] = await Promise.all([server.accepted.next(), opened.next()]);
    return { app, run: ended, first, ...server };
  }

  const refused = (status: string, ...lines: string[]) =>
    `${[`HTTP/1.1 ${status}`, "Content-Length: 0", ...lines].join("\r\n")}\r\n\r\n`;

  describe("backs off", () => {
    it("further and further from a server that accepts and then drops (others begin anew at each open)", async () => {
      const delays: unknown[] = [];
      const { url } = await scripted((_attempt, socket, head) => socket.end(accepting(head), "latin1"));
      const { run: ended } = run(url, {
        reconnect: { minDelay: 1, maxDelay: 20, jitter: 0, maxAttempts: 8 },
        onClose: (_app, _code, _reason, { retry }) => delays.push(retry?.delay),
      });
      expect((await ended).error).to.include({ code: "ERR_WS_TRANSPORT" });
      expect(delays).to.deep.equal([2, 4, 8, 16, 20, 20, 20, 20, undefined]);
    });

    it("from the start again once a connection has lasted (others never begin anew)", async () => {
      const log: string[] = [];
      const { first, accepted } = await running({
        ...logging(log),
        reconnect: { ...AT_ONCE, stableAfter: 40 },
      });
      first.socket.destroy();
      for (let i = 0; i < 2; i++) (await accepted.next()).socket.destroy();
      const lasting = await accepted.next();
      for (const begin = performance.now(); performance.now() < begin + 60; ) {
        lasting.send(PING); // it is open on both sides
        await lasting.frames.next();
      }
      lasting.socket.destroy();
      await accepted.next();
      expect(log.filter((line) => line.startsWith("close"))).to.deep.equal([
        "close 1006 retry 1",
        "close 1006 retry 2",
        "close 1006 retry 3",
        "close 1006 retry 1",
      ]);
    });

    it("further and further after a connection that lasted: it counts once", async () => {
      const log: string[] = [];
      const opened = new Queue<WebSocketApp>();
      const { url } = await scripted(async (attempt, socket, head) => {
        if (attempt > 1) return socket.end(refused("503 Busy"));
        socket.write(accepting(head), "latin1");
        await opened.next();
        await new Promise((resolve) => setTimeout(resolve, 30));
        return socket.end();
      });
      const { run: ended } = run(url, {
        ...logging(log),
        onOpen: (app) => opened.push(app),
        reconnect: { ...AT_ONCE, stableAfter: 20, maxAttempts: 3 },
      });
      await ended;
      expect(log.filter((line) => line.startsWith("close"))).to.deep.equal([
        ...["close 1006 retry 1", "close 1006 retry 2", "close 1006 retry 3", "close 1006"],
      ]);
    });

    it("gives up after maxAttempts, and says how the last one ended", async () => {
      const log: string[] = [];
      const { run: ended } = run(NOWHERE, {
        ...logging(log),
        reconnect: { ...AT_ONCE, maxAttempts: 2 },
      });
      expect(await ended)
        .to.include({ code: 1006, wasClean: false })
        .and.not.to.have.property("retry");
      expect(log).to.deep.equal([
        ...["error ERR_WS_CONNECT", "close 1006 retry 1"],
        ...["error ERR_WS_CONNECT", "close 1006 retry 2"],
        ...["error ERR_WS_CONNECT", "close 1006"],
      ]);
    });
  });

  describe("has one connection at a time", () => {
    it("where error and close both tell of a loss (others connect twice, then four times)", async () => {
      const log: string[] = [];
      const { first, accepted, sockets } = await running(logging(log));
      first.socket.resetAndDestroy();
      for (let i = 0; i < 6; i++) {
        const server = await accepted.next();
        expect(sockets.size).to.equal(1);
        server.send(PING);
        await server.frames.next();
        server.socket.resetAndDestroy();
      }
      await accepted.next();
      while (log.at(-1) !== "reconnect") await nextTurn();
      for (let i = 0; i < 20; i++) await nextTurn();
      expect([accepted.waiting, sockets.size]).to.deep.equal([0, 1]);
      const lost = ["error ERR_WS_TRANSPORT", "close 1006 retry 7"];
      expect(log.slice(-3, -1)).to.deep.equal(lost);
      expect(log.filter((line) => line.startsWith("close"))).to.have.length(7);
    });

    it("though runForever() is called during the wait (others have two then)", async () => {
      const { app, first, accepted, sockets } = await running({ reconnect: { minDelay: 20, maxDelay: 20 } });
      const gone = once(first.socket, "close");
      first.socket.resetAndDestroy();
      await gone;
      while (app.connection !== undefined) await nextTurn();
      expect((await rejection(app.runForever(), UsageError)).code).to.equal("ERR_WS_INVALID_STATE");
      await accepted.next();
      for (let i = 0; i < 20; i++) await nextTurn();
      expect([accepted.waiting, sockets.size]).to.deep.equal([0, 1]);
    });

    it("and leaves no socket behind in 50 reconnects, though the server never closes one (others run out of memory)", async () => {
      const { app, first, accepted, sockets } = await running({});
      const counts: number[] = [];
      const count = () => process.getActiveResourcesInfo().filter((kind) => /TCP|Socket/.test(kind)).length;
      let server: ServerEnd = first;
      for (let i = 0; i < 50; i++) {
        // As a heartbeat does: the server has done nothing.
        const gone = once(server.socket, "close");
        app.connection?.terminate();
        await gone;
        server = await accepted.next();
        while (app.connection === undefined) await nextTurn();
        if (i % 10 === 9) counts.push(count());
        expect(sockets.size).to.equal(1);
      }
      expect(new Set(counts).size).to.equal(1);
    });
  });

  describe("does not come back", () => {
    const endings: [title: string, end: (app: WebSocketApp, controller: AbortController) => void][] = [
      ["close()", (app) => app.close()],
      ["terminate()", (app) => app.terminate()],
      ["the signal", (_app, controller) => controller.abort(new RangeError("enough"))],
    ];
    for (const [title, end] of endings) {
      it(`after ${title} during the wait, which ends at once (others connect later on)`, async () => {
        const log: string[] = [];
        const controller = new AbortController();
        const { app, run, first, accepted, sockets } = await running(
          { ...logging(log), reconnect: NEVER },
          controller.signal,
        );
        first.socket.resetAndDestroy();
        while (app.connection !== undefined) await nextTurn();
        end(app, controller);
        end(app, controller);
        const info = await run;
        // It is how the connection was lost, and nothing is going to follow any more.
        expect(info).to.include({ code: 1006, wasClean: false }).and.not.to.have.property("retry");
        expect(info.error?.code).to.equal("ERR_WS_TRANSPORT");
        expect(log).to.deep.equal(["open", "error ERR_WS_TRANSPORT", "close 1006 retry 1"]);
        thrown(() => app.send("late"), ClosedError);
        for (let i = 0; i < 20; i++) await nextTurn();
        expect([accepted.waiting, sockets.size]).to.deep.equal([0, 0]);
      });

      it(`after ${title} while it connects again`, async () => {
        const log: string[] = [];
        const asked = new Queue<Socket>();
        const { url, sockets } = await scripted((attempt, socket, head) => {
          if (attempt === 1) socket.end(accepting(head), "latin1");
          else asked.push(socket);
        });
        const controller = new AbortController();
        const { app, run: ended } = run(url, logging(log), controller.signal);
        const socket = await asked.next();
        const gone = once(socket, "close");
        end(app, controller);
        const info = await ended;
        expect(info.error?.code).to.equal("ERR_WS_ABORTED");
        expect(log).to.deep.equal(["open", "error ERR_WS_TRANSPORT", "close 1006 retry 1", "close 1006"]);
        await gone;
        expect(sockets.size).to.equal(0);
      });

      it(`after ${title} in the onClose of a loss`, async () => {
        const log: string[] = [];
        const controller = new AbortController();
        const told = logging(log, (app, line) => {
          if (line.startsWith("close")) end(app, controller);
        });
        const { run, first, accepted } = await running({ ...told, reconnect: AT_ONCE }, controller.signal);
        first.socket.resetAndDestroy();
        expect(await run).not.to.have.property("retry");
        expect(log).to.deep.equal(["open", "error ERR_WS_TRANSPORT", "close 1006 retry 1"]);
        for (let i = 0; i < 20; i++) await nextTurn();
        expect(accepted.waiting).to.equal(0);
      });

      it(`after ${title} in the onError of a loss: then onClose knows`, async () => {
        const log: string[] = [];
        const controller = new AbortController();
        const told = logging(log, (app, line) => {
          if (line.startsWith("error")) end(app, controller);
        });
        const { run, first } = await running(told, controller.signal);
        first.socket.resetAndDestroy();
        await run;
        expect(log).to.deep.equal(["open", "error ERR_WS_TRANSPORT", "close 1006"]);
      });

      it(`after ${title} in reconnect.retry`, async () => {
        const log: string[] = [];
        const controller = new AbortController();
        const holder: { app?: WebSocketApp } = {};
        const { app, run, first } = await running(
          {
            ...logging(log),
            reconnect: {
              retry: () => {
                if (holder.app) end(holder.app, controller);
                return true;
              },
            },
          },
          controller.signal,
        );
        holder.app = app;
        first.socket.resetAndDestroy();
        await run;
        expect(log.at(-1)).to.equal("close 1006");
      });

      it(`after ${title} while the server closes, with a code that would be tried again`, async () => {
        const log: string[] = [];
        const controller = new AbortController();
        const { app, run, first } = await running(logging(log), controller.signal);
        first.socket.write(frame(CLOSE, Buffer.of(3, 0xf4))); // and leaves TCP open
        expect((await first.frames.next()).opcode).to.equal(CLOSE);
        end(app, controller);
        first.socket.end();
        expect((await run).code).to.equal(1012);
        expect(log).to.deep.equal(["open", "close 1012"]);
      });

      for (const name of CALLBACKS.filter((name) => name !== "onClose" && name !== "onOpen")) {
        it(`after ${title} in ${name} of the second connection`, async () => {
          const log: string[] = [];
          const controller = new AbortController();
          const { app, run, first, accepted } = await running(logging(log), controller.signal);
          if (name === "onError") app.onMessage = () => Promise.reject(new RangeError("for onError"));
          first.socket.destroy();
          let calls = 0;
          while (app.connection !== undefined) await nextTurn();
          app[name] = () => {
            calls++;
            end(app, controller);
          };
          const server = await accepted.next();
          const part = frame(TEXT, "part", false);
          server.socket.write(
            Buffer.concat([frame(PING), frame(PONG), frame(TEXT, "whole"), part, frame(CONTINUATION)]),
          );
          if (title === "close()") {
            while ((await server.frames.next()).opcode !== CLOSE);
            server.close();
          }
          expect((await run).code).to.equal(title === "close()" ? 1000 : 1006);
          expect(calls).to.be.above(0);
          expect(log.filter((line) => line.startsWith("close")).slice(1)).to.have.length(1);
          expect(log.at(-1)).to.match(/^close (1000|1006)$/);
          for (let i = 0; i < 20; i++) await nextTurn();
          expect(accepted.waiting).to.equal(0);
        });
      }
    }

    it("and can be run again at once, from within the last onClose", async () => {
      const runs: Promise<CloseInfo>[] = [];
      const log: string[] = [];
      const { app, run, first, accepted } = await running(
        logging(log, (app, line) => {
          if (line === "close 4000") runs.push(app.runForever());
        }),
      );
      first.close(4000);
      expect((await run).code).to.equal(4000);
      const second = await accepted.next();
      second.socket.resetAndDestroy();
      await accepted.next();
      app.terminate();
      await Promise.all(runs);
      expect(log.slice(0, 3)).to.deep.equal(["open", "close 4000", "open"]);
      expect(runs).to.have.length(1);
    });

    it("and can be run again after a wait was ended", async () => {
      const log: string[] = [];
      const { app, run, first, accepted } = await running({ ...logging(log), reconnect: NEVER });
      first.socket.resetAndDestroy();
      while (app.connection !== undefined) await nextTurn();
      app.close();
      await run;
      const again = app.runForever({ reconnect: false });
      (await accepted.next()).close();
      expect(await again).to.include({ code: 1000, wasClean: true });
      expect(log.slice(-2)).to.deep.equal(["open", "close 1000"]);
    });
  });

  describe("lets no attempt disturb the next", () => {
    it("by its deadline (others: the timer of attempt N kills attempt N+1)", async () => {
      const clock = virtualClock(use);
      const timeout = 2000;
      const [refusal, acceptance] = [new Queue<void>(), new Queue<void>()];
      const peer = await scriptedPeer(
        use,
        (client) =>
          client === 0
            ? [request, () => refusal.next(), answer(refused("503 Busy"))]
            : [request, () => acceptance.next(), upgrade()],
        "memory",
      );
      const log: string[] = [];
      const app = new peer.WebSocketApp(peer.url, { ...logging(log), reconnect: AT_ONCE, timeout });
      const ended = app.runForever();
      await clock.advance(timeout / 2);
      refusal.push();
      await clock.advance(timeout / 2 + 100); // the deadline of the first is over, and that of the second is to come
      expect(peer.count).to.equal(2);
      expect(log).to.deep.equal(["error ERR_WS_UNEXPECTED_STATUS", "close 1006 retry 1"]);
      acceptance.push();
      await clock.advance(2 * timeout);
      expect(log.slice(2)).to.deep.equal(["open"]);
      expect(app.connection?.state).to.equal("open");
      app.terminate();
      await clock.advance(0);
      await ended;
    });

    it("by the deadline of its closing handshake", async () => {
      const closeTimeout = 30;
      const { app, first, accepted } = await running({ closeTimeout });
      first.socket.write(frame(CLOSE, Buffer.of(3, 0xf4))); // and leaves TCP open
      const second = await accepted.next();
      while (app.connection === undefined) await nextTurn();
      // As long as the deadline, and set later: that would be over now.
      await new Promise((resolve) => setTimeout(resolve, closeTimeout));
      second.send(PING, "still there");
      expect(await second.text()).to.equal("still there");
    });

    it("by pings that nobody answered, or a latency", async () => {
      const { app, first, accepted } = await running({});
      const pinged = app.ping("1");
      expect((await first.frames.next()).opcode).to.equal(PING);
      first.socket.resetAndDestroy();
      await rejection(pinged, ClosedError);
      const second = await accepted.next();
      while (app.connection === undefined) await nextTurn();
      second.send(PONG, "1");
      second.send(PING);
      await second.frames.next();
      expect(app.connection.latency).to.equal(undefined);
      const again = app.ping();
      second.send(PONG, (await second.frames.next()).payload);
      expect(await again).to.be.at.least(0);
    });

    it("by half a message", async () => {
      const log: string[] = [];
      const { first, accepted } = await running(logging(log));
      first.send(TEXT, "half", false);
      first.socket.destroy();
      const second = await accepted.next();
      second.send(TEXT, "whole");
      second.send(PING);
      await second.frames.next();
      expect(log.filter((line) => line.startsWith("message"))).to.deep.equal(["message whole"]);
    });

    it("by sends, which reject with the connection that they were made on, and are not made again", async () => {
      const { app, first, accepted } = await running({});
      app.send("once");
      expect(await first.text()).to.equal("once");
      first.socket.destroy();
      const second = await accepted.next();
      while (app.connection === undefined) await nextTurn();
      app.send("next");
      expect(await second.text()).to.equal("next");
    });
  });

  it("does not grow the stack in 1 000 attempts, or listeners (others recurse from their handlers)", async () => {
    const depths: (number | undefined)[] = [];
    const warnings: unknown[] = [];
    const warned = (warning: unknown) => warnings.push(warning);
    process.on("warning", warned);
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    const depth = () => new Error().stack?.split("\n").length;
    try {
      const { run: ended } = run(
        () => {
          depths.push(depth());
          throw new RangeError("not yet");
        },
        {
          reconnect: { minDelay: 1, maxDelay: 1, jitter: 0, maxAttempts: 1000 },
          onClose: () => depths.push(depth()),
        },
        new AbortController().signal,
      );
      expect((await ended).error?.code).to.equal("ERR_WS_CALLBACK");
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
      process.off("warning", warned);
    }
    expect(depths).to.have.length(2002);
    expect(depths.slice(-2)).to.deep.equal(depths.slice(20, 22));
    expect(warnings).to.deep.equal([]);
  });

  describe("asks the functions of its options", () => {
    it("for url, headers and protocols before each attempt (others send a token that has expired)", async () => {
      const heads = new Queue<string>();
      const { url } = await scripted((attempt, socket, head) => {
        heads.push(head);
        socket.end(
          attempt === 2 ? accepting(head, "Sec-WebSocket-Protocol: p2") : refused("503 Busy"),
          "latin1",
        );
      });
      let calls = 0;
      run(async () => `${url}path${++calls}?token=${calls}`, {
        headers: async () => ({ authorization: `Bearer ${calls}` }),
        protocols: () => `p${calls}`,
      });
      for (const attempt of [1, 2, 3]) {
        const head = await heads.next();
        expect(head).to.include(`GET /path${attempt}?token=${attempt} `);
        expect(head).to.include(`authorization: Bearer ${attempt}\r\n`);
        expect(head).to.include(`Sec-WebSocket-Protocol: p${attempt}\r\n`);
      }
    });

    const failures: [title: string, fail: () => never | Promise<never>, code: string][] = [
      [
        "that throw",
        () => {
          throw new RangeError("no token");
        },
        "ERR_WS_CALLBACK",
      ],
      ["that reject", () => Promise.reject(new RangeError("no token")), "ERR_WS_CALLBACK"],
      ["that hang", () => new Promise<never>(() => {}), "ERR_WS_TIMEOUT"],
      [
        "that throw what is no error",
        () => {
          throw Symbol("no token");
        },
        "ERR_WS_CALLBACK",
      ],
      [
        "that reject with what cannot even be shown",
        () => Promise.reject(Object.create(null)),
        "ERR_WS_CALLBACK",
      ],
      ["that reject with nothing", () => Promise.reject(), "ERR_WS_CALLBACK"],
    ];
    for (const [title, fail, code] of failures) {
      for (const name of ["url", "headers", "protocols"]) {
        it(`${title} (${name}): a failed attempt like any other`, async () => {
          const log: string[] = [];
          const { url, accepted } = await rawServer(use);
          let calls = 0;
          const failing =
            <Value>(value: Value) =>
            () =>
              ++calls === 1 ? fail() : value;
          const { app, run: ended } = run(name === "url" ? failing(url) : url, {
            ...logging(log),
            timeout: 200,
            ...(name === "headers" && { headers: failing({}) }),
            ...(name === "protocols" && { protocols: failing([]) }),
          });
          const server = await accepted.next();
          while (app.connection === undefined) await nextTurn();
          server.close();
          await ended;
          expect(log).to.deep.equal([`error ${code}`, "close 1006 retry 1", "open", "close 1000"]);
        });
      }
    }

    const garbage: [name: string, options: AppOptions, url?: () => unknown][] = [
      ["url", {}, () => "nowhere"],
      ["url", {}, () => undefined],
      ["headers", { headers: () => ({ a: "b\r\nc: d" }) }],
      ["headers", { headers: () => 5 as never }],
      ["protocols", { protocols: () => "a b" }],
    ];
    for (const [name, options, url] of garbage) {
      it(`that give garbage (${name}): nothing is sent, and it is not tried again unless it is asked for`, async () => {
        const { url: good, attempts } = await scripted(() => {});
        const where = (url ?? good) as Provider<string>;
        const log: string[] = [];
        const info = await run(where, { ...logging(log), ...options }).run;
        expect(info.error).to.be.an.instanceOf(UsageError);
        expect(log).to.deep.equal([`error ${info.error?.code}`, "close 1006"]);
        const tries = run(where, {
          ...options,
          reconnect: { ...AT_ONCE, retry: (_info, attempt) => attempt < 3 },
        });
        expect((await tries.run).error).to.be.an.instanceOf(UsageError);
        expect(attempts()).to.equal(0);
      });
    }
  });

  describe("tries again", () => {
    /** Whether an attempt follows, by what onClose is told. */
    async function follows(
      url: string,
      reconnect: AppOptions["reconnect"] = true,
    ): Promise<CloseInfo["retry"]> {
      const infos = new Queue<CloseInfo>();
      const { app, run: ended } = run(url, {
        ...(reconnect !== undefined && { reconnect }),
        onClose: (_app, _code, _reason, info) => infos.push(info),
      });
      const { retry } = await infos.next();
      app.close();
      await ended;
      return retry;
    }

    for (const [status, expected] of [
      ...["401 Unauthorized", "403 Forbidden", "404 Not Found", "400 Bad Request"],
      ...["426 Upgrade Required", "200 OK", "302 Found", "451 No"],
    ].map((status) => [status, false] as const)) {
      it(`not after ${status} (others knock for ever)`, async () => {
        const { url } = await scripted((_attempt, socket) => socket.end(refused(status)));
        expect((await follows(url)) !== undefined).to.equal(expected);
      });
    }

    for (const status of [
      "408 Late",
      "425 Early",
      "429 Slow Down",
      "500 Oh",
      "502 Bad Gateway",
      "503 Busy",
    ]) {
      it(`after ${status}, and not before Retry-After`, async () => {
        const { url } = await scripted((_attempt, socket) => socket.end(refused(status, "Retry-After: 100")));
        const retry = await follows(url, { minDelay: 10, factor: 2 });
        expect(retry?.attempt).to.equal(1);
        expect(retry?.delay).to.be.within(100_010, 100_020);
      });
    }

    it("after a Retry-After that is a date, by the server's clock", async () => {
      const lines = ["Date: Thu, 01 Jan 1998 00:00:00 GMT", "Retry-After: Thu, 01 Jan 1998 00:01:00 GMT"];
      const { url } = await scripted((_attempt, socket) => socket.end(refused("503 Busy", ...lines)));
      expect((await follows(url, 10))?.delay).to.be.within(60_010, 60_020);
    });

    for (const code of [1001, 1005, 1011, 1012, 1013, 1014]) {
      it(`after a Close frame with ${code}`, async () => {
        const { url } = await scripted((_attempt, socket, head) => {
          const payload = code === 1005 ? Buffer.alloc(0) : Buffer.of(code >> 8, code & 0xff);
          socket.end(Buffer.concat([Buffer.from(accepting(head)), frame(CLOSE, payload)]));
        });
        expect(await follows(url)).not.to.equal(undefined);
      });
    }

    for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3999, 4000, 4401, 4999]) {
      it(`not after a Close frame with ${code}`, async () => {
        const { url } = await scripted((_attempt, socket, head) =>
          socket.end(
            Buffer.concat([Buffer.from(accepting(head)), frame(CLOSE, Buffer.of(code >> 8, code & 0xff))]),
          ),
        );
        expect(await follows(url)).to.equal(undefined);
      });
    }

    const others: [title: string, answer: (socket: Socket, head: string) => unknown, expected: boolean][] = [
      ["a reset before the answer", (socket) => socket.resetAndDestroy(), true],
      ["an end before the answer", (socket) => socket.end(), true],
      ["an end within the answer", (socket) => socket.end("HTTP/1.1 10"), true],
      ["no answer", () => {}, true],
      ["an answer that breaks HTTP", (socket) => socket.end("SSH-2.0-OpenSSH\r\n"), true],
      ["a 101 with the wrong key", (socket) => socket.end(accepting("sec-websocket-key: x\r\n")), false],
      [
        "a frame that may not be",
        (socket, head) => socket.end(Buffer.concat([Buffer.from(accepting(head)), Buffer.of(0x83, 0)])),
        false,
      ],
      ["an end without a Close frame", (socket, head) => socket.end(accepting(head)), true],
    ];
    for (const [title, answer, expected] of others) {
      it(`${expected ? "" : "not "}after ${title}`, async () => {
        const { url } = await scripted((_attempt, socket, head) => answer(socket, head));
        const infos = new Queue<CloseInfo>();
        const { app } = run(url, { timeout: 100, onClose: (_app, _code, _reason, info) => infos.push(info) });
        expect((await infos.next()).retry !== undefined).to.equal(expected);
        app.terminate();
      });
    }

    it("where nobody listens", async () => {
      const log: string[] = [];
      const { app } = run(NOWHERE, logging(log));
      while (log.length < 6) await nextTurn();
      expect(log.slice(0, 4)).to.deep.equal([
        ...["error ERR_WS_CONNECT", "close 1006 retry 1", "error ERR_WS_CONNECT", "close 1006 retry 2"],
      ]);
      app.close();
    });
  });

  describe("leaves it to reconnect.retry", () => {
    it("which is told how it ended, and which attempt it would be", async () => {
      const asked: unknown[] = [];
      const { url } = await scripted((_attempt, socket) => socket.end(refused("403 Forbidden")));
      const told: CloseInfo[] = [];
      await run(url, {
        reconnect: {
          ...AT_ONCE,
          retry(info, attempt) {
            asked.push([info.error, attempt, "retry" in info]);
            return attempt < 3;
          },
        },
        onClose: (_app, _code, _reason, info) => told.push(info),
      }).run;
      expect(asked).to.deep.equal(told.map(({ error }, i) => [error, i + 1, false]));
      expect(told.map(({ retry }) => retry?.attempt)).to.deep.equal([1, 2, undefined]);
    });

    const answers: [
      title: string,
      answer: () => unknown,
      status: string,
      attempts: number,
      errors: string[],
    ][] = [
      ["true", () => true, "403 Forbidden", 3, []],
      ["false", () => false, "503 Busy", 1, []],
      ["undefined: as it would without", () => undefined, "503 Busy", 3, []],
      ["undefined: as it would without", () => undefined, "403 Forbidden", 1, []],
      [
        "a promise, which is told to be wrong",
        async () => true,
        "403 Forbidden",
        1,
        ["ERR_WS_INVALID_ARGUMENT"],
      ],
      ["a word, which is told to be wrong", () => "yes", "403 Forbidden", 1, ["ERR_WS_INVALID_ARGUMENT"]],
      [
        "nothing, as it throws, which is told",
        () => {
          throw new RangeError("retry");
        },
        "403 Forbidden",
        1,
        ["retry"],
      ],
    ];
    for (const [title, answer, status, expected, errors] of answers) {
      it(`which says ${title} (${status})`, async () => {
        const { url, attempts } = await scripted((_attempt, socket) => socket.end(refused(status)));
        const log: string[] = [];
        const retry = answer as () => boolean;
        await run(url, { ...logging(log), reconnect: { ...AT_ONCE, maxAttempts: 2, retry } }).run;
        expect(attempts()).to.equal(expected);
        const told = log.filter((line) => line.startsWith("error") && !line.includes("STATUS"));
        expect(told).to.deep.equal(errors.map((error) => `error ${error}`));
      });
    }

    it("whose promise may reject without an end of the process", async () => {
      const log: string[] = [];
      const { url } = await scripted((_attempt, socket) => socket.end(refused("403 Forbidden")));
      const retry = (() => Promise.reject(new RangeError("later"))) as unknown as () => boolean;
      await run(url, { ...logging(log), reconnect: { retry } }).run;
      await nextTurn();
      expect(log).to.include.members(["error ERR_WS_INVALID_ARGUMENT", "error later"]);
    });
  });

  describe("tells of each connection", () => {
    it("its loss and its return: onError, onClose, then onReconnect (others are silent from the second loss on)", async () => {
      const log: string[] = [];
      const { app, run, first, accepted } = await running(logging(log));
      first.socket.resetAndDestroy();
      const second = await accepted.next();
      second.send(TEXT, "back");
      second.send(PING);
      await second.frames.next();
      second.socket.end();
      const third = await accepted.next();
      while (app.connection === undefined) await nextTurn();
      third.close(4000, "enough");
      expect(await run).to.deep.include({ code: 4000, reason: "enough", wasClean: true });
      expect(log).to.deep.equal([
        ...["open", "error ERR_WS_TRANSPORT", "close 1006 retry 1"],
        ...["reconnect", "message back", "error ERR_WS_TRANSPORT", "close 1006 retry 2"],
        ...["reconnect", "close 4000"],
      ]);
    });

    it("by onOpen each time, where there is no onReconnect", async () => {
      const log: string[] = [];
      const { app, first, accepted } = await running({ ...logging(log), onReconnect: undefined });
      first.socket.resetAndDestroy();
      await accepted.next();
      while (app.connection === undefined) await nextTurn();
      expect(log.filter((line) => line === "open")).to.have.length(2);
    });

    it("by onOpen the first that succeeds, however many failed before", async () => {
      const log: string[] = [];
      const { url } = await scripted((attempt, socket, head) =>
        socket.end(attempt < 3 ? refused("503 Busy") : accepting(head), "latin1"),
      );
      const { app } = run(url, logging(log));
      while (!log.includes("reconnect")) await nextTurn();
      app.terminate();
      expect(log.filter((line) => /open|reconnect/.test(line)).slice(0, 2)).to.deep.equal([
        "open",
        "reconnect",
      ]);
    });

    it("by onOpen the first of each run", async () => {
      const log: string[] = [];
      const { app, run, first, accepted } = await running(logging(log));
      first.close();
      await run;
      const again = app.runForever();
      const second = await accepted.next();
      while (app.connection === undefined) await nextTurn();
      second.close();
      await again;
      expect(log).to.deep.equal(["open", "close 1000", "open", "close 1000"]);
    });

    it("without onError where the server closes as it should, and it connects again", async () => {
      const log: string[] = [];
      const { app, first, accepted } = await running(logging(log));
      first.close(1012);
      await accepted.next();
      while (app.connection === undefined) await nextTurn();
      expect(log).to.deep.equal(["open", "close 1012 retry 1", "reconnect"]);
    });

    it("the same to its promise: with the last, and nothing of those before", async () => {
      const infos: CloseInfo[] = [];
      const { app, run, first, accepted } = await running({
        onClose: (_app, _code, _reason, info) => infos.push(info),
      });
      first.socket.resetAndDestroy();
      const second = await accepted.next();
      while (app.connection === undefined) await nextTurn();
      second.close(4001);
      expect([await run]).to.deep.equal(infos.slice(-1));
      expect(infos).to.have.length(2);
      expect(infos[0]?.retry).to.deep.include({ attempt: 1 });
      expect(infos[0]?.retry?.delay).to.equal(1);
    });

    it("with callbacks that throw, as if they did not", async () => {
      const log: string[] = [];
      const told = logging(log, (_app, line) => {
        throw new RangeError(`in ${line.split(" ")[0]}`);
      });
      const lines = await printed(async () => {
        const { run, first, accepted } = await running(told);
        first.socket.resetAndDestroy();
        const second = await accepted.next();
        second.send(PING);
        await second.frames.next();
        second.close();
        await run;
      });
      // onError throws too: that is printed.
      expect(log).to.deep.equal([
        ...["open", "error in open", "error ERR_WS_TRANSPORT", "close 1006 retry 1", "error in close"],
        ...["reconnect", "error in reconnect", "close 1000", "error in close"],
      ]);
      expect(lines.map(String)).to.deep.equal(Array(5).fill("RangeError: in error"));
    });
  });

  describe("takes its options", () => {
    it("for one run in the place of the app's own", async () => {
      const log: string[] = [];
      const server = await rawServer(use);
      const app = new WebSocketApp(server.url, { ...logging(log), reconnect: true });
      const run = app.runForever({ reconnect: false });
      (await server.accepted.next()).socket.resetAndDestroy();
      await run;
      expect(log.at(-1)).to.equal("close 1006");
    });

    const wrong: [options: object, code: string][] = [
      [{ reconnect: 0 }, "ERR_WS_INVALID_ARGUMENT"],
      [{ reconnect: -1 }, "ERR_WS_INVALID_ARGUMENT"],
      [{ reconnect: null }, "ERR_WS_INVALID_ARGUMENT"],
      [{ reconnect: "5" }, "ERR_WS_INVALID_ARGUMENT"],
      [{ reconnect: { minDelay: 5, maxDelay: 4 } }, "ERR_WS_INVALID_ARGUMENT"],
      [{ reconnect: { delay: 5 } }, "ERR_WS_UNKNOWN_OPTION"],
      [{ keepAlive: { interval: 0 } }, "ERR_WS_INVALID_ARGUMENT"],
      [{ keepAlive: 5000 }, "ERR_WS_INVALID_ARGUMENT"],
      [{ keepAlive: null }, "ERR_WS_INVALID_ARGUMENT"],
      [{ keepAlive: { pingInterval: 5 } }, "ERR_WS_UNKNOWN_OPTION"],
    ];
    for (const [options, code] of wrong) {
      it(`and refuses ${JSON.stringify(options)} at once, wherever it is given`, async () => {
        expect(thrown(() => new WebSocketApp("ws://a/", options as AppOptions), UsageError).code).to.equal(
          code,
        );
        const app = new WebSocketApp("ws://a/");
        expect((await rejection(app.runForever(options), UsageError)).code).to.equal(code);
      });
    }
  });

  it("spreads 100 apps over the interval that lose their server at once, and brings each back once", async () => {
    const server = await rawServer(use);
    const delays: number[] = [];
    const apps = Array.from({ length: 100 }, () =>
      run(server.url, {
        reconnect: { minDelay: 10, maxDelay: 200, factor: 20 },
        onClose: (_app, _code, _reason, { retry }) => retry && delays.push(retry.delay),
      }),
    );
    const first = await server.accepted.take(100);
    while (apps.some(({ app }) => app.connection === undefined)) await nextTurn();
    for (const { socket } of first) socket.resetAndDestroy();
    await server.accepted.take(100);
    for (let i = 0; i < 50; i++) await nextTurn();
    expect([server.sockets.size, server.accepted.waiting, delays.length]).to.deep.equal([100, 0, 100]);
    expect(unevenness(delays, 10, 200)).to.be.below(1.5 * tolerance(100));
  });

  describe("keeps a process", () => {
    function program(...args: string[]) {
      const [program, ...words] = wordsOf("spec/support/reconnecting.ts");
      return spawn(program, [...words, ...args], { stdio: "inherit" });
    }

    it("alive during the wait, and not behind the run", async () => {
      const { url, attempts } = await scripted((attempt, socket) =>
        socket.end(refused(attempt < 3 ? "503 Busy" : "403 Forbidden")),
      );
      expect(await once(program(url, "100"), "exit")).to.deep.equal([0, null]);
      expect(attempts()).to.equal(3);
    });

    it("no longer once close() ends the wait", async () => {
      const { url, attempts } = await scripted((_attempt, socket) => socket.end(refused("503 Busy")));
      expect(await once(program(url, `${NEVER}`, "close"), "exit")).to.deep.equal([0, null]);
      expect(attempts()).to.equal(1);
    });
  });
});

// What isosocket does in a browser, told by tests that run in its page; browser.ts starts them one by one.

import { expect } from "chai";
import type * as Isosocket from "../../lib/browser.ts";
import { rejection, thrown } from "../support/failure.ts";

type Test = readonly [title: string, run: () => Promise<void>];

const MIB = 1024 * 1024;

/** A page's way to shared memory, where SharedArrayBuffer is kept from it. */
declare const WebAssembly: { Memory: new (options: object) => { readonly buffer: SharedArrayBuffer } };

/** The tests of a bundle, against the servers at `host`. */
export function suite(isosocket: typeof Isosocket, host: string): Test[] {
  const { createConnection, createClient, WebSocketApp, enableTrace } = isosocket;
  const { ClosedError, LimitError, TimeoutError, TransportError, UsageError, WebSocketError } = isosocket;
  const url = (path: string) => `ws://${host}${path}`;
  let ids = 0;
  /** A url whose server can be asked about its end of the connection. */
  const named = (path: string) => {
    const id = `${performance.timeOrigin}-${++ids}`;
    const ask = async (what: string) => (await fetch(`http://${host}/${what}?id=${id}`)).text();
    return {
      url: url(`${path}?id=${id}`),
      closed: async () => JSON.parse(await ask("closed")),
      wake: () => ask("wake"),
    };
  };
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  return [
    [
      "connects",
      async () => {
        const ws = await createConnection(new URL(`http://${host}/echo?token=x`));
        expect(ws).to.include({ url: url("/echo?token=x"), state: "open", protocol: "", secure: false });
        expect(ws.response.status).to.equal(101);
        expect(await ws.close()).to.deep.include({ code: 1000, wasClean: true });
        expect(ws.state).to.equal("closed");
      },
    ],
    [
      "sends and receives text and binary of all kinds, in order",
      async () => {
        const ws = await createConnection(url("/echo"));
        const messages = [
          "text \u20ac \ud83d\ude00",
          Uint8Array.of(1, 2),
          "",
          new Uint8Array(0),
          "half \ud800",
        ];
        for (const message of messages) void ws.send(message);
        void ws.send(Uint16Array.of(0x0201));
        void ws.send(Uint8Array.of(3, 4, 5).subarray(1, 2));
        void ws.send(Uint8Array.of(9).buffer);
        void ws.send(new Blob(["blob"]));
        void ws.send("last");
        for (const message of messages.slice(0, -1)) expect(await ws.recv()).to.deep.equal(message);
        expect(await ws.recv()).to.equal("half \ufffd");
        for (const bytes of [[1, 2], [4], [9], [98, 108, 111, 98]])
          expect(await ws.recv()).to.deep.equal(Uint8Array.from(bytes));
        expect(await ws.recv()).to.equal("last");
        await ws.close();
      },
    ],
    [
      "sends memory that the browser's own send() refuses",
      async () => {
        const ws = await createConnection(url("/echo"));
        const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        await ws.send(new Uint8Array(buffer, 0, 2).fill(7));
        expect(await ws.recv()).to.deep.equal(Uint8Array.of(7, 7));
        const Resizable = ArrayBuffer as new (length: number, options: object) => ArrayBuffer;
        await ws.send(new Resizable(2, { maxByteLength: 4 }));
        expect(await ws.recv()).to.deep.equal(new Uint8Array(2));
        await ws.close();
      },
    ],
    [
      "has copied the bytes when send() returns",
      async () => {
        const ws = await createConnection(url("/echo"));
        const bytes = new Uint8Array(MIB).fill(7);
        const sent = ws.send(bytes);
        bytes.fill(9);
        await sent;
        expect(((await ws.recv()) as Uint8Array).every((byte) => byte === 7)).to.equal(true);
        await ws.close();
      },
    ],
    [
      "keeps what comes before anybody receives, beyond maxQueue and beyond the end",
      async () => {
        const ws = await createConnection(url("/greet"), { maxQueue: 1 });
        await ws.closed;
        await pause(20);
        const got = [await ws.recv(), await ws.recv(), await ws.recv(), await ws.recv()];
        expect(got).to.deep.equal(["one", "two", "three", Uint8Array.of(1, 2, 3)]);
        expect((await rejection(ws.recv(), ClosedError)).info).to.include({ code: 1000, wasClean: true });
      },
    ],
    [
      "iterates until a clean end, and throws for another",
      async () => {
        const got: unknown[] = [];
        for await (const message of await createConnection(url("/greet"))) got.push(message);
        expect(got).to.have.length(4);
        const ws = await createConnection(url("/close?code=4001&reason=bye"));
        const error = await rejection(ws[Symbol.asyncIterator]().next(), ClosedError);
        expect(error.info).to.include({ code: 4001, reason: "bye", wasClean: true });
      },
    ],
    [
      "closes with a code and a reason, which the server gets to see",
      async () => {
        const { url, closed } = named("/echo");
        const ws = await createConnection(url);
        void ws.send("sent before");
        expect(await ws.recv()).to.equal("sent before"); // a browser drops what comes after close()
        const info = await ws.close(4000, "bye \u20ac");
        expect(info).to.deep.include({
          code: 4000,
          wasClean: true,
          sent: { code: 4000, reason: "bye \u20ac" },
        });
        expect(await closed()).to.deep.equal({ code: 4000, reason: "bye \u20ac" });
        expect((await rejection(ws.send("late"), ClosedError)).info).to.equal(info);
      },
    ],
    [
      "refuses close codes that a browser does not send, and reasons that are too long",
      async () => {
        const ws = await createConnection(url("/echo"));
        for (const code of [1001, 1009, 1011])
          expect(thrown(() => ws.close(code), UsageError).code).to.equal("ERR_WS_UNSUPPORTED");
        for (const code of [999, 1006, 5000])
          expect(thrown(() => ws.close(code), UsageError).code).to.equal("ERR_WS_INVALID_ARGUMENT");
        thrown(() => ws.close(1000, "\u20ac".repeat(42)), UsageError);
        expect(ws.state).to.equal("open");
        expect(await ws.close(1000, "\u20ac".repeat(41))).to.include({ code: 1000, wasClean: true });
      },
    ],
    [
      "knows how the server closed: with a code, without one, not at all",
      async () => {
        const closing = await createConnection(url("/close?code=4001&reason=bye"));
        const received = { code: 4001, reason: "bye" };
        expect(await closing.closed).to.deep.equal({ ...received, wasClean: true, received });
        expect(await (await createConnection(url("/codeless"))).closed).to.include({
          code: 1005,
          wasClean: true,
        });
      },
    ],
    ...["/drop", "/garbage", "/latin1"].map(
      (path): Test => [
        `ends as lost at ${path}`,
        async () => {
          // Firefox takes an end that comes with the upgrade for a failure of the attempt.
          const ws = await createConnection(url(path)).catch((error: unknown) => error);
          const error = ws instanceof Error ? ws : (await (ws as Isosocket.Connection).closed).error;
          expect(error).to.be.an.instanceOf(TransportError);
        },
      ],
    ),
    [
      "rejects when the server refuses, and when there is none",
      async () => {
        for (const place of [url("/refuse"), "ws://127.0.0.1:9/?token=SECRET"]) {
          const error = await rejection(createConnection(place), TransportError);
          expect(error.code).to.equal("ERR_WS_CONNECT");
          expect(error.message).not.to.include("SECRET");
        }
      },
    ],
    [
      "gives up on a server that does not answer the upgrade",
      async () => {
        const error = await rejection(createConnection(url("/silent"), { timeout: 100 }), TimeoutError);
        expect(error).to.include({ phase: "handshake", ms: 100 });
      },
    ],
    [
      "gives up on a server that does not answer the Close frame",
      async () => {
        const ws = await createConnection(url("/mute"));
        const before = performance.now();
        const info = await ws.close(1000, "", { timeout: 100 });
        expect(performance.now() - before).to.be.below(1000);
        expect(info).to.include({ code: 1006, wasClean: false });
        expect(info.error).to.be.an.instanceOf(TimeoutError).and.to.include({ phase: "close" });
      },
    ],
    [
      "is aborted before, while it opens, and once it is open",
      async () => {
        const reason = new RangeError("enough");
        const aborted = createConnection(url("/echo"), { signal: AbortSignal.abort(reason) });
        expect(await rejection(aborted, RangeError)).to.equal(reason);
        const opening = new AbortController();
        setTimeout(() => opening.abort(reason), 50);
        expect(
          await rejection(createConnection(url("/silent"), { signal: opening.signal }), RangeError),
        ).to.equal(reason);
        const open = new AbortController();
        const ws = await createConnection(url("/echo"), { signal: open.signal });
        open.abort(reason);
        expect((await ws.closed).error).to.include({ code: "ERR_WS_ABORTED", cause: reason });
      },
    ],
    [
      "is terminated at once",
      async () => {
        const { url, closed } = named("/echo");
        const ws = await createConnection(url);
        ws.terminate();
        expect(await ws.closed).to.include({ code: 1006, wasClean: false });
        expect((await closed()).code).to.equal(1005);
      },
    ],
    [
      "agrees on a subprotocol, and fails without one",
      async () => {
        const protocols = ["one", "two"];
        const ws = await createConnection(url("/echo?choose=two"), { protocols });
        expect(ws.protocol).to.equal("two");
        await ws.close();
        await rejection(createConnection(url("/echo"), { protocols }), WebSocketError);
      },
    ],
    [
      "sends a stream as one message, and gives a message as a stream",
      async () => {
        const ws = await createConnection(url("/echo"));
        await ws.sendStream(["a", "\ud83d", "\ude00"]);
        expect(await ws.recv()).to.equal("a\ud83d\ude00");
        void ws.sendStream(
          (async function* () {
            yield Uint8Array.of(1);
            await pause(10);
            yield Uint8Array.of(2, 3);
          })(),
        );
        void ws.send("behind");
        const stream = await ws.recvStream();
        expect(stream.type).to.equal("binary");
        expect(await stream.collect()).to.deep.equal(Uint8Array.of(1, 2, 3));
        expect(await ws.recv()).to.equal("behind");
        await ws.close();
      },
    ],
    [
      "makes send() wait for a server that does not read",
      async () => {
        const { url, wake } = named("/deaf");
        const ws = await createConnection(url, { maxBufferedAmount: 64 * MIB });
        let waiting: Promise<void> | undefined;
        for (let i = 0; i < 40; i++) waiting = ws.send(new Uint8Array(MIB));
        expect(await Promise.race([waiting, pause(100).then(() => "waits")])).to.equal("waits");
        expect(ws.bufferedAmount).to.be.above(MIB);
        for (let i = 0; i < 40; i++) void ws.send(new Uint8Array(MIB));
        expect((await rejection(ws.send("too much"), LimitError)).code).to.equal("ERR_WS_BACKPRESSURE");
        await wake();
        await waiting;
        ws.terminate();
      },
    ],
    [
      "refuses a message beyond maxMessageSize",
      async () => {
        const ws = await createConnection(url("/large"), { maxMessageSize: 1000 });
        await rejection(ws.recv(), ClosedError);
        expect((await ws.closed).error)
          .to.be.an.instanceOf(LimitError)
          .and.to.include({ actual: 1001 });
      },
    ],
    [
      "runs an app: every callback in order, twice",
      async () => {
        const log: string[] = [];
        const app = new WebSocketApp(() => url("/echo"), {
          onMessage: (app, message) => {
            log.push(`message ${message}`);
            if (message === "second") app.close(4000, "enough");
          },
          onError: (_app, error) => log.push(`error ${error}`),
          onClose: (_app, code, reason) => log.push(`close ${code} ${reason}`),
        });
        app.onOpen = (app) => {
          log.push("open");
          for (const text of ["first", "second"]) app.send(text);
        };
        for (let run = 0; run < 2; run++) {
          expect(await app.runForever()).to.include({ code: 4000, wasClean: true });
          expect(log.splice(0)).to.deep.equal([
            "open",
            "message first",
            "message second",
            "close 4000 enough",
          ]);
        }
      },
    ],
    [
      "tells an app of a failed attempt, and of a loss",
      async () => {
        for (const path of ["/refuse", "/drop"]) {
          const log: string[] = [];
          const app = new WebSocketApp(url(path), {
            onError: (_app, error) => log.push(error.name),
            onClose: (_app, code) => log.push(`${code}`),
          });
          const info = await app.runForever();
          expect(log).to.deep.equal(["TransportError", "1006"]);
          expect(info.error).to.be.an.instanceOf(TransportError);
        }
      },
    ],
    [
      "connects an app again, and sends in order what was sent meanwhile",
      async () => {
        const { url } = named("/restart");
        const log: string[] = [];
        const app: Isosocket.WebSocketApp = new WebSocketApp(url, {
          reconnect: { minDelay: 10, maxDelay: 50 },
          outbox: { onDrop: (message, reason) => log.push(`${reason} ${message}`) },
          onOpen: () => log.push("open"),
          onReconnect: (app) => {
            log.push("reconnect");
            app.send("login");
          },
          onMessage: (app, message) => {
            log.push(`${message}`);
            if (message === "in onClose") app.close(4000);
          },
          onClose: (app, code, _reason, { retry }) => {
            log.push(`close ${code} ${retry?.attempt}`);
            if (retry !== undefined) app.send("in onClose");
          },
        });
        const run = app.runForever();
        app.send("before open");
        expect(await run).to.include({ code: 4000, wasClean: true });
        // The server closed right behind it: nobody can tell what it made of it.
        expect(log).to.deep.equal([
          ...["open", "before open", "lost before open", "close 1012 1"],
          ...["reconnect", "login", "in onClose", "close 4000 undefined"],
        ]);
      },
    ],
    [
      "tries again where nobody answers, until close() ends the wait",
      async () => {
        const log: string[] = [];
        const app = new WebSocketApp(url("/refuse"), {
          reconnect: { minDelay: 10, maxDelay: 10 },
          onError: (_app, error) => log.push(error.name),
          onClose: (app, _code, _reason, { retry }) => {
            log.push(`retry ${retry?.attempt}`);
            if (retry?.attempt === 3) setTimeout(() => app.close());
          },
        });
        const info = await app.runForever();
        expect(info).to.include({ code: 1006, wasClean: false }).and.not.to.have.property("retry");
        expect(log.slice(0, 6)).to.deep.equal(
          [1, 2, 3].flatMap((attempt) => ["TransportError", `retry ${attempt}`]),
        );
      },
    ],
    [
      "does not bring back an app whose wait was ended",
      async () => {
        const opened: string[] = [];
        const { url: place } = named("/restart");
        const app = new WebSocketApp(place, {
          reconnect: 50,
          onOpen: () => opened.push("open"),
          onReconnect: () => opened.push("reconnect"),
          onMessage: () => {},
          onClose: (app) => app.close(),
        });
        const run = app.runForever();
        while (opened.length === 0) await pause(5);
        app.send("restart");
        await run;
        await pause(200);
        expect(opened).to.deep.equal(["open"]);
      },
    ],
    [
      "keeps alive by messages, and drops a server that is silent",
      async () => {
        const keepAlive = { interval: 20, timeout: 2_000, message: "beat" };
        const ws = await createConnection(url("/echo"), { keepAlive });
        for (let i = 0; i < 5; i++) expect(await ws.recv()).to.equal("beat");
        await ws.close();
        const mute = await createConnection(url("/mute"), { keepAlive: { ...keepAlive, timeout: 20 } });
        const { code, error } = await mute.closed;
        expect(code).to.equal(1006);
        expect(error).to.be.an.instanceOf(TimeoutError).and.to.have.property("phase", "ping");
      },
    ],
    [
      "tries again at once when the browser is online again",
      async () => {
        const log: string[] = [];
        const page = globalThis as unknown as EventTarget;
        const app = new WebSocketApp(url("/refuse"), {
          reconnect: 600_000,
          onClose: (app, _code, _reason, { retry }) => {
            log.push(`retry ${retry?.attempt}`);
            if (retry?.attempt === 3) setTimeout(() => app.close());
            else setTimeout(() => page.dispatchEvent(new Event("online")));
          },
        });
        await app.runForever();
        expect(log).to.deep.equal(["retry 1", "retry 2", "retry 3"]);
      },
    ],
    [
      "names what a browser cannot do",
      async () => {
        const options = {
          headers: { a: "b" },
          origin: "x",
          tls: {},
          noDelay: true,
          trace: true,
          utf8Validation: false,
          keepAlive: { interval: 1000 },
        };
        for (const [name, value] of Object.entries(options)) {
          const error = await rejection(createConnection(url("/echo"), { [name]: value }), UsageError);
          expect(error.code).to.equal("ERR_WS_UNSUPPORTED");
          expect(error.message).to.include(name);
        }
        for (const keepAlive of [true, { interval: 1000 }])
          expect(
            (await rejection(new WebSocketApp(url("/echo")).runForever({ keepAlive }), UsageError)).code,
          ).to.equal("ERR_WS_UNSUPPORTED");
        for (const options of [{ reconnect: true }, { outbox: {} }])
          expect(
            (await rejection(createConnection(url("/echo"), options as object), UsageError)).message,
          ).to.include("belongs to the constructor of WebSocketApp");
        for (const name of ["onPing", "onPong", "onContMessage"])
          expect(
            thrown(() => new WebSocketApp(url("/echo"), { [name]: () => {} }), UsageError).message,
          ).to.include(name);
        await rejection(createConnection(`ws://user:pass@${host}/echo`), UsageError);
        const ws = await createConnection(url("/echo"));
        expect((await rejection(ws.ping(), UsageError)).code).to.equal("ERR_WS_UNSUPPORTED");
        for (const act of [() => ws.pong(), () => ws.ref(), () => ws.unref()]) thrown(act, UsageError);
        expect(ws.state).to.equal("open");
        await ws.close();
      },
    ],
    [
      "takes defaults, and a trace that is switched on elsewhere does no harm",
      async () => {
        enableTrace();
        const client = createClient({ timeout: 100 });
        await rejection(client.createConnection(url("/silent")), TimeoutError);
        enableTrace(false);
        thrown(() => createClient({ host: "x" }), UsageError);
      },
    ],
    [
      "closes what leaves its block",
      async () => {
        const { url, closed } = named("/echo");
        {
          await using ws = await createConnection(url);
          await ws.send("used");
        }
        expect((await closed()).code).to.equal(1000);
      },
    ],
  ];
}

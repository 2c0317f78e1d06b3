// The WebSocket of a browser behind our seam: what it does by halves, late, twice or never must not show.

import { getEventListeners } from "node:events";
import { expect } from "chai";
import { type App, webSocketAppWith } from "../../lib/client/app.ts";
import { type Connection, createConnectionWith } from "../../lib/client/connection.ts";
import { overNative } from "../../lib/client/native-options.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import {
  ClosedError,
  HandshakeError,
  LimitError,
  TimeoutError,
  TransportError,
  UsageError,
} from "../../lib/errors.ts";
import { openNative } from "../../lib/session/native.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { FakeNative } from "../support/fake-native.ts";
import { Queue } from "../support/queue.ts";

const URL_ = "ws://example.com/path?token=SECRET";
const PUBLIC = "ws://example.com/path?token=***";

/** A browser of our own: the WebSockets that were made in it, and both shapes over them. */
function browser() {
  const made = new Queue<FakeNative>();
  const resolve = overNative(
    openNative((url, protocols) => {
      const socket = new FakeNative(url, protocols);
      made.push(socket);
      return socket;
    }),
  );
  return {
    made,
    createConnection: createConnectionWith(resolve, {}),
    WebSocketApp: webSocketAppWith(resolve, {}),
  };
}

/** An open connection, and the browser's end of it. */
async function pair(options: ConnectionOptions = {}): Promise<{ ws: Connection; socket: FakeNative }> {
  const { made, createConnection } = browser();
  const opening = createConnection(URL_, options);
  const socket = await made.next();
  socket.open();
  return { ws: await opening, socket };
}

describe("openNative", () => {
  cleanUp();

  it("opens a WebSocket with the url as it is, and binary as ArrayBuffer", async () => {
    const { made, createConnection } = browser();
    const opening = createConnection(new URL("https://example.com:8443/a%20b?c"), {
      protocols: ["one", "two"],
    });
    const socket = await made.next();
    expect(socket).to.include({ url: "wss://example.com:8443/a%20b?c", binaryType: "arraybuffer" });
    expect(socket.protocols).to.deep.equal(["one", "two"]);
    socket.extensions = "permessage-deflate";
    socket.open("two");
    const ws = await opening;
    expect(ws).to.include({ url: socket.url, secure: true, protocol: "two", extensions: socket.extensions });
    expect(ws).to.include({
      state: "open",
      bufferedAmount: 0,
      localAddress: undefined,
      remoteAddress: undefined,
    });
    expect(ws.response).to.include({ status: 101 });
    expect([...ws.response.headers]).to.deep.equal([]);
    socket.end();
    await ws.closed;
  });

  it("asks functions for url and protocols anew for each attempt", async () => {
    const { made, createConnection } = browser();
    let calls = 0;
    const url = () => `ws://example.com/${++calls}`;
    for (const expected of ["ws://example.com/1", "ws://example.com/2"]) {
      const opening = createConnection(url, { protocols: async () => "one" });
      const socket = await made.next();
      expect(socket).to.deep.include({ url: expected, protocols: ["one"] });
      socket.fail();
      await rejection(opening, TransportError);
    }
  });

  it("rejects when the browser fails, whichever of its events come", async () => {
    for (const act of [
      (socket: FakeNative) => socket.fail(),
      (socket: FakeNative) => socket.end({ code: 1006, wasClean: false }),
      (socket: FakeNative) => {
        socket.fail();
        socket.end({ code: 1006, wasClean: false });
      },
    ]) {
      const { made, createConnection } = browser();
      const opening = createConnection(URL_);
      act(await made.next());
      const error = await rejection(opening, TransportError);
      expect(error).to.include({ code: "ERR_WS_CONNECT", url: PUBLIC });
      expect(error.message).to.include(PUBLIC).and.not.to.include("SECRET");
    }
  });

  it("gives up at its timeout, and closes what was being opened", async () => {
    const { made, createConnection } = browser();
    const opening = createConnection(URL_, { timeout: 20 });
    const socket = await made.next();
    const error = await rejection(opening, TimeoutError);
    expect(error).to.include({ phase: "handshake", ms: 20, url: PUBLIC });
    expect(socket.calls).to.deep.equal(["close"]);
    socket.open(); // too late
    socket.end();
  });

  it("gives up at its timeout where a function does not settle", async () => {
    const { made, createConnection } = browser();
    const error = await rejection(
      createConnection(() => new Promise(() => {}), { timeout: 20 }),
      TimeoutError,
    );
    expect(error).to.include({ phase: "headers" });
    expect(made.waiting).to.equal(0);
  });

  it("gives up when the signal is aborted, before and while it opens", async () => {
    const reason = new RangeError("enough");
    const { made, createConnection } = browser();
    const aborted = createConnection(URL_, { signal: AbortSignal.abort(reason) });
    expect(await rejection(aborted, RangeError)).to.equal(reason);
    expect(made.waiting).to.equal(0);

    const controller = new AbortController();
    const opening = createConnection(URL_, { signal: controller.signal });
    const socket = await made.next();
    controller.abort(reason);
    expect(await rejection(opening, RangeError)).to.equal(reason);
    expect(socket.calls).to.deep.equal(["close"]);
  });

  it("rejects where the server chooses no subprotocol and the browser does not mind", async () => {
    const { made, createConnection } = browser();
    const opening = createConnection(URL_, { protocols: "one" });
    const socket = await made.next();
    socket.open();
    expect(await rejection(opening, HandshakeError)).to.include({ code: "ERR_WS_INVALID_RESPONSE" });
    expect(socket.calls).to.deep.equal(["close"]);
  });

  it("passes on what the browser's class throws, and that there is none", async () => {
    const failure = new Error("insecure from a page on https");
    const fails = createConnectionWith(
      overNative(
        openNative(() => {
          throw failure;
        }),
      ),
      {},
    );
    const error = await rejection(fails(URL_), UsageError);
    expect(error).to.include({ code: "ERR_WS_UNSUPPORTED", cause: failure });
    expect(error.message).to.include(failure.message);
  });
});

describe("a native session", () => {
  cleanUp();

  it("gives text and binary in order, binary as a Uint8Array", async () => {
    const { ws, socket } = await pair();
    socket.message("one");
    socket.message(Uint8Array.of(1, 2).buffer);
    socket.message("");
    expect(await ws.recv()).to.equal("one");
    expect(await ws.recv()).to.deep.equal(Uint8Array.of(1, 2));
    expect(await ws.recv()).to.equal("");
    socket.end();
    await ws.closed;
  });

  it("keeps what arrives, and the end, until there is somebody to tell", async () => {
    const { made, createConnection } = browser();
    const opening = createConnection(URL_);
    const socket = await made.next();
    socket.open();
    // The events come one after the other, before the promise of createConnection() is heard of.
    for (let turn = 0; turn < 20 && socket.onmessage === null; turn++) await undefined;
    socket.message("early");
    socket.message("");
    socket.end({ code: 4000, reason: "bye" });
    const ws = await opening;
    expect([await ws.recv(), await ws.recv()]).to.deep.equal(["early", ""]);
    expect((await rejection(ws.recv(), ClosedError)).info).to.include({ code: 4000 });
  });

  it("loses nothing where more comes than the inbox takes", async () => {
    const { ws, socket } = await pair({ maxQueue: 2 });
    for (let i = 0; i < 100; i++) socket.message(`${i}`);
    socket.end();
    const got: unknown[] = [];
    for await (const message of ws) got.push(message);
    expect(got).to.deep.equal(Array.from({ length: 100 }, (_, i) => `${i}`));
  });

  it("sends text, bytes, and bytes of memory that the browser would refuse", async () => {
    const { ws, socket } = await pair();
    const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(7);
    const resizable = new Uint8Array(
      new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(2, { maxByteLength: 4 }),
    );
    for (const data of ["hi", Uint8Array.of(1, 2).subarray(1), shared, resizable]) await ws.send(data);
    expect(socket.calls).to.deep.equal(['send "hi"', "send 02", "send 0707", "send 0000"]);
    for (const data of socket.sent.slice(1)) {
      const { buffer } = data as Uint8Array;
      expect(buffer).to.be.an.instanceOf(ArrayBuffer).and.not.include({ resizable: true });
    }
    ws.terminate();
    await ws.closed;
  });

  it("sends a stream as one message, once all of it is there", async () => {
    const { ws, socket } = await pair();
    const bytes = Uint8Array.of(1, 2);
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytes;
      bytes.fill(9);
      yield bytes;
    }
    await ws.sendStream(["a", "\ud83d", "\ude00"]);
    await ws.sendStream(source());
    await ws.sendStream([]);
    expect(socket.calls).to.deep.equal(['send "a\ud83d\ude00"', "send 4 bytes", 'send ""']);
    const blob = socket.sent[1] as Blob;
    expect(new Uint8Array(await blob.arrayBuffer())).to.deep.equal(Uint8Array.of(1, 2, 9, 9));
    ws.terminate();
    await ws.closed;
  });

  it("sends nothing of a stream that fails, and closes as elsewhere", async () => {
    const { ws, socket } = await pair();
    const failure = new RangeError("no more");
    async function* source(): AsyncGenerator<string> {
      yield "a";
      throw failure;
    }
    expect(await rejection(ws.sendStream(source()), RangeError)).to.equal(failure);
    expect(socket.calls).to.deep.equal(["close"]);
    socket.end({ code: 1005 });
    expect(await ws.closed).to.deep.include({ sent: { code: 1005, reason: "" } });
  });

  it("gives recvStream() the message in one piece", async () => {
    const { ws, socket } = await pair();
    const streaming = ws.recvStream();
    socket.message("whole");
    const pieces: unknown[] = [];
    for await (const piece of await streaming) pieces.push(piece);
    expect(pieces).to.deep.equal(["whole"]);
    socket.end();
    await ws.closed;
  });

  it("makes a send wait while too much is buffered, and asks only then", async () => {
    const { ws, socket } = await pair();
    let asked = 0;
    let buffered = 0;
    Object.defineProperty(socket, "bufferedAmount", {
      get() {
        asked++;
        return buffered;
      },
    });
    await ws.send("at once");
    buffered = HIGH_WATER;
    const sent = ws.send("waits");
    expect(await Promise.race([sent, nextTurn().then(() => "pending")])).to.equal("pending");
    expect(ws.bufferedAmount).to.equal(HIGH_WATER);
    buffered = HIGH_WATER - 1;
    await sent;
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).to.equal(before);
    socket.end();
    await ws.closed;
  });

  it("rejects a send that waits when the connection ends", async () => {
    const { ws, socket } = await pair();
    socket.bufferedAmount = HIGH_WATER;
    const sent = ws.send("waits");
    socket.end({ code: 1006, wasClean: false });
    await rejection(sent, ClosedError);
  });

  describe("closes", () => {
    it("with what it is told, and knows what both sides sent", async () => {
      const { ws, socket } = await pair();
      const closed = ws.close(4000, "bye");
      expect(ws.state).to.equal("closing");
      expect(socket.calls).to.deep.equal(["close 4000 bye"]);
      socket.end({ code: 4000, reason: "bye too" });
      expect(await closed).to.deep.equal({
        code: 4000,
        reason: "bye too",
        wasClean: true,
        sent: { code: 4000, reason: "bye" },
        received: { code: 4000, reason: "bye too" },
      });
      expect(ws.state).to.equal("closed");
    });

    it("with the first code that is an application's own", async () => {
      const { ws, socket } = await pair();
      const closed = ws.close(3000);
      expect(socket.calls).to.deep.equal(["close 3000"]);
      socket.end({ code: 3000 });
      expect((await closed).sent).to.deep.equal({ code: 3000, reason: "" });
    });

    it("without a code where it is asked for none", async () => {
      const { ws, socket } = await pair();
      void ws.close(1005);
      expect(socket.calls).to.deep.equal(["close"]);
      socket.end({ code: 1005 });
      expect(await ws.closed).to.deep.include({
        code: 1005,
        wasClean: true,
        sent: { code: 1005, reason: "" },
      });
    });

    it("when the peer does", async () => {
      const { ws, socket } = await pair();
      socket.readyState = 2; // its Close frame came, TCP is still there
      expect(ws.state).to.equal("closing");
      await rejection(ws.send("late"), ClosedError);
      void ws.close(4002, "too late");
      expect(socket.calls).to.deep.equal([]);
      socket.end({ code: 4001, reason: "go" });
      const received = { code: 4001, reason: "go" };
      expect(await ws.closed).to.deep.equal({ ...received, wasClean: true, received });
    });

    for (const [code, reason] of [
      [1001, ""],
      [1009, ""],
      [1014, "x"],
    ] as const) {
      it(`not with ${code}, which no browser sends`, async () => {
        const { ws, socket } = await pair();
        expect(thrown(() => ws.close(code, reason), UsageError).code).to.equal("ERR_WS_UNSUPPORTED");
        expect([ws.state, ...socket.calls]).to.deep.equal(["open"]);
        socket.end();
        await ws.closed;
      });
    }

    for (const [code, reason] of [
      [999, ""],
      [1006, ""],
      [5000, ""],
      [1000, "x".repeat(124)],
      [1000, "\u20ac".repeat(42)],
      [1005, "why"],
    ] as const) {
      it(`not with ${code} and ${reason.length} characters, which nobody may send`, async () => {
        const { ws, socket } = await pair();
        expect(thrown(() => ws.close(code, reason), UsageError).code).to.equal("ERR_WS_INVALID_ARGUMENT");
        expect(ws.state).to.equal("open");
        socket.end();
        await ws.closed;
      });
    }

    it("and is lost meanwhile: that is no error of its own", async () => {
      const { ws, socket } = await pair();
      const closed = ws.close(4000);
      socket.end({ code: 1006, wasClean: false });
      const info = await closed;
      expect(info).to.include({ code: 1006, wasClean: false }).and.not.to.have.property("error");
      expect(info.sent).to.deep.equal({ code: 4000, reason: "" });
    });

    it("by the clock when the browser does not, and ignores what it says later", async () => {
      const { ws, socket } = await pair();
      const closed = ws.close(1000, "", { timeout: 20 });
      const info = await closed;
      expect(info).to.deep.include({
        code: 1006,
        reason: "",
        wasClean: false,
        sent: { code: 1000, reason: "" },
      });
      expect(info.error)
        .to.be.an.instanceOf(TimeoutError)
        .and.to.include({ phase: "close", ms: 20, url: PUBLIC });
      socket.message("late");
      socket.fail();
      socket.end({ code: 1000 });
      await rejection(ws.recv(), ClosedError);
      expect(await ws.closed).to.equal(info);
    });

    it("never by the clock where there is to be none", async () => {
      const { ws, socket } = await pair({ closeTimeout: Number.POSITIVE_INFINITY });
      const closed = ws.close();
      socket.end();
      expect(await closed).to.include({ code: 1000, wasClean: true });
    });

    it("still delivers what a browser gives it meanwhile", async () => {
      const { ws, socket } = await pair();
      void ws.close();
      socket.message("late");
      socket.end();
      expect(await ws.recv()).to.equal("late");
      await ws.closed;
    });
  });

  const ends: [title: string, event: object, expected: object, error: boolean][] = [
    ["code 0", { code: 0, wasClean: false }, { code: 1006, wasClean: false }, true],
    ["code 0 that claims to be clean", { code: 0 }, { code: 1006, wasClean: false }, true],
    ["1006", { code: 1006, wasClean: false }, { code: 1006, wasClean: false }, true],
    [
      "a Close frame that was not answered",
      { code: 4000, reason: "x", wasClean: false },
      { code: 1006, reason: "", wasClean: false, received: { code: 4000, reason: "x" } },
      true,
    ],
    ["1005", { code: 1005 }, { code: 1005, wasClean: true, received: { code: 1005, reason: "" } }, false],
    ["1011", { code: 1011 }, { code: 1011, wasClean: true }, false],
  ];
  for (const [title, event, expected, hasError] of ends) {
    it(`normalises an end with ${title}`, async () => {
      const { ws, socket } = await pair();
      socket.end(event);
      const info = await ws.closed;
      expect(info).to.deep.include(expected);
      if (hasError) expect(info.error).to.be.an.instanceOf(TransportError).and.to.include({ url: PUBLIC });
      else expect(info.error).to.equal(undefined);
    });
  }

  it("ends after an error that no close event follows", async () => {
    const { ws, socket } = await pair();
    socket.fail();
    const info = await ws.closed;
    expect(info).to.include({ code: 1006, wasClean: false });
    expect(info.error).to.include({ code: "ERR_WS_TRANSPORT" });
  });

  it("ends at once when it is terminated, and tells nothing more", async () => {
    const { ws, socket } = await pair();
    ws.terminate();
    expect(socket.calls).to.deep.equal(["close"]);
    const info = await ws.closed;
    expect(info).to.include({ code: 1006, wasClean: false }).and.not.to.have.property("error");
    socket.message("late");
    socket.end();
    ws.terminate();
    expect(await ws.closed).to.equal(info);
    expect(socket.calls).to.have.length(1);
  });

  it("ends when the signal is aborted", async () => {
    const controller = new AbortController();
    const { ws } = await pair({ signal: controller.signal });
    controller.abort("enough");
    expect((await ws.closed).error).to.include({ code: "ERR_WS_ABORTED", cause: "enough" });
  });

  it("ends when the signal is aborted at any moment from its opening on", async () => {
    for (let turns = 0; turns < 20; turns++) {
      const { made, createConnection } = browser();
      const controller = new AbortController();
      const ended = createConnection(URL_, { signal: controller.signal })
        .then((ws) => ws.closed)
        .then(
          ({ error }) => error?.cause,
          (reason) => reason,
        );
      const socket = await made.next();
      socket.open();
      for (let turn = 0; turn < turns; turn++) await undefined;
      controller.abort("enough");
      expect(await ended, `${turns} turns after`).to.equal("enough");
      expect(socket.calls).to.deep.equal(["close"]);
    }
  });

  it("lets go of the signal when it ends", async () => {
    const { signal } = new AbortController();
    const { ws, socket } = await pair({ signal });
    expect(getEventListeners(signal, "abort")).to.have.length(1);
    socket.end();
    await ws.closed;
    expect(getEventListeners(signal, "abort")).to.have.length(0);
  });

  it("that is destroyed before anybody listens delivers nothing of what it kept", async () => {
    const socket = new FakeNative(URL_, []);
    const request = { url: URL_, publicUrl: PUBLIC, secure: false, protocols: [] };
    const times = { timeout: Number.POSITIVE_INFINITY, closeTimeout: 1000 };
    const options = {
      ...times,
      publicUrl: PUBLIC,
      request: () => request,
      signal: undefined,
      maxMessageSize: 9,
    };
    const opening = openNative(() => socket)(options);
    while (socket.onopen === null) await undefined;
    socket.open();
    const session = await opening;
    socket.message("kept");
    session.destroy();
    const told = new Queue<string>();
    const tell = (what: string) => () => told.push(what);
    session.start({
      ...{ message: tell("message"), piece: tell("piece"), drain: tell("drain") },
      ...{ pinged: tell("pinged"), ponged: tell("ponged"), ended: tell("ended") },
    });
    expect(await told.next()).to.equal("ended");
  });

  it("refuses a message beyond maxMessageSize, counted in UTF-8", async () => {
    for (const [fits, tooBig, actual] of [
      ["\u20ac\u20ac", "\u20ac\u20aca", 7],
      [new Uint8Array(6).buffer, new Uint8Array(7).buffer, 7],
    ] as const) {
      const { ws, socket } = await pair({ maxMessageSize: 6 });
      socket.message(fits);
      socket.message(tooBig);
      socket.message("never seen");
      expect(await ws.recv()).to.have.length(typeof fits === "string" ? 2 : 6);
      const { error, ...info } = await ws.closed;
      expect(info).to.deep.equal({
        code: 1006,
        reason: "",
        wasClean: false,
        sent: { code: 1005, reason: "" },
      });
      expect(error).to.be.an.instanceOf(LimitError).and.to.include({ limit: "maxMessageSize", actual });
      expect(socket.calls).to.deep.equal(["close"]);
      await rejection(ws.recv(), ClosedError);
    }
  });

  it("refuses to send what is not to be compressed, which is the browser's choice", async () => {
    const { ws, socket } = await pair();
    await ws.send("hi", { compress: true });
    await ws.send("hi", {});
    for (const sent of [
      ws.send("hi", { compress: false }),
      ws.send(Uint8Array.of(1), { compress: false }),
      ws.sendStream(["hi"], { compress: false }),
    ]) {
      expect((await rejection(sent, UsageError)).code).to.equal("ERR_WS_UNSUPPORTED");
    }
    expect(socket.calls).to.deep.equal(['send "hi"', 'send "hi"']);
    socket.end();
    await ws.closed;
  });

  it("names what a browser cannot do", async () => {
    const { ws, socket } = await pair();
    expect((await rejection(ws.ping(), UsageError)).message).to.include("ping()");
    for (const act of [() => ws.pong(), () => ws.ref(), () => ws.unref()]) {
      const error = thrown(act, UsageError);
      expect(error.code).to.equal("ERR_WS_UNSUPPORTED");
      expect(error.message).to.match(/^(pong|ref|unref)\(\)/);
    }
    socket.end();
    await ws.closed;
  });
});

describe("an app in a browser", () => {
  cleanUp();

  /** An app that writes down what it is told, and the browser's end of its connection once that is open. */
  async function running(act: (app: App, what: string) => void = () => {}) {
    const { made, WebSocketApp } = browser();
    const log: string[] = [];
    const tell = (app: App, what: string) => {
      log.push(what);
      act(app, what);
    };
    const app = new WebSocketApp(URL_, {
      onOpen: (app) => tell(app, "open"),
      onData: (app, data) => tell(app, `data ${data}`),
      onMessage: (app, message) => tell(app, `message ${message}`),
      onError: (app, error) => tell(app, `error ${"code" in error ? error.code : error}`),
      onClose: (app, code) => tell(app, `close ${code}`),
    });
    const run = app.runForever();
    const socket = await made.next();
    return { app, run, socket, log };
  }

  it("is told everything in order, and the end once", async () => {
    const { run, socket, log } = await running();
    socket.open();
    await nextTurn();
    socket.message("hello");
    socket.fail();
    socket.end({ code: 1006, wasClean: false });
    expect(await run).to.include({ code: 1006 });
    expect(log).to.deep.equal([
      "open",
      "data hello",
      "message hello",
      "error ERR_WS_TRANSPORT",
      "close 1006",
    ]);
  });

  it("is told of a failed attempt", async () => {
    const { run, socket, log } = await running();
    socket.fail();
    await run;
    expect(log).to.deep.equal(["error ERR_WS_CONNECT", "close 1006"]);
  });

  it("is told the end last of all, though a callback brings it about", async () => {
    const { run, socket, log } = await running((app, what) => {
      if (what.startsWith("data")) app.terminate();
    });
    socket.open();
    await nextTurn();
    socket.message("hello");
    socket.message("never seen");
    await run;
    expect(log).to.deep.equal(["open", "data hello", "message hello", "close 1006"]);
  });

  it("can be run again", async () => {
    const { made, WebSocketApp } = browser();
    const app = new WebSocketApp(URL_);
    for (const code of [1000, 4000]) {
      const run = app.runForever();
      const socket = await made.next();
      socket.open();
      await nextTurn();
      socket.end({ code });
      expect((await run).code).to.equal(code);
    }
  });

  it("has no callbacks for frames, whenever they are set", async () => {
    const { made, WebSocketApp } = browser();
    for (const name of ["onPing", "onPong", "onContMessage"] as const) {
      const error = thrown(() => new WebSocketApp(URL_, { [name]: () => {} }), UsageError);
      expect(error.code).to.equal("ERR_WS_UNSUPPORTED");
      expect(error.message).to.include(name);
      const app = new WebSocketApp(URL_);
      app[name] = () => {};
      expect((await rejection(app.runForever(), UsageError)).message).to.include(name);
    }
    expect(made.waiting).to.equal(0);

    const { app, run, socket } = await running();
    socket.open();
    await nextTurn();
    thrown(() => {
      app.onContMessage = () => {};
    }, UsageError);
    app.terminate();
    await run;
  });
});

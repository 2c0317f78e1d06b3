// A session on real sockets: every way in which the two sides end it, loss in between, and peers that do not read or that
// flood. What sockets seldom do is done by a transport of our own.

import { once } from "node:events";
import { expect } from "chai";
import { SlabPool } from "../../lib/bytes/staging.ts";
import { resolveSockets } from "../../lib/client/socket-options.ts";
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, type CloseInfo, TransportError, WebSocketError } from "../../lib/errors.ts";
import { HIGH_WATER, type SessionSink } from "../../lib/session/session.ts";
import { type Opened, WireSession } from "../../lib/session/wire.ts";
import { Turn } from "../../lib/transport/turn.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { FakeTransport } from "../support/fake-transport.ts";
import { closeFrame, frame, pair, type ServerEnd } from "../support/raw-server.ts";
import { platform } from "../support/runtime.ts";

const MIB = 1024 * 1024;

/** The end of what the client sends. */
async function ended({ socket }: ServerEnd): Promise<void> {
  if (!socket.readableEnded) await once(socket, "end");
}

/** What `measure` says once it stays the same: everything has happened that happens of itself. */
async function settled(measure: () => number): Promise<number> {
  let value = measure();
  for (let same = 0; same < 50; same++) {
    await nextTurn();
    if (measure() === value) continue;
    value = measure();
    same = 0;
  }
  return value;
}

describe("WireSession", () => {
  const use = cleanUp();

  describe("ends cleanly", () => {
    it("when the server closes: its code is echoed, and TCP is left to it", async () => {
      const { ws, server } = await pair(use);
      server.socket.write(closeFrame(4000, "bye"));
      const { opcode, payload } = await server.frames.next();
      expect([opcode, payload]).to.deep.equal([CLOSE, closeFrame(4000, "bye").subarray(2)]);
      expect(server.socket.readableEnded).to.equal(false);
      server.socket.end();
      expect(await ws.closed).to.deep.include({ code: 4000, reason: "bye", wasClean: true });
    });

    it("when the server's Close frame has no code", async () => {
      const { ws, server } = await pair(use);
      server.close(1005);
      expect((await server.frames.next()).payload).to.have.length(0);
      expect(await ws.closed).to.deep.include({
        code: 1005,
        wasClean: true,
        received: { code: 1005, reason: "" },
      });
    });

    it("when both sides close at once: one Close frame each, and the server's code counts", async () => {
      const { ws, server } = await pair(use);
      server.socket.write(closeFrame(4001));
      void ws.close(4000);
      expect((await server.frames.next()).payload.readUInt16BE()).to.equal(4000);
      server.socket.end();
      expect(await ws.closed).to.deep.include({
        code: 4001,
        wasClean: true,
        sent: { code: 4000, reason: "" },
        received: { code: 4001, reason: "" },
      });
      await rejection(server.frames.next(), Error);
    });

    it("when the server ends TCP right behind its Close frame", async () => {
      const { ws, server } = await pair(use);
      server.close(1001);
      expect(await ws.closed).to.include({ code: 1001, wasClean: true });
    });

    it("when the server resets TCP once both Close frames are through", async () => {
      const { ws, server } = await pair(use);
      void ws.close();
      await server.frames.next();
      server.socket.write(closeFrame(), () => server.socket.resetAndDestroy());
      const info = await ws.closed;
      expect(info).to.include({ code: 1000, wasClean: true }).and.not.to.have.property("error");
    });

    it("when the server never ends TCP: it is dropped, soon", async () => {
      const { ws, server } = await pair(use, { closeTimeout: 50 });
      void ws.close();
      await server.frames.next();
      server.socket.write(closeFrame());
      const gone = once(server.socket, "close");
      expect(await ws.closed)
        .to.include({ code: 1000, wasClean: true })
        .and.not.to.have.property("error");
      await gone;
    });

    it("when the server goes on sending behind its Close frame", async () => {
      const { ws, server } = await pair(use, { maxQueue: 1 });
      server.socket.write(Buffer.concat([frame(TEXT, "before"), closeFrame(), frame(TEXT, "after")]));
      for (let i = 0; i < 100; i++) server.send(BINARY, new Uint8Array(100_000));
      server.socket.end();
      expect(await ws.recv()).to.equal("before");
      expect((await rejection(ws.recv(), ClosedError)).info).to.include({ code: 1000, wasClean: true });
    });

    it("when the server went before our last message left", async () => {
      const { ws, server } = await pair(use);
      server.socket.end(closeFrame(4001));
      server.socket.destroy();
      void ws.send("too late");
      expect(await ws.closed).to.include({ code: 4001, wasClean: true });
    });
  });

  it("hears the server's Close frame even if it cannot write any more", async () => {
    const { ws, server } = await pair(use, {}, { isDeaf: true });
    await ws.send("never read, so that the server resets TCP when it goes");
    await nextTurn();
    server.socket.write(closeFrame(4001));
    server.socket.destroy();
    void ws.send("too late");
    expect(await ws.closed).to.include({ code: 4001, wasClean: true });
  });

  describe("tells of a loss", () => {
    const losses: [title: string, lose: (server: ServerEnd) => void][] = [
      ["a reset", ({ socket }) => socket.resetAndDestroy()],
      [
        "a reset within a frame",
        ({ socket }) => socket.write(frame(TEXT, "cut off").subarray(0, 5), () => socket.resetAndDestroy()),
      ],
      ["an end without a Close frame", ({ socket }) => socket.end()],
      ["an end within a frame", ({ socket }) => socket.end(frame(TEXT, "cut off").subarray(0, 5))],
      ["an end within a message", ({ socket }) => socket.end(frame(TEXT, "cut off", false))],
      ["an end within a Close frame", ({ socket }) => socket.end(closeFrame(1000, "bye").subarray(0, 4))],
    ];
    for (const [title, lose] of losses) {
      it(`${title}: whole messages are kept, parts are dropped`, async () => {
        const { ws, server } = await pair(use);
        server.send(TEXT, "whole");
        expect(await ws.recv()).to.equal("whole");
        server.send(TEXT, "kept");
        server.send(PING, "kept is read");
        await server.frames.next();
        lose(server);
        const info = await ws.closed;
        expect(info).to.include({ code: 1006, reason: "", wasClean: false });
        expect(info.error)
          .to.be.an.instanceOf(TransportError)
          .and.to.include({ code: "ERR_WS_TRANSPORT", url: ws.url });
        expect(await ws.recv()).to.equal("kept");
        const error = await rejection(ws.recv(), ClosedError);
        expect(error.info).to.equal(info);
        expect(error.cause).to.equal(info.error);
      });
    }

    it("to sends that wait, to pings and to who receives", async () => {
      const { ws, server } = await pair(use, {}, { isDeaf: true });
      const waiting: Promise<unknown>[] = [ws.recv(), ws.ping(), ws.recvStream()];
      while (ws.bufferedAmount < HIGH_WATER) waiting.push(ws.send(new Uint8Array(MIB)));
      server.socket.resetAndDestroy();
      const last = waiting.at(-1) ?? Promise.resolve();
      for (const promise of [...waiting.slice(0, 3), last]) await rejection(promise, ClosedError);
    });

    it("while our Close frame is not answered", async () => {
      const { ws, server } = await pair(use);
      void ws.close(4000);
      await server.frames.next();
      server.socket.end();
      const info = await ws.closed;
      expect(info).to.deep.include({ code: 1006, wasClean: false, sent: { code: 4000, reason: "" } });
    });
  });

  it("ends its own side when the server ends its own", async () => {
    const { ws, server } = await pair(use);
    void ws.send("last words");
    server.socket.end();
    expect(await server.text()).to.equal("last words");
    await ended(server);
    await ws.closed;
  });

  it("answers a fault with a Close frame and its end, and waits for nothing", async () => {
    const { ws, server } = await pair(use, { closeTimeout: 50 });
    server.socket.write(Buffer.of(0x83, 0));
    const { opcode, payload } = await server.frames.next();
    expect([opcode, payload.readUInt16BE()]).to.deep.equal([CLOSE, 1002]);
    await ended(server);
    const info = await ws.closed;
    expect(info).to.deep.include({ code: 1006, wasClean: false, sent: { code: 1002, reason: "" } });
    expect(info.error).to.include({ code: "ERR_WS_PROTOCOL", closeCode: 1002, url: ws.url });
  });

  describe("is dropped", () => {
    it("by terminate(): no Close frame, and no error", async () => {
      const { ws, server } = await pair(use);
      server.send(TEXT, "kept");
      await ws.recv();
      ws.terminate();
      ws.terminate();
      expect(await ws.closed).to.deep.equal({ code: 1006, reason: "", wasClean: false });
      await rejection(server.frames.next(), Error);
    });

    it("by terminate() although the server does not read", async () => {
      const { ws } = await pair(use, {}, { isDeaf: true });
      for (let i = 0; i < 20; i++) void ws.send(new Uint8Array(MIB));
      ws.terminate();
      expect(await ws.closed).to.include({ code: 1006 });
    });

    it("by its signal, also once it is open", async () => {
      const controller = new AbortController();
      const { ws, server } = await pair(use, { signal: controller.signal });
      const receiving = ws.recv();
      const reason = new RangeError("enough");
      controller.abort(reason);
      const info = await ws.closed;
      expect(info).to.include({ code: 1006, wasClean: false });
      expect(info.error)
        .to.be.an.instanceOf(WebSocketError)
        .and.to.include({ code: "ERR_WS_ABORTED", cause: reason });
      await rejection(receiving, ClosedError);
      await rejection(server.frames.next(), Error);
    });

    it("and keeps no hold on its signal afterwards", async () => {
      const controller = new AbortController();
      const { ws, server } = await pair(use, { signal: controller.signal });
      server.close();
      const info = await ws.closed;
      controller.abort();
      expect(await ws.closed)
        .to.equal(info)
        .and.to.include({ code: 1000, wasClean: true });
    });
  });

  describe("with a server that does not read", () => {
    it("answers the latest of a flood of pings, and holds no more than it should", async () => {
      const { ws, server } = await pair(use, {}, { isDeaf: true });
      const pings = Array.from({ length: 200_000 }, (_, i) => frame(PING, `${i}`.padStart(125, "0")));
      let most = 0;
      for (let at = 0; at < pings.length; at += 1000) {
        const isTaken = server.socket.write(Buffer.concat(pings.slice(at, at + 1000)));
        if (!isTaken) await once(server.socket, "drain");
        most = Math.max(most, ws.bufferedAmount);
      }
      server.send(TEXT, "after the flood");
      expect(await ws.recv()).to.equal("after the flood");
      most = Math.max(most, ws.bufferedAmount);
      expect(most, "the flood was enough").to.be.above(HIGH_WATER);
      expect(most).to.be.below(2 * HIGH_WATER);

      const pong = Buffer.from(`${pings.length - 1}`.padStart(125, "0"));
      let end = Buffer.alloc(0);
      const answered = new Promise<void>((resolve) => {
        server.socket.on("data", (chunk) => {
          end = Buffer.concat([end, chunk]).subarray(-131);
          if (unmasked(end).equals(pong)) resolve();
        });
      });
      server.socket.resume();
      await answered;
    });

    it("answers a slow flood of small pings no more either", async () => {
      const { ws, server } = await pair(use, {}, { isDeaf: true });
      const pings = Buffer.concat(Array(2000).fill(frame(PING)));
      for (let i = 0; i < 1500; i++) {
        if (!server.socket.write(pings)) await once(server.socket, "drain");
        await nextTurn();
      }
      server.send(TEXT, "after the flood");
      expect(await ws.recv()).to.equal("after the flood");
      expect(ws.bufferedAmount).to.be.below(2 * HIGH_WATER);
    });
  });

  it("makes the server wait when nobody receives", async () => {
    const { ws, server } = await pair(use);
    const message = frame(BINARY, new Uint8Array(MIB));
    for (let i = 0; i < 64; i++) server.socket.write(message);
    expect(await settled(() => server.socket.writableLength)).to.be.above(32 * MIB);
    for (let i = 0; i < 64; i++) expect(await ws.recv()).to.have.length(MIB);
    expect(server.socket.writableLength).to.equal(0);
  });

  describe("writes once", () => {
    it("for all that is sent in a tick", async () => {
      const { ws, server } = await pair(use);
      const chunk = once(server.socket, "data") as Promise<[Buffer]>;
      void ws.send("one");
      void ws.send(Uint8Array.of(1));
      void ws.ping("x");
      void ws.sendStream(["a"]);
      await ws.send("last");
      void ws.close();
      const length = (await chunk)[0].length;
      const frames = await server.frames.take(7);
      expect(frames.map(({ opcode }) => opcode)).to.deep.equal([
        TEXT,
        BINARY,
        PING,
        TEXT,
        CONTINUATION,
        TEXT,
        CLOSE,
      ]);
      expect(length).to.equal(frames.reduce((sum, { payload }) => sum + 6 + payload.length, 0));
    });

    it("for the answers to all messages of a chunk", async () => {
      const { ws, server } = await pair(use);
      const chunk = once(server.socket, "data") as Promise<[Buffer]>;
      server.socket.write(Buffer.concat(["a", "b", "c"].map((text) => frame(TEXT, text))));
      for (let i = 0; i < 3; i++) await ws.send(await ws.recv());
      expect((await chunk)[0]).to.have.length(3 * 7);
    });
  });

  describe("on a transport of our own", () => {
    const opened: Opened = {
      role: "client",
      url: "ws://host/",
      publicUrl: "ws://host/",
      secure: false,
      protocol: "",
      extensions: "",
      response: { status: 101, statusText: "", rawHeaders: [] },
    };

    /** The clock, in ms. */
    let now = 0;
    const pass = (ms: number) => {
      now += ms;
    };

    /** A session that has not begun to deliver, and what its sink is told. */
    function session(more: Partial<Opened> = {}): {
      session: WireSession;
      transport: FakeTransport;
      sink: SessionSink;
      log: string[];
    } {
      const transport = new FakeTransport();
      const log: string[] = [];
      const sink: SessionSink = {
        message: (data) => log.push(`message ${data}`),
        piece: (data) => log.push(`piece ${data}`),
        pinged: () => log.push("pinged"),
        ponged: () => log.push("ponged"),
        drain: () => log.push("drain"),
        ended: (info: CloseInfo) => log.push(`ended ${info.code} ${info.error?.code}`),
      };
      const own = { ...platform, slabs: new SlabPool(), mask: () => 0, turn: new Turn(() => now) };
      const options = resolveSockets("ws://host/");
      const session = new WireSession(own, transport, { ...opened, ...more }, options, undefined);
      transport.attach(session);
      return { session, transport, sink, log };
    }

    /** How many frames of one byte each write had. */
    const framesOf = ({ calls }: FakeTransport) =>
      calls.filter((call) => call.startsWith("write ")).map((call) => (call.length - "write ".length) / 14);

    it("delivers nothing until start(), then all in order", () => {
      const { session: one, transport, sink, log } = session();
      transport.sink.data(frame(TEXT, "first"));
      transport.sink.data(Buffer.concat([frame(TEXT, "second"), closeFrame()]));
      expect(log).to.deep.equal([]);
      one.start(sink);
      expect(log).to.deep.equal(["message first", "message second"]);
      transport.sink.closed();
      expect(log.at(-1)).to.equal("ended 1000 undefined");
    });

    it("tells an end that came before start()", () => {
      const { session: one, transport, sink, log } = session();
      transport.sink.data(frame(TEXT, "first"));
      transport.sink.closed(new TransportError("ERR_WS_TRANSPORT", "reset"));
      expect(log).to.deep.equal([]);
      one.start(sink);
      expect(log).to.deep.equal(["message first", "ended 1006 ERR_WS_TRANSPORT"]);
    });

    it("writes what its sink answers as soon as it was told all of a chunk, and the first of many before", () => {
      const { session: one, transport, sink } = session();
      one.start({ ...sink, message: (data) => one.send(data) });
      const chunk = (count: number) => Buffer.concat(Array.from({ length: count }, () => frame(TEXT, "a")));
      transport.sink.data(chunk(3));
      expect(framesOf(transport)).to.deep.equal([3]);
      transport.sink.data(chunk(200));
      expect(framesOf(transport)).to.deep.equal([3, 64, 64, 72]);
    });

    it("writes the first of many answers early where they come later in the tick, and nothing that is not taken for one", async () => {
      const { session: one, transport, sink } = session();
      const send = () => {
        for (let i = 0; i < 100; i++) one.send("a");
      };
      one.start({ ...sink, message: () => void Promise.resolve().then(send) });
      transport.sink.data(frame(TEXT, "a"));
      expect(framesOf(transport)).to.deep.equal([]);
      await nextTurn();
      expect(framesOf(transport)).to.deep.equal([64, 36]);
      send();
      await nextTurn();
      expect(framesOf(transport)).to.deep.equal([64, 36, 100]);
    });

    it("counts the bytes that are sent, written or staged, whatever becomes of them", async () => {
      const { session: one, transport, sink } = session();
      one.start(sink);
      expect(one.sentBytes).to.equal(0);
      one.send("1234");
      expect(one.sentBytes).to.equal(10);
      one.ping(new Uint8Array(2));
      await nextTurn();
      expect([one.sentBytes, one.bufferedBytes]).to.deep.equal([18, 0]);
      transport.bufferedBytes = 8;
      one.send(new Uint8Array(100_000));
      expect(one.sentBytes).to.equal(18 + 100_014);
      expect(one.bufferedBytes).to.be.at.least(8);
      expect(one.sentBytes - one.bufferedBytes).to.be.below(100_032);
    });

    it("leaves the loop to others once what came has kept it for 4 ms on end", async () => {
      const { session: one, transport, sink, log } = session();
      let taken = 1.5;
      one.start({ ...sink, message: () => pass(taken) });
      const tell = () => transport.sink.data(frame(TEXT, "a"));
      tell();
      tell();
      pass(0.6); // no longer on end
      tell();
      tell();
      expect(transport.calls).to.deep.equal(["resume"]);
      tell();
      expect(transport.calls).to.deep.equal(["resume", "pause"]);
      while (transport.calls.length < 3) await nextTurn();
      expect(transport.calls).to.deep.equal(["resume", "pause", "resume"]);
      expect(log).to.deep.equal(["drain"]);
      taken = 4;
      tell();
      expect(transport.calls.at(-1)).to.equal("pause");
    });

    it("reads no sooner for that than its owner wants", async () => {
      const { session: one, transport, sink, log } = session();
      one.start({ ...sink, message: () => pass(5) });
      transport.sink.data(frame(TEXT, "long"));
      one.pause();
      while (!log.includes("drain")) await nextTurn();
      expect(transport.calls.filter((call) => call !== "pause")).to.deep.equal(["resume"]);
      one.resume();
      expect(transport.calls.at(-1)).to.equal("resume");
    });

    it("tells of signs of life: bytes that come, whole frames or not, and that some of those that waited could leave", () => {
      const { session: one, transport, sink } = session();
      const wait = (bytes: number) => {
        transport.bufferedBytes = bytes;
      };
      const acts: [act: () => void, isSign: boolean][] = [
        [() => transport.sink.data(Buffer.of(0x81)), true],
        [() => one.start(sink), false],
        [() => transport.sink.data(Buffer.of(0)), true],
        [() => one.pause(), false],
        [() => transport.sink.drain(), false], // nothing had waited for long
        [() => wait(8), false],
        [() => wait(8), false],
        [() => wait(3), true],
        [() => wait(9), false],
        [() => wait(0), true],
        [() => wait(0), false],
        [() => one.send("a"), false],
      ];
      let seen = one.activity;
      for (const [index, [act, isSign]] of acts.entries()) {
        act();
        expect(one.activity !== seen, `${index}`).to.equal(isSign);
        seen = one.activity;
      }
      expect(one.heard, "what leaves may lie in the kernel of a peer that reads nothing").to.equal(2);
    });

    it("tells whether it is read", () => {
      const { session: one, transport, sink } = session();
      const seen = [one.isPaused];
      one.start({ ...sink, message: () => one.pause() });
      seen.push(one.isPaused);
      transport.sink.data(frame(TEXT));
      seen.push(one.isPaused);
      one.resume();
      expect([...seen, one.isPaused]).to.deep.equal([true, false, true, false]);
    });

    it("is closing once it is dropped: nothing that is sent then would leave", () => {
      const { session: one, transport, sink } = session();
      one.start(sink);
      one.destroy();
      expect(one.state).to.equal("closing");
      transport.sink.closed();
      expect(one.state).to.equal("closed");
    });

    it("stops and goes on at once, in the middle of a chunk", () => {
      const { session: one, transport, sink, log } = session();
      one.start({
        ...sink,
        message: (data) => {
          log.push(`message ${data}`);
          one.pause();
        },
      });
      transport.sink.data(Buffer.concat([frame(TEXT, "1"), frame(TEXT, "2"), frame(TEXT, "3")]));
      expect(log).to.deep.equal(["message 1"]);
      expect(transport.calls).to.deep.equal(["resume", "pause"]);
      one.resume();
      expect(log).to.deep.equal(["message 1", "message 2"]);
      expect(transport.calls).to.deep.equal(["resume", "pause", "pause"]);
    });

    it("delivers nothing after destroy() but the end", () => {
      const { session: one, transport, sink, log } = session();
      one.start({
        ...sink,
        message: (data) => {
          log.push(`message ${data}`);
          one.destroy();
        },
      });
      transport.sink.data(Buffer.concat([frame(TEXT, "1"), frame(TEXT, "2")]));
      transport.sink.data(frame(TEXT, "3"));
      transport.sink.closed();
      transport.sink.closed();
      expect(log).to.deep.equal(["message 1", "ended 1006 undefined"]);
    });

    it("answers one ping of those that come while the peer does not read", async () => {
      const { session: one, transport, sink } = session();
      one.start(sink);
      transport.bufferedBytes = HIGH_WATER + 1;
      one.send("congested from here on");
      await nextTurn();
      transport.calls.length = 0;
      for (const text of ["1", "2", "3"]) transport.sink.data(frame(PING, text));
      await nextTurn();
      expect(transport.calls).to.deep.equal([]);
      transport.bufferedBytes = 0;
      transport.sink.drain();
      await nextTurn();
      expect(transport.calls).to.deep.equal([`write ${(0x80 | PONG).toString(16)}810000000033`]);
    });
  });
});

/** The payload of a masked frame of 125 bytes. */
function unmasked(frame: Buffer): Buffer {
  const key = frame.subarray(2, 6);
  return Buffer.from(frame.subarray(6).map((byte, i) => byte ^ (key[i % 4] ?? 0)));
}

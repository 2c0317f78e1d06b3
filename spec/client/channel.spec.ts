// Sending: what can be sent and what cannot, order, streams and Blobs, back-pressure, and pings that come back.

import { expect } from "chai";
import type { StreamSource } from "../../lib/client/outgoing-stream.ts";
import { CLOSE, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, LimitError, TimeoutError, UsageError } from "../../lib/errors.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { toHex } from "../support/hex.ts";
import { type Pair, pair } from "../support/raw-server.ts";

const MIB = 1024 * 1024;

/** A source that gives `items`, then waits for ever; whether it was told to stop. */
function endless(...items: string[]): { source: AsyncIterable<string>; stopped: () => boolean } {
  let isStopped = false;
  const source: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const value = items.shift();
        return value === undefined ? new Promise(() => {}) : Promise.resolve({ done: false, value });
      },
      return: async () => {
        isStopped = true;
        return { done: true, value: undefined };
      },
    }),
  };
  return { source, stopped: () => isStopped };
}

/** Sends to a server that does not read until a send has to wait; that send. */
function congest({ ws }: Pair): Promise<void> {
  for (;;) {
    const sent = ws.send(new Uint8Array(MIB));
    if (ws.bufferedAmount >= HIGH_WATER) return sent;
  }
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => false,
    () => false,
  );
  return Promise.race([settled, nextTurn().then(() => true)]);
}

describe("Channel", () => {
  const use = cleanUp();

  describe("send", () => {
    it("has copied the bytes when it returns", async () => {
      const { ws, server } = await pair(use);
      for (const length of [1, 1000, 20_000, 200_000]) {
        const bytes = new Uint8Array(length).fill(7);
        const sent = ws.send(bytes);
        bytes.fill(9);
        await sent;
        expect((await server.frames.next()).payload.equals(Buffer.alloc(length, 7)), `${length}`).to.equal(
          true,
        );
      }
    });

    it("has copied the bytes also where they wait behind a Blob", async () => {
      const { ws, server } = await pair(use);
      const bytes = Uint8Array.of(7);
      void ws.send(new Blob(["first"]));
      void ws.send(bytes);
      bytes[0] = 9;
      expect(await server.text()).to.equal("first");
      expect((await server.frames.next()).payload).to.deep.equal(Buffer.of(7));
    });

    it("keeps the order of texts, bytes, Blobs and streams", async () => {
      const { ws, server } = await pair(use);
      const sent = [
        ws.send("1"),
        ws.send(new Blob(["2"])),
        ws.send(Buffer.from("3")),
        ws.sendStream(["4"]),
        ws.send("5"),
        ws.send(new Blob(["6"])),
      ];
      await Promise.all(sent);
      await ws.send("7");
      const texts = (await server.frames.take(8)).map(({ payload }) => payload.toString());
      expect(texts.join("")).to.equal("1234567");
    });

    it("keeps the order for who sends when the first of two that take their time is through", async () => {
      const { ws, server } = await pair(use);
      let go = () => {};
      const waiting = new Promise<void>((resolve) => {
        go = resolve;
      });
      const first = ws.send(new Blob(["1"]));
      const second = ws.sendStream(
        (async function* () {
          yield "2";
          await waiting;
          yield "3";
        })(),
      );
      await first;
      expect((await server.frames.take(2)).map(({ payload }) => `${payload}`)).to.deep.equal(["1", "2"]);
      const third = ws.send("4");
      go();
      await Promise.all([second, third]);
      const texts = (await server.frames.take(3)).map(({ payload }) => `${payload}`);
      expect(texts).to.deep.equal(["3", "", "4"]);
    });

    it("counts what waits behind a Blob", async () => {
      const { ws, server } = await pair(use);
      void ws.send(new Blob(["first"]));
      void ws.send(new Uint8Array(1000));
      expect(ws.bufferedAmount).to.equal(1000);
      await server.frames.take(2);
      await ws.send("last");
      await server.frames.next();
      expect(ws.bufferedAmount).to.equal(0);
    });

    it("waits for room behind a Blob, too", async () => {
      const pair_ = await pair(use);
      const { ws, server } = pair_;
      server.socket.pause();
      const sent = ws.send(new Blob([new Uint8Array(16 * MIB)]));
      while (ws.bufferedAmount < HIGH_WATER) await nextTurn();
      expect(await isPending(sent)).to.equal(true);
      server.socket.resume();
      await sent;
      expect(ws.bufferedAmount).to.be.below(HIGH_WATER);
    });

    it("gives one promise to all who need not wait, also once nothing is under way that takes its time", async () => {
      const { ws } = await pair(use);
      expect(ws.send("a")).to.equal(ws.send("b"));
      await ws.send(new Blob(["c"]));
      await nextTurn();
      expect(ws.send("d")).to.equal(ws.send("e"));
    });
  });

  describe("back-pressure", () => {
    it("keeps a send pending while the server does not read", async () => {
      const { ws, server } = await pair(use, {}, { isDeaf: true });
      const sent = congest({ ws, server });
      expect(await isPending(sent)).to.equal(true);
      expect(ws.bufferedAmount).to.be.at.least(HIGH_WATER);
      server.socket.resume();
      await sent;
      expect(ws.bufferedAmount).to.be.below(HIGH_WATER);
    });

    it("rejects a pending send when the connection is gone", async () => {
      const { ws, server } = await pair(use, {}, { isDeaf: true });
      const sent = congest({ ws, server });
      ws.terminate();
      expect((await rejection(sent, ClosedError)).info).to.include({ code: 1006 });
    });

    it("refuses more than maxBufferedAmount, and takes it again later", async () => {
      const { ws, server } = await pair(use, { maxBufferedAmount: 4 * MIB }, { isDeaf: true });
      const sent = congest({ ws, server });
      while (ws.bufferedAmount <= 4 * MIB) void ws.send(new Uint8Array(MIB));
      const error = await rejection(ws.send("one more"), LimitError);
      expect(error).to.include({
        code: "ERR_WS_BACKPRESSURE",
        limit: "maxBufferedAmount",
        closeCode: undefined,
      });
      expect(error.actual).to.be.above(4 * MIB);
      expect(ws.state).to.equal("open");
      server.socket.resume();
      await sent;
      await ws.send("now there is room");
    });

    it("refuses more than a maxBufferedAmount that is small", async () => {
      const { ws } = await pair(use, { maxBufferedAmount: 1000 });
      void ws.send(new Uint8Array(2000));
      expect(ws.bufferedAmount).to.be.above(1000);
      await rejection(ws.send("one more"), LimitError);
    });

    it("refuses more than maxBufferedAmount behind a Blob", async () => {
      const { ws } = await pair(use, { maxBufferedAmount: 1000 });
      void ws.send(new Blob(["first"]));
      void ws.send(new Uint8Array(1001));
      await rejection(ws.send("one more"), LimitError);
    });
  });

  describe("sendStream", () => {
    it("copies each item when it takes it", async () => {
      const { ws, server } = await pair(use);
      const bytes = new Uint8Array(1);
      await ws.sendStream(
        (function* () {
          for (bytes[0] = 1; bytes[0] < 4; bytes[0]++) yield bytes;
        })(),
      );
      const frames = await server.frames.take(4);
      expect(frames.map(({ payload }) => toHex(payload))).to.deep.equal(["01", "02", "03", ""]);
    });

    const failing: [title: string, items: unknown[], options: { binary?: boolean }][] = [
      ["text, then bytes", ["a", Uint8Array.of(1)], {}],
      ["bytes, then text", [Uint8Array.of(1), "a"], {}],
      ["bytes, then a number", [Uint8Array.of(1), 5], {}],
    ];
    for (const [title, items, options] of failing) {
      it(`fails the connection for ${title}: what was begun must not look whole`, async () => {
        const { ws, server } = await pair(use);
        const sent = ws.sendStream(items as string[], options);
        await rejection(sent, UsageError);
        expect((await server.frames.next()).fin).to.equal(false);
        const { opcode, payload } = await server.frames.next();
        expect([opcode, payload.readUInt16BE()]).to.deep.equal([CLOSE, 1011]);
        server.close(1011);
        await ws.closed;
      });
    }

    it("fails the connection for a source that throws after its first item", async () => {
      const { ws, server } = await pair(use);
      const failure = new RangeError("disk full");
      const sent = ws.sendStream(
        (async function* () {
          yield "begun";
          throw failure;
        })(),
      );
      expect(await rejection(sent, RangeError)).to.equal(failure);
      expect(await server.text()).to.equal("begun");
      expect((await server.frames.next()).payload.readUInt16BE()).to.equal(1011);
      server.close(1011);
      expect(await ws.closed).to.include({ code: 1011 });
    });

    it("fails the connection also where the source cannot even be left: its message goes no further", async () => {
      const { ws, server } = await pair(use);
      const failure = new RangeError("mine");
      let taken = 0;
      const source = {
        [Symbol.iterator]: () => ({
          next() {
            if (taken++ === 0) return { done: false, value: "begun" };
            throw failure;
          },
          return() {
            throw new RangeError("cannot be left");
          },
        }),
      };
      expect(await rejection(ws.sendStream(source as StreamSource), RangeError)).to.equal(failure);
      expect(await server.text()).to.equal("begun");
      expect((await server.frames.next()).payload.readUInt16BE()).to.equal(1011);
      server.close(1011);
      expect(await ws.closed).to.include({ code: 1011 });
    });

    const beforeAny: [title: string, source: StreamSource, options: { binary?: boolean }][] = [
      [
        "a source that throws at once",
        {
          [Symbol.iterator]() {
            const next = () => {
              throw new UsageError("nothing");
            };
            return { next };
          },
        },
        {},
      ],
      ["text where binary was asked for", ["a"], { binary: true }],
      ["bytes where text was asked for", [Uint8Array.of(1)], { binary: false }],
      ["an item that is neither", [5] as unknown as string[], {}],
    ];
    for (const [title, source, options] of beforeAny) {
      it(`leaves the connection as it was for ${title}`, async () => {
        const { ws, server } = await pair(use);
        await rejection(ws.sendStream(source, options), UsageError);
        await ws.send("still open");
        expect(await server.text()).to.equal("still open");
      });
    }

    it("lets pings through between its frames, and other messages behind it", async () => {
      const { ws, server } = await pair(use);
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      void ws.sendStream(
        (async function* () {
          yield "begun";
          await released;
          yield "done";
        })(),
      );
      void ws.send("behind");
      expect(await server.text()).to.equal("begun");
      void ws.ping("between");
      const ping = await server.frames.next();
      expect([ping.opcode, ping.payload.toString()]).to.deep.equal([PING, "between"]);
      release();
      expect([await server.text(), await server.text(), await server.text()]).to.deep.equal([
        "done",
        "",
        "behind",
      ]);
    });

    it("takes from its source only what the server takes", async () => {
      const { ws, server } = await pair(use, {}, { isDeaf: true });
      let taken = 0;
      const sent = ws.sendStream(
        (function* () {
          for (; taken < 100; taken++) yield new Uint8Array(MIB);
        })(),
      );
      while ((await isPending(sent)) && ws.bufferedAmount < HIGH_WATER) await nextTurn();
      const soFar = taken;
      for (let i = 0; i < 10; i++) await nextTurn();
      expect(taken).to.equal(soFar);
      expect(taken).to.be.below(100);
      server.socket.resume();
      await sent;
      expect(taken).to.equal(100);
    });

    it("ends with the connection, although its source would wait for ever", async () => {
      const { ws, server } = await pair(use);
      const [first, second] = [endless("begun"), endless()];
      const sends = [ws.sendStream(first.source), ws.sendStream(second.source), ws.send("behind")];
      expect(await server.text()).to.equal("begun");
      ws.terminate();
      for (const send of sends) await rejection(send, ClosedError);
      expect([first.stopped(), second.stopped()]).to.deep.equal([true, true]);
    }).timeout(2000);

    it("holds up close() for no longer than its timeout", async () => {
      const { ws, server } = await pair(use);
      const { source, stopped } = endless("begun");
      const sent = ws.sendStream(source);
      expect(await server.text()).to.equal("begun");
      const info = await ws.close(1000, "", { timeout: 50 });
      expect(info).to.include({ code: 1006, wasClean: false });
      expect(info.error).to.be.instanceOf(TimeoutError).and.include({ phase: "close", ms: 50 });
      await rejection(sent, ClosedError);
      expect(stopped()).to.equal(true);
    });

    it("is done before close() says so to the server", async () => {
      const { ws, server } = await pair(use);
      void ws.sendStream(new Blob(["stream"]).stream());
      void ws.send(new Blob(["blob"]));
      void ws.close(4000);
      const texts = [await server.text(), await server.text(), await server.text()];
      expect(texts).to.deep.equal(["stream", "", "blob"]);
      expect((await server.frames.next()).payload.readUInt16BE()).to.equal(4000);
      server.close(4000);
      expect((await ws.closed).wasClean).to.equal(true);
    });
  });

  describe("ping", () => {
    it("tells the time until its own pong, and of pings before whose pongs were spared", async () => {
      const { ws, server } = await pair(use);
      const [first, second, third] = [ws.ping("1"), ws.ping("2"), ws.ping("3")];
      server.send(PONG, "stranger");
      server.send(PONG, "2");
      expect(await first).to.be.at.least(0);
      expect(await second).to.be.at.least(0);
      expect(ws.latency).to.be.at.least(0);
      server.send(PONG, "1"); // late, and answers nothing
      server.send(TEXT, "all is read");
      await ws.recv();
      expect(await isPending(third)).to.equal(true);
      server.send(PONG, "3");
      expect(await third).to.equal(ws.latency);
    });

    it("has a payload of its own each time", async () => {
      const { ws, server } = await pair(use);
      void ws.ping();
      void ws.ping();
      const [first, second] = await server.frames.take(2);
      expect(first?.payload).not.to.deep.equal(second?.payload);
    });

    it("finds its pong whatever becomes of the bytes it was given", async () => {
      const { ws, server } = await pair(use);
      const bytes = Uint8Array.of(1, 2, 3);
      const pinged = ws.ping(bytes);
      bytes.fill(9);
      server.send(PONG, (await server.frames.next()).payload);
      server.send(TEXT, "all is read");
      await ws.recv();
      expect(await isPending(pinged)).to.equal(false);
    });

    it("carries up to 125 bytes", async () => {
      const { ws, server } = await pair(use);
      void ws.ping("x".repeat(125));
      ws.pong(new Uint8Array(125));
      expect((await server.frames.take(2)).map(({ opcode }) => opcode)).to.deep.equal([PING, PONG]);
      await rejection(ws.ping("\u20ac".repeat(42)), UsageError);
      thrown(() => ws.pong(new Uint8Array(126)), UsageError);
    });

    it("rejects when the connection ends before", async () => {
      const { ws, server } = await pair(use);
      const pinged = ws.ping();
      server.close();
      await rejection(pinged, ClosedError);
      expect(ws.latency).to.equal(undefined);
    });
  });
});

// The short-lived shape as its users meet it: what each member says and does, how it ends, and what it does no harm to.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { type Connection, ConnectionResponse } from "../../lib/client/connection.ts";
import { CLOSE, CONTINUATION, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, TimeoutError, UsageError } from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { wordsOf } from "../support/built.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { Queue } from "../support/queue.ts";
import { closeFrame, frame, pair, rawServer, running, type ServerEnd } from "../support/raw-server.ts";
import { createConnection, platform } from "../support/runtime.ts";

/** Everything that a loop over the connection gives, and what it throws. */
async function all(ws: Connection): Promise<{ messages: Message[]; error: unknown }> {
  const messages: Message[] = [];
  try {
    for await (const message of ws) messages.push(message);
  } catch (error) {
    return { messages, error };
  }
  return { messages, error: undefined };
}

describe("createConnection", () => {
  const use = cleanUp();

  it("is a request, an answer and a close, as on the first page", async () => {
    const { url, accepted } = await rawServer(use);
    const ws = await createConnection(url);
    const server = await accepted.next();
    await ws.send("Hello, Server");
    expect(await server.text()).to.equal("Hello, Server");
    server.send(TEXT, "hello");
    expect(await ws.recv()).to.equal("hello");
    const closed = ws.close();
    expect((await server.frames.next()).payload).to.deep.equal(Buffer.of(0x03, 0xe8));
    server.close();
    expect(await closed).to.deep.equal({
      code: 1000,
      reason: "",
      wasClean: true,
      sent: { code: 1000, reason: "" },
      received: { code: 1000, reason: "" },
    });
  });

  it("takes a URL, and a function for one", async () => {
    const { url } = await rawServer(use);
    const forms = [new URL(url), () => url, async () => new URL(url)];
    for (const form of forms) expect((await createConnection(form)).url).to.equal(url);
  });

  it("lets many connect at once", async () => {
    const { url, accepted } = await rawServer(use);
    const connections = await Promise.all(Array.from({ length: 50 }, () => createConnection(url)));
    connections.forEach((ws, i) => void ws.send(`${i}`));
    const texts = await Promise.all((await accepted.take(50)).map((server) => server.text()));
    expect(new Set(texts).size).to.equal(50);
  });
});

describe("Connection", () => {
  const use = cleanUp();

  describe("says of itself", () => {
    it("where it is, and what was agreed", async () => {
      const lines = [
        "Sec-WebSocket-Protocol: chat",
        "X-Two: 1",
        "x-two: 2",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
      ];
      const { url, port, accepted } = await rawServer(use, { lines });
      const withSecrets = `${url.replace("//", "//user:secret@")}path?token=x`;
      const ws = await createConnection(withSecrets, { protocols: ["chat", "other"] });
      const { socket } = await accepted.next();
      expect(ws.url).to.equal(`${url}path?token=x`);
      expect(ws.protocol).to.equal("chat");
      expect(ws.extensions).to.equal("");
      expect(ws.secure).to.equal(false);
      expect(ws.state).to.equal("open");
      expect(ws.bufferedAmount).to.equal(0);
      expect(ws.latency).to.equal(undefined);
      expect(ws.remoteAddress).to.equal(`127.0.0.1:${port}`);
      expect(ws.localAddress).to.equal(`127.0.0.1:${socket.remotePort}`);
      expect(ws.response).to.equal(ws.response).and.to.be.an.instanceOf(ConnectionResponse);
      expect(ws.response).to.include({ status: 101, statusText: "Switching Protocols" });
      expect(ws.response.headers.get("x-two")).to.equal("1, 2");
      expect(ws.response.headers.getSetCookie()).to.deep.equal(["a=1", "b=2"]);
      expect(ws.response.rawHeaders.slice(-5)).to.deep.equal(lines.map((line) => line.split(": ")));
    });

    it("how many bytes wait", async () => {
      const { ws, server } = await pair(use);
      const sent = ws.send("x".repeat(100));
      expect(ws.bufferedAmount).to.equal(106);
      await sent;
      await server.frames.next();
      expect(ws.bufferedAmount).to.equal(0);
    });

    it("its state", async () => {
      const { ws, server } = await pair(use);
      const closed = ws.close();
      expect(ws.state).to.equal("closing");
      server.close();
      await closed;
      expect(ws.state).to.equal("closed");
      expect([ws.localAddress, ws.remoteAddress]).to.deep.equal([undefined, undefined]);
    });
  });

  describe("an idle one", () => {
    /** Runs a process that opens a connection and does nothing; its end, and what the server sees of it. */
    async function idle(mode: string): Promise<{ exit: Promise<unknown[]>; server: ServerEnd }> {
      const { url, accepted } = await rawServer(use);
      const [program, ...words] = wordsOf("spec/support/idle.ts");
      const child = spawn(program, [...words, url, mode], { stdio: "inherit" });
      return { exit: once(child, "exit"), server: await accepted.next() };
    }

    for (const mode of ["", "ref"]) {
      it(`keeps the process alive ${mode && "again after ref()"}`, async () => {
        const { exit, server } = await idle(mode);
        const order: string[] = [];
        void exit.then(() => order.push("exit"));
        for (const payload of ["one", "two", "three"]) {
          server.send(PING, payload);
          expect((await server.frames.next()).payload.toString()).to.equal(payload);
        }
        expect(order).to.deep.equal([]);
        server.close();
        expect(await exit).to.deep.equal([0, null]);
      });
    }

    it("lets it end once it is unref()ed", async () => {
      const { exit } = await idle("unref");
      expect(await exit).to.deep.equal([0, null]);
    });
  });

  it("gives binary as a Uint8Array of its own", async () => {
    const { ws, server } = await pair(use);
    server.socket.write(Buffer.concat([frame(2, Buffer.of(1, 2)), frame(2, Buffer.of(3))]));
    const [first, second] = [await ws.recv(), await ws.recv()];
    expect([first, second]).to.deep.equal([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect((first as Uint8Array).constructor).to.equal(Uint8Array);
    expect((first as Uint8Array).buffer.byteLength).to.equal(2);
  });

  it("gives binary that came with others in memory that none of them can change, though they may share it", async () => {
    const { ws, server } = await pair(use);
    server.socket.write(Buffer.concat([1, 2, 3].map((fill) => frame(2, Buffer.alloc(1000, fill)))));
    const messages = [await ws.recv(), await ws.recv(), await ws.recv()] as Uint8Array[];
    for (const [i, message] of messages.entries()) {
      expect(message.constructor).to.equal(Uint8Array);
      expect(message).to.deep.equal(new Uint8Array(1000).fill(i + 1));
      expect(message.buffer.byteLength).to.be.at.most(platform.shares * 1000);
      message.fill(0xff);
    }
  });

  it("lets nobody transfer the memory of other messages with one", async () => {
    const { ws, server } = await pair(use);
    server.socket.write(Buffer.concat([1, 2, 3].map((fill) => frame(2, Buffer.alloc(1000, fill)))));
    const first = (await ws.recv()) as Uint8Array<ArrayBuffer>;
    const isAlone = first.buffer.byteLength === 1000;
    let error: unknown;
    try {
      // Node 20 copies what it may not transfer.
      expect(structuredClone(first, { transfer: [first.buffer] })).to.deep.equal(
        new Uint8Array(1000).fill(1),
      );
    } catch (thrown) {
      error = thrown;
    }
    if (isAlone) expect(error).to.equal(undefined);
    for (const fill of [2, 3]) expect(await ws.recv()).to.deep.equal(new Uint8Array(1000).fill(fill));
    if (!isAlone) expect(first).to.deep.equal(new Uint8Array(1000).fill(1));
  });

  it("reads a message as it arrives", async () => {
    const { ws, server } = await pair(use);
    const opening = ws.recvStream();
    server.send(TEXT, Buffer.from("\u20ac\u20ac").subarray(0, 4), false);
    const stream = await opening;
    expect(stream.type).to.equal("text");
    const pieces = stream[Symbol.asyncIterator]();
    expect((await pieces.next()).value).to.equal("\u20ac");
    server.send(CONTINUATION, Buffer.from("\u20ac").subarray(1), true);
    expect((await pieces.next()).value).to.equal("\u20ac");
    expect((await pieces.next()).done).to.equal(true);
    server.send(TEXT, "next");
    expect(await ws.recv()).to.equal("next");
  });

  it("sends a pong that nobody asked for", async () => {
    const { ws, server } = await pair(use);
    ws.pong();
    ws.pong("payload");
    const pongs = await server.frames.take(2);
    expect(pongs.map(({ opcode, payload }) => [opcode, payload.toString()])).to.deep.equal([
      [PONG, ""],
      [PONG, "payload"],
    ]);
  });

  it("answers pings, with or without a recv() under way", async () => {
    const { ws, server } = await pair(use);
    server.send(PING, "are you there?");
    const { opcode, payload } = await server.frames.next();
    expect([opcode, payload.toString()]).to.deep.equal([PONG, "are you there?"]);
    expect(ws.state).to.equal("open");
  });

  it("refuses to send with options that it does not know, and sends nothing", async () => {
    const { ws, server } = await pair(use);
    for (const options of [{ binary: true }, { compres: false }, { compress: 1 }, null, 5])
      await rejection(ws.send("no", options as object), UsageError);
    for (const options of [{ fin: true }, { binary: "yes" }, { compress: 1 }, null])
      await rejection(ws.sendStream(["no"], options as object), UsageError);
    await ws.send("yes", { compress: false });
    expect(await server.text()).to.equal("yes");
  });

  describe("close", () => {
    it("sends what was sent before, then the Close frame", async () => {
      const { ws, server } = await pair(use);
      const big = new Uint8Array(1024 * 1024);
      void ws.send("first");
      void ws.send(big);
      void ws.close(4000, "bye \u20ac");
      expect(await server.text()).to.equal("first");
      expect((await server.frames.next()).payload).to.have.length(big.length);
      const { opcode, payload } = await server.frames.next();
      expect([opcode, payload.readUInt16BE(), payload.toString("utf8", 2)]).to.deep.equal([
        CLOSE,
        4000,
        "bye \u20ac",
      ]);
    });

    it("changes nothing the second time", async () => {
      const { ws, server } = await pair(use);
      const closed = [ws.close(4000, "first"), ws.close(4001, "second"), ws.close(), ws.closed];
      expect(new Set(closed).size).to.equal(1);
      expect((await server.frames.next()).payload.readUInt16BE()).to.equal(4000);
      server.close(4000);
      const info = await ws.closed;
      expect(await ws.close(4002)).to.equal(info);
      await rejection(server.frames.next(), Error);
    });

    const invalid: [code: unknown, reason?: unknown][] = [
      ...[0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65_536, -1, 1000.5, Number.NaN].map(
        (code): [number] => [code],
      ),
      ["1000"],
      [null],
      [1000n],
      [1000, "x".repeat(124)],
      [1000, "\u20ac".repeat(42)],
      [1000, new Uint8Array(8)],
      [1000, null],
      [1000, 5],
    ];
    for (const [code, reason] of invalid) {
      it(`refuses ${String(code)}, ${typeof reason}: nothing goes out`, async () => {
        const { ws, server } = await pair(use);
        thrown(() => ws.close(code as number, reason as string), UsageError);
        expect(ws.state).to.equal("open");
        await ws.send("still open");
        expect(await server.text()).to.equal("still open");
      });
    }

    for (const timeout of [-1, Number.NaN, 2 ** 31, "50"]) {
      it(`refuses a timeout of ${JSON.stringify(timeout)}`, async () => {
        const { ws } = await pair(use);
        thrown(() => ws.close(1000, "", { timeout: timeout as number }), UsageError);
        expect(ws.state).to.equal("open");
      });
    }

    it("refuses what it does not know besides", async () => {
      const { ws } = await pair(use);
      for (const options of [{ timeOut: 1 }, null, 5]) {
        thrown(() => ws.close(1000, "", options as object), UsageError);
        expect(ws.state).to.equal("open");
      }
    });

    it("takes a reason of 123 bytes, and half a character as U+FFFD", async () => {
      const { ws, server } = await pair(use);
      void ws.close(3000, `${"\u20ac".repeat(40)}\ud800`);
      expect((await server.frames.next()).payload.toString("utf8", 2)).to.equal(
        `${"\u20ac".repeat(40)}\ufffd`,
      );
    });

    it("waits for the server no longer than it is told", async () => {
      const { ws } = await pair(use);
      const info = await ws.close(1000, "", { timeout: 50 });
      expect(info).to.deep.include({
        code: 1006,
        reason: "",
        wasClean: false,
        sent: { code: 1000, reason: "" },
      });
      expect(info.error).to.be.an.instanceOf(TimeoutError).and.to.include({ phase: "close", ms: 50 });
      expect(info.error?.url).to.equal(ws.url);
    });

    it("waits no longer than closeTimeout, if it is told nothing", async () => {
      const { ws } = await pair(use, { closeTimeout: 50 });
      expect((await ws.close()).error).to.include({ phase: "close", ms: 50 });
    });

    it("waits no longer either where the server does not read", async () => {
      const { ws } = await pair(use, { closeTimeout: 50 }, { isDeaf: true });
      for (let i = 0; i < 20; i++) void ws.send(new Uint8Array(1024 * 1024));
      expect(await ws.close()).to.include({ code: 1006, wasClean: false });
    });

    it("still delivers what comes before the server's Close frame", async () => {
      const { ws, server } = await pair(use);
      void ws.close();
      await server.frames.next();
      server.send(TEXT, "late");
      server.close();
      expect(await ws.recv()).to.equal("late");
      await rejection(ws.recv(), ClosedError);
    });

    it("sees the server's Close frame behind more than fits the queue", async () => {
      const { ws, server } = await pair(use, { maxQueue: 2 });
      for (let i = 0; i < 10; i++) server.send(TEXT, `${i}`);
      server.socket.write(closeFrame(4000));
      expect(await ws.recv()).to.equal("0");
      expect(await ws.close()).to.include({ code: 4000, wasClean: true });
      expect([await ws.recv(), await ws.recv()]).to.deep.equal(["1", "2"]);
      await rejection(ws.recv(), ClosedError);
    });

    it("is what leaving the block does", async () => {
      const { url, accepted } = await rawServer(use);
      let closed: Connection["closed"];
      {
        await using ws = await createConnection(url);
        closed = ws.closed;
        void accepted.next().then(async ({ frames, close }) => {
          await frames.next();
          close();
        });
      }
      expect(await closed).to.include({ code: 1000, wasClean: true });
    });
  });

  describe("for await", () => {
    for (const code of [1000, 1001, 1005]) {
      it(`ends with ${code}`, async () => {
        const { ws, server } = await pair(use);
        for (const text of ["1", "2"]) server.send(TEXT, text);
        server.close(code);
        expect(await all(ws)).to.deep.equal({ messages: ["1", "2"], error: undefined });
      });
    }

    for (const code of [1002, 1011, 4000]) {
      it(`throws ClosedError for ${code}`, async () => {
        const { ws, server } = await pair(use);
        server.send(TEXT, "1");
        server.close(code, "no more");
        const { messages, error } = await all(ws);
        expect(messages).to.deep.equal(["1"]);
        expect(error).to.be.an.instanceOf(ClosedError);
        expect((error as ClosedError).info).to.include({ code, reason: "no more", wasClean: true });
      });
    }

    it("throws ClosedError where there was no Close frame", async () => {
      const { ws, server } = await pair(use);
      server.send(TEXT, "1");
      server.socket.end();
      const { messages, error } = await all(ws);
      expect(messages).to.deep.equal(["1"]);
      expect((error as ClosedError).info).to.include({ code: 1006, wasClean: false });
      expect((error as ClosedError).cause).to.include({ code: "ERR_WS_TRANSPORT" });
    });

    it("can be left and entered again", async () => {
      const { ws, server } = await pair(use);
      for (const text of ["1", "2"]) server.send(TEXT, text);
      for await (const message of ws) {
        expect(message).to.equal("1");
        break;
      }
      expect(ws.state).to.equal("open");
      server.close();
      expect((await all(ws)).messages).to.deep.equal(["2"]);
    });
  });

  describe("once closed", () => {
    it("gives every message that came before, whole or streamed, then ClosedError", async () => {
      const { ws, server } = await pair(use);
      for (const text of ["1", "2", "3"]) server.send(TEXT, text);
      server.close(1000);
      await ws.closed;
      expect([await ws.recv(), await (await ws.recvStream()).collect(), await ws.recv()]).to.deep.equal([
        "1",
        "2",
        "3",
      ]);
      const errors = [await rejection(ws.recv(), ClosedError), await rejection(ws.recvStream(), ClosedError)];
      for (const error of errors) {
        expect(error.info).to.equal(await ws.closed);
        expect(error.url).to.equal(ws.url);
      }
    });

    it("refuses to send, and tells why", async () => {
      const { ws, server } = await pair(use);
      server.close(4000, "bye");
      const info = await ws.closed;
      for (const promise of [ws.send("a"), ws.send(new Blob(["a"])), ws.sendStream(["a"]), ws.ping()]) {
        const error = await rejection(promise, ClosedError);
        expect(error.info).to.equal(info);
        expect(error.code).to.equal("ERR_WS_CLOSED");
        expect(error.message).to.include('4000 ("bye")').and.to.include(ws.url);
      }
      expect(thrown(() => ws.pong(), ClosedError).info).to.equal(info);
      ws.terminate();
      expect(await ws.closed).to.equal(info);
    });

    it("does no harm with rejections that nobody listens to", async () => {
      const { ws } = await pair(use);
      const pending: Promise<unknown>[] = [
        ...[ws.ping(), ws.sendStream([]), ws.send(new Blob(["a"]))],
        ...[ws.recv(), ws.recvStream(), ws.recv({ timeout: 60_000 }), ws.recv({ wrong: 1 } as object)],
      ];
      ws.terminate();
      await ws.closed;
      pending.push(
        ws.send("a"),
        ws.sendStream(["a"]),
        ws.ping(),
        ws.send(5 as never),
        ws.sendStream(5 as never),
        ...[ws.recv(), ws.recvStream(), ws.recvStream({ wrong: 1 } as object)],
      );
      // Mocha fails the test for a rejection that is not handled, which shows a turn later.
      await nextTurn();
      await nextTurn();
      expect(pending).to.have.length(15);
    });
  });

  describe("while closing", () => {
    it("refuses to send", async () => {
      const { ws, server } = await pair(use);
      void ws.close();
      for (const promise of [ws.send("a"), ws.sendStream(["a"]), ws.ping()]) {
        expect((await rejection(promise, ClosedError)).info).to.equal(undefined);
      }
      thrown(() => ws.pong(), ClosedError);
      expect((await server.frames.next()).opcode).to.equal(CLOSE);
    });
  });

  it("of an app has callbacks in the place of recv(), which rejects", async () => {
    const opened = new Queue<Connection | undefined>();
    const { app, run } = await running(use, { onOpen: (app) => opened.push(app.connection) });
    const ws = await opened.next();
    if (ws === undefined) throw new Error("an open app has a connection");
    for (const promise of [ws.recv(), ws.recvStream()]) {
      expect((await rejection(promise, UsageError)).code).to.equal("ERR_WS_INVALID_STATE");
    }
    app.terminate();
    await run;
  });
});

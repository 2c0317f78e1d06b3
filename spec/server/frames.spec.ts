// What clients send to a server, frame by frame on real sockets: what they must, what they may, and what costs them the
// connection.

import { once } from "node:events";
import { expect } from "chai";
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, LimitError, ProtocolError, TimeoutError, TransportError } from "../../lib/errors.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { acceptedPair, acceptingServer } from "../support/accepting-server.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { masked, opening, rawClient } from "../support/raw-client.ts";
import { closeFrame, frame } from "../support/raw-server.ts";
import { splits } from "../support/splits.ts";

const MIB = 1024 * 1024;

/** What a Close frame says. */
function closing(payload: Buffer): { code: number; reason: string } {
  return {
    code: payload.length === 0 ? 1005 : payload.readUInt16BE(),
    reason: payload.subarray(2).toString(),
  };
}

/** A Close frame as a client sends it. */
function maskedClose(code?: number, reason?: string): Buffer {
  return masked(CLOSE, closeFrame(code ?? 1005, reason).subarray(2));
}

describe("a server's connection", () => {
  const use = cleanUp();

  describe("hears", () => {
    it("text and binary, whose masks are of all kinds", async () => {
      const { ws, client } = await acceptedPair(use);
      for (const key of [0, -1, 1, 0x3d21fa37, -0x80000000]) {
        client.write(masked(TEXT, "text \u20ac", true, key));
        expect(await ws.recv()).to.equal("text \u20ac");
        client.write(masked(BINARY, Uint8Array.of(0, 1, 254, 255, 128), true, key));
        expect(await ws.recv()).to.deep.equal(Uint8Array.of(0, 1, 254, 255, 128));
      }
    });

    it("empty frames, and frames of every length of a length", async () => {
      const { ws, client } = await acceptedPair(use);
      for (const length of [0, 1, 125, 126, 127, 65535, 65536, 70000]) {
        client.send(BINARY, new Uint8Array(length).fill(length));
        expect(await ws.recv()).to.deep.equal(new Uint8Array(length).fill(length));
      }
    });

    it("a message in fragments with pings between them, however they are cut", async () => {
      const bytes = Buffer.concat([
        masked(TEXT, "\u20ac one ", false, 0x11223344),
        masked(PING, "p", true, 0x55667788),
        masked(CONTINUATION, "", false),
        masked(CONTINUATION, "two \u{1f600}", true, -1),
        masked(BINARY, "next"),
      ]);
      const { ws, client } = await acceptedPair(use);
      for (const { title, chunks } of splits(bytes)) {
        for (const chunk of chunks) {
          client.write(chunk);
          if (chunks.length < 3) await nextTurn();
        }
        expect(await ws.recv(), title).to.equal("\u20ac one two \u{1f600}");
        expect(await ws.recv(), title).to.deep.equal(new Uint8Array(Buffer.from("next")));
        expect((await client.frames.next()).payload.toString(), title).to.equal("p");
      }
    });

    it("16 MiB as a whole and as they arrive", async () => {
      const { ws, client } = await acceptedPair(use);
      const bytes = Buffer.alloc(16 * MIB, "0123456789abcdef");
      client.send(BINARY, bytes);
      expect(Buffer.compare((await ws.recv()) as Uint8Array, bytes)).to.equal(0);
      const streaming = ws.recvStream();
      client.send(BINARY, bytes);
      let length = 0;
      for await (const piece of await streaming) length += piece.length;
      expect(length).to.equal(bytes.length);
    });

    it("pings, which it answers, and pongs, of which it makes nothing", async () => {
      const { ws, client } = await acceptedPair(use);
      for (const payload of ["", "hello", "x".repeat(125)]) {
        client.send(PONG, payload);
        client.send(PING, payload);
        const { opcode, payload: pong } = await client.frames.next();
        expect([opcode, pong.toString()]).to.deep.equal([PONG, payload]);
      }
      expect(ws.state).to.equal("open");
    });
  });

  describe("says", () => {
    it("frames without masks", async () => {
      const { ws, client } = await acceptedPair(use);
      const chunks: Buffer[] = [];
      client.socket.on("data", (chunk) => chunks.push(chunk));
      void ws.send("text \u20ac");
      void ws.send(Uint8Array.of(1, 2, 3));
      void ws.sendStream(["a", "b"]);
      void ws.close(4000, "bye");
      await client.ended;
      const expected = [
        frame(TEXT, "text \u20ac"),
        frame(BINARY, Uint8Array.of(1, 2, 3)),
        frame(TEXT, "a", false),
        frame(CONTINUATION, "b", false),
        frame(CONTINUATION, ""),
        closeFrame(4000, "bye"),
      ];
      expect(Buffer.concat(chunks).toString("hex")).to.equal(Buffer.concat(expected).toString("hex"));
    });

    it("pings, whose pongs it waits for", async () => {
      const { ws, client } = await acceptedPair(use);
      const ping = ws.ping("there?");
      const { opcode, payload } = await client.frames.next();
      expect([opcode, payload.toString()]).to.deep.equal([PING, "there?"]);
      client.send(PONG, payload);
      expect(await ping).to.be.at.least(0);
    });

    it("as much as the client takes: who sends waits, and goes on", async () => {
      const { ws, client } = await acceptedPair(use, {}, { isDeaf: true });
      const sent: Promise<void>[] = [];
      while (ws.bufferedAmount < HIGH_WATER) sent.push(ws.send(new Uint8Array(MIB)));
      let isDone = false;
      const last = (sent.at(-1) ?? Promise.resolve()).then(() => {
        isDone = true;
      });
      for (let i = 0; i < 20; i++) await nextTurn();
      expect(isDone).to.equal(false);
      let got = 0;
      client.socket.on("data", (chunk) => {
        got += chunk.length;
      });
      client.socket.resume();
      await last;
      expect(got).to.be.above(MIB);
    });

    it("no more than maxBufferedAmount to a client that does not read", async () => {
      const { ws } = await acceptedPair(use, { maxBufferedAmount: 4 * MIB }, { isDeaf: true });
      for (let i = 0; i < 64; i++) void ws.send(new Uint8Array(MIB));
      expect(await rejection(ws.send("more"), LimitError)).to.include({ limit: "maxBufferedAmount" });
      expect(ws.bufferedAmount).to.be.below(32 * MIB);
      ws.terminate();
      await ws.closed;
    });
  });

  describe("is failed by the client", () => {
    const rows: [
      title: string,
      bytes: Buffer | number[],
      code: number,
      options?: { maxMessageSize?: number; maxFragments?: number },
    ][] = [
      ["an unmasked text", frame(TEXT, "hi"), 1002],
      ["an unmasked empty text", frame(TEXT), 1002],
      ["an unmasked ping", frame(PING), 1002],
      ["an unmasked Close frame", closeFrame(), 1002],
      ["RSV1 without an extension", [0xc1, 0x80, 0, 0, 0, 0], 1002],
      ["RSV2", [0xa1, 0x80, 0, 0, 0, 0], 1002],
      ["RSV3", [0x91, 0x80, 0, 0, 0, 0], 1002],
      ["opcode 3", [0x83, 0x80, 0, 0, 0, 0], 1002],
      ["opcode 11", [0x8b, 0x80, 0, 0, 0, 0], 1002],
      ["a continuation of nothing", masked(CONTINUATION, "x"), 1002],
      ["a text within a message", Buffer.concat([masked(TEXT, "x", false), masked(TEXT, "y")]), 1002],
      ["a fragmented ping", masked(PING, "x", false), 1002],
      ["a ping of 126 bytes", [0x89, 0xfe, 0, 126], 1002],
      ["a length that is not the shortest", [0x82, 0xfe, 0, 125, 0, 0, 0, 0], 1002],
      ["a length of 2^63", [0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1002],
      ["text that is not UTF-8", masked(TEXT, Uint8Array.of(0xce, 0xba, 0xff)), 1007],
      [
        "text that is not UTF-8, before it is whole",
        masked(TEXT, Uint8Array.of(0xf4, 0x90, 1, 1, 1)).subarray(0, 8),
        1007,
      ],
      ["text that ends within a character", masked(TEXT, Uint8Array.of(0xe2, 0x82)), 1007],
      ["half a close code", masked(CLOSE, Uint8Array.of(3)), 1002],
      ["close code 1005", masked(CLOSE, Uint8Array.of(3, 0xed)), 1002],
      ["close code 999", masked(CLOSE, Uint8Array.of(3, 0xe7)), 1002],
      ["a close reason that is not UTF-8", masked(CLOSE, Uint8Array.of(3, 0xe8, 0xff)), 1007],
      [
        "a message of more than maxMessageSize, by its header",
        [0x82, 0xfe, 0x04, 0x01, 1, 2, 3, 4],
        1009,
        { maxMessageSize: 1024 },
      ],
      [
        "fragments of more than maxMessageSize",
        Buffer.concat([
          masked(BINARY, new Uint8Array(1000), false),
          masked(CONTINUATION, new Uint8Array(25)),
        ]),
        1009,
        { maxMessageSize: 1024 },
      ],
      ["an announced petabyte", [0x82, 0xff, 0, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1009],
      [
        "more than maxFragments",
        Buffer.concat([
          masked(TEXT, "", false),
          masked(CONTINUATION, "", false),
          masked(CONTINUATION, "", false),
        ]),
        1008,
        { maxFragments: 2 },
      ],
      ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), 1002],
    ];
    for (const [title, bytes, code, options] of rows) {
      it(`by ${title}: ${code}, after what was right before it`, async () => {
        const { ws, client } = await acceptedPair(use, options ?? {});
        client.write(Buffer.concat([masked(TEXT, "before"), Buffer.from(bytes)]));
        expect(await ws.recv()).to.equal("before");
        const { opcode, payload } = await client.frames.next();
        expect([opcode, closing(payload).code]).to.deep.equal([CLOSE, code]);
        await client.ended;
        client.socket.end();
        const info = await ws.closed;
        expect(info).to.deep.include({ code: 1006, wasClean: false, sent: { code, reason: "" } });
        expect(info.error).to.be.an.instanceOf(code === 1009 || code === 1008 ? LimitError : ProtocolError);
        await rejection(ws.recv(), ClosedError);
        await client.gone;
      });
    }

    it("is dropped soon, where it neither goes nor stops", async () => {
      const { ws, client } = await acceptedPair(use, { closeTimeout: 50 });
      client.write(frame(TEXT, "unmasked"));
      for (let i = 0; i < 8; i++) client.send(BINARY, new Uint8Array(MIB));
      await ws.closed;
      expect(ws.state).to.equal("closed");
    });
  });

  describe("ends", () => {
    it("cleanly, by the client: its code is echoed, and TCP is the server's to end (§7.1.1)", async () => {
      const { ws, client } = await acceptedPair(use);
      client.write(maskedClose(4001, "bye \u20ac"));
      const { payload } = await client.frames.next();
      expect(closing(payload)).to.deep.equal({ code: 4001, reason: "bye \u20ac" });
      await client.ended;
      client.socket.end();
      expect(await ws.closed).to.deep.equal({
        code: 4001,
        reason: "bye \u20ac",
        wasClean: true,
        sent: { code: 4001, reason: "bye \u20ac" },
        received: { code: 4001, reason: "bye \u20ac" },
      });
    });

    it("cleanly, without a code", async () => {
      const { ws, client } = await acceptedPair(use);
      client.write(maskedClose());
      expect((await client.frames.next()).payload).to.have.length(0);
      await client.ended;
      client.socket.end();
      expect(await ws.closed).to.deep.include({ code: 1005, wasClean: true });
    });

    it("cleanly, by the server: what was sent goes before it, TCP ends when the client has answered", async () => {
      const { ws, client } = await acceptedPair(use);
      void ws.send("last");
      const closed = ws.close(4002, "enough");
      expect((await client.frames.next()).payload.toString()).to.equal("last");
      expect(closing((await client.frames.next()).payload)).to.deep.equal({ code: 4002, reason: "enough" });
      expect(client.socket.readableEnded).to.equal(false);
      client.write(maskedClose(4003));
      await client.ended;
      client.socket.end();
      expect(await closed).to.deep.include({
        code: 4003,
        wasClean: true,
        sent: { code: 4002, reason: "enough" },
      });
    });

    it("cleanly, although the client does not end TCP: it is dropped", async () => {
      const { ws, client, server } = await acceptedPair(use, { closeTimeout: 50 });
      client.write(maskedClose());
      expect(await ws.closed).to.include({ code: 1005, wasClean: true });
      for (const socket of server.sockets) await once(socket, "close");
    });

    it("where the client does not answer close(): after closeTimeout", async () => {
      const { ws } = await acceptedPair(use, { closeTimeout: 50 });
      const info = await ws.close(4000);
      expect(info).to.include({ code: 1006, wasClean: false });
      expect(info.error).to.be.an.instanceOf(TimeoutError).and.include({ phase: "close", ms: 50 });
    });

    const losses: [title: string, lose: (socket: import("node:net").Socket) => void][] = [
      ["ends TCP", (socket) => socket.end()],
      ["ends TCP within a frame", (socket) => socket.end(masked(TEXT, "cut off").subarray(0, 8))],
      ["drops TCP", (socket) => void socket.destroy()],
      ["resets TCP", (socket) => void socket.resetAndDestroy()],
    ];
    for (const [title, lose] of losses) {
      it(`where the client ${title}: 1006, and what had come is kept`, async () => {
        const { ws, client } = await acceptedPair(use);
        client.send(TEXT, "taken");
        expect(await ws.recv()).to.equal("taken");
        client.send(TEXT, "kept");
        client.send(PING);
        await client.frames.next();
        lose(client.socket);
        const info = await ws.closed;
        expect(info).to.include({ code: 1006, wasClean: false });
        expect(info.error).to.be.an.instanceOf(TransportError);
        expect(await ws.recv()).to.equal("kept");
        await rejection(ws.recv(), ClosedError);
        await client.gone;
      });
    }

    it("where the client is half gone, that answers nothing: keepAlive finds it", async () => {
      const { ws, client } = await acceptedPair(use, { keepAlive: { interval: 20, timeout: 20 } });
      expect((await client.frames.next()).opcode).to.equal(PING);
      const info = await ws.closed;
      expect(info.error).to.be.an.instanceOf(TimeoutError).and.include({ phase: "ping" });
    });

    it("for iteration, as for any connection", async () => {
      const { ws, client } = await acceptedPair(use);
      client.write(Buffer.concat([masked(TEXT, "one"), masked(TEXT, "two"), maskedClose(1000)]));
      const heard: unknown[] = [];
      for await (const message of ws) heard.push(message);
      expect(heard).to.deep.equal(["one", "two"]);
      client.socket.end();
    });
  });

  describe("is not harmed by", () => {
    it("a flood of pings from a client that does not read: of the pongs few are kept", async () => {
      const { ws, client } = await acceptedPair(use, {}, { isDeaf: true });
      void ws.send(new Uint8Array(32 * MIB));
      const pings = Buffer.concat(Array.from({ length: 1000 }, () => masked(PING, "x".repeat(125))));
      const before = ws.bufferedAmount;
      for (let i = 0; i < 50; i++) client.write(pings);
      client.send(TEXT, "behind them");
      expect(await ws.recv()).to.equal("behind them");
      expect(ws.bufferedAmount).to.be.below(before + MIB);
      ws.terminate();
    });

    it("a flood of messages that nobody takes: the client is made to wait", async () => {
      const { ws, client } = await acceptedPair(use, { maxQueue: 10 });
      for (let i = 0; i < 64; i++) client.send(BINARY, new Uint8Array(MIB));
      for (let i = 0; i < 100; i++) await nextTurn();
      expect(client.socket.writableLength).to.be.above(16 * MIB);
      for (let i = 0; i < 64; i++) expect(await ws.recv()).to.have.length(MIB);
    });

    it("the end of a process that has nothing else to do: unref() lets it, and ref() does not", async () => {
      const { accepted, place } = await acceptingServer(use);
      const client = await rawClient(use, place);
      client.write(opening());
      const ws = await accepted.next();
      expect(ws.unref().ref()).to.equal(ws);
      client.send(TEXT, "still");
      expect(await ws.recv()).to.equal("still");
    });
  });
});

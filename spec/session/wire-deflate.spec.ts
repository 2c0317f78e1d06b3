// Compression on real sockets: what waits for a turn of the loop keeps its place before the end, in both directions, however
// the connection ends; back-pressure counts it; and the loop is not stopped by it.

import { once } from "node:events";
import { inflateRawSync } from "node:zlib";
import { expect } from "chai";
import { SlabPool } from "../../lib/bytes/staging.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { resolveSockets } from "../../lib/client/socket-options.ts";
import { CLOSE, CONTINUATION, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, HandshakeError, LimitError, ProtocolError, UsageError } from "../../lib/errors.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { type Opened, WireSession } from "../../lib/session/wire.ts";
import { Turn } from "../../lib/transport/turn.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { deflating, packed } from "../support/deflate.ts";
import { rejection } from "../support/failure.ts";
import { FakeTransport } from "../support/fake-transport.ts";
import { closeFrame, type Pair, pair, rawServer, running, type ServerEnd } from "../support/raw-server.ts";
import { createConnection, platform } from "../support/runtime.ts";
import { WireEnd } from "../support/wire-end.ts";

const MIB = 1024 * 1024;
const AGREED = { lines: ["Sec-WebSocket-Extensions: permessage-deflate"] };

/** Bytes of which little can be saved. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

/** Frames as a server that compresses sends them. */
function sentByServer(send: (server: WireEnd) => void): Uint8Array {
  const server = new WireEnd("server", deflating("driven"));
  send(server);
  server.settle();
  return server.take();
}

/** All messages that a client sends, up to its Close frame or its end, and the code in it. */
async function everything({ frames }: ServerEnd): Promise<{ messages: Buffer[]; code: number | undefined }> {
  const stream: Buffer[] = [];
  const sizes: number[] = [];
  for (;;) {
    const frame = await frames.next().catch(() => undefined);
    if (frame === undefined || frame.opcode === CLOSE) {
      const all = inflateRawSync(Buffer.concat(stream), { finishFlush: 2 });
      const messages = sizes.map((end, i) => all.subarray(i === 0 ? 0 : sizes[i - 1], end));
      return { messages, code: frame?.payload.readUInt16BE() };
    }
    if (frame.opcode === PONG || frame.opcode === PING) continue;
    stream.push(frame.payload);
    if (!frame.fin) continue;
    stream.push(Buffer.of(0, 0, 0xff, 0xff));
    sizes.push(inflateRawSync(Buffer.concat(stream), { finishFlush: 2 }).length);
  }
}

describe("WireSession: compression", () => {
  const use = cleanUp();
  const connect = (options: ConnectionOptions = {}): Promise<Pair> =>
    pair(use, { perMessageDeflate: { threshold: 0 }, ...options }, AGREED);

  it("says what was agreed", async () => {
    const { ws, server } = await connect();
    expect(server.head).to.include(
      "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    );
    expect(ws.extensions).to.equal("permessage-deflate");
  });

  it("offers nothing unasked, and what it is asked to", async () => {
    const { server } = await pair(use);
    expect(server.head).not.to.match(/extensions/i);
    const asked = { serverMaxWindowBits: 10, clientMaxWindowBits: 9, clientNoContextTakeover: true };
    const { server: other } = await pair(use, { perMessageDeflate: asked });
    expect(other.head).to.include(
      ": permessage-deflate; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9\r\n",
    );
  });

  for (const [title, lines] of [
    ["something else", ["x-foo"]],
    ["a window that there is not", ["permessage-deflate; server_max_window_bits=7"]],
    ["two extensions", ["permessage-deflate", "permessage-deflate"]],
    ["a parameter like what objects have", ["permessage-deflate; __proto__"]],
  ] as const) {
    it(`fails where the server agrees to ${title}`, async () => {
      const extensions = lines.map((line) => `Sec-WebSocket-Extensions: ${line}`);
      const { url, accepted } = await rawServer(use, { lines: extensions });
      const error = await rejection(createConnection(url, { perMessageDeflate: true }), HandshakeError);
      expect(error.code).to.equal("ERR_WS_INVALID_RESPONSE");
      const { socket } = await accepted.next();
      if (!socket.destroyed) await once(socket, "close");
    });
  }

  it("compresses what is sent, but what is not to be", async () => {
    const { ws, server } = await connect();
    await ws.send("Hello");
    await ws.send("Hello", { compress: false });
    await ws.send(new Blob(["Hello"]), { compress: false });
    await ws.sendStream(["Hel", "lo"], { compress: false });
    await ws.send("Hello", { compress: true });
    const frames = await server.frames.take(7);
    expect(frames.map(({ rsv1 }) => rsv1)).to.deep.equal([true, false, false, false, false, false, true]);
    expect(frames[0]?.payload.toString("hex")).to.equal("f248cdc9c90700");
    expect(frames[1]?.payload.toString()).to.equal("Hello");
  });

  it("is seen in the trace as it crosses the wire", async () => {
    const lines: string[] = [];
    const { ws, server } = await connect({ trace: { write: (line) => void lines.push(line) } });
    await ws.send("Hello");
    await server.frames.next();
    server.socket.write(Buffer.from("c107f248cdc9c90700", "hex"));
    expect(await ws.recv()).to.equal("Hello");
    const seen = lines.filter((line) => line.includes("decoded"));
    expect(seen).to.deep.equal([
      String.raw`++Sent decoded: fin=1 rsv1=1 opcode=1 data=b'\xf2H\xcd\xc9\xc9\x07\x00'`,
      String.raw`++Rcv decoded: fin=1 rsv1=1 opcode=1 data=b'\xf2H\xcd\xc9\xc9\x07\x00'`,
    ]);
  });

  it("leaves messages below 64 bytes as they are, unless it is told otherwise", async () => {
    const { ws, server } = await connect({ perMessageDeflate: true });
    for (const size of [63, 64]) await ws.send("a".repeat(size));
    expect((await server.frames.take(2)).map(({ rsv1 }) => rsv1)).to.deep.equal([false, true]);
  });

  it("refuses options of send() that are none", async () => {
    const { ws } = await connect();
    for (const options of [{ compress: 1 }, { compress: "no" }, 5, null]) {
      await rejection(ws.send("Hello", options as object), UsageError);
      await rejection(ws.sendStream(["Hello"], options as object), UsageError);
    }
  });

  it("compresses what an app sends, but what is not to be", async () => {
    const { app, server } = await running(use, { perMessageDeflate: { threshold: 0 } }, AGREED);
    app.send("Hello");
    app.send("Hello", { compress: false });
    expect((await server.frames.take(2)).map(({ rsv1 }) => rsv1)).to.deep.equal([true, false]);
  });

  it("sends all that waits before it closes", async () => {
    const { ws, server } = await connect();
    const sizes = [3 * MIB, 10, 200_000];
    for (const size of sizes) void ws.send(noise(size));
    const closed = ws.close(4000);
    const { messages, code } = await everything(server);
    expect(messages.map(({ length }) => length)).to.deep.equal(sizes);
    expect(code).to.equal(4000);
    server.close(4000);
    expect(await closed).to.include({ code: 4000, wasClean: true });
  });

  it("sends all that waits before it answers the server's Close frame", async () => {
    const { ws, server } = await connect();
    void ws.send(noise(3 * MIB));
    server.socket.write(closeFrame(4001));
    const { messages, code } = await everything(server);
    expect(messages.map(({ length }) => length)).to.deep.equal([3 * MIB]);
    expect(code).to.equal(4001);
    server.socket.end();
    expect(await ws.closed).to.include({ code: 4001, wasClean: true });
  });

  it("ends, where the server ended TCP, without what waits", async () => {
    for (const close of [true, false]) {
      const { ws, server } = await connect();
      void ws.send(noise(8 * MIB));
      await server.frames.next();
      server.socket.end(close ? closeFrame(4001) : Buffer.alloc(0));
      expect(await ws.closed).to.include(close ? { code: 4001, wasClean: true } : { code: 1006 });
      expect(ws.bufferedAmount).to.equal(0);
    }
  });

  it("sends nothing more of what waits once it has failed", async () => {
    const { ws, server } = await connect();
    void ws.send(noise(8 * MIB));
    await nextTurn();
    server.socket.write(Buffer.of(0xc1, 1, 7));
    let last = await server.frames.next();
    for (let next = last; next.opcode !== CLOSE; next = await server.frames.next()) last = next;
    expect(last.fin).to.equal(false);
    const { error, sent } = await ws.closed;
    expect(sent?.code).to.equal(1007);
    expect(error).to.be.an.instanceOf(ProtocolError).and.to.include({ code: "ERR_WS_INVALID_DEFLATE" });
  });

  it("drops what waits when it is dropped, and leaves nothing behind", async () => {
    const { ws, server } = await connect();
    void ws.send(noise(8 * MIB));
    server.socket.write(sentByServer(({ protocol }) => protocol.send(new Uint8Array(20 * MIB))));
    await server.frames.next();
    ws.terminate();
    expect(await ws.closed).to.include({ code: 1006, wasClean: false });
    await rejection(ws.send("too late"), ClosedError);
  });

  it("is dropped by its signal, in the middle of both directions", async () => {
    const controller = new AbortController();
    const { ws, server } = await connect({ signal: controller.signal });
    void ws.send(noise(8 * MIB));
    server.socket.write(sentByServer(({ protocol }) => protocol.send(new Uint8Array(20 * MIB))));
    await server.frames.next();
    controller.abort();
    expect((await ws.closed).error).to.include({ code: "ERR_WS_ABORTED" });
  });

  it("counts what waits as buffered, and makes who sends wait for it, but not for ever", async () => {
    const { ws, server } = await connect();
    const sent = ws.send(new Uint8Array(8 * MIB));
    expect(ws.bufferedAmount).to.be.within(7 * MIB, 8 * MIB);
    let isSent = false;
    void sent.then(() => {
      isSent = true;
    });
    await nextTurn();
    expect(isSent).to.equal(false);
    await sent;
    expect(ws.bufferedAmount).to.be.below(HIGH_WATER);
    await ws.send("last");
    void ws.close();
    const { messages } = await everything(server);
    expect(messages.map(({ length }) => length)).to.deep.equal([8 * MIB, 4]);
  });

  it("refuses to send when more waits than maxBufferedAmount", async () => {
    const { ws } = await connect({ maxBufferedAmount: MIB });
    void ws.send(new Uint8Array(2 * MIB));
    const error = await rejection(ws.send("one more"), LimitError);
    expect(error).to.include({ code: "ERR_WS_BACKPRESSURE", limit: "maxBufferedAmount" });
  });

  it("lets the loop have its turns while a large message is sent, and while one is received", async () => {
    const { ws, server } = await connect({ maxMessageSize: 64 * MIB });
    let isOver = false;
    let turns = 0;
    const count = async () => {
      for (; !isOver; turns++) await nextTurn();
    };
    const counting = count();
    await ws.send(new Uint8Array(16 * MIB));
    // Each turn sends 64 KiB; that of its own connection comes once for each.
    expect(turns).to.be.at.least((16 * MIB - HIGH_WATER) / (64 * 1024) - 8);
    turns = 0;
    server.socket.write(sentByServer(({ protocol }) => protocol.send(new Uint8Array(40 * MIB))));
    expect(await ws.recv()).to.have.length(40 * MIB);
    expect(turns).to.be.at.least(30);
    isOver = true;
    await counting;
  });

  it("answers pings while a large message is sent", async () => {
    const { ws, server } = await connect();
    void ws.send(noise(16 * MIB)); // of 256 pieces
    server.send(PING, "there?");
    const opcodes: number[] = [];
    do opcodes.push((await server.frames.next()).opcode);
    while (opcodes.at(-1) !== PONG);
    expect(opcodes.length).to.be.below(200);
    expect((await server.frames.next()).opcode).to.equal(CONTINUATION);
  });

  it("hands out in order what came before the server ended TCP, however much it is", async () => {
    const { ws, server } = await connect();
    const bytes = sentByServer(({ protocol }) => {
      protocol.send("first");
      for (let i = 0; i < 3; i++) protocol.send(new Uint8Array(10 * MIB));
      protocol.send("last");
    });
    server.socket.end(Buffer.concat([bytes, closeFrame(4000)]));
    expect(await ws.recv()).to.equal("first");
    for (let i = 0; i < 3; i++) expect(await ws.recv()).to.have.length(10 * MIB);
    expect(await ws.recv()).to.equal("last");
    const info = await ws.closed;
    expect(info).to.include({ code: 4000, wasClean: true });
    await rejection(ws.recv(), ClosedError);
  });

  it("hands out in order what came before a reset", async () => {
    const { ws, server } = await connect({ maxQueue: 5000 });
    const bytes = sentByServer(({ protocol }) => {
      protocol.ping();
      for (let i = 0; i < 3000; i++) protocol.send(`${i}`);
    });
    expect(bytes.length).to.be.below(64 * 1024);
    server.socket.write(bytes);
    await server.frames.next();
    server.socket.resetAndDestroy();
    for (let i = 0; i < 3000; i++) expect(await ws.recv()).to.equal(`${i}`);
    expect((await ws.closed).code).to.equal(1006);
  });

  it("makes the server wait while nobody receives, and goes on", async () => {
    const { ws, server } = await connect({ maxQueue: 4 });
    const bytes = sentByServer(({ protocol }) => {
      for (let i = 0; i < 100; i++) protocol.send(noise(50_000 + i));
    });
    let isWritten = false;
    server.socket.write(Buffer.concat(Array.from({ length: 8 }, () => bytes.subarray())), () => {
      isWritten = true;
    });
    for (let i = 0; i < 200; i++) await nextTurn();
    expect(isWritten).to.equal(false);
    // The context of the server's compressor went on from round to round only in the first.
    for (let i = 0; i < 100; i++) expect(await ws.recv()).to.have.length(50_000 + i);
  });

  it("ends a stream of pieces where the connection fails within it", async () => {
    const { ws, server } = await connect();
    const [head] = [packed(noise(300_000))];
    server.socket.write(
      Buffer.concat([Buffer.of(0x42, 127, 0, 0, 0, 0, 0, 4, 0, 0), head.subarray(0, 0x40000)]),
    );
    const stream = await ws.recvStream();
    let size = 0;
    const read = async () => {
      for await (const piece of stream) {
        if (size === 0) server.socket.write(Buffer.of(0x80, 2, 7, 7));
        size += piece.length;
      }
    };
    await rejection(read(), ClosedError);
    expect(size).to.be.within(1, 300_000);
    expect((await ws.closed).sent?.code).to.equal(1007);
  });

  it("fails for a bomb, in little time and memory, and tells the server", async () => {
    const { ws, server } = await connect({ maxMessageSize: MIB });
    server.socket.write(sentByServer(({ protocol }) => protocol.send(new Uint8Array(100 * MIB))));
    const { payload } = await server.frames.next();
    expect(payload.readUInt16BE()).to.equal(1009);
    const { error } = await ws.closed;
    expect(error).to.be.an.instanceOf(LimitError).and.to.include({ limit: "maxMessageSize", url: ws.url });
    expect(error?.message).to.include("maxMessageSize is 1048576");
  });

  it("goes without where the server does not know it", async () => {
    const { ws, server } = await pair(use, { perMessageDeflate: true });
    expect(ws.extensions).to.equal("");
    await ws.send("a".repeat(1000));
    const { rsv1, payload, opcode } = await server.frames.next();
    expect([opcode, rsv1, payload.length]).to.deep.equal([TEXT, false, 1000]);
    server.socket.write(Buffer.of(0xc1, 1, 0));
    expect((await ws.closed).error)
      .to.be.an.instanceOf(ProtocolError)
      .and.to.include({ closeCode: 1002 });
  });

  describe("over a transport that is told what to do", () => {
    /** Tasks for a later turn of the loop, which comes when the test says so. */
    let tasks: (() => void)[] = [];
    const turn = () => {
      for (const task of tasks.splice(0)) task();
    };

    function session(): { session: WireSession; transport: FakeTransport; log: string[] } {
      tasks = [];
      const transport = new FakeTransport();
      const log: string[] = [];
      const own = {
        ...platform,
        turn: new Turn(() => 0),
        slabs: new SlabPool(),
        mask: () => 0,
        later: (task: () => void) => void tasks.push(task),
      };
      const agreement = deflating("driven").deflate.agreement;
      const opened: Opened = {
        role: "client",
        url: "ws://host/",
        publicUrl: "ws://host/",
        secure: false,
        protocol: "",
        extensions: "permessage-deflate",
        deflate: agreement,
        response: { status: 101, statusText: "", rawHeaders: [] },
      };
      const options = resolveSockets("ws://host/", { perMessageDeflate: { threshold: 0 } });
      const session = new WireSession(own, transport, opened, options, undefined);
      transport.attach(session);
      session.start({
        message: (data) => log.push(`message ${data.length}`),
        piece: () => {},
        pinged: () => {},
        ponged: () => {},
        drain: () => log.push("drain"),
        ended: (info) => log.push(`ended ${info.code}`),
      });
      transport.calls.length = 0;
      return { session, transport, log };
    }
    const large = sentByServer(({ protocol }) => protocol.send(new Uint8Array(5 * MIB)));

    it("counts what was sent, and never less, though it becomes less", () => {
      const { session: one } = session();
      one.send(new Uint8Array(400_000));
      one.send("last");
      const sent = one.sentBytes;
      expect(sent).to.be.at.least(300_000);
      let left = sent - one.bufferedBytes;
      while (tasks.length > 0) {
        turn();
        expect(one.sentBytes).to.equal(sent);
        expect(sent - one.bufferedBytes).to.be.at.least(left);
        left = sent - one.bufferedBytes;
      }
      expect(left).to.equal(sent);
    });

    it("tells that there is room again when what waited has left", () => {
      const { session: one, log } = session();
      one.send(noise(300_000));
      while (tasks.length > 0) {
        log.length = 0;
        turn();
      }
      expect(log).to.deep.equal(["drain"]);
    });

    it("does not read while it is behind, and reads again", () => {
      const { transport, log } = session();
      transport.sink.data(large);
      expect(transport.calls).to.deep.equal(["pause"]);
      while (tasks.length > 0) {
        transport.calls.length = 0;
        turn();
      }
      expect(transport.calls).to.deep.equal(["resume"]);
      expect(log.filter((line) => line !== "drain")).to.deep.equal([`message ${5 * MIB}`]);
    });

    it("does not read for a reader that resumes, until it has caught up", () => {
      const { session: one, transport } = session();
      transport.sink.data(large);
      one.pause();
      one.resume();
      expect(transport.calls).not.to.include("resume");
      while (tasks.length > 0) turn();
      expect(transport.calls.at(-1)).to.equal("resume");
    });

    it("does not read for itself while its reader pauses", () => {
      const { session: one, transport, log } = session();
      transport.sink.data(large);
      one.pause();
      while (tasks.length > 0) turn();
      expect(transport.calls).not.to.include("resume");
      one.resume();
      while (tasks.length > 0) turn();
      expect(transport.calls.at(-1)).to.equal("resume");
      expect(log).to.include(`message ${5 * MIB}`);
    });

    it("does not stop to read because it sends", () => {
      const { session: one, transport } = session();
      one.send(noise(300_000));
      while (tasks.length > 0) turn();
      expect(transport.calls).not.to.include("pause");
    });

    it("asks for one turn at a time", () => {
      const { session: one, transport } = session();
      one.send(noise(300_000));
      transport.sink.data(large);
      for (let i = 0; i < 3; i++) {
        expect(tasks).to.have.length(1);
        turn();
      }
    });

    it("ends once, however much waits in either direction", () => {
      const { session: one, transport, log } = session();
      one.send(noise(300_000));
      transport.sink.data(large);
      transport.sink.end();
      transport.sink.closed();
      while (tasks.length > 0) turn();
      expect(log.filter((line) => line !== "drain")).to.deep.equal([`message ${5 * MIB}`, "ended 1006"]);
      const { length } = transport.calls;
      turn();
      expect(transport.calls).to.have.length(length);
    });
  });
});

// An app to which a recording is played hears what it heard when it was made.

import { expect } from "chai";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { TEXT } from "../../lib/codec/opcode.ts";
import { HandshakeError, TransportError, UsageError } from "../../lib/errors.ts";
import { record } from "../../lib/session/record.ts";
import { type ReplayOptions, replay } from "../../lib/session/replay.ts";
import { memoryPipe } from "../../lib/transport/memory.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { accepting, listen, requestHead } from "../support/peer.ts";
import { echo, PipePeer } from "../support/pipe-peer.ts";
import { masked } from "../support/raw-client.ts";
import { createConnection, WebSocketApp } from "../support/runtime.ts";
import { wsServer } from "../support/ws-server.ts";

const PLACE = "ws://nowhere.example/path?token=s3cret";

/** What an app hears, in words. */
async function heardBy(
  url: string,
  options: ConnectionOptions & { reconnect?: number },
  act: (app: WebSocketApp, event: string) => void = () => {},
): Promise<string[]> {
  const heard: string[] = [];
  const hear = (app: WebSocketApp, ...words: unknown[]) => {
    const texts = words.map((word) =>
      word instanceof Uint8Array ? Buffer.from(word).toString("hex") : String(word),
    );
    heard.push(texts.join(" "));
    act(app, texts.join(" "));
  };
  const { reconnect = false, ...own } = options;
  const app = new WebSocketApp(url, {
    ...own,
    onOpen: (app) => hear(app, "open", app.connection?.protocol, app.connection?.extensions),
    onReconnect: (app) => hear(app, "reconnect"),
    onMessage: (app, data) => hear(app, "message", data),
    onPing: (app, data) => hear(app, "ping", data),
    onPong: (app, data) => hear(app, "pong", data),
    onError: (app, error) => hear(app, "error", error.message),
    onClose: (app, code, reason, info) => hear(app, "close", code, reason, info.wasClean),
  });
  await app.runForever({ reconnect });
  return heard;
}

describe("replay", () => {
  const use = cleanUp();

  /** Records what an app hears from a server, plays it to another, and expects the same. */
  async function same(
    url: string,
    options: ConnectionOptions & { reconnect?: number },
    act?: (app: WebSocketApp, event: string) => void,
    how: ReplayOptions = {},
  ): Promise<string[]> {
    const lines: string[] = [];
    const first = await heardBy(url, { ...options, transport: record((line) => lines.push(line)) }, act);
    const again = await heardBy(url, { ...options, transport: replay(lines.join("\n"), how) }, act);
    expect(again).to.deep.equal(first);
    return again;
  }

  it("makes an app hear the same: messages, pings, the close", async () => {
    const server = use(await wsServer("TCP"));
    void (async () => {
      const peer = await server.connections.next();
      peer.send("before anything");
      peer.on("message", (data, isBinary) => {
        if (String(data) === "ping me") peer.ping("now");
        else if (String(data) === "end") peer.close(4001, "as you wish");
        else peer.send(data, { binary: isBinary });
      });
    })();
    const heard = await same(server.url, {}, (app, event) => {
      if (event.startsWith("open")) app.send("hello");
      if (event === "message hello") app.send(Uint8Array.of(0, 255));
      if (event === "message 00ff") app.send("ping me");
      if (event.startsWith("ping")) app.send("end");
    });
    expect(heard).to.deep.equal([
      "open  ",
      "message before anything",
      "message hello",
      "message 00ff",
      "ping 6e6f77",
      "close 4001 as you wish true",
    ]);
  });

  it("with compression, and a subprotocol whose name is taken for a secret", async () => {
    const secret = "token.s3cret";
    const server = use(
      await wsServer("TCP", {
        perMessageDeflate: { threshold: 0 },
        handleProtocols: () => secret,
      }),
    );
    void server.connections.next().then((peer) => {
      for (let i = 0; i < 3; i++) peer.send("abc".repeat(100));
      peer.close(1000);
    });
    const lines: string[] = [];
    const options = { perMessageDeflate: true, protocols: ["chat", secret] };
    const first = await heardBy(server.url, { ...options, transport: record((line) => lines.push(line)) });
    const again = await heardBy(server.url, { ...options, transport: replay(lines) });
    expect(again).to.deep.equal(first);
    expect(first[0]).to.match(/^open token\.s3cret permessage-deflate/);
    expect(first.slice(1, 4)).to.deep.equal(Array(3).fill(`message ${"abc".repeat(100)}`));
    expect(lines.join("")).to.not.include("s3cret");
  });

  it("with a loss, a failed attempt, and another connection", async () => {
    let visits = 0;
    const server = use(
      await listen(async (socket) => {
        const head = await requestHead(socket);
        visits++;
        if (visits === 2) {
          socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy");
          return;
        }
        socket.write(accepting(head), "latin1");
        if (visits === 1) socket.end("\x81\x03one", "latin1");
        else socket.end("\x81\x03two\x88\x02\x03\xe8", "latin1");
      }),
    );
    const heard = await same(server.url, { reconnect: 1 }, (app, event) => {
      if (event === "message two") app.close();
    });
    expect(heard[1]).to.equal("message one");
    expect(heard).to.include("reconnect").and.include("message two");
    expect(heard.join("\n")).to.include("503 Service Unavailable");
  });

  it("as fast as the recording, too, and without waiting for what the client sends", async () => {
    const server = use(await wsServer("TCP"));
    void server.connections.next().then((peer) => {
      peer.send("one");
      peer.on("message", () => peer.close(1000));
    });
    const act = (app: WebSocketApp, event: string) => {
      if (event === "message one") app.send("done");
    };
    await same(server.url, {}, act, { speed: 1 });
    const other = use(await wsServer("TCP"));
    void other.connections.next().then((peer) => {
      peer.on("message", (data) => {
        peer.send(String(data));
        peer.close(1000);
      });
    });
    const lines: string[] = [];
    const ws = await createConnection(other.url, { transport: record((line) => lines.push(line)) });
    await ws.send("hello");
    await ws.recv();
    await ws.closed;
    const silent = await createConnection(other.url, { transport: replay(lines, { follow: false }) });
    expect(await silent.recv()).to.equal("hello");
    await silent.closed;
    const waiting = await createConnection(other.url, { transport: replay(lines) });
    expect((await rejection(waiting.recv({ timeout: 20 }), Error)).name).to.equal("TimeoutError");
    await waiting.send("whatever");
    expect(await waiting.recv()).to.equal("hello");
    await waiting.closed;
  });

  it("keeps a wrong Sec-WebSocket-Accept wrong", async () => {
    const server = use(
      await listen(async (socket) => {
        await requestHead(socket);
        socket.end(accepting("Sec-WebSocket-Key: another\r\n"), "latin1"); // none of 16 bytes
      }),
    );
    const lines: string[] = [];
    await rejection(
      createConnection(server.url, { transport: record((line) => lines.push(line)) }),
      HandshakeError,
    );
    const error = await rejection(createConnection(server.url, { transport: replay(lines) }), HandshakeError);
    expect(error.message).to.include("Sec-WebSocket-Accept that does not fit");
  });

  it("breaks where the connection did", async () => {
    const { client, server, reset } = memoryPipe();
    const peer = new PipePeer(server);
    const lines: string[] = [];
    const transport = record((line) => lines.push(line), { transport: client });
    const ws = await createConnection(PLACE, { transport });
    peer.protocol.send("last words");
    expect(await ws.recv()).to.equal("last words");
    reset(new Error("earthquake"));
    await ws.closed;
    const again = await createConnection(PLACE, { transport: replay(lines) });
    const { code, error } = await again.closed;
    expect(code).to.equal(1006);
    expect(error?.message).to.include("earthquake");
  });

  it("has no more than was recorded", async () => {
    const error = await rejection(createConnection(PLACE, { transport: replay("") }), TransportError);
    expect(error.message).to.include("no more connections");
  });

  it("leaves nothing behind when the client goes first", async () => {
    const { client, server } = memoryPipe();
    echo(server);
    const lines: string[] = [];
    const ws = await createConnection(PLACE, {
      transport: record((line) => lines.push(line), { transport: client }),
    });
    for (let i = 0; i < 3; i++) await ws.send("x".repeat(200_000));
    for (let i = 0; i < 3; i++) await ws.recv();
    await ws.close();
    const again = await createConnection(PLACE, { transport: replay(lines) });
    again.terminate();
    expect(await again.closed).to.include({ code: 1006 });
  });

  it("fails where a connection failed", async () => {
    const lines: string[] = [];
    const transport = record((line) => lines.push(line), {
      transport: () => Promise.reject(new Error("no luck")),
    });
    await rejection(createConnection(PLACE, { transport }), TransportError);
    const error = await rejection(createConnection(PLACE, { transport: replay(lines) }), TransportError);
    expect(error.message).to.include("no luck");
    const silent = lines.map((line) => line.replace(/,"error":"[^"]*"/, ""));
    await rejection(createConnection(PLACE, { transport: replay(silent) }), TransportError);
  });

  describe("to who is no client of ours", () => {
    /** A connection in which the server greets with a subprotocol, and the client had sent `sent` before. */
    const recorded = (sent: string): string => {
      const key = "dGhlIHNhbXBsZSBub25jZQ==";
      const request = `GET / HTTP/1.1\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
      const answer = accepting(request).replace(/\r\n$/, "Sec-WebSocket-Protocol: chat\r\n\r\n");
      const bytes = (text: string) => Buffer.from(text, "latin1").toString("base64");
      const events = [
        { event: "open", url: PLACE, time: 0, version: 1 },
        { event: "request", head: request },
        { event: "response", head: answer },
        { event: "sent", bytes: bytes(sent) },
        { event: "received", bytes: bytes("\x81\x02ok") },
      ];
      return events.map((event) => JSON.stringify({ connection: 1, at: 0, ...event })).join("\n");
    };

    it("answers a request that comes in pieces, and does not wait for what it cannot read", async () => {
      const { readable, writable } = replay(recorded("\xff\xff"))();
      const writer = writable.getWriter();
      const request = "GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Protocol: other\r\n\r\n";
      for (const piece of [request.slice(0, 20), request.slice(20)]) await writer.write(Buffer.from(piece));
      const reader = readable.getReader();
      let said = "";
      while (!said.endsWith("\x81\x02ok"))
        said += Buffer.from((await reader.read()).value ?? []).toString("latin1");
      expect(said)
        .to.match(/^HTTP\/1\.1 101 /)
        .and.include("Sec-WebSocket-Protocol: chat\r\n");
      await writer.close();
      while (!(await reader.read()).done);
    });

    it("goes on when all of a message has come, however it is cut", async () => {
      const message = masked(TEXT, "hello");
      const { readable, writable } = replay(recorded(message.toString("latin1")))();
      const [writer, reader] = [writable.getWriter(), readable.getReader()];
      await writer.write(Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
      expect(Buffer.from((await reader.read()).value ?? []).toString()).to.match(/^HTTP\/1\.1 101 /);
      let isThere = false;
      const next = reader.read().then(({ value }) => {
        isThere = true;
        return Buffer.from(value ?? []).toString("latin1");
      });
      for (const byte of message) {
        for (let i = 0; i < 5; i++) await nextTurn();
        expect(isThere).to.equal(false);
        await writer.write(Uint8Array.of(byte));
      }
      expect(await next).to.equal("\x81\x02ok");
      await writer.close();
    });

    it("ends where what it is sent is no request", async () => {
      const { readable, writable } = replay(recorded(""))();
      await writable.getWriter().write(Buffer.from("\0\0\r\n\r\n"));
      expect((await readable.getReader().read()).done).to.equal(true);
    });
  });

  it("refuses a speed of nothing", () => {
    for (const speed of [0, -1, Number.NaN]) thrown(() => replay("", { speed }), UsageError);
  });
});

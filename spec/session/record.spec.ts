// Recordings: what crossed the wire, in order and with times, without the secrets of handshakes, whatever the chunks.

import { expect } from "chai";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { HandshakeError, TransportError, UsageError } from "../../lib/errors.ts";
import { record } from "../../lib/session/record.ts";
import type { RecordedEvent } from "../../lib/session/recording.ts";
import { memoryPipe } from "../../lib/transport/memory.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { echo } from "../support/pipe-peer.ts";
import { createConnection } from "../support/runtime.ts";
import { wsServer } from "../support/ws-server.ts";

const PLACE = "ws://nowhere.example/path?token=s3cret";
const SECRETS = ["s3cret", "hunter2", "aHVudGVyMg", "abc123", "top-secret-body"];

const eventsOf = (lines: readonly string[]): RecordedEvent[] => lines.map((line) => JSON.parse(line));
const kindsOf = (lines: readonly string[]) =>
  eventsOf(lines)
    .map(({ event }) => event)
    .join(" ");
const bytesIn = (lines: readonly string[], kind: string) =>
  Buffer.concat(
    eventsOf(lines)
      .filter(({ event }) => event === kind)
      .map(({ bytes = "" }) => Buffer.from(bytes, "base64")),
  );

describe("record", () => {
  const use = cleanUp();

  it("writes down what passes, in order, with times, and changes nothing", async () => {
    const server = use(await wsServer("TCP"));
    const lines: string[] = [];
    const ws = await createConnection(server.url, { transport: record((line) => lines.push(line)) });
    const peer = await server.connections.next();
    peer.on("message", (data, binary) => peer.send(data, { binary }));
    await ws.send("hello");
    expect(await ws.recv()).to.equal("hello");
    expect(ws.remoteAddress).to.equal(new URL(server.url).host);
    ws.unref().ref();
    await ws.close(1000, "bye");
    expect(kindsOf(lines)).to.match(/^open request response sent received sent received (end )?closed$/);
    const events = eventsOf(lines);
    const [open] = events;
    expect(open).to.include({ connection: 1, version: 1, url: server.url, redacted: true });
    expect(open?.time).to.be.closeTo(Date.now(), 60_000);
    expect(events.every(({ at }, i) => at >= (events[i - 1]?.at ?? 0))).to.equal(true);
    expect(events[1]?.head).to.match(/^GET \/ HTTP\/1\.1\r\nUpgrade: websocket\r\n.*\r\n\r\n$/s);
    expect(bytesIn(lines, "received").toString("latin1")).to.equal("\x81\x05hello\x88\x05\x03\xe8bye");
    expect(lines.every((line) => !line.includes("\n"))).to.equal(true);
  });

  it("has the addresses of the connection", async () => {
    const server = use(await wsServer("TCP"));
    const ws = await createConnection(server.url, { transport: record(() => {}) });
    expect(ws.localAddress).to.match(/^127\.0\.0\.1:\d+$/);
    await ws.close();
  });

  it("says why there was no connection, also where that is no Error", async () => {
    const lines: string[] = [];
    const transport = record((line) => lines.push(line), { transport: () => Promise.reject("no luck") });
    await rejection(createConnection(PLACE, { transport }), Error);
    expect(eventsOf(lines).at(-1)).to.include({ event: "failed", error: "no luck" });
  });

  describe("hides the secrets of handshakes", () => {
    const answer = [
      "HTTP/1.1 103 Early Hints",
      "Link: </x?token=s3cret>",
      "",
      "HTTP/1.1 403 Forbidden",
      "Set-Cookie: sid=abc123",
      "Location: https://user:hunter2@example.com/?token=s3cret",
      "Content-Length: 15",
      "",
      "top-secret-body",
    ].join("\r\n");
    const options: ConnectionOptions = {
      headers: { Authorization: "Basic aHVudGVyMg==", "X-Api-Key": "abc123" },
      cookies: "sid=abc123",
      timeout: 2000,
    };

    for (const cut of [1, 7, 1000]) {
      for (const redact of [true, false]) {
        it(`${redact ? "" : "unless told otherwise "}in pieces of ${cut}`, async () => {
          const { client, server } = memoryPipe({ cut });
          const lines: string[] = [];
          const transport = record((line) => lines.push(line), {
            transport: client,
            ...(!redact && { redact }),
          });
          const opening = rejection(createConnection(PLACE, { ...options, transport }), HandshakeError);
          await server.writable.getWriter().write(new TextEncoder().encode(answer));
          expect(await opening).to.include({ status: 403, body: "top-secret-body" });
          await nextTurn();
          const text = lines.join("\n") + bytesIn(lines, "received").toString("latin1");
          expect(SECRETS.filter((secret) => text.includes(secret))).to.deep.equal(redact ? [] : SECRETS);
          expect(text)
            .to.include("GET /path?token=")
            .and.include("HTTP/1.1 103 Early")
            .and.include("403 Forb");
          expect(bytesIn(lines, "received")).to.have.length(15);
        });
      }
    }

    it("in what is no HTTP, too", async () => {
      for (const said of [
        "GET /path?token=s3cret HTTP/1.1\r\nCookie: abc123\r\n hunter2\r\nnonsense s3cret",
        `HTTP/1.1 200 OK\r\nSet-Cookie: ${"abc123".repeat(60_000)}`,
      ]) {
        const { client, server } = memoryPipe();
        const lines: string[] = [];
        const transport = record((line) => lines.push(line), { transport: () => client });
        const opening = createConnection(PLACE, { transport }).catch(() => {});
        const writer = server.writable.getWriter();
        await writer.write(new TextEncoder().encode(said)).catch(() => {});
        await writer.close().catch(() => {});
        await opening;
        await nextTurn();
        const text = lines.join("\n") + bytesIn(lines, "received").toString("latin1");
        expect(SECRETS.filter((secret) => text.includes(secret))).to.deep.equal([]);
        expect(kindsOf(lines)).to.include("response");
      }
    });
  });

  it("numbers connections, and tells of those that never came to be", async () => {
    const lines: string[] = [];
    let calls = 0;
    const transport = record((line) => lines.push(line), {
      transport: () => {
        if (++calls === 1) throw new Error("no luck");
        const { client, server } = memoryPipe();
        echo(server);
        return client;
      },
    });
    await rejection(createConnection(PLACE, { transport }), TransportError);
    const ws = await createConnection(PLACE, { transport });
    ws.terminate();
    await ws.closed;
    expect(eventsOf(lines).map(({ connection, event }) => `${connection} ${event}`)).to.deep.equal([
      "1 open",
      "1 failed",
      "2 open",
      "2 request",
      "2 response",
      "2 closed",
    ]);
    expect(eventsOf(lines)[1]?.error).to.equal("no luck");
  });

  it("is not harmed by a sink that throws or rejects", async () => {
    for (const sink of [
      () => {
        throw new Error("disk full");
      },
      () => Promise.reject(new Error("disk full")),
    ]) {
      const { client, server } = memoryPipe();
      echo(server);
      const ws = await createConnection(PLACE, { transport: record(sink, { transport: client }) });
      await ws.send("x");
      expect(await ws.recv()).to.equal("x");
      await ws.close();
    }
    thrown(() => record("file" as never), UsageError);
  });
});

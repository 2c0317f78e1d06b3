// Connections of both roles over a pipe in memory, without a socket: the same handshake, the same connection.

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Duplex } from "node:stream";
import { expect } from "chai";
import { TEXT } from "../../lib/codec/opcode.ts";
import { TimeoutError, UsageError, WebSocketError } from "../../lib/errors.ts";
import { RefusalError } from "../../lib/handshake/refusal.ts";
import type { AcceptOverOptions } from "../../lib/server/accept-over.ts";
import { type MemoryPipe, memoryPipe } from "../../lib/transport/memory.ts";
import { type ByteStreams, overStreams } from "../../lib/transport/streams.ts";
import type { Transport } from "../../lib/transport/transport.ts";
import { cleanUp, type Use } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { masked, opening } from "../support/raw-client.ts";
import { createConnection, runtime } from "../support/runtime.ts";
import { acceptOver } from "../support/server-runtime.ts";

declare const Deno: {
  listen(to: { hostname: string; port: number }): {
    readonly addr: { readonly port: number };
    accept(): Promise<ByteStreams>;
    close(): void;
  };
};

/** All that comes out of a stream until it ends. */
async function all(readable: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (value !== undefined) chunks.push(value);
    if (done) return Buffer.concat(chunks).toString("latin1");
  }
}

/** Says this, and ends, or not. */
async function say(pipe: MemoryPipe, text: string | Uint8Array, isAll = false): Promise<void> {
  const writer = pipe.client.writable.getWriter();
  await writer.write(Buffer.from(text as string, "latin1"));
  if (isAll) await writer.close();
}

/** A transport's calls, as of a class that is not ours: it tells of nothing but what comes while somebody is attached. */
function transportMethods(inner: Transport): Omit<Transport, "bufferedBytes"> {
  return {
    attach: (sink) =>
      inner.attach({
        data: (chunk) => sink.data(chunk),
        drain: () => sink.drain(),
        end: () => sink.end(),
        closed: (cause) => sink.closed(cause),
      }),
    write: (bytes) => inner.write(bytes),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    end: () => inner.end(),
    destroy: () => inner.destroy(),
    ref() {},
    unref() {},
    localAddress: undefined,
    remoteAddress: undefined,
  };
}

/** Listens; the streams of the first client. Deno's node:stream cannot take a peer that ends first. */
async function listeningStreams(use: Use): Promise<{ port: number; accepted: Promise<ByteStreams> }> {
  if (runtime === "deno") {
    const listener = use(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    return { port: listener.addr.port, accepted: listener.accept() };
  }
  const server = createServer();
  use({ close: () => new Promise((resolve) => server.close(resolve)) });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection").then(
    ([socket]) => Duplex.toWeb(socket) as unknown as ByteStreams,
  );
  return { port: (server.address() as AddressInfo).port, accepted };
}

describe("acceptOver", () => {
  const use = cleanUp();

  it("gives a request all the time that it takes, with timeout 0", async () => {
    const pipe = memoryPipe();
    const accepting = acceptOver(pipe.server, { timeout: 0 });
    const [client, ws] = await Promise.all([
      createConnection("ws://h/", { transport: pipe.client }),
      accepting,
    ]);
    void client.close();
    expect(await ws.closed).to.include({ code: 1000, wasClean: true });
  });

  for (const cut of [Number.POSITIVE_INFINITY, 1, 7]) {
    it(`is the other end of createConnection(), in pieces of ${cut}`, async () => {
      const pipe = memoryPipe({ cut });
      const [client, ws] = await Promise.all([
        createConnection("ws://in.memory/chat?x=1", {
          transport: pipe.client,
          protocols: ["a", "b"],
          perMessageDeflate: true,
        }),
        acceptOver(pipe.server, { protocols: ["b"], perMessageDeflate: true }),
      ]);
      expect([ws.url, ws.protocol, ws.extensions]).to.deep.equal([
        "ws://in.memory/chat?x=1",
        "b",
        "permessage-deflate",
      ]);
      expect([ws.remoteAddress, ws.request.path]).to.deep.equal([undefined, "/chat"]);
      for (const message of ["text \u20ac".repeat(500), new Uint8Array(1000), ""]) {
        await client.send(message);
        expect(await ws.recv()).to.deep.equal(message);
        await ws.send(message);
        expect(await client.recv()).to.deep.equal(message);
      }
      const [info] = await Promise.all([ws.closed, client.close(4000, "bye")]);
      expect(info).to.deep.include({ code: 4000, reason: "bye", wasClean: true });
    });
  }

  it("takes what comes behind the head, also with it", async () => {
    const pipe = memoryPipe();
    const [ws] = await Promise.all([
      acceptOver(pipe.server),
      say(pipe, Buffer.concat([Buffer.from(opening()), masked(TEXT, "first")])),
    ]);
    expect(await ws.recv()).to.equal("first");
    ws.terminate();
  });

  it("takes it also over a transport of the user's own, while a hook thinks", async () => {
    const pipe = memoryPipe();
    const inner = overStreams(pipe.server);
    const own = { ...transportMethods(inner), bufferedBytes: 0, localAddress: "a", remoteAddress: "b" };
    const writer = pipe.client.writable.getWriter();
    void writer.write(Buffer.concat([Buffer.from(opening()), masked(TEXT, "first"), masked(TEXT, "second")]));
    const verify = () => writer.write(masked(TEXT, "third"));
    const ws = await acceptOver(own, { verify });
    for (const message of ["first", "second", "third"]) expect(await ws.recv()).to.equal(message);
    expect(ws.remoteAddress).to.equal("b");
    ws.terminate();
  });

  it("takes a socket's streams, as each runtime has them", async () => {
    const { port, accepted } = await listeningStreams(use);
    const closed = createConnection(`ws://127.0.0.1:${port}/`).then(async (client) => {
      await client.send(new Uint8Array(300_000).fill(5));
      expect(await client.recv()).to.equal("300000");
      return client.close(4000, "bye");
    });
    const ws = await acceptOver(await accepted);
    await ws.send(`${(await ws.recv()).length}`);
    expect(await closed).to.deep.include({ code: 4000, reason: "bye", wasClean: true });
    expect(await ws.closed).to.include({ code: 4000, wasClean: true });
  });

  it("is inside TLS where that is said", async () => {
    const pipe = memoryPipe();
    const [ws] = await Promise.all([acceptOver(pipe.server, { secure: true }), say(pipe, opening())]);
    expect([ws.url, ws.secure]).to.deep.equal(["wss://localhost/", true]);
    ws.terminate();
  });

  const refused: [title: string, options: AcceptOverOptions, said: string, status: number][] = [
    ["a hook", { verify: () => false }, opening(), 403],
    ["what is no handshake", {}, opening("/", "Upgrade:"), 426],
    ["what is no HTTP", {}, "hello\r\n\r\n", 400],
    ["a head that is too large", { maxHeaderSize: 100 }, opening("/", `X: ${"y".repeat(100)}`), 431],
    ["a head that does not come to its end", { timeout: 20 }, opening().slice(0, -2), 408],
  ];
  for (const [title, options, said, status] of refused) {
    it(`refuses for ${title}: ${status}`, async () => {
      const pipe = memoryPipe();
      const answer = all(pipe.client.readable);
      const [error] = await Promise.all([
        rejection(acceptOver(pipe.server, options), WebSocketError),
        say(pipe, said),
      ]);
      expect(error).to.be.an.instanceOf(status === 408 ? TimeoutError : RefusalError);
      expect(await answer).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
    });
  }

  it("refuses our own client, which is told", async () => {
    const pipe = memoryPipe();
    const verify = () => {
      throw new RefusalError(401, { body: "no" });
    };
    const [refusal, error] = await Promise.all([
      rejection(acceptOver(pipe.server, { verify }), RefusalError),
      rejection(createConnection("ws://in.memory", { transport: pipe.client }), WebSocketError),
    ]);
    expect(refusal.status).to.equal(401);
    expect(error).to.include({ status: 401, body: "no" });
  });

  it("rejects where the client leaves before its request is whole", async () => {
    const pipe = memoryPipe();
    await Promise.all([rejection(acceptOver(pipe.server), WebSocketError), say(pipe, "GET / HT", true)]);
  });

  it("rejects with the reason of its signal", async () => {
    const controller = new AbortController();
    const pipe = memoryPipe();
    const reason = new RangeError("enough");
    const accepting = rejection(acceptOver(pipe.server, { signal: controller.signal }), RangeError);
    controller.abort(reason);
    expect(await accepting).to.equal(reason);
    const another = acceptOver(memoryPipe().server, { signal: controller.signal });
    expect(await rejection(another, RangeError)).to.equal(reason);
  });

  it("throws for what carries nothing, and for options that are wrong", async () => {
    const wrong: [source: unknown, options: unknown][] = [
      [undefined, {}],
      [{}, {}],
      [memoryPipe().server, { secure: "yes" }],
      [memoryPipe().server, { maxHeaderSize: 0 }],
      [memoryPipe().server, { host: "x" }],
    ];
    for (const [source, options] of wrong)
      await rejection(acceptOver(source as never, options as AcceptOverOptions), UsageError);
  });
});

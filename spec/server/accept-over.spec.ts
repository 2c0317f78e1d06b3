// Connections of both roles over a pipe in memory, without a socket: the same handshake, the same connection.

import { expect } from "chai";
import { TEXT } from "../../lib/codec/opcode.ts";
import { TimeoutError, UsageError, WebSocketError } from "../../lib/errors.ts";
import { RefusalError } from "../../lib/handshake/refusal.ts";
import type { AcceptOverOptions } from "../../lib/server/accept-over.ts";
import { type MemoryPipe, memoryPipe } from "../../lib/transport/memory.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { masked, opening } from "../support/raw-client.ts";
import { createConnection } from "../support/runtime.ts";
import { acceptOver } from "../support/server-runtime.ts";

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

describe("acceptOver", () => {
  cleanUp();

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

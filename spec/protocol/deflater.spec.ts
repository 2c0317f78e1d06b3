// Zlib's memory over the life of connections, however they end.

import * as zlib from "node:zlib";
import { expect } from "chai";
import { nodeZlib } from "../../lib/transport/node-zlib.ts";
import { AGREEMENT } from "../support/deflate.ts";
import { WireEnd } from "../support/wire-end.ts";

/** A zlib whose streams are counted. */
class Counted {
  opened = 0;
  closed = 0;
  readonly zlib = nodeZlib("driven", () => ({
    ...zlib,
    createDeflateRaw: (options: zlib.ZlibOptions) => this.#count(zlib.createDeflateRaw(options)),
    createInflateRaw: (options: zlib.ZlibOptions) => this.#count(zlib.createInflateRaw(options)),
  }));

  #count<Stream extends { close(): void }>(stream: Stream): Stream {
    this.opened++;
    const close = stream.close.bind(stream);
    stream.close = () => {
      this.closed++;
      close();
    };
    return stream;
  }

  end(role: "client" | "server"): WireEnd {
    const deflate = { agreement: AGREEMENT, threshold: 0, level: 6, memLevel: 8, zlib: this.zlib };
    return new WireEnd(role, { deflate, maxMessageSize: 1000 });
  }
}

type Pair = { readonly client: WireEnd; readonly server: WireEnd };

describe("Deflater and Inflater", () => {
  const lives: [title: string, streams: number, live: (pair: Pair) => void][] = [
    ["nothing is sent", 0, () => {}],
    ["what is sent is not compressed", 0, ({ client }) => client.protocol.send("Hello", false)],
    [
      "a message each way",
      4,
      ({ client, server }) => {
        client.protocol.send("Hello");
        server.protocol.receive(client.take());
        server.protocol.send("Hello");
        client.protocol.receive(server.take());
      },
    ],
    [
      "it ends within a message that comes",
      2,
      ({ client, server }) => {
        client.protocol.send("Hello");
        server.protocol.receive(client.take().slice(0, -2));
      },
    ],
    [
      "it ends within a message that is sent",
      1,
      ({ client }) => client.protocol.send(new Uint8Array(300_000)),
    ],
    ["what comes is corrupt", 1, ({ client }) => client.protocol.receive(Uint8Array.of(0xc1, 1, 7))],
    [
      "what comes is too large",
      2,
      ({ client, server }) => {
        client.protocol.send(new Uint8Array(1001));
        server.protocol.receive(client.take());
      },
    ],
    [
      "it is dropped",
      2,
      ({ client, server }) => {
        client.protocol.send("Hello");
        server.protocol.receive(client.take());
        server.protocol.drop();
      },
    ],
    [
      "it is closed",
      2,
      ({ client, server }) => {
        client.protocol.send("Hello");
        client.protocol.close();
        server.protocol.receive(client.take());
        client.protocol.receive(server.take());
      },
    ],
  ];
  for (const [title, streams, live] of lives) {
    it(`open ${streams} streams of zlib, and close them, where ${title}`, () => {
      const counted = new Counted();
      // What the runtime's zlib is tried with.
      counted.zlib.deflate(15, 6, 8);
      const pair = { client: counted.end("client"), server: counted.end("server") };
      const before = counted.opened;
      live(pair);
      for (const end of Object.values(pair)) end.protocol.receiveEnd();
      expect(counted.opened - before).to.equal(streams);
      expect(counted.closed).to.equal(counted.opened);
      for (const end of Object.values(pair)) end.settle();
      expect(counted.closed).to.equal(counted.opened);
    });
  }

  it("leave nothing behind after 10,000 connections", () => {
    const counted = new Counted();
    for (let i = 0; i < 5000; i++) {
      const [client, server] = [counted.end("client"), counted.end("server")];
      client.protocol.send(`Hello ${i}`);
      server.protocol.receive(client.take());
      server.protocol.send(`Hello ${i}`);
      client.protocol.receive(server.take());
      expect(client.messages).to.deep.equal([`Hello ${i}`]);
      client.protocol.receiveEnd();
      server.protocol.receiveEnd();
    }
    expect(counted.opened).to.equal(20_000);
    expect(counted.closed).to.equal(20_000);
  });

  it("keep the context of many connections at work, with the memory of a few", () => {
    const counted = new Counted();
    const pairs = Array.from({ length: 300 }, () => ({
      client: counted.end("client"),
      server: counted.end("server"),
    }));
    const sizes: number[] = [];
    for (let round = 0; round < 4; round++) {
      let size = 0;
      for (const [i, { client, server }] of pairs.entries()) {
        const text = `${i} of those that have come ${"again and again".slice(round)} ${i * 7919}`;
        client.protocol.send(text);
        client.protocol.send("plain", false);
        const bytes = client.take();
        size += bytes.length;
        server.protocol.receive(bytes);
        expect(server.messages.splice(0)).to.deep.equal([text, "plain"]);
      }
      sizes.push(size);
    }
    expect(counted.opened - counted.closed).to.be.at.most(64 + 256);
    expect(counted.closed).to.be.at.least(300);
    // Deno cannot fill the window of a compressor.
    if (!("Deno" in globalThis)) expect(sizes[3]).to.be.below((sizes[0] as number) / 1.5);
    for (const { client, server } of pairs) {
      client.protocol.receiveEnd();
      server.protocol.receiveEnd();
    }
    expect(counted.closed).to.equal(counted.opened);
  });
});

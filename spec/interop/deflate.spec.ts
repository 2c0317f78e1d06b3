// Compression against npm's ws as the server: every window and takeover, both ways, hundreds of messages each.

import { once } from "node:events";
import { expect } from "chai";
import type { RawData, WebSocket, PerMessageDeflateOptions as WsDeflateOptions } from "ws";
import type { Connection } from "../../lib/client/connection.ts";
import type { PerMessageDeflateOptions } from "../../lib/client/deflate-option.ts";
import { cleanUp } from "../support/clean-up.ts";
import { Queue } from "../support/queue.ts";
import { createConnection, WebSocketApp } from "../support/runtime.ts";
import { type WsServer, wsServer } from "../support/ws-server.ts";

const MIB = 1024 * 1024;

/** Texts and bytes of many sizes, some of which are like others, and some like nothing. */
function* messages(count: number, seed: number): Generator<string | Buffer> {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const words = ["tick", "price", "\u20acuro", "volume", "side", "buy", "sell", "\u{1f600}", "at", "id"];
  for (let i = 0; i < count; i++) {
    const size = Math.floor(next() ** 4 * 20_000);
    if (i % 5 === 4) {
      yield Buffer.from(Array.from({ length: size }, () => (i % 2 === 0 ? next() * 256 : next() * 4)));
      continue;
    }
    let text = "";
    while (text.length < size)
      text += `{"${words[Math.floor(next() * words.length)]}":${Math.floor(next() * 1e6)}}`;
    yield text;
  }
}

function isSame(one: unknown, other: string | Buffer): boolean {
  return typeof other === "string" ? one === other : Buffer.compare(one as Uint8Array, other) === 0;
}

interface Link {
  readonly ws: Connection;
  readonly peer: WebSocket;
  readonly received: Queue<string | Buffer>;
}

describe("interop with ws: compression", () => {
  const use = cleanUp();

  const connect = async (
    server: WsServer,
    perMessageDeflate: boolean | PerMessageDeflateOptions,
  ): Promise<Link> => {
    const [ws, peer] = await Promise.all([
      createConnection(server.url, { ...server.options, perMessageDeflate }),
      server.connections.next(),
    ]);
    const received = new Queue<string | Buffer>();
    peer.on("message", (data: RawData, isBinary: boolean) =>
      received.push(isBinary ? (data as Buffer) : String(data)),
    );
    return { ws, peer, received };
  };

  /** Sends to both sides at once, and sees to it that all of it arrives. */
  const exchange = async ({ ws, peer, received }: Link, count: number, seed: number): Promise<void> => {
    const ours = [...messages(count, seed)];
    const theirs = [...messages(count, seed + 1)];
    for (const [i, message] of ours.entries()) {
      void ws.send(message);
      peer.send(theirs[i] as string | Buffer);
      if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const message of theirs) expect(isSame(await ws.recv(), message), "what ws sent").to.equal(true);
    for (const message of ours) expect(isSame(await received.next(), message), "what ws got").to.equal(true);
  };

  const takeovers: [
    name: string,
    options: { serverNoContextTakeover?: true; clientNoContextTakeover?: true },
  ][] = [
    ["context on both sides", {}],
    ["none at the server", { serverNoContextTakeover: true }],
    ["none at the client", { clientNoContextTakeover: true }],
    ["none at all", { serverNoContextTakeover: true, clientNoContextTakeover: true }],
  ];
  for (let bits = 9; bits <= 15; bits++) {
    for (const [name, takeover] of takeovers) {
      it(`windows of 2^${bits}, ${name}: 300 messages each way`, async () => {
        const windows = { serverMaxWindowBits: bits, clientMaxWindowBits: bits };
        const server = use(
          await wsServer("TCP", { perMessageDeflate: { ...takeover, ...windows, threshold: 0 } }),
        );
        const link = await connect(server, { ...takeover, ...windows, threshold: 0 });
        const { extensions } = link.ws;
        expect(extensions.includes("server_no_context_takeover")).to.equal(
          "serverNoContextTakeover" in takeover,
        );
        expect(extensions.includes("client_no_context_takeover")).to.equal(
          "clientNoContextTakeover" in takeover,
        );
        if (bits < 15) {
          expect(extensions)
            .to.include(`server_max_window_bits=${bits}`)
            .and.include(`client_max_window_bits=${bits}`);
        }
        await exchange(link, 300, bits);
        await link.ws.close();
      });
    }
  }

  const terms: [title: string, server: WsDeflateOptions, client: true | PerMessageDeflateOptions][] = [
    ["a small window at the server alone", { serverMaxWindowBits: 9 }, true],
    ["a small window at the client alone, which the server asks for", { clientMaxWindowBits: 9 }, true],
    ["different windows", { serverMaxWindowBits: 10 }, { clientMaxWindowBits: 13 }],
    ["what the client asks for", {}, { serverMaxWindowBits: 9, serverNoContextTakeover: true }],
    ["the best compression", { zlibDeflateOptions: { level: 9, memLevel: 9 } }, { level: 9, memLevel: 9 }],
    ["the least compression", { zlibDeflateOptions: { level: 1, memLevel: 1 } }, { level: 1, memLevel: 1 }],
    ["no compression within compressed messages", { zlibDeflateOptions: { level: 0 } }, { level: 0 }],
    ["thresholds", { threshold: 1000 }, { threshold: 1000 }],
  ];
  for (const [title, serverOptions, clientOptions] of terms) {
    it(`${title}: 300 messages each way`, async () => {
      const server = use(await wsServer("TCP", { perMessageDeflate: { threshold: 0, ...serverOptions } }));
      const link = await connect(server, clientOptions);
      await exchange(link, 300, 77);
      await link.ws.close();
    });
  }

  for (const stream of ["TLS", "Unix"] as const) {
    it(`over ${stream}: 300 messages each way`, async () => {
      const link = await connect(use(await wsServer(stream, { perMessageDeflate: { threshold: 0 } })), true);
      expect(link.ws.extensions).to.equal("permessage-deflate");
      await exchange(link, 300, 99);
      await link.ws.close();
    });
  }

  it("large messages each way, in order with small ones, in each of the ways to receive", async () => {
    const server = use(await wsServer("TCP", { perMessageDeflate: { threshold: 0 } }));
    const { ws, peer, received } = await connect(server, true);
    const text = [...messages(400, 5)].filter((message) => typeof message === "string").join("");
    const large = text.repeat(Math.ceil((6 * MIB) / text.length));
    const noise = Buffer.from([...messages(5, 8)].map(String).join("")).fill(
      Buffer.from(large.slice(0, MIB)),
      0,
    );
    for (const message of [large, "small", noise, large]) void ws.send(message);
    for (const message of [large, "small", noise, large]) {
      expect(isSame(await received.next(), message)).to.equal(true);
    }
    for (const message of [large, "small", large]) peer.send(message);
    expect((await ws.recv()) === large).to.equal(true);
    expect(await ws.recv()).to.equal("small");
    let streamed = "";
    let pieces = 0;
    for await (const piece of await ws.recvStream()) {
      streamed += piece;
      pieces++;
    }
    expect(streamed === large).to.equal(true);
    expect(pieces).to.be.at.least(20);
    await ws.close();
  });

  it("fragments of ours, and of ws", async () => {
    const server = use(await wsServer("TCP", { perMessageDeflate: { threshold: 0 } }));
    const { ws, peer, received } = await connect(server, true);
    const pieces = ["one, ", "", "one, two, ", "\u{1f600}".repeat(1000), "one, two"];
    await ws.sendStream(pieces);
    expect(await received.next()).to.equal(pieces.join(""));
    await ws.sendStream(pieces, { compress: false });
    expect(await received.next()).to.equal(pieces.join(""));
    for (const [i, piece] of pieces.entries()) peer.send(piece, { fin: i === pieces.length - 1 });
    expect(await ws.recv()).to.equal(pieces.join(""));
    await ws.close();
  });

  it("frames for an app that wants them", async () => {
    const server = use(await wsServer("TCP", { perMessageDeflate: { threshold: 0 } }));
    const chunks: [data: unknown, fin: boolean][] = [];
    const whole = new Queue<unknown>();
    const app = new WebSocketApp(server.url, {
      perMessageDeflate: true,
      onContMessage: (_, data, fin) => void chunks.push([data, fin]),
      onMessage: (_, data) => whole.push(data),
    });
    const run = app.runForever();
    const peer = await server.connections.next();
    for (const [i, piece] of ["one, ", "one, two, ", "three"].entries()) peer.send(piece, { fin: i === 2 });
    peer.send("after");
    while ((await whole.next()) !== "after");
    expect(chunks.map(([data]) => data).join("")).to.equal("one, one, two, three");
    expect(chunks.map(([, fin]) => fin)).to.deep.equal([false, false, true]);
    app.close();
    await run;
  });

  it("pings while a large message is sent and received", async () => {
    const server = use(await wsServer("TCP", { perMessageDeflate: { threshold: 0 } }));
    const { ws, peer, received } = await connect(server, true);
    const large = Buffer.from([...messages(300, 6)].join("").repeat(10));
    const [sent, arrived] = [ws.send(large), ws.recv()];
    peer.send(large);
    const ponged = once(peer, "pong");
    peer.ping("there?");
    expect(await ws.ping()).to.be.at.least(0);
    await Promise.all([sent, ponged]);
    expect(isSame(await arrived, large)).to.equal(true);
    expect(isSame(await received.next(), large)).to.equal(true);
    await ws.close();
  });

  it("no compression, where the server does not want it, or we do not", async () => {
    const without = use(await wsServer("TCP", { perMessageDeflate: false }));
    const link = await connect(without, true);
    expect(link.ws.extensions).to.equal("");
    await exchange(link, 50, 3);
    await link.ws.close();
    const willing = use(await wsServer("TCP", { perMessageDeflate: true }));
    const other = await connect(willing, false);
    expect([other.ws.extensions, other.peer.extensions]).to.deep.equal(["", ""]);
    await exchange(other, 50, 3);
    await other.ws.close();
  });
});

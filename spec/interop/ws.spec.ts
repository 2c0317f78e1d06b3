// Against npm's ws as the server, the same behaviour over TCP, TLS and a Unix socket.

import { once } from "node:events";
import { expect } from "chai";
import type { RawData, WebSocket } from "ws";
import type { Connection } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { cleanUp } from "../support/clean-up.ts";
import { Queue } from "../support/queue.ts";
import { createConnection } from "../support/runtime.ts";
import { STREAMS, wsServer } from "../support/ws-server.ts";

interface Link {
  readonly ws: Connection;
  readonly peer: WebSocket;
  /** What the server gets. */
  readonly messages: Queue<string | Buffer>;
}

const MIB = 1024 * 1024;

/** Bytes in which a lost, doubled or swapped part would show. */
function pattern(length: number): Buffer {
  const words = new Uint32Array(length / 4);
  for (let i = 0; i < words.length; i++) words[i] = i * 2654435761;
  return Buffer.from(words.buffer);
}

/** There and back again; compared as bytes, as a difference of millions of them is nothing to print. */
async function echoes(link: Link, message: string | Buffer): Promise<void> {
  await link.ws.send(message);
  const arrived = await link.messages.next();
  expect(typeof arrived).to.equal(typeof message);
  expect(Buffer.from(arrived as Buffer).equals(Buffer.from(message as Buffer)), "at the server").to.equal(
    true,
  );
  link.peer.send(arrived);
  const back = await link.ws.recv();
  expect(typeof back).to.equal(typeof message);
  expect(Buffer.from(back as Uint8Array).equals(Buffer.from(message as Buffer)), "back again").to.equal(true);
}

const behaviours: [title: string, run: (link: Link) => Promise<void>][] = [
  ["text", (link) => echoes(link, "Hello, Server")],
  ["text of every width in UTF-8", (link) => echoes(link, "a\u00e9\u20ac\u{1f600}\ufffd\0".repeat(100))],
  ["an empty text", (link) => echoes(link, "")],
  ["binary", (link) => echoes(link, Buffer.from([0, 1, 127, 128, 254, 255]))],
  ["an empty binary", (link) => echoes(link, Buffer.alloc(0))],
  ["1 MiB", (link) => echoes(link, pattern(MIB))],
  ["1 MiB of text", (link) => echoes(link, "0123456789abcde\n".repeat(MIB / 16))],
  ["16 MiB", (link) => echoes(link, pattern(16 * MIB))],
  [
    "fragments of ours",
    async ({ ws, messages }) => {
      await ws.sendStream(["one, ", "", "two, ", "thr\u00e9\u00e9"]);
      expect(await messages.next()).to.equal("one, two, thr\u00e9\u00e9");
    },
  ],
  [
    "fragments of the server's",
    async ({ ws, peer }) => {
      for (const piece of ["one, ", "", "two, "]) peer.send(piece, { fin: false });
      peer.send("thr\u00e9\u00e9", { fin: true });
      expect(await ws.recv()).to.equal("one, two, thr\u00e9\u00e9");
    },
  ],
  [
    "pings of ours",
    async ({ ws, peer }) => {
      const pinged = once(peer, "ping") as Promise<[Buffer]>;
      expect(await ws.ping("are you there?")).to.be.at.least(0);
      expect((await pinged)[0].toString()).to.equal("are you there?");
      expect(ws.latency).to.be.at.least(0);
    },
  ],
  [
    "pings of the server's",
    async ({ peer }) => {
      const ponged = once(peer, "pong") as Promise<[Buffer]>;
      peer.ping("are you there?");
      expect((await ponged)[0].toString()).to.equal("are you there?");
    },
  ],
  [
    "a close from our side",
    async ({ ws, peer }) => {
      const closed = once(peer, "close") as Promise<[number, Buffer]>;
      const info = await ws.close(4001, "enough \u20ac");
      expect(info).to.include({ code: 4001, reason: "enough \u20ac", wasClean: true });
      const [code, reason] = await closed;
      expect([code, reason.toString()]).to.deep.equal([4001, "enough \u20ac"]);
    },
  ],
  [
    "a close from the server's side",
    async ({ ws, peer }) => {
      const closed = once(peer, "close") as Promise<[number, Buffer]>;
      peer.close(4002, "go away");
      const info = await ws.closed;
      expect(info).to.deep.equal({
        code: 4002,
        reason: "go away",
        wasClean: true,
        sent: { code: 4002, reason: "go away" },
        received: { code: 4002, reason: "go away" },
      });
      expect((await closed)[0]).to.equal(4002);
    },
  ],
  [
    "a close without a code",
    async ({ ws, peer }) => {
      peer.close();
      expect(await ws.closed).to.include({ code: 1005, reason: "", wasClean: true });
    },
  ],
  [
    "a terminate on our side",
    async ({ ws, peer }) => {
      const closed = once(peer, "close") as Promise<[number, Buffer]>;
      ws.terminate();
      expect(await ws.closed).to.include({ code: 1006, wasClean: false });
      expect((await closed)[0]).to.equal(1006);
    },
  ],
  [
    "a terminate on the server's side",
    async ({ ws, peer }) => {
      peer.terminate();
      const info = await ws.closed;
      expect(info).to.include({ code: 1006, wasClean: false });
      expect(info.error?.code).to.equal("ERR_WS_TRANSPORT");
    },
  ],
  [
    "a burst of 1,000 messages each way, in order",
    async ({ ws, peer, messages }) => {
      const sent = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? `message ${i}` : pattern(4 * i)));
      for (const message of sent) peer.send(message);
      await Promise.all(sent.map((message) => ws.send(message)));
      expect(await messages.take(1000)).to.deep.equal(sent);
      for (const message of sent) {
        const arrived = await ws.recv();
        expect(typeof arrived === "string" ? arrived : Buffer.from(arrived)).to.deep.equal(message);
      }
    },
  ],
];

describe("interop with ws", () => {
  const use = cleanUp();

  for (const stream of STREAMS) {
    describe(`over ${stream}`, () => {
      const connect = async (
        serverOptions: Parameters<typeof wsServer>[1] = {},
        options: ConnectionOptions = {},
      ): Promise<Link> => {
        const server = use(await wsServer(stream, serverOptions));
        const [ws, peer] = await Promise.all([
          createConnection(server.url, { ...server.options, ...options }),
          server.connections.next(),
        ]);
        const messages = new Queue<string | Buffer>();
        peer.on("message", (data: RawData, isBinary: boolean) =>
          messages.push(isBinary ? (data as Buffer) : String(data)),
        );
        return { ws, peer, messages };
      };

      for (const [title, run] of behaviours) it(title, async () => run(await connect()));

      it("a subprotocol", async () => {
        const handleProtocols = (offered: Set<string>) => [...offered].at(-1) ?? false;
        const { ws, peer } = await connect({ handleProtocols }, { protocols: ["chat", "Chat.2"] });
        expect([ws.protocol, peer.protocol]).to.deep.equal(["Chat.2", "Chat.2"]);
        expect(ws.response.headers.get("sec-websocket-protocol")).to.equal("Chat.2");
      });

      it("what the connection says of itself", async () => {
        const { ws } = await connect();
        expect(ws.secure).to.equal(stream === "TLS");
        expect(ws.extensions).to.equal("");
        expect(ws.response.status).to.equal(101);
        const addresses = [ws.localAddress, ws.remoteAddress];
        if (stream === "Unix") expect(addresses).to.deep.equal([undefined, undefined]);
        else for (const address of addresses) expect(address).to.match(/^127\.0\.0\.1:\d+$/);
      });
    });
  }
});

// Our server for the clients of others: npm's ws, the runtime's own WebSocket where it has one, and ours, each over the streams
// that it knows.

import { expect } from "chai";
import type { RawData } from "ws";
import type { Message } from "../../lib/protocol/assembler.ts";
import type { AcceptOptions } from "../../lib/server/accept-options.ts";
import type { AcceptedConnection } from "../../lib/server/accepted-connection.ts";
import { type AcceptingServer, acceptingServer } from "../support/accepting-server.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp, type Use } from "../support/clean-up.ts";
import { npmWs } from "../support/npm-ws-client.ts";
import { Queue } from "../support/queue.ts";
import { createConnection } from "../support/runtime.ts";
import { STREAMS, type Stream } from "../support/ws-server.ts";

/** A client of any kind. */
interface Client {
  readonly protocol: string;
  send(message: Message): void;
  close(code?: number, reason?: string): void;
  /** As far as it can; undefined where it cannot. */
  readonly ping?: (data: string) => Promise<string>;
  readonly fragments?: (pieces: string[]) => void;
  readonly terminate?: () => void;
  /** Strings and bytes. */
  readonly messages: Queue<Message>;
  readonly closed: Promise<{ code: number; reason: string }>;
}

interface Kind {
  readonly title: string;
  readonly streams: readonly Stream[];
  /** `compress`: whether it offers permessage-deflate, where it can be told. */
  open(use: Use, server: AcceptingServer, protocols: string[], compress: boolean): Promise<Client>;
}

const ours: Kind = {
  title: "isosocket",
  streams: STREAMS,
  async open(_use, server, protocols, perMessageDeflate) {
    const ws = await createConnection(server.url, { ...server.options, protocols, perMessageDeflate });
    const messages = new Queue<Message>();
    const read = async () => {
      for (;;) messages.push(await ws.recv());
    };
    read().catch(() => {});
    return {
      protocol: ws.protocol,
      send: (message) => void ws.send(message),
      close: (code, reason) => void ws.close(code, reason),
      async ping(data) {
        await ws.ping(data);
        return data;
      },
      fragments: (pieces) => void ws.sendStream(pieces),
      terminate: () => ws.terminate(),
      messages,
      closed: ws.closed,
    };
  },
};

const npm: Kind = {
  title: "npm's ws",
  streams: STREAMS,
  async open(use, server, protocols, perMessageDeflate) {
    const ws = npmWs(server.url, protocols, { ca: certificates().ca, perMessageDeflate });
    use({ close: () => ws.terminate() });
    const messages = new Queue<Message>();
    ws.on("message", (data: RawData, isBinary: boolean) =>
      messages.push(isBinary ? new Uint8Array(data as Buffer) : String(data)),
    );
    const closed = new Promise<{ code: number; reason: string }>((resolve) =>
      ws.on("close", (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    await new Promise((resolve, reject) => ws.on("open", resolve).on("error", reject));
    return {
      protocol: ws.protocol,
      send: (message) => ws.send(message),
      close: (code, reason) => ws.close(code, reason),
      ping: (data) =>
        new Promise((resolve) => {
          ws.once("pong", (payload) => resolve(payload.toString()));
          ws.ping(data);
        }),
      fragments: (pieces) =>
        pieces.forEach((piece, i) => void ws.send(piece, { fin: i === pieces.length - 1 })),
      terminate: () => ws.terminate(),
      messages,
      closed,
    };
  },
};

interface Native {
  binaryType: string;
  readonly protocol: string;
  send(message: Message): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: never) => void): void;
}

type NativeClass = new (url: string, protocols: string[]) => Native;

const { WebSocket: NativeWebSocket } = globalThis as { WebSocket?: NativeClass };

const native = (WebSocketClass: NativeClass): Kind => ({
  title: "the runtime's own",
  streams: ["TCP"], // of TLS it has no way to know our authority
  async open(_use, server, protocols) {
    const ws = new WebSocketClass(server.url, protocols);
    ws.binaryType = "arraybuffer";
    const messages = new Queue<Message>();
    ws.addEventListener("message", ({ data }: { data: string | ArrayBuffer }) =>
      messages.push(typeof data === "string" ? data : new Uint8Array(data)),
    );
    const closed = new Promise<{ code: number; reason: string }>((resolve) =>
      ws.addEventListener("close", ({ code, reason }: { code: number; reason: string }) =>
        resolve({ code, reason }),
      ),
    );
    await new Promise((resolve) => ws.addEventListener("open", resolve));
    return {
      protocol: ws.protocol,
      send: (message) => ws.send(message),
      close: (code, reason) => ws.close(code, reason),
      messages,
      closed,
    };
  },
});

const KINDS: readonly Kind[] = [
  ours,
  npm,
  ...(NativeWebSocket === undefined ? [] : [native(NativeWebSocket)]),
];

interface Link {
  readonly ws: AcceptedConnection;
  readonly client: Client;
}

const MIB = 1024 * 1024;

/** Bytes in which a lost, doubled or swapped part would show. */
function pattern(length: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  for (let i = 0; i < words.length; i++) words[i] = i * 2654435761;
  return new Uint8Array(words.buffer);
}

function isSame(one: Message, other: Message): boolean {
  return (
    typeof one === typeof other &&
    Buffer.compare(Buffer.from(one as string), Buffer.from(other as string)) === 0
  );
}

/** There and back again. */
async function echoes({ ws, client }: Link, message: Message): Promise<void> {
  client.send(message);
  const arrived = await ws.recv();
  expect(isSame(arrived, message), "at the server").to.equal(true);
  void ws.send(arrived);
  expect(isSame(await client.messages.next(), message), "back again").to.equal(true);
}

const messages: [title: string, message: Message][] = [
  ["text", "Hello, Client"],
  ["text of every width in UTF-8", "a\u00e9\u20ac\u{1f600}\ufffd\0".repeat(100)],
  ["an empty text", ""],
  ["binary", Uint8Array.of(0, 1, 127, 128, 254, 255)],
  ["an empty binary", new Uint8Array(0)],
  ["1 MiB", pattern(MIB)],
  ["1 MiB of text", "0123456789abcde\n".repeat(MIB / 16)],
  ["16 MiB", pattern(16 * MIB)],
];

describe("our server", () => {
  const use = cleanUp();

  for (const kind of KINDS) {
    for (const stream of kind.streams) {
      for (const compress of [false, true]) {
        describe(`for ${kind.title} over ${stream}${compress ? ", with compression" : ""}`, () => {
          const connect = async (options: AcceptOptions = {}, protocols: string[] = []): Promise<Link> => {
            const server = await acceptingServer(use, { perMessageDeflate: compress, ...options }, stream);
            const [client, ws] = await Promise.all([
              kind.open(use, server, protocols, compress),
              server.accepted.next(),
            ]);
            return { ws, client };
          };

          for (const [title, message] of messages)
            it(title, async () => {
              await echoes(await connect(), message);
            });

          it("a burst of 1,000 messages each way, in order", async () => {
            const { ws, client } = await connect();
            const sent = Array.from({ length: 1000 }, (_, i) =>
              i % 2 === 0 ? `message ${i}` : pattern(4 * i),
            );
            for (const message of sent) {
              client.send(message);
              void ws.send(message);
            }
            for (const message of sent) {
              expect(isSame(await ws.recv(), message)).to.equal(true);
              expect(isSame(await client.messages.next(), message)).to.equal(true);
            }
          });

          it("fragments of the server's", async () => {
            const { ws, client } = await connect();
            await ws.sendStream(["one, ", "", "two, ", "thr\u00e9\u00e9"]);
            expect(await client.messages.next()).to.equal("one, two, thr\u00e9\u00e9");
          });

          it("pings of the server's", async () => {
            const { ws } = await connect();
            expect(await ws.ping("are you there?")).to.be.at.least(0);
          });

          it("a subprotocol", async () => {
            const { ws, client } = await connect({ protocols: ["b", "a"] }, ["a", "b"]);
            expect([ws.protocol, client.protocol]).to.deep.equal(["b", "b"]);
          });

          it("a close of the client's", async () => {
            const { ws, client } = await connect();
            client.close(4001, "enough \u20ac");
            expect(await ws.closed).to.deep.include({ code: 4001, reason: "enough \u20ac", wasClean: true });
            expect(await client.closed).to.deep.include({ code: 4001, reason: "enough \u20ac" });
          });

          it("a close of the client's without a code", async () => {
            const { ws, client } = await connect();
            client.close();
            const { code, wasClean } = await ws.closed;
            expect(code).to.be.oneOf([1000, 1005]); // as the client has it
            expect(wasClean).to.equal(true);
          });

          it("a close of the server's, behind what it sent", async () => {
            const { ws, client } = await connect();
            void ws.send("last");
            const closed = ws.close(4002, "go away");
            expect(await client.messages.next()).to.equal("last");
            expect(await client.closed).to.deep.include({ code: 4002, reason: "go away" });
            expect(await closed).to.deep.include({ wasClean: true, sent: { code: 4002, reason: "go away" } });
          });

          it("a close of the server's for a message that is too large", async () => {
            const { ws, client } = await connect({ maxMessageSize: 1000 });
            client.send("x".repeat(1001));
            expect((await client.closed).code).to.equal(1009);
            expect((await ws.closed).error).to.include({ code: "ERR_WS_MESSAGE_TOO_BIG" });
          });

          it("a terminate of the server's", async () => {
            const { ws, client } = await connect();
            ws.terminate();
            expect((await client.closed).code).to.be.oneOf([1006, 0]); // 0 is what Deno says
          });

          it("what only some clients can: pings, fragments, a terminate", async () => {
            const { ws, client } = await connect();
            if (client.ping !== undefined) expect(await client.ping("hi")).to.equal("hi");
            client.fragments?.(["one, ", "", "two"]);
            if (client.fragments !== undefined) expect(await ws.recv()).to.equal("one, two");
            if (client.terminate === undefined) client.close();
            else client.terminate();
            expect(await ws.closed).to.include({ wasClean: client.terminate === undefined });
          });
        });
      }
    }
  }
});

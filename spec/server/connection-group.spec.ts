// Connections that belong together, on real sockets: who is in, what all are sent, in which order and at what cost, and what
// becomes of those that do not keep up.

import { expect } from "chai";
import type { Connection } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { CLOSE, CONTINUATION } from "../../lib/codec/opcode.ts";
import { UsageError } from "../../lib/errors.ts";
import type { AcceptOptions } from "../../lib/server/accept-options.ts";
import type { AcceptedConnection } from "../../lib/server/accepted-connection.ts";
import { ConnectionGroup, type GroupOptions } from "../../lib/server/connection-group.ts";
import { type AcceptingServer, acceptedPair, acceptingServer } from "../support/accepting-server.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { retainedBytes } from "../support/growth.ts";
import { utf8 } from "../support/hex.ts";
import { masked, opening, rawClient } from "../support/raw-client.ts";
import { rawServer } from "../support/raw-server.ts";
import { createConnection } from "../support/runtime.ts";

const MIB = 1024 * 1024;

interface Member {
  readonly client: Connection;
  readonly ws: AcceptedConnection;
}

describe("ConnectionGroup", () => {
  const use = cleanUp();

  const join = async (
    server: AcceptingServer,
    group: ConnectionGroup,
    options: ConnectionOptions = {},
  ): Promise<Member> => {
    const [client, ws] = await Promise.all([
      createConnection(server.url, { ...server.options, ...options }),
      server.accepted.next(),
    ]);
    group.add(ws);
    return { client, ws };
  };

  const members = async (
    count: number,
    given: { group?: GroupOptions; accept?: AcceptOptions; client?: ConnectionOptions } = {},
  ) => {
    const server = await acceptingServer(use, given.accept);
    const group = new ConnectionGroup(given.group);
    const all: Member[] = [];
    for (let i = 0; i < count; i++) all.push(await join(server, group, given.client));
    return { server, group, all };
  };

  describe("is a set", () => {
    it("of connections in the order in which they came", async () => {
      const { group, all } = await members(3);
      expect(group.size).to.equal(3);
      expect([...group]).to.deep.equal(all.map(({ ws }) => ws));
      const [first, second] = all as [Member, Member];
      expect(group.add(first.ws).size).to.equal(3);
      expect([group.has(second.ws), group.delete(second.ws), group.delete(second.ws)]).to.deep.equal([
        true,
        true,
        false,
      ]);
      expect([group.has(second.ws), group.size, second.ws.state]).to.deep.equal([false, 2, "open"]);
      group.add(second.ws);
      expect([...group].at(-1)).to.equal(second.ws);
    });

    it("that they leave when they close, however that is", async () => {
      const { group, all } = await members(4);
      const [a, b, c, d] = all as [Member, Member, Member, Member];
      await Promise.all([a.ws.closed, a.client.close()]);
      b.ws.terminate();
      c.client.terminate();
      await Promise.all([b.ws.closed, c.ws.closed]);
      await nextTurn();
      expect([...group]).to.deep.equal([d.ws]);
    });

    it("and does not take one that is closed, or closing", async () => {
      const { group, all } = await members(2);
      const [a, b] = all as [Member, Member];
      group.delete(a.ws);
      const closed = a.ws.close();
      expect(group.add(a.ws).has(a.ws)).to.equal(false);
      await closed;
      expect(group.add(a.ws).has(a.ws)).to.equal(false);
      expect([...group]).to.deep.equal([b.ws]);
    });

    it("of what may come and go as often as it likes", async () => {
      const { ws } = await acceptedPair(use);
      const group = new ConnectionGroup();
      const grown = retainedBytes(() => {
        for (let i = 0; i < 20_000; i++) group.add(ws).delete(ws);
        return group;
      });
      expect(grown).to.be.below(256 * 1024);
    });

    it("also of clients, whose frames are masked each for itself", async () => {
      const { url, accepted } = await rawServer(use);
      const group = new ConnectionGroup<Connection>();
      for (let i = 0; i < 2; i++) group.add(await createConnection(url));
      expect(group.broadcast("to all servers")).to.equal(2);
      for (const server of await accepted.take(2)) expect(await server.text()).to.equal("to all servers");
      for (const ws of group) ws.terminate();
    });
  });

  describe("broadcast", () => {
    it("sends a message to all, of any kind and size, in order with what else they are sent", async () => {
      const { group, all } = await members(3);
      const sent = [
        "one",
        Uint8Array.of(1, 2, 3),
        "",
        "large \u20ac".repeat(10_000),
        new Uint8Array(3 * MIB),
        "end",
      ];
      for (const [i, message] of sent.entries()) {
        for (const { ws } of all) void ws.send(`before ${i}`);
        expect(group.broadcast(message)).to.equal(3);
        for (const { ws } of all) void ws.send(`after ${i}`);
      }
      for (const { client } of all) {
        for (const [i, message] of sent.entries()) {
          expect(await client.recv()).to.equal(`before ${i}`);
          const came = await client.recv();
          expect(
            Buffer.compare(Buffer.from(came as Uint8Array), Buffer.from(message as Uint8Array)),
          ).to.equal(0);
          expect(typeof came).to.equal(typeof message);
          expect(await client.recv()).to.equal(`after ${i}`);
        }
      }
    });

    it("takes every kind of bytes, which may be changed at once", async () => {
      const { group, all } = await members(2);
      const large = new Uint8Array(100_000).fill(1);
      const kinds = [
        large,
        large.buffer,
        new DataView(large.buffer, 1, 5),
        new Uint16Array(large.buffer, 0, 3),
      ];
      for (const bytes of kinds) group.broadcast(bytes);
      large.fill(9);
      for (const { client } of all) {
        for (const { byteLength } of kinds)
          expect(await client.recv()).to.deep.equal(new Uint8Array(byteLength).fill(1));
      }
    });

    it("leaves out who is excepted, and who is closing", async () => {
      const { group, all } = await members(3);
      const [a, b, c] = all as [Member, Member, Member];
      void b.ws.close();
      expect(group.broadcast("to c", { except: a.ws })).to.equal(1);
      expect(group.broadcast("to all")).to.equal(2);
      expect([await c.client.recv(), await c.client.recv()]).to.deep.equal(["to c", "to all"]);
      expect(await a.client.recv()).to.equal("to all");
    });

    it("of nobody is nothing", () => {
      expect(new ConnectionGroup().broadcast("hello")).to.equal(0);
    });

    it("goes behind a Blob that is sent by itself, and behind plain memory", async () => {
      const { group, all } = await members(1);
      const [{ client, ws }] = all as [Member];
      void ws.send(new Blob(["blob"]));
      group.broadcast("one");
      for (const expected of [utf8("blob"), "one"]) expect(await client.recv()).to.deep.equal(expected);
      await nextTurn();
      void ws.send(utf8("memory").slice().buffer);
      group.broadcast("two");
      for (const expected of [utf8("memory"), "two"]) expect(await client.recv()).to.deep.equal(expected);
    });

    it("goes behind a stream or a Blob that is being sent, and before what comes later", async () => {
      const { ws, client } = await acceptedPair(use);
      const group = new ConnectionGroup().add(ws);
      let go: () => void = () => {};
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      async function* pieces() {
        yield "a";
        await gate;
        yield "b";
      }
      void ws.sendStream(pieces());
      group.broadcast("1");
      void ws.send(new Blob(["blob"]));
      group.broadcast("2");
      void ws.send("");
      group.broadcast("3");
      await nextTurn();
      group.broadcast("4");
      go();
      const texts: string[] = [];
      for (const frame of await client.frames.take(9))
        texts.push(`${frame.opcode === CONTINUATION ? "+" : ""}${frame.payload}`);
      expect(texts).to.deep.equal(["a", "+b", "+", "1", "blob", "2", "", "3", "4"]);
    });

    it("goes behind a stream also in the moment in which that ends", async () => {
      const { ws, client } = await acceptedPair(use);
      const group = new ConnectionGroup().add(ws);
      for (let ticks = 0; ticks < 12; ticks++) {
        const done = ws.sendStream(["x"]);
        const sent: string[] = [];
        const both = (async () => {
          await done;
          for (let i = 0; i < ticks; i++) await undefined;
          for (const text of ["p", "q", "r"]) {
            if (text === "q") group.broadcast(text);
            else void ws.send(text);
            sent.push(text);
          }
        })();
        await both;
        const frames = await client.frames.take(5);
        expect(
          frames.slice(2).map(({ payload }) => payload.toString()),
          `${ticks}`,
        ).to.deep.equal(sent);
      }
    });

    it("is encoded once: large ones are the same memory for all who have not taken them", async () => {
      const server = await acceptingServer(use);
      const group = new ConnectionGroup({ maxBufferedAmount: Number.POSITIVE_INFINITY });
      for (let i = 0; i < 8; i++) {
        const client = await rawClient(use, server.place, true);
        client.write(opening());
        group.add(await server.accepted.next());
      }
      const text = "0123456789abcdef".repeat((24 * MIB) / 16);
      const grown = retainedBytes(() => {
        group.broadcast(text);
        return group;
      });
      let waiting = 0;
      for (const ws of group) waiting += ws.bufferedAmount;
      expect(waiting).to.be.above(200 * MIB);
      expect(grown).to.be.below(100 * MIB);
      for (const ws of group) ws.terminate();
    });

    it("throws for what is no message, and sends nothing", async () => {
      const { group, all } = await members(1);
      for (const data of [1, null, undefined, {}, ["a"], new Blob(["a"])])
        thrown(() => group.broadcast(data as string), UsageError);
      for (const options of [{ compress: "yes" }, { binary: true }, null])
        thrown(() => group.broadcast("x", options as object), UsageError);
      group.broadcast("then");
      expect(await all[0]?.client.recv()).to.equal("then");
    });

    describe("with compression", () => {
      const text = "tick tock ".repeat(100);

      const rows: [title: string, accept: AcceptOptions, client: ConnectionOptions][] = [
        [
          "for all at once",
          { perMessageDeflate: { serverNoContextTakeover: true } },
          { perMessageDeflate: true },
        ],
        ["for each by itself", { perMessageDeflate: true }, { perMessageDeflate: true }],
        ["for those who have it", { perMessageDeflate: true }, {}],
      ];
      for (const [title, accept, client] of rows) {
        it(`${title}, in order with what each compresses by itself`, async () => {
          const { server, group, all } = await members(2, { accept, client });
          all.push(await join(server, group));
          const sent: string[] = [];
          for (let i = 0; i < 20; i++) {
            for (const { ws } of all) void ws.send(`${text}${i}`);
            group.broadcast(`${text}to all ${i}`);
            group.broadcast(`as it is ${i} ${text}`, { compress: false });
            sent.push(`${text}${i}`, `${text}to all ${i}`, `as it is ${i} ${text}`);
          }
          for (const { client } of all)
            for (const message of sent) expect(await client.recv()).to.equal(message);
        });

        it(`${title}, behind what takes turns to compress`, async () => {
          const { group, all } = await members(2, { accept, client });
          const large = Array.from({ length: 200_000 }, (_, i) => `${(i * 7919) % 10_007}`).join();
          for (const { ws } of all) void ws.send(large);
          group.broadcast(text);
          group.broadcast(large);
          for (const { ws } of all) void ws.send("end");
          for (const { client } of all)
            for (const message of [large, text, large, "end"])
              expect((await client.recv()) === message, message.slice(0, 20)).to.equal(true);
        });
      }

      it("is on the wire as it was agreed", async () => {
        const lines = ["Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"];
        const { ws, client } = await acceptedPair(use, { perMessageDeflate: true }, { lines });
        const group = new ConnectionGroup().add(ws);
        group.broadcast(text);
        group.broadcast(text);
        group.broadcast(text, { compress: false });
        group.broadcast("short");
        const [one, two, three, four] = await client.frames.take(4);
        expect([one?.rsv1, two?.rsv1, three?.rsv1, four?.rsv1]).to.deep.equal([true, true, false, false]);
        expect(one?.payload).to.deep.equal(two?.payload);
        expect(one?.payload.length).to.be.below(50);
      });
    });

    it("is traced for each", async () => {
      const lines: string[] = [];
      const trace = { write: (line: string) => lines.push(line) };
      const { group, all } = await members(2, { accept: { trace } });
      group.broadcast("seen");
      group.broadcast("x".repeat(50_000));
      for (const { client } of all) for (let i = 0; i < 2; i++) await client.recv();
      expect(lines.filter((line) => line.startsWith("++Sent decoded:"))).to.have.length(4);
    });
  });

  describe("a member that does not keep up", () => {
    const slow = async (options: GroupOptions, closeTimeout = 50) => {
      const server = await acceptingServer(use, { closeTimeout });
      const group = new ConnectionGroup(options);
      const deaf = await rawClient(use, server.place, true);
      deaf.write(opening());
      const ws = await server.accepted.next();
      group.add(ws);
      const good = await join(server, group);
      void ws.send(new Uint8Array(32 * MIB));
      expect(ws.bufferedAmount).to.be.above(16 * MIB);
      return { group, ws, deaf, good };
    };

    it("is closed with 1013, and dropped when it does not take that", async () => {
      const { group, ws, good } = await slow({});
      expect(group.broadcast("news")).to.equal(1);
      expect(ws.state).to.equal("closing");
      expect(await good.client.recv()).to.equal("news");
      const info = await ws.closed;
      expect(info).to.deep.include({ code: 1006, wasClean: false, sent: { code: 1013, reason: "too slow" } });
      await nextTurn();
      expect([...group]).to.deep.equal([good.ws]);
    });

    it("is closed with 1013, and hears it when it catches up", async () => {
      const { group, ws, deaf } = await slow({}, 60_000);
      group.broadcast("news");
      deaf.socket.resume();
      const chunks: Buffer[] = [];
      deaf.socket.on("data", (chunk) => chunks.push(chunk));
      while (!Buffer.concat(chunks.slice(-2)).includes("too slow")) await nextTurn();
      deaf.write(masked(CLOSE, Uint8Array.of(3, 0xf5)));
      expect(await ws.closed).to.deep.include({ code: 1013, wasClean: true });
    });

    it("is dropped at once, if that is wanted", async () => {
      const { group, ws, good } = await slow({ slow: "terminate" });
      expect(group.broadcast("news")).to.equal(1);
      expect(await ws.closed)
        .to.include({ code: 1006 })
        .and.not.have.property("sent");
      expect(await good.client.recv()).to.equal("news");
    });

    it("does without the message, if that is wanted, until it has caught up", async () => {
      const { group, ws, deaf } = await slow({ slow: "skip" });
      expect(group.broadcast("missed")).to.equal(1);
      expect(ws.state).to.equal("open");
      deaf.socket.resume();
      const chunks: Buffer[] = [];
      deaf.socket.on("data", (chunk) => chunks.push(chunk));
      while (ws.bufferedAmount > 0) await nextTurn();
      expect(group.broadcast("heard")).to.equal(2);
      while (!Buffer.concat(chunks.slice(-2)).includes("heard")) await nextTurn();
      expect(Buffer.concat(chunks).includes("missed")).to.equal(false);
    });

    it("does with the latest alone, if nothing may wait", async () => {
      const { group, ws, deaf } = await slow({ slow: "skip", maxBufferedAmount: 0 });
      for (let number = 0; number < 9; number++)
        expect(group.broadcast(`missed ${number}`)).to.equal(number === 0 ? 1 : 0);
      deaf.socket.resume();
      const chunks: Buffer[] = [];
      deaf.socket.on("data", (chunk) => chunks.push(chunk));
      while ([...group].some((member) => member.bufferedAmount > 0)) await nextTurn();
      expect(ws.state).to.equal("open");
      expect(group.broadcast("latest")).to.equal(2);
      while (!Buffer.concat(chunks.slice(-2)).includes("latest")) await nextTurn();
      expect(Buffer.concat(chunks).includes("missed")).to.equal(false);
    });

    it("is measured by maxBufferedAmount", async () => {
      const { group, ws } = await slow({ maxBufferedAmount: 64 * MIB });
      expect(group.broadcast("news")).to.equal(2);
      expect(ws.state).to.equal("open");
      ws.terminate();
    });
  });

  describe("closeAll", () => {
    it("closes all with 1001, or as it is told, and fulfils when they are gone", async () => {
      const rows: [args: [number?, string?], code: number, reason: string][] = [
        [[], 1001, ""],
        [[4000, "over"], 4000, "over"],
      ];
      for (const [args, code, reason] of rows) {
        const { group, all } = await members(3);
        const infos = await group.closeAll(...args);
        expect(infos.map(({ code, reason }) => [code, reason])).to.deep.equal(Array(3).fill([code, reason]));
        for (const { client } of all) expect((await client.closed).code).to.equal(code);
        expect(group.size).to.equal(0);
      }
    });

    it("waits for nobody longer than it is told", async () => {
      const { ws } = await acceptedPair(use);
      const group = new ConnectionGroup().add(ws);
      const [info] = await group.closeAll(1001, "", { timeout: 20 });
      expect(info).to.deep.include({ code: 1006, wasClean: false });
    });

    it("is what disposing does", async () => {
      const { group, all } = await members(2);
      await group[Symbol.asyncDispose]();
      for (const { client } of all) expect((await client.closed).code).to.equal(1001);
    });

    it("rejects for a code that may not be sent", async () => {
      const { group, all } = await members(1);
      await rejection(group.closeAll(1006), UsageError);
      await rejection(new ConnectionGroup().closeAll(999), UsageError);
      await rejection(new ConnectionGroup().closeAll(1001, "", { timeuot: 1 } as object), UsageError);
      expect(all[0]?.ws.state).to.equal("open");
    });
  });

  it("throws for options that are wrong", () => {
    const wrong: unknown[] = [
      { slow: "wait" },
      { maxBufferedAmount: -1 },
      { maxBufferedAmount: "1" },
      { max: 1 },
      null,
    ];
    for (const options of wrong) thrown(() => new ConnectionGroup(options as GroupOptions), UsageError);
  });
});

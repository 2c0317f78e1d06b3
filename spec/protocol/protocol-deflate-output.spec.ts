// Compressed messages that go out: what an independent inflater reads in them, in what order they leave, and how much is done
// between two turns of the loop. And both ends of a connection together: everything that is sent arrives, and a peer that
// sends bombs does not stop the loop.

import { inflateRawSync } from "node:zlib";
import { expect } from "chai";
import fc from "fast-check";
import type { Role } from "../../lib/codec/frame-decoder.ts";
import { BINARY, CLOSE, CONTINUATION, PING, TEXT } from "../../lib/codec/opcode.ts";
import { UsageError } from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { ROLES } from "../support/both-roles.ts";
import { AGREEMENT, deflating, packed, WAYS } from "../support/deflate.ts";
import { thrown } from "../support/failure.ts";
import { toHex, utf8 } from "../support/hex.ts";
import { WireEnd, type WireFrame } from "../support/wire-end.ts";

const KIB = 1024;
const TAIL = Uint8Array.of(0, 0, 0xff, 0xff);

/** What one inflater reads in the compressed messages among the frames, with a context from one to the next. */
function inflated(frames: readonly WireFrame[]): Buffer {
  const stream: Uint8Array[] = [];
  let isCompressed = false;
  for (const { opcode, rsv1, payload, fin } of frames) {
    if (opcode >= CLOSE) continue;
    if (opcode !== CONTINUATION) isCompressed = rsv1;
    if (isCompressed) stream.push(payload, ...(fin ? [TAIL] : []));
  }
  return inflateRawSync(Buffer.concat(stream), { finishFlush: 2 });
}

/** Text that is no mere repetition, and of all widths in UTF-8. */
function prose(units: number): string {
  let text = "";
  for (let i = 0; text.length < units; i++)
    text += `${(i * 7919) % 10007} \u00e9${i % 5 === 0 ? "\u20ac" : ""}${i % 7 === 0 ? "\u{1f600}" : ""},`;
  return text.slice(0, units).replace(/[\ud800-\udbff]$/, "x");
}

/** Bytes that cannot be compressed. */
function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

function other(role: Role): Role {
  return role === "client" ? "server" : "client";
}

for (const way of WAYS) {
  describe(`Protocol: sending compressed messages by the ${way} way`, () => {
    for (const role of ROLES) {
      const open = (options: Parameters<typeof deflating>[1] = {}) =>
        new WireEnd(role, deflating(way, options));

      it(`sends what any inflater reads (${role})`, () => {
        const end = open();
        const texts = ["Hello", "Hello", prose(3000), "Hello", "\u{1f600}", prose(3000)];
        for (const text of texts) end.protocol.send(text);
        const frames = end.frames();
        expect(frames.map(({ opcode, fin, rsv1 }) => [opcode, fin, rsv1])).to.deep.equal(
          texts.map(() => [TEXT, true, true]),
        );
        expect(inflated(frames).toString()).to.equal(texts.join(""));
      });

      it(`keeps the context where it was not agreed to forget it (${role})`, () => {
        const [mine, theirs] =
          role === "client"
            ? (["clientNoContextTakeover", "serverNoContextTakeover"] as const)
            : (["serverNoContextTakeover", "clientNoContextTakeover"] as const);
        const sizes = (options: Parameters<typeof deflating>[1]) => {
          const end = open(options);
          for (let i = 0; i < 3; i++) end.protocol.send("A text that is there again, and again.");
          return end.frames().map(({ payload }) => payload.length);
        };
        const [first = 0, ...others] = sizes({ [mine]: true });
        expect(others).to.deep.equal([first, first]);
        const keeps = sizes({ [theirs]: true });
        // Deno's public functions cannot be told of a context.
        if (!(way === "one-shot" && "Deno" in globalThis)) {
          expect(keeps[1]).to.be.below(first / 2);
          expect(keeps[2]).to.be.below(first / 2);
        }
      });

      it(`sends messages that stand alone where that was agreed (${role})`, () => {
        const end = open({ clientNoContextTakeover: true, serverNoContextTakeover: true });
        const texts = ["Hello", "Hello", prose(200_000), "Hello", "Hello"];
        for (const text of texts) end.protocol.send(text);
        end.settle();
        let parts: Uint8Array[] = [];
        const read: string[] = [];
        for (const { payload, fin } of end.frames()) {
          parts.push(payload);
          if (!fin) continue;
          read.push(inflateRawSync(Buffer.concat([...parts, TAIL]), { finishFlush: 2 }).toString());
          parts = [];
        }
        expect(read.length).to.equal(texts.length);
        for (const [i, text] of texts.entries()) expect(read[i] === text).to.equal(true);
      });

      it(`sends an empty message (${role})`, () => {
        const end = open();
        for (const message of ["", new Uint8Array(0), "a", ""]) end.protocol.send(message);
        const frames = end.frames();
        expect(frames.map(({ payload }) => payload.length)).to.deep.equal([
          1,
          1,
          frames[2]?.payload.length,
          1,
        ]);
        expect(inflated(frames).toString()).to.equal("a");
      });

      it(`leaves alone what is below the threshold, counted in bytes (${role})`, () => {
        const end = open({ threshold: 6 });
        const messages = ["aaaaa", "aaaaaa", "\u20ac\u20ac", "\u20aca", new Uint8Array(5), new Uint8Array(6)];
        for (const message of messages) end.protocol.send(message);
        const frames = end.frames();
        expect(frames.map(({ rsv1 }) => rsv1)).to.deep.equal([false, true, true, false, false, true]);
        expect(frames[0]?.payload).to.deep.equal(utf8("aaaaa"));
        expect(frames[3]?.payload).to.deep.equal(utf8("\u20aca"));
      });

      it(`leaves alone what it is told to, of any size, in its order (${role})`, () => {
        const end = open();
        end.protocol.send("one");
        end.protocol.send("two", false);
        end.protocol.send(noise(200_000), false);
        end.protocol.send("three", true);
        expect(end.settle()).to.equal(0);
        const frames = end.frames();
        expect(frames.map(({ rsv1 }) => rsv1)).to.deep.equal([true, false, false, true]);
        expect(inflated(frames).toString()).to.equal("onethree");
      });

      it(`sends the fragments of a message as a stream (${role})`, () => {
        const end = open();
        const { protocol } = end;
        protocol.sendFragment("one, ", true, false);
        protocol.sendFragment("", false, false);
        protocol.ping();
        protocol.sendFragment("one, two", false, false);
        protocol.sendFragment("", false, true);
        protocol.send("one, two");
        protocol.sendFragment(utf8("plain"), true, false, false);
        protocol.sendFragment(utf8(" and plain"), false, true);
        const frames = end.frames();
        expect(frames.map(({ opcode, fin, rsv1 }) => [opcode, fin, rsv1])).to.deep.equal([
          [TEXT, false, true],
          [CONTINUATION, false, false],
          [PING, true, false],
          [CONTINUATION, false, false],
          [CONTINUATION, true, false],
          [TEXT, true, true],
          [BINARY, false, false],
          [CONTINUATION, true, false],
        ]);
        expect(inflated(frames).toString()).to.equal("one, one, twoone, two");
        expect(toHex(frames.at(-1)?.payload ?? TAIL)).to.equal(toHex(utf8(" and plain")));
      });

      it(`does not mind what becomes of the caller's bytes, nor changes them (${role})`, () => {
        const end = open();
        const bytes = noise(300_000);
        const before = bytes.slice();
        end.protocol.send(bytes);
        expect(Buffer.compare(bytes, before)).to.equal(0);
        bytes.fill(0);
        end.settle();
        expect(Buffer.compare(inflated(end.frames()), before)).to.equal(0);
      });

      it(`reads shared memory once (${role})`, () => {
        const end = open();
        const shared = new Uint8Array(new SharedArrayBuffer(1000));
        shared.fill(0x61);
        for (let i = 0; i < 3; i++) end.protocol.send(shared);
        expect(inflated(end.frames()).toString()).to.equal("a".repeat(3000));
      });

      const agreements = [8, 9, 10, 11, 12, 13, 14, 15].flatMap((bits) =>
        [false, true].map((forgets) => ({ bits, forgets })),
      );
      for (const { bits, forgets } of agreements) {
        it(`arrives within windows of 2^${bits}${forgets ? " without context" : ""} (${role})`, () => {
          const agreement = {
            clientMaxWindowBits: bits,
            serverMaxWindowBits: bits,
            clientNoContextTakeover: forgets,
            serverNoContextTakeover: forgets,
          };
          for (const level of [0, 1, 6, 9]) {
            for (const memLevel of [1, 9]) {
              const ours = open({ ...agreement, level, memLevel });
              const theirs = new WireEnd(other(role), deflating("driven", agreement));
              const sent: Message[] = [];
              for (let i = 0; i < 30; i++)
                sent.push(i % 3 === 0 ? noise((i * 37) % 700, i) : prose((i * 97) % 2500));
              sent.push(noise(70_000), prose(40_000), ...sent.slice(0, 5));
              for (const message of sent) ours.protocol.send(message);
              ours.settle();
              theirs.protocol.receive(ours.take());
              theirs.settle();
              expect(theirs.protocol.isFailed, `level ${level}, memLevel ${memLevel}`).to.equal(false);
              expectSame(theirs.messages, sent);
            }
          }
        });
      }
    }

    it("arrives, whatever is sent, however the bytes are cut, and with turns of the loop between", () => {
      const content = fc.oneof(
        fc.string({ unit: "binary", maxLength: 200 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(80_000).map((units) => prose(units)),
        fc.nat(80_000).map((length) => noise(length)),
        fc.nat(200_000).map((length) => new Uint8Array(length)),
      );
      const message = fc.record({ content, compress: fc.boolean(), inFragments: fc.boolean() });
      const settings = fc.record({
        clientMaxWindowBits: fc.integer({ min: 8, max: 15 }),
        clientNoContextTakeover: fc.boolean(),
        threshold: fc.nat(300),
        level: fc.integer({ min: 0, max: 9 }),
        memLevel: fc.integer({ min: 1, max: 9 }),
      });
      const cuts = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 5 });
      fc.assert(
        fc.property(settings, fc.array(message, { maxLength: 8 }), cuts, (settings, messages, cuts) => {
          const client = new WireEnd("client", deflating(way, settings));
          const server = new WireEnd("server", deflating(way, settings));
          for (const { content, compress, inFragments } of messages) {
            if (inFragments) {
              const [first, rest] = halves(content);
              client.protocol.sendFragment(first, true, false, compress);
              client.protocol.sendFragment(rest, false, true, compress);
            } else {
              client.protocol.send(content, compress);
            }
            if (compress) client.turn();
          }
          client.settle();
          const bytes = client.take();
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const next = at + 1 + (cuts[i % cuts.length] as number);
            const chunk = bytes.slice(at, next);
            server.protocol.receive(chunk);
            chunk.fill(0xff);
            server.settle();
            at = next;
          }
          expectSame(
            server.messages,
            messages.map(({ content, inFragments }) => arriving(content, inFragments)),
          );
        }),
        { numRuns: 60 },
      );
    });
  });
}

describe("Protocol: turns of the loop", () => {
  const open = (role: Role = "client", more: object = {}) =>
    new WireEnd(role, { ...deflating("driven", { threshold: 64 }), ...more });

  it("sends small messages in their tick, and asks for a turn when there were many", () => {
    const end = open();
    let sent = 0;
    while (!end.protocol.isSending && sent < 1000) {
      end.protocol.send(prose(1000));
      sent++;
    }
    expect(sent).to.be.within(30, 70);
    expect(end.frames().length).to.equal(sent - 1);
    expect(end.protocol.stagedBytes).to.equal(1000);
    end.settle();
    expect(end.frames().length).to.equal(1);
    expect(end.protocol.stagedBytes).to.equal(0);
  });

  it("writes what is ready while it compresses more, and not every message by itself", () => {
    const end = open();
    for (let i = 0; i < 30; i++) end.protocol.send(prose(1000));
    expect(end.writes).to.be.within(1, 4);
    const { writes } = end;
    end.take();
    expect(end.writes).to.equal(writes + 1);
  });

  it("compresses a large message in turns, 64 KiB in each, or 32 Ki UTF-16 units", () => {
    const inTurns: [message: Message, frames: number][] = [
      [noise(1024 * KIB), 16],
      ["\u20ac".repeat(1024 * KIB), 32],
      ["a".repeat(1024 * KIB), 32],
    ];
    for (const [message, frames] of inTurns) {
      const end = open();
      end.protocol.send(message);
      const perTurn = [end.frames().length];
      while (end.turn()) perTurn.push(end.frames().length);
      expect(perTurn.reduce((sum, count) => sum + count)).to.equal(frames);
      // A frame of ASCII is half of what a turn is good for.
      expect(Math.max(...perTurn)).to.equal(typeof message === "string" && message[0] === "a" ? 2 : 1);
    }
  });

  it("sends a large message in frames, each within its turn", () => {
    const end = open();
    const bytes = noise(300 * KIB);
    end.protocol.send(bytes);
    const perTurn: number[] = [];
    const all: WireFrame[] = [];
    do {
      const frames = end.frames();
      perTurn.push(frames.length);
      all.push(...frames);
    } while (end.turn());
    expect(perTurn.filter((count) => count > 0)).to.deep.equal([1, 1, 1, 1, 1]);
    expect(all.map(({ opcode, fin, rsv1 }) => [opcode, fin, rsv1])).to.deep.equal([
      [BINARY, false, true],
      [CONTINUATION, false, false],
      [CONTINUATION, false, false],
      [CONTINUATION, false, false],
      [CONTINUATION, true, false],
    ]);
    expect(Buffer.compare(inflated(all), bytes)).to.equal(0);
  });

  it("cuts a large text between characters", () => {
    const text = `x${"\u{1f600}".repeat(50_000)}`;
    const [client, server] = [open("client"), open("server")];
    client.protocol.send(text);
    client.settle();
    server.protocol.receive(client.take());
    server.settle();
    expect(server.messages[0] === text).to.equal(true);
  });

  it("keeps the order of all that waits, be it compressed or not, large or small, text or a stream", () => {
    const [client, server] = [open("client"), open("server")];
    const sent: Message[] = [prose(100_000), "small", noise(70_000), "", "plain", prose(200_000)];
    for (const message of sent) client.protocol.send(message, message !== "plain");
    client.protocol.sendFragment("a ", true, false);
    client.protocol.sendFragment("stream", false, true);
    client.protocol.send("last");
    expect(client.protocol.isSending).to.equal(true);
    client.settle();
    server.protocol.receive(client.take());
    server.settle();
    expectSame(server.messages, [...sent, "a stream", "last"]);
  });

  it("lets control frames go between the frames of what waits", () => {
    const end = open();
    end.protocol.send(noise(200_000));
    end.protocol.ping(utf8("now"));
    end.turn();
    end.protocol.pong(utf8("and now"));
    end.settle();
    expect(end.frames().map(({ opcode }) => opcode)).to.deep.equal([2, 9, 0, 10, 0, 0]);
  });

  it("sends a ping that is to be the last behind what waits, and before what comes later", () => {
    const end = open();
    end.protocol.send(noise(200_000));
    end.protocol.send("plain", false);
    end.protocol.ping(utf8("last"), true);
    end.protocol.send(noise(1000));
    end.settle();
    expect(end.frames().map(({ opcode }) => opcode)).to.deep.equal([2, 0, 0, 0, 1, 9, 2]);
    end.protocol.ping(utf8("at once"), true);
    expect(end.frames().map(({ opcode }) => opcode)).to.deep.equal([9]);
  });

  it("goes on with a stream that is compressed behind a ping that is to be the last", () => {
    const [client, server] = [open("client"), open("server")];
    const text = prose(200_000);
    client.protocol.sendFragment(text, true, false);
    client.protocol.ping(utf8("last"), true);
    client.protocol.sendFragment(text, false, true);
    client.settle();
    server.protocol.receive(client.take());
    server.settle();
    expectSame(server.messages, [text + text]);
    expect(client.protocol.isSending).to.equal(false);
  });

  it("answers a ping while something waits", () => {
    const [client, server] = [open("client"), open("server")];
    client.protocol.send(noise(200_000));
    client.take();
    server.protocol.ping(utf8("hey"));
    client.protocol.receive(server.take());
    expect(client.frames().map(({ opcode }) => opcode)).to.deep.equal([10]);
  });

  it("sends the Close frame behind what waits", () => {
    const end = open();
    end.protocol.send(noise(200_000));
    end.protocol.send("last");
    end.protocol.close(4000, "bye");
    expect(end.protocol.state).to.equal("closing");
    expect(end.closes).to.deep.equal(["begun"]);
    thrown(() => end.protocol.send("too late"), UsageError);
    thrown(() => end.protocol.ping(), UsageError);
    end.protocol.close(4001); // changes nothing
    end.settle();
    const frames = end.frames();
    expect(frames.map(({ opcode }) => opcode)).to.deep.equal([2, 0, 0, 0, 1, 8]);
    expect(toHex(frames.at(-1)?.payload ?? TAIL)).to.equal(`0fa0${toHex(utf8("bye"))}`);
    expect(end.closes).to.deep.equal(["begun", "begun"]);
  });

  it("echoes a Close frame behind what waits", () => {
    const [client, server] = [open("client"), open("server")];
    client.protocol.send(noise(200_000));
    server.protocol.close(4000, "bye");
    client.protocol.receive(server.take());
    expect(client.closes).to.deep.equal(["begun"]);
    expect(client.protocol.isShaken).to.equal(false);
    client.settle();
    expect(client.closes).to.deep.equal(["begun", "shaken"]);
    server.protocol.receive(client.take());
    server.settle();
    expect(server.messages.map(({ length }) => length)).to.deep.equal([200_000]);
    expect(server.closes).to.deep.equal(["begun", "shaken"]);
    client.protocol.receiveEnd();
    server.protocol.receiveEnd();
    for (const { info } of [client, server]) expect(info).to.include({ code: 4000, wasClean: true });
  });

  it("sends one Close frame where both sides close while something waits", () => {
    const [client, server] = [open("client"), open("server")];
    client.protocol.send(noise(200_000));
    client.protocol.close(4001);
    server.protocol.close(4000);
    client.protocol.receive(server.take());
    client.settle();
    const closes = client.frames().filter(({ opcode }) => opcode === CLOSE);
    expect(closes.map(({ payload }) => toHex(payload))).to.deep.equal(["0fa1"]);
    client.protocol.receiveEnd();
    expect(client.info).to.include({ code: 4000, wasClean: true });
  });

  it("tells a peer of its fault at once, and drops what waits", () => {
    for (const close of [false, true]) {
      const end = open();
      end.protocol.send(noise(200_000));
      if (close) end.protocol.close(4000);
      end.take();
      end.protocol.receive(Uint8Array.of(0x83, 0));
      expect(end.protocol.stagedBytes).to.equal(4 + 4);
      end.settle();
      expect(end.frames().map(({ opcode, payload }) => [opcode, toHex(payload)])).to.deep.equal([
        [8, "03ea"],
      ]);
      end.protocol.receiveEnd();
      expect(end.info).to.deep.include({ code: 1006, sent: { code: 1002, reason: "" } });
    }
  });

  it("counts an echo that waits as sent when the stream ends", () => {
    const [client, server] = [open("client"), open("server")];
    client.protocol.send(noise(200_000));
    server.protocol.close(4000);
    client.protocol.receive(server.take());
    client.take();
    client.protocol.receiveEnd();
    expect(client.info).to.deep.include({ code: 4000, wasClean: true, sent: { code: 4000, reason: "" } });
    expect(client.turn()).to.equal(true);
    expect(client.take()).to.have.length(0);
  });

  const mib = 1024 * KIB;
  /** Frames of a server's messages. */
  const frameOf = (plain: Uint8Array) => {
    const server = open("server", deflating("driven", { serverNoContextTakeover: true }));
    server.protocol.send(plain);
    server.settle();
    return server.take();
  };

  it("inflates no more than some 1 MiB in a turn, whole or in many messages", () => {
    const large = frameOf(new Uint8Array(20 * mib));
    const small = frameOf(new Uint8Array(60_000));
    const chunks = [large, Buffer.concat(Array.from({ length: 300 }, () => small))];
    for (const [i, chunk] of chunks.entries()) {
      const end = open("client");
      end.protocol.delivery = "parts";
      let bytes = 0;
      end.onData = ({ length }) => {
        bytes += length;
      };
      end.protocol.receive(new Uint8Array(chunk));
      let before = 0;
      let turns = 0;
      do {
        expect(bytes - before).to.be.within(1, mib + 128 * KIB);
        before = bytes;
        turns++;
      } while (end.turn() && bytes < 18_000_000);
      end.settle();
      expect(turns, `chunk ${i}`).to.be.at.least(15);
      expect(bytes).to.equal(i === 0 ? 20 * mib : 300 * 60_000);
    }
  });

  it("does no more than so much in a turn for what gives little or nothing", () => {
    const empty = Uint8Array.of(0xc1, 1, 0);
    const chunks: [title: string, chunk: Uint8Array, turns: number][] = [
      ["20,000 empty messages", repeat(empty, 20_000), 20],
      ["a message of 50,000 final blocks", message(repeat(Uint8Array.of(3, 0), 50_000)), 500],
      ["a message of 20,000 empty blocks", message(repeat(Uint8Array.of(0, 0, 0, 0xff, 0xff), 20_000)), 0],
    ];
    for (const [title, chunk, turns] of chunks) {
      const end = open("client");
      end.protocol.receive(chunk);
      expect(end.settle(), title).to.be.at.least(turns);
      expect(end.protocol.isFailed, title).to.equal(false);
      expect(end.messages.length, title).to.equal(title.startsWith("20,000") ? 20_000 : 1);
    }
  });

  it("hands out nothing while it rests, keeps what comes, and the order", () => {
    const end = open("client");
    end.protocol.receive(frameOf(new Uint8Array(5 * mib)));
    expect(end.protocol.isBehind).to.equal(true);
    for (const text of ["one", "two"]) end.protocol.receive(frameOf(utf8(text)));
    expect(end.messages).to.have.length(0);
    end.settle();
    expect(end.messages.map(({ length }) => length)).to.deep.equal([5 * mib, 3, 3]);
  });

  it("stops for a reader that pauses, within a message, and goes on when it resumes", () => {
    const end = open("client");
    end.protocol.delivery = "parts";
    end.onData = () => end.protocol.pause();
    end.protocol.receive(frameOf(new Uint8Array(400_000)));
    for (let i = 1; i <= 6; i++) {
      expect(end.pieces.filter((piece) => piece !== "fin").length).to.equal(i);
      end.protocol.resume();
      end.settle();
    }
    expect(end.pieces.at(-1)).to.equal("fin");
    const total = end.pieces.reduce((sum, piece) => sum + (piece === "fin" ? 0 : piece.length), 0);
    expect(total).to.equal(400_000);
  });

  it("does not go on for a turn of the loop while the reader pauses", () => {
    const end = open("client");
    end.protocol.receive(frameOf(new Uint8Array(5 * mib)));
    end.protocol.pause();
    end.settle();
    expect(end.messages).to.have.length(0);
    end.protocol.resume();
    end.settle();
    expect(end.messages).to.have.length(1);
  });

  it("hands out all that came before the end of the stream, in as many turns as it takes", () => {
    const end = open("client");
    end.protocol.receive(frameOf(new Uint8Array(5 * mib)));
    end.protocol.receive(Uint8Array.of(0x88, 2, 0x0f, 0xa0));
    end.protocol.pause();
    end.protocol.receiveEnd();
    expect(end.info).to.equal(undefined);
    end.settle();
    expect(end.messages.map(({ length }) => length)).to.deep.equal([5 * mib]);
    expect(end.info).to.deep.include({ code: 4000, wasClean: true });
  });

  it("ends at once where nobody wants what came", () => {
    const end = open("client");
    end.protocol.receive(frameOf(new Uint8Array(5 * mib)));
    end.protocol.drop();
    end.protocol.receiveEnd();
    expect(end.info).to.include({ code: 1006 });
    expect(end.messages).to.have.length(0);
    end.settle();
    expect(end.messages).to.have.length(0);
  });

  it("ends where it is told so by one that got a piece", () => {
    const end = open("client");
    end.protocol.delivery = "parts";
    end.onData = () => end.protocol.receiveEnd();
    end.protocol.receive(frameOf(new Uint8Array(5 * mib)));
    end.settle();
    expect(end.info).to.include({ code: 1006 });
    expect(end.pieces).to.have.length(1);
  });

  it("lets two ends work at the same time, each within the other's messages", () => {
    const agreement = { ...AGREEMENT };
    const sizes = [300_000, 10, 200_000];
    const [one, two] = [
      open("server", deflating("driven", agreement)),
      open("server", deflating("driven", agreement)),
    ];
    const texts = sizes.map((size) => prose(size));
    const feeds = [one, two].map((server) => {
      for (const text of texts) server.protocol.send(text);
      server.settle();
      return server.take();
    });
    const clients = [open("client"), open("client")];
    for (let at = 0; at < 200_000; at += 1000) {
      for (const [i, client] of clients.entries())
        client.protocol.receive((feeds[i] as Uint8Array).slice(at, at + 1000));
      for (const client of clients) client.turn();
    }
    for (const [i, client] of clients.entries()) {
      client.protocol.receive((feeds[i] as Uint8Array).slice(200_000));
      client.settle();
      expectSame(client.messages, texts);
    }
  });
});

function repeat(bytes: Uint8Array, count: number): Uint8Array {
  return new Uint8Array(Buffer.concat(Array.from({ length: count }, () => bytes)));
}

/** A compressed message of a server with these blocks. */
function message(blocks: Uint8Array): Uint8Array {
  const payload = Buffer.concat([blocks, packed(new Uint8Array(0))]);
  const header = Buffer.from([0xc1, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(payload.length, 6);
  return new Uint8Array(Buffer.concat([header, payload]));
}

function halves(data: Message): [Message, Message] {
  if (typeof data === "string") return [data.slice(0, 10), data.slice(10)];
  return [data.slice(0, 10), data.slice(10)];
}

/** Of a text, a cut through a surrogate pair makes two characters that are none. */
function arriving(data: Message, inFragments: boolean): Message {
  if (typeof data !== "string") return data;
  return inFragments ? wellFormed(data.slice(0, 10)) + wellFormed(data.slice(10)) : wellFormed(data);
}

function wellFormed(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}

/** Compares messages, of which a difference would be too long to print. */
function expectSame(arrived: readonly Message[], sent: readonly Message[]): void {
  expect(arrived.map(({ length }) => length)).to.deep.equal(sent.map(({ length }) => length));
  for (const [i, message] of sent.entries()) {
    const other = arrived[i] as Message;
    const isSame =
      typeof message === "string"
        ? other === message
        : typeof other !== "string" && Buffer.compare(other, message) === 0;
    expect(isSame, `message ${i}`).to.equal(true);
  }
}

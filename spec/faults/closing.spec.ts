// Faults 49 to 54: closing, where one side or the other does not do its part.

import { expect } from "chai";
import { BINARY, CLOSE, PING } from "../../lib/codec/opcode.ts";
import { ClosedError, UsageError } from "../../lib/errors.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { STREAMS, scripted } from "../support/script.ts";
import { settle, virtualClock } from "../support/script-clock.ts";
import { type Act, outcome, SHAPES } from "../support/script-outcome.ts";
import { endOf, play } from "../support/script-scenes.ts";
import {
  answerClose,
  close,
  finish,
  goodbye,
  hear,
  hearEnd,
  readOn,
  reset,
  send,
  stayOpen,
  stopReading,
  upgrade,
} from "../support/script-steps.ts";

const closes: Act = (client) => void client.close(4000, "bye");
const LATE = "1006 TimeoutError ERR_WS_TIMEOUT close, told 4000";
const MIB = 1024 * 1024;

describe("faults: closing", () => {
  const use = cleanUp();

  play(use, [
    {
      title: "49: our Close frame is never answered",
      script: [upgrade(), hear(CLOSE), stayOpen],
      act: closes,
      options: { closeTimeout: 50 },
      end: LATE,
    },
    {
      title: "49: nor by a server that goes on talking",
      script: [upgrade(), hear(CLOSE), ...Array.from({ length: 20 }, () => send("8a 00"))],
      act: closes,
      options: { closeTimeout: 50 },
      end: LATE,
    },
    {
      title: "49: it is answered by an end",
      script: [upgrade(), hear(CLOSE), finish],
      act: closes,
      end: "1006, told 4000",
    },
    {
      title: "49: it is answered by a reset",
      script: [upgrade(), hear(CLOSE), reset],
      act: closes,
      streams: ["TCP", "memory"], // within TLS a reset is an end to Deno
      end: "1006 TransportError ERR_WS_TRANSPORT, told 4000",
    },
    {
      title: "50: the server answers, and never ends TCP",
      script: [upgrade(), hear(CLOSE), close(4000, "bye"), stayOpen],
      act: closes,
      options: { closeTimeout: 50 },
      end: "4000 bye clean, told 4000",
    },
    {
      title: "50: the server closes, and never ends TCP",
      script: [upgrade(), close(4001), hear(CLOSE), stayOpen],
      options: { closeTimeout: 50 },
      end: "4001 clean, told 4001",
    },
    {
      title: "51: answered as it should be",
      script: [upgrade(), ...answerClose],
      act: closes,
      end: "4000 bye clean, told 4000",
    },
    ...[1000, 1001, 4000].map((code) => ({
      title: `52: the server closes with ${code}`,
      script: [upgrade(), ...goodbye(code, "why")],
      end: `${code} why clean, told ${code}`,
    })),
    {
      title: "53: what was sent before goes first, and so does what takes its time",
      script: [upgrade(), hear(BINARY, ({ payload }) => expect(payload).to.have.length(MIB)), ...answerClose],
      act: (client) => {
        client.send(new Uint8Array(MIB));
        void client.close(4000, "bye");
      },
      end: "4000 bye clean, told 4000",
    },
    {
      title: "53: but not for longer than closeTimeout, where the server does not read",
      script: [upgrade(), stopReading, stayOpen],
      act: (client) => {
        for (let i = 0; i < 16; i++) client.send(new Uint8Array(MIB));
        void client.close(4000, "bye");
      },
      options: { closeTimeout: 100 },
      streams: ["TCP", "memory"], // Deno goes on writing to TLS that is destroyed, for as long as the peer reads
      end: "1006 TimeoutError ERR_WS_TIMEOUT close",
    },
    {
      title: "53: a server that reads again in time gets all of it",
      script: [
        upgrade(),
        stopReading,
        settle,
        readOn,
        ...Array.from({ length: 4 }, () => hear(BINARY)),
        ...answerClose,
      ],
      act: (client) => {
        for (let i = 0; i < 4; i++) client.send(new Uint8Array(MIB));
        void client.close(4000, "bye");
      },
      options: { closeTimeout: 60_000 },
      end: "4000 bye clean, told 4000",
    },
  ]);

  describe("51: both sides close at once", () => {
    for (const stream of STREAMS) {
      for (const shape of SHAPES) {
        it(`one Close frame each, and the peer's code counts (${shape}, ${stream})`, async () => {
          // Ours leaves within the turn in which the other arrives, so that neither has seen the other's.
          const peer = await scripted(use, [upgrade(), hear(PING), close(4001), hear(CLOSE), finish], stream);
          const result = await outcome(shape, peer, {}, async (client) => {
            if (shape === "WebSocketApp")
              (client as unknown as { ping(): Promise<number> }).ping().catch(() => {});
            await nextTurn();
            client.close(4000);
          });
          expect(endOf(result)).to.be.oneOf(["4001 clean, told 4000", "4001 clean, told 4001"]);
        });
      }
    }
  });

  describe("in virtual time", () => {
    for (const shape of SHAPES) {
      it(`49: closeTimeout is three seconds, unless it is another (${shape})`, async () => {
        const clock = virtualClock(use);
        const peer = await scripted(use, [upgrade(), stayOpen], "memory");
        let end = "";
        void outcome(shape, peer, {}, closes).then((result) => {
          end = endOf(result);
        });
        await clock.advance(2_999);
        expect(end).to.equal("");
        await clock.advance(1);
        expect(end).to.equal(LATE);
      });

      it(`50: TCP is waited for no longer than a second (${shape})`, async () => {
        const clock = virtualClock(use);
        const peer = await scripted(use, [upgrade(), hear(CLOSE), close(4001), stayOpen], "memory");
        let end = "";
        void outcome(shape, peer, {}, closes).then((result) => {
          end = endOf(result);
        });
        await clock.advance(999);
        expect(end).to.equal("");
        await clock.advance(1);
        expect(end).to.equal("4001 clean, told 4000");
      });

      it(`50: nor for longer than closeTimeout (${shape})`, async () => {
        const clock = virtualClock(use);
        const peer = await scripted(use, [upgrade(), hear(CLOSE), close(4001), stayOpen], "memory");
        let end = "";
        void outcome(shape, peer, { closeTimeout: 200 }, closes).then((result) => {
          end = endOf(result);
        });
        await clock.advance(200);
        expect(end).to.equal("4001 clean, told 4000");
      });
    }
  });

  describe("53: close() behind what takes its time", () => {
    it("lets a Blob and a stream go first", async () => {
      const peer = await scripted(use, [upgrade(), ...answerClose]);
      const ws = await peer.createConnection(peer.url);
      void ws.send(new Blob(["blob"]));
      void ws.sendStream(["a", "b"]);
      expect(await ws.close(4000)).to.include({ code: 4000, wasClean: true });
      const { record } = await peer.lines.next();
      const frames = await record.take(5);
      expect(frames.slice(0, 4).map(({ payload }) => `${payload}`)).to.deep.equal(["blob", "a", "b", ""]);
      expect(frames[4]?.opcode).to.equal(CLOSE);
    });

    it("but waits no longer than closeTimeout for a stream that does not end", async () => {
      const clock = virtualClock(use);
      const peer = await scripted(use, [upgrade(), hearEnd], "memory");
      const connecting = peer.createConnection(peer.url);
      await clock.advance(0);
      const ws = await connecting;
      const source = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
      const sending = rejection(ws.sendStream(source), ClosedError);
      const closing = ws.close(4000);
      await clock.advance(2_999);
      expect(ws.state).to.equal("closing");
      await clock.advance(1);
      expect(await closing).to.include({ code: 1006, wasClean: false });
      expect((await closing).error).to.include({ name: "TimeoutError", phase: "close" });
      await sending;
    });
  });

  describe("54: close() with what may not be sent throws at once, and nothing has changed", () => {
    const rows: [title: string, code: unknown, reason?: unknown][] = [
      ...[0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65_536, -1, 1000.5, Number.NaN].map(
        (code): [string, number] => [`code ${code}`, code],
      ),
      ["a code that is a string", "1000"],
      ["null", null],
      ["a reason of 124 bytes", 1000, "x".repeat(124)],
      ["a reason of 42 characters in 126 bytes", 1000, "\u20ac".repeat(42)],
      ["a reason that is bytes", 1000, new Uint8Array(3)],
      ["a reason without a code", 1005, "why"],
    ];
    for (const [title, code, reason] of rows) {
      it(title, async () => {
        const peer = await scripted(use, [upgrade(), ...answerClose]);
        const ws = await peer.createConnection(peer.url);
        thrown(() => ws.close(code as number, reason as string), UsageError);
        expect(ws.state).to.equal("open");
        expect(await ws.close(1000, "x".repeat(123))).to.include({ code: 1000, wasClean: true });
      });
    }

    it("a lone surrogate becomes U+FFFD", async () => {
      const peer = await scripted(use, [upgrade(), ...answerClose]);
      const ws = await peer.createConnection(peer.url);
      expect(await ws.close(1000, "\ud800")).to.deep.include({ reason: "\ufffd", wasClean: true });
    });
  });

  it("52: what the server sent before its Close frame can be received after it, and nothing behind it", async () => {
    const peer = await scripted(use, [upgrade(), send("81 01 61"), close(4000), send("81 01 62"), finish]);
    const ws = await peer.createConnection(peer.url);
    await ws.closed;
    expect(await ws.recv()).to.equal("a");
    expect((await rejection(ws.recv(), ClosedError)).info).to.include({ code: 4000, wasClean: true });
  });

  it("49: close() with a timeout of its own", async () => {
    const peer = await scripted(use, [upgrade(), hear(CLOSE), stayOpen, hearEnd]);
    const ws = await peer.createConnection(peer.url, { closeTimeout: 60_000 });
    const info = await ws.close(4000, "bye", { timeout: 20 });
    expect(info).to.include({ code: 1006, wasClean: false });
    expect(info.sent).to.deep.equal({ code: 4000, reason: "bye" });
  });
});

// Faults 42 to 48: the connection is lost, with or without a word.

import { expect } from "chai";
import { CLOSE, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, type CloseInfo, TimeoutError, TransportError } from "../../lib/errors.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { cleanUp } from "../support/clean-up.ts";
import { frame } from "../support/raw-server.ts";
import { type Script, STREAMS, type Step, scripted } from "../support/script.ts";
import { type Clock, settle, virtualClock } from "../support/script-clock.ts";
import { outcome, SHAPES } from "../support/script-outcome.ts";
import { endOf, play, type Scene } from "../support/script-scenes.ts";
import {
  close,
  cue,
  drop,
  finish,
  goodbye,
  hear,
  hearEnd,
  reset,
  say,
  send,
  stayOpen,
  stopReading,
  upgrade,
} from "../support/script-steps.ts";

const LOST = "1006 TransportError ERR_WS_TRANSPORT";
const DEAD = "1006 TimeoutError ERR_WS_TIMEOUT ping";
const GOOD = "1000 clean, told 1000";

/** The server sends a whole message and this, and then the connection is lost. */
function lost(title: string, bytes: string, how: Step, end = LOST): Scene {
  return { title, script: [upgrade(), send(`81 02 6f6b | ${bytes}`), how], messages: ["ok"], end };
}

const PARTS: [title: string, bytes: string][] = [
  ["between frames", ""],
  ["within a header", "81"],
  ["within a payload", "81 05 61"],
  ["within a message", "01 01 61"],
  ["within a Close frame", "88 04 03e8"],
];

describe("faults: loss", () => {
  const use = cleanUp();

  play(use, [
    ...PARTS.map(([where, bytes]) => lost(`42: a reset ${where}`, bytes, reset)),
    ...PARTS.map(([where, bytes]) => lost(`43: an end without a Close frame ${where}`, bytes, finish)),
    {
      title: "42: what was sent and not read is no reason to lose what came",
      script: [upgrade(), stopReading, say(frame(TEXT, "ok")), drop],
      messages: ["ok"],
      end: LOST,
      act: (client) => void client.send("never read"),
    },
    {
      title: "46: an end right behind the Close frame",
      script: [upgrade(), close(4000, "bye"), finish],
      end: "4000 bye clean, told 4000",
    },
    {
      title: "46: a reset once both Close frames are through",
      script: [upgrade(), close(4000), hear(CLOSE), reset],
      end: "4000 clean, told 4000",
    },
    {
      title: "46: a reset behind the answer to ours",
      script: [upgrade(), hear(CLOSE), close(4001), reset],
      act: (client) => void client.close(4000),
      end: "4001 clean, told 4000",
    },
  ]);

  for (const stream of ["TCP", "memory"] as const) {
    for (const shape of SHAPES) {
      it(`47: a write fails, and the Close frame that had come counts (${shape}, ${stream})`, async () => {
        // It never reads, so that its end is a reset; by then its Close frame is on its way.
        const script = [upgrade(), stopReading, close(4001, "why"), drop];
        const peer = await scripted(use, script, stream);
        const result = await outcome(shape, peer, {}, async (client) => {
          client.send(new Uint8Array(8 * HIGH_WATER));
          await settle();
          try {
            void client.send("too late");
          } catch (error) {
            expect(error).to.be.an.instanceOf(ClosedError);
          }
        });
        expect(endOf(result)).to.match(/^4001 why clean/);
      });
    }
  }

  describe("in virtual time", () => {
    const keepAlive = { interval: 20_000, timeout: 10_000 };

    /** A client of each shape with keepAlive, its peer in memory, and the clock. */
    function silent(
      title: string,
      script: Script,
      test: (clock: Clock, end: Promise<string>) => Promise<void>,
    ) {
      for (const shape of SHAPES) {
        it(`${title} (${shape})`, async () => {
          const clock = virtualClock(use);
          const peer = await scripted(use, script, "memory");
          const end = outcome(shape, peer, { keepAlive }).then(endOf);
          await clock.advance(0);
          await test(clock, end);
        });
      }
    }

    silent(
      "44: no packets: gone after interval and timeout, with no closing handshake",
      [upgrade(), stopReading],
      async (clock, end) => {
        const ended = watch(end);
        await clock.advance(29_999);
        expect(ended.value).to.equal(undefined);
        await clock.advance(100); // what has arrived is read before the verdict
        expect(ended.value).to.equal(DEAD);
        expect(clock.due).to.deep.equal([]);
      },
    );

    it("44: so, while we go on sending what the kernel takes: that it takes it is no sign of life", async () => {
      const clock = virtualClock(use);
      const peer = await scripted(use, [upgrade(), stopReading], "memory");
      const connecting = peer.createConnection(peer.url, { keepAlive: { interval: 1_000, timeout: 1_000 } });
      await clock.advance(0);
      const ws = await connecting;
      for (let i = 0; i < 3; i++) {
        await clock.advance(500);
        await ws.send(new Uint8Array(17_000));
        await settle();
      }
      expect(ws.bufferedAmount).to.equal(0);
      await clock.advance(700);
      expect(ws.state).to.equal("closed");
      expect((await ws.closed).error).to.include({ phase: "ping" });
    });

    const signs: [title: string, frame: Uint8Array, messages: number][] = [
      ["45: no pongs, but data", frame(TEXT, "data"), 100],
      ["45: no pongs, but the beginning of data", frame(TEXT, "data").subarray(0, 1), 0],
      ["41: pongs, but none that was asked for", frame(PONG, "another"), 0],
      ["45: pings of its own", frame(PING, "mine"), 0],
    ];
    for (const [title, sign, messages] of signs) {
      const talking: Step = async (line) => {
        const rounds = sign.length === 1 ? 1 : 100;
        for (let i = 0; i < rounds; i++) {
          await hear(PING)(line);
          await line.send(sign);
        }
        await hear(PING)(line);
        if (sign.length === 1) await line.send(frame(TEXT, "data").subarray(1));
        for (const step of goodbye()) await step(line);
      };
      for (const shape of SHAPES) {
        it(`${title}: alive (${shape})`, async () => {
          const clock = virtualClock(use);
          const peer = await scripted(use, [upgrade(), talking], "memory");
          const result = outcome(shape, peer, { keepAlive });
          await clock.advance(102 * 20_000);
          expect(endOf(await result)).to.equal(GOOD);
          expect((await result).messages).to.have.length(sign.length === 1 ? 1 : messages);
        });
      }
    }

    it("43: an end, by who takes nothing of what is left to send: it is not waited for", async () => {
      const clock = virtualClock(use);
      let go = () => {};
      const sent = new Promise<void>((resolve) => {
        go = resolve;
      });
      const peer = await scripted(use, [upgrade(), stopReading, stayOpen, cue(sent), finish], "memory");
      const connecting = peer.createConnection(peer.url);
      await clock.advance(0);
      const ws = await connecting;
      void ws.send(new Uint8Array(8 * HIGH_WATER));
      go();
      await settle();
      await clock.advance(999);
      expect(ws.state).to.equal("closing");
      await clock.advance(1);
      expect(ws.state).to.equal("closed");
      expect(await ws.closed).to.include({ code: 1006, wasClean: false });
      expect((await ws.closed).error).to.be.an.instanceOf(TransportError);
    });

    silent(
      "48: asleep for an hour, and the peer is there: it is asked, and lives",
      [upgrade(), hear(PING), send("8a 01 31"), hear(PING), send("8a 01 32"), ...goodbye()],
      async (clock, end) => {
        await clock.advance(15_000);
        await clock.block(3_600_000);
        await clock.advance(20_000);
        expect(await end).to.equal(GOOD);
      },
    );

    silent(
      "48: asleep with a ping under way, and the peer is gone: it is asked once more, and given all of its time",
      [upgrade(), hear(PING), stopReading],
      async (clock, end) => {
        const ended = watch(end);
        await clock.advance(25_000); // the ping is out, nothing came
        await clock.block(3_600_000);
        await clock.advance(9_000);
        expect(ended.value).to.equal(undefined);
        await clock.advance(2_000);
        expect(ended.value).to.equal(DEAD);
      },
    );
  });

  it("44: over TCP, too", async () => {
    const peer = await scripted(use, [upgrade(), stopReading, hearEnd]);
    const ws = await peer.createConnection(peer.url, { keepAlive: { interval: 20, timeout: 20 } });
    const { error, code } = await ws.closed;
    expect([code, (error as TimeoutError).phase]).to.deep.equal([1006, "ping"]);
    expect(error).to.be.an.instanceOf(TimeoutError);
  });

  for (const stream of STREAMS) {
    it(`43: whole messages that had come can still be received (${stream})`, async () => {
      const messages = Array.from({ length: 100 }, (_, i) => frame(TEXT, `${i}`));
      const peer = await scripted(use, [upgrade(...messages), send("81 05 61"), finish], stream);
      const ws = await peer.createConnection(peer.url, { ...peer.options, maxQueue: 10 });
      const infos: CloseInfo[] = [];
      const got: unknown[] = [];
      for (let i = 0; i < 100; i++) got.push(await ws.recv());
      expect(got).to.deep.equal(messages.map((_, i) => `${i}`));
      infos.push(await ws.closed);
      expect(infos[0]).to.include({ code: 1006, wasClean: false });
    });
  }
});

function watch<Value>(promise: Promise<Value>): { value: Value | undefined } {
  const watched: { value: Value | undefined } = { value: undefined };
  void promise.then((value) => {
    watched.value = value;
  });
  return watched;
}

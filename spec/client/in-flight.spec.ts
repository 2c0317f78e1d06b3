// What a connection was handed, and what proves that it was read: probes and their pongs, and a guess where there are none.

import { expect } from "chai";
import { InFlight, type Pace } from "../../lib/client/in-flight.ts";
import type { CloseInfo } from "../../lib/errors.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { FakeWay } from "../support/fake-way.ts";

const LOST: CloseInfo = { code: 1006, reason: "", wasClean: false };

const NEVER = Number.POSITIVE_INFINITY;

/** Messages that are sent on a connection, and how many looks there were. */
function flown(pace: Pace = { look: 1, patience: NEVER }, way = new FakeWay()) {
  let freed = 0;
  const inFlight = new InFlight(way, () => freed++, pace);
  way.looks = 0;
  const send = (...messages: string[]) => {
    for (const message of messages) {
      const sent = way.send(message);
      const item = inFlight.add(message);
      void sent.then(() => inFlight.left(item));
    }
  };
  return { way, inFlight, send, freed: () => freed };
}

/** So many looks from now. */
async function looked(way: FakeWay, times: number): Promise<void> {
  const end = way.looks + times;
  while (way.looks < end) await nextTurn();
}

async function probed(way: FakeWay, count: number): Promise<void> {
  while (way.probes.length < count) await nextTurn();
}

describe("InFlight", () => {
  cleanUp();

  describe("probes", () => {
    it("sends the first behind the first message, at once", () => {
      const { way, send } = flown();
      expect(way.probes).to.deep.equal([]);
      send("1", "2", "3");
      expect(way.probes).to.deep.equal([1]);
    });

    it("sends one behind what came since, when the one before was answered", async () => {
      const { way, send } = flown();
      send("1", "2", "3");
      await looked(way, 3);
      expect(way.probes).to.deep.equal([1]);
      way.take();
      way.reads();
      await probed(way, 2);
      expect(way.probes).to.deep.equal([1, 3]);
    });

    it("sends none where nothing is behind the last, or nothing was sent", async () => {
      const { way, send, inFlight } = flown();
      send("1");
      way.take();
      way.reads();
      send("2");
      way.take();
      await probed(way, 2);
      way.reads();
      inFlight.conclude();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(way.probes).to.deep.equal([1, 2]);
      expect(inFlight.end(LOST)).to.deep.equal([]);
    });

    it("sends one at once behind much, whatever is on its way", () => {
      const { way, send } = flown();
      send("1");
      for (let i = 0; i < 8; i++) send("x".repeat(128 * 1024));
      expect(way.probes).to.deep.equal([1, 5, 9]); // two bytes for each character
    });

    it("sends one early enough where little may be remembered", () => {
      const way = new FakeWay();
      way.maxBufferedAmount = 40;
      const { send } = flown(undefined, way);
      for (let i = 0; i < 20; i++) send("x");
      expect(way.probes).to.deep.equal([1, 11]);
    });

    it("repeats one that is not answered for long, for a peer that left out its pong", async () => {
      const { way, send, inFlight } = flown({ look: 1, patience: 20 });
      send("1");
      way.pong();
      send("2");
      await probed(way, 2);
      way.take();
      way.reads(2, false);
      await probed(way, 3);
      expect(way.probes).to.deep.equal([1, 2, 2]);
      expect(inFlight.end(LOST)).to.deep.equal(["2"]);
    });

    it("sends none on a connection that is closing", async () => {
      const { way, send, inFlight } = flown();
      send("1", "2");
      way.isOpen = false;
      inFlight.conclude();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(way.probes).to.deep.equal([1]);
      expect(inFlight.end(LOST)).to.deep.equal(["1", "2"]);
    });
  });

  describe("pongs", () => {
    const rows: [title: string, marks: number[], rest: string[]][] = [
      ["none", [], ["1", "2", "3", "4"]],
      ["one", [2], ["3", "4"]],
      ["the last of several", [3], ["4"]],
      ["several", [1, 2, 4], []],
      ["one that comes late, or twice", [3, 1, 3], ["4"]],
      ["one for what was never sent", [99], []],
      ["one that cannot be read", [Number.NaN], ["1", "2", "3", "4"]],
    ];
    for (const [title, marks, rest] of rows) {
      it(`confirm what was before their probe: ${title}`, () => {
        const { way, send, inFlight } = flown();
        send("1", "2", "3", "4");
        way.take();
        for (const mark of marks) way.pong(mark);
        expect(inFlight.end(LOST)).to.deep.equal(rest);
      });
    }

    it("confirm what comes behind later ones, too", () => {
      const { way, send, inFlight } = flown();
      for (let i = 1; i <= 1000; i++) {
        send(`${i}`);
        if (i % 3 === 0) way.pong(i - 1);
      }
      expect(inFlight.end(LOST)).to.deep.equal(["999", "1000"]);
    });

    it("make room, and say so", () => {
      const way = new FakeWay();
      way.maxBufferedAmount = 4;
      const { send, inFlight, freed } = flown(undefined, way);
      send("1");
      expect(inFlight.hasRoom).to.equal(true);
      send("large");
      expect(inFlight.hasRoom).to.equal(false);
      way.pong(1);
      expect(inFlight.hasRoom).to.equal(false);
      way.pong(2);
      expect(inFlight.hasRoom).to.equal(true);
      expect(freed()).to.equal(2);
    });
  });

  const guessed: [title: string, make: () => { way: FakeWay; pace: Pace }][] = [
    ["cannot ping", () => ({ way: new FakeWay(false), pace: { look: 10, patience: NEVER } })],
    ["has answered no ping for long", () => ({ way: new FakeWay(), pace: { look: 10, patience: 1 } })],
  ];
  for (const [title, make] of guessed) {
    describe(`on a connection that ${title}`, () => {
      const begun = async () => {
        const { way, pace } = make();
        const { send, inFlight } = flown(pace, way);
        send("1");
        return { way, send, inFlight };
      };

      it("forgets what had left at a look, if something has come by the next", async () => {
        const { way, send, inFlight } = await begun();
        way.take();
        await looked(way, 3);
        way.hear();
        await looked(way, 1);
        send("2");
        expect(inFlight.end(LOST)).to.deep.equal(["2"]);
      });

      it("forgets nothing while nothing comes", async () => {
        const { way, inFlight } = await begun();
        way.take();
        await looked(way, 10);
        expect(inFlight.end(LOST)).to.deep.equal(["1"]);
      });

      for (const taken of [0, 1])
        it(`forgets nothing of which ${taken} bytes have left, whatever comes`, async () => {
          const { way, inFlight } = await begun();
          way.take(taken);
          for (let i = 0; i < 10; i++) {
            way.hear();
            await looked(way, 1);
          }
          expect(inFlight.end(LOST)).to.deep.equal(["1"]);
        });

      it("forgets what had left where it is too much to remember, though nothing comes", async () => {
        const { way, pace } = make();
        way.maxBufferedAmount = 5;
        const { send, inFlight } = flown(pace, way);
        send("11");
        await nextTurn();
        send("22");
        way.take(4);
        while (!inFlight.hasRoom) await nextTurn();
        send("3");
        expect(inFlight.end(LOST)).to.deep.equal(["22", "3"]);
      });
    });
  }

  it("guesses no more once a pong has come after all", async () => {
    const { way, send, inFlight } = flown({ look: 1, patience: 5 });
    send("1");
    await probed(way, 2);
    way.pong(1);
    send("2");
    way.take();
    for (let i = 0; i < 20; i++) {
      way.hear();
      await looked(way, 1);
    }
    expect(inFlight.end(LOST)).to.deep.equal(["2"]);
  });

  it("guesses nothing where pongs have come, however late the next is", async () => {
    const { way, send, inFlight } = flown({ look: 1, patience: 1 });
    send("1");
    way.pong(1);
    send("2");
    way.take();
    for (let i = 0; i < 20; i++) {
      way.hear();
      await looked(way, 1);
    }
    expect(inFlight.end(LOST)).to.deep.equal(["2"]);
  });

  describe("end", () => {
    const frame = (code: number) => ({ code, reason: "" });
    const clean = (sent: number, received = sent): CloseInfo => ({
      ...frame(received),
      wasClean: true,
      sent: frame(sent),
      received: frame(received),
    });
    type Rows = [title: string, info: CloseInfo, wasOurs: boolean, pongs: number[], rest: string[]][];
    const rows: Rows = [
      ["an answer to our Close frame", clean(1000), true, [], []],
      ["an answer without a code to one without", clean(1005), true, [], []],
      ["a Close frame with another code", clean(1000, 1001), true, [], ["1", "2"]],
      ["the same behind the last pong", clean(1000, 1001), true, [2], []],
      ["an answer from a peer that did not answer the last ping", clean(1000), true, [1], ["2"]],
      ["a Close frame that we answered", clean(1000), false, [], ["1", "2"]],
      ["a Close frame that was not answered in time", { ...LOST, sent: frame(1000) }, true, [], ["1", "2"]],
      ["a loss", LOST, false, [], ["1", "2"]],
    ];
    for (const [title, info, wasOurs, pongs, rest] of rows) {
      it(`has ${rest.length} messages that may be lost after ${title}`, () => {
        const { way, send, inFlight } = flown();
        send("1", "2");
        if (wasOurs) inFlight.conclude();
        way.hasClosed = wasOurs;
        expect(way.probes).to.deep.equal(wasOurs ? [1, 2] : [1]);
        for (const mark of pongs) way.pong(mark);
        expect(inFlight.end(info)).to.deep.equal(rest);
      });
    }

    it("leaves no timer behind", async () => {
      const { way, send, inFlight } = flown();
      send("1");
      await looked(way, 1);
      inFlight.end(LOST);
      const { looks } = way;
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(way.looks).to.equal(looks);
    });
  });
});

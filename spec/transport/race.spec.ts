// Several addresses for one name: in which order they are tried, when the next one is, and what becomes of the losers.

import { expect } from "chai";
import { type Address, interleave, type RaceAttempt, race } from "../../lib/transport/race.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { Queue } from "../support/queue.ts";

const NEVER = new AbortController().signal;

/** An attempt that ends when the test says so. */
interface FakeAttempt {
  readonly name: string;
  readonly signal: AbortSignal;
  succeed(): void;
  fail(reason: Error): void;
}

interface FakeRace {
  readonly result: Promise<string>;
  /** Attempts that have begun. */
  readonly begun: Queue<FakeAttempt>;
  readonly discarded: string[];
}

function racing(names: string[], signal = NEVER): FakeRace {
  const begun = new Queue<FakeAttempt>();
  const discarded: string[] = [];
  const attempts = names.map(
    (name): RaceAttempt<string> =>
      (signal) =>
        new Promise((resolve, reject) => {
          begun.push({ name, signal, succeed: () => resolve(name), fail: reject });
        }),
  );
  return { result: race(attempts, (name) => discarded.push(name), signal), begun, discarded };
}

describe("interleave", () => {
  const rows: [given: string, expected: string][] = [
    ["", ""],
    ["6a", "6a"],
    ["4a 4b", "4a 4b"],
    ["6a 6b 4a 4b", "6a 4a 6b 4b"],
    ["4a 4b 6a 6b", "4a 6a 4b 6b"],
    ["6a 4a 6b 4b", "6a 4a 6b 4b"],
    ["6a 6b 6c 4a", "6a 4a 6b 6c"],
    ["4a 6a 6b 6c", "4a 6a 6b 6c"],
  ];
  for (const [given, expected] of rows) {
    it(`makes "${expected}" of "${given}"`, () => {
      const addresses = given
        .split(" ")
        .filter(Boolean)
        .map((address): Address => ({ address, family: Number(address[0]) }));
      expect(
        interleave(addresses)
          .map(({ address }) => address)
          .join(" "),
      ).to.equal(expected);
    });
  }
});

describe("race", () => {
  cleanUp();

  it("is won by the first that succeeds, and tries no other", async () => {
    const { result, begun } = racing(["a", "b"]);
    (await begun.next()).succeed();
    expect(await result).to.equal("a");
    expect(begun.waiting).to.equal(0);
  });

  it("tries the next at once when one fails", async () => {
    const { result, begun } = racing(["a", "b", "c"]);
    (await begun.next()).fail(new Error("a"));
    (await begun.next()).fail(new Error("b"));
    (await begun.next()).succeed();
    expect(await result).to.equal("c");
  });

  it("tries the next beside one that stalls, and discards what comes of a loser", async () => {
    const { result, begun, discarded } = racing(["a", "b"]);
    const first = await begun.next();
    const second = await begun.next(); // a quarter of a second later
    expect(first.signal.aborted).to.equal(false);
    second.succeed();
    expect(await result).to.equal("b");
    expect(first.signal.aborted).to.equal(true);
    first.succeed();
    await nextTurn();
    expect(discarded).to.deep.equal(["a"]);
  });

  it("takes it that a loser fails", async () => {
    const { result, begun, discarded } = racing(["a", "b"]);
    const first = await begun.next();
    (await begun.next()).succeed();
    first.fail(new Error("late")); // mocha fails the test for a rejection that is not handled
    expect(await result).to.equal("b");
    await nextTurn();
    expect(discarded).to.deep.equal([]);
  });

  it("rejects with the only error there is", async () => {
    const { result, begun } = racing(["a"]);
    const failure = new RangeError("a");
    (await begun.next()).fail(failure);
    expect(await rejection(result, RangeError)).to.equal(failure);
  });

  it("rejects with all errors, in the order of the attempts", async () => {
    const { result, begun } = racing(["a", "b", "c"]);
    const failures = [new Error("a"), new Error("b"), new Error("c")];
    for (const failure of failures) (await begun.next()).fail(failure);
    expect((await rejection(result, AggregateError)).errors).to.deep.equal(failures);
  });

  it("ends with the signal's reason, and aborts those that run", async () => {
    const controller = new AbortController();
    const { result, begun, discarded } = racing(["a", "b"], controller.signal);
    const first = await begun.next();
    const reason = new RangeError("enough");
    controller.abort(reason);
    expect(await rejection(result, RangeError)).to.equal(reason);
    expect(first.signal.aborted).to.equal(true);
    first.succeed();
    await nextTurn();
    expect(discarded).to.deep.equal(["a"]);
    expect(begun.waiting).to.equal(0);
  });

  it("does not begin where the signal was aborted before", async () => {
    const reason = new RangeError("enough");
    const { result, begun } = racing(["a"], AbortSignal.abort(reason));
    expect(await rejection(result, RangeError)).to.equal(reason);
    expect(begun.waiting).to.equal(0);
  }).timeout(1000);
});

import { expect } from "chai";
import { takeTurns } from "../../scripts/bench/contest.ts";
import { compare, type Figures, figuresOf, sampleOf } from "../../scripts/bench/figures.ts";
import type { Outcome } from "../../scripts/bench/results.ts";
import { rivalIn, verdictsOf } from "../../scripts/bench/verdict.ts";

function figures(value: number, cpu?: number, server?: number): Figures {
  return {
    value,
    spread: 0,
    ...(cpu === undefined ? {} : { cpu }),
    ...(server === undefined ? {} : { server }),
  };
}

function outcome(its: Record<string, Figures>): Outcome {
  return { figures: its, failures: {}, others: 0 };
}

describe("sampleOf() and figuresOf()", () => {
  it("make rates and CPU per message of a turn", () => {
    expect(sampleOf({ count: 1000, seconds: 0.5, cpuSeconds: 0.25 }, 0.4)).to.deep.equal({
      ...{ value: 2000, cpu: 250, server: 0.8, busySeconds: 0.65 },
    });
  });

  it("take the medians, and say how far the rounds lie apart", () => {
    const samples = [90, 100, 130].map((value, i) => ({ value, cpu: i, server: 0.1 * i }));
    expect(figuresOf(samples)).to.deep.equal({ value: 100, spread: 40, cpu: 1, server: 0.1 });
  });
});

describe("compare()", () => {
  it("goes by the wall clock", () => {
    expect(compare(figures(300, 2, 0.5), figures(100, 8, 0.89))).to.deep.equal({
      ...{ ratio: 3, cpuRatio: 4, decides: 3, isByCpu: false },
    });
  });

  it("goes by CPU per message where the server was the limit of either", () => {
    for (const [ours, other] of [
      [0.9, 0.1],
      [0.1, 0.9],
    ]) {
      const { decides, isByCpu } = compare(figures(300, 2, ours), figures(100, 8, other));
      expect({ decides, isByCpu }).to.deep.equal({ decides: 4, isByCpu: true });
    }
  });
});

describe("verdictsOf()", () => {
  it("holds isosocket against its rival, the add-on and the bare socket, and its promises against the rival", () => {
    const its = outcome({
      isosocket: figures(250),
      "isosocket recv": figures(200),
      ws: figures(100),
      "ws with bufferutil": figures(260),
      raw: figures(300),
    });
    const rows = verdictsOf(its, "node", "echo-64k-binary", "messages/s");
    expect(rows.map(({ whose, against, asked, isMet }) => [whose, against, asked, isMet])).to.deep.equal([
      ["isosocket", "ws", 2.5, true],
      ["isosocket", "ws with bufferutil", 1, false],
      ["isosocket", "raw", 0.7, true],
      ["isosocket recv", "ws", undefined, undefined],
    ]);
  });

  it("compares in Bun with the better of both", () => {
    const its = outcome({ isosocket: figures(1), own: figures(5), ws: figures(7) });
    expect(rivalIn(its, "bun", "messages/s")?.name).to.equal("ws");
    expect(rivalIn(its, "bun", "bytes")?.name).to.equal("own");
  });

  it("asks for at most so much memory and time", () => {
    const bytes = outcome({ isosocket: figures(1000), ws: figures(1000), raw: figures(900) });
    const [rival, raw] = verdictsOf(bytes, "node", "memory-idle", "bytes");
    expect([rival?.isMet, raw?.isMet, raw?.asked]).to.deep.equal([true, true, (900 + 3072) / 900]);
    const ms = outcome({ isosocket: figures(66), ws: figures(100) });
    expect(verdictsOf(ms, "node", "start", "ms")[0]?.isMet).to.equal(false);
  });

  it("says nothing where isosocket or the rival failed", () => {
    expect(verdictsOf(outcome({ ws: figures(1) }), "node", "connect", "connections/s")).to.deep.equal([]);
    expect(verdictsOf(outcome({ isosocket: figures(1) }), "node", "connect", "connections/s")).to.deep.equal(
      [],
    );
  });
});

describe("takeTurns()", () => {
  it("begins each round with another, warms up first, and goes on without who fails", async () => {
    const order: string[] = [];
    const turn = (name: string) => async (ms: number) => {
      order.push(`${name}${ms}`);
      if (name === "b" && order.length > 3) throw new Error("out of breath");
      return { value: ms };
    };
    const turns = new Map(["a", "b", "c"].map((name) => [name, turn(name)]));
    let done = 0;
    const its = await takeTurns(turns, { rounds: 2, roundMs: 9, warmUpMs: 1 }, (count) => {
      done = count;
    });
    expect(order).to.deep.equal(["a1", "b1", "c1", "a9", "b9", "c9", "c9", "a9"]);
    expect(its).to.deep.equal({
      figures: { a: { value: 9, spread: 0 }, c: { value: 9, spread: 0 } },
      failures: { b: "out of breath" },
      others: 0,
    });
    expect(done).to.equal(8);
  });
});

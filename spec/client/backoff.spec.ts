// The wait before an attempt, as tables: how it grows, what chance has a part in, and what begins it anew.

import { expect } from "chai";
import { randomFraction } from "../../lib/bytes/random.ts";
import {
  Backoff,
  type Reconnect,
  type ReconnectOptions,
  resolveReconnect,
} from "../../lib/client/backoff.ts";
import { UsageError } from "../../lib/errors.ts";
import { seeded, tolerance, unevenness } from "../support/chance.ts";
import { thrown } from "../support/failure.ts";

const DEFAULTS: Reconnect = {
  minDelay: 1000,
  maxDelay: 30_000,
  factor: 2,
  jitter: 1,
  maxAttempts: Number.POSITIVE_INFINITY,
  stableAfter: 5000,
  retry: undefined,
};

function resolved(options: ReconnectOptions = {}): Reconnect {
  const reconnect = resolveReconnect(options);
  if (reconnect === undefined) throw new Error("it is on");
  return reconnect;
}

/** The waits before so many attempts in a row, none of which brought about a connection. */
function delays(options: ReconnectOptions, random: () => number, count: number): number[] {
  const backoff = new Backoff(resolved(options), random);
  return Array.from({ length: count }, () => {
    backoff.lost(undefined);
    return backoff.delay();
  });
}

describe("resolveReconnect", () => {
  const rows: [title: string, option: Parameters<typeof resolveReconnect>[0], Reconnect | undefined][] = [
    ["nothing", undefined, undefined],
    ["false", false, undefined],
    ["true", true, DEFAULTS],
    ["{}", {}, DEFAULTS],
    ["a number", 50, { ...DEFAULTS, minDelay: 50 }],
    ["a large number, which raises maxDelay", 10_000, { ...DEFAULTS, minDelay: 10_000, maxDelay: 40_000 }],
    ["undefined for what is not given", { minDelay: undefined, retry: undefined } as object, DEFAULTS],
    ["no jitter", { jitter: 0, factor: 1 }, { ...DEFAULTS, jitter: 0, factor: 1 }],
    ["a maxDelay that is minDelay", { maxDelay: 1000 }, { ...DEFAULTS, maxDelay: 1000 }],
    ["each connection counts", { stableAfter: 0 }, { ...DEFAULTS, stableAfter: 0 }],
    ["one attempt", { maxAttempts: 1 }, { ...DEFAULTS, maxAttempts: 1 }],
  ];
  for (const [title, option, expected] of rows) {
    it(`takes ${title}`, () => expect(resolveReconnect(option)).to.deep.equal(expected));
  }

  const infinite = Number.POSITIVE_INFINITY;
  const wrong: [name: string, values: unknown[]][] = [
    ["minDelay", [0, 0.5, -1, Number.NaN, infinite, 2 ** 31, "50", null, true, 50n]],
    ["maxDelay", [0, 999, Number.NaN, infinite, 2 ** 31, "50000", null]],
    ["factor", [0, 0.99, -2, Number.NaN, infinite, "2", null, true]],
    ["jitter", [-0.1, 1.1, Number.NaN, infinite, "0.5", null, true]],
    ["maxAttempts", [0, -1, 1.5, Number.NaN, "3", null]],
    ["stableAfter", [-1, Number.NaN, infinite, 2 ** 31, "0", null]],
    ["retry", [true, null, "always", {}]],
  ];
  for (const [name, values] of wrong) {
    for (const value of values) {
      it(`refuses ${name}: ${typeof value} ${value}`, () => {
        const error = thrown(() => resolveReconnect({ [name]: value }), UsageError);
        expect(error.code).to.equal("ERR_WS_INVALID_ARGUMENT");
        expect(error.message).to.include(`reconnect.${name}`);
      });
    }
  }

  it("refuses what is no option", () => {
    for (const option of ["5", null, 0, Number.NaN, -5, 5n])
      thrown(() => resolveReconnect(option as number), UsageError);
    for (const option of [{ delay: 5 }, { minDelay: 5, min: 5 }, { constructor: 1 }]) {
      const error = thrown(() => resolveReconnect(option as object), UsageError);
      expect(error.code).to.equal("ERR_WS_UNKNOWN_OPTION");
    }
  });

  it("has no ear for what somebody put on Object.prototype", () => {
    const polluted = Object.prototype as Record<string, unknown>;
    Object.assign(polluted, { minDelay: 1, retry: () => true });
    try {
      expect(resolved()).to.deep.equal(DEFAULTS);
    } finally {
      for (const name of ["minDelay", "retry"]) delete polluted[name];
    }
  });
});

describe("Backoff", () => {
  const almost = 1 - 2 ** -32;
  const rows: [title: string, options: ReconnectOptions, random: number, expected: number[]][] = [
    ["at the most", {}, 0, [2000, 4000, 8000, 16_000, 30_000, 30_000]],
    ["at the least", {}, almost, [1000, 1000, 1000, 1000, 1000, 1000]],
    ["in the middle", {}, 0.5, [1500, 2500, 4500, 8500, 15_500, 15_500]],
    ["without chance", { jitter: 0 }, 0.5, [2000, 4000, 8000, 16_000, 30_000, 30_000]],
    ["half by chance, at the least", { jitter: 0.5 }, almost, [1500, 2500, 4500, 8500, 15_500, 15_500]],
    ["with factor 1, always the same", { factor: 1 }, 0.3, [1000, 1000, 1000]],
    ["with factor 10", { factor: 10, maxDelay: 500_000 }, 0, [10_000, 100_000, 500_000]],
    ["capped at once", { maxDelay: 1000 }, 0.3, [1000, 1000]],
  ];
  for (const [title, options, random, expected] of rows) {
    it(`waits ${title}`, () => {
      const got = delays(options, () => random, expected.length);
      expect(got.map(Math.round)).to.deep.equal(expected);
    });
  }

  it("never waits less than minDelay, or more than maxDelay", () => {
    const random = seeded(1);
    for (const options of [{}, { jitter: 0.3 }, { minDelay: 1, maxDelay: 1 }, { factor: 1.01 }]) {
      const { minDelay, maxDelay } = resolved(options);
      for (const delay of delays(options, random, 5000)) expect(delay).to.be.within(minDelay, maxDelay);
    }
  });

  it("waits no longer than a timer can, as a timer would not wait at all then", () => {
    const most = 2 ** 31 - 1;
    const options = { minDelay: most, jitter: 0 };
    expect(delays(options, Math.random, 3)).to.deep.equal([most, most, most]);
    const backoff = new Backoff(resolved(options), Math.random);
    expect(backoff.delay(3_600_000)).to.equal(most);
  });

  it("grows to the cap for a server that accepts and then drops, 100 times", () => {
    // What resets at each open would wait 1 000 ms for ever.
    const backoff = new Backoff(resolved({ jitter: 0 }), Math.random);
    const waits = Array.from({ length: 100 }, () => {
      backoff.lost(4999);
      return backoff.delay();
    });
    expect(waits.slice(0, 5)).to.deep.equal([2000, 4000, 8000, 16_000, 30_000]);
    expect(new Set(waits.slice(4))).to.deep.equal(new Set([30_000]));
    expect(backoff.attempt).to.equal(100);
  });

  it("begins anew once a connection has lasted", () => {
    // What never resets would wait for the cap after each loss of a long life.
    const backoff = new Backoff(resolved({ jitter: 0 }), Math.random);
    for (let i = 0; i < 10; i++) backoff.lost(undefined);
    backoff.lost(5000);
    expect([backoff.attempt, backoff.delay()]).to.deep.equal([1, 2000]);
    backoff.lost(4999);
    expect([backoff.attempt, backoff.delay()]).to.deep.equal([2, 4000]);
  });

  it("begins anew at each connection, and only then, where stableAfter is 0", () => {
    const backoff = new Backoff(resolved({ stableAfter: 0 }), Math.random);
    for (let i = 0; i < 3; i++) backoff.lost(undefined);
    expect(backoff.attempt).to.equal(3);
    backoff.lost(0); // the clock of a browser may stand still for some ms
    expect(backoff.attempt).to.equal(1);
  });

  it("is exhausted behind the last attempt, and not once a connection has lasted", () => {
    const backoff = new Backoff(resolved({ maxAttempts: 2 }), Math.random);
    const exhausted = [undefined, 10, 5000, undefined, undefined, undefined].map((lasted) => {
      backoff.lost(lasted);
      return backoff.isExhausted;
    });
    expect(exhausted).to.deep.equal([false, false, false, false, true, true]);
  });

  it("adds what the server asks for, so that chance still spreads those who were asked together", () => {
    for (const [random, expected] of [
      [0, 122_000],
      [0.5, 121_500],
    ] as const) {
      const backoff = new Backoff(resolved(), () => random);
      backoff.lost(undefined);
      expect(backoff.delay(120_000)).to.equal(expected);
    }
  });

  describe("in a storm of 1 000 clients that are dropped at once", () => {
    const storm = (random: () => number, options: ReconnectOptions, attempt: number, serverAsks = 0) =>
      Array.from({ length: 1000 }, () => {
        const backoff = new Backoff(resolved(options), random);
        for (let i = 0; i < attempt; i++) backoff.lost(undefined);
        return backoff.delay(serverAsks);
      });

    const rows: [title: string, options: ReconnectOptions, attempt: number, asks: number, range: number[]][] =
      [
        ["the first attempts", {}, 1, 0, [1000, 2000]],
        ["the fifth attempts", {}, 5, 0, [1000, 30_000]],
        ["half by chance", { jitter: 0.5 }, 5, 0, [15_500, 30_000]],
        ["told to come back in a minute", {}, 3, 60_000, [61_000, 68_000]],
      ];
    for (const [title, options, attempt, asks, [least = 0, most = 0]] of rows) {
      it(`spreads them evenly over the interval: ${title}`, () => {
        for (let seed = 1; seed <= 20; seed++) {
          const waits = storm(seeded(seed), options, attempt, asks);
          expect(unevenness(waits, least, most)).to.be.below(tolerance(1000));
        }
      });
    }

    it("would show it if they were not spread", () => {
      expect(unevenness(storm(seeded(1), { jitter: 0 }, 1), 1000, 2000)).to.be.above(0.9);
      expect(unevenness(storm(seeded(1), { jitter: 0.8 }, 1), 1000, 2000)).to.be.above(tolerance(1000));
    });

    it("draws on chance that is even", () => {
      expect(unevenness(storm(randomFraction, {}, 5), 1000, 30_000)).to.be.below(2 * tolerance(1000));
    });
  });
});

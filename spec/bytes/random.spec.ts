// Randomness: keys come from getRandomValues alone, do not repeat, and have no favourite bytes. The bounds are so wide
// that chance breaks them less than once in 10^15 runs.

import { expect } from "chai";
import { randomBytes, randomFraction, randomMask } from "../../lib/bytes/random.ts";

/** Pearson's chi-square of how often each byte occurs: 255 on average, with a deviation of 23. */
function chiSquare(bytes: Uint8Array): number {
  const counts = new Float64Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] as number) + 1;
  const expected = bytes.length / 256;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** What `draw` returns, with Math.random a trap. */
function withoutMathRandom<T>(draw: () => T): T {
  const original = Math.random;
  Math.random = () => {
    throw new Error("Math.random was called");
  };
  try {
    return draw();
  } finally {
    Math.random = original;
  }
}

describe("randomMask", () => {
  const keys = new Int32Array(100_000);
  before(() => keys.set(withoutMathRandom(() => Array.from(keys, randomMask))));

  it("hands out whole numbers of 32 bits", () => {
    for (const key of [randomMask(), randomMask()]) expect(key).to.equal(key | 0);
  });

  it("hardly ever repeats one", () => {
    // One pair in 100,000 keys is to be expected (the birthday paradox), twenty are not.
    expect(new Set(keys).size).to.be.above(99_980);
  });

  it("has every byte as often as any other", () => {
    expect(chiSquare(new Uint8Array(keys.buffer))).to.be.within(90, 600);
  });
});

describe("randomFraction", () => {
  const fractions = Array.from({ length: 100_000 }, () => withoutMathRandom(randomFraction));

  it("is from 0 up to, and without, 1", () => {
    for (const fraction of fractions) expect(fraction >= 0 && fraction < 1).to.equal(true);
  });

  it("is as often in each part as in any other", () => {
    expect(chiSquare(Uint8Array.from(fractions, (fraction) => 256 * fraction))).to.be.within(90, 600);
  });
});

describe("randomBytes", () => {
  for (const length of [0, 1, 16, 65_536]) {
    it(`makes ${length} bytes`, () => expect(randomBytes(length).length).to.equal(length));
  }

  it("has every byte as often as any other", () => {
    const bytes = withoutMathRandom(() => randomBytes(65_536));
    expect(chiSquare(bytes)).to.be.within(90, 600);
  });

  it("makes others each time, in memory of their own", () => {
    const [a, b] = [randomBytes(16), randomBytes(16)];
    expect(a).not.to.deep.equal(b);
    expect(a.buffer).not.to.equal(b.buffer);
  });
});

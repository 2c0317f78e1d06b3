// Chance that is the same in every run, and how far what it gives is from even.

/** Numbers between 0 and 1, as Lehmer's generator draws them; a seed is from 1 on. */
export function seeded(seed: number): () => number {
  let state = seed;
  const next = () => {
    state = (state * 48_271) % (2 ** 31 - 1);
    return state / (2 ** 31 - 1);
  };
  for (let i = 0; i < 10; i++) next(); // small seeds begin with small numbers
  return next;
}

/** Kolmogorov's and Smirnov's distance between the numbers and an even spread from `least` to `most`: 0 for none, up to 1. */
export function unevenness(numbers: readonly number[], least: number, most: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const gaps = sorted.map((number, i) => {
    const share = (number - least) / (most - least);
    return Math.max(Math.abs(share - i / sorted.length), Math.abs(share - (i + 1) / sorted.length));
  });
  return Math.max(...gaps);
}

/** What chance exceeds once in 10 000 times where the spread is even. */
export function tolerance(count: number): number {
  return 2.226 / Math.sqrt(count);
}

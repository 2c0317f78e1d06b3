// A loop that is blocked, as by a long computation.

/** Computes for so many ms; meanwhile nothing is read, and no timer runs. */
export function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

// What is counted on either side of a soak.

/** What the server got of each client. */
export interface Tally {
  readonly got: Readonly<Record<string, readonly number[]>>;
  /** What came more than once. */
  readonly doubled: readonly string[];
}

/** The slope of a line through points that are `step` apart, for each unit. */
export function slope(values: readonly number[], step: number): number {
  const mean = (numbers: readonly number[]) =>
    numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const x = (values.length - 1) / 2;
  const y = mean(values);
  const across = values.reduce((sum, value, i) => sum + (i - x) * (value - y), 0);
  const along = values.reduce((sum, _value, i) => sum + (i - x) ** 2, 0);
  return along === 0 ? 0 : across / along / step;
}

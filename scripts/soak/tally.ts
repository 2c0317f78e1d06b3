// What is counted on either side of a soak.

/** What the server got of each client. */
export interface Tally {
  readonly got: Readonly<Record<string, readonly number[]>>;
  /** What came more than once. */
  readonly doubled: readonly string[];
  /** What came, and was not what was sent. */
  readonly spoilt: readonly string[];
  /** For how many ms its loop was held up, at the most. */
  readonly lag: number;
}

/** The close codes with which the server ends connections: all that may travel. */
export const CODES: readonly number[] = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999],
];

/** Binary is this byte over and over, behind its number and its size; text is `number:size:` and a character. */
export const FILLER = 7;
export const LETTER = "x";

/** A numbered text of so many letters. */
export function textOf(number: number | string, size: number): string {
  return `${number}:${size}:${LETTER.repeat(size)}`;
}

/** Whether a text is whole. */
export function isWhole(text: string): boolean {
  const [number = "", size = ""] = text.split(":", 2);
  return text === textOf(number, Number(size));
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

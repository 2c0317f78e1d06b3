// What peers are known to do against the RFCs, by name, and which of it is taken. Nothing is, unless it was asked for.

/** The deviations that can be tolerated. */
export const TOLERANCES = [
  /** The server names several of the subprotocols that were offered: the first counts. */
  "multipleSubprotocols",
  /** The server chooses none of those that were offered. */
  "missingSubprotocol",
  /** The peer answers our Close frame with one that cannot be read: what we sent counts. */
  "malformedCloseAfterLocalClose",
  /** A text message that is not UTF-8 is taken as binary. */
  "binaryAsText",
] as const;

/** The name of one. */
export type Tolerance = (typeof TOLERANCES)[number];

/** What is tolerated, and who is told. */
export interface ToleranceOptions {
  /** What is taken; undefined for nothing. */
  readonly tolerate?: readonly Tolerance[] | undefined;
  /** Told each time that something was. */
  readonly observer?: { tolerated?(name: Tolerance): void } | undefined;
}

/** Whether that is taken; if so, the observer is told. */
export function tolerates(name: Tolerance, { tolerate, observer }: ToleranceOptions): boolean {
  if (!tolerate?.includes(name)) return false;
  observer?.tolerated?.(name);
  return true;
}

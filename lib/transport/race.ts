// Several addresses for one name: tried in turn, each a little after the one before, until one connects (RFC 8305).
// An attempt that is slow goes on while the next begins, so a distant server is not given up for an unreachable one.

/** How long an address has before the next one is tried besides (RFC 8305 §5), in ms. */
const ATTEMPT_DELAY_MS = 250;

export type RaceAttempt<Result> = (signal: AbortSignal) => Promise<Result>;

/** An address with its family. */
export interface Address {
  readonly address: string;
  readonly family: number;
}

/** The addresses with their families taking turns, in the resolver's order otherwise (RFC 8305 §4). */
export function interleave(addresses: readonly Address[]): Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return first
    .flatMap((address, i) => [address, ...second.slice(i, i + 1)])
    .concat(second.slice(first.length));
}

/**
 * The first attempt to succeed; the others are aborted, and what they connect nevertheless is given to `discard`.
 * Rejects with the only error, or an AggregateError of all, or the signal's reason.
 */
export function race<Result>(
  attempts: readonly RaceAttempt<Result>[],
  discard: (result: Result) => void,
  signal: AbortSignal,
): Promise<Result> {
  if (signal.aborted) return Promise.reject(signal.reason);
  const [only] = attempts;
  if (only !== undefined && attempts.length === 1) return only(signal); // as mostly; it spares a controller
  return new Promise((resolve, reject) => {
    const losers = new AbortController();
    const errors: unknown[] = [];
    let started = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;

    const finish = (settle: () => void) => {
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      settle();
      losers.abort();
    };
    const abort = () => finish(() => reject(signal.reason));
    const startNext = () => {
      clearTimeout(timer);
      const attempt = attempts[started++];
      if (attempt === undefined) return;
      if (started < attempts.length) timer = setTimeout(startNext, ATTEMPT_DELAY_MS);
      attempt(losers.signal).then(
        (result) => (isOver ? discard(result) : finish(() => resolve(result))),
        (error) => {
          errors.push(error);
          if (isOver) return;
          if (errors.length < attempts.length) startNext();
          else finish(() => reject(new AggregateError(errors, "every address failed")));
        },
      );
    };
    if (attempts.length === 0) {
      finish(() => reject(new AggregateError([], "there is no address")));
    } else {
      signal.addEventListener("abort", abort);
      startNext();
    }
  });
}

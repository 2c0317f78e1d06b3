// How much a peer may send before it is refused.

/** What a message may be. */
export interface Limits {
  /** The largest message, in bytes; Infinity for none. Default 100 MiB. */
  readonly maxMessageSize: number;
  /** The most frames that a message may come in; Infinity for none. Default 131,072. */
  readonly maxFragments: number;
}

/** What applies unless something else is said. */
export const DEFAULT_LIMITS: Limits = { maxMessageSize: 100 * 1024 * 1024, maxFragments: 131_072 };

// The language of conversations: a Talk is a generator that yields what it wants and is given bytes. It knows no socket.

/**
 * What a talk can ask for.
 *
 * `send`  bytes for the peer; it is given nothing.
 * `line`  the bytes up to and including the next LF, at most `line` of them. Where `prefix` is given and what comes does
 *         not begin with it, what has come so far.
 * `some`  whatever comes next, at least one byte and at most `some`.
 *
 * At the end of the stream a talk is given what there is, less than it asked for and at last nothing.
 */
export type Ask =
  | { readonly send: Uint8Array }
  | { readonly line: number; readonly prefix?: string }
  | { readonly some: number };

/** A conversation with a peer, and what comes of it. Bytes that it is given are its own. */
export type Talk<Result> = Generator<Ask, Result, Uint8Array>;

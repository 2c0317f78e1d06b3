// The outgoing write path: frames are written into one buffer and leave together. (hot)
// A write to a socket costs 5 to 8 us, a frame of 32 bytes some 60 ns; joined 256 at a time the write costs a ninetieth
// per frame. So nothing is allocated per frame: a staging takes a slab from the pool when the first frame comes, fills
// it, hands its bytes to `write` once, and gives it back. An idle connection holds no buffer at all.
// When to flush is for the owner to decide (once a tick); a full slab flushes itself.

import { type Slab, slabOf } from "./mask.ts";

/**
 * Where the payload of a large frame begins in an empty slab. Copies of 2.5 KiB to 512 KiB between places whose
 * distance is 1 to 15 modulo 4096 run 20 times slower (measured, AMD and glibc, every runtime), and behind a header of
 * 6 to 14 bytes a payload from a page-aligned source falls into just that. So the header is written right before this.
 */
export const PAYLOAD_START = 64;

/** Bytes of payload that fit into one slab behind PAYLOAD_START: where frames are small larger ones brought no gain. */
export const PIECE: number = 64 * 1024;

/** And into a large one, for what is larger: a fourth of the writes. */
export const LARGE_PIECE: number = 256 * 1024;

const SLAB_BYTES = PAYLOAD_START + PIECE;
const MAX_SLABS = 16;
const LARGE_SLAB_BYTES = PAYLOAD_START + LARGE_PIECE;
const MAX_LARGE_SLABS = 4;

/**
 * Slabs that are not in use, shared by the connections of a runtime; at most 1 MiB waits in it, and 1 MiB of large ones. Nor is
 * there much more in use: where a thousand connections are sent to in one tick, a fresh slab for each would cost more than its
 * write. So whoever has waited longest is flushed when one more wants to stage something.
 */
export class SlabPool {
  readonly #allocate: (bytes: number) => Uint8Array;
  readonly #hasLongs: boolean;
  #scratch: Slab | undefined;
  readonly #idle: Slab[] = [];
  readonly #idleLarge: Slab[] = [];
  /** By how long they have waited. Sixteen are looked through for less than a Set takes to add and delete one. */
  readonly #holders: Pick<Staging, "flush">[] = [];

  /**
   * `allocate` makes memory that begins at a multiple of 8, uninitialised where the runtime has such; `hasLongs`: words of 64 bits
   * are fast in it.
   */
  constructor(allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes), hasLongs = false) {
    this.#hasLongs = hasLongs;
    this.#allocate = allocate;
  }

  /** What is unmasked is copied here: one for all, as a part of a payload is used up before the next. */
  get scratch(): Slab {
    this.#scratch ??= slabOf(this.#allocate(PIECE), this.#hasLongs);
    return this.#scratch;
  }

  /** A slab of at least `bytes`, with any content; others may be flushed for it, until leave() also its holder. */
  take(bytes: number, holder?: Pick<Staging, "flush">): Slab {
    if (this.#holders.length >= MAX_SLABS) this.#holders[0]?.flush();
    if (holder !== undefined) this.#holders.push(holder);
    if (bytes <= SLAB_BYTES) return this.#idle.pop() ?? this.#make(SLAB_BYTES);
    if (bytes <= LARGE_SLAB_BYTES) return this.#idleLarge.pop() ?? this.#make(LARGE_SLAB_BYTES);
    return this.#make((bytes + 7) & ~7);
  }

  #make(bytes: number): Slab {
    return slabOf(this.#allocate(bytes), this.#hasLongs);
  }

  give(slab: Slab): void {
    const { length } = slab.bytes;
    if (length === SLAB_BYTES && this.#idle.length < MAX_SLABS) this.#idle.push(slab);
    else if (length === LARGE_SLAB_BYTES && this.#idleLarge.length < MAX_LARGE_SLABS)
      this.#idleLarge.push(slab);
  }

  /** The holder has nothing staged any more. */
  leave(holder: Pick<Staging, "flush">): void {
    const at = this.#holders.indexOf(holder);
    if (at >= 0) this.#holders.copyWithin(at, at + 1).pop();
  }
}

/**
 * Takes the staged bytes. True: it is done with them, and the memory may be written again at once. False: they
 * stay in use, and the memory is the receiver's until it calls `release`, which it may do once or never. It must not stage more
 * in turn.
 */
export type StagedWrite = (bytes: Uint8Array, release: () => void) => boolean;

const EMPTY: Slab = slabOf(new Uint8Array(0));

/** Frames of one connection that wait to leave together. */
export class Staging {
  /** Where frames are written. Valid until the next call of `reserve` or `flush`. */
  slab: Slab = EMPTY;
  /** Where the next frame goes; the writer of a frame moves it on. */
  end = 0;
  private start = 0;
  private readonly pool: SlabPool;
  private readonly write: StagedWrite;

  constructor(pool: SlabPool, write: StagedWrite) {
    this.pool = pool;
    this.write = write;
  }

  /** Bytes that wait for the next flush. */
  get length(): number {
    return this.end - this.start;
  }

  /** Makes room for `bytes` more at the place it returns, flushing first if need be. */
  reserve(bytes: number): number {
    if (this.end + bytes > this.slab.bytes.length) {
      this.flush();
      this.slab = this.pool.take(bytes, this);
    }
    return this.end;
  }

  /**
   * Flushes, then makes room for a header that ends, and `piece` bytes of payload that begin, at PAYLOAD_START.
   * A `header` of 0 goes on with the payload of the frame before.
   */
  reserveLarge(header: number, piece: number): void {
    this.flush();
    this.slab = this.pool.take(PAYLOAD_START + piece, this);
    this.start = PAYLOAD_START - header;
    this.end = this.start;
  }

  /** Hands on what is staged. */
  flush(): void {
    const { slab, start, end } = this;
    if (slab === EMPTY) return;
    this.clear();
    let isOut = true;
    const release = () => {
      if (isOut) this.pool.give(slab);
      isOut = false;
    };
    if (start === end || this.write(slab.bytes.subarray(start, end), release)) release();
  }

  /** Drops what is staged. */
  discard(): void {
    if (this.slab === EMPTY) return;
    this.pool.give(this.slab);
    this.clear();
  }

  private clear(): void {
    this.pool.leave(this);
    this.slab = EMPTY;
    this.start = 0;
    this.end = 0;
  }
}

// How long what comes in may keep the loop. (hot)
//
// A socket that always has something to read is read 32 times in a turn of the loop, 64 KiB at most each, or in Bun 11 times 512
// KiB; and Deno asks the kernel what else is ready in every 61st turn alone. So whoever has been told of bytes for some
// milliseconds on end stops reading until the loop has had its turn. One millisecond would do for others what four do, but to stop
// and begin again takes Deno 45 us.

/** So much on end is a turn, in ms. */
const TURN_MS = 4;

/** What lies further apart is not on end. */
const GAP_MS = 0.5;

/** The turns of those who read; one for all in a process. */
export class Turn {
  readonly #now: () => number;
  #began = 0;
  #ended = 0;
  /** Time that went to what came in, on end. */
  #spent = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Bytes have come. */
  begin(): void {
    this.#began = this.#now();
    if (this.#began - this.#ended > GAP_MS) this.#spent = 0;
  }

  /** They are dealt with; true: it is others' turn. */
  end(): boolean {
    this.#ended = this.#now();
    this.#spent += this.#ended - this.#began;
    if (this.#spent < TURN_MS) return false;
    this.#spent = 0;
    return true;
  }
}

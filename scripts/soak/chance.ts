// Random numbers that a seed repeats (xorshift32).

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }

  /** From 0 up to, and without, `limit`. */
  upTo(limit: number): number {
    return this.next() % limit;
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.upTo(items.length)] as Item;
  }

  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: 1 + this.upTo(most) }, () => this.upTo(256)));
  }
}

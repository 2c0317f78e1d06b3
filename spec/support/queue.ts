// Things that happen, to be waited for one by one: no test guesses how long something takes.

export class Queue<Item> {
  readonly #items: Item[] = [];
  readonly #waiters: { resolve: (item: Item) => void; reject: (reason: Error) => void }[] = [];
  #end: Error | undefined;

  push(item: Item): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#items.push(item);
    else waiter.resolve(item);
  }

  /** Nothing more will happen: those who wait are told so. */
  end(why: string): void {
    this.#end = new Error(why);
    for (const { reject } of this.#waiters.splice(0)) reject(this.#end);
  }

  /** What happened and was not taken. */
  get waiting(): number {
    return this.#items.length;
  }

  next(): Promise<Item> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async take(count: number): Promise<Item[]> {
    const items: Item[] = [];
    while (items.length < count) items.push(await this.next());
    return items;
  }
}

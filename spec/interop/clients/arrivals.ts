// Messages that have come, and those who wait for them.

export class Arrivals {
  readonly #messages: (string | Uint8Array)[] = [];
  readonly #waiting: { resolve(message: string | Uint8Array): void; reject(error: Error): void }[] = [];
  #isOver = false;

  push(message: string | Uint8Array): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#messages.push(message);
    else waiter.resolve(message);
  }

  next(): Promise<string | Uint8Array> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#isOver) return Promise.reject(new Error("it closed before a message came"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  end(): void {
    this.#isOver = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("it closed before a message came"));
  }
}

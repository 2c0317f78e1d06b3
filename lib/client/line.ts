// Messages one behind the other, and what they weigh together.

import type { Message } from "../protocol/assembler.ts";
import { sizeOf } from "./message-stream.ts";

export class Line<Item extends { readonly message: Message }> {
  /** As sizeOf() has it. */
  bytes = 0;
  #items: (Item | undefined)[] = [];
  /** Those before it are gone. */
  #head = 0;

  get first(): Item | undefined {
    return this.#items[this.#head];
  }

  push(item: Item): void {
    this.#items.push(item);
    this.bytes += sizeOf(item.message);
  }

  /** Takes the first. */
  shift(): Item | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined; // so that it can be collected
    if (2 * this.#head >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.bytes -= sizeOf(item.message);
    return item;
  }

  /** Takes the last. */
  pop(): Item | undefined {
    if (this.first === undefined) return undefined;
    const item = this.#items.pop();
    if (item !== undefined) this.bytes -= sizeOf(item.message);
    return item;
  }

  /** Takes all, in order. */
  clear(): Item[] {
    this.bytes = 0;
    return this.#items.splice(this.#head) as Item[];
  }
}

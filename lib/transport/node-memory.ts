// Memory for the messages that a program is handed, where malloc is glibc's: Node and Deno on Linux. (hot)
//
// What comes fresh from the kernel costs a page fault for every 4 KiB, 0.3 to 3 us each, which is more than all else that a
// large message takes. And much does: until told otherwise glibc asks the kernel for each block of 128 KiB and more, and gives
// back what lies free at the end of its heap from 128 KiB on, as it always does when the garbage of many messages is collected.
// Both bounds are moved by a large block that is freed: the one to its size, the other to twice that. So who receives much
// makes one of the largest that counts, 32 MiB, and drops it. It is never touched, and takes no memory of its own; but
// afterwards up to 64 MiB that are free stay with the process. Page faults of 1 GiB in messages of 64 KiB and 1 MiB: Node 20
// 108,000 and 150,000, then 13,000; CPU by message 42 to 27 us and 670 to 260.

import { type Allocate, allocate } from "../bytes/allocate.ts";

/** Who has received so much is taken to receive more. */
const MUCH_BYTES = 16 * 1024 * 1024;

/** With what malloc puts before it, and with pages rounded up, no more than 32 MiB: a larger block would move nothing. */
const LARGEST_BYTES = 32 * 1024 * 1024 - 64 * 1024;

/** Memory for messages on a system, as `process.platform` names it; `make` makes the bytes. */
export function reusedMemory(platform: string, make: Allocate = allocate): Allocate {
  let left = platform === "linux" ? MUCH_BYTES : Number.POSITIVE_INFINITY;
  return (bytes) => {
    left -= bytes;
    if (left < 0) {
      left = Number.POSITIVE_INFINITY;
      make(LARGEST_BYTES);
    }
    return make(bytes);
  };
}

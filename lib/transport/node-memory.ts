// Memory in Node and Deno: for what is sent, and for the messages that a program is handed. (hot)
//
// A message is garbage soon, and what counts is how soon it is collected: V8 looks through what is young when as many objects as fit there
// have been made, and a message leaves little of that beside its bytes, which lie elsewhere. So with 16 MiB of young objects, to which
// V8 grows in time, 32 MiB of bytes wait, which are in no cache when they are used again; and as V8 counts them towards the size
// of its heap, it collects all of that, up to 60 times a second. So whoever has received much makes scrap beside the messages, as
// much as makes V8 look after 8 MiB of them, but never more than three quarters of their size. Of CPU by message that leaves in
// Node 20 and 26 (medians of five processes): echo of 1 KiB 1.79 to 1.42 us and 1.63 to 1.01, of 64 KiB 84 to 66 and 78 to 43;
// received 1.10 to 0.89 and 1.13 to 0.71, 36 to 26 and 27 to 20.
//
// Where malloc is glibc's, on Linux, what comes fresh from the kernel costs a page fault for every 4 KiB, 0.3 to 3 us each, which is
// more than all else that a large message takes. And much does: until told otherwise glibc asks the kernel for each block of 128
// KiB and more, and gives back what lies free at the end of its heap from 128 KiB on, as it always does when the garbage of many
// messages is collected. Both bounds are moved by a large block that is freed: the one to its size, the other to twice that. So who
// receives much makes one of the largest that counts, 32 MiB, and drops it. It is never touched, and takes no memory of its own;
// but afterwards up to 64 MiB that are free stay with the process. Page faults of 1 GiB in messages of 64 KiB and 1 MiB: Node 20
// 108,000 and 150,000, then 13,000; CPU by message 42 to 27 us and 670 to 260.

import { Buffer } from "node:buffer";
import { type Allocate, allocate } from "../bytes/allocate.ts";

/** Uninitialised, at the beginning of an ArrayBuffer of its own. */
export function slabMemory(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}

/** A large message is not cleared before it is filled, which takes up to a third of receiving 64 KiB; below that it is no gain. */
const UNCLEARED_BYTES = 64 * 1024;

/** Memory for messages on a system, as `process.platform` names it. */
export function messageMemory(platform: string): Allocate {
  const make = (bytes: number) => (bytes < UNCLEARED_BYTES ? allocate(bytes) : slabMemory(bytes));
  return paced(reusedMemory(platform, make));
}

let markAsUntransferable: ((memory: ArrayBuffer) => void) | undefined;

/** Who transfers it is told that it cannot be; Node 20 copies it instead. To look the function up each time takes 0.4 us. */
export function guard(memory: ArrayBuffer): void {
  markAsUntransferable ??= process.getBuiltinModule("node:worker_threads").markAsUntransferable;
  markAsUntransferable(memory);
}

/** Who has received so much is taken to receive more; and after so much more is it looked again how large the young generation is. */
const MUCH_BYTES = 16 * 1024 * 1024;

/** With what malloc puts before it, and with pages rounded up, no more than 32 MiB: a larger block would move nothing. */
const LARGEST_BYTES = 32 * 1024 * 1024 - 64 * 1024;

/** `make`, and where malloc is glibc's a block that has it keep what is freed. */
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

/** So many bytes of messages are to come between two looks of V8 through what is young. */
const CYCLE_BYTES = 8 * 1024 * 1024;

/** What a message leaves of young objects without scrap, and how much scrap at most, by its size. */
const OWN_SHARE = 1 / 8;
const MOST_SHARE = 3 / 4;

/** From 128 KiB on V8 gives an array pages of its own, which takes fifty times as long. */
const SCRAP_BYTES = 16 * 1024;

/** `make`, with scrap beside it; `youngBytes` tells how large the young generation is. */
export function paced(
  make: Allocate,
  youngBytes: () => number = youngGeneration,
  makeScrap: (bytes: number) => unknown = (bytes) => new Array(bytes >> 3),
): Allocate {
  const kept: { scrap: unknown } = { scrap: undefined };
  let left = MUCH_BYTES;
  let young = 0;
  let share = 0;
  let owed = 0;
  return (bytes) => {
    left -= bytes;
    if (left < 0) {
      left = MUCH_BYTES;
      young = youngBytes();
      share = Math.min(MOST_SHARE, Math.max(0, young / CYCLE_BYTES - OWN_SHARE));
    }
    // As much as fits is enough to be looked through once.
    owed = Math.min(young, owed + bytes * share);
    for (; owed >= SCRAP_BYTES; owed -= SCRAP_BYTES) kept.scrap = makeScrap(SCRAP_BYTES);
    const memory = make(bytes);
    // Until here, or V8 would see that nobody has it, and not make it; no longer, as what outlives a collection makes the young
    // generation grow.
    kept.scrap = undefined;
    return memory;
  };
}

/** Takes 7 to 100 us; 0 where nothing is known of it. */
function youngGeneration(): number {
  let bytes = 0;
  for (const space of process.getBuiltinModule("node:v8").getHeapSpaceStatistics())
    if (space.space_name === "new_space") bytes = space.space_used_size + space.space_available_size;
  return bytes;
}

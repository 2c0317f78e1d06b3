// The zlib of Node, Deno and Bun: loaded, and tried, when the first compressed message needs it.
//
// Its handles are driven where they do what they must, which is tried with bytes that are known: a context that is kept and
// one that is filled from the history, final blocks, and the two faults that a peer's bytes can have. Else the public
// functions do it, several times slower.

import { CORRUPT, type RawInflate, TAIL, type Zlib } from "../protocol/compression.ts";
import { History } from "../protocol/history.ts";
import { drivenZlib, type StreamModule } from "./driven-zlib.ts";
import { type OneShotModule, oneShotZlib } from "./one-shot-zlib.ts";

export type ZlibWay = "driven" | "one-shot";

/** What is used of node:zlib. */
export type ZlibModule = StreamModule & OneShotModule;

/** The runtime's zlib, by the way that is given, else by the faster one that works. */
export function nodeZlib(way?: ZlibWay, load: () => ZlibModule = loadZlib): Zlib {
  let chosen: Zlib | undefined;
  const zlib = () => {
    chosen ??= choose(load(), way);
    return chosen;
  };
  return {
    deflate: (...options) => zlib().deflate(...options),
    inflate: (windowBits) => zlib().inflate(windowBits),
  };
}

function loadZlib(): ZlibModule {
  return process.getBuiltinModule("node:zlib");
}

function choose(module: ZlibModule, way: ZlibWay | undefined): Zlib {
  if (way === "one-shot") return oneShotZlib(module);
  const driven = drivenZlib(module);
  return way === "driven" || works(driven) ? driven : oneShotZlib(module);
}

/** Whether a zlib does what is asked of it; for tests too. */
export function works(zlib: Zlib): boolean {
  try {
    return keepsContext(zlib) && findsFaults(zlib);
  } catch {
    return false;
  }
}

const PLAIN = new TextEncoder().encode("Hello, Hello, is anybody there?");

/** "Hello" by a final block, which goes on with a block that is not (RFC 7692 §7.2.3.5). */
const FINAL = Uint8Array.of(0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00);

/** Messages that refer to the ones before, also when the streams are new, and across a final block. */
function keepsContext(zlib: Zlib): boolean {
  const [sent, received] = [new History(15), new History(15)];
  let [deflate, inflate] = [zlib.deflate(15, 6, 8), zlib.inflate(15)];
  let first = 0;
  for (const round of [0, 1, 2]) {
    const packed = deflate.compress(PLAIN, 0, PLAIN.length, sent).slice(0, -TAIL.length);
    sent.append(PLAIN, 0, PLAIN.length);
    if (text(inflated(inflate, packed, received)) !== text(PLAIN)) return false;
    if (round === 0) first = packed.length;
    // The second message is shorter as it refers to the first.
    if (round === 1 && packed.length >= first) return false;
    if (round === 0) continue;
    const more = inflated(inflate, FINAL, received);
    if (more === undefined || text(more) !== "Hello") return false;
    sent.append(more, 0, more.length);
    deflate.release();
    inflate.release();
    deflate = zlib.deflate(15, 6, 8);
    inflate = zlib.inflate(15);
  }
  return true;
}

/** A wrong block, and a message that is cut off. */
function findsFaults(zlib: Zlib): boolean {
  return [Uint8Array.of(0x07), FINAL.slice(0, 4), Uint8Array.of(0, 9, 0, 0xf6, 0xff, 1)].every((packed) => {
    const inflate = zlib.inflate(15);
    const result = inflated(inflate, packed, new History(15));
    inflate.release();
    return result === undefined;
  });
}

/** What a message holds; undefined where it is corrupt. */
function inflated(inflate: RawInflate, packed: Uint8Array, history: History): Uint8Array | undefined {
  const output = new Uint8Array(2 * PLAIN.length);
  let size = 0;
  inflate.begin(history, output.length);
  for (let at = 0; at < packed.length; at += inflate.taken) {
    const written = inflate.step(packed, at, packed.length, output.subarray(size), output.length - size);
    if (written === CORRUPT) return undefined;
    history.append(output, size, size + written);
    size += written;
    if (inflate.isEnded) inflate.begin(history, output.length);
  }
  const rest = inflate.finish(output.subarray(size), output.length - size);
  if (rest === CORRUPT) return undefined;
  history.append(output, size, size + rest);
  inflate.rest();
  return output.subarray(0, size + rest);
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

// Raw DEFLATE by the runtime's zlib: both ways do the same, the faster is taken only where it is seen to work, and zlib's
// memory is bounded, whatever the number of connections.

import * as nodeZlibModule from "node:zlib";
import { expect } from "chai";
import {
  CORRUPT,
  type RawDeflate,
  type RawInflate,
  TAIL,
  TOO_MUCH,
  type Zlib,
} from "../../lib/protocol/compression.ts";
import { History } from "../../lib/protocol/history.ts";
import { nodeZlib, works, type ZlibModule } from "../../lib/transport/node-zlib.ts";
import { WAYS } from "../support/deflate.ts";
import { hex, utf8 } from "../support/hex.ts";

const module: ZlibModule = nodeZlibModule;

interface Stream {
  _handle: { writeSync(...args: unknown[]): unknown; reset(): void; onerror: unknown };
  _writeState: Uint32Array;
}

/** node:zlib with something done to its streams. */
function altered(alter: (stream: Stream) => void): ZlibModule {
  const change = <Options>(create: (options: Options) => object) => {
    return (options: Options) => {
      const stream = create(options);
      alter(stream as Stream);
      return stream;
    };
  };
  return {
    ...module,
    createDeflateRaw: change((options: nodeZlibModule.ZlibOptions) => module.createDeflateRaw(options)),
    createInflateRaw: change((options: nodeZlibModule.ZlibOptions) => module.createInflateRaw(options)),
  };
}

/** node:zlib that counts its streams; what is used after it was closed, as Node does not survive it, is counted as a misuse. */
class Counted {
  opened = 0;
  closed = 0;
  most = 0;
  misused = 0;
  readonly module: ZlibModule = altered((stream) => {
    this.opened++;
    this.most = Math.max(this.most, this.opened - this.closed);
    let isClosed = false;
    const owner = stream as Stream & { close(): void };
    const close = owner.close.bind(owner);
    owner.close = () => {
      if (isClosed) this.misused++;
      isClosed = true;
      this.closed++;
      close();
    };
    const handle = owner._handle;
    const writeSync = handle.writeSync.bind(handle);
    handle.writeSync = (...args) => {
      if (!isClosed) return writeSync(...args);
      this.misused++;
      return undefined;
    };
  });
}

/** The two ends of a direction, with what each remembers. */
class Direction {
  readonly #deflate: RawDeflate;
  readonly #inflate: RawInflate;
  readonly #sent = new History(15);
  readonly #received = new History(15);

  constructor(sender: Zlib, receiver: Zlib) {
    this.#deflate = sender.deflate(15, 6, 8);
    this.#inflate = receiver.inflate(15);
  }

  /** What arrives of a text, and in how many bytes. */
  send(text: string): [text: string, packed: number] {
    const plain = utf8(text);
    const packed = this.#deflate.compress(plain, 0, plain.length, this.#sent).slice();
    this.#sent.append(plain, 0, plain.length);
    expect([...packed.slice(-4)]).to.deep.equal([...TAIL]);
    const output = new Uint8Array(10_000);
    this.#inflate.begin(this.#received, output.length);
    let size = this.#inflate.step(packed, 0, packed.length - 4, output, output.length);
    if (size >= 0) size += this.#inflate.finish(output.subarray(size), output.length - size);
    this.#inflate.rest();
    this.#received.append(output, 0, size);
    return [new TextDecoder().decode(output.subarray(0, size)), packed.length - 4];
  }

  /** As after each message where no context is taken over. */
  forget(): void {
    this.#deflate.forget();
    this.#inflate.forget();
    this.#sent.clear();
    this.#received.clear();
  }

  release(): void {
    this.#deflate.release();
    this.#inflate.release();
  }
}

const SENTENCE = "The quick brown fox jumps over the lazy dog, and nobody minds.";

/** A zlib that does one thing otherwise. */
function changed(change: {
  /** Instead of compress(). */
  compress?: (inner: RawDeflate, plain: Uint8Array) => Uint8Array;
  /** What step() tells instead of `size`; `into` is what came out. */
  step?: (size: number, input: Uint8Array, into: Uint8Array) => number;
  /** What finish() tells instead. */
  finish?: (size: number) => number;
}): Zlib {
  const zlib = nodeZlib("driven");
  return {
    deflate(...terms) {
      const inner = zlib.deflate(...terms);
      return {
        compress: (bytes, start, end, history) =>
          change.compress?.(inner, bytes.subarray(start, end)) ?? inner.compress(bytes, start, end, history),
        forget: () => inner.forget(),
        release: () => inner.release(),
      };
    },
    inflate(windowBits) {
      const inner = zlib.inflate(windowBits);
      return {
        get taken() {
          return inner.taken;
        },
        get isEnded() {
          return inner.isEnded;
        },
        begin: (history, room) => inner.begin(history, room),
        step(input, start, end, into, limit) {
          const size = inner.step(input, start, end, into, limit);
          return change.step?.(size, input, into) ?? size;
        },
        finish(output, limit) {
          const size = inner.finish(output, limit);
          return change.finish?.(size) ?? size;
        },
        rest: () => inner.rest(),
        forget: () => inner.forget(),
        release: () => inner.release(),
      };
    },
  };
}

describe("the runtime's zlib", () => {
  it("can be driven in this runtime", () => {
    expect(works(nodeZlib("driven"))).to.equal(true);
  });

  const wrongs: [title: string, zlib: Zlib][] = [
    [
      "gives other bytes",
      changed({
        step(size, _input, into) {
          into[0] = 0;
          return size;
        },
      }),
    ],
    [
      "remembers nothing of the messages before",
      changed({
        compress(inner, plain) {
          inner.forget();
          return inner.compress(plain, 0, plain.length, new History(15)).slice();
        },
      }),
    ],
    // Such a message is the only one that begins with these bytes.
    [
      "takes no message that goes on behind a final block",
      changed({ step: (size, [first]) => (first === 0xf3 ? CORRUPT : size) }),
    ],
    [
      "finds nothing corrupt",
      changed({ step: (size) => Math.max(size, 0), finish: (size) => Math.max(size, 0) }),
    ],
    [
      "throws",
      changed({
        compress() {
          throw new Error("not here");
        },
      }),
    ],
  ];
  for (const [title, zlib] of wrongs) {
    it(`does not work where it ${title}`, () => {
      expect(works(zlib)).to.equal(false);
    });
  }

  it("is driven where that works", () => {
    let isOneShot = false;
    const oneShot = () => {
      isOneShot = true;
      throw new Error("not this way");
    };
    const zlib = nodeZlib(undefined, () => ({ ...module, deflateRawSync: oneShot, inflateRawSync: oneShot }));
    const direction = new Direction(zlib, zlib);
    expect(direction.send(SENTENCE)[0]).to.equal(SENTENCE);
    expect(isOneShot).to.equal(false);
    direction.release();
  });

  it("is not loaded before it is needed, and then once", () => {
    let loads = 0;
    const zlib = nodeZlib(undefined, () => {
      loads++;
      return module;
    });
    expect(loads).to.equal(0);
    const directions = [new Direction(zlib, zlib), new Direction(zlib, zlib)];
    for (const direction of directions) {
      direction.send(SENTENCE);
      direction.release();
    }
    expect(loads).to.equal(1);
  });

  const others: [title: string, module: ZlibModule][] = [
    ["streams without handles", { ...module, createDeflateRaw: () => ({}), createInflateRaw: () => ({}) }],
    [
      "handles without writeSync",
      altered((stream) => Object.defineProperty(stream._handle, "writeSync", { value: undefined })),
    ],
    [
      "handles whose writeSync throws",
      altered((stream) => {
        stream._handle.writeSync = () => {
          throw new TypeError("other arguments");
        };
      }),
    ],
    [
      "handles whose writeSync does nothing",
      altered((stream) => {
        stream._handle.writeSync = () => {};
      }),
    ],
    [
      "handles without reset",
      altered((stream) => Object.defineProperty(stream._handle, "reset", { value: undefined })),
    ],
    [
      "another kind of state",
      altered((stream) => Object.defineProperty(stream, "_writeState", { value: new Uint32Array(3) })),
    ],
    [
      "a state that is not filled",
      altered((stream) => Object.defineProperty(stream, "_writeState", { value: new Uint32Array(2) })),
    ],
    [
      "handles that keep their errors to themselves",
      altered((stream) => {
        const { writeSync } = stream._handle;
        stream._handle.writeSync = function (this: Stream["_handle"], ...args) {
          this.onerror = () => {};
          return writeSync.apply(this, args);
        };
      }),
    ],
  ];
  for (const [title, module] of others) {
    it(`is used by its public functions where there are ${title}`, () => {
      const zlib = nodeZlib(undefined, () => module);
      const direction = new Direction(zlib, nodeZlib("driven"));
      for (let i = 0; i < 3; i++) expect(direction.send(SENTENCE)[0]).to.equal(SENTENCE);
    });
  }

  for (const sender of WAYS) {
    for (const receiver of WAYS) {
      it(`is understood by itself: ${sender} to ${receiver}`, () => {
        const direction = new Direction(nodeZlib(sender), nodeZlib(receiver));
        for (let i = 0; i < 200; i++)
          expect(direction.send(`${SENTENCE} ${i * i}`)[0]).to.equal(`${SENTENCE} ${i * i}`);
        direction.release();
      });
    }
  }

  for (const way of WAYS) {
    describe(`by the ${way} way`, () => {
      /** The fault of a message. */
      const fault = (message: string): number => {
        const room = 100;
        const inflate = nodeZlib(way).inflate(15);
        const packed = hex(message);
        const output = new Uint8Array(room);
        inflate.begin(new History(15), room);
        const size = inflate.step(packed, 0, packed.length, output, room);
        const more = size < 0 ? 0 : inflate.finish(output, room);
        inflate.release();
        return size < 0 ? size : more;
      };

      it("tells of what is corrupt", () => {
        for (const message of ["07", "f248cdc9", "f348cdc9", "0009 00f6ff 01", "f200110000"]) {
          expect(fault(message), message).to.equal(CORRUPT);
        }
      });

      it("is what the other end made, in windows of every size, at every level", () => {
        for (let bits = 8; bits <= 15; bits++) {
          for (let level = 0; level <= 9; level++) {
            const deflate = nodeZlib(way).deflate(bits, level, 1 + (level % 9));
            const history = new History(bits);
            const all: Uint8Array[] = [];
            const plains: Uint8Array[] = [];
            for (let i = 0; i < 12; i++) {
              const plain = utf8(`${SENTENCE.slice(i)}${i * 7919}`.repeat(1 + ((i * 5) % 17)));
              all.push(deflate.compress(plain, 0, plain.length, history).slice());
              history.append(plain, 0, plain.length);
              plains.push(plain);
            }
            const read = nodeZlibModule.inflateRawSync(Buffer.concat(all), {
              finishFlush: 2,
              windowBits: Math.max(9, bits),
            });
            expect(read.equals(Buffer.concat(plains)), `bits ${bits}, level ${level}`).to.equal(true);
            expect(furthest(Buffer.concat(all)), `bits ${bits}, level ${level}`).to.be.at.most(2 ** bits);
            deflate.release();
          }
        }
      });
    });
  }

  it("begins again behind a final block, but not without end, by the public functions", () => {
    const final = hex("01 0000ffff");
    const sizes = [257, 258].map((restarts) => {
      const packed = Buffer.concat(Array.from({ length: restarts }, () => final));
      const inflate = nodeZlib("one-shot").inflate(15);
      inflate.begin(new History(15), 1000);
      expect(inflate.step(packed, 0, packed.length, new Uint8Array(10), 10)).to.equal(0);
      const size = inflate.finish(new Uint8Array(10), 10);
      inflate.release();
      return size;
    });
    expect(sizes).to.deep.equal([0, CORRUPT]);
  });

  it("never makes more of a message at once than there may be, by the public functions", () => {
    const inflate = nodeZlib("one-shot").inflate(15);
    const bomb = nodeZlibModule
      .deflateRawSync(new Uint8Array(10_000_000), { finishFlush: 2 })
      .subarray(0, -4);
    inflate.begin(new History(15), 1000);
    expect(inflate.step(bomb, 0, bomb.length, new Uint8Array(10), 10)).to.equal(0);
    expect(inflate.finish(new Uint8Array(10), 10)).to.equal(TOO_MUCH);
    inflate.release();
  });

  describe("by its handles", () => {
    it("keeps the streams of 64 senders and 256 receivers between messages, and the context of all", () => {
      const counted = new Counted();
      const zlib = nodeZlib("driven", () => counted.module);
      const directions = Array.from({ length: 400 }, () => new Direction(zlib, zlib));
      const sizes: number[][] = [];
      for (let round = 0; round < 3; round++) {
        sizes.push(
          directions.map((direction, i) => {
            const [text, size] = direction.send(`${i} ${SENTENCE}`);
            expect(text).to.equal(`${i} ${SENTENCE}`);
            return size;
          }),
        );
      }
      expect(counted.opened - counted.closed).to.equal(64 + 256);
      expect(counted.most).to.be.at.most(64 + 256 + 2);
      // A context that was dropped is filled again from the history, where the runtime can do that.
      if (!("Deno" in globalThis)) {
        for (const [i, size] of (sizes[2] ?? []).entries())
          expect(size).to.be.below((sizes[0]?.[i] ?? 0) / 2);
      }
      for (const direction of directions) direction.release();
      expect(counted.opened).to.equal(counted.closed);
      expect(counted.misused).to.equal(0);
    });

    it("forgets what it has closed already, for more of them than it keeps", () => {
      const counted = new Counted();
      const zlib = nodeZlib("driven", () => counted.module);
      const directions = Array.from({ length: 300 }, () => new Direction(zlib, zlib));
      const texts = (word: string) => directions.map((direction, i) => direction.send(`${word} ${i}`)[0]);
      const expected = (word: string) => directions.map((_, i) => `${word} ${i}`);
      expect(texts("one")).to.deep.equal(expected("one"));
      for (const direction of directions) direction.forget();
      expect(texts("two")).to.deep.equal(expected("two"));
      for (const direction of directions) direction.release();
      expect([counted.opened - counted.closed, counted.misused]).to.deep.equal([0, 0]);
    });

    it("opens no stream for one connection more than once", () => {
      const counted = new Counted();
      const zlib = nodeZlib("driven", () => counted.module);
      const direction = new Direction(zlib, zlib);
      for (let i = 0; i < 500; i++) direction.send(`${SENTENCE} ${i}`);
      expect(counted.opened).to.equal(2);
      direction.release();
      expect([counted.closed, counted.misused]).to.deep.equal([2, 0]);
    });

    it("leaves nothing behind after 10,000 connections", () => {
      const counted = new Counted();
      const zlib = nodeZlib("driven", () => counted.module);
      for (let i = 0; i < 10_000; i++) {
        const direction = new Direction(zlib, zlib);
        direction.send("Hello");
        direction.release();
        direction.release(); // which is not asked for, and does no harm
      }
      expect(counted.most).to.be.at.most(2);
      expect([counted.opened - counted.closed, counted.misused]).to.deep.equal([0, 0]);
    });

    it("forgets a message where it is told to, also one that began with a history", () => {
      const counted = new Counted();
      const zlib = nodeZlib("driven", () => counted.module);
      const deflate = zlib.deflate(15, 6, 8);
      const plain = utf8(SENTENCE);
      const before = new History(15);
      before.append(plain, 0, plain.length);
      const sizes = [before, new History(15), before, new History(15)].map((history) => {
        const { length } = deflate.compress(plain, 0, plain.length, history);
        deflate.forget();
        return length;
      });
      expect(sizes[1]).to.equal(sizes[3]);
      if (!("Deno" in globalThis)) expect(sizes[0]).to.be.below((sizes[1] ?? 0) / 2);
      deflate.release();
      expect([counted.opened - counted.closed, counted.misused]).to.deep.equal([0, 0]);
    });
  });
});

/** The furthest distance in a stream of DEFLATE, read by the letter of RFC 1951. */
function furthest(stream: Uint8Array): number {
  let bit = 0;
  const take = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, bit++) value |= (((stream[bit >> 3] as number) >> (bit & 7)) & 1) << i;
    return value;
  };
  const decoder = (lengths: readonly number[]) => {
    const codes = new Map<string, number>();
    let code = 0;
    for (let size = 1; size <= 15; size++) {
      for (const [symbol, length] of lengths.entries())
        if (length === size) codes.set((code++).toString(2).padStart(size, "0"), symbol);
      code <<= 1;
    }
    return () => {
      for (let prefix = ""; prefix.length < 16; ) {
        prefix += take(1);
        const symbol = codes.get(prefix);
        if (symbol !== undefined) return symbol;
      }
      throw new Error("no such code");
    };
  };
  const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
  let most = 0;
  while (bit < stream.length * 8) {
    expect(take(1), "no block is final").to.equal(0);
    const type = take(2);
    if (type === 0) {
      bit = (bit + 7) & ~7;
      const length = take(16);
      bit += 16 + 8 * length;
      continue;
    }
    let literals = [...fill(144, 8), ...fill(112, 9), ...fill(24, 7), ...fill(8, 8)];
    let distances = fill(30, 5);
    if (type === 2) {
      const [literalCount, distanceCount, codeCount] = [take(5) + 257, take(5) + 1, take(4) + 4];
      const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
      const codeLengths = fill(19, 0);
      for (const symbol of order.slice(0, codeCount)) codeLengths[symbol] = take(3);
      const next = decoder(codeLengths);
      const lengths: number[] = [];
      while (lengths.length < literalCount + distanceCount) {
        const symbol = next();
        if (symbol < 16) lengths.push(symbol);
        else if (symbol === 16) lengths.push(...fill(3 + take(2), lengths.at(-1) ?? 0));
        else lengths.push(...fill(symbol === 17 ? 3 + take(3) : 11 + take(7), 0));
      }
      literals = lengths.slice(0, literalCount);
      distances = lengths.slice(literalCount);
    }
    const [literal, distance] = [decoder(literals), decoder(distances)];
    for (let symbol = literal(); symbol !== 256; symbol = literal()) {
      if (symbol < 256) continue;
      take(LENGTH_BITS[symbol - 257] as number);
      const code = distance();
      const extra = Math.max(0, (code >> 1) - 1);
      const base = code < 4 ? code + 1 : (2 + (code & 1)) * 2 ** extra + 1;
      most = Math.max(most, base + take(extra));
    }
  }
  return most;
}

function fill(count: number, value: number): number[] {
  return Array.from({ length: count }, () => value);
}

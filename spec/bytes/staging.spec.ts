// Staging: what is staged leaves once and in order, memory is used again when its receiver is done with it, and never
// before; and the pool keeps no more than it says.

import { expect } from "chai";
import { LARGE_PIECE, PAYLOAD_START, PIECE, SlabPool, Staging } from "../../lib/bytes/staging.ts";
import { toHex } from "../support/hex.ts";

const SLAB = PAYLOAD_START + PIECE;
const LARGE_SLAB = PAYLOAD_START + LARGE_PIECE;

interface Rig {
  readonly staging: Staging;
  readonly pool: SlabPool;
  /** What was written, as it was then. */
  readonly written: string[];
  /** The very memory that was written. */
  readonly handed: Uint8Array[];
  /** How many slabs were ever made. */
  allocated(): number;
}

/** A staging whose receiver is done with the bytes at once, or keeps them. */
function rig(isDone = true): Rig {
  const written: string[] = [];
  const handed: Uint8Array[] = [];
  let allocated = 0;
  const pool = new SlabPool((bytes) => {
    allocated++;
    return new Uint8Array(bytes);
  });
  const staging = new Staging(pool, (bytes) => {
    written.push(toHex(bytes));
    handed.push(bytes);
    return isDone;
  });
  return { staging, pool, written, handed, allocated: () => allocated };
}

/** Stages `count` times the same byte. */
function put(staging: Staging, byte: number, count = 1): void {
  const at = staging.reserve(count);
  staging.slab.bytes.fill(byte, at, at + count);
  staging.end = at + count;
}

describe("SlabPool", () => {
  it("makes no more than 16 for those who stage a little in one tick: who waited longest leaves first", () => {
    const written: string[] = [];
    let allocated = 0;
    const pool = new SlabPool((bytes) => {
      allocated++;
      return new Uint8Array(bytes);
    });
    const stagings = Array.from({ length: 100 }, (_, i) => {
      return new Staging(pool, (bytes) => {
        written.push(`${i} ${toHex(bytes)}`);
        return true;
      });
    });
    const expected = stagings.map((_, i) => `${i} ${toHex(Uint8Array.of(i, i))}`);
    for (const [i, staging] of stagings.entries()) put(staging, i, 2);
    expect(written).to.deep.equal(expected.slice(0, 84));
    for (const staging of stagings) staging.flush();
    expect(written).to.deep.equal(expected);
    expect(allocated).to.equal(16);
  });

  it("asks nobody to leave who has nothing staged any more", () => {
    const { staging, pool, written } = rig();
    put(staging, 1);
    staging.discard();
    for (let i = 0; i < 40; i++) pool.take(1, rig().staging);
    expect(written).to.deep.equal([]);
  });

  it("takes a slab for a piece behind a header, a large one for a large piece, or one of just the size for more", () => {
    const pool = new SlabPool();
    expect(pool.take(1).bytes.length).to.equal(SLAB);
    expect(pool.take(SLAB).bytes.length).to.equal(SLAB);
    expect(pool.take(SLAB + 1).bytes.length).to.equal(LARGE_SLAB);
    expect(pool.take(LARGE_SLAB).bytes.length).to.equal(LARGE_SLAB);
    expect(pool.take(LARGE_SLAB + 1).bytes.length).to.be.within(LARGE_SLAB + 1, LARGE_SLAB + 8);
  });

  it("hands out again what was given back", () => {
    const pool = new SlabPool();
    const slab = pool.take(100);
    expect(pool.take(100)).not.to.equal(slab);
    pool.give(slab);
    expect(pool.take(100)).to.equal(slab);
  });

  for (const [title, size, kept] of [
    ["slabs", SLAB, 16],
    ["large ones", LARGE_SLAB, 4],
    ["of another size", LARGE_SLAB + 1, 0],
  ] as const) {
    it(`keeps ${kept} ${title}`, () => {
      const pool = new SlabPool();
      const slabs = Array.from({ length: 17 }, () => pool.take(size));
      for (const slab of slabs) pool.give(slab);
      const again = new Set(Array.from({ length: 17 }, () => pool.take(size)));
      expect(slabs.filter((slab) => again.has(slab)).length).to.equal(kept);
    });
  }
});

describe("Staging", () => {
  it("hands on what was staged once, in order", () => {
    const { staging, written } = rig();
    put(staging, 0x0a, 2);
    put(staging, 0x0b);
    expect(staging.length).to.equal(3);
    staging.flush();
    staging.flush();
    expect(written).to.deep.equal(["0a0a0b"]);
    expect(staging.length).to.equal(0);
  });

  it("writes nothing when nothing is staged, and gives the slab back", () => {
    const { staging, written, allocated } = rig();
    staging.flush();
    for (let i = 0; i < 3; i++) {
      staging.reserve(10);
      staging.flush();
    }
    expect(written).to.deep.equal([]);
    expect(allocated()).to.equal(1);
  });

  it("uses one slab for ever when the receiver is done with it at once", () => {
    const { staging, written, allocated } = rig();
    for (const byte of [1, 2, 3]) {
      put(staging, byte);
      staging.flush();
    }
    expect(written).to.deep.equal(["01", "02", "03"]);
    expect(allocated()).to.equal(1);
  });

  it("never touches again what the receiver keeps", () => {
    const { staging, written, handed } = rig(false);
    for (const byte of [1, 2, 3]) {
      put(staging, byte, 100);
      staging.flush();
    }
    staging.reserveLarge(10, PIECE);
    staging.slab.bytes.fill(0xee);
    expect(handed.map(toHex)).to.deep.equal(written);
    expect(new Set([...handed, staging.slab.bytes].map((bytes) => bytes.buffer)).size).to.equal(4);
  });

  it("takes back what the receiver kept once it is done with it, and once only", () => {
    const pool = new SlabPool();
    const releases: (() => void)[] = [];
    const handed: ArrayBufferLike[] = [];
    const staging = new Staging(pool, (bytes, release) => {
      releases.push(release);
      handed.push(bytes.buffer);
      return false;
    });
    put(staging, 1);
    staging.flush();
    releases[0]?.();
    put(staging, 2);
    staging.flush();
    expect(handed[1]).to.equal(handed[0]);
    releases[0]?.(); // says so again, and somebody else has it by now
    put(staging, 3);
    staging.flush();
    expect(handed[2]).not.to.equal(handed[1]);
  });

  it("gives back once what the receiver is done with at once, and says so again later", () => {
    const pool = new SlabPool();
    const releases: (() => void)[] = [];
    const staging = new Staging(pool, (_, release) => {
      releases.push(release);
      return true;
    });
    put(staging, 1);
    staging.flush();
    releases[0]?.();
    expect(pool.take(1)).not.to.equal(pool.take(1));
  });

  it("never writes into memory that is being handed on", () => {
    const pool = new SlabPool();
    let during: ArrayBufferLike | undefined;
    const staging: Staging = new Staging(pool, (bytes) => {
      if (during !== undefined) return true;
      staging.reserve(1);
      during = staging.slab.bytes.buffer;
      expect(during).not.to.equal(bytes.buffer);
      return true;
    });
    put(staging, 1);
    staging.flush();
    expect(during).not.to.equal(undefined);
  });

  it("shares no slab with another staging of the same pool", () => {
    const { staging, pool } = rig();
    const other = new Staging(pool, () => true);
    put(staging, 1);
    put(other, 2);
    expect(other.slab).not.to.equal(staging.slab);
    expect(staging.slab.bytes[0]).to.equal(1);
  });

  it("flushes itself when a slab is full, and not a byte sooner", () => {
    const { staging, written } = rig();
    put(staging, 0x0a, SLAB - 3);
    put(staging, 0x0b, 3);
    expect(written).to.deep.equal([]);
    put(staging, 0x0c);
    expect(written).to.deep.equal(["0a".repeat(SLAB - 3) + "0b".repeat(3)]);
    staging.flush();
    expect(written[1]).to.equal("0c");
  });

  it("makes room for more than a large slab, and does not keep it", () => {
    const { staging, handed, allocated } = rig();
    for (const byte of [1, 2]) {
      put(staging, byte, LARGE_SLAB + 8);
      staging.flush();
    }
    expect(handed.map((bytes) => bytes.length)).to.deep.equal([LARGE_SLAB + 8, LARGE_SLAB + 8]);
    expect(allocated()).to.equal(2);
  });

  describe("reserveLarge", () => {
    const rows: [header: number, piece: number][] = [
      [14, PIECE],
      [4, 16_384],
      [0, PIECE],
      [0, 1],
    ];
    for (const [header, piece] of rows) {
      it(`puts ${piece} bytes behind a header of ${header} at their place`, () => {
        const { staging, written, handed } = rig();
        put(staging, 0x0a);
        staging.reserveLarge(header, piece);
        expect(written).to.deep.equal(["0a"]);
        expect(staging.end).to.equal(PAYLOAD_START - header);
        expect(staging.length).to.equal(0);
        expect(staging.slab.bytes.length).to.be.at.least(PAYLOAD_START + piece);

        staging.end = PAYLOAD_START + piece;
        expect(staging.length).to.equal(header + piece);
        staging.flush();
        expect(handed[1]?.byteOffset).to.equal(PAYLOAD_START - header);
        expect(handed[1]?.length).to.equal(header + piece);
      });
    }

    it("lets small frames follow in what is left of the slab", () => {
      const { staging, written } = rig();
      staging.reserveLarge(2, 3);
      staging.slab.bytes.fill(0x0a, staging.end, PAYLOAD_START + 3);
      staging.end = PAYLOAD_START + 3;
      put(staging, 0x0b);
      staging.flush();
      expect(written).to.deep.equal(["0a0a0a0a0a0b"]);
    });
  });

  it("drops what is staged, and gives the slab back", () => {
    const { staging, written, allocated } = rig();
    put(staging, 1);
    staging.discard();
    staging.discard();
    expect(staging.length).to.equal(0);
    staging.flush();
    put(staging, 2);
    staging.flush();
    expect(written).to.deep.equal(["02"]);
    expect(allocated()).to.equal(1);
  });
});

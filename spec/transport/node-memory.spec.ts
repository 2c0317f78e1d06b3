import { expect } from "chai";
import { paced, reusedMemory } from "../../lib/transport/node-memory.ts";

const MIB = 2 ** 20;

/** The sizes that were made for messages of these sizes, in MiB. */
function made(platform: string, sizes: readonly number[]): number[] {
  const all: number[] = [];
  const allocate = reusedMemory(platform, (bytes) => {
    all.push(bytes / MIB);
    return new Uint8Array(bytes > MIB ? 0 : bytes);
  });
  for (const size of sizes) allocate(size * MIB);
  return all;
}

describe("reusedMemory", () => {
  it("makes what it is asked for", () => {
    const bytes = reusedMemory("linux")(1000);
    expect(bytes.length).to.equal(1000);
    expect(bytes.buffer.byteLength).to.equal(1000);
  });

  it("leaves the heap alone for the first 16 MiB", () => {
    expect(made("linux", [8, 4, 4])).to.deep.equal([8, 4, 4]);
  });

  it("makes a block beyond them, once, of no more than glibc takes for a sign", () => {
    const [first, second, block, third, ...others] = made("linux", [8, 8, 1, 8, 8, 8]);
    expect([first, second, third, ...others]).to.deep.equal([8, 8, 1, 8, 8, 8]);
    expect(block).to.be.greaterThan(31).and.lessThan(32);
  });

  it("does so nowhere else", () => {
    expect(made("darwin", [8, 8, 1, 8])).to.deep.equal([8, 8, 1, 8]);
  });
});

describe("paced", () => {
  /** Scrap in MiB beside messages of so many MiB, where the young generation is as large as that. */
  function scrapBeside(youngMiB: number, messages: readonly number[]): number[] {
    let scrap = 0;
    const allocate = paced(
      () => new Uint8Array(0),
      () => youngMiB * MIB,
      (bytes) => {
        scrap += bytes;
      },
    );
    return messages.map((size) => {
      scrap = 0;
      allocate(size * MIB);
      return scrap / MIB;
    });
  }

  it("makes what it is asked for", () => {
    const sizes = [1000, 16 * MIB, 70, 100_000];
    const allocate = paced((bytes) => new Uint8Array(bytes));
    expect(sizes.map((size) => allocate(size).length)).to.deep.equal(sizes);
  });

  const CASES: readonly [young: number, of8MiB: number, why: string][] = [
    [0, 0, "nothing is known of it"],
    [1, 0, "V8 looks often enough"],
    [2, 1, ""],
    [4, 3, ""],
    [7, 6, ""],
    [16, 6, "three quarters at the most"],
  ];
  for (const [young, expected, why] of CASES) {
    const title = `makes ${expected} MiB of scrap for 8 of messages where ${young} MiB are young`;
    it(why === "" ? title : `${title}: ${why}`, () => {
      expect(scrapBeside(young, [16, 1 / 16, 8, 8]).slice(2)).to.deep.equal([expected, expected]);
    });
  }

  it("makes no more beside one message than fits into the young generation", () => {
    expect(scrapBeside(7, [17, 1, 1024, 8])).to.deep.equal([7, 3 / 4, 7, 6]);
  });

  it("makes none beside the first 16 MiB", () => {
    expect(scrapBeside(16, [8, 4, 4])).to.deep.equal([0, 0, 0]);
  });

  it("makes it in time for what is small: none is lost", () => {
    const small = scrapBeside(4, [17, ...Array.from({ length: 1024 }, () => 1 / 1024)]).slice(1);
    const sum = small.reduce((all, scrap) => all + scrap, 0);
    expect(sum).to.be.closeTo(3 / 8, 1 / 32);
    expect(Math.max(...small)).to.equal(1 / 64);
  });
});

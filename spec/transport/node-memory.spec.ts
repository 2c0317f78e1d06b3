import { expect } from "chai";
import { reusedMemory } from "../../lib/transport/node-memory.ts";

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

// The last bytes of a stream, whatever pieces it comes in.

import { expect } from "chai";
import fc from "fast-check";
import { History } from "../../lib/protocol/history.ts";
import { retainedBytes } from "../support/growth.ts";
import { toHex } from "../support/hex.ts";

/** What comes next of bytes that never repeat soon. */
function counter(): (length: number) => Uint8Array {
  let next = 0;
  return (length) => Uint8Array.from({ length }, () => (next++ * 167) >> 3);
}

describe("History", () => {
  const rows: [title: string, pieces: number[]][] = [
    ["nothing", []],
    ["an empty piece", [0]],
    ["one byte", [1]],
    ["a full window", [256]],
    ["a window in two pieces", [100, 156]],
    ["a byte more than a window", [256, 1]],
    ["a byte less", [255]],
    ["more than a window at once", [300]],
    ["much more than a window at once", [5000]],
    ["much more than a window behind a little", [7, 5000]],
    ["many pieces", Array.from({ length: 1000 }, (_, i) => i % 13)],
    ["pieces as large as the window", [256, 256, 256]],
    ["a piece around the end of the ring", [200, 100, 200]],
  ];
  for (const [title, pieces] of rows) {
    it(`keeps the last 2^8 bytes of ${title}`, () => {
      const history = new History(8);
      const take = counter();
      let all = new Uint8Array(0);
      for (const length of pieces) {
        const piece = take(length);
        history.append(piece, 0, length);
        all = Uint8Array.from([...all, ...piece]);
        piece.fill(0xff); // a copy is kept
        expect(history.size).to.equal(Math.min(256, all.length));
        expect(toHex(history.bytes())).to.equal(toHex(all.slice(-256)));
      }
    });
  }

  it("keeps the last bytes of any pieces of anything, within any window", () => {
    const piece = fc.record({
      before: fc.nat(9),
      length: fc.oneof(fc.nat(40), fc.nat(3000)),
      after: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 11 }), fc.array(piece, { maxLength: 30 }), (bits, pieces) => {
        const history = new History(bits);
        const take = counter();
        let all = new Uint8Array(0);
        for (const { before, length, after } of pieces) {
          const bytes = take(before + length + after);
          history.append(bytes, before, before + length);
          all = Uint8Array.from([...all, ...bytes.subarray(before, before + length)]);
        }
        expect(toHex(history.bytes())).to.equal(toHex(all.slice(-(2 ** bits))));
      }),
      { numRuns: 300 },
    );
  });

  it("begins anew once it is cleared", () => {
    const history = new History(9);
    history.append(new Uint8Array(1000), 0, 1000);
    history.clear();
    expect(history.size).to.equal(0);
    expect(history.bytes()).to.have.length(0);
    history.append(Uint8Array.of(1, 2, 3), 1, 3);
    expect([...history.bytes()]).to.deep.equal([2, 3]);
  });

  it("takes memory for what has come, up to its window", () => {
    const thousand = (bytes: number) =>
      retainedBytes(() =>
        Array.from({ length: 1000 }, () => {
          const history = new History(15);
          for (let i = 0; i < bytes; i += 100) history.append(new Uint8Array(100), 0, 100);
          return history;
        }),
      ) / 1000;
    expect(thousand(0)).to.be.below(400);
    expect(thousand(500)).to.be.below(1500);
    expect(thousand(100_000)).to.be.below(35_000);
  });
});

import { expect } from "chai";
import { joinBytes } from "../../lib/bytes/join.ts";

describe("joinBytes", () => {
  const rows: [pieces: number[][], all: number[]][] = [
    [[], []],
    [[[]], []],
    [[[1, 2]], [1, 2]],
    [
      [[1], [], [2, 3], [4]],
      [1, 2, 3, 4],
    ],
  ];
  for (const [pieces, all] of rows) {
    it(`makes ${JSON.stringify(all)} of ${JSON.stringify(pieces)}, in memory of its own`, () => {
      const given = pieces.map((piece) => Uint8Array.from(piece));
      const joined = joinBytes(given);
      for (const piece of given) piece.fill(0);
      expect([...joined]).to.deep.equal(all);
    });
  }
});

// Messages larger than memory: sendStream() and recvStream() between two processes with a small heap, in both roles, each
// sending and receiving at once, with readers that pause. What came is what was sent; scripts/streams.ts takes it further.

import { expect } from "chai";
import { exchange } from "../../scripts/streams.ts";
import { runtime } from "../support/runtime.ts";

const MIB = 256;

/** Of a message that were kept anywhere, or sent ahead of its reader, there would be more. */
const MOST_MIB = 200;

describe("a message of 256 MiB each way", function () {
  this.timeout(120_000);

  it("passes through a heap of 64 MiB, as client and as server", async () => {
    const ends = await exchange(MIB, runtime);
    expect(ends.map(({ role }) => role)).to.deep.equal(["client", "server"]);
    for (const { role, sent, received, before, peak } of ends) {
      expect([sent, received], role).to.deep.equal([MIB * 2 ** 20, MIB * 2 ** 20]);
      expect(peak - before, `${role}: ${before} MiB, then ${peak}`).to.be.below(MOST_MIB);
    }
  });
});

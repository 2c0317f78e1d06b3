// Our protocol and the receiver of ws make the same of whatever comes.

import { expect } from "chai";
import fc from "fast-check";
import { compared, RARE, streamed } from "../support/against-ws.ts";

describe("Protocol and ws", () => {
  it("make the same of any stream", async () => {
    const outcomes = new Set<string>();
    const property = fc.asyncProperty(streamed, async (stream) => void outcomes.add(await compared(stream)));
    await fc.assert(property, { numRuns: 500, examples: RARE.map((row): [typeof row] => [row]) });
    // The property means something only while streams of every kind are among those that were drawn.
    expect([...outcomes]).to.include.members([
      "open",
      "closed",
      "1002",
      "1007",
      "1009",
      "not minimal",
      "early",
      "late",
    ]);
  });
});

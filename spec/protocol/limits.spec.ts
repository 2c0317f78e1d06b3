// What a peer may send unless an option says otherwise, at each limit and one past it.

import { expect } from "chai";
import { DEFAULT_LIMITS } from "../../lib/protocol/limits.ts";
import { hex } from "../support/hex.ts";
import { record } from "../support/recorder.ts";

describe("DEFAULT_LIMITS", () => {
  const sizes: [length: string, isRefused: boolean][] = [
    ["00 00 00 00 06 40 00 00", false],
    ["00 00 00 00 06 40 00 01", true],
  ];
  for (const [length, isRefused] of sizes) {
    it(`${isRefused ? "refuse" : "allow"} a message of ${Number.parseInt(length.replaceAll(" ", ""), 16)} bytes`, () => {
      const { protocol } = record("client", DEFAULT_LIMITS);
      protocol.receive(hex(`82 7f ${length}`));
      expect(protocol.isFailed).to.equal(isRefused);
    });
  }

  it("allow 131072 fragments, and no more", () => {
    const { protocol } = record("client", DEFAULT_LIMITS);
    protocol.receive(hex("02 00"));
    const fragment = hex("00 00");
    for (let i = 1; i < 131_072; i++) protocol.receive(fragment);
    expect(protocol.isFailed).to.equal(false);
    protocol.receive(fragment);
    expect(protocol.isFailed).to.equal(true);
  });
});

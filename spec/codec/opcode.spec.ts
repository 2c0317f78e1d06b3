// The sixteen numbers that an opcode can be (RFC 6455 §5.2).

import { expect } from "chai";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  isControl,
  isDefined,
  MAX_CONTROL_PAYLOAD,
  PING,
  PONG,
  TEXT,
} from "../../lib/codec/opcode.ts";

const OPCODES = [...Array(16).keys()];

describe("opcodes", () => {
  it("are the numbers of §11.8", () => {
    expect([CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]).to.deep.equal([0, 1, 2, 8, 9, 10]);
  });
});

describe("MAX_CONTROL_PAYLOAD", () => {
  it("is what §5.5 says", () => expect(MAX_CONTROL_PAYLOAD).to.equal(125));
});

describe("isControl", () => {
  it("goes by the highest bit", () => {
    expect(OPCODES.filter(isControl)).to.deep.equal([8, 9, 10, 11, 12, 13, 14, 15]);
  });
});

describe("isDefined", () => {
  it("leaves out the reserved ones", () => {
    expect(OPCODES.filter((opcode) => isDefined(opcode))).to.deep.equal([0, 1, 2, 8, 9, 10]);
  });
});

// The options that the kit fills in: two protocols made of them understand each other.

import { expect } from "chai";
import type { Message } from "../../lib/protocol/assembler.ts";
import { protocolOptions } from "../../lib/protocol/defaults.ts";
import { DEFAULT_LIMITS } from "../../lib/protocol/limits.ts";
import { Protocol, type ProtocolSink } from "../../lib/protocol/protocol.ts";

describe("protocolOptions", () => {
  it("has the library's limits, and puts what is given before them", () => {
    expect(protocolOptions()).to.include({ ...DEFAULT_LIMITS, utf8Validation: true });
    expect(protocolOptions({ maxMessageSize: 5, utf8Validation: false })).to.include({
      ...DEFAULT_LIMITS,
      maxMessageSize: 5,
      utf8Validation: false,
    });
  });

  it("is all that two ends need", () => {
    const messages: Message[] = [];
    const ends: Protocol[] = [];
    const sinkTo = (other: number): ProtocolSink => ({
      write(bytes) {
        ends[other]?.receive(bytes.slice());
        return true;
      },
      staged() {},
      rest() {},
      message: (data) => void messages.push(data),
      piece() {},
      pinged() {},
      ponged() {},
      closing() {},
      ended() {},
    });
    const client = new Protocol("client", protocolOptions(), sinkTo(1));
    const server = new Protocol("server", protocolOptions(), sinkTo(0));
    ends.push(client, server);
    client.send("masked");
    client.flush();
    server.send("not masked");
    server.flush();
    expect(messages).to.deep.equal(["masked", "not masked"]);
  });
});

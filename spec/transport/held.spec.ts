// What nobody heard is told to whoever comes: in order, copied, and once.

import { expect } from "chai";
import { TransportError } from "../../lib/errors.ts";
import { Held } from "../../lib/transport/held.ts";
import type { TransportSink } from "../../lib/transport/transport.ts";

function listener(): { sink: TransportSink; told: unknown[] } {
  const told: unknown[] = [];
  const sink: TransportSink = {
    data: (chunk) => told.push(...chunk),
    drain: () => told.push("drain"),
    end: () => told.push("end"),
    closed: (cause) => told.push("closed", cause),
  };
  return { sink, told };
}

describe("Held", () => {
  it("tells what came, in order, and once", () => {
    const held = new Held();
    const chunk = Uint8Array.of(1, 2);
    held.data(chunk);
    chunk.fill(9); // it was borrowed for the call
    held.data(Uint8Array.of(3));
    held.drain();
    held.end();
    const cause = new TransportError("ERR_WS_TRANSPORT", "gone");
    held.closed(cause);
    const { sink, told } = listener();
    held.tell(sink);
    expect(told).to.deep.equal([1, 2, 3, "end", "closed", cause]);
    held.tell(sink);
    expect(told).to.have.length(6);
  });

  it("tells nothing where nothing came", () => {
    const { sink, told } = listener();
    new Held().tell(sink);
    expect(told).to.deep.equal([]);
  });
});

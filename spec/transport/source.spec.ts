// What is taken for a transport, and that each is taken once.

import { expect } from "chai";
import { UsageError } from "../../lib/errors.ts";
import { memoryPipe } from "../../lib/transport/memory.ts";
import { isSource, transportOver } from "../../lib/transport/source.ts";
import { thrown } from "../support/failure.ts";
import { FakeTransport } from "../support/fake-transport.ts";

const NONE: readonly unknown[] = [
  undefined,
  null,
  5,
  "ws",
  {},
  [],
  () => {},
  { readable: new ReadableStream() },
  { writable: new WritableStream() },
  { readable: new WritableStream(), writable: new ReadableStream() },
  { readable: null, writable: null },
  { attach() {}, write() {} },
];

describe("isSource", () => {
  it("knows streams and transports", () => {
    expect(isSource(memoryPipe().client)).to.equal(true);
    expect(isSource(new FakeTransport())).to.equal(true);
    expect(isSource(new TransformStream())).to.equal(true);
  });

  it("takes nothing else", () => {
    for (const value of NONE) expect(isSource(value)).to.equal(false);
  });
});

describe("transportOver", () => {
  it("takes a transport as it is, once", () => {
    const transport = new FakeTransport();
    expect(transportOver(transport)).to.equal(transport);
    expect(thrown(() => transportOver(transport), UsageError).code).to.equal("ERR_WS_INVALID_STATE");
  });

  it("takes streams once, also when they are free again", () => {
    const { client } = memoryPipe();
    transportOver(client);
    expect(thrown(() => transportOver(client), UsageError).message).to.include("give a function");
    const same = { ...client };
    expect(thrown(() => transportOver(same), UsageError).message).to.include("in use already");
  });

  it("refuses what is neither", () => {
    for (const value of NONE) thrown(() => transportOver(value), UsageError);
  });
});

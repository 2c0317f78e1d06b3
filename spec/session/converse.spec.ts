// A conversation over a transport: what it sends and is given, and every way in which it can end.

import { getEventListeners } from "node:events";
import { expect } from "chai";
import { TimeoutError, TransportError } from "../../lib/errors.ts";
import type { Talk } from "../../lib/handshake/talk.ts";
import { converse, type Outcome } from "../../lib/session/converse.ts";
import { rejection } from "../support/failure.ts";
import { FakeTransport } from "../support/fake-transport.ts";
import { toHex, utf8 } from "../support/hex.ts";

/** Asks, and reads a line; what comes of it is the line. */
function* question(): Talk<string> {
  yield { send: utf8("name?\n") };
  const line = yield { line: 100 };
  if (line.length === 0) throw new RangeError("no answer");
  return Buffer.from(line).toString();
}

/** Reads all there is, whatever ends it. */
function* reading(): Talk<string> {
  let text = "";
  for (;;) {
    const bytes = yield { some: 100 };
    if (bytes.length === 0) return text;
    text += Buffer.from(bytes).toString();
  }
}

const NEVER = new AbortController().signal;

function talking(
  talk: Talk<string>,
  signal = NEVER,
): { transport: FakeTransport; outcome: Promise<Outcome<string>> } {
  const transport = new FakeTransport();
  return { transport, outcome: converse(transport, talk, signal) };
}

/** What who comes next is told at once. */
function follow(handOver: Outcome<string>["handOver"]): string[] {
  const told: string[] = [];
  handOver({
    data: (chunk) => told.push(`data ${Buffer.from(chunk)}`),
    drain: () => told.push("drain"),
    end: () => told.push("end"),
    closed: () => told.push("closed"),
  });
  return told;
}

describe("converse", () => {
  it("sends, and gives the result and what came behind it", async () => {
    const { transport, outcome } = talking(question());
    expect(transport.calls).to.deep.equal([`write ${toHex(utf8("name?\n"))}`]);
    const chunk = utf8("Ada\nrest");
    transport.sink.data(chunk);
    chunk.fill(0); // it was borrowed for the call
    const { result, handOver } = await outcome;
    expect(result).to.equal("Ada\n");
    expect(follow(handOver)).to.deep.equal(["data rest"]);
  });

  it("takes bytes one by one", async () => {
    const { transport, outcome } = talking(question());
    for (const byte of utf8("Ada\n")) transport.sink.data(Uint8Array.of(byte));
    const { result, handOver } = await outcome;
    expect(result).to.equal("Ada\n");
    expect(follow(handOver)).to.deep.equal([]);
  });

  it("keeps what comes before its outcome is heard of", async () => {
    const { transport, outcome } = talking(question());
    for (const text of ["Ada\n", "more", " still"]) transport.sink.data(utf8(text));
    transport.sink.end();
    transport.sink.closed();
    const { handOver } = await outcome;
    expect(follow(handOver)).to.deep.equal(["data more", "data  still", "end", "closed"]);
  });

  it("rejects with what the talk throws", async () => {
    const { transport, outcome } = talking(question());
    transport.sink.end();
    expect((await rejection(outcome, RangeError)).message).to.equal("no answer");
  });

  it("rejects with why the transport is gone", async () => {
    const { transport, outcome } = talking(question());
    const cause = new TransportError("ERR_WS_TRANSPORT", "reset");
    transport.sink.closed(cause);
    expect(await rejection(outcome, TransportError)).to.equal(cause);
  });

  it("takes the end of the transport for the end of what it reads", async () => {
    for (const end of ["end", "closed"] as const) {
      const { transport, outcome } = talking(reading());
      transport.sink.data(utf8("body"));
      transport.sink[end]();
      expect((await outcome).result).to.equal("body");
    }
  });

  it("rejects with the signal's reason, before and during", async () => {
    const reason = new RangeError("enough");
    const controller = new AbortController();
    const { transport, outcome } = talking(reading(), controller.signal);
    controller.abort(reason);
    expect(await rejection(outcome, RangeError)).to.equal(reason);
    const late = talking(reading(), controller.signal);
    expect(await rejection(late.outcome, RangeError)).to.equal(reason);
    expect(late.transport.calls, "nothing is sent").to.deep.equal([]);
    expect(transport.calls, "it is for others to destroy it").to.deep.equal([]);
  });

  it("rejects with the timeout where nothing has come of the talk", async () => {
    const timeout = new TimeoutError("handshake", 5, "too late");
    const controller = new AbortController();
    const { outcome } = talking(question(), controller.signal);
    controller.abort(timeout);
    expect(await rejection(outcome, TimeoutError)).to.equal(timeout);
  });

  it("gives at a timeout what has come until then", async () => {
    const controller = new AbortController();
    const { transport, outcome } = talking(reading(), controller.signal);
    transport.sink.data(utf8("half a bo"));
    controller.abort(new TimeoutError("handshake", 5, "too late"));
    expect((await outcome).result).to.equal("half a bo");
  });

  it("hears nothing more once it is over", async () => {
    const controller = new AbortController();
    const { transport, outcome } = talking(question(), controller.signal);
    transport.sink.data(utf8("Ada\n"));
    for (const late of [() => transport.sink.data(utf8("late")), () => transport.sink.end()]) late();
    transport.sink.closed(new TransportError("ERR_WS_TRANSPORT", "reset"));
    expect(getEventListeners(controller.signal, "abort")).to.deep.equal([]);
    expect((await outcome).result).to.equal("Ada\n");
  });
});

// One message read as it arrives: order, the end, the connection's end, and leaving before the end.

import { expect } from "chai";
import { MessageStream, sizeOf } from "../../lib/client/message-stream.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { rejection } from "../support/failure.ts";

/** A stream, and the bytes that have left it. */
function stream(type: "text" | "binary" = "text"): { stream: MessageStream; consumed: () => number } {
  let bytes = 0;
  const stream = new MessageStream(type, (count) => {
    bytes += count;
  });
  return { stream, consumed: () => bytes };
}

async function piecesOf(stream: MessageStream): Promise<Message[]> {
  const pieces: Message[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

describe("MessageStream", () => {
  it("gives pieces as they come", async () => {
    const { stream: text } = stream();
    const pieces = text[Symbol.asyncIterator]();
    const first = pieces.next();
    text.add("one", false);
    expect(await first).to.deep.equal({ done: false, value: "one" });
    text.add("two", false);
    text.add("three", true);
    expect((await pieces.next()).value).to.equal("two");
    expect((await pieces.next()).value).to.equal("three");
    expect((await pieces.next()).done).to.equal(true);
  });

  it("passes over pieces that are empty", async () => {
    const { stream: text } = stream();
    expect(["", "a", ""].map((piece, i) => text.add(piece, i === 2))).to.deep.equal([false, true, false]);
    expect(await piecesOf(text)).to.deep.equal(["a"]);
  });

  it("can be empty", async () => {
    for (const [type, empty] of [
      ["text", ""],
      ["binary", new Uint8Array(0)],
    ] as const) {
      const { stream: message } = stream(type);
      message.add(empty, true);
      expect(await message.collect()).to.deep.equal(empty);
    }
  });

  it("collects bytes in order", async () => {
    const { stream: binary } = stream("binary");
    binary.add(Uint8Array.of(1, 2), false);
    binary.add(Uint8Array.of(3), true);
    expect(await binary.collect()).to.deep.equal(Uint8Array.of(1, 2, 3));
  });

  it("throws when the connection ends within it, after what had come", async () => {
    const { stream: text } = stream();
    const lost = new RangeError("lost");
    text.add("begun", false);
    text.fail(lost);
    const pieces = text[Symbol.asyncIterator]();
    expect((await pieces.next()).value).to.equal("begun");
    expect(await rejection(pieces.next(), RangeError)).to.equal(lost);
  });

  it("throws to who is waiting when the connection ends", async () => {
    const { stream: text } = stream();
    const waiting = text.collect();
    text.fail(new RangeError("lost"));
    await rejection(waiting, RangeError);
  });

  it("does not mind the connection's end once it is whole", async () => {
    const { stream: text } = stream();
    text.add("whole", true);
    text.fail(new RangeError("lost"));
    expect(await text.collect()).to.equal("whole");
  });

  it("drops the rest when its reader leaves", async () => {
    const { stream: binary, consumed } = stream("binary");
    for (const length of [1, 10]) binary.add(new Uint8Array(length), false);
    for await (const _ of binary) break;
    expect(consumed(), "what had come").to.equal(11);
    expect(binary.add(new Uint8Array(100), false), "what comes later").to.equal(false);
    expect(consumed()).to.equal(11);
  });

  it("counts what it gives", async () => {
    const { stream: text, consumed } = stream();
    text.add("abc", true);
    expect(consumed()).to.equal(0);
    await text.collect();
    expect(consumed()).to.equal(6);
  });

  it("can be read once", async () => {
    const { stream: text } = stream();
    text.add("once", true);
    await text.collect();
    await rejection(piecesOf(text), TypeError);
  });
});

describe("sizeOf", () => {
  it("counts bytes, and two for each unit of text", () => {
    expect([sizeOf("\u{1f600}a"), sizeOf(new Uint8Array(5)), sizeOf("")]).to.deep.equal([6, 5, 0]);
  });
});

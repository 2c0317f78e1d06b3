// A message sent piece by piece: a frame for each item, an empty one at its end, and no character cut in two.

import { expect } from "chai";
import { iteratorOf, type StreamSource } from "../../lib/client/outgoing-stream.ts";
import { BINARY, CONTINUATION, TEXT } from "../../lib/codec/opcode.ts";
import { UsageError } from "../../lib/errors.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { toHex } from "../support/hex.ts";
import { pair } from "../support/raw-server.ts";

async function* slowly(): AsyncGenerator<string> {
  for (const item of ["a", "b"]) {
    await nextTurn();
    yield item;
  }
}

/** Bytes in every form that a stream takes. */
const bytes = [Uint8Array.of(1), new DataView(Uint8Array.of(0, 2, 0).buffer, 1, 1), Uint8Array.of(3).buffer];

const sources: [title: string, source: StreamSource, opcode: number, frames: string[]][] = [
  ["an array", ["a", "b"], TEXT, ["61", "62", ""]],
  ["a generator", new Set(["a"]).values(), TEXT, ["61", ""]],
  ["an async generator", slowly(), TEXT, ["61", "62", ""]],
  ["a ReadableStream", new Blob(["ab"]).stream(), BINARY, ["6162", ""]],
  ["bytes of all kinds", bytes, BINARY, ["01", "02", "03", ""]],
  ["characters cut in two", ["\ud83d", "\ude00\ud83d", "\ude00"], TEXT, ["", "f09f9880", "f09f9880", ""]],
  ["half a character at the end", ["a\ud83d"], TEXT, ["61", "efbfbd"]],
  ["nothing", [], TEXT, [""]],
];

describe("OutgoingStream", () => {
  const use = cleanUp();

  for (const [title, source, opcode, expected] of sources) {
    it(`sends ${title}`, async () => {
      const { ws, server } = await pair(use);
      await ws.sendStream(source);
      const frames = await server.frames.take(expected.length);
      expect(frames.map(({ payload }) => toHex(payload))).to.deep.equal(expected);
      expect(frames.map((frame) => frame.opcode)).to.deep.equal(
        frames.map((_, i) => (i === 0 ? opcode : CONTINUATION)),
      );
      expect(frames.map(({ fin }) => fin)).to.deep.equal(frames.map((_, i) => i === frames.length - 1));
    });
  }

  it("sends nothing as binary if it is told so", async () => {
    const { ws, server } = await pair(use);
    await ws.sendStream([], { binary: true });
    expect((await server.frames.next()).opcode).to.equal(BINARY);
  });

  for (const source of ["text", 5, null, undefined, {}, new Uint8Array(3), new ArrayBuffer(3)]) {
    it(`refuses ${JSON.stringify(source)} as a source`, async () => {
      const { ws } = await pair(use);
      thrown(() => iteratorOf(source as never), UsageError);
      await rejection(ws.sendStream(source as unknown as StreamSource), UsageError);
      expect(ws.state).to.equal("open");
    });
  }
});

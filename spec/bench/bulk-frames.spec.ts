import { expect } from "chai";
import { BulkFrames } from "../../scripts/bench/bulk-frames.ts";

/** A frame as RFC 6455 §5.2 has it; masked with the key, if there is one. */
function frame(opcode: number, payload: Uint8Array, key?: readonly number[]): Uint8Array {
  const { length } = payload;
  const mask = key === undefined ? 0 : 0x80;
  const size =
    length < 126
      ? [mask | length]
      : length < 65_536
        ? [mask | 126, length >> 8, length & 255]
        : [mask | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  const masked = payload.map((byte, i) => byte ^ (key?.[i % 4] ?? 0));
  return Uint8Array.of(0x80 | opcode, ...size, ...(key ?? []), ...masked);
}

const KEY = [0x37, 0xfa, 0x21, 0x9d];
const SIZES = [0, 1, 3, 4, 5, 63, 64, 65, 66, 67, 125, 126, 127, 200, 1024, 65_535, 65_536, 70_001];

function payload(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7) & 0xff);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Chunks of `size` bytes. */
function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return chunks;
}

describe("BulkFrames", () => {
  const sent = joined(SIZES.map((size) => frame(2, payload(size), KEY)));
  const echoed = joined(SIZES.map((size) => frame(2, payload(size))));

  for (const size of [1, 2, 7, 100, 4096, 65_537, sent.length]) {
    it(`unmasks frames that come in chunks of ${size} bytes`, () => {
      const frames = new BulkFrames();
      const parts = cut(sent, size).map((chunk) => frames.echo(chunk).slice());
      expect(Buffer.compare(joined(parts), echoed)).to.equal(0);
    });
  }

  it("answers a ping with a pong, and says when the client closes", () => {
    const frames = new BulkFrames();
    expect([...frames.echo(frame(9, payload(3), KEY))]).to.deep.equal([...frame(10, payload(3))]);
    expect(frames.isClosed).to.equal(false);
    expect([...frames.echo(frame(8, payload(2), KEY))]).to.deep.equal([...frame(8, payload(2))]);
    expect(frames.isClosed).to.equal(true);
  });

  for (const size of [1, 5, 1000]) {
    it(`counts messages, and reads small ones, in chunks of ${size} bytes`, () => {
      const frames = new BulkFrames();
      const texts: string[] = [];
      const bytes = joined([
        ...Array.from({ length: 70 }, () => frame(1, payload(32), KEY)),
        frame(2, payload(1000), KEY),
        frame(1, new TextEncoder().encode("report"), KEY),
      ]);
      for (const chunk of cut(bytes, size)) frames.count(chunk, (text) => texts.push(text));
      const { messages, bytes: counted, isSpoiled } = frames;
      expect({ messages, counted, texts, isSpoiled }).to.deep.equal({
        ...{ messages: 71, counted: 70 * 32 + 1000, texts: ["report"], isSpoiled: false },
      });
    });
  }

  it("sees messages that are not alike", () => {
    const frames = new BulkFrames();
    for (let i = 0; i < 65; i++) frames.count(frame(1, payload(32).fill(i < 64 ? 1 : 2), KEY), () => {});
    expect(frames.isSpoiled).to.equal(true);
    frames.reset();
    frames.count(frame(1, payload(32), KEY), () => {});
    expect(frames).to.include({ isSpoiled: false, messages: 1 });
  });
});

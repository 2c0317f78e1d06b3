// Compressed text in binary messages, and bytes that are none.

import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { expect } from "chai";
import { MAX_UNPACKED, peek } from "../../lib/cli/peek.ts";

const TEXT = '{"temperature": 21.5, "unit": "°C"}';

describe("peek", () => {
  it("finds text in gzip", () => {
    expect(peek(gzipSync(TEXT))).to.deep.equal({ kind: "gzip", text: TEXT });
  });

  it("finds text in zlib", () => {
    expect(peek(deflateSync(TEXT))).to.deep.equal({ kind: "zlib", text: TEXT });
  });

  it("finds text in bare deflate", () => {
    expect(peek(deflateRawSync(TEXT))).to.deep.equal({ kind: "zlib", text: TEXT });
  });

  it("finds nothing in what is not compressed", () => {
    for (const bytes of ["", "\0", "hello", "\x1f\x8b", "\x1f\x8b\x08 and so on", "x\x9c"])
      expect(peek(Buffer.from(bytes, "latin1")), JSON.stringify(bytes)).to.equal(undefined);
  });

  it("finds nothing in gzip that was cut or changed", () => {
    const whole = gzipSync(TEXT);
    for (let end = 0; end < whole.length - 8; end++) expect(peek(whole.subarray(0, end))).to.equal(undefined);
    const changed = Buffer.from(whole);
    changed[whole.length - 5] = (changed[whole.length - 5] as number) ^ 0xff;
    expect(peek(changed)).to.equal(undefined);
  });

  it("finds nothing in compressed bytes that are no text", () => {
    expect(peek(gzipSync(Buffer.of(0xff, 0xfe, 0x00)))).to.equal(undefined);
    expect(peek(deflateRawSync(Buffer.of(1, 2, 3, 4)))).to.equal(undefined);
  });

  it("finds nothing in deflate of nothing, which two bytes are", () => {
    expect(peek(Buffer.of(3, 0))).to.equal(undefined);
    expect(peek(Buffer.of(1, 0, 0, 0xff, 0xff))).to.equal(undefined);
  });

  it("takes no numbers for text", () => {
    for (let number = 0; number < 0x10000; number++) {
      const bytes = Buffer.alloc(8);
      for (const place of [0, 6]) {
        bytes.writeUInt16BE(number, place);
        if (peek(bytes) !== undefined) throw new Error(`took ${bytes.toString("hex")} for text`);
      }
    }
  });

  it("takes no noise for text", () => {
    let state = 1;
    const noise = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    };
    for (let i = 0; i < 20_000; i++) {
      const bytes = Uint8Array.from({ length: 1 + (i % 60) }, noise);
      if (peek(bytes) !== undefined) throw new Error(`took ${Buffer.from(bytes).toString("hex")} for text`);
    }
  });

  it("finds nothing in bare deflate with more behind it", () => {
    expect(peek(Buffer.concat([deflateRawSync(TEXT), Buffer.of(0)]))).to.equal(undefined);
  });

  it("unpacks no more than its bound", () => {
    const bomb = gzipSync(Buffer.alloc(200 * MAX_UNPACKED, "a"), { level: 9 });
    expect(peek(bomb)).to.equal(undefined);
    expect(peek(gzipSync("a".repeat(MAX_UNPACKED)))?.text.length).to.equal(MAX_UNPACKED);
  });
});

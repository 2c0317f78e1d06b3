// What a message costs while it comes and afterwards: memory follows the bytes that came, not what headers announce and
// not the number of fragments; and what is handed out belongs to whoever gets it.

import { expect } from "chai";
import { webText } from "../../lib/bytes/utf8.ts";
import { FrameDecoder } from "../../lib/codec/frame-decoder.ts";
import { encodeHeader } from "../../lib/codec/frame-encoder.ts";
import { BINARY, CONTINUATION } from "../../lib/codec/opcode.ts";
import { LimitError, ProtocolError } from "../../lib/errors.ts";
import { Assembler, type AssemblerOptions, type Message } from "../../lib/protocol/assembler.ts";
import { DEFAULT_LIMITS } from "../../lib/protocol/limits.ts";
import { retainedBytes } from "../support/growth.ts";
import { hex, toHex } from "../support/hex.ts";

/** A decoder and the assembler behind it, as a client has them. */
class Pair {
  readonly assembler: Assembler;
  readonly #decoder = new FrameDecoder("client");

  constructor(options: Partial<AssemblerOptions> = {}) {
    this.assembler = new Assembler({ ...DEFAULT_LIMITS, utf8Validation: true, text: webText, ...options });
  }

  /** What comes of a chunk. */
  take(chunk: Uint8Array): Message[] {
    const messages: Message[] = [];
    this.#decoder.push(chunk);
    while (this.#decoder.next()) {
      const data = this.assembler.accept(this.#decoder);
      if (data !== undefined) messages.push(data);
    }
    this.#decoder.keep();
    return messages;
  }
}

/** The one binary message that comes of the chunks. */
function binary(...chunks: Uint8Array[]): Uint8Array {
  const pair = new Pair();
  const [message, ...others] = chunks.flatMap((chunk) => pair.take(chunk));
  expect(others).to.have.length(0);
  return message instanceof Uint8Array ? message : expect.fail(`no binary message: ${String(message)}`);
}

describe("Assembler", () => {
  describe("in memory that is not cleared", () => {
    /** One message of zeros, in fragments of these sizes. */
    function fragmented(sizes: readonly number[]): Buffer {
      const last = sizes.length - 1;
      const headers = sizes.map((size, i) =>
        encodeHeader(i === 0 ? BINARY : CONTINUATION, i === last, false, size, null),
      );
      return Buffer.concat(headers.flatMap((header, i) => [header, new Uint8Array(sizes[i] ?? 0)]));
    }

    const SIZES = [
      [70_000],
      [100, 70_000],
      [70_000, 0],
      [65_536, 65_536, 1],
      [70_000, 3, 200_000],
      [1000, 66_000, 66_000],
    ];
    for (const delivery of ["whole", "frames", "parts"] as const)
      for (const sizes of SIZES) {
        const title = `${delivery}: hands out ${sizes.join(" + ")} bytes as they came, and nothing besides`;
        it(title, () => {
          const dirty = (bytes: number) => new Uint8Array(bytes).fill(0xee);
          const assembler = new Assembler({
            ...DEFAULT_LIMITS,
            utf8Validation: true,
            text: webText,
            allocate: dirty,
          });
          assembler.delivery = delivery;
          const decoder = new FrameDecoder("client", { allocate: dirty, shares: 32 });
          const wire = fragmented(sizes);
          const parts: Uint8Array[] = [];
          for (let at = 0; at < wire.length; at += 50_000) {
            decoder.push(wire.subarray(at, at + 50_000));
            while (decoder.next()) {
              const data = assembler.accept(decoder);
              if (data instanceof Uint8Array) parts.push(data);
            }
            decoder.keep();
          }
          const all = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
          expect(Buffer.concat(parts).equals(all)).to.equal(true);
          for (const { buffer } of parts) expect(new Uint8Array(buffer).includes(0xee)).to.equal(false);
        });
      }
  });

  describe("what it holds", () => {
    const many = 100_000;
    const unended: [title: string, first: string, then: string][] = [
      ["empty fragments of a text", "01 00", "00 00"],
      ["empty fragments of bytes", "02 00", "00 00"],
      ["fragments of one byte of a text", "01 01 61", "00 01 61"],
      ["fragments of one byte", "02 01 61", "00 01 61"],
      ["chunks of one byte of one frame", "82 7f 00 00 00 00 00 10 00 00", "61"],
    ];
    for (const [title, first, then] of unended) {
      it(`follows the bytes: ${many} ${title}`, () => {
        const held = retainedBytes(() => {
          const pair = new Pair();
          const chunk = hex(then);
          pair.take(hex(first));
          for (let i = 0; i < many; i++) pair.take(chunk);
          return pair;
        });
        // 2^20 is what one header is trusted with. One object per fragment would be five times as much or more.
        expect(held).to.be.below(1.5 * 1024 * 1024);
      });
    }

    it("is not what a header announces", () => {
      const held = retainedBytes(() => {
        const pair = new Pair({ maxMessageSize: Number.POSITIVE_INFINITY });
        pair.take(hex("82 7f 00 00 01 00 00 00 00 00 61"));
        return pair;
      });
      expect(held).to.be.below(2 * 1024 * 1024);
    });

    it("is nothing once the message is handed out", () => {
      const held = retainedBytes(() => {
        const pair = new Pair();
        pair.take(hex("02 7f 00 00 00 00 00 10 00 00"));
        pair.take(new Uint8Array(1024 * 1024));
        pair.take(hex("80 00"));
        return pair;
      });
      expect(held).to.be.below(256 * 1024);
    });
  });

  describe("what it hands out", () => {
    const chunkings: [title: string, chunks: string[]][] = [
      ["whole in a chunk", ["82 04 01 02 03 04"]],
      ["in two chunks", ["82 04 01 02", "03 04"]],
      ["in two frames", ["02 02 01 02 80 02 03 04"]],
      ["in two frames and four chunks", ["02 02 01", "02", "80 02 03", "04"]],
    ];
    for (const [title, chunks] of chunkings) {
      it(`is a copy of what came ${title}`, () => {
        const pair = new Pair();
        const messages = chunks.map(hex).flatMap((chunk) => {
          const taken = pair.take(chunk);
          chunk.fill(0xff);
          return taken;
        });
        const next = pair.take(hex("82 01 09"));
        expect(messages).to.deep.equal([hex("01 02 03 04")]);
        expect(next).to.deep.equal([hex("09")]);
      });
    }

    it("keeps no more memory alive than it needs", () => {
      const kib = new Uint8Array(1000);
      const messages = [
        binary(hex("82 7e 03 e8"), kib.subarray(1), kib.subarray(999)),
        binary(hex("02 7e 03 e8"), kib, hex("80 01 00")),
        binary(hex("02 01 00 80 7e 03 e8"), kib),
      ];
      for (const message of messages) expect(message.buffer.byteLength).to.be.at.most(message.length + 64);
    });

    it("is a plain Uint8Array, also of a chunk that is a Buffer", () => {
      const chunk = Buffer.from("8203010203", "hex");
      const message = binary(chunk);
      chunk.fill(0xff);
      expect(message.constructor).to.equal(Uint8Array);
      expect(toHex(message)).to.equal("010203");
    });
  });

  describe("pieces", () => {
    it("tells of each whether it is one, in which frame it came, and whether it ends the message", () => {
      const pair = new Pair();
      pair.assembler.delivery = "frames";
      const told = ["01 01 61", "00 01 62", "80 01 63", "81 01 64"].map((chunk) => {
        const data = pair.take(hex(chunk));
        const { isPiece, opcode, fin } = pair.assembler;
        return isPiece ? [...data, opcode, fin] : data;
      });
      expect(told).to.deep.equal([["a", 1, false], ["b", 0, false], ["c", 0, true], ["d"]]);
    });

    it("hold nothing back but an incomplete character", () => {
      const held = retainedBytes(() => {
        const pair = new Pair();
        pair.assembler.delivery = "parts";
        const chunk = new Uint8Array(1024);
        pair.take(hex("02 7f 00 00 00 00 04 00 00 00"));
        for (let i = 0; i < 10_000; i++) pair.take(chunk);
        return pair;
      });
      expect(held).to.be.below(1.5 * 1024 * 1024);
    });
  });

  describe("throws", () => {
    it("ProtocolError for frames in the wrong order and for text that is not UTF-8", () => {
      for (const frames of ["80 00", "01 00 01 00", "81 01 ff", "01 05 ff"]) {
        expect(() => new Pair().take(hex(frames)), frames).to.throw(ProtocolError);
      }
    });

    it("LimitError for what is too large, before any of it has come", () => {
      expect(() => new Pair({ maxMessageSize: 1 }).take(hex("82 02"))).to.throw(
        LimitError,
        "maxMessageSize is 1",
      );
      expect(() => new Pair({ maxFragments: 1 }).take(hex("02 00 80 01"))).to.throw(
        LimitError,
        "maxFragments",
      );
    });
  });
});

// A message for many: its frames, byte for byte, plain and compressed, and how often it is compressed.

import { expect } from "chai";
import { webText } from "../../lib/bytes/utf8.ts";
import { FrameDecoder } from "../../lib/codec/frame-decoder.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import type { DeflateOptions, Zlib } from "../../lib/protocol/compression.ts";
import { type PreparedFrames, PreparedMessage } from "../../lib/server/prepared-message.ts";
import { toHex } from "../support/hex.ts";
import { platform } from "../support/runtime.ts";
import { WireEnd } from "../support/wire-end.ts";

function deflate(more: Partial<DeflateOptions> = {}, zlib: Zlib = platform.zlib): DeflateOptions {
  const agreement = {
    serverNoContextTakeover: true,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  return { threshold: 64, level: 6, memLevel: 8, agreement, zlib, ...more };
}

/** What a client makes of the bytes. */
function heard(bytes: Uint8Array, options?: DeflateOptions): Message[] {
  const client = new WireEnd("client", options === undefined ? {} : { deflate: options });
  client.protocol.receive(bytes);
  client.settle();
  return client.messages;
}

function framesFor(message: PreparedMessage, options?: DeflateOptions): PreparedFrames {
  const frames = message.framesFor(options, webText);
  if (frames === undefined) throw new Error("it has to be compressed by each for itself");
  return frames;
}

describe("PreparedMessage", () => {
  const rows: [title: string, data: Message, hex: string][] = [
    ["a text", "Hi", "81024869"],
    ["an empty text", "", "8100"],
    ["text in UTF-8", "\u20ac\u{1f600}", "8107e282acf09f9880"],
    ["half of a pair of surrogates, as elsewhere", "\ud800", "8103efbfbd"],
    ["bytes", Uint8Array.of(0, 255), "820200ff"],
    ["no bytes", new Uint8Array(0), "8200"],
    ["126 bytes", new Uint8Array(126), `827e007e${"00".repeat(126)}`],
  ];
  for (const [title, data, hex] of rows) {
    it(`${title} is one frame, without a mask`, () => {
      expect(toHex(framesFor(new PreparedMessage(data)).bytes)).to.equal(hex);
    });
  }

  it("has a length of 64 bits where it needs one", () => {
    const { bytes } = framesFor(new PreparedMessage(new Uint8Array(65536)));
    expect(toHex(bytes.subarray(0, 10))).to.equal("827f0000000000010000");
  });

  it("is a copy", () => {
    const data = Uint8Array.of(1, 2, 3);
    const message = new PreparedMessage(data);
    data.fill(9);
    expect(toHex(framesFor(message).bytes)).to.equal("8203010203");
    expect(message.data).to.deep.equal(Uint8Array.of(1, 2, 3));
  });

  it("is made once for all", () => {
    const message = new PreparedMessage("x".repeat(1000));
    expect(framesFor(message).bytes).to.equal(framesFor(message).bytes);
    expect(framesFor(message, deflate()).bytes).to.equal(framesFor(message, deflate()).bytes);
  });

  describe("compressed", () => {
    const messages: [title: string, data: Message][] = [
      ["a text", "tick tock \u20ac ".repeat(100)],
      ["bytes", new Uint8Array(1000).map((_, i) => i >> 3)],
      ["more than a slice of them, so that it leaves in several frames", "0123456789 ".repeat(100_000)],
      ["a text that is cut between two surrogates, or rather not", `a${"\u{1f600}".repeat(100_000)}`],
    ];
    for (const [title, data] of messages) {
      for (const serverMaxWindowBits of [15, 9]) {
        it(`is what a client takes: ${title}, window of 2^${serverMaxWindowBits}`, () => {
          const options = deflate();
          const agreement = { ...options.agreement, serverMaxWindowBits };
          const { bytes, length } = framesFor(new PreparedMessage(data), { ...options, agreement });
          const size = typeof data === "string" ? webText.byteLength(data) : data.length;
          expect(length).to.be.below(size / 2);
          expect(heard(bytes, { ...options, agreement })).to.deep.equal([data]);
        });
      }
    }

    it("says so in the first frame alone", () => {
      const { frames } = framesFor(new PreparedMessage("0123456789 ".repeat(100_000)), deflate());
      expect(frames.length).to.be.above(1);
      expect(frames.map(({ rsv1 }) => rsv1)).to.deep.equal(frames.map((_, i) => i === 0));
      expect(frames.map(({ fin }) => fin)).to.deep.equal(frames.map((_, i) => i === frames.length - 1));
    });

    it("refers to nothing before it: the same message twice is the same twice", () => {
      const { bytes } = framesFor(new PreparedMessage("tick tock ".repeat(100)), deflate());
      const twice = Buffer.concat([bytes, bytes]);
      expect(heard(twice, deflate())).to.deep.equal(["tick tock ".repeat(100), "tick tock ".repeat(100)]);
    });

    it("is not, below the threshold", () => {
      const message = new PreparedMessage("x".repeat(63));
      expect(framesFor(message, deflate())).to.equal(framesFor(message));
      const bytes = new PreparedMessage("\u20ac".repeat(22)); // 66 of them
      expect(framesFor(bytes, deflate())).to.not.equal(framesFor(bytes));
    });

    it("is left to each where what is sent refers to what was sent", () => {
      const options = deflate();
      const agreement = { ...options.agreement, serverNoContextTakeover: false };
      const message = new PreparedMessage("x".repeat(1000));
      expect(message.framesFor({ ...options, agreement }, webText)).to.equal(undefined);
    });

    it("is done once for all that agreed on the same, and gives zlib's memory back", () => {
      let made = 0;
      let released = 0;
      const zlib: Zlib = {
        ...platform.zlib,
        deflate(...options) {
          made++;
          const raw = platform.zlib.deflate(...options);
          return {
            compress: (...args) => raw.compress(...args),
            forget: () => raw.forget(),
            release() {
              released++;
              raw.release();
            },
          };
        },
      };
      const message = new PreparedMessage("tick tock ".repeat(100));
      for (let i = 0; i < 10; i++) framesFor(message, deflate({}, zlib));
      expect([made, released]).to.deep.equal([1, 1]);
      framesFor(message, deflate({ level: 9 }, zlib));
      expect([made, released]).to.deep.equal([2, 2]);
    });
  });

  it("is read by a decoder as it was written", () => {
    const decoder = new FrameDecoder("client");
    decoder.push(framesFor(new PreparedMessage("Hi")).bytes);
    expect(decoder.next()).to.equal(true);
    expect([decoder.opcode, decoder.fin, decoder.rsv1, decoder.length]).to.deep.equal([1, true, false, 2]);
  });
});

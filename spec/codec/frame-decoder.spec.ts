// Bytes to frames: every rule at the head of the decoder, in both roles, whole, byte by byte and at every cut; exact lengths
// up to 2^53 - 1 from the header alone; parts as they arrive; and whose the bytes are.
// A row's header and payload are what a server sends; for the server's role they are masked.

import { expect } from "chai";
import { FrameDecoder, type Role } from "../../lib/codec/frame-decoder.ts";
import { LimitError, ProtocolError } from "../../lib/errors.ts";
import { frames, masked } from "../support/frames.ts";
import { concat, hex, toHex } from "../support/hex.ts";
import { splits } from "../support/splits.ts";

const ROLES: Role[] = ["client", "server"];
const KEY = hex("37fa21f3");

/** A frame as it reaches this role: as it stands, or with the mask bit and masked. */
function wire(role: Role, header: string, payload = ""): Uint8Array {
  const bytes = hex(header);
  if (role === "client") return concat(bytes, hex(payload));
  bytes[1] = (bytes[1] as number) | 0x80;
  return concat(bytes, KEY, masked(hex(payload), KEY));
}

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 0xff);
}

/** Where a decoder stands: the part that is here, `first`, `last`, and how much is to come. */
function part(decoder: FrameDecoder): string {
  const here = toHex(decoder.bytes.subarray(decoder.start, decoder.end));
  const ends = (decoder.isFirst ? " first" : "") + (decoder.isLast ? " last" : "");
  return `${here || "-"}${ends} ${decoder.remaining}`;
}

for (const role of ROLES) {
  describe(`FrameDecoder as ${role}`, () => {
    const accepted: [title: string, header: string, payload: string, line: string][] = [
      ["a text", "8105", "48656c6c6f", "fin text 48656c6c6f"],
      ["an empty text", "8100", "", "fin text "],
      ["a first fragment", "0103", "48656c", "text 48656c"],
      ["an empty fragment", "0000", "", "continuation "],
      ["a last fragment", "8002", "6c6f", "fin continuation 6c6f"],
      ["a binary", "8203", "00ff80", "fin binary 00ff80"],
      ["a ping", "8905", "48656c6c6f", "fin ping 48656c6c6f"],
      ["an empty ping", "8900", "", "fin ping "],
      ["a pong of one byte", "8a01", "07", "fin pong 07"],
      ["a close", "8802", "03e8", "fin close 03e8"],
      ["the longest control frame", "897d", "ab".repeat(125), `fin ping ${"ab".repeat(125)}`],
      ["125 bytes", "827d", "cd".repeat(125), `fin binary ${"cd".repeat(125)}`],
      ["126 bytes", "827e007e", "cd".repeat(126), `fin binary ${"cd".repeat(126)}`],
      ["127 bytes", "827e007f", "cd".repeat(127), `fin binary ${"cd".repeat(127)}`],
      ["256 bytes", "827e0100", "cd".repeat(256), `fin binary ${"cd".repeat(256)}`],
    ];
    for (const [title, header, payload, line] of accepted) {
      it(`${title}, between two others`, () => {
        const ping = wire(role, "8901", "21");
        const bytes = concat(ping, wire(role, header, payload), ping);
        for (const split of splits(bytes)) {
          expect(frames(role, split.chunks), split.title).to.deep.equal(["fin ping 21", line, "fin ping 21"]);
        }
      });
    }

    const large: [length: number, header: string][] = [
      [65_535, "827effff"],
      [65_536, "827f0000000000010000"],
      [200_001, "827f0000000000030d41"],
    ];
    for (const [length, header] of large) {
      it(`${length} bytes, whole and in chunks of 1,009`, () => {
        const payload = toHex(noise(length));
        const bytes = wire(role, header, payload);
        const chunks = Array.from({ length: Math.ceil(bytes.length / 1009) }, (_, i) =>
          bytes.slice(1009 * i, 1009 * (i + 1)),
        );
        for (const cut of [[bytes], chunks]) {
          expect(frames(role, cut)[0] === `fin binary ${payload}`).to.equal(true);
        }
      });
    }

    const refused: [title: string, header: string, message: RegExp][] = [
      ["RSV2", "a100", /RSV2 or RSV3/],
      ["RSV3", "9100", /RSV2 or RSV3/],
      ["all three", "f100", /RSV2 or RSV3/],
      ["RSV2 on a control frame", "a900", /RSV2 or RSV3/],
      ["RSV1 without an extension", "c100", /RSV1 set, without an extension/],
      ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, string, RegExp] => [
        `opcode ${opcode}`,
        `8${opcode.toString(16)}00`,
        new RegExp(`reserved opcode ${opcode}$`),
      ]),
      ["a fragmented close", "0800", /fragmented control frame/],
      ["a fragmented ping", "0900", /fragmented control frame/],
      ["a fragmented pong", "0a00", /fragmented control frame/],
      ["a ping of 126 bytes", "897e007e", /more than 125 bytes/],
      ["a close of 65,536 bytes", "887f0000000000010000", /more than 125 bytes/],
      ["a small length in 16 bits", "827e007d", /shortest form/],
      ["no length in 16 bits", "827e0000", /shortest form/],
      ["a small length in 64 bits", "827f0000000000000001", /shortest form/],
      ["65,535 in 64 bits", "827f000000000000ffff", /shortest form/],
      ["a length of 2^63", "827f8000000000000000", /first bit set/],
      ["a length of 2^64 - 1", "827fffffffffffffffff", /first bit set/],
    ];
    for (const [title, header, message] of refused) {
      it(`refuses ${title}`, () => {
        for (const split of splits(wire(role, header))) {
          expect(() => frames(role, split.chunks), split.title)
            .to.throw(ProtocolError, message)
            .with.property("closeCode", 1002);
        }
      });
    }

    it("refuses what is not masked as its role demands", () => {
      const [other, message]: [Role, RegExp] =
        role === "client"
          ? ["server", /masked frame from a server/]
          : ["client", /unmasked frame from a client/];
      for (const split of splits(wire(other, "8105", "48656c6c6f"))) {
        expect(() => frames(role, split.chunks), split.title)
          .to.throw(ProtocolError, message)
          .with.property("closeCode", 1002);
      }
    });

    it("waits for no length and no key when the first two bytes are wrong already", () => {
      const mask = role === "server" ? 0x80 : 0;
      const wrong = [
        [0xa1, mask | 126],
        [0x83, mask | 127],
        [0x09, mask | 1],
        [0x88, mask | 126],
        [0x81, (mask ^ 0x80) | 127],
      ];
      for (const bytes of wrong) {
        const decoder = new FrameDecoder(role);
        decoder.push(Uint8Array.from(bytes));
        expect(() => decoder.next(), bytes.join()).to.throw(ProtocolError);
      }
    });

    it("hands out what came before a fault in the same chunk", () => {
      const decoder = new FrameDecoder(role);
      decoder.push(concat(wire(role, "8101", "61"), wire(role, "8300")));
      expect(decoder.next()).to.equal(true);
      expect(part(decoder)).to.equal("61 first last 0");
      expect(() => decoder.next()).to.throw(ProtocolError, /reserved opcode 3/);
    });

    const lengths: [title: string, header: string, length: number][] = [
      ["65,536", "827f0000000000010000", 65_536],
      ["2^31 - 1", "827f000000007fffffff", 2 ** 31 - 1],
      ["2^31", "827f0000000080000000", 2 ** 31],
      ["2^32", "827f0000000100000000", 2 ** 32],
      ["2^32 + 5", "827f0000000100000005", 2 ** 32 + 5],
      ["2^53 - 1", "827f001fffffffffffff", 2 ** 53 - 1],
    ];
    for (const [title, header, length] of lengths) {
      it(`takes a length of ${title} from the header alone`, () => {
        for (const split of splits(wire(role, header))) {
          const decoder = new FrameDecoder(role);
          const stops = split.chunks.map((chunk) => {
            decoder.push(chunk);
            const stop = decoder.next();
            decoder.keep();
            return stop;
          });
          expect(stops.indexOf(true), split.title).to.equal(split.chunks.length - 1);
          expect(decoder.length).to.equal(length);
          expect(part(decoder)).to.equal(`- first ${length}`);
          expect(decoder.next()).to.equal(false);
        }
      });
    }

    const tooLong: [title: string, header: string, actual: bigint][] = [
      ["2^53", "827f0020000000000000", 2n ** 53n],
      ["2^53 + 1", "827f0020000000000001", 2n ** 53n + 1n],
      ["2^63 - 1", "827f7fffffffffffffff", 2n ** 63n - 1n],
    ];
    for (const [title, header, actual] of tooLong) {
      it(`refuses a length of ${title} as beyond every limit`, () => {
        for (const split of splits(wire(role, header))) {
          expect(() => frames(role, split.chunks), split.title)
            .to.throw(LimitError, String(actual))
            .that.includes({
              code: "ERR_WS_MESSAGE_TOO_BIG",
              limit: "maxMessageSize",
              actual,
              closeCode: 1009,
            });
        }
      });
    }

    it("hands out a data frame part by part", () => {
      const bytes = wire(role, "8105", "48656c6c6f");
      const decoder = new FrameDecoder(role);
      const steps: [from: number, to: number, parts: string[]][] = [
        [0, -6, []],
        [-6, -5, ["- first 5"]],
        [-5, -3, ["4865 3"]],
        [-3, -2, ["6c 2"]],
        [-2, bytes.length, ["6c6f last 0"]],
      ];
      for (const [from, to, parts] of steps) {
        decoder.push(bytes.slice(from, to));
        const seen: string[] = [];
        while (decoder.next()) seen.push(part(decoder));
        decoder.keep();
        expect(seen).to.deep.equal(parts);
      }
    });

    it("hands out a control frame whole, however it comes", () => {
      const bytes = wire(role, "8905", "48656c6c6f");
      for (const split of splits(bytes)) {
        const decoder = new FrameDecoder(role);
        const seen: string[] = [];
        for (const chunk of split.chunks) {
          decoder.push(chunk);
          while (decoder.next()) seen.push(part(decoder));
          decoder.keep();
        }
        expect(seen, split.title).to.deep.equal(["48656c6c6f first last 0"]);
      }
    });

    it("goes on with a control frame in the middle of a chunk that was pushed before the last was read", () => {
      const bytes = concat(
        wire(role, "0103", "48656c"),
        wire(role, "8901", "21"),
        wire(role, "8002", "6c6f"),
      );
      for (const split of splits(bytes)) {
        const decoder = new FrameDecoder(role);
        for (const chunk of split.chunks) decoder.push(chunk);
        const seen: string[] = [];
        while (decoder.next()) seen.push(part(decoder));
        expect(seen, split.title).to.deep.equal([
          "48656c first last 0",
          "21 first last 0",
          "6c6f first last 0",
        ]);
      }
    });

    it("reads Node's Buffers, which may be used again after keep()", () => {
      const bytes = concat(wire(role, "8105", "48656c6c6f"), wire(role, "8902", "2122"));
      const pool = Buffer.alloc(bytes.length + 9);
      for (const split of splits(bytes)) {
        const lines = frames(
          role,
          split.chunks.map((chunk) => Buffer.from(chunk)),
        );
        expect(lines, split.title).to.deep.equal(["fin text 48656c6c6f", "fin ping 2122"]);

        const decoder = new FrameDecoder(role);
        const seen: string[] = [];
        for (const chunk of split.chunks) {
          pool.set(chunk, 3);
          decoder.push(pool.subarray(3, 3 + chunk.length));
          if (decoder.next()) seen.push(part(decoder));
          decoder.keep();
          pool.fill(0xee);
        }
        while (decoder.next()) seen.push(part(decoder));
        expect(seen.at(-1), split.title).to.equal("2122 first last 0");
      }
    });

    describe("with RSV1 allowed", () => {
      const rows: [title: string, header: string, line: string][] = [
        ["a text", "c100", "fin rsv1 text "],
        ["a first fragment", "4200", "rsv1 binary "],
        ["a message without it", "8100", "fin text "],
        ["a continuation without it", "8000", "fin continuation "],
      ];
      for (const [title, header, line] of rows) {
        it(`accepts ${title}`, () => {
          for (const split of splits(wire(role, header))) {
            expect(frames(role, split.chunks, { allowRsv1: true }), split.title).to.deep.equal([line]);
          }
        });
      }

      const refusals: [title: string, header: string, message: RegExp][] = [
        ["a continuation", "c000", /continuation or control frame with RSV1/],
        ["a close", "c800", /continuation or control frame with RSV1/],
        ["a ping", "c900", /continuation or control frame with RSV1/],
        ["a pong", "ca00", /continuation or control frame with RSV1/],
        ["RSV2 beside it", "e100", /RSV2 or RSV3/],
      ];
      for (const [title, header, message] of refusals) {
        it(`refuses ${title}`, () => {
          for (const split of splits(wire(role, header))) {
            expect(() => frames(role, split.chunks, { allowRsv1: true }), split.title).to.throw(
              ProtocolError,
              message,
            );
          }
        });
      }
    });
  });
}

describe("FrameDecoder.own()", () => {
  /** A binary frame whose bytes all are `fill`. */
  function binary(role: Role, length: number, fill: number): Uint8Array {
    const header = length < 126 ? [0x82, length] : [0x82, 126, length >> 8, length];
    return wire(role, toHex(Uint8Array.from(header)), toHex(new Uint8Array(length).fill(fill)));
  }

  /** What comes of chunks, each of which is overwritten once it was read; frames that were cut are joined. */
  function payloadsOf(chunks: readonly Uint8Array[], role: Role, shares = 32): Uint8Array[] {
    const decoder = new FrameDecoder(role, { shares });
    const payloads: Uint8Array[] = [];
    for (const chunk of chunks) {
      decoder.push(chunk);
      while (decoder.next()) {
        const part = decoder.own();
        if (decoder.isFirst) payloads.push(part);
        else payloads.push(concat(payloads.pop() ?? part, part));
      }
      decoder.keep();
      chunk.fill(0xee);
    }
    return payloads;
  }

  const LENGTHS = [0, 1, 64, 65, 66, 1000, 65, 4096, 4097, 100, 100, 3000, 65, 64, 2000, 70];

  for (const role of ROLES) {
    it(`gives the ${role} payloads that neither a chunk nor one another can change`, () => {
      const all = concat(...LENGTHS.map((length, i) => binary(role, length, i + 1)));
      for (const at of [0, 1, 70, 300, 1300, 5000, 9000, 12_000]) {
        const chunks = [all.slice(0, at), all.slice(at)];
        for (const given of [chunks, chunks.map((chunk) => Buffer.from(chunk))]) {
          const payloads = payloadsOf(given, role);
          expect(payloads.map(({ length }) => length)).to.deep.equal(LENGTHS);
          payloads.forEach((payload, i) => {
            expect(payload.constructor).to.equal(Uint8Array);
            expect(payload.findIndex((byte) => byte !== i + 1)).to.equal(-1);
            payload.fill(0xff);
          });
        }
      }
    });
  }

  it("keeps no more alive than 32 times a payload, and nothing else for one that came alone", () => {
    const lengths = [...LENGTHS, ...new Array<number>(600).fill(100), ...LENGTHS];
    const all = concat(...lengths.map((length) => binary("client", length, 7)));
    for (const shares of [32, 2, 1]) {
      const payloads = payloadsOf([all.slice()], "client", shares);
      for (const { length, buffer } of payloads) expect(buffer.byteLength).to.be.at.most(shares * length);
    }
    expect(new Set(payloadsOf([all], "client").map(({ buffer }) => buffer)).size).to.be.below(400);
    for (const length of LENGTHS) {
      const [alone] = payloadsOf([binary("client", length, 7)], "client");
      expect(alone?.buffer.byteLength).to.equal(length);
    }
  });

  it("gives what comes behind a payload whose memory was transferred", () => {
    const decoder = new FrameDecoder("client", { shares: 32 });
    decoder.push(concat(...[1, 2, 3, 4].map((fill) => binary("client", 100, fill))));
    for (const fill of [1, 2, 3, 4]) {
      decoder.next();
      const payload = decoder.own();
      expect(payload).to.deep.equal(new Uint8Array(100).fill(fill));
      structuredClone(payload.buffer, { transfer: [payload.buffer as ArrayBuffer] });
    }
  });

  it("says which memory several payloads share", () => {
    const guarded: ArrayBuffer[] = [];
    const decoder = new FrameDecoder("client", { shares: 32, guard: (memory) => guarded.push(memory) });
    const buffers: ArrayBufferLike[] = [];
    for (const lengths of [[100], [100, 200, 300], [5000, 64], [65]]) {
      decoder.push(concat(...lengths.map((length) => binary("client", length, 7))));
      while (decoder.next()) buffers.push(decoder.own().buffer);
      decoder.keep();
    }
    expect(buffers).to.have.lengthOf(7);
    expect(guarded).to.deep.equal([buffers[1]]);
    expect(buffers.filter((buffer) => buffer === guarded[0])).to.have.lengthOf(3);
  });

  it("gives what a paused reader left behind, and what came to it later", () => {
    const decoder = new FrameDecoder("client", { shares: 32 });
    const given: number[] = [];
    const read = () => {
      decoder.next();
      const payload = decoder.own();
      given.push(payload[0] as number);
      expect(payload.every((byte) => byte === payload[0])).to.equal(true);
    };
    const three = (fill: number) => concat(...[0, 1, 2].map((i) => binary("client", 100, fill + i)));
    decoder.push(three(1));
    read();
    decoder.keep();
    read();
    decoder.push(three(4));
    decoder.keep();
    for (let i = 0; i < 4; i++) read();
    expect(given).to.deep.equal([1, 2, 3, 4, 5, 6]);
  });
});

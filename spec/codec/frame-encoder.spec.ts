// Frames to bytes: the examples of RFC 6455 §5.7 and recorded frames to the byte, each border between forms of length, and
// texts for which the header's size is guessed wrong. What was encoded is decoded again in the role that may receive it.

import { expect } from "chai";
import { PAYLOAD_START, SlabPool, Staging } from "../../lib/bytes/staging.ts";
import { SHORT_TEXT, type TextCodec, webText } from "../../lib/bytes/utf8.ts";
import { encodeFrame, encodeHeader, encodeText } from "../../lib/codec/frame-encoder.ts";
import { BINARY, CONTINUATION, type Opcode, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { nodeText } from "../../lib/transport/node-text.ts";
import { frames, keyOf, masked, staged } from "../support/frames.ts";
import { concat, hex, toHex, utf8 } from "../support/hex.ts";
import { splits } from "../support/splits.ts";

const KEY = hex("37fa21f3"); // its last byte makes the number negative

const CODECS: [name: string, codec: TextCodec][] = [
  ["webText", webText],
  ["nodeText", nodeText],
];

/** [length, header of a final binary frame without a mask] around each border. */
const HEADERS: [length: number, header: string][] = [
  [0, "8200"],
  [1, "8201"],
  [125, "827d"],
  [126, "827e007e"],
  [127, "827e007f"],
  [16_383, "827e3fff"],
  [16_384, "827e4000"],
  [65_535, "827effff"],
  [65_536, "827f0000000000010000"],
  [65_537, "827f0000000000010001"],
  [200_000, "827f0000000000030d40"],
];

/** The same header with the mask bit and a key. */
function withKey(header: string): Uint8Array {
  const bytes = hex(header);
  bytes[1] = (bytes[1] as number) | 0x80;
  return concat(bytes, KEY);
}

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 0xff);
}

/** Compares by hex, which is quick, and short when it fails. */
function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).to.equal(expected.length);
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  const shown = (bytes: Uint8Array) => `at ${at}: ${toHex(bytes.subarray(at, at + 16))}`;
  if (at >= 0) expect(shown(actual)).to.equal(shown(expected));
}

interface Example {
  readonly title: string;
  readonly opcode: Opcode;
  readonly payload: string;
  readonly fin: boolean;
  readonly wire: string;
  /** What a decoder says of it. */
  readonly line: string;
}

function example(title: string, opcode: Opcode, payload: string, wire: string, line: string): Example {
  return { title, opcode, payload, fin: line.startsWith("fin"), wire, line };
}

const EXAMPLES: Example[] = [
  example("a text (§5.7)", TEXT, "Hello", "810548656c6c6f", "fin text 48656c6c6f"),
  example("a masked text (§5.7)", TEXT, "Hello", "818537fa213d7f9f4d5158", "fin text 48656c6c6f"),
  example("a first fragment (§5.7)", TEXT, "Hel", "010348656c", "text 48656c"),
  example("a last fragment (§5.7)", CONTINUATION, "lo", "80026c6f", "fin continuation 6c6f"),
  example("a ping (§5.7)", PING, "Hello", "890548656c6c6f", "fin ping 48656c6c6f"),
  example("a masked pong (§5.7)", PONG, "Hello", "8a8537fa213d7f9f4d5158", "fin pong 48656c6c6f"),
  ...[
    ["hello there", "818bcbea592ea38f3542a4ca2d46ae983c"],
    ["hello again", "818b00e9597b688c35176fc9381c618037"],
    ["hello again", "818b9fa3b2d8f7c6deb4f083d3bffecadc"],
    ["hello again", "818bfd0cd0b09569bcdc922cb1d79c65be"],
    ["hello world", "818bbe04e66ad6618a06d1249105cc6882"],
  ].map(([text = "", wire = ""]) =>
    example(`"${text}" as recorded, ${wire.slice(4, 12)}`, TEXT, text, wire, `fin text ${toHex(utf8(text))}`),
  ),
];

/** The key that a small frame carries. */
function keyIn(wire: string): number | null {
  const bytes = hex(wire);
  return (bytes[1] as number) >= 0x80 ? keyOf(bytes.subarray(2, 6)) : null;
}

describe("encodeFrame", () => {
  for (const { title, opcode, payload, fin, wire, line } of EXAMPLES) {
    it(`${title}, there and back`, () => {
      const key = keyIn(wire);
      const bytes = staged((into) => encodeFrame(into, opcode, utf8(payload), fin, false, key));
      expect(toHex(bytes)).to.equal(wire);
      for (const split of splits(bytes)) {
        expect(frames(key === null ? "client" : "server", split.chunks), split.title).to.deep.equal([line]);
      }
    });
  }

  for (const [length, header] of HEADERS) {
    it(`${length} bytes`, () => {
      const payload = noise(length);
      const bytes = staged((into) => encodeFrame(into, BINARY, payload, true, false, null));
      expectBytes(bytes, concat(hex(header), payload));
    });

    it(`${length} bytes, masked, behind another frame`, () => {
      const payload = noise(length);
      const bytes = staged((into) => {
        encodeFrame(into, PING, utf8("!"), true, false, null);
        encodeFrame(into, BINARY, payload, true, false, keyOf(KEY));
        encodeFrame(into, PONG, utf8("!"), true, false, null);
      });
      expectBytes(bytes, concat(hex("890121"), withKey(header), masked(noise(length), KEY), hex("8a0121")));
      expectBytes(payload, noise(length));
    });
  }

  const flags: [title: string, fin: boolean, rsv1: boolean, wire: string][] = [
    ["neither FIN nor RSV1", false, false, "0200"],
    ["FIN", true, false, "8200"],
    ["RSV1", false, true, "4200"],
    ["FIN and RSV1", true, true, "c200"],
  ];
  for (const [title, fin, rsv1, wire] of flags) {
    it(`${title}, on small and large frames`, () => {
      const small = staged((into) => encodeFrame(into, BINARY, new Uint8Array(0), fin, rsv1, null));
      expect(toHex(small)).to.equal(wire);
      const large = staged((into) => encodeFrame(into, BINARY, new Uint8Array(65_536), fin, rsv1, null));
      expect(large[0]).to.equal(hex(wire)[0]);
    });
  }

  for (const length of [5, 16_384, 70_000]) {
    it(`copies ${length} bytes at once`, () => {
      const payload = noise(length);
      const bytes = staged((into) => {
        encodeFrame(into, BINARY, payload, true, false, null);
        payload.fill(0xee);
      });
      expectBytes(bytes.subarray(-length), noise(length));
    });
  }

  it("joins frames below 16 KiB, and gives larger ones a place of their own", () => {
    const writes: [place: number, length: number][] = [];
    const staging = new Staging(new SlabPool(), (bytes) => {
      writes.push([bytes.byteOffset, bytes.length]);
      return true;
    });
    for (const length of [10, 16_383, 16_384]) encodeFrame(staging, BINARY, noise(length), true, false, null);
    staging.flush();
    expect(writes).to.deep.equal([
      [0, 12 + 4 + 16_383],
      [PAYLOAD_START - 4, 4 + 16_384],
    ]);
  });

  it("leaves alone what a receiver keeps of a large frame", () => {
    const kept: Uint8Array[] = [];
    const staging = new Staging(new SlabPool(), (bytes) => {
      kept.push(bytes);
      return false;
    });
    encodeFrame(staging, BINARY, noise(600_000), true, false, keyOf(KEY));
    staging.flush();
    expect(kept.length).to.be.above(1);
    expectBytes(concat(...kept), concat(withKey("827f00000000000927c0"), masked(noise(600_000), KEY)));
  });
});

describe("encodeText", () => {
  for (const { title, opcode, payload, fin, wire } of EXAMPLES.filter(({ opcode }) => opcode <= TEXT)) {
    it(title, () => {
      const bytes = staged((into) => encodeText(into, opcode, payload, webText, fin, keyIn(wire)));
      expect(toHex(bytes)).to.equal(wire);
    });
  }

  const rows: [title: string, text: string][] = [
    ["nothing", ""],
    ["the longest text that is masked as it is written", "a".repeat(SHORT_TEXT)],
    ["one character more", "a".repeat(SHORT_TEXT + 1)],
    ["a short text that is not all ASCII", `${"a".repeat(SHORT_TEXT - 1)}€`],
    ["125 characters of ASCII", "a".repeat(125)],
    ["126 characters of ASCII", "a".repeat(126)],
    ["125 bytes in 63 characters", `a${"é".repeat(62)}`],
    ["126 bytes in 63 characters", "é".repeat(63)],
    ["100 characters that become 200 bytes", "é".repeat(100)],
    ["125 characters that become 375 bytes", "€".repeat(125)],
    ["126 characters that become 127 bytes", `${"a".repeat(125)}é`],
    ["pairs and lone surrogates", "😀\ud83d-\ude00".repeat(40)],
    ["the longest text that is not measured, 65,535 bytes", "€".repeat(21_845)],
    ["the shortest text that is measured, 65,538 bytes", "€".repeat(21_846)],
    ["the shortest text that is measured, of ASCII", "a".repeat(21_846)],
    ["65,535 characters of ASCII", "a".repeat(65_535)],
    ["65,536 characters of ASCII", "a".repeat(65_536)],
    ["60,000 characters that become 120,000 bytes", "é".repeat(60_000)],
    ["30,000 characters that become 90,000 bytes", "€".repeat(30_000)],
    ["200,000 characters of every width", "aé€😀".repeat(40_000)],
  ];
  for (const [name, codec] of CODECS) {
    for (const [title, text] of rows) {
      it(`${title}, by ${name}: the same as its bytes`, () => {
        for (const key of [null, keyOf(KEY)]) {
          const both = staged((into) => {
            encodeText(into, TEXT, text, codec, true, key);
            encodeText(into, CONTINUATION, "behind it", codec, false, key);
          });
          const expected = staged((into) => {
            encodeFrame(into, TEXT, utf8(text), true, false, key);
            encodeFrame(into, CONTINUATION, utf8("behind it"), false, false, key);
          });
          expectBytes(both, expected);
        }
      });
    }
  }
});

describe("encodeHeader", () => {
  const beyond: [length: number, header: string][] = [
    [2 ** 31, "827f0000000080000000"],
    [2 ** 32 + 5, "827f0000000100000005"],
    [2 ** 53 - 1, "827f001fffffffffffff"],
  ];
  for (const [length, header] of [...HEADERS, ...beyond]) {
    it(`${length} bytes`, () => {
      expect(toHex(encodeHeader(BINARY, true, false, length, null))).to.equal(header);
      expect(toHex(encodeHeader(BINARY, true, false, length, keyOf(KEY)))).to.equal(toHex(withKey(header)));
    });
  }

  it("has FIN and RSV1 in its first byte", () => {
    expect(toHex(encodeHeader(TEXT, false, true, 0, null))).to.equal("4100");
  });
});

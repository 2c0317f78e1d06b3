// One frame to its bytes, against the encoder that stages.

import { expect } from "chai";
import { SlabPool, Staging } from "../../lib/bytes/staging.ts";
import { frameBytes } from "../../lib/codec/frame-bytes.ts";
import { encodeFrame } from "../../lib/codec/frame-encoder.ts";
import { BINARY, CLOSE, CONTINUATION, type Opcode, PING, TEXT } from "../../lib/codec/opcode.ts";
import { toHex } from "../support/hex.ts";

describe("frameBytes", () => {
  const rows: [title: string, bytes: Uint8Array, wanted: string][] = [
    ["a text", frameBytes(TEXT, "Hello"), "810548656c6c6f"],
    [
      "a masked text (RFC 6455 §5.7)",
      frameBytes(TEXT, "Hello", { key: 0x3d21fa37 }),
      "818537fa213d7f9f4d5158",
    ],
    ["a text beyond ASCII", frameBytes(TEXT, "é"), "8102c3a9"],
    ["nothing", frameBytes(PING), "8900"],
    ["a fragment", frameBytes(CONTINUATION, Uint8Array.of(1), { fin: false }), "000101"],
    ["a compressed frame", frameBytes(BINARY, Uint8Array.of(1), { rsv1: true }), "c20101"],
    [
      "what may not be sent",
      frameBytes(CLOSE, new Uint8Array(126), { fin: false }).subarray(0, 4),
      "087e007e",
    ],
  ];
  for (const [title, bytes, wanted] of rows) {
    it(`encodes ${title}`, () => {
      expect(toHex(bytes)).to.equal(wanted);
    });
  }

  it("encodes as the encoder does, whatever the length and the key", () => {
    for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
      for (const key of [null, 0, -1, 0x3d21fa37]) {
        const payload = Uint8Array.from({ length }, (_, i) => i * 7);
        const parts: Uint8Array[] = [];
        const staging = new Staging(new SlabPool(), (bytes) => parts.push(bytes.slice()) > 0);
        encodeFrame(staging, BINARY as Opcode, payload, true, false, key);
        staging.flush();
        const bytes = frameBytes(BINARY, payload, { key });
        expect(Buffer.concat(parts).equals(bytes), `${length} ${key}`).to.equal(true);
        expect(payload[1] ?? 7).to.equal(7);
      }
    }
  });
});

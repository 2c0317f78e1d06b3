// Tables for the protocol in both roles. Frames are written in hex and without masks, with a bar between two of them:
// `01 02 48 69 | 80 00`. A server gets them masked, with the key of RFC 6455 §5.7.

import { expect } from "chai";
import type { Role } from "../../lib/codec/frame-decoder.ts";
import type { ProtocolOptions } from "../../lib/protocol/protocol.ts";
import { concat, hex, toHex } from "./hex.ts";
import { type Recorded, record } from "./recorder.ts";
import { splits } from "./splits.ts";

export const ROLES: readonly Role[] = ["client", "server"];

const MASK_KEY = hex("37 fa 21 3d");

/** The frames' bytes as the peer of `role` sends them. */
export function bytesTo(role: Role, frames: string): Uint8Array {
  const plain = frames.split("|").map(hex);
  return concat(...(role === "server" ? plain.map(maskFrame) : plain));
}

/** What `role` wrote, as frames without masks: `880203e8 | 8a00`. */
export function framesFrom(role: Role, written: string): string {
  const frames: string[] = [];
  let rest = hex(written);
  while (rest.length > 0) {
    const header = headerSize(rest);
    const start = role === "client" ? header + 4 : header;
    const end = start + payloadLength(rest);
    const payload = rest.slice(start, end);
    const key = rest.slice(header, start);
    const first = Uint8Array.of(byteAt(rest, 0), byteAt(rest, 1) & 0x7f, ...rest.slice(2, header));
    frames.push(toHex(concat(first, role === "client" ? xor(payload, key) : payload)));
    rest = rest.slice(end);
  }
  return frames.join(" | ");
}

function maskFrame(frame: Uint8Array): Uint8Array {
  const size = headerSize(frame);
  const header = Uint8Array.of(byteAt(frame, 0), byteAt(frame, 1) | 0x80, ...frame.slice(2, size));
  return concat(header, MASK_KEY, xor(frame.slice(size), MASK_KEY));
}

function xor(payload: Uint8Array, key: Uint8Array): Uint8Array {
  return payload.map((byte, i) => byte ^ byteAt(key, i % 4));
}

function headerSize(frame: Uint8Array): number {
  const short = byteAt(frame, 1) & 0x7f;
  return short < 126 ? 2 : short === 126 ? 4 : 10;
}

function payloadLength(frame: Uint8Array): number {
  const short = byteAt(frame, 1) & 0x7f;
  return short < 126 ? short : Number.parseInt(toHex(frame.slice(2, headerSize(frame))), 16);
}

function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index];
  if (byte === undefined) throw new RangeError(`no byte at ${index}`);
  return byte;
}

/** Gives the chunks to the protocol; each is overwritten then, as it was only borrowed. */
export function feed({ protocol }: Recorded, chunks: Uint8Array[]): void {
  for (const chunk of chunks) {
    protocol.receive(chunk);
    chunk.fill(0xff);
  }
}

/** What the protocol tells of the frames, and the frames that it answers with. */
export type Row = [title: string, input: string, events: string[], sent?: string];

/** What is done before a row's bytes come, or after. */
type Act = (recorded: Recorded) => void;

/** A test for each row and role: the same comes of the row's bytes however they are cut. */
export function play(
  rows: Row[],
  options: Partial<ProtocolOptions> = {},
  begin: Act = nothing,
  end: Act = nothing,
): void {
  for (const role of ROLES) {
    for (const [title, input, events, sent = ""] of rows) {
      it(`${title} (${role})`, () => {
        for (const { title: cut, chunks } of splits(bytesTo(role, input))) {
          const recorded = record(role, options);
          begin(recorded);
          feed(recorded, chunks);
          recorded.protocol.flush();
          end(recorded);
          expect(recorded.events, cut).to.deep.equal(events);
          expect(framesFrom(role, recorded.written()), cut).to.equal(sent);
        }
      });
    }
  }
}

function nothing(): void {}

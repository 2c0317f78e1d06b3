// Frames as a suite's peer writes and reads them: RFC 6455 §5.2 once more, without a line of isosocket's, so that both would have
// to be wrong in the same way. It writes what it is told, and is strict with what it reads.

import { CLOSE, CONTINUATION, type SentFrame } from "./case.ts";

export type Side = "client" | "server";

/** As good as any other, and the same each time. */
const KEY = Buffer.from("37fa213d", "hex");

function mask(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = (bytes[i] as number) ^ (KEY[i & 3] as number);
  return out;
}

/** A frame as bytes, and the length of its header. */
export function encode(
  { opcode, payload, fin, rsv }: SentFrame,
  side: Side,
): { bytes: Buffer; header: number } {
  const length = payload.length;
  const isMasked = side === "client";
  const sizes = length < 126 ? [length] : length < 65536 ? [126, length >> 8, length & 255] : [127];
  const head = [
    (fin ? 0x80 : 0) | (rsv << 4) | opcode,
    (sizes[0] as number) | (isMasked ? 0x80 : 0),
    ...sizes.slice(1),
  ];
  const long = Buffer.alloc(length < 65536 ? 0 : 8);
  if (long.length > 0) long.writeBigUInt64BE(BigInt(length));
  const header = Buffer.concat([Buffer.from(head), long, isMasked ? KEY : Buffer.alloc(0)]);
  return {
    bytes: Buffer.concat([header, isMasked ? mask(Buffer.from(payload)) : payload]),
    header: header.length,
  };
}

export interface ReadFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly payload: Buffer;
}

/** Reads the frames of who is on the other side. Throws for whatever a strict peer would not take. */
export class FrameReader {
  readonly #isMasked: boolean;
  readonly #mayCompress: boolean;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes without which there is no use in looking. */
  #needed = 2;
  #isWithin = false;

  constructor(side: Side, mayCompress: boolean) {
    this.#isMasked = side === "client";
    this.#mayCompress = mayCompress;
  }

  push(chunk: Buffer): ReadFrame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: ReadFrame[] = [];
    while (this.#size >= this.#needed) {
      const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = [all];
      const frame = this.#read(all);
      if (frame === undefined) continue;
      frames.push(frame);
    }
    return frames;
  }

  /** The frame that `all` begins with; otherwise it says how much is needed. */
  #read(all: Buffer): ReadFrame | undefined {
    const [first = 0, second = 0] = all;
    const short = second & 127;
    const forLength = short < 126 ? 2 : short === 126 ? 4 : 10;
    const header = forLength + (this.#isMasked ? 4 : 0);
    if (all.length < header) {
      this.#needed = header;
      return undefined;
    }
    const length = short < 126 ? short : short === 126 ? all.readUInt16BE(2) : Number(all.readBigUInt64BE(2));
    if ((short === 126 && length < 126) || (short === 127 && length < 65536))
      throw new Error(`a length of ${length} is not in its shortest form`);
    if (all.length < header + length) {
      this.#needed = header + length;
      return undefined;
    }
    const frame = {
      opcode: first & 15,
      fin: first > 127,
      rsv1: (first & 64) !== 0,
      payload: all.subarray(header, header + length),
    };
    this.#check(frame, (first & 48) !== 0, second > 127);
    if (this.#isMasked) {
      const key = all.subarray(forLength, header);
      frame.payload = Buffer.from(frame.payload);
      for (let i = 0; i < length; i++)
        frame.payload[i] = (frame.payload[i] as number) ^ (key[i & 3] as number);
    }
    const rest = all.subarray(header + length);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
    this.#needed = 2;
    return frame;
  }

  #check({ opcode, fin, rsv1, payload }: ReadFrame, isReserved: boolean, isMasked: boolean): void {
    if (isMasked !== this.#isMasked) throw new Error(`the frame is ${isMasked ? "" : "not "}masked`);
    if (isReserved) throw new Error("RSV2 or RSV3 is set");
    if (opcode >= CLOSE) {
      if (opcode > 10 || !fin || rsv1 || payload.length > 125)
        throw new Error(`a control frame is wrong: ${opcode}`);
      return;
    }
    if (opcode > 2) throw new Error(`opcode ${opcode} is reserved`);
    if ((opcode === CONTINUATION) !== this.#isWithin) throw new Error("a fragment is out of place");
    if (rsv1 && (!this.#mayCompress || opcode === CONTINUATION)) throw new Error("RSV1 is set");
    this.#isWithin = !fin;
  }
}

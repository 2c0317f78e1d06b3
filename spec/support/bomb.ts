// A program that gets a gibibyte in a mebibyte of compressed bytes, and prints how it took it, as JSON:
// KIND (whole | fragments | text | small | stream) MAX_MESSAGE_SIZE WAY.

import { deflateRawSync } from "node:zlib";
import { encodeHeader } from "../../lib/codec/frame-encoder.ts";
import { BINARY, CONTINUATION, type DataOpcode, TEXT } from "../../lib/codec/opcode.ts";
import { nodeZlib, type ZlibWay } from "../../lib/transport/node-zlib.ts";
import { AGREEMENT } from "./deflate.ts";
import { WireEnd } from "./wire-end.ts";

export interface Taken {
  /** Bytes by which the process grew at the most. */
  readonly growth: number;
  /** Code of the error that ended it, if any. */
  readonly error: string | undefined;
  readonly closeCode: number | undefined;
  /** Bytes that were handed out. */
  readonly bytes: number;
  readonly turns: number;
}

const MIB = 1024 * 1024;
const [kind = "whole", limit = "", way = "driven"] = process.argv.slice(2);

/** A mebibyte of one letter, up to a boundary where anything can follow. */
const letters = new Uint8Array(deflateRawSync(new Uint8Array(MIB).fill(0x61), { finishFlush: 3 }));
const tail = Uint8Array.of(0x00);

/** The head of a server's frame; of the first of a message with RSV1. */
function head(opcode: DataOpcode, fin: boolean, length: number): Uint8Array {
  return encodeHeader(opcode, fin, opcode !== CONTINUATION, length, null);
}

/** A message that inflates to so many mebibytes, in chunks. */
function* message(mebibytes: number, isCut: boolean): Generator<Uint8Array> {
  const first = kind === "text" ? TEXT : BINARY;
  if (!isCut) yield head(first, true, mebibytes * letters.length + tail.length);
  for (let i = 0; i < mebibytes; i++) {
    if (isCut) yield head(i === 0 ? first : CONTINUATION, false, letters.length);
    yield letters;
  }
  if (isCut) yield head(CONTINUATION, true, tail.length);
  yield tail;
}

function* chunks(): Generator<Uint8Array> {
  if (kind !== "small") yield* message(1024, kind === "fragments");
  else for (let i = 0; i < 1024; i++) yield* message(1, false);
}

const zlib = nodeZlib(way as ZlibWay);
const deflate = { agreement: AGREEMENT, threshold: 0, level: 6, memLevel: 8, zlib };
const end = new WireEnd("client", { deflate, maxMessageSize: Number(limit) });
let bytes = 0;
end.onData = ({ length }) => {
  bytes += length;
  end.messages.length = 0;
  end.pieces.length = 0;
};
if (kind === "stream") end.protocol.delivery = "parts";
// What the first messages cost is not the bomb's.
for (const chunk of message(1, false)) end.protocol.receive(chunk);
end.settle();
bytes = 0;

const rss = () => process.memoryUsage().rss;
const before = rss();
let most = before;
let turns = 0;
for (const chunk of chunks()) {
  end.protocol.receive(chunk);
  most = Math.max(most, rss());
  while (end.turn()) {
    turns++;
    if (turns % 8 === 0) await new Promise((resolve) => setImmediate(resolve)); // as the loop would
    most = Math.max(most, rss());
  }
  if (end.protocol.isFailed) break;
}
end.protocol.receiveEnd();
const error = end.info?.error;
const taken: Taken = {
  growth: most - before,
  error: error?.code,
  closeCode: end.info?.sent?.code,
  bytes,
  turns,
};
console.log(JSON.stringify(taken));

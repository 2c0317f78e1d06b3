// The codec alone, without a socket: nanoseconds per operation against ws's sender and receiver and a plain memory copy,
// interleaved in one process, medians of several rounds.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  BINARY,
  DEFAULT_LIMITS,
  encodeFrame,
  encodeText,
  maskInPlace,
  Protocol,
  randomMask,
  SlabPool,
  Staging,
  slabOf,
  TEXT,
  webText,
} from "isosocket/core";
import { median } from "./statistics.ts";

// Without its native add-on, which does not come with it; these files are not among ws's exports.
process.env.WS_NO_BUFFER_UTIL = "1";
const require = createRequire(import.meta.url);
const wsFile = (name: string) => require(join(dirname(require.resolve("ws")), "lib", name));
const { mask: wsMask } = wsFile("buffer-util.js") as {
  mask(source: Buffer, key: Buffer, output: Buffer, offset: number, length: number): void;
};
const Sender = wsFile("sender.js") as { frame(data: string | Buffer, options: object): Buffer[] };
const Receiver = wsFile("receiver.js") as new (options: object) => import("node:stream").Writable;

interface Contest {
  readonly title: string;
  /** Operations that one call does. */
  readonly batch: number;
  readonly runs: Readonly<Record<string, () => unknown>>;
}

const ROUNDS = 9;
const ROUND_MS = 60;

const KIB64 = new Uint8Array(64 * 1024).fill(0x61);
const TEXT32 = "The quick brown fox, 32 letters.";
const TEXT1K = TEXT32.repeat(32);

function masking(): Contest {
  const slab = slabOf(KIB64.slice());
  const buffer = Buffer.from(KIB64);
  const key = Buffer.from([1, 2, 3, 4]);
  const copy = new Uint8Array(KIB64.length);
  return {
    title: "mask 64 KiB",
    batch: 1,
    runs: {
      isosocket: () => maskInPlace(slab, 0, KIB64.length, 0x04030201),
      ws: () => wsMask(buffer, key, buffer, 0, buffer.length),
      "memory copy": () => copy.set(KIB64),
    },
  };
}

function encoding(title: string, data: string | Uint8Array, batch: number): Contest {
  let written = 0;
  const staging = new Staging(new SlabPool(), (bytes) => {
    written += bytes.length;
    return true;
  });
  const buffer = typeof data === "string" ? Buffer.alloc(0) : Buffer.from(data);
  const copy = new Uint8Array(data.length);
  const source = typeof data === "string" ? Buffer.from(data) : data;
  // ws keeps the sizes it was given, and must not mask the caller's bytes in place.
  const options = () => ({
    fin: true,
    rsv1: false,
    opcode: typeof data === "string" ? 1 : 2,
    mask: true,
    readOnly: true,
  });
  return {
    title,
    batch,
    runs: {
      isosocket() {
        for (let i = 0; i < batch; i++) {
          if (typeof data === "string") encodeText(staging, TEXT, data, webText, true, randomMask());
          else encodeFrame(staging, BINARY, data, true, false, randomMask());
        }
        staging.flush();
        return written;
      },
      ws() {
        for (let i = 0; i < batch; i++) Sender.frame(typeof data === "string" ? data : buffer, options());
      },
      "memory copy"() {
        for (let i = 0; i < batch; i++) copy.set(source);
      },
    },
  };
}

function decoding(title: string, data: string | Uint8Array, batch: number): Contest {
  const parts: Uint8Array[] = [];
  const staging = new Staging(new SlabPool(), (bytes) => {
    parts.push(bytes.slice());
    return true;
  });
  for (let i = 0; i < batch; i++) {
    if (typeof data === "string") encodeText(staging, TEXT, data, webText, true, null);
    else encodeFrame(staging, BINARY, data, true, false, null);
  }
  staging.flush();
  const chunk = new Uint8Array(Buffer.concat(parts));
  let messages = 0;
  const count = () => {
    messages++;
  };
  const nothing = () => {};
  const options = {
    ...DEFAULT_LIMITS,
    utf8Validation: true,
    text: webText,
    mask: randomMask,
    slabs: new SlabPool(),
  };
  const sink = {
    write: () => true,
    staged: nothing,
    rest: nothing,
    message: count,
    piece: nothing,
    pinged: nothing,
    ponged: nothing,
  };
  const protocol = new Protocol("client", options, { ...sink, closing: nothing, ended: nothing });
  const receiver = new Receiver({ isServer: false, allowSynchronousEvents: true });
  receiver.on("message", (message: Buffer, isBinary: boolean) =>
    count.call(isBinary ? message : message.toString()),
  );
  const buffer = Buffer.from(chunk);
  const copy = new Uint8Array(chunk.length);
  return {
    title,
    batch,
    runs: {
      isosocket() {
        protocol.receive(chunk);
        return messages;
      },
      ws: () => receiver.write(buffer),
      "memory copy": () => copy.set(chunk),
    },
  };
}

/** Nanoseconds per operation of each, medians over rounds in which they take turns. */
function compete(contest: Contest): Record<string, number> {
  const times: Record<string, number[]> = {};
  const turn = (name: string, run: () => unknown, ms: number) => {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < ms) {
      run();
      calls++;
    }
    const taken = ((performance.now() - start) * 1e6) / (calls * contest.batch);
    times[name] = [...(times[name] ?? []), taken];
  };
  for (const [name, run] of Object.entries(contest.runs)) turn(name, run, 200);
  for (const name of Object.keys(times)) times[name] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(contest.runs)) turn(name, run, ROUND_MS);
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
}

export function benchCodec(): void {
  const contests = [
    masking(),
    encoding("encode 32 B text", TEXT32, 256),
    encoding("encode 1 KiB text", TEXT1K, 32),
    encoding("encode 64 KiB binary", KIB64, 1),
    decoding("decode 32 B text", TEXT32, 1000),
    decoding("decode 1 KiB text", TEXT1K, 60),
    decoding("decode 64 KiB binary", KIB64, 1),
  ];
  console.log(`\nThe codec alone, ns per operation, medians of ${ROUNDS} rounds\n`);
  console.log(
    `${"".padEnd(22)}${"isosocket".padStart(12)}${"ws".padStart(12)}${"memory copy".padStart(14)}${"ws / ours".padStart(12)}`,
  );
  for (const contest of contests) {
    const { isosocket = 0, ws = 0, "memory copy": copy = 0 } = compete(contest);
    const cells = [isosocket, ws].map((ns) => ns.toFixed(0).padStart(12)).join("");
    console.log(
      `${contest.title.padEnd(22)}${cells}${copy.toFixed(0).padStart(14)}${(ws / isosocket).toFixed(1).padStart(12)}`,
    );
  }
}

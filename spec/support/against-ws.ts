// Random streams, valid and not, cut at random, through our protocol and through the receiver of ws, in step: after every
// chunk both have handed out the same, and in the end both have accepted, closed or refused alike. Where they are meant to
// differ, judge() allows for just that case, says why, and checks our side by other means.

import { expect } from "chai";
import fc from "fast-check";
import { LimitError, type WebSocketError } from "../../lib/errors.ts";
import { DEFAULT_LIMITS } from "../../lib/protocol/limits.ts";
import { masked } from "./frames.ts";
import { concat, hex, utf8 } from "./hex.ts";
import { Receiver } from "./npm-ws.ts";
import { record } from "./recorder.ts";

/** One of the two, and what it has made of the chunks so far. */
interface Side {
  /** Messages, pings, pongs and the end by a Close frame, as the recorder writes them. */
  readonly events: string[];
  /** The close code for the fault that was found. */
  fault: number | undefined;
  /** Nothing more is read. */
  isOver: boolean;
  receive(chunk: Uint8Array): Promise<void>;
}

interface Ours extends Side {
  error: WebSocketError | undefined;
  /** Payload of the data frames of the message under way. */
  readonly gathered: Uint8Array[];
}

function ours(): Ours {
  const side: Ours = {
    events: [],
    fault: undefined,
    isOver: false,
    error: undefined,
    gathered: [],
    async receive(chunk) {
      protocol.receive(chunk);
      side.isOver = protocol.isFailed || protocol.isShaken;
      if (side.isOver) protocol.receiveEnd();
      const common = events.filter((event) => event !== "closing" && !event.startsWith("ended 1006"));
      side.events.splice(0, Infinity, ...common);
    },
  };
  const { protocol, events } = record(
    "client",
    {
      observer: {
        sent() {},
        received({ opcode, isFirst, bytes, start, end }) {
          if (opcode >= 8) return;
          if (opcode > 0 && isFirst) side.gathered.length = 0;
          side.gathered.push(bytes.slice(start, end));
        },
      },
    },
    {
      ended({ error, sent }) {
        side.error = error;
        if (error !== undefined) side.fault = sent?.code;
      },
    },
  );
  return side;
}

const FAULTS: Record<string, number> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
};

function theirs(): Side {
  const receiver = new Receiver({
    allowSynchronousEvents: true,
    isServer: false,
    maxPayload: DEFAULT_LIMITS.maxMessageSize,
  });
  const side: Side = {
    events: [],
    fault: undefined,
    isOver: false,
    receive(chunk) {
      return new Promise((resolve) => {
        receiver.write(Buffer.from(chunk), (error?: NodeJS.ErrnoException | null) => {
          if (error) {
            side.fault = FAULTS[error.code ?? ""] ?? 1002;
            side.isOver = true;
          }
          resolve();
        });
      });
    },
  };
  receiver.on("message", (data: Buffer, isBinary: boolean) => {
    side.events.push(`message ${isBinary ? data.toString("hex") : JSON.stringify(data.toString())}`);
  });
  for (const kind of ["ping", "pong"]) {
    receiver.on(kind, (data: Buffer) => side.events.push(`${kind} ${data.toString("hex")}`));
  }
  receiver.on("conclude", (code: number, reason: Buffer) => {
    side.events.push(`ended ${code}${reason.length > 0 ? ` ${reason}` : ""} clean`);
    side.isOver = true;
  });
  receiver.on("error", () => {}); // told to the callback of write() already
  return side;
}

/** Feeds both in step until one has had enough; says how it went: `open`, `closed`, `1002`, `early`. */
async function compare(chunks: Uint8Array[]): Promise<string> {
  const [we, they] = [ours(), theirs()];
  for (const [i, chunk] of chunks.entries()) {
    await Promise.all([we.receive(chunk.slice()), they.receive(chunk)]);
    if (we.isOver || they.isOver) return judge(we, they, chunks.slice(i + 1));
    expect(we.events).to.deep.equal(they.events);
  }
  return "open";
}

async function judge(we: Ours, they: Side, rest: Uint8Array[]): Promise<string> {
  // 1. ws judges the order of frames, and a Close frame of one byte, by a frame's first two bytes, we when its header and
  // that byte have come. So ws may have failed where we wait; with more bytes we fail too, and hand out nothing before.
  if (!we.isOver) {
    expect(they.fault).to.equal(1002);
    await we.receive(concat(...rest, new Uint8Array(14)));
    expect(we.fault).to.be.oneOf(isBeyondAll(we) ? [1002, 1009] : [1002]);
    expect(we.events).to.deep.equal(they.events);
    return "late";
  }
  // 2. A length that is not in its shortest form: ws takes it, and goes on; RFC 6455 §5.2 forbids it, and we fail.
  if (we.error?.message.includes("shortest form")) {
    expect(we.fault).to.equal(1002);
    expect(we.events).to.deep.equal(they.events.slice(0, we.events.length));
    return "not minimal";
  }
  // 3. Text with a byte that nothing can redeem: we fail when it arrives, ws at the end of the message, or by another
  // fault before that. A decoder that waits for more text must find it beyond redemption too.
  if (we.fault === 1007 && (they.fault !== 1007 || they.events.length > we.events.length)) {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    expect(() => decoder.decode(concat(...we.gathered), { stream: true })).to.throw(TypeError);
    expect(we.events).to.deep.equal(they.events.slice(0, we.events.length));
    return "early";
  }
  expect(we.events).to.deep.equal(they.events);
  expect(they.isOver).to.equal(true);
  // 4. Lengths from 2^53 on: ws answers 1009 to all, to us a first bit of 1 is a fault of the protocol; and where such a
  // frame is out of order besides, ws names the order and we the length.
  if (isBeyondAll(we)) expect(they.fault).to.be.oneOf([1002, 1009]);
  else expect(we.fault).to.equal(they.fault);
  return we.fault === undefined ? "closed" : String(we.fault);
}

/** Whether it failed by a length that no number holds exactly. */
function isBeyondAll({ error }: Ours): boolean {
  if (error instanceof LimitError) return typeof error.actual === "bigint";
  return error?.message.includes("first bit set") ?? false;
}

/** A frame with its length in at least 7, 16 or 64 bits. */
function frame(first: number, payload: Uint8Array, form: 0 | 1 | 2 = 0, key?: Uint8Array): Uint8Array {
  const { length } = payload;
  const size = Math.max(form, length > 0xffff ? 2 : length > 125 ? 1 : 0);
  const wide = new Uint8Array(8);
  new DataView(wide.buffer).setBigUint64(0, BigInt(length));
  const short = size === 0 ? length : 125 + size;
  const extended = wide.subarray([8, 6, 0][size]);
  if (key === undefined) return concat(Uint8Array.of(first, short), extended, payload);
  return concat(Uint8Array.of(first, 0x80 | short), extended, key, masked(payload, key));
}

/** A message in fragments, with control frames between them. */
function fragmented(opcode: number, payload: Uint8Array, cuts: number[], between: Uint8Array[]): Uint8Array {
  const places = [0, ...cuts.map((cut) => cut % (payload.length + 1)).sort((a, b) => a - b), payload.length];
  const frames = places.slice(1).flatMap((to, i) => {
    const fin = i === cuts.length ? 0x80 : 0;
    const data = frame(fin | (i === 0 ? opcode : 0), payload.subarray(places[i], to));
    return [data, fin === 0 ? (between[i] ?? new Uint8Array(0)) : new Uint8Array(0)];
  });
  return concat(...frames);
}

const text = fc.string({ unit: "binary", maxLength: 12 }).map(utf8);
const corrupt = fc
  .tuple(text, fc.uint8Array({ minLength: 1, maxLength: 4 }), text)
  .map((parts) => concat(...parts));
const sized = fc
  .oneof(fc.integer({ min: 120, max: 300 }), fc.integer({ min: 65_534, max: 65_537 }))
  .map((length) => new Uint8Array(length).fill(0x61));
const control = fc
  .tuple(fc.constantFrom(0x89, 0x8a), fc.uint8Array({ maxLength: 125 }))
  .map(([first, payload]) => frame(first, payload));
const payload = fc.oneof(
  { weight: 10, arbitrary: text },
  { weight: 4, arbitrary: corrupt },
  { weight: 1, arbitrary: sized },
);
const message = fc
  .tuple(
    fc.constantFrom(1, 1, 2),
    payload,
    fc.array(fc.nat(), { maxLength: 4 }),
    fc.array(control, { maxLength: 4 }),
  )
  .map((parts) => fragmented(...parts));
const code = fc.oneof(
  fc.constantFrom(1000, 1001, 3000, 4999),
  fc.integer({ min: 990, max: 1020 }),
  fc.nat(0xffff),
);
const close = fc.oneof(
  fc.tuple(code, fc.oneof(text, text, corrupt)).map(([number, reason]) => {
    return frame(0x88, concat(Uint8Array.of(number >> 8, number), reason));
  }),
  fc.uint8Array({ maxLength: 1 }).map((half) => frame(0x88, half)),
);
const byte = fc.nat(255);
const rogue = fc.oneof(
  // any first byte, any form of length, masked or not
  fc
    .tuple(
      byte,
      fc.oneof(text, sized),
      fc.constantFrom(0, 1, 2),
      fc.constantFrom(undefined, undefined, hex("37fa213d")),
    )
    .map((parts) => frame(...parts)),
  // lengths that no payload follows
  fc
    .tuple(fc.constantFrom(0x00, 0x82, 0x01), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(63))
    .map(([first, number, shift]) => {
      const head = new Uint8Array(10);
      head.set([first, 127]);
      new DataView(head.buffer).setBigUint64(2, number >> BigInt(shift));
      return head;
    }),
);

const stream = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: message },
    { weight: 2, arbitrary: control },
    { weight: 1, arbitrary: close },
    { weight: 1, arbitrary: rogue },
  ),
  { maxLength: 8 },
);
/** Bytes that are changed, each at a place modulo the stream's length. */
const changes = fc.oneof(
  fc.constant([]),
  fc.constant([]),
  fc.array(fc.tuple(fc.nat(), byte), { maxLength: 2 }),
);
/** Sizes of the chunks, over and over. */
const sizes = fc.array(
  fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 500 })),
  {
    minLength: 1,
    maxLength: 6,
  },
);

/** Long streams are cut into as many chunks as short ones. */
function cut(bytes: Uint8Array, turns: number[]): Uint8Array[] {
  const unit = 1 + (bytes.length >> 9);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunks.at(-1)?.length ?? 0) {
    const size = turns[chunks.length % turns.length] as number;
    chunks.push(bytes.slice(at, at + size * unit));
  }
  return chunks;
}

/** A stream: its frames, what is changed of them, and the sizes of its chunks. */
export type Streamed = readonly [
  frames: readonly Uint8Array[],
  changed: readonly (readonly [place: number, value: number])[],
  turns: number[],
];

export const streamed: fc.Arbitrary<Streamed> = fc.tuple(stream, changes, sizes);

/** What both make of a stream; fails where they differ. */
export async function compared([frames, changed, turns]: Streamed): Promise<string> {
  const bytes = concat(...frames);
  for (const [at, value] of changed) bytes[at % bytes.length] = value;
  return await compare(cut(bytes, turns));
}

/** A stream for each of the outcomes that are seldom drawn: its frames, no changes, and the size of its chunks. */
export const RARE: readonly Streamed[] = [
  [[frame(0x80, new Uint8Array(200))], [], [2]], // a continuation of nothing, cut within its header: late
  [[frame(0x81, utf8("a"), 1)], [], [500]], // not minimal
  [[frame(0x01, hex("ff"))], [], [500]], // early
  [[hex("827f 0040 0000 0000 0000")], [], [500]], // 1009
  [[frame(0x81, hex("ff"))], [], [500]], // 1007
  [[frame(0x88, hex("03e8"))], [], [500]], // closed
];

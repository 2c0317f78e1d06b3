// Targets for what comes in frames: the decoder, the whole protocol, compression, and a round trip from one side to the other.
// Whatever comes, the outcome is events and at the most one documented error; and the same, however the bytes are cut.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Role } from "../../lib/codec/frame-decoder.ts";
import { LimitError, ProtocolError } from "../../lib/errors.ts";
import type { Delivery } from "../../lib/protocol/assembler.ts";
import type { ProtocolOptions } from "../../lib/protocol/protocol.ts";
import { compared, RARE, type Streamed, streamed } from "../../spec/support/against-ws.ts";
import { type AGREEMENT, deflating, packed, WAYS } from "../../spec/support/deflate.ts";
import { frames } from "../../spec/support/frames.ts";
import { concat, hex, toHex, utf8 } from "../../spec/support/hex.ts";
import { type Recorded, record } from "../../spec/support/recorder.ts";
import { bytesLike, chunked, cuts, type Target, target } from "./input.ts";

const ROLES: readonly Role[] = ["client", "server"];

/** Frames as a server sends them. */
const PLAIN = [
  "81 05 48656c6c6f",
  "01 02 e282 | 80 01 ac",
  "02 01 00 | 00 00 | 89 02 6869 | 80 01 01",
  `82 7e 0080 | ${"ab".repeat(128)}`,
  `82 7f 0000000000010000 | ${"cd".repeat(300)}`,
  "89 00 | 8a 01 78",
  "88 05 03e8 627965",
  "88 00",
  `81 7e 0010 | ${"f09f9880".repeat(4)}`,
  "c1 07 f248cdc9c90700",
  "41 03 f248cd | 80 04 c9c90700",
  "c1 08 f348cdc9c9070000",
].map((text) => hex(text.replaceAll("|", "")));

/** The same as clients send them: with the key 0, so that the payload stays legible. */
const MASKED = PLAIN.map((bytes) => {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const short = bytes[at + 1] ?? 0;
    const size = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length = size === 2 ? short : Number.parseInt(toHex(bytes.slice(at + 2, at + size)), 16);
    out.push(bytes[at] ?? 0, short | 0x80, ...bytes.slice(at + 2, at + size), 0, 0, 0, 0);
    out.push(...bytes.slice(at + size, at + size + length));
    at += size + length;
  }
  return Uint8Array.from(out);
});

const streams = (role: Role) => bytesLike(role === "client" ? PLAIN : MASKED);

/** What a decoder makes of chunks: frames, and the error's name and message. */
function decoded(role: Role, chunks: Uint8Array[], allowRsv1: boolean): string[] {
  try {
    return frames(role, chunks, { allowRsv1 });
  } catch (error) {
    assert.ok(error instanceof ProtocolError || error instanceof LimitError, `threw ${error}`);
    return [`${error.name} ${error.message}`];
  }
}

const decoder = ROLES.map((role) =>
  target({
    name: `frame decoder, ${role}`,
    inputs: fc.tuple(streams(role), cuts, fc.boolean()),
    check([bytes, sizes, allowRsv1]: [Uint8Array, number[], boolean]) {
      const whole = decoded(role, [bytes.slice()], allowRsv1);
      const cut = decoded(role, chunked(bytes, sizes), allowRsv1);
      // The error is the same; the frames before it are not told by frames() then.
      assert.deepEqual(cut, whole);
    },
  } satisfies Target<[Uint8Array, number[], boolean]>),
);

/** Everything that was delivered, joined, with a bar behind each message: where it was cut into pieces is not told. */
function delivered(events: readonly string[]): string {
  return events
    .map((event) => {
      const [, kind, text, bytes, fin] =
        /^(message|piece) (?:(".*")|([0-9a-f]*))(?: \d( fin)?)?$/s.exec(event) ?? [];
      if (kind === undefined) return "";
      const isLast = kind === "message" || fin !== undefined || event.endsWith(" fin");
      return `${text === undefined ? bytes : JSON.parse(text)}${isLast ? "|" : ""}`;
    })
    .join("");
}

interface Told {
  readonly events: string;
  readonly content: string;
}

/** The same, however the bytes are cut: but of a message that failed more or less may have been handed out in pieces. */
function assertSame(one: Told, other: Told): void {
  assert.equal(one.events, other.events);
  if (/ERR_/.test(one.events)) {
    const [short = "", long = ""] = [one.content, other.content].sort((a, b) => a.length - b.length);
    assert.ok(long.startsWith(short), "other content");
  } else {
    assert.equal(one.content, other.content);
  }
}

/** Of several faults in what is compressed either may be found first: which it was, and what the peer is told, is left out. */
function anyFault({ events, content }: Told): Told {
  return { content, events: events.replace(/ERR_WS_[A-Z_0-9]+\n[0-9a-f]*$/, "ERR_WS_ANY") };
}

function told(recorded: Recorded, delivery: Delivery): Told {
  const { events } = recorded;
  const others = events.filter((event) => !/^(message|piece) /.test(event));
  const exact = delivery === "parts" ? others : events;
  const listed = [...exact, recorded.written()].join("\n");
  return { events: listed, content: delivered(events) };
}

function run(
  role: Role,
  chunks: Uint8Array[],
  options: Partial<ProtocolOptions>,
  delivery: Delivery,
  stops: readonly number[],
): Told {
  const recorded = record(role, options);
  const { protocol } = recorded;
  protocol.delivery = delivery;
  for (const [i, chunk] of chunks.entries()) {
    if (stops.includes(i)) protocol.pause();
    protocol.receive(chunk);
    chunk.fill(0xee); // it was only borrowed
    if (stops.includes(i)) protocol.resume();
    while (recorded.turn());
  }
  protocol.flush();
  protocol.receiveEnd();
  while (recorded.turn());
  const ends = recorded.events.filter((event) => event.startsWith("ended"));
  assert.equal(ends.length, 1, `ended ${ends.length} times`);
  assert.equal(recorded.events.at(-1), ends[0], "something came behind the end");
  assert.match(ends[0] ?? "", /^ended \d{4}(?: .*)?$/s);
  assert.equal(protocol.state, "closed");
  return told(recorded, delivery);
}

const LIMITS = { maxMessageSize: 100_000, maxFragments: 50 };

type Played = [bytes: Uint8Array, sizes: number[], delivery: Delivery, stops: number[]];

function whole(name: string, role: Role, options: Partial<ProtocolOptions>): Target {
  return target<Played>({
    name: `protocol${name}, ${role}`,
    inputs: fc.tuple(
      streams(role),
      cuts,
      fc.constantFrom<Delivery>("whole", "frames", "parts"),
      fc.array(fc.nat(10), { maxLength: 3 }),
    ),
    check([bytes, sizes, delivery, stops]) {
      const judged = options.deflate === undefined ? (told: Told) => told : anyFault;
      const at = run(role, [bytes.slice()], options, delivery, []);
      assertSame(judged(run(role, chunked(bytes, sizes), options, delivery, stops)), judged(at));
    },
  });
}

const protocol = ROLES.flatMap((role) => [
  whole("", role, LIMITS),
  whole(", lenient", role, { ...LIMITS, utf8Validation: false }),
  ...WAYS.map((way) => whole(`, compressed (${way})`, role, { ...LIMITS, ...deflating(way) })),
]);

/** Compressed payloads, edited: the inflater has no more outcomes than a value and a fault. */
const PACKED = ["", "a", "Hello, Hello, Hello", "\0".repeat(5_000), "abc".repeat(3_000)].map((text) =>
  packed(utf8(text)),
);

const inflater = WAYS.map((way) =>
  target<[Uint8Array, number[]]>({
    name: `inflater (${way})`,
    inputs: fc.tuple(bytesLike(PACKED), cuts),
    check([payload, sizes]) {
      const size = [payload.length >> 8, payload.length];
      const bytes = concat(
        Uint8Array.of(0xc2, 126, ...size),
        payload.length < 126 ? new Uint8Array(0) : payload,
      );
      const stream = payload.length < 126 ? concat(Uint8Array.of(0xc2, payload.length), payload) : bytes;
      const again = concat(stream, stream);
      const options = { maxMessageSize: 20_000, ...deflating(way) };
      const outcome = run("client", [again.slice()], options, "whole", []);
      assertSame(anyFault(run("client", chunked(again, sizes), options, "whole", [])), anyFault(outcome));
      assert.match(
        outcome.events,
        /^(message [0-9a-f]*\n|closing\n)*ended 1006(?: ERR_WS_(INVALID_DEFLATE|MESSAGE_TOO_BIG))?/,
      );
    },
  }),
);

const data = fc.oneof(
  { weight: 10, arbitrary: fc.string({ unit: "binary", maxLength: 300 }) },
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.constantFrom("x".repeat(70_000), new Uint8Array(70_000).fill(7)) },
);

const agreement = fc.record({
  ...{ serverNoContextTakeover: fc.boolean(), clientNoContextTakeover: fc.boolean() },
  ...{
    serverMaxWindowBits: fc.integer({ min: 9, max: 15 }),
    clientMaxWindowBits: fc.integer({ min: 9, max: 15 }),
  },
});

/** What one side sends, the other gets: however it is cut, in both directions, compressed or not. */
const roundTrip = ROLES.map((role) =>
  target<[(string | Uint8Array)[], number[], typeof AGREEMENT | undefined, number]>({
    name: `round trip from ${role}`,
    inputs: fc.tuple(
      fc.array(data, { maxLength: 8 }),
      cuts,
      fc.option(agreement, { nil: undefined }),
      fc.nat(1),
    ),
    check([messages, sizes, agreed, way]) {
      const options = agreed === undefined ? {} : deflating(WAYS[way] ?? "driven", agreed);
      const from = record(role, options);
      const to = record(role === "client" ? "server" : "client", options);
      for (const message of messages) from.protocol.send(message);
      from.protocol.close();
      from.protocol.flush();
      while (from.turn());
      from.protocol.flush();
      for (const chunk of chunked(hex(from.written()), sizes)) {
        to.protocol.receive(chunk);
        while (to.turn());
      }
      const shown = messages.map((message) =>
        typeof message === "string"
          ? JSON.stringify(message.replace(/[\ud800-\udfff]/gu, "\ufffd"))
          : toHex(message),
      );
      assert.deepEqual(to.events, [...shown.map((message) => `message ${message}`), "closing"]);
    },
  }),
);

/** Frames that are almost good, next to another implementation. */
const asWs = target<Streamed>({
  name: "frames, as ws has them",
  inputs: streamed,
  rows: RARE,
  async check(stream) {
    await compared(stream);
  },
});

export const FRAMES: readonly Target[] = [asWs, ...decoder, ...protocol, ...inflater, ...roundTrip];

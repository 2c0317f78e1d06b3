// What can be sent, and what cannot: on the wire there are exactly the bytes that were given, and nothing else of memory.

import { expect } from "chai";
import { bytesOf, controlPayload, isBlob, messageOf, type Sendable } from "../../lib/client/sendable.ts";
import { BINARY, TEXT } from "../../lib/codec/opcode.ts";
import { UsageError } from "../../lib/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { toHex } from "../support/hex.ts";
import { pair } from "../support/raw-server.ts";

/** Eight bytes of which the views below show some. */
const memory = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer;

function shared(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(2);
  new Uint8Array(buffer).set([1, 2]);
  return buffer;
}

/** An ArrayBuffer that could grow. */
function resizable(): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
  const buffer = new Resizable(2, { maxByteLength: 64 });
  new Uint8Array(buffer).set([1, 2]);
  return buffer;
}

/** A view of memory that was given away. */
function detached(): Uint8Array {
  const bytes = Uint8Array.of(1, 2, 3);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

const rows: [title: string, data: Sendable, expected: string][] = [
  ["an ArrayBuffer", memory, "0102030405060708"],
  ["a part of a Uint8Array", new Uint8Array(memory, 2, 3), "030405"],
  ["a DataView", new DataView(memory, 6), "0708"],
  ["a Uint16Array", new Uint16Array(memory, 4, 1), "0506"],
  ["a Float32Array", Float32Array.of(1.5), "0000c03f"],
  ["a BigUint64Array", BigUint64Array.of(5n), "0500000000000000"],
  ["a Node Buffer", Buffer.from("pool"), toHex(Buffer.from("pool"))],
  ["a SharedArrayBuffer", shared(), "0102"],
  ["an ArrayBuffer that can grow", resizable(), "0102"],
  ["a Blob", new Blob(["ab", Uint8Array.of(0)]), "616200"],
  ["an empty Blob", new Blob([]), ""],
  ["no bytes", new Uint8Array(0), ""],
];

const wrong = [
  undefined,
  null,
  5,
  5n,
  true,
  {},
  [1, 2],
  new Date(0),
  Symbol("s"),
  () => 1,
  { byteLength: 8, length: 8 },
];

describe("what is sent", () => {
  const use = cleanUp();

  for (const [title, data, expected] of rows) {
    it(`takes ${title} as binary`, async () => {
      const { ws, server } = await pair(use);
      await ws.send(data);
      const { opcode, fin, payload } = await server.frames.next();
      expect({ opcode, fin, payload: toHex(payload) }).to.deep.equal({
        opcode: BINARY,
        fin: true,
        payload: expected,
      });
    });
  }

  it("takes a string as text", async () => {
    const { ws, server } = await pair(use);
    await ws.send("a\u20ac\ud800");
    const { opcode, payload } = await server.frames.next();
    expect([opcode, payload.toString()]).to.deep.equal([TEXT, "a\u20ac\ufffd"]);
  });

  for (const value of wrong) {
    it(`refuses ${String(value) || "an array"}: nothing goes out`, async () => {
      const { ws, server } = await pair(use);
      const data = value as unknown as Sendable;
      await rejection(ws.send(data), UsageError);
      if (value !== undefined) {
        await rejection(ws.ping(data), UsageError);
        thrown(() => ws.pong(data), UsageError);
      }
      await ws.send("next");
      expect(await server.text()).to.equal("next");
    });
  }

  for (const [title, data] of [
    ["a view", detached()],
    ["a buffer", detached().buffer],
  ] as const) {
    it(`refuses ${title} of memory that was given away: nothing goes out`, async () => {
      const { ws, server } = await pair(use);
      await rejection(ws.send(data), Error);
      await rejection(ws.ping(data), Error);
      await ws.send("next");
      expect(await server.text()).to.equal("next");
    });
  }
});

describe("messageOf", () => {
  it("leaves a Blob for later, whatever else it may look like", () => {
    const blob = new Blob(["a"]);
    expect(messageOf(blob)).to.equal(blob);
    expect([blob, "text", new Uint8Array(1)].map(isBlob)).to.deep.equal([true, false, false]);
  });
});

describe("bytesOf", () => {
  it("is a view, not a copy", () => {
    expect(bytesOf(new DataView(memory, 2, 3))).to.deep.equal(new Uint8Array(memory, 2, 3));
    expect(bytesOf(new DataView(memory)).buffer).to.equal(memory);
  });

  it("says what it was given instead", () => {
    const kinds: [unknown, string][] = [
      [null, "null"],
      [[], "an array"],
      [5, "number"],
      [undefined, "undefined"],
    ];
    for (const [data, kind] of kinds)
      expect(thrown(() => bytesOf(data), UsageError).message).to.match(new RegExp(`not ${kind}$`));
  });
});

describe("controlPayload", () => {
  it("takes text as UTF-8", () => {
    expect(controlPayload("\u20ac")).to.deep.equal(Uint8Array.of(0xe2, 0x82, 0xac));
  });
});

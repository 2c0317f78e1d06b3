// Input in pieces of any size to messages.

import { expect } from "chai";
import { type InputKind, MAX_FRAME, MAX_LINE, messagesOf } from "../../lib/cli/input.ts";
import { UsageError } from "../../lib/errors.ts";
import { rejection } from "../support/failure.ts";
import { splits } from "../support/splits.ts";

const LINES: InputKind = { binary: false, hex: false, whole: false };
const WHOLE: InputKind = { ...LINES, whole: true };

async function* of(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** The messages, a streamed one as the list of its pieces. */
async function read(chunks: Iterable<Uint8Array>, kind: InputKind): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of messagesOf(of(chunks), kind)) {
    if (typeof message === "string") messages.push(message);
    else if (message instanceof Uint8Array) messages.push(Buffer.from(message).toString("hex"));
    else {
      const pieces: unknown[] = [];
      for await (const piece of message) pieces.push(piece);
      messages.push(pieces);
    }
  }
  return messages;
}

const ROWS: readonly [title: string, kind: Partial<InputKind>, input: string, messages: string[]][] = [
  ["lines", {}, "one\ntwo\n", ["one", "two"]],
  ["a last line without its end", {}, "one\ntwo", ["one", "two"]],
  ["empty lines", {}, "\n\na\n", ["", "", "a"]],
  ["lines of Windows", {}, "one\r\n\r\ntwo\r", ["one", "", "two"]],
  ["a carriage return within a line", {}, "a\rb\r\r\n", ["a\rb\r"]],
  ["no lines", {}, "", []],
  ["text of any script", {}, "é日\n\u{1f600}\n", ["é日", "\u{1f600}"]],
  ["a byte order mark as it is", {}, "\ufeffa\n\ufeffb\n", ["\ufeffa", "\ufeffb"]],
  ["lines of bytes", { binary: true }, "a\r\nb\n", ["610d", "62"]],
  ["lines of hex", { hex: true }, "00 ff\nAbCd\r\n\n", ["00ff", "abcd", ""]],
  ["the whole, with its line ends", { whole: true }, "one\ntwo\r\n", ["one\ntwo\r\n"]],
  ["the whole of nothing", { whole: true }, "", []],
  ["the whole as bytes", { whole: true, binary: true }, "a\nb", ["610a62"]],
  ["the whole as hex", { whole: true, hex: true }, "0 1\n02 0\n3\n", ["010203"]],
  ["the whole of text of any script", { whole: true }, "é日\u{1f600}", ["é日\u{1f600}"]],
];

const WRONG: readonly [title: string, kind: Partial<InputKind>, input: string, says: string][] = [
  [
    "a line that is not UTF-8",
    {},
    "ok\na\xffb\n",
    "line 2 of the input is not UTF-8: --binary sends any bytes",
  ],
  ["a line cut within a character", {}, "\xe6\x97", "line 1 of the input is not UTF-8"],
  ["half a byte in hex", { hex: true }, "00\n0\n", "line 2 of the input is not pairs of hex digits"],
  ["other letters in hex", { hex: true }, "0g\n", "line 1 of the input is not pairs of hex digits"],
  ["a whole that is not UTF-8", { whole: true }, "a\xff", "the input is not UTF-8"],
  ["a whole cut within a character", { whole: true }, "a\xe6\x97", "the input is not UTF-8"],
  [
    "a whole with half a byte in hex",
    { whole: true, hex: true },
    "000",
    "the input is not pairs of hex digits",
  ],
];

describe("messagesOf", () => {
  for (const [title, kind, input, messages] of ROWS) {
    it(`reads ${title}, however it is cut`, async () => {
      for (const { chunks } of splits(Buffer.from(input)))
        expect(await read(chunks, { ...LINES, ...kind })).to.deep.equal(messages);
    });
  }

  for (const [title, kind, input, says] of WRONG) {
    it(`refuses ${title}, however it is cut`, async () => {
      for (const { chunks } of splits(Buffer.from(input, "latin1"))) {
        const error = await rejection(read(chunks, { ...LINES, ...kind }), UsageError);
        expect(error.message).to.include(says);
      }
    });
  }

  it("gives the lines before one that is wrong", async () => {
    const lines: unknown[] = [];
    const take = async () => {
      for await (const line of messagesOf(of([Buffer.from("a\nb\n\xff\n", "latin1")]), LINES))
        lines.push(line);
    };
    await rejection(take(), UsageError);
    expect(lines).to.deep.equal(["a", "b"]);
  });

  it("reads no further than it is asked", async () => {
    let asked = 0;
    const endless = (function* () {
      for (;;) yield Buffer.from(`${++asked}\n`);
    })();
    const messages = messagesOf(of(endless), LINES);
    for (const expected of ["1", "2", "3"]) expect((await messages.next()).value).to.equal(expected);
    expect(asked).to.equal(3);
  });

  it("does not fill the memory with a line that does not end", async () => {
    let taken = 0;
    const zeros = new Uint8Array(8 * 1024 * 1024);
    const endless = (function* () {
      for (;;) {
        taken += zeros.length;
        yield zeros;
      }
    })();
    const error = await rejection(read(endless, LINES), UsageError);
    expect(error.message).to.include("--whole");
    expect(taken).to.be.at.most(MAX_LINE + zeros.length);
  });

  it("streams a large whole, all of it", async () => {
    const chunks = Array.from({ length: 5 }, (_, i) => Buffer.alloc(MAX_FRAME / 2, 0x61 + i));
    const [pieces] = (await read(chunks, WHOLE)) as [string[]];
    expect(pieces.join("")).to.equal(Buffer.concat(chunks).toString());
    const [binary] = (await read(chunks, { ...WHOLE, binary: true })) as [Uint8Array[]];
    expect(Buffer.compare(Buffer.concat(binary), Buffer.concat(chunks))).to.equal(0);
  });

  it("streams a large whole as it comes", async () => {
    let asked = 0;
    const endless = (function* () {
      for (;;) {
        asked++;
        yield Buffer.alloc(MAX_FRAME, 0x61);
      }
    })();
    const { value } = await messagesOf(of(endless), WHOLE).next();
    const pieces = (value as AsyncIterable<string>)[Symbol.asyncIterator]();
    const before = asked;
    for (let i = 0; i < before + 3; i++) expect((await pieces.next()).value).to.have.length(MAX_FRAME);
    expect(asked).to.equal(before + 3);
  });

  it("streams text that is cut within characters", async () => {
    const text = "日".repeat(2 * MAX_FRAME);
    const bytes = Buffer.from(text);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 100_000) }, (_, i) =>
      bytes.subarray(i * 100_000, (i + 1) * 100_000),
    );
    const [pieces] = (await read(chunks, WHOLE)) as [string[]];
    expect(pieces.join("") === text).to.equal(true);
  });
});

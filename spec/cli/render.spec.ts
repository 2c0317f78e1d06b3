// Events as they are printed: plain, at a prompt, raw, as JSON.

import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { escaped } from "../../lib/cli/escape.ts";
import { type Event, render, SHOWN_BYTES, type Style } from "../../lib/cli/render.ts";

const PLAIN: Style = {
  json: false,
  raw: false,
  timings: false,
  labels: false,
  prompt: false,
  terminal: false,
  colours: false,
};

const OPEN: Event = { type: "open", url: "ws://h/", status: 101, protocol: "chat", extensions: "" };
const TEXT: Event = { type: "message", data: "hello" };
const BYTES: Event = { type: "message", data: Uint8Array.of(0, 0x61, 0xff) };
const PACKED: Event = { type: "message", data: gzipSync("hi\x1b[m") };
const LINES: Event = { type: "message", data: "one\r\ntwo\n\x1b[2J> three" };
const PING: Event = { type: "ping", data: Buffer.from("p\x1b") };
const PONG: Event = { type: "pong", data: new Uint8Array(0) };
const CLOSE: Event = { type: "close", code: 4001, reason: "b\x1b[31mye", wasClean: true };
const BARE_CLOSE: Event = { type: "close", code: 1005, reason: "", wasClean: true };
const ERROR: Event = { type: "error", code: "ERR_WS_CONNECT", message: "no \x9b" };

const ROWS: readonly [title: string, style: Partial<Style>, event: Event, printed: string | undefined][] = [
  ["a text as a line", {}, TEXT, "hello\n"],
  ["an empty text as an empty line", {}, { type: "message", data: "" }, "\n"],
  ["bytes as a literal", {}, BYTES, "b'\\x00a\\xff'\n"],
  ["packed text", {}, PACKED, "[gzip] hi\\x1b[m\n"],
  ["lines in one", {}, LINES, "one\\r\\ntwo\\n\\x1b[2J> three\n"],
  ["nothing of an opening", {}, OPEN, undefined],
  ["nothing of a ping", {}, PING, undefined],
  ["nothing of a pong", {}, PONG, undefined],
  ["nothing of a close", {}, CLOSE, undefined],
  ["nothing of an error", {}, ERROR, undefined],

  ["what a text is", { labels: true }, TEXT, "text: hello\n"],
  ["what bytes are", { labels: true }, BYTES, "binary: b'\\x00a\\xff'\n"],
  ["a ping", { labels: true }, PING, "ping: b'p\\x1b'\n"],
  ["a pong", { labels: true }, PONG, "pong: b''\n"],
  ["a close", { labels: true }, CLOSE, "close: 4001 b\\x1b[31mye\n"],
  ["a close without a code", { labels: true }, BARE_CLOSE, "close: 1005\n"],

  ["seconds", { timings: true }, TEXT, "1.500: hello\n"],
  ["seconds and what it is", { timings: true, labels: true }, TEXT, "1.500: text: hello\n"],

  ["a text at a prompt", { prompt: true }, TEXT, "< hello\n"],
  ["bytes at a prompt", { prompt: true }, BYTES, "<b b'\\x00a\\xff'\n"],
  ["packed text at a prompt", { prompt: true }, PACKED, "<b [gzip] hi\\x1b[m\n"],
  [
    "lines at a prompt, where none can pass for another",
    { prompt: true },
    LINES,
    "< one\n  two\n  \\x1b[2J> three\n",
  ],
  ["a ping at a prompt", { prompt: true, labels: true }, PING, "< ping: b'p\\x1b'\n"],
  ["colours of a text", { prompt: true, colours: true }, TEXT, "\x1b[36m<\x1b[39m hello\n"],
  ["colours of bytes", { prompt: true, colours: true }, BYTES, "\x1b[35m<b\x1b[39m b'\\x00a\\xff'\n"],
  ["no colours without marks", { colours: true }, TEXT, "hello\n"],

  ["a text as it is", { raw: true }, LINES, "one\r\ntwo\n\x1b[2J> three\n"],
  ["a text as it is, with what it is", { raw: true, labels: true }, TEXT, "text: hello\n"],
  ["no ping among raw messages", { raw: true }, PING, undefined],
  ["a ping that was asked for, escaped", { raw: true, labels: true }, PING, "ping: b'p\\x1b'\n"],

  [
    "an opening as JSON",
    { json: true },
    OPEN,
    '{"type":"open","url":"ws://h/","status":101,"protocol":"chat","extensions":""}\n',
  ],
  ["a text as JSON", { json: true }, TEXT, '{"type":"message","data":"hello"}\n'],
  ["an empty text as JSON", { json: true }, { type: "message", data: "" }, '{"type":"message","data":""}\n'],
  ["lines as JSON", { json: true }, LINES, '{"type":"message","data":"one\\r\\ntwo\\n\\u001b[2J> three"}\n'],
  ["bytes as JSON", { json: true }, BYTES, '{"type":"message","base64":"AGH/"}\n'],
  ["a ping as JSON", { json: true }, PING, '{"type":"ping","base64":"cBs="}\n'],
  ["a pong as JSON", { json: true }, PONG, '{"type":"pong","base64":""}\n'],
  [
    "a close as JSON",
    { json: true },
    CLOSE,
    '{"type":"close","code":4001,"reason":"b\\u001b[31mye","wasClean":true}\n',
  ],
  [
    "an error as JSON",
    { json: true },
    ERROR,
    '{"type":"error","code":"ERR_WS_CONNECT","message":"no \\u009b"}\n',
  ],
  [
    "the status of a refusal as JSON",
    { json: true },
    { ...ERROR, status: 403 },
    '{"type":"error","code":"ERR_WS_CONNECT","message":"no \\u009b","status":403}\n',
  ],
  ["seconds in JSON", { json: true, timings: true }, TEXT, '{"type":"message","time":1.5,"data":"hello"}\n'],
];

describe("render", () => {
  for (const [title, style, event, printed] of ROWS) {
    it(`prints ${title}`, () => {
      expect(render(event, { ...PLAIN, ...style }, 1.5)).to.equal(printed);
    });
  }

  it("prints bytes as they are, without a line end", () => {
    expect(render(BYTES, { ...PLAIN, raw: true }, 0)).to.deep.equal(Uint8Array.of(0, 0x61, 0xff));
  });

  it("ends them with a line where it says what they are", () => {
    const printed = render(BYTES, { ...PLAIN, raw: true, labels: true }, 0);
    expect(printed).to.deep.equal(Buffer.from("binary: \0a\xff\n", "latin1"));
  });

  it("cuts long bytes in a terminal, and nowhere else", () => {
    const event: Event = { type: "message", data: new Uint8Array(SHOWN_BYTES + 1).fill(0x61) };
    const cut = `b'${"a".repeat(SHOWN_BYTES)}'... (${SHOWN_BYTES + 1} bytes)\n`;
    expect(render(event, { ...PLAIN, terminal: true }, 0)).to.equal(cut);
    expect(render(event, PLAIN, 0)).to.equal(`b'${"a".repeat(SHOWN_BYTES + 1)}'\n`);
    const fits: Event = { type: "message", data: new Uint8Array(SHOWN_BYTES).fill(0x61) };
    expect(render(fits, { ...PLAIN, terminal: true }, 0)).to.equal(`b'${"a".repeat(SHOWN_BYTES)}'\n`);
  });

  it("lets nothing through that could act on a terminal, but raw messages", () => {
    const hostile = Array.from({ length: 0x3000 }, (_, unit) => String.fromCharCode(unit)).join("");
    const events: Event[] = [
      { type: "message", data: hostile },
      { type: "message", data: Buffer.from(hostile) },
      { type: "message", data: gzipSync(hostile) },
      { type: "ping", data: Buffer.from(hostile).subarray(0, 125) },
      { type: "close", code: 1000, reason: hostile, wasClean: true },
      { type: "error", code: hostile, message: hostile },
      { type: "open", url: hostile, status: 101, protocol: hostile, extensions: hostile },
    ];
    for (const event of events) {
      for (const style of [{}, { labels: true, prompt: true }, { json: true }, { labels: true, raw: true }]) {
        if ("raw" in style && event.type === "message") continue;
        const printed = render(event, { ...PLAIN, ...style }, 0) ?? "\n";
        expect(printed).to.be.a("string").and.match(/\n$/);
        for (const line of String(printed).slice(0, -1).split("\n")) expect(escaped(line)).to.equal(line);
        if (!("prompt" in style)) expect(String(printed).indexOf("\n")).to.equal(printed.length - 1);
      }
    }
  });
});

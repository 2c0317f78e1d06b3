// What a peer sends acts on no terminal: wherever it is shown, in messages, stacks and traces, it is escaped.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { ConnectionOptions } from "../lib/client/options.ts";
import { WebSocketError } from "../lib/errors.ts";
import type { Certificate } from "./support/certificates.ts";
import { cleanUp, type Use } from "./support/clean-up.ts";
import { rejection } from "./support/failure.ts";
import { accepting, listen, requestHead } from "./support/peer.ts";
import { closeFrame, frame, pair, rawServer } from "./support/raw-server.ts";
import { createConnection, WebSocketApp } from "./support/runtime.ts";
import { tlsServer } from "./support/tls-server.ts";

/** Controls, marks of direction, separators of lines, and what has no width; but for the ends of a stack's lines. */
const ACTIVE = /[^\P{Cc}\n]|\p{Cf}|\p{Zl}|\p{Zp}|\p{Cs}/u;

/** What may stand in a header, and what only a text may have. */
const IN_LATIN1 = "\t\x80\x85\x90\x9b31m\xad";
const IN_UTF8 = `\0\x07\b\t\n\v\f\r\x1b[2J\x1b]0;title\x07\x7f${IN_LATIN1}\u061c\u200b\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u{e0001}`;

function expectTame(...texts: unknown[]): void {
  for (const text of texts) expect(String(text)).to.not.match(ACTIVE);
}

/** Every text that an error shows, but for its runtime's own notes. */
function expectTameError(error: unknown): void {
  for (let each = error; each instanceof Error; each = each.cause) {
    expectTame(each.message, each.stack, String(each));
    // Bun prints an error's properties as they are.
    for (const value of Object.values(each)) if (typeof value === "string") expectTame(value);
  }
}

/** A server that answers with that. */
async function answering(use: Use, answer: (head: string) => string): Promise<string> {
  const serve = async (socket: Socket) => void socket.end(answer(await requestHead(socket)), "latin1");
  return use(await listen(serve)).url;
}

/** A certificate whose common name is that, and which has no other name. */
function certificateOf(name: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
  const [key, cert] = [join(folder, "key"), join(folder, "cert")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key];
  try {
    const subject = ["-utf8", "-subj", `/CN=${name}`, "-days", "2", "-out", cert];
    execFileSync("openssl", ["req", "-x509", ...curve, ...subject], { stdio: "pipe" });
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("what a peer sends acts on no terminal", () => {
  const use = cleanUp();

  const refusals: [title: string, answer: (head: string) => string, options?: ConnectionOptions][] = [
    ["a reason phrase", () => `HTTP/1.1 401 ${IN_LATIN1}\r\n\r\n`],
    [
      "a redirect's reason phrase",
      () => `HTTP/1.1 302 ${IN_LATIN1}\r\nLocation: ftp://a/\r\n\r\n`,
      { redirect: "follow" },
    ],
    ["a Location", () => `HTTP/1.1 302 Found\r\nLocation: x:${IN_LATIN1}\r\n\r\n`, { redirect: "follow" }],
    ["what is no HTTP", () => `SSH${IN_UTF8}`],
    ["a line that is no status line", () => `HTTP/1.1 ${IN_UTF8}\r\n\r\n`],
    ["a header's name", () => `HTTP/1.1 101 S\r\nX${IN_UTF8}: a\r\n\r\n`],
    ["a header's value", () => `HTTP/1.1 101 S\r\nX: \x1b\r\n\r\n`],
    ["a subprotocol", (head) => accepting(head, `Sec-WebSocket-Protocol: a${IN_LATIN1}`), { protocols: "a" }],
    ["extensions", (head) => accepting(head, `Sec-WebSocket-Extensions: a${IN_LATIN1}`)],
    ["an extension's parameters", (head) => accepting(head, `Sec-WebSocket-Extensions: a; b="${IN_LATIN1}"`)],
    [
      "a compression's parameters",
      (head) => accepting(head, `Sec-WebSocket-Extensions: permessage-deflate; a${IN_LATIN1}`),
      { perMessageDeflate: true },
    ],
    ["a body", () => `HTTP/1.1 500 No\r\n\r\n${IN_UTF8}`],
  ];
  for (const [title, answer, options] of refusals) {
    it(`in ${title}`, async () => {
      const url = await answering(use, answer);
      const lines: string[] = [];
      const trace = { write: (line: string) => lines.push(line) };
      expectTameError(await rejection(createConnection(url, { ...options, trace }), WebSocketError));
      expectTame(...lines);
    });
  }

  it("in a header that is fine otherwise", async () => {
    const { url } = await rawServer(use, { lines: [`X-Evil: ${IN_LATIN1}`, `Server: ${IN_LATIN1}`] });
    const lines: string[] = [];
    const ws = await createConnection(url, { trace: { write: (line) => lines.push(line) } });
    ws.terminate();
    expect(lines).to.include(String.raw`X-Evil: \x80\x85\x90\x9b31m\xad`);
    expectTame(...lines);
  });

  it("in a proxy's answer", async () => {
    const proxy = (
      await answering(use, () => `HTTP/1.1 407 ${IN_LATIN1}\r\nX: ${IN_LATIN1}\r\n\r\n${IN_UTF8}`)
    ).replace(/^ws/, "http");
    const lines: string[] = [];
    const trace = { write: (line: string) => lines.push(line) };
    expectTameError(await rejection(createConnection("ws://a/", { proxy, trace }), WebSocketError));
    expectTame(...lines);
  });

  it("in a message, a ping, and a reason to close", async () => {
    const lines: string[] = [];
    const { ws, server } = await pair(use, { trace: { write: (line) => lines.push(line) } });
    const reason = IN_UTF8.slice(0, 30);
    server.socket.write(Buffer.concat([frame(1, IN_UTF8), frame(9, reason), closeFrame(4000, reason)]));
    server.socket.end();
    expect(await ws.recv()).to.equal(IN_UTF8);
    expect((await ws.closed).reason, "itself it is data").to.equal(reason);
    for (const late of [ws.recv(), ws.recv(), ws.send("x"), ws.ping()]) {
      const error = await rejection(late, WebSocketError);
      expect(error.message).to.include("4000");
      expectTameError(error);
    }
    expectTame(...lines);
    for (const mark of ["\u2028\u2029\u202e", "\u2066\u2067\u2069\ufeff"]) {
      const { ws, server } = await pair(use);
      server.close(4000, mark);
      const error = await rejection(
        (async () => {
          for await (const _ of ws);
        })(),
        WebSocketError,
      );
      expectTameError(error);
    }
  });

  it("in what an app is told", async () => {
    const { url, accepted } = await rawServer(use, { first: closeFrame(4000, "\x1b[2J\u202e") });
    const errors: Error[] = [];
    const app = new WebSocketApp(url, { onError: (_, error) => errors.push(error) });
    const run = app.runForever();
    (await accepted.next()).socket.end();
    await run;
    expectTameError(errors[0] ?? "no error");
    expectTame(...errors);
  });

  it("in the name of a certificate", async () => {
    const certificate = certificateOf("evil\x1b[31m\n\u202e\x9bhost");
    const url = await tlsServer(use, certificate);
    const error = await rejection(createConnection(url, { tls: { ca: certificate.cert } }), WebSocketError);
    expect(error.code).to.equal("ERR_WS_TLS");
    expectTameError(error);
    expect(error.message).to.include(String.raw`evil\x1b[31m\x0a\u202e\x9bhost`);
  });
});

// Targets for what parsing costs: a piece of almost good text, over and over between two others. Time follows the length,
// however odd the piece: what takes longer is measured again at another length, and fails where it grows faster.

import assert from "node:assert/strict";
import fc from "fast-check";
import { escapeControls } from "../../lib/bytes/escape.ts";
import { CookieJar } from "../../lib/client/cookie-jar.ts";
import { parseCookieDate } from "../../lib/client/set-cookie.ts";
import { literal } from "../../lib/codec/describe.ts";
import { WebSocketError } from "../../lib/errors.ts";
import { acceptDeflate, readDeflateAnswer } from "../../lib/handshake/deflate-offer.ts";
import { parseTarget } from "../../lib/handshake/endpoint.ts";
import { canonicalHost } from "../../lib/handshake/host.ts";
import { checkField, tokensOf } from "../../lib/handshake/http.ts";
import { isExempt, membersOf, parseExemption } from "../../lib/handshake/no-proxy.ts";
import { parseProxy } from "../../lib/handshake/proxy.ts";
import { redactedProtocols, redactedUrls, redactedValue } from "../../lib/handshake/redaction.ts";
import { redirectTarget } from "../../lib/handshake/redirect.ts";
import { readRequest } from "../../lib/handshake/server-talk.ts";
import { upgradeClient } from "../../lib/handshake/upgrade-client.ts";
import { AGREEMENT, deflating } from "../../spec/support/deflate.ts";
import { growthOfTime, LINEAR } from "../../spec/support/growth.ts";
import { concat } from "../../spec/support/hex.ts";
import { record } from "../../spec/support/recorder.ts";
import { hear, latin1 } from "../../spec/support/talks.ts";
import { bytesLike, type Target, target } from "./input.ts";

/** Characters, or bytes, of a long input. */
const LONG = 64 * 1024;

/** Ms of a long input that are taken for granted: ten times what the slowest parser takes. */
const FREE_MS = 60;

/** It is long. */
const WEIGHT = 20;

/** The least at which growth is measured. */
const SHORT = 2 * 1024;

/** What is done with an input of that size, in whatever time: an error of ours is an outcome like others. */
function cost(work: (size: number) => unknown): void {
  const tried = (size: number) => {
    try {
      work(size);
    } catch (error) {
      assert.ok(error instanceof WebSocketError, `threw ${error instanceof Error ? error.stack : error}`);
    }
  };
  const { user, system } = process.cpuUsage();
  tried(LONG);
  const after = process.cpuUsage();
  if (after.user + after.system - user - system < 1000 * FREE_MS) return;
  const growth = growthOfTime(tried, SHORT);
  assert.ok(growth < LINEAR, `takes ${growth.toFixed(0)} times as long, which is more than linear`);
}

const FROM = parseTarget("wss://host.test/dir/page");
const REQUEST = { ...AGREEMENT, serverMaxWindowBits: 12, clientMaxWindowBits: 11 };

/** A head with a field, of which the text is a part. */
const headed = (first: string, text: string) => [
  latin1(`${first}\r\nA: ${text}\r\nSet-Cookie: ${text}\r\n\r\n`),
];

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  url: (text) => parseTarget(`ws://host.test/${text}`),
  "url's host": (text) => parseTarget(`ws://${text}/`),
  host: canonicalHost,
  "proxy's url": (text) => parseProxy(text, "the proxy", false),
  no_proxy: (list) =>
    isExempt(
      membersOf(list).flatMap((member) => parseExemption(member) ?? []),
      { host: "a.test", port: 80 },
    ),
  Location: (text) =>
    redirectTarget(
      { status: 302, statusText: "", minorVersion: 1, body: "", rawHeaders: [["Location", text]] },
      FROM,
    ),
  "Set-Cookie": (line) => new CookieJar().set("wss://a.test/", line),
  "date of a cookie": parseCookieDate,
  "Sec-WebSocket-Extensions": (value) => [
    readDeflateAnswer([value], REQUEST),
    acceptDeflate([value], REQUEST),
  ],
  "list of tokens": (value) => tokensOf([["a", value]], "a"),
  "header field": (value) => checkField("a", value),
  "answer of a server": (text) =>
    hear(upgradeClient(new Uint8Array(0), Number.POSITIVE_INFINITY), headed("HTTP/1.1 101 S", text)),
  "body in chunks": (text) =>
    hear(upgradeClient(new Uint8Array(0), Number.POSITIVE_INFINITY), [
      latin1(`HTTP/1.1 500 S\r\nTransfer-Encoding: chunked\r\n\r\n${text}`),
    ]),
  "request of a client": (text) =>
    hear(readRequest(Number.POSITIVE_INFINITY), headed("GET / HTTP/1.1", text)),
  "what is shown": (text) => [
    redactedValue("x-any", text),
    redactedUrls(text),
    redactedProtocols(text),
    escapeControls(text),
    literal(latin1(text)),
  ],
};

const ODD = [
  ...[
    " ",
    "\t",
    ",",
    ";",
    ":",
    "=",
    '"',
    "\\",
    "\\\\",
    "/",
    "//",
    "?",
    "#",
    "&",
    "@",
    "%",
    "%2f",
    "-",
    ".",
    "a",
  ],
  ...[
    "[",
    "]",
    "::",
    "1",
    "0x",
    "eyJ",
    "\r\n",
    "\r",
    "\0",
    "\x80",
    "ws://",
    "a=b",
    "; Path=/",
    "a:b@",
    "1\r\na\r\n",
  ],
];
const piece = fc
  .array(fc.constantFrom(...ODD), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(""));

/** What took quadratic time once. */
const ROWS: Readonly<Record<string, readonly [string, string, string][]>> = {
  no_proxy: [["[", "ws://#", " "]], // for each colon all that follows was searched for the bracket
};

const texts = Object.entries(PARSERS).map(([name, parse]) =>
  target<[string, string, string]>({
    name: `time of: ${name}`,
    weight: WEIGHT,
    rows: ROWS[name] ?? [],
    inputs: fc.tuple(piece, piece, piece),
    check([before, unit, after]) {
      cost((size) => parse(before + unit.repeat(size / unit.length) + after));
    },
  }),
);

/** Frames over and over, to a protocol that has no limits: of a byte and more, whole and in pieces. */
const FRAMES = [
  ...[
    [0x81, 1, 97],
    [0x01, 0],
    [0x00, 0],
    [0x00, 1, 97],
    [0x80, 0],
    [0x89, 0],
    [0x8a, 1, 97],
  ],
  ...[
    [0xc1, 1, 0],
    [0x82, 126, 0, 126, ...new Array<number>(126).fill(7)],
    [0x41, 3, 0xf2, 0x48, 0xcd],
  ],
].map((bytes) => Uint8Array.from(bytes));

const NO_LIMITS = {
  maxMessageSize: Number.POSITIVE_INFINITY,
  maxFragments: Number.POSITIVE_INFINITY,
};

const frames = [undefined, "driven" as const].map((way) =>
  target<[Uint8Array, Uint8Array, number]>({
    weight: WEIGHT,
    name: `time of: frames${way === undefined ? "" : ", compressed"}`,
    inputs: fc.tuple(bytesLike(FRAMES), bytesLike(FRAMES), fc.constantFrom(1, 7, 1000, LONG)),
    check([before, unit, chunk]) {
      if (unit.length === 0) return;
      cost((long) => {
        const size = way === undefined ? long : long / 8; // it is slow by nature
        const recorded = record("client", { ...NO_LIMITS, ...(way && deflating(way)) });
        const bytes = concat(before, ...new Array<Uint8Array>(Math.ceil(size / unit.length)).fill(unit));
        for (let at = 0; at < bytes.length; at += chunk) {
          recorded.protocol.receive(bytes.slice(at, at + chunk));
          while (recorded.turn());
        }
      });
    },
  }),
);

export const COSTS: readonly Target[] = [...texts, ...frames];

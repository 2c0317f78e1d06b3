// Targets for conversations: answers to the upgrade, requests, proxies. The outcome is a result or an error of the documented
// class, and the same, however the bytes are cut; nothing that is shown of it can act on a terminal.

import assert from "node:assert/strict";
import fc from "fast-check";
import { HandshakeError, LimitError, ProxyError, UsageError, type WebSocketError } from "../../lib/errors.ts";
import { connectRequest, httpConnect } from "../../lib/handshake/http-connect.ts";
import { parseProxy } from "../../lib/handshake/proxy.ts";
import { readRequest } from "../../lib/handshake/server-talk.ts";
import { socks4 } from "../../lib/handshake/socks4.ts";
import { socks5 } from "../../lib/handshake/socks5.ts";
import type { Talk } from "../../lib/handshake/talk.ts";
import { acceptKey, checkUpgrade, upgradeClient } from "../../lib/handshake/upgrade-client.ts";
import { checkOpening } from "../../lib/handshake/upgrade-server.ts";
import { AGREEMENT } from "../../spec/support/deflate.ts";
import { hear, latin1 } from "../../spec/support/talks.ts";
import { bytesLike, chunked, cuts, latinLike, type Target, target } from "./input.ts";

type ErrorClass = abstract new (...args: never[]) => WebSocketError;

/** What comes of a talk that hears these chunks: its result, or its error, which is of one of the classes. */
function outcome<Result>(
  talk: () => Talk<Result>,
  chunks: Uint8Array[],
  errors: readonly ErrorClass[],
  then: (result: Result) => unknown = (result) => result,
): string {
  try {
    const { result, rest } = hear(talk(), chunks);
    return JSON.stringify([then(result), rest]) ?? "";
  } catch (error) {
    const known = errors.find((type) => error instanceof type);
    assert.ok(known !== undefined, `threw ${error instanceof Error ? error.stack : error}`);
    const { code, message } = error as WebSocketError;
    assert.doesNotMatch(message, /[\p{Cc}\p{Cf}]/u, "the message can act on a terminal");
    return code; // the message may show more or less of what came
  }
}

function talking<Result>(
  name: string,
  talk: () => Talk<Result>,
  inputs: fc.Arbitrary<Uint8Array>,
  errors: readonly ErrorClass[],
  then?: (result: Result) => unknown,
): Target {
  return target<[Uint8Array, number[]]>({
    name,
    inputs: fc.tuple(inputs, cuts),
    check([said, sizes]) {
      const whole = outcome(talk, [said.slice()], errors, then);
      assert.equal(outcome(talk, chunked(said, sizes), errors, then), whole);
    },
  });
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const GOOD = [
  ...["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"],
  ...[`Sec-WebSocket-Accept: ${acceptKey(KEY)}`, "Sec-WebSocket-Protocol: chat"],
];
const ANSWERS = [
  [...GOOD, "", "\x81\x02hi"],
  [...GOOD, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10", "", ""],
  ["HTTP/1.1 100 Continue", "", ...GOOD, "", ""],
  ["HTTP/1.1 401 Unauthorized", "Content-Length: 5", "Set-Cookie: a=b", "", "hello"],
  ["HTTP/1.1 500 Oops", "Transfer-Encoding: chunked", "", "5;x=y", "hello", "0", "", ""],
  ["HTTP/1.0 302 Found", "Location: wss://user:pw@host/path?token=x", "", ""],
  ["HTTP/1.1 200", "", ""],
  ["SSH-2.0-OpenSSH_9.2", ""],
].map((lines) => lines.join("\r\n"));
const TOKENS = [
  ...["HTTP/1.1 ", "HTTP/1.", "101", "100", "200", ": ", ":", "\r\n\r\n", "\r\n ", ",", ";", "=", '"', "\\"],
  ...[
    "Upgrade: websocket\r\n",
    "Content-Length: 1\r\n",
    "Transfer-Encoding: chunked\r\n",
    "ffffffff\r\n",
    "0\r\n\r\n",
  ],
  ...[
    "Sec-WebSocket-Extensions: ",
    "permessage-deflate",
    "client_max_window_bits",
    "__proto__",
    "constructor",
  ],
];
const answers = latinLike(ANSWERS, TOKENS).map(latin1);

const upgrade = talking(
  "answer to the upgrade",
  () => upgradeClient(new Uint8Array(0), 4_000),
  answers,
  [HandshakeError, LimitError],
  (answer) => {
    if (answer.status !== 101) return answer;
    const request = { key: KEY, protocols: ["chat"], deflate: AGREEMENT };
    try {
      return checkUpgrade(answer, request, false);
    } catch (error) {
      assert.ok(error instanceof HandshakeError, `threw ${error}`);
      return error.message;
    }
  },
);

const REQUEST = [
  ...["GET /chat?x=y HTTP/1.1", "Host: host.test", "Upgrade: websocket", "Connection: keep-alive, Upgrade"],
  ...[`Sec-WebSocket-Key: ${KEY}`, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: a, b"],
  ...["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", "", ""],
].join("\r\n");

const opening = talking(
  "request of a client",
  () => readRequest(4_000),
  latinLike([REQUEST, REQUEST.replace("GET", "POST"), "GET / HTTP/1.1\r\n\r\n"], TOKENS).map(latin1),
  [HandshakeError, LimitError, UsageError],
  (head) => {
    try {
      return checkOpening(head, false);
    } catch (error) {
      assert.ok(error instanceof HandshakeError, `threw ${error}`);
      return error.message;
    }
  },
);

const proxy = (url: string) => parseProxy(url, "the proxy", true);
const NAMED = { host: "host.test", port: 443 };

const connect = talking(
  "answer to a CONNECT",
  () => httpConnect(connectRequest(proxy("http://u:p@proxy.test:1"), NAMED, []), 4_000),
  answers,
  [HandshakeError, LimitError],
);

const REPLIES = [
  ...[
    [5, 0],
    [5, 2],
    [5, 0xff],
    [1, 0],
    [1, 1],
    [5, 0, 0, 1, 1, 2, 3, 4, 0, 80],
    [5, 5, 0, 1],
  ],
  ...[
    [5, 0, 0, 3, 3, 97, 98, 99, 0, 80],
    [5, 0, 0, 4, ...new Array(16).fill(0), 0, 80],
    [0, 90, 0, 0, 0, 0, 0, 0],
  ],
  ...[[0, 91, 0, 0, 0, 0, 0, 0], [0, 93], [...latin1("HTTP/1.1 400 Bad\r\n\r\n")]],
].map((bytes) => Uint8Array.from(bytes));

const socks = [
  talking("SOCKS5", () => socks5(proxy("socks5h://proxy.test:1"), NAMED), bytesLike(REPLIES), [ProxyError]),
  talking(
    "SOCKS5 with a login",
    () => socks5(proxy("socks5h://u:p@proxy.test:1"), NAMED),
    bytesLike(REPLIES),
    [ProxyError],
  ),
  talking("SOCKS4", () => socks4(proxy("socks4a://u@proxy.test:1"), NAMED), bytesLike(REPLIES), [ProxyError]),
];

export const TALKS: readonly Target[] = [upgrade, opening, connect, ...socks];

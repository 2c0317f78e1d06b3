// How a run ended, as an exit code and a complaint.

import { expect } from "chai";
import { complaintLine, type Ending, exitOf, pageOf } from "../../lib/cli/exit.ts";
import {
  ClosedError,
  type CloseInfo,
  HandshakeError,
  LimitError,
  ProxyError,
  TimeoutError,
  TransportError,
  UsageError,
  type WebSocketError,
} from "../../lib/errors.ts";

const clean = (code: number, reason = ""): CloseInfo => ({ code, reason, wasClean: true });
const broken = (error?: WebSocketError): CloseInfo => ({
  code: 1006,
  reason: "",
  wasClean: false,
  ...(error && { error }),
});

const LOST = broken(new TransportError("ERR_WS_TRANSPORT", "it broke"));
const REFUSED = broken(new TransportError("ERR_WS_CONNECT", "nobody there"));
const UNTRUSTED = broken(new TransportError("ERR_WS_TLS", "self-signed"));
const UNTRUSTED_BY_CODE = broken(
  new TransportError("ERR_WS_TLS", "no", {
    cause: Object.assign(new Error("no"), { code: "CERT_HAS_EXPIRED" }),
  }),
);
const OF_ANOTHER = broken(
  new TransportError("ERR_WS_TLS", "no", {
    cause: Object.assign(new Error("no"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" }),
  }),
);
const NO_TLS = broken(new TransportError("ERR_WS_TLS", "wrong version number"));
const TOO_BIG = broken(
  new LimitError("ERR_WS_MESSAGE_TOO_BIG", "raise it", { limit: "maxMessageSize", actual: 9 }),
);
const NO_SUBPROTOCOL = broken(
  new HandshakeError("ERR_WS_INVALID_RESPONSE", "set requireProtocol to false", { status: 101 }),
);
const hungUp = (message: string, url: string) =>
  broken(new HandshakeError("ERR_WS_INVALID_RESPONSE", message).locate(url));
const LATE = broken(new TimeoutError("tls", 5, "too late"));
const FORBIDDEN = broken(new HandshakeError("ERR_WS_UNEXPECTED_STATUS", "refused: 403", { status: 403 }));
const MOVED = broken(new HandshakeError("ERR_WS_UNEXPECTED_STATUS", "refused: 302", { status: 302 }));

const ROWS: readonly [title: string, info: CloseInfo, more: Partial<Ending>, code: number, says?: string][] =
  [
    ["the server closed with 1000", clean(1000), {}, 0],
    ["the server closed with 1001", clean(1001, "away"), {}, 0],
    ["the server closed without a code", clean(1005), {}, 0],
    ["the server closed with 1011", clean(1011), {}, 1, "the server closed with 1011 (internal error)"],
    [
      "the server closed with a code of its own",
      clean(4001, "bye"),
      {},
      1,
      "the server closed with 4001: bye",
    ],
    ["the connection was lost", LOST, {}, 1, "it broke"],
    ["the connection was lost, nobody knows why", broken(), {}, 1, "the connection was lost"],
    ["a deadline passed while connected", LATE, {}, 1, "too late"],

    ["input is over and the server closed with ours", clean(1000), { wish: "input" }, 0],
    ["input is over and the server closed with its own", clean(4001), { wish: "input" }, 0],
    ["input is over and the server did not answer", LOST, { wish: "input" }, 1, "it broke"],
    ["the wait is over", clean(1000), { wish: "late" }, 0],
    ["the wait is over, and the server did not answer", LOST, { wish: "late" }, 1, "it broke"],

    ["the count was reached", clean(1000), { wish: "count" }, 0],
    ["the count was reached, and the server did not answer", LOST, { wish: "count" }, 0],
    [
      "the server closed before the count",
      clean(1000),
      { missing: 2 },
      1,
      "the server closed with 1000 (normal); 2 of --count did not come",
    ],
    [
      "the wait was over before the count",
      clean(1000),
      { missing: 1, wish: "late" },
      4,
      "--eof-wait is over: 1 of --count did not come",
    ],
    ["somebody left the prompt before the count", clean(1000), { missing: 1, wish: "input" }, 0],

    ["nobody reads any more", LOST, { wish: "unread" }, 0],
    ["nobody can read any more", clean(1000), { wish: "unwritten" }, 1],
    ["the input was wrong", clean(1000), { wish: "misuse" }, 2],

    ["Ctrl-C", clean(1000), { wish: "SIGINT" }, 130],
    ["Ctrl-C before there was a connection", broken(), { wish: "SIGINT", wasOpen: false }, 130],
    ["SIGTERM", clean(1001), { wish: "SIGTERM" }, 143],
    ["SIGHUP", LOST, { wish: "SIGHUP" }, 129],

    ["nobody was there", REFUSED, { wasOpen: false }, 3, "nobody there"],
    ["the server refused", FORBIDDEN, { wasOpen: false }, 3, "refused: 403"],
    ["the server redirected", MOVED, { wasOpen: false }, 3, "refused: 302; --follow goes there"],
    [
      "the server was not trusted",
      UNTRUSTED,
      { wasOpen: false },
      3,
      "self-signed; --ca FILE trusts another authority, --nocert anybody",
    ],
    [
      "the server was not trusted, as a code says",
      UNTRUSTED_BY_CODE,
      { wasOpen: false },
      3,
      "no; --ca FILE trusts another authority, --nocert anybody",
    ],
    [
      "the server's certificate was for another name",
      OF_ANOTHER,
      { wasOpen: false },
      3,
      "no; --servername NAME expects another name, --nocert takes any",
    ],
    [
      "the server did not speak TLS",
      NO_TLS,
      { wasOpen: false },
      3,
      "wrong version number; does the server speak TLS? ws:// does without",
    ],
    [
      "the server hung up, perhaps as it speaks TLS",
      hungUp("the connection was closed before an answer came", "ws://h/"),
      { wasOpen: false },
      3,
      "the connection was closed before an answer came [ws://h/]; does the server want wss://?",
    ],
    [
      "the server answered in TLS",
      hungUp('no status line: "\\x15\\x03\\x01"', "ws://h/"),
      { wasOpen: false },
      3,
      'no status line: "\\x15\\x03\\x01" [ws://h/]; does the server want wss://?',
    ],
    [
      "the server hung up within TLS",
      hungUp("the connection was closed before an answer came", "wss://h/"),
      { wasOpen: false },
      3,
      "the connection was closed before an answer came [wss://h/]",
    ],
    [
      "the server chose no subprotocol",
      NO_SUBPROTOCOL,
      { wasOpen: false },
      3,
      "set requireProtocol to false; here: leave --subprotocol out",
    ],
    ["a message was too big", TOO_BIG, {}, 1, "raise it; --max-size BYTES does"],
    ["it took too long to connect", LATE, { wasOpen: false }, 4, "too late"],
    ["an option was wrong", broken(new UsageError("not so")), { wasOpen: false }, 2, "not so"],
    ["nobody knows why there is no connection", broken(), { wasOpen: false }, 3, "not connected"],
    [
      "the connection was closed before it was one",
      broken(new ClosedError("gone")),
      { wasOpen: false },
      3,
      "gone",
    ],
  ];

describe("exitOf", () => {
  for (const [title, info, more, code, complaint] of ROWS) {
    it(`is ${code} where ${title}`, () => {
      const exit = exitOf({ info, wish: undefined, wasOpen: true, missing: 0, ...more });
      expect(exit).to.deep.equal({ code, ...(complaint !== undefined && { complaint }) });
    });
  }
});

describe("pageOf", () => {
  const body = "\n<h1>no</h1>\n";
  for (const [title, error, page] of [
    [
      "a server",
      new HandshakeError("ERR_WS_UNEXPECTED_STATUS", "refused", { status: 403, body }),
      "<h1>no</h1>",
    ],
    ["a proxy", new ProxyError("refused", { status: 403, body }), "<h1>no</h1>"],
    ["one that says nothing", new HandshakeError("ERR_WS_UNEXPECTED_STATUS", "refused"), ""],
    ["the network", new TransportError("ERR_WS_CONNECT", "nobody there"), ""],
  ] as const) {
    it(`is what ${title} says`, () => expect(pageOf(broken(error))).to.equal(page));
  }
});

describe("complaintLine", () => {
  it("is one line, and harmless", () => {
    expect(complaintLine("a\n  b\r\n\nc \x1b[31m\u202e")).to.equal("isosocket: a b c \\x1b[31m\\u202e");
  });
});

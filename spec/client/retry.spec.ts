// Which ends are tried again, and for how long a server may ask to stay away.

import { expect } from "chai";
import { isPassing, retryAfter } from "../../lib/client/retry.ts";
import {
  type CloseInfo,
  HandshakeError,
  LimitError,
  ProtocolError,
  ProxyError,
  type RawHeaders,
  TimeoutError,
  TransportError,
  UsageError,
  WebSocketError,
} from "../../lib/errors.ts";

function closed(code: number): CloseInfo {
  return { code, reason: "", wasClean: true, received: { code, reason: "" } };
}

function failed(error: WebSocketError): CloseInfo {
  return { code: 1006, reason: "", wasClean: false, error };
}

function refused(status: number | undefined, rawHeaders: RawHeaders = []): CloseInfo {
  return failed(
    new HandshakeError("ERR_WS_UNEXPECTED_STATUS", "refused", {
      ...(status !== undefined && { status }),
      rawHeaders,
    }),
  );
}

/** All from one number to another. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe("isPassing", () => {
  const codes = [1001, 1005, 1006, 1011, 1012, 1013, 1014];

  it(`is an end with ${codes.join(", ")}, and with no other code`, () => {
    const passing = [...range(1000, 1015), ...range(3000, 4999)].filter((code) => isPassing(closed(code)));
    expect(passing).to.deep.equal(codes);
  });

  it("is a refusal with 408, 425, 429 and 5xx, and with no other status", () => {
    const passing = range(100, 599).filter((status) => isPassing(refused(status)));
    expect(passing).to.deep.equal([408, 425, 429, ...range(500, 599)]);
  });

  it("is the same of a proxy's refusal", () => {
    const passing = range(100, 599).filter((status) => isPassing(failed(new ProxyError("", { status }))));
    expect(passing).to.deep.equal([408, 425, 429, ...range(500, 599)]);
  });

  it("is a reply of SOCKS, but those that are about rules, commands and addresses", () => {
    const replies = [...range(1, 9), 91];
    const lasting = replies.filter((status) => !isPassing(failed(new ProxyError("", { status }))));
    expect(lasting).to.deep.equal([2, 7, 8]);
  });

  const rows: [title: string, error: WebSocketError, expected: boolean][] = [
    ["an answer that is cut off", new HandshakeError("ERR_WS_INVALID_RESPONSE", ""), true],
    ["a 101 that does not fit", new HandshakeError("ERR_WS_INVALID_RESPONSE", "", { status: 101 }), false],
    ["a proxy that cannot be reached", new ProxyError(""), true],
    ["a proxy that wants a login", new ProxyError("", { status: 407, code: "ERR_WS_PROXY_AUTH" }), false],
    ["a login that SOCKS refuses", new ProxyError("", { code: "ERR_WS_PROXY_AUTH" }), false],
    ["a user that SOCKS4 refuses", new ProxyError("", { status: 93, code: "ERR_WS_PROXY_AUTH" }), false],
    ["name resolution", new TransportError("ERR_WS_DNS", ""), true],
    ["TCP", new TransportError("ERR_WS_CONNECT", ""), true],
    ["TLS", new TransportError("ERR_WS_TLS", ""), true],
    ["a loss", new TransportError("ERR_WS_TRANSPORT", ""), true],
    ["a timeout while connecting", new TimeoutError("handshake", 1, ""), true],
    ["a dead peer", new TimeoutError("ping", 1, ""), true],
    ["a Close frame without an answer", new TimeoutError("close", 1, ""), true],
    ["a function of the user's", new WebSocketError("ERR_WS_CALLBACK", ""), true],
    ["a breach of the protocol", new ProtocolError(""), false],
    ["text that is not UTF-8", new ProtocolError("", 1007), false],
    ["a limit", new LimitError("ERR_WS_MESSAGE_TOO_BIG", "", { limit: "", actual: 1 }), false],
    ["what a function gave that may not be", new UsageError(""), false],
  ];
  for (const [title, error, expected] of rows) {
    it(`is ${expected ? "" : "not "}a failure of ${title}`, () => {
      expect(isPassing(failed(error))).to.equal(expected);
    });
  }
});

describe("retryAfter", () => {
  const HOUR = 3_600_000;
  const date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const rows: [title: string, headers: RawHeaders, ms: number][] = [
    ["nothing", [], 0],
    ["seconds", [["Retry-After", "120"]], 120_000],
    ["seconds, whatever the case", [["rEtRy-aFtEr", "1"]], 1000],
    ["no time at all", [["Retry-After", "0"]], 0],
    ["an hour", [["Retry-After", "3600"]], HOUR],
    ["more than an hour: an hour", [["Retry-After", "3601"]], HOUR],
    ["more than a timer can wait", [["Retry-After", "99999999999"]], HOUR],
    ["more than a number can say", [["Retry-After", "9".repeat(400)]], HOUR],
    [
      "a date, by the server's own clock",
      [
        ["Date", date],
        ["Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"],
      ],
      30_000,
    ],
    [
      "a date that is past",
      [
        ["Date", date],
        ["Retry-After", "Sun, 06 Nov 1994 08:49:36 GMT"],
      ],
      0,
    ],
    [
      "a date far away",
      [
        ["Date", date],
        ["Retry-After", "Sun, 06 Nov 2094 08:49:37 GMT"],
      ],
      HOUR,
    ],
    [
      "a date as RFC 850 wrote it",
      [
        ["Date", date],
        ["Retry-After", "Sunday, 06-Nov-94 08:50:37 GMT"],
      ],
      60_000,
    ],
    [
      "a date as asctime() writes it, which is in GMT",
      [
        ["Date", date],
        ["Retry-After", "Sun Nov  6 08:50:37 1994"],
      ],
      60_000,
    ],
    [
      "asctime() on both sides",
      [
        ["Date", "Sun Nov  6 08:49:37 1994"],
        ["Retry-After", "Sun Nov  6 08:49:38 1994"],
      ],
      1000,
    ],
    ["a date without one to hold it against", [["Retry-After", "Sun, 06 Nov 2094 08:49:37 GMT"]], 0],
    [
      "a date, and a clock that says nothing",
      [
        ["Date", "soon"],
        ["Retry-After", date],
      ],
      0,
    ],
    ["an empty value", [["Retry-After", ""]], 0],
    [
      "a word",
      [
        ["Date", date],
        ["Retry-After", "tomorrow"],
      ],
      0,
    ],
    ["a fraction", [["Retry-After", "1.5"]], 0],
    ["a sign", [["Retry-After", "-5"]], 0],
    ["hexadecimal", [["Retry-After", "0x10"]], 0],
    ["digits of another script", [["Retry-After", "\u0665"]], 0],
    [
      "two fields: the first",
      [
        ["Retry-After", "1"],
        ["Retry-After", "2"],
      ],
      1000,
    ],
  ];
  for (const [title, headers, ms] of rows) {
    it(`is ${ms} for ${title}`, () => {
      expect(retryAfter(refused(503, headers))).to.equal(ms);
      expect(retryAfter(failed(new ProxyError("", { status: 503, rawHeaders: headers })))).to.equal(ms);
    });
  }

  it("is 0 where there was no answer", () => {
    expect(retryAfter(closed(1013))).to.equal(0);
    expect(retryAfter(failed(new TransportError("ERR_WS_CONNECT", "")))).to.equal(0);
  });
});

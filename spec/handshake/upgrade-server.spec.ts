// The server's handshake as a table: requests as clients send them, with all that RFC 6455 and HTTP let them do, and those that
// must be refused, with the status and the headers that say why.

import { expect } from "chai";
import { type RawHeaders, UsageError } from "../../lib/errors.ts";
import { RefusalError } from "../../lib/handshake/refusal.ts";
import { acceptKey, checkUpgrade, formatUpgrade, upgradeClient } from "../../lib/handshake/upgrade-client.ts";
import {
  acceptHeaders,
  agreedProtocol,
  checkOpening,
  formatAccept,
  type OpeningRequest,
  type RequestHead,
} from "../../lib/handshake/upgrade-server.ts";
import { thrown } from "../support/failure.ts";
import { fromLatin1, hearAll } from "../support/talks.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** RFC 6455 §1.3, but for what is not of the handshake. */
const GOOD: RawHeaders = [
  ["Host", "server.example.com"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Key", KEY],
  ["Sec-WebSocket-Version", "13"],
];

type Line = readonly [name: string, value: string];

/** GOOD with others in the place of those of their names. */
function goodBut(...lines: Line[]): RawHeaders {
  const names = lines.map(([name]) => name.toLowerCase());
  return [...GOOD.filter(([name]) => !names.includes(name.toLowerCase())), ...lines];
}

function goodWithout(...names: string[]): RawHeaders {
  return GOOD.filter(([name]) => !names.includes(name));
}

function head(rawHeaders: RawHeaders, more: Partial<RequestHead> = {}): RequestHead {
  return { method: "GET", target: "/chat", httpVersion: "1.1", rawHeaders, ...more };
}

function check(rawHeaders: RawHeaders, more: Partial<RequestHead> = {}, secure = false): OpeningRequest {
  return checkOpening(head(rawHeaders, more), secure);
}

describe("checkOpening", () => {
  it("takes the request of RFC 6455 §1.3", () => {
    const lines: Line[] = [
      ["Origin", "http://example.com"],
      ["Sec-WebSocket-Protocol", "chat, superchat"],
    ];
    expect(check([...GOOD, ...lines])).to.deep.equal({
      url: "ws://server.example.com/chat",
      publicUrl: "ws://server.example.com/chat",
      resource: "/chat",
      path: "/chat",
      origin: "http://example.com",
      key: KEY,
      protocols: ["chat", "superchat"],
      extensions: [],
    });
  });

  it("takes what our own client sends", () => {
    const request = {
      target: "/a?b=c",
      host: "localhost:4040",
      origin: undefined,
      key: KEY,
      protocols: ["one", "two"],
      headers: [],
    };
    const [line = "", ...fields] = fromLatin1(formatUpgrade(request)).trimEnd().split("\r\n");
    const rawHeaders = fields.map((field) => field.split(": ") as [string, string]);
    const [method = "", target = ""] = line.split(" ");
    expect(check(rawHeaders, { method, target })).to.include({ key: KEY, url: "ws://localhost:4040/a?b=c" });
  });

  describe("takes", () => {
    const rows: [title: string, headers: RawHeaders][] = [
      ["Connection with keep-alive, as Firefox sends it", goodBut(["Connection", "keep-alive, Upgrade"])],
      ["Connection in two fields", goodBut(["Connection", "keep-alive"], ["Connection", "Upgrade"])],
      ["Upgrade in any case", goodBut(["Upgrade", "WebSocket"], ["Connection", "uPGRADE"])],
      ["Upgrade among others", goodBut(["Upgrade", "h2c, websocket"])],
      ["names in any case", GOOD.map(([name, value]) => [name.toUpperCase(), value] as const)],
      ["Content-Length: 0", goodBut(["Content-Length", "0"])],
      ["a key whose last bits are not zero", goodBut(["Sec-WebSocket-Key", "////////////////////+/=="])],
      ["an empty member of a list", goodBut(["Connection", ", Upgrade,"])],
      ["headers that it does not know", [...GOOD, ["X-A", "1"], ["X-A", "2"], ["Sec-WebSocket-Foo", "?"]]],
    ];
    for (const [title, headers] of rows) {
      it(title, () => {
        expect(check(headers).path).to.equal("/chat");
      });
    }
  });

  describe("refuses", () => {
    const rows: [title: string, status: number, headers: RawHeaders, more?: Partial<RequestHead>][] = [
      ["POST", 405, GOOD, { method: "POST" }],
      ["HEAD", 405, GOOD, { method: "HEAD" }],
      ["get: methods have a case", 405, GOOD, { method: "get" }],
      ["no method", 405, GOOD, { method: "" }],
      ["HTTP/1.0", 426, GOOD, { httpVersion: "1.0" }],
      ["HTTP/2", 426, GOOD, { httpVersion: "2.0" }],
      ["no Upgrade", 426, goodWithout("Upgrade")],
      ["Upgrade: h2c", 426, goodBut(["Upgrade", "h2c"])],
      ["Upgrade: websockets", 426, goodBut(["Upgrade", "websockets"])],
      ["no Connection", 400, goodWithout("Connection")],
      ["Connection: keep-alive", 400, goodBut(["Connection", "keep-alive"])],
      ["no version", 426, goodWithout("Sec-WebSocket-Version")],
      ["version 8", 426, goodBut(["Sec-WebSocket-Version", "8"])],
      ["version 14", 426, goodBut(["Sec-WebSocket-Version", "14"])],
      ["version 013", 426, goodBut(["Sec-WebSocket-Version", "013"])],
      ["several versions", 426, goodBut(["Sec-WebSocket-Version", "13, 8"])],
      ["the version twice", 426, [...GOOD, ["Sec-WebSocket-Version", "13"]]],
      ["no key", 400, goodWithout("Sec-WebSocket-Key")],
      ["an empty key", 400, goodBut(["Sec-WebSocket-Key", ""])],
      ["a key of 15 bytes", 400, goodBut(["Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA"])],
      ["a key of 17 bytes", 400, goodBut(["Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAA="])],
      ["a key without padding", 400, goodBut(["Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA"])],
      ["a key in base64url", 400, goodBut(["Sec-WebSocket-Key", "________________-----w=="])],
      ["a key with a blank in it", 400, goodBut(["Sec-WebSocket-Key", "AAAAAAAAAAA AAAAAAAAAA=="])],
      ["a key and a line end", 400, goodBut(["Sec-WebSocket-Key", `${KEY}\n`])],
      ["two keys", 400, [...GOOD, ["Sec-WebSocket-Key", KEY]]],
      ["two keys in a field", 400, goodBut(["Sec-WebSocket-Key", `${KEY}, ${KEY}`])],
      ["no Host", 400, goodWithout("Host")],
      ["an empty Host", 400, goodBut(["Host", ""])],
      ["two Hosts", 400, [...GOOD, ["Host", "other.example.com"]]],
      ["a Host with a path", 400, goodBut(["Host", "example.com/evil"])],
      ["a Host with a user", 400, goodBut(["Host", "user@example.com"])],
      ["a Host with a query", 400, goodBut(["Host", "example.com?x"])],
      ["a Host with a backslash", 400, goodBut(["Host", "example.com\\evil"])],
      ["a Host with a blank", 400, goodBut(["Host", "example.com evil"])],
      ["a Host with a port that is none", 400, goodBut(["Host", "example.com:99999"])],
      ["a Host with port 0", 400, goodBut(["Host", "example.com:0"])],
      ["a Host that is half an address", 400, goodBut(["Host", "[::1"])],
      ["a Host beyond ASCII", 400, goodBut(["Host", "ex\xe4mple.com"])],
      ["two Origins", 400, [...GOOD, ["Origin", "http://a"], ["Origin", "http://a"]]],
      ["a body of some length", 400, goodBut(["Content-Length", "5"])],
      ["a body of a length that is none", 400, goodBut(["Content-Length", "0x0"])],
      ["two lengths", 400, goodBut(["Content-Length", "0"], ["Content-Length", "7"])],
      ["a body in chunks", 400, goodBut(["Transfer-Encoding", "chunked"])],
      ["a target that is no path", 400, GOOD, { target: "chat" }],
      ["a target of *", 400, GOOD, { target: "*" }],
      ["a target of CONNECT", 400, GOOD, { target: "example.com:443" }],
      ["a target of another scheme", 400, GOOD, { target: "ftp://example.com/" }],
      ["a target with a fragment", 400, GOOD, { target: "/chat#there" }],
      ["an empty target", 400, GOOD, { target: "" }],
      ["a target with a user", 400, GOOD, { target: "http://user@example.com/" }],
      ["a subprotocol that is no token", 400, [...GOOD, ["Sec-WebSocket-Protocol", "chat; q=1"]]],
      ["a subprotocol twice", 400, [...GOOD, ["Sec-WebSocket-Protocol", "chat, chat"]]],
      [
        "a subprotocol twice, in two fields",
        400,
        [...GOOD, ["Sec-WebSocket-Protocol", "chat"], ["Sec-WebSocket-Protocol", "a, chat"]],
      ],
    ];
    for (const [title, status, headers, more] of rows) {
      it(`${title}: ${status}`, () => {
        const error = thrown(() => check(headers, more), RefusalError);
        expect(error.status).to.equal(status);
        expect(error.body).to.match(/^the (request|method)\b.+\n$/);
        expect(error.message).to.include(error.body.trimEnd());
      });
    }

    it("and tells which version it speaks (§4.4)", () => {
      const error = thrown(() => check(goodBut(["Sec-WebSocket-Version", "8"])), RefusalError);
      expect(Object.fromEntries(error.rawHeaders)).to.deep.equal({
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
      });
    });

    it("and tells which protocol it wants (RFC 9110 §15.5.22), and which method", () => {
      const plain = thrown(() => check([["Host", "x"]]), RefusalError);
      expect(plain.headers.get("upgrade")).to.equal("websocket");
      const post = thrown(() => check(GOOD, { method: "POST" }), RefusalError);
      expect(post.headers.get("allow")).to.equal("GET");
    });

    it("and repeats nothing of what the client said", () => {
      const secret = "s3cret";
      const requests = [
        head(goodBut(["Sec-WebSocket-Key", secret])),
        head(goodBut(["Host", `${secret}@x`])),
        head(GOOD, { method: secret }),
        head(GOOD, { target: `#${secret}` }),
        head([...GOOD, ["Sec-WebSocket-Protocol", `${secret} x`]]),
      ];
      for (const request of requests) {
        const { message, body } = thrown(() => checkOpening(request, false), RefusalError);
        expect(message + body).to.not.include(secret);
      }
    });
  });

  describe("knows where the client wanted to go", () => {
    const rows: [
      title: string,
      host: string,
      target: string,
      secure: boolean,
      expected: Partial<OpeningRequest>,
    ][] = [
      [
        "path and query",
        "h",
        "/a/b?c=d&e",
        false,
        { url: "ws://h/a/b?c=d&e", resource: "/a/b?c=d&e", path: "/a/b" },
      ],
      ["the query hidden in messages", "h", "/?token=abc", false, { publicUrl: "ws://h/?token=***" }],
      ["TLS", "h", "/", true, { url: "wss://h/" }],
      ["a port", "h:8080", "/", false, { url: "ws://h:8080/" }],
      ["the port of the scheme", "h:443", "/", true, { url: "wss://h/" }],
      ["an address", "127.0.0.1:1", "/", false, { url: "ws://127.0.0.1:1/" }],
      ["an IPv6 address", "[::1]:1", "/", false, { url: "ws://[::1]:1/" }],
      ["dot segments", "h", "/a/../../b/./c", false, { path: "/b/c", resource: "/a/../../b/./c" }],
      ["dot segments in disguise", "h", "/a/%2e%2e/b", false, { path: "/b" }],
      ["what is encoded stays so", "h", "/a%20b%2Fc", false, { path: "/a%20b%2Fc" }],
      ["two slashes are no host", "h", "//evil/x", false, { url: "ws://h//evil/x", path: "//evil/x" }],
      [
        "an absolute form goes before the Host",
        "h",
        "http://other:1/x?y",
        false,
        { url: "ws://other:1/x?y", resource: "/x?y" },
      ],
      ["an absolute form without a path", "h", "http://h", false, { url: "ws://h/", resource: "/" }],
      ["an absolute form with a query alone", "h", "ws://h?q=1", false, { resource: "/?q=1", path: "/" }],
      ["an absolute form's scheme is not what came", "h", "https://h/", false, { url: "ws://h/" }],
    ];
    for (const [title, host, target, secure, expected] of rows) {
      it(title, () => {
        expect(check(goodBut(["Host", host]), { target }, secure)).to.deep.include(expected);
      });
    }
  });

  it("reads the lists of subprotocols and extensions, in their order and case", () => {
    const { protocols, extensions } = check([
      ...GOOD,
      ["Sec-WebSocket-Protocol", "b,  a , ,"],
      ["Sec-WebSocket-Extensions", "permessage-deflate; x"],
      ["sec-websocket-protocol", "A"],
      ["sec-websocket-extensions", "foo, bar"],
    ]);
    expect(protocols).to.deep.equal(["b", "a", "A"]);
    expect(extensions).to.deep.equal(["permessage-deflate; x", "foo, bar"]);
  });

  it("takes time in proportion to long headers", () => {
    const long = " ,\t".repeat(100_000);
    expect(check(goodBut(["Connection", `${long}Upgrade${long}`])).path).to.equal("/chat");
    expect(check([...GOOD, ["Sec-WebSocket-Protocol", `${long}a${long}`]]).protocols).to.deep.equal(["a"]);
  });
});

describe("agreedProtocol", () => {
  const rows: [offered: string[], spoken: string[], agreed: string][] = [
    [[], [], ""],
    [["a"], [], ""],
    [[], ["a"], ""],
    [["a", "b"], ["b", "a"], "b"],
    [["a", "b"], ["c", "a"], "a"],
    [["A"], ["a"], ""],
  ];
  for (const [offered, spoken, agreed] of rows) {
    it(`of ${offered.join() || "none"} and ${spoken.join() || "none"}: ${agreed || "none"}`, () => {
      expect(agreedProtocol(offered, spoken)).to.equal(agreed);
    });
  }
});

describe("formatAccept", () => {
  it("is the answer of RFC 6455 §1.3", () => {
    const headers = acceptHeaders(KEY, { protocol: "chat", extensions: "", headers: [] });
    expect(fromLatin1(formatAccept(headers))).to.equal(
      [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Sec-WebSocket-Protocol: chat",
        "",
        "",
      ].join("\r\n"),
    );
  });

  it("says nothing of what was not agreed on, and the user's headers last", () => {
    const headers = acceptHeaders(KEY, { protocol: "", extensions: "", headers: [["Set-Cookie", "a=b"]] });
    expect(headers.map(([name]) => name)).to.deep.equal([
      "Upgrade",
      "Connection",
      "Sec-WebSocket-Accept",
      "Set-Cookie",
    ]);
  });

  it("lets nobody add a line", () => {
    for (const smuggled of ["a\r\nX: y", "\u010d\u010a"]) {
      const more = { protocol: smuggled, extensions: smuggled, headers: [["X", smuggled] as const] };
      for (const part of Object.keys(more)) {
        const none = { protocol: "", extensions: "", headers: [] };
        const headers = acceptHeaders(KEY, { ...none, [part]: more[part as keyof typeof more] });
        thrown(() => formatAccept(headers), UsageError);
      }
    }
  });

  it("is what our own client takes, at every cut", () => {
    const request = { target: "/", host: "h", origin: undefined, key: KEY, protocols: ["chat"], headers: [] };
    const answer = formatAccept(
      acceptHeaders(KEY, { protocol: "chat", extensions: "", headers: [["X", "y"]] }),
    );
    const { result, rest } = hearAll(
      () => upgradeClient(formatUpgrade(request), 65536),
      `${fromLatin1(answer)}\x81\x00`,
    );
    expect(checkUpgrade(result, request, true)).to.include({ protocol: "chat", extensions: "" });
    expect(rest).to.equal("\x81\x00");
    expect(acceptKey(KEY)).to.equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });
});

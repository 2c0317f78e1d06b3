// CONNECT: the exact bytes that leave, and every answer, however it is cut.

import { expect } from "chai";
import { HandshakeError, LimitError, type RawHeaders, UsageError } from "../../lib/errors.ts";
import { Conversation } from "../../lib/handshake/conversation.ts";
import { connectRequest, httpConnect, isTunnel } from "../../lib/handshake/http-connect.ts";
import { parseProxy } from "../../lib/handshake/proxy.ts";
import { thrown } from "../support/failure.ts";
import { fromLatin1, hearAll, latin1, refusal } from "../support/talks.ts";

interface Case {
  readonly proxy?: string;
  readonly host?: string;
  readonly port?: number;
  readonly headers?: RawHeaders;
  readonly maxHeaderSize?: number;
}

function talk({ proxy = "http://proxy.test", host = "example.com", port = 443, ...more }: Case = {}) {
  const request = connectRequest(parseProxy(proxy, "proxy", true), { host, port }, more.headers ?? []);
  return httpConnect(request, more.maxHeaderSize ?? 65_536);
}

function sent(what: Case): string {
  return new Conversation(talk(what)).start().map(fromLatin1).join("|");
}

const START = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n";

describe("httpConnect", () => {
  describe("sends", () => {
    const rows: [title: string, what: Case, head: string][] = [
      ["host and port, and nothing of the client", {}, START],
      ["the port even where it is the scheme's", { port: 80 }, START.replaceAll("443", "80")],
      [
        "IPv6 in brackets",
        { host: "::1", port: 8080 },
        "CONNECT [::1]:8080 HTTP/1.1\r\nHost: [::1]:8080\r\n",
      ],
      [
        "an IPv4 address",
        { host: "127.0.0.1", port: 1 },
        "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n",
      ],
      [
        "credentials",
        { proxy: "http://user:secret@p" },
        `${START}Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n`,
      ],
      ["a user name alone", { proxy: "http://user@p" }, `${START}Proxy-Authorization: Basic dXNlcjo=\r\n`],
      ["a password alone", { proxy: "https://:x@p" }, `${START}Proxy-Authorization: Basic Ong=\r\n`],
      [
        "credentials in UTF-8",
        { proxy: "http://%C3%A9:%C3%A4@p" },
        `${START}Proxy-Authorization: Basic w6k6w6Q=\r\n`,
      ],
      [
        "credentials with @ and :",
        { proxy: "http://u:a:b%40c@p" },
        `${START}Proxy-Authorization: Basic dTphOmJAYw==\r\n`,
      ],
      [
        "credentials that are long, in one line",
        { proxy: `http://user:${"x".repeat(3000)}@p` },
        `${START}Proxy-Authorization: Basic ${btoa(`user:${"x".repeat(3000)}`)}\r\n`,
      ],
      [
        "headers for the proxy, in order",
        {
          headers: [
            ["X-B", "1"],
            ["x-a", "2"],
            ["X-B", "3"],
          ],
        },
        `${START}X-B: 1\r\nx-a: 2\r\nX-B: 3\r\n`,
      ],
      [
        "a Proxy-Authorization of the user's own, in the place of the url's",
        { proxy: "http://user:secret@p", headers: [["proxy-authorization", "Bearer t"]] },
        `${START}proxy-authorization: Bearer t\r\n`,
      ],
    ];
    for (const [title, what, head] of rows) {
      it(title, () => {
        expect(sent(what)).to.equal(`${head}\r\n`);
      });
    }

    it("nothing that could be a line of its own", () => {
      for (const host of ["a\r\nb", "a b", "a\nb", "a\tb", "ä"]) thrown(() => sent({ host }), UsageError);
      for (const value of ["a\r\nb", "a\nb", "\0", "\u010a"])
        thrown(() => sent({ headers: [["X-A", value]] }), UsageError);
      thrown(() => sent({ headers: [["X A", "b"]] }), UsageError);
    });
  });

  describe("takes as consent, and leaves what follows to the tunnel,", () => {
    const rows: [title: string, said: string, status: number, rest?: string][] = [
      ["200", "HTTP/1.1 200 OK\r\n\r\n", 200],
      [
        "tinyproxy's 200",
        "HTTP/1.0 200 Connection established\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n",
        200,
      ],
      ["200 without a reason", "HTTP/1.1 200\r\n\r\n", 200],
      ["201", "HTTP/1.1 201 Created\r\n\r\n", 201],
      ["204", "HTTP/1.1 204 No Content\r\n\r\n", 204],
      ["299", "HTTP/1.1 299 ?\r\n\r\n", 299],
      [
        "200 with a Content-Length, which has no meaning",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        200,
        "hello",
      ],
      [
        "200 that says it is chunked",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        200,
        "5\r\nhello",
      ],
      [
        "200 behind 100 and 103",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        200,
      ],
      [
        "200 with bytes behind it",
        "HTTP/1.1 200 OK\r\n\r\n",
        200,
        "\x16\x03\x03\r\n\r\nHTTP/1.1 407 No\r\n\r\n",
      ],
    ];
    for (const [title, said, status, rest = ""] of rows) {
      it(title, () => {
        const heard = hearAll(() => talk(), said + rest);
        expect(heard.result).to.include({ status, body: "" });
        expect(isTunnel(heard.result)).to.equal(true);
        expect(heard.rest).to.equal(rest);
      });
    }
  });

  describe("gives an answer that is none, with its body", () => {
    const rows: [title: string, said: string, status: number, body: string][] = [
      [
        "407",
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 3\r\n\r\nno!",
        407,
        "no!",
      ],
      ["502 until the end", "HTTP/1.0 502 Bad Gateway\r\n\r\n<h1>bad</h1>", 502, "<h1>bad</h1>"],
      [
        "403, chunked",
        "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        403,
        "no",
      ],
      ["301", "HTTP/1.1 301 Moved\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n", 301, ""],
      ["300", "HTTP/1.1 300 ?\r\nContent-Length: 0\r\n\r\n", 300, ""],
      [
        "101 and then 400",
        "HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n",
        400,
        "",
      ],
    ];
    for (const [title, said, status, body] of rows) {
      it(title, () => {
        const { result } = hearAll(() => talk(), said);
        expect(result).to.include({ status, body });
        expect(isTunnel(result)).to.equal(false);
      });
    }
  });

  describe("fails for", () => {
    const rows: [title: string, said: string, message: RegExp][] = [
      ["SOCKS", "\x05\xff", /not HTTP\/1: it begins "\\x05/],
      ["a banner", "SSH-2.0-OpenSSH\r\n", /not HTTP\/1|not a status line/],
      ["HTTP/2", "HTTP/2 200\r\n\r\n", /status line|not HTTP/],
      ["an end in its head", "HTTP/1.1 200 OK\r\nA: b\r\n", /in the middle/],
      ["a bare LF", "HTTP/1.1 200 OK\n\n", /LF without CR/],
      ["a head that folds", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", /malformed/],
      ["only informational answers", "HTTP/1.1 100 C\r\n\r\n".repeat(18), /more than 16 informational/],
    ];
    for (const [title, said, message] of rows) {
      it(title, () => {
        expect(refusal(() => talk(), said))
          .to.be.instanceOf(HandshakeError)
          .and.to.have.property("message")
          .match(message);
      });
    }

    it("a head beyond maxHeaderSize", () => {
      const said = `HTTP/1.1 200 OK\r\nA: ${"b".repeat(300)}\r\n\r\n`;
      expect(refusal(() => talk({ maxHeaderSize: 200 }), said)).to.be.instanceOf(LimitError);
    });

    it("an end before it", () => {
      const conversation = new Conversation(talk());
      conversation.start();
      expect(thrown(() => conversation.end(), HandshakeError).message).to.include("closed before an answer");
    });
  });

  it("reads nothing of the tunnel, however much comes at once", () => {
    const conversation = new Conversation(talk());
    conversation.start();
    conversation.push(latin1(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(100_000)}`));
    expect(conversation.done).to.equal(true);
    expect(conversation.rest.length).to.equal(100_000);
  });
});

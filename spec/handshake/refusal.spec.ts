// A server's no: the bytes of the answer, and the error that tells of it.

import { inspect } from "node:util";
import { expect } from "chai";
import { HandshakeError, UsageError } from "../../lib/errors.ts";
import { formatHead, formatRefusal, RefusalError } from "../../lib/handshake/refusal.ts";
import { thrown } from "../support/failure.ts";
import { fromLatin1 } from "../support/talks.ts";

function said(refusal: RefusalError, isHead = false): string {
  return fromLatin1(formatRefusal(refusal, isHead));
}

describe("RefusalError", () => {
  it("is a HandshakeError that knows its answer", () => {
    const error = new RefusalError(401, { body: "who?", headers: { "WWW-Authenticate": "Basic" } });
    expect(error).to.be.an.instanceOf(HandshakeError);
    expect(error).to.include({
      name: "RefusalError",
      code: "ERR_WS_UNEXPECTED_STATUS",
      status: 401,
      statusText: "Unauthorized",
      body: "who?",
      message: "the upgrade was refused: 401 Unauthorized",
    });
    expect(error.rawHeaders).to.deep.equal([["WWW-Authenticate", "Basic"]]);
    expect(error.headers.get("www-authenticate")).to.equal("Basic");
  });

  it("says why, and keeps its cause", () => {
    const cause = new TypeError("inner");
    const error = new RefusalError(403, {}, { why: "it is late", cause });
    expect(error.message).to.equal("the upgrade was refused: 403 Forbidden: it is late");
    expect(error.cause).to.equal(cause);
  });

  it("has a body of its own, and none of the reason: that is for the owner of the server", () => {
    expect(new RefusalError(403, {}, { why: "he owes us money" }).body).to.equal("Forbidden\n");
    expect(new RefusalError(499).body).to.equal("Refused\n");
    expect(new RefusalError(403, { body: "" }).body).to.equal("");
  });

  it("does not show headers and body when it is printed", () => {
    const error = new RefusalError(403, { body: "s3cret body", headers: { "Set-Cookie": "sid=s3cret" } });
    for (const text of [inspect(error), JSON.stringify(error), String(error), error.stack])
      expect(text).to.not.include("s3cret");
  });

  const headers: [title: string, given: unknown][] = [
    ["a record", { "X-A": "1", "X-B": "2" }],
    [
      "pairs",
      [
        ["X-A", "1"],
        ["X-B", "2"],
      ],
    ],
    ["a Map", new Map(Object.entries({ "X-A": "1", "X-B": "2" }))],
    ["Headers", new Headers({ "X-A": "1", "X-B": "2" })],
  ];
  for (const [title, given] of headers) {
    it(`takes headers from ${title}`, () => {
      const { rawHeaders } = new RefusalError(403, { headers: given as Record<string, string> });
      expect(rawHeaders.map(([name, value]) => `${name.toLowerCase()}=${value}`)).to.deep.equal([
        "x-a=1",
        "x-b=2",
      ]);
    });
  }

  const wrong: [title: string, status: unknown, answer: unknown][] = [
    ["101", 101, {}],
    ["200, which would not be a refusal", 200, {}],
    ["600", 600, {}],
    ["a status that is no integer", 403.5, {}],
    ["a status that is a string", "403", {}],
    ["NaN", Number.NaN, {}],
    ["a body that is no string", 403, { body: 1 }],
    ["a header's name with a line end", 403, { headers: { "X\r\nY": "1" } }],
    ["a header's value with a line end", 403, { headers: { X: "1\r\nSet-Cookie: a=b" } }],
    ["a header's value beyond Latin-1, whose low byte is a line end", 403, { headers: { X: "\u010a" } }],
    ["a header's value that is no string", 403, { headers: { X: 1 } }],
    ["Content-Length", 403, { headers: { "content-length": "0" } }],
    ["Connection", 403, { headers: { Connection: "keep-alive" } }],
    ["Transfer-Encoding", 403, { headers: { "Transfer-Encoding": "chunked" } }],
  ];
  for (const [title, status, answer] of wrong) {
    it(`throws for ${title}`, () => {
      thrown(() => new RefusalError(status as number, answer as object), UsageError);
    });
  }
});

describe("formatRefusal", () => {
  it("is an answer that ends the connection", () => {
    expect(said(new RefusalError(403))).to.equal(
      [
        "HTTP/1.1 403 Forbidden",
        "Connection: close",
        "Content-Length: 10",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Forbidden\n",
      ].join("\r\n"),
    );
  });

  it("counts the body in bytes of UTF-8", () => {
    const answer = said(new RefusalError(400, { body: "n\u00f6\u{1f600}" }));
    expect(answer).to.include("\r\nContent-Length: 7\r\n");
    expect(answer.endsWith("\r\n\r\nn\xc3\xb6\xf0\x9f\x98\x80")).to.equal(true);
  });

  it("leaves the user's Content-Type", () => {
    const answer = said(
      new RefusalError(403, { body: "{}", headers: { "content-type": "application/json" } }),
    );
    expect(answer.match(/content-type/gi)).to.have.length(1);
  });

  it("says Upgrade in Connection, too, where it is there", () => {
    expect(said(new RefusalError(426, { headers: { Upgrade: "websocket" } }))).to.include(
      "\r\nConnection: Upgrade, close\r\n",
    );
  });

  it("has no reason phrase where none is known, and is a status line still", () => {
    expect(said(new RefusalError(499))).to.match(/^HTTP\/1\.1 499 \r\n/);
  });

  it("has no body for HEAD, but its length", () => {
    const answer = said(new RefusalError(405), true);
    expect(answer)
      .to.include("\r\nContent-Length: 19\r\n")
      .and.match(/\r\n\r\n$/);
  });
});

describe("formatHead", () => {
  it("lets nobody add a line", () => {
    for (const field of [
      ["X\r\nY", "1"],
      ["X", "1\r\nY: 2"],
      ["X", "1\n"],
      ["X: y", "1"],
    ])
      thrown(() => formatHead(101, "Switching Protocols", [field as [string, string]]), UsageError);
  });
});

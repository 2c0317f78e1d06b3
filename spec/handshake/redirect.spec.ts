// Redirects: where a Location leads from a url, and what is not followed.

import { inspect } from "node:util";
import { expect } from "chai";
import { HandshakeError, type RawHeaders } from "../../lib/errors.ts";
import { parseTarget } from "../../lib/handshake/endpoint.ts";
import { isRedirect, isSameOrigin, redirectTarget, refusedRedirect } from "../../lib/handshake/redirect.ts";
import type { Answer } from "../../lib/handshake/upgrade-client.ts";
import { thrown } from "../support/failure.ts";

function answer(rawHeaders: RawHeaders, statusText = "Found"): Answer {
  return { status: 302, statusText, rawHeaders, minorVersion: 1, body: "" };
}

/** A header as it is read from these bytes. */
function location(text: string): RawHeaders {
  return [["Location", Buffer.from(text).toString("latin1")]];
}

const TCP = "ws://example.com/a/b?c=d";
const TLS = "wss://example.com:8443/a/b";
const UNIX = "ws+unix:/run/my%20app.sock:/a/b?c";

describe("isRedirect", () => {
  it("is about those that ask for the same request elsewhere", () => {
    const statuses = Array.from({ length: 600 }, (_, status) => status);
    expect(statuses.filter(isRedirect)).to.deep.equal([301, 302, 303, 307, 308]);
  });
});

describe("redirectTarget", () => {
  const rows: [from: string, location: string, url: string][] = [
    [TCP, "/x", "ws://example.com/x"],
    [TCP, "x", "ws://example.com/a/x"],
    [TCP, "../x?y#z", "ws://example.com/x?y"],
    [TCP, "?x=y", "ws://example.com/a/b?x=y"],
    [TCP, "#x", "ws://example.com/a/b?c=d"],
    [TCP, "/x?a#b?c#d", "ws://example.com/x?a"],
    [TCP, "/a b", "ws://example.com/a%20b"],
    [TCP, "/a%2fb/../c", "ws://example.com/c"],
    [TCP, "/\u20ac", "ws://example.com/%e2%82%ac"],
    [TCP, "http://b\u00fccher.example/", "ws://xn--bcher-kva.example/"],
    [TCP, "/a\tb", "ws://example.com/a%09b"],
    [TCP, "//other.test/x", "ws://other.test/x"],
    [TCP, "http://example.com/x", "ws://example.com/x"],
    [TCP, "HTTP://EXAMPLE.com:80/x", "ws://example.com/x"],
    [TCP, "https://example.com/x", "wss://example.com/x"],
    [TCP, "wss://other.test:99/x", "wss://other.test:99/x"],
    [TCP, "ws://[::1]:99/x", "ws://[::1]:99/x"],
    [TCP, "./x:y", "ws://example.com/a/x:y"],
    [TLS, "/x", "wss://example.com:8443/x"],
    [TLS, "//example.com/x", "wss://example.com/x"],
    [TLS, "https://example.com:8443/x", "wss://example.com:8443/x"],
    [UNIX, "/x?y", "ws+unix:/run/my%20app.sock:/x?y"],
    [UNIX, "x", "ws+unix:/run/my%20app.sock:/a/x"],
    [UNIX, "?y", "ws+unix:/run/my%20app.sock:/a/b?y"],
    [UNIX, "http://localhost/x", "ws+unix:/run/my%20app.sock:/x"],
    [UNIX, "ws://localhost:80/x", "ws+unix:/run/my%20app.sock:/x"],
    [UNIX, "ws+unix:/run/my app.sock:/x", "ws+unix:/run/my app.sock:/x"],
    ["wss+unix:/run/s:/", "https://localhost/x", "wss+unix:/run/s:/x"],
  ];
  for (const [from, to, url] of rows) {
    it(`leads from ${from} by ${JSON.stringify(to)} to ${url}`, () => {
      const target = redirectTarget(answer(location(to)), parseTarget(from));
      expect(target).to.deep.equal(parseTarget(url));
    });
  }

  const refused: [from: string, headers: RawHeaders, why: string][] = [
    [TCP, [], "no Location"],
    [TCP, location(""), "no Location"],
    [TCP, [...location("/a"), ...location("/b")], "more than one Location"],
    ...[
      "http://",
      "http:///x",
      "\\\\other.test/x",
      "/\\other.test/x",
      "///other.test/x",
      "//",
      "http://a:99999/",
      "http://[::1",
      "http://a b/",
      "http://a:0/",
      "ws:x",
      "http:/x",
    ].map((text): [string, RawHeaders, string] => [TCP, location(text), ""]),
    ...[
      "ftp://example.com/",
      "file:///etc/passwd",
      "javascript:alert(1)",
      "data:,x",
      "x:y",
      "about:blank",
    ].map((text): [string, RawHeaders, string] => [TCP, location(text), "scheme"]),
    ...[
      "http://user@example.com/",
      "http://:SECRET@example.com/",
      "//user:SECRET@example.com/",
      "ws://user:SECRET@other.test/",
    ].map((text): [string, RawHeaders, string] => [TCP, location(text), "credentials"]),
    ...["ws://example.com:8443/x", "http://example.com/", "http://other.test/"].map(
      (text): [string, RawHeaders, string] => [TLS, location(text), "from wss to ws"],
    ),
    [TCP, location("ws+unix:/run/s:/"), "Unix socket"],
    [TCP, location("ws+unix:/run/s"), "Unix socket"],
    [UNIX, location("ws+unix:/run/other:/"), "Unix socket"],
    [UNIX, location("http://other.test/"), "Unix socket"],
    [UNIX, location("//other.test/"), "Unix socket"],
    [UNIX, location("http://localhost:81/"), "Unix socket"],
    [UNIX, location("https://localhost/"), "Unix socket"],
    ["wss+unix:/run/s:/", location("http://localhost/"), "from wss to ws"],
    [TCP, location("http://a\tb.test/"), ""],
  ];
  for (const [from, headers, why] of refused) {
    const shown = headers.map(([, value]) => JSON.stringify(value)).join(" and ");
    it(`does not lead from ${from} by ${shown}`, () => {
      const error = thrown(() => redirectTarget(answer(headers), parseTarget(from)), HandshakeError);
      expect(error).to.include({ code: "ERR_WS_UNEXPECTED_STATUS", status: 302 });
      expect(error.rawHeaders).to.deep.equal(headers);
      expect(error.message).to.include("redirect (302 Found) is not followed").and.to.include(why);
      expect(inspect(error)).not.to.include("SECRET");
    });
  }

  it("takes the same Location twice for one", () => {
    const twice = answer([...location("/x"), ...location("/x")]);
    expect(redirectTarget(twice, parseTarget(TCP)).resource).to.equal("/x");
  });

  it("takes the url's credentials along within an origin, and to no other", () => {
    const from = parseTarget("ws://user:pass@example.com/");
    for (const [to, username] of [
      ["/x", "user"],
      ["http://example.com:80/x", "user"],
      ["https://example.com/x", ""],
      ["http://example.com:81/x", ""],
      ["http://www.example.com/x", ""],
      ["http://example.com./x", ""],
    ] as const) {
      expect(redirectTarget(answer(location(to)), from).username, to).to.equal(username);
    }
  });

  it("hides in its messages what may be secret in a Location, and what acts on terminals", () => {
    for (const text of [
      "ftp://a/?token=SECRET",
      "ftp://SECRET:SECRET@a/",
      "x:y#SECRET",
      "http://a b/?SECRET",
    ]) {
      const hostile = answer(location(text), "\x1b[2J\x9b2J");
      const { message } = thrown(() => redirectTarget(hostile, parseTarget(TCP)), HandshakeError);
      expect(message).not.to.match(/SECRET|\p{Cc}/u);
    }
  });
});

describe("isSameOrigin", () => {
  const rows: [one: string, other: string, is: boolean][] = [
    ["ws://a/", "http://a:80/x?y", true],
    ["wss://a/", "wss://A:443/", true],
    ["ws://a/", "wss://a/", false],
    ["ws://a/", "ws://a:443/", false],
    ["ws://a/", "ws://b/", false],
    ["ws://a/", "ws://www.a/", false],
    ["ws://[::1]/", "ws://[0:0::1]/", true],
    ["ws+unix:/a:/x", "ws+unix:/a:/y", true],
    ["ws+unix:/a:/x", "ws+unix:/b:/x", false],
    ["ws+unix:/a:/", "ws://localhost/", false],
  ];
  for (const [one, other, is] of rows) {
    it(`${one} and ${other}: ${is ? "one" : "two"}`, () => {
      for (const [a, b] of [
        [one, other],
        [other, one],
      ] as const) {
        expect(isSameOrigin(parseTarget(a), parseTarget(b))).to.equal(is);
      }
    });
  }
});

describe("refusedRedirect", () => {
  it("says what came, and why it is not followed", () => {
    const error = refusedRedirect(answer(location("/x"), ""), "just so");
    expect(error.message).to.equal("the server's redirect (302) is not followed: just so");
    expect(error.headers.get("location")).to.equal("/x");
  });
});

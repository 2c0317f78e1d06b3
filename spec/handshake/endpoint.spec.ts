// Urls to places: what each part becomes, which urls are refused, and that neither the public url nor a refusal shows what
// may be a secret.

import { expect } from "chai";
import { UsageError } from "../../lib/errors.ts";
import { hideValues, parseTarget, type Target } from "../../lib/handshake/endpoint.ts";
import { thrown } from "../support/failure.ts";

describe("parseTarget", () => {
  describe("tells where to dial and what to say there", () => {
    const rows: [input: string, expected: Partial<Target>][] = [
      ["ws://h", { url: "ws://h/", secure: false, hostname: "h", port: 80, host: "h", resource: "/" }],
      ["wss://h/", { url: "wss://h/", secure: true, hostname: "h", port: 443, host: "h", resource: "/" }],
      ["http://h/", { url: "ws://h/", secure: false, port: 80, host: "h" }],
      ["https://h/", { url: "wss://h/", secure: true, port: 443, host: "h" }],
      ["WSS://H/A", { url: "wss://h/A", secure: true, hostname: "h", host: "h", resource: "/A" }],
      ["ws://h:80/", { url: "ws://h/", port: 80, host: "h" }],
      ["wss://h:443/", { url: "wss://h/", port: 443, host: "h" }],
      ["http://h:80/", { url: "ws://h/", port: 80, host: "h" }],
      ["https://h:443/", { url: "wss://h/", port: 443, host: "h" }],
      ["ws://h:443/", { url: "ws://h:443/", secure: false, port: 443, host: "h:443" }],
      ["wss://h:80/", { url: "wss://h:80/", secure: true, port: 80, host: "h:80" }],
      ["http://h:443/", { url: "ws://h:443/", port: 443, host: "h:443" }],
      ["ws://h:/", { port: 80, host: "h" }],
      ["ws://h:1/", { port: 1, host: "h:1" }],
      ["ws://h:0443/", { port: 443, host: "h:443" }],
      ["ws://h:65535/", { port: 65535, host: "h:65535" }],
      [
        "ws://localhost:4040/",
        { url: "ws://localhost:4040/", hostname: "localhost", host: "localhost:4040" },
      ],
      ["ws://127.0.0.1:8080/", { hostname: "127.0.0.1", host: "127.0.0.1:8080" }],
      ["ws://[::1]/", { url: "ws://[::1]/", hostname: "::1", host: "[::1]" }],
      [
        "wss://[2001:DB8:0:0::1]:8443/x",
        { url: "wss://[2001:db8::1]:8443/x", hostname: "2001:db8::1", host: "[2001:db8::1]:8443" },
      ],
      ["ws://bücher.example/", { hostname: "xn--bcher-kva.example", host: "xn--bcher-kva.example" }],
      ["ws://例え.テスト:81/", { hostname: "xn--r8jz45g.xn--zckzah", host: "xn--r8jz45g.xn--zckzah:81" }],
      ["ws://h?q", { resource: "/?q", url: "ws://h/?q" }],
      ["ws://h/a/b/", { resource: "/a/b/" }],
      ["ws://h/a;b=c/d;x=1?q", { resource: "/a;b=c/d;x=1?q" }],
      ["ws://h/socket.io/?EIO=4&transport=websocket", { resource: "/socket.io/?EIO=4&transport=websocket" }],
      ["ws://h/?a=%2F%20+&b=c=d&&e", { resource: "/?a=%2F%20+&b=c=d&&e" }],
      ["ws://h/é?é", { resource: "/%C3%A9?%C3%A9" }],
      ["ws://h/a b", { resource: "/a%20b" }],
      ["ws://h/p@th:1", { resource: "/p@th:1", username: "", password: "" }],
    ];
    for (const [input, expected] of rows) {
      it(input, () => {
        expect(parseTarget(input)).to.include({ socketPath: undefined, ...expected });
      });
    }

    it("the same for a URL as for its text", () => {
      for (const text of ["wss://u:p@h:81/a?b=c", "https://h", "ws+unix:///s.sock:/a?b"]) {
        expect(parseTarget(new URL(text))).to.deep.equal(parseTarget(text));
      }
    });
  });

  describe("takes credentials out of the url", () => {
    const rows: [input: string, username: string, password: string][] = [
      ["ws://user:pass@h/", "user", "pass"],
      ["ws://user@h/", "user", ""],
      ["ws://:pass@h/", "", "pass"],
      ["ws://us%65r:p%40ss%3Aw%2Frd%23@h/", "user", "p@ss:w/rd#"],
      ["ws://zo%C3%AB:%E2%82%AC@h/", "zoë", "€"],
      ["ws://zoë:€@h/", "zoë", "€"],
      ["ws://100%:%zz@h/", "100%", "%zz"],
      ["ws://user:p@ss@h/", "user", "p@ss"],
      ["ws://user:a:b@h/", "user", "a:b"],
    ];
    for (const [input, username, password] of rows) {
      it(input, () => {
        const target = parseTarget(input);
        expect(target).to.include({
          username,
          password,
          hostname: "h",
          url: "ws://h/",
          publicUrl: "ws://h/",
          host: "h",
        });
      });
    }
  });

  describe("takes Unix sockets", () => {
    const rows: [input: string, expected: Partial<Target>][] = [
      [
        "ws+unix:/path.sock",
        { socketPath: "/path.sock", resource: "/", secure: false, url: "ws+unix:/path.sock:/" },
      ],
      [
        "ws+unix:/path.sock:/a/b?c=d",
        { socketPath: "/path.sock", resource: "/a/b?c=d", url: "ws+unix:/path.sock:/a/b?c=d" },
      ],
      ["ws+unix:///path.sock", { socketPath: "/path.sock", resource: "/", url: "ws+unix:/path.sock:/" }],
      ["ws+unix:///run/app/path.sock:/a", { socketPath: "/run/app/path.sock", resource: "/a" }],
      [
        "wss+unix:/path.sock:/a",
        { socketPath: "/path.sock", secure: true, resource: "/a", url: "wss+unix:/path.sock:/a" },
      ],
      ["WS+UNIX:/Path.Sock", { socketPath: "/Path.Sock", secure: false }],
      ["ws+unix:/path.sock:", { socketPath: "/path.sock", resource: "/" }],
      ["ws+unix:/path.sock:?a=b", { socketPath: "/path.sock", resource: "/?a=b" }],
      ["ws+unix:/a%20b%3Ac.sock:/%20", { socketPath: "/a b:c.sock", resource: "/%20" }],
      ["ws+unix:/path.sock:/a:b", { socketPath: "/path.sock", resource: "/a:b" }],
    ];
    for (const [input, expected] of rows) {
      it(input, () => {
        const nobody = { hostname: "", port: 0, host: "localhost", username: "", password: "" };
        expect(parseTarget(input)).to.include({ ...nobody, ...expected });
      });
    }
  });

  describe("refuses", () => {
    const rows: [input: string, why: string][] = [
      ["", "it is not a url"],
      ["h", "it is not a url"],
      ["/path", "it is not a url"],
      ["//host", "it is not a url"],
      ["localhost:4040", "its scheme is none of"],
      ["ftp://h/", "its scheme is none of"],
      ["file:///h", "its scheme is none of"],
      ["javascript:alert(1)", "its scheme is none of"],
      ["data:,x", "its scheme is none of"],
      ["wsx://h/", "its scheme is none of"],
      ["constructor://h/", "its scheme is none of"],
      ["ws:example", 'it has no "//" after its scheme'],
      ["ws:/example", 'it has no "//" after its scheme'],
      ["wss:\\\\example", 'it has no "//" after its scheme'],
      ["http:example", 'it has no "//" after its scheme'],
      ["ws:///chat", "it has no host"],
      ["ws://", "it is not a url"],
      ["ws://:80/", "it is not a url"],
      ["ws://h:0/", "nothing can be reached at port 0"],
      ["ws://h:65536/", "it is not a url"],
      ["ws://h:x/", "it is not a url"],
      ["ws://h:-1/", "it is not a url"],
      ["ws://a b/", "it is not a url"],
      ["ws://[::1/", "it is not a url"],
      ["ws://[fe80::1%25eth0]/", "it is not a url"],
      ["ws://h/#", "it has a fragment"],
      ["ws://h/#a", "it has a fragment"],
      ["ws://h#a", "it has a fragment"],
      ["ws://h/?a#b", "it has a fragment"],
      ["ws+unix:/s.sock:/#a", "it has a fragment"],
      ["ws://h/\r\nX: y", "it has a control character"],
      ["ws://h/\n", "it has a control character"],
      ["\tws://h/", "it has a control character"],
      ["ws://h\0/", "it has a control character"],
      ["ws://h/?a\x7f", "it has a control character"],
      ["ws+unix:/s.sock\n", "it has a control character"],
      ["ws+unix:", "the path of its Unix socket does not begin with /"],
      ["ws+unix:s.sock", "the path of its Unix socket does not begin with /"],
      ["ws+unix://", "the path of its Unix socket"],
      ["ws+unix://host/s.sock", "the path of its Unix socket"],
      ["ws+unix::/a", "the path of its Unix socket does not begin with /"],
      ["ws+unix:/s.sock:chat", "cannot be connected to"],
      ["ws+unix:/s.sock:8080/chat", "cannot be connected to"],
      ["ws+unix:/s.sock:@example/", "cannot be connected to"],
      ["ws+unix:/s.sock::80/", "cannot be connected to"],
    ];
    for (const [input, why] of rows) {
      it(JSON.stringify(input), () => {
        const error = thrown(() => parseTarget(input), UsageError);
        expect(error.code).to.equal("ERR_WS_INVALID_URL");
        expect(error.message).to.include(why);
        expect(error.cause).to.equal(undefined);
      });
    }

    it("a URL with a fragment", () => {
      expect(() => parseTarget(new URL("ws://h/#a"))).to.throw(UsageError, "fragment");
    });

    it("what is neither a string nor a URL", () => {
      const others: unknown[] = [
        undefined,
        null,
        1,
        {},
        [],
        ["ws://h/"],
        { href: "ws://h/" },
        { toString: () => "ws://h/" },
      ];
      for (const other of others) {
        const error = thrown(() => parseTarget(other as URL), UsageError);
        expect(error).to.include({ code: "ERR_WS_INVALID_URL", message: "a url is a string or a URL" });
      }
    });
  });

  /** Every one of these has "s3cret" where a secret may be. */
  const secretive: [where: string, inputs: string[]][] = [
    [
      "the password",
      [
        "ws://user:s3cret@h/",
        "ws://s3cret@h/",
        "ws://user:a@s3cret@h/",
        "ws://user:s3cret@h:0/",
        "ws://user:s3cret@h:65536/",
        "ws://user:s3cret@a b/",
        "ws://user:s3cret@",
        "ws://user:s3cret@h/#",
        "ws://user:a#s3cret@h/",
        "ws://user:s3cret#a@h/",
        "ws://user:s3cret?a@h/",
        "ws://user:s3cret/a@h/",
        "ws://user:a?s3cret@h/",
        "ws://user:a/s3cret@h/",
        "ws://user:s3cret\n@h/",
        "ftp://user:s3cret@h/",
        "//user:s3cret@h/",
        "user:s3cret@h/",
        "user:s3cret@h:80",
        "ws:user:s3cret@h/",
        "ws:/user:s3cret@h/",
        "ws:\\\\user:s3cret@h/",
        "http:user:s3cret@h/",
        "ws+unix://user:s3cret@/s.sock",
        "ws+unix:user:s3cret@/s.sock",
      ],
    ],
    [
      "the query",
      [
        "ws://h/?token=s3cret",
        "ws://h/?a=b&s3cret",
        "ws://h/?s3cret",
        "ws://h?token=a=s3cret",
        "ws://h/?token=@s3cret",
        "ws://h:0/?token=s3cret",
        "ws://h:0/?mail=me@s3cret",
        "ws://h:0/?next=//me@s3cret",
        "ws://a b/?token=s3cret",
        "ws:h?token=s3cret",
        "ws:h?token=@s3cret",
        "h?token=s3cret",
        "?token=s3cret",
        "ws+unix:/s.sock:/?token=s3cret",
        "ws+unix:/s.sock:?token=s3cret",
        "ws+unix:/s.sock?token=s3cret",
        "ws+unix:/s.sock?token=s3cret:/",
        "ws+unix:s.sock:/?token=s3cret",
        "ws+unix:/s.sock::80/?token=s3cret",
      ],
    ],
    [
      "the fragment",
      [
        "ws://h/#s3cret",
        "ws://h#s3cret",
        "ws://h/?a#s3cret",
        "ws://h/#a@s3cret",
        "ws://h/#//a@s3cret",
        "ws:h#s3cret",
        "#s3cret",
        "ws+unix:/s.sock:/#s3cret",
      ],
    ],
  ];
  for (const [where, inputs] of secretive) {
    describe(`shows nobody ${where}`, () => {
      for (const input of inputs) {
        it(JSON.stringify(input), () => {
          expect(shown(input)).to.not.include("s3cret");
        });
      }
    });
  }

  /** What others than the caller may get to see of a url: its public form, or all that the refusal says. */
  function shown(input: string): string {
    try {
      return parseTarget(input).publicUrl;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return `${error.message} ${error.stack} ${String(error.cause)} ${error.url}`;
    }
  }

  it("escapes what acts on a terminal", () => {
    expect(thrown(() => parseTarget("\x9b31m\u202e"), UsageError).message).to.include('"\\x9b31m\\u202e"');
  });

  it("shows the rest of a url, so that it is known again", () => {
    const rows: [input: string, publicUrl: string][] = [
      ["wss://u:p@h:81/a;b?token=x&v", "wss://h:81/a;b?token=***&***"],
      ["https://h", "wss://h/"],
      ["ws+unix:///s.sock:/a?b=c", "ws+unix:/s.sock:/a?b=***"],
    ];
    for (const [input, publicUrl] of rows) expect(parseTarget(input).publicUrl).to.equal(publicUrl);
    expect(() => parseTarget("ws://u:p@example.com:0/chat?x")).to.throw(
      '"ws://***@example.com:0/chat?***" cannot be connected to',
    );
  });
});

describe("hideValues", () => {
  const rows: [search: string, hidden: string][] = [
    ["", ""],
    ["?", "?"],
    ["?token=abc", "?token=***"],
    ["?token=abc&v", "?token=***&***"],
    ["?abc", "?***"],
    ["?a=", "?***"],
    ["?YQ==", "?***"],
    ["?a==b", "?a=***"],
    ["?=abc", "?=***"],
    ["?a=b=c", "?a=***"],
    ["?a=b;c=d", "?a=***"],
    ["?a=b&a=c&&", "?a=***&a=***&***&***"],
    ["?a=b?c=d", "?a=***"],
  ];
  for (const [search, hidden] of rows) {
    it(JSON.stringify(search), () => {
      expect(hideValues(search)).to.equal(hidden);
    });
  }
});

// Urls of proxies: what they mean, and that what could mean two things means nothing, and shows no password.

import { expect } from "chai";
import { UsageError } from "../../lib/errors.ts";
import { type ProxyServer, parseProxy } from "../../lib/handshake/proxy.ts";
import { thrown } from "../support/failure.ts";

const parse = (text: string, isSchemeNeeded = true) => parseProxy(text, "the option proxy", isSchemeNeeded);

describe("parseProxy", () => {
  describe("takes", () => {
    const rows: [text: string, server: Partial<ProxyServer>][] = [
      ["http://proxy.test", { scheme: "http", hostname: "proxy.test", port: 80 }],
      ["https://proxy.test", { scheme: "https", port: 443 }],
      ["socks4://proxy.test", { scheme: "socks4", port: 1080 }],
      ["socks4a://proxy.test", { scheme: "socks4a", port: 1080 }],
      ["socks5://proxy.test", { scheme: "socks5", port: 1080 }],
      ["socks5h://proxy.test", { scheme: "socks5h", port: 1080 }],
      ["http://proxy.test/", { publicUrl: "http://proxy.test:80" }],
      ["http://proxy.test:", { port: 80 }],
      ["HTTP://PROXY.Test:3128", { scheme: "http", hostname: "proxy.test", port: 3128 }],
      ["SOCKS5H://PROXY.Test", { scheme: "socks5h", hostname: "proxy.test" }],
      // a port that is another scheme's default must not get lost
      ["socks5://proxy.test:80", { port: 80 }],
      ["https://proxy.test:80", { port: 80 }],
      ["http://proxy.test:443", { port: 443 }],
      ["http://proxy.test:65535", { port: 65535 }],
      ["http://127.0.0.1:8080", { hostname: "127.0.0.1", publicUrl: "http://127.0.0.1:8080" }],
      ["http://127.1", { hostname: "127.0.0.1" }],
      ["http://[::1]:8080", { hostname: "::1", port: 8080, publicUrl: "http://[::1]:8080" }],
      ["socks5://[2001:DB8:0::1]", { hostname: "2001:db8::1", publicUrl: "socks5://[2001:db8::1]:1080" }],
      ["http://bücher.example", { hostname: "xn--bcher-kva.example" }],
      ["http://user:secret@proxy.test", { username: "user", password: "secret" }],
      ["http://user@proxy.test", { username: "user", password: "" }],
      ["http://user:@proxy.test", { username: "user", password: "" }],
      ["http://:secret@proxy.test", { username: "", password: "secret" }],
      ["http://@proxy.test", { username: "", password: "" }],
      [
        "http://user:p@ss@proxy.test:1",
        { username: "user", password: "p@ss", hostname: "proxy.test", port: 1 },
      ],
      ["http://user:a:b@proxy.test", { username: "user", password: "a:b" }],
      ["http://us%40er:%2f%3F%23%5c%25@proxy.test", { username: "us@er", password: "/?#\\%" }],
      ["http://user:100%@proxy.test", { password: "100%" }],
      ["http://user:%E9@proxy.test", { password: "%E9" }],
      ["http://us%C3%A9r:p%C3%A4ss@proxy.test", { username: "usér", password: "päss" }],
      ["http://usér:päss@proxy.test", { username: "usér", password: "päss" }],
      ["socks5://us%3Aer:x@proxy.test", { username: "us:er" }],
      [`socks5://${"u".repeat(255)}:${"p".repeat(255)}@proxy.test`, { password: "p".repeat(255) }],
      ["socks4://user@proxy.test", { username: "user", password: "" }],
      [`http://user:${"x".repeat(5000)}@proxy.test`, { password: "x".repeat(5000) }],
    ];
    for (const [text, server] of rows) {
      it(text.slice(0, 60), () => {
        expect(parse(text)).to.include(server);
      });
    }

    it("a URL's text, which has encoded what it must", () => {
      const url = new URL("http://proxy.test:3128");
      url.username = "us@er";
      url.password = "p:/@#? ss%";
      expect(parse(String(url))).to.include({ username: "us@er", hostname: "proxy.test", port: 3128 });
      expect(parse(String(new URL("socks5://user:x@[::1]:80/")))).to.include({ hostname: "::1", port: 80 });
    });

    it("all of a url: nothing but the credentials is missing from its public form", () => {
      expect(parse("socks5h://user:SECRET@Proxy.test")).to.deep.equal({
        scheme: "socks5h",
        hostname: "proxy.test",
        port: 1080,
        username: "user",
        password: "SECRET",
        publicUrl: "socks5h://proxy.test:1080",
      });
    });
  });

  describe("takes without a scheme, where that may be missing", () => {
    const rows: [text: string, server: Partial<ProxyServer>][] = [
      ["proxy.test", { scheme: "http", hostname: "proxy.test", port: 80 }],
      ["proxy.test:3128", { scheme: "http", port: 3128 }],
      ["localhost:3128/", { hostname: "localhost", port: 3128 }],
      ["127.0.0.1:8080", { hostname: "127.0.0.1", port: 8080 }],
      ["[::1]:8080", { hostname: "::1", port: 8080 }],
      ["user:p@ss@proxy.test:3128", { username: "user", password: "p@ss", port: 3128 }],
      ["socks5:1080", { scheme: "http", hostname: "socks5", port: 1080 }], // a host of that name
    ];
    for (const [text, server] of rows) {
      it(text, () => {
        expect(parse(text, false)).to.include(server);
        expect(thrown(() => parse(text), UsageError).message).to.include("does not begin with a scheme");
      });
    }
  });

  describe("refuses", () => {
    const long = "é".repeat(128); // 256 bytes
    const rows: [title: string, text: string, message: RegExp][] = [
      ["an empty one", "", /scheme|host/],
      ["a scheme alone", "http://", /no valid host/],
      ["credentials alone", "http://user:SECRET@", /no valid host/],
      ["a scheme of none of these", "ftp://SECRET.test", /ftp is none of the schemes http, https, socks4,/],
      ["socks, which may be any", "socks://proxy.test", /socks is none/],
      ["ws", "ws://proxy.test", /ws is none/],
      ["a scheme that objects have", "constructor://proxy.test", /none of the schemes/],
      ["another such", "__proto__://proxy.test", /scheme|host|follow/],
      ["a port that is none", "http://proxy.test:SECRET", /no valid host/],
      ["port 0", "http://proxy.test:0", /port/],
      ["port 65536", "http://proxy.test:65536", /port/],
      ["a port of many digits", `http://proxy.test:${"9".repeat(400)}`, /port/],
      ["a signed port", "http://proxy.test:+80", /host/],
      ["two ports", "http://proxy.test:80:80", /host/],
      ["IPv6 without brackets", "http://::1:80", /host/],
      ["a bracket that is not closed", "http://[::1:80", /host/],
      ["a name in brackets", "http://[localhost]:80", /host/],
      ["an address that is none", "http://256.0.0.1", /host/],
      ["a path", "http://proxy.test/SECRET", /nothing may follow/],
      ["a query", "http://proxy.test?SECRET", /nothing may follow/],
      ["a fragment", "http://proxy.test#SECRET", /nothing may follow/],
      ["a backslash", "http://proxy.test\\SECRET", /nothing may follow/],
      // To a parser of urls the host is `user` here, or evil.test there.
      ["a slash in the password", "http://user:SEC/RET@proxy.test", /percent-encoded/],
      ["a number sign in the password", "http://user:SEC#RET@proxy.test", /percent-encoded/],
      ["a question mark in the password", "http://user:SEC?RET@proxy.test", /percent-encoded/],
      ["a host behind a path", "http://proxy.test/@evil.test", /percent-encoded/],
      ["a host behind a backslash", "http://proxy.test\\@evil.test", /percent-encoded/],
      ["a blank before it", " http://proxy.test", /scheme|host|follow/],
      ["a blank behind it", "http://proxy.test ", /host/],
      ["a line end within", "http://proxy\n.test", /host/],
      ["a tab within", "http://pro\txy.test", /host/],
      ["a line end in the credentials", "http://user:SEC\r\nRET@proxy.test", /control/],
      ["an encoded line end in the password", "http://user:SEC%0D%0ARET@proxy.test", /control/],
      ["a NUL in the user name", "socks4://SEC%00RET@proxy.test", /control/],
      ["a colon in the user name, for Basic", "http://SEC%3ARET:x@proxy.test", /colon/],
      ["a password, for SOCKS4", "socks4://user:SECRET@proxy.test", /SOCKS4 knows no password/],
      ["a password, for SOCKS4A", "socks4a://user:SECRET@proxy.test", /SOCKS4 knows no password/],
      ["a user name of 256 bytes, for SOCKS5", `socks5://${long}:x@proxy.test`, /255 bytes/],
      ["a password of 256 bytes, for SOCKS5", `socks5h://user:${long}@proxy.test`, /255 bytes/],
    ];
    for (const [title, text, message] of rows) {
      it(title, () => {
        for (const isSchemeNeeded of [true, false]) {
          const error = thrown(() => parse(text, isSchemeNeeded), UsageError);
          expect(error.code).to.equal("ERR_WS_INVALID_URL");
          expect(error.message).to.match(/^the option proxy is no url of a proxy: /);
          if (isSchemeNeeded) expect(error.message).to.match(message);
          expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.to.match(/SEC|RET|évil/);
        }
      });
    }
  });
});

// The option proxy: every wrong value is refused at once, no refusal shows a password, and nothing is taken in vain.

import { expect } from "chai";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { resolveSockets } from "../../lib/client/socket-options.ts";
import { UsageError } from "../../lib/errors.ts";
import type { ChosenProxy } from "../../lib/session/session.ts";
import { thrown } from "../support/failure.ts";
import { createClient } from "../support/runtime.ts";

function resolve(proxy: unknown, url = "ws://127.0.0.1:9/"): ChosenProxy | false | undefined {
  return resolveSockets(url, { proxy } as ConnectionOptions).proxy;
}

describe("resolveProxy", () => {
  it("knows the environment, and none", () => {
    expect(resolve(undefined)).to.equal(undefined);
    expect(resolve(false)).to.equal(false);
  });

  it("takes a url as a string, a URL, or among other things", () => {
    for (const url of ["socks5h://u:p%40@Proxy.test", new URL("socks5h://u:p%40@Proxy.test")]) {
      for (const given of [
        url,
        { url },
        { url, headers: {}, noProxy: "", tls: {} },
        { url, headers: undefined },
      ]) {
        const chosen = resolve(given);
        if (!chosen) return expect.fail("there is no proxy");
        const { proxy, ...rest } = chosen;
        expect(proxy).to.include({ publicUrl: "socks5h://proxy.test:1080", username: "u", password: "p@" });
        expect(rest).to.deep.include({ headers: [], exemptions: [] });
        expect(Object.values(rest.tls)).to.deep.equal([]);
      }
    }
  });

  it("takes headers in every form that there is, TLS, and a list of exceptions", () => {
    for (const headers of [
      { "X-A": "1", "x-b": ["2", "3"] },
      [
        ["X-A", "1"],
        ["x-b", "2"],
        ["x-b", "3"],
      ],
    ]) {
      expect(resolve({ url: "http://p", headers })).to.deep.include({
        headers: [
          ["X-A", "1"],
          ["x-b", "2"],
          ["x-b", "3"],
        ],
      });
    }
    expect(resolve({ url: "http://p", headers: new Headers({ "X-A": "1" }) })).to.deep.include({
      headers: [["x-a", "1"]],
    });
    const tls = { rejectUnauthorized: false };
    expect({ ...(resolve({ url: "https://p", tls }) as ChosenProxy).tls }).to.deep.equal(tls);
    for (const noProxy of ["a.test, 10.0.0.0/8", ["a.test", "10.0.0.0/8"], ["a.test 10.0.0.0/8"]])
      expect((resolve({ url: "https://p", noProxy }) as ChosenProxy).exemptions).to.have.length(2);
  });

  it("does not care what becomes of the caller's object, or what is on Object.prototype", () => {
    const given = { url: "http://p", headers: { a: "1" } };
    const chosen = resolve(given) as ChosenProxy;
    given.url = "http://q";
    given.headers.a = "2";
    expect(chosen.proxy.hostname).to.equal("p");
    expect(chosen.headers).to.deep.equal([["a", "1"]]);
    const prototype = Object.prototype as Record<string, unknown>;
    prototype.proxy = "http://evil.test";
    prototype.noProxy = "*";
    try {
      expect(resolveSockets("ws://127.0.0.1:9/", {}).proxy).to.equal(undefined);
      expect((resolve({ url: "http://p" }) as ChosenProxy).exemptions).to.deep.equal([]);
    } finally {
      delete prototype.proxy;
      delete prototype.noProxy;
    }
  });

  describe("refuses", () => {
    const url = "http://u:SECRET@p";
    const rows: [title: string, value: unknown, message: RegExp, code?: string][] = [
      ["true", true, /proxy is false, a url, or an object with a url|options are an object/],
      ["null", null, /proxy is|options are an object/],
      ["a number", 3128, /proxy is|options are an object/],
      ["a function", () => url, /proxy is|options are an object/],
      ["an empty object", {}, /object with a url/],
      ["a url that is none", { url: 5 }, /object with a url/],
      ["a list", [url], /object with a url|no option/],
      ["host and port apart", { host: "p", port: 1 }, /object with a url/],
      ["an empty string", "", /does not begin with a scheme/, "ERR_WS_INVALID_URL"],
      ["a url without a scheme", "u:SECRET@p:1", /does not begin with a scheme/, "ERR_WS_INVALID_URL"],
      ["another scheme", "ftp://u:SECRET@p", /ftp is none of the schemes/, "ERR_WS_INVALID_URL"],
      ["another option", { url, auth: "SECRET" }, /there is no option "proxy.auth"/, "ERR_WS_UNKNOWN_OPTION"],
      ["an option of objects", { url, constructor: 1 }, /proxy.constructor/, "ERR_WS_UNKNOWN_OPTION"],
      ["headers that are none", { url, headers: "a: b" }, /headers are a record/],
      ["a header with a line end", { url, headers: { a: "SECRET\r\nb: c" } }, /header a/],
      ["a header of another name", { url, headers: { "a b": "SECRET" } }, /is not a header name/],
      ["a Host", { url, headers: { Host: "x" } }, /Host belongs to the handshake/],
      ["a Content-Length", { url, headers: { "content-length": "5" } }, /belongs to the handshake/],
      [
        "a Transfer-Encoding",
        { url, headers: { "Transfer-Encoding": "chunked" } },
        /belongs to the handshake/,
      ],
      ["headers for SOCKS", { url: "socks5://p", headers: { a: "b" } }, /proxy.headers cannot be sent/],
      ["TLS for http", { url, tls: { rejectUnauthorized: false } }, /proxy.tls has no use/],
      ["TLS for SOCKS", { url: "socks5h://p", tls: { ca: "x" } }, /proxy.tls has no use|tls.ca/],
      [
        "an option of TLS that is none",
        { url: "https://p", tls: { agent: 1 } },
        /tls.agent/,
        "ERR_WS_UNKNOWN_OPTION",
      ],
      ["noProxy that is no text", { url, noProxy: 5 }, /noProxy is a string or a list/],
      ["noProxy with what is no text", { url, noProxy: ["a", null] }, /noProxy is a string or a list/],
      [
        "noProxy with a member that means nothing",
        { url, noProxy: "a.test,192.168.*" },
        /"192.168.\*" in proxy.noProxy is none of/,
      ],
    ];
    for (const [title, value, message, code = "ERR_WS_INVALID_ARGUMENT"] of rows) {
      it(title, () => {
        const error = thrown(() => resolve(value), UsageError);
        expect(error.message).to.match(message).and.not.to.include("SECRET");
        expect(error.code).to.equal(code);
      });
    }

    it("a proxy for a Unix socket", () => {
      for (const unix of ["ws+unix:/run/s:/", "wss+unix:/run/s:/"])
        expect(thrown(() => resolve(url, unix), UsageError).message).to.include("Unix socket");
      const options = { proxy: url, socketPath: "/run/s" };
      expect(thrown(() => resolveSockets("ws://a/", options), UsageError).message).to.include("Unix socket");
      expect(() => resolveSockets("ws+unix:/run/s:/", { proxy: false })).not.to.throw();
      expect(() => resolveSockets("ws+unix:/run/s:/", {})).not.to.throw();
    });

    it("it at once, also among defaults", () => {
      expect(thrown(() => createClient({ proxy: "nonsense://" }), UsageError).code).to.equal(
        "ERR_WS_INVALID_URL",
      );
    });
  });
});

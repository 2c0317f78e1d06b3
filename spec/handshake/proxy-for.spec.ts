// Which proxy the environment means, as a table; and that what cannot be used throws.

import { expect } from "chai";
import { UsageError } from "../../lib/errors.ts";
import { proxyFor } from "../../lib/handshake/proxy-for.ts";
import { thrown } from "../support/failure.ts";

const P = "http://p:1";
const Q = "http://q:1";

type Variables = Record<string, string>;

function choose(variables: Variables, secure: boolean, host = "example.com", port = 80): string {
  const env = (name: string) => (Object.hasOwn(variables, name) ? variables[name] : undefined);
  return proxyFor({ host, port }, secure, env)?.publicUrl ?? "none";
}

describe("proxyFor", () => {
  const rows: [title: string, variables: Variables, ws: string, wss: string][] = [
    ["nothing is set", {}, "none", "none"],
    ["http_proxy is for ws alone", { http_proxy: P }, P, "none"],
    ["https_proxy is for wss alone", { https_proxy: P }, "none", P],
    ["each its own", { http_proxy: P, https_proxy: Q }, P, Q],
    ["all_proxy is for both", { all_proxy: P }, P, P],
    ["all_proxy comes last", { all_proxy: P, http_proxy: Q }, Q, P],
    ["upper case, HTTP_PROXY", { HTTP_PROXY: P }, P, "none"],
    ["upper case, HTTPS_PROXY", { HTTPS_PROXY: P }, "none", P],
    ["upper case, ALL_PROXY", { ALL_PROXY: P }, P, P],
    ["lower case before upper case", { http_proxy: P, HTTP_PROXY: Q, https_proxy: P, HTTPS_PROXY: Q }, P, P],
    ["lower case before upper case, for all", { all_proxy: P, ALL_PROXY: Q }, P, P],
    ["upper case before all_proxy", { HTTP_PROXY: P, HTTPS_PROXY: P, all_proxy: Q }, P, P],
    ["mixed case is none", { Http_Proxy: P, ws_proxy: P, wss_proxy: P }, "none", "none"],
    ["an empty one means none", { http_proxy: "", https_proxy: "" }, "none", "none"],
    ["also where others are set", { http_proxy: "", HTTP_PROXY: P, all_proxy: P }, "none", P],
    ["a blank one is empty", { http_proxy: " ", all_proxy: "\t\n" }, "none", "none"],
    ["blanks around it do not count", { all_proxy: ` ${P}\n` }, P, P],
    ["it may lack the scheme", { http_proxy: "p:1", https_proxy: "user:x@p:1" }, P, P],
    [
      "any scheme may be in any",
      { http_proxy: "socks5h://p:1", https_proxy: "https://p:1" },
      "socks5h://p:1",
      "https://p:1",
    ],
    [
      "in CGI, HTTP_PROXY is a header of the request",
      { REQUEST_METHOD: "GET", HTTP_PROXY: P },
      "none",
      "none",
    ],
    ["also where the method is empty", { REQUEST_METHOD: "", HTTP_PROXY: P }, "none", "none"],
    ["but http_proxy is not", { REQUEST_METHOD: "GET", HTTP_PROXY: Q, http_proxy: P }, P, "none"],
    ["nor are the others", { REQUEST_METHOD: "GET", HTTP_PROXY: Q, HTTPS_PROXY: P, ALL_PROXY: P }, P, P],
    ["no_proxy exempts", { all_proxy: P, no_proxy: "example.com" }, "none", "none"],
    ["NO_PROXY does", { all_proxy: P, NO_PROXY: "a.test, .example.com" }, "none", "none"],
    ["* does", { all_proxy: P, no_proxy: "*" }, "none", "none"],
    ["others are not", { all_proxy: P, no_proxy: "ample.com,example.com:81,badexample.com" }, P, P],
    ["no_proxy before NO_PROXY", { all_proxy: P, no_proxy: "other.test", NO_PROXY: "*" }, P, P],
    ["an empty no_proxy too", { all_proxy: P, no_proxy: "", NO_PROXY: "*" }, P, P],
    ["a port of no_proxy", { all_proxy: P, no_proxy: "example.com:80" }, "none", "none"],
    ["nonsense in no_proxy exempts nothing", { all_proxy: P, no_proxy: "exam*,<local>,://," }, P, P],
    [
      "for whom no_proxy exempts, no proxy is looked at",
      { all_proxy: "nonsense://", no_proxy: "*" },
      "none",
      "none",
    ],
  ];
  for (const [title, variables, ws, wss] of rows) {
    it(title, () => {
      expect({ ws: choose(variables, false), wss: choose(variables, true) }).to.deep.equal({ ws, wss });
    });
  }

  it("exempts no host by itself", () => {
    for (const host of ["localhost", "127.0.0.1", "::1"])
      expect(choose({ all_proxy: P }, false, host)).to.equal(P);
  });

  it("gives the credentials", () => {
    const found = proxyFor({ host: "a", port: 1 }, false, (name) =>
      name === "http_proxy" ? "http://u:p%40@p" : undefined,
    );
    expect(found).to.include({ username: "u", password: "p@" });
  });

  const unusable = [
    "socks://p",
    "ftp://p",
    "http://",
    "http://p:0",
    "http://p/path",
    "p:port",
    "socks4://u:SECRET@p",
    "DIRECT p",
  ];
  for (const value of unusable) {
    it(`throws for ${value}, whose variable it names`, () => {
      for (const name of ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]) {
        const error = thrown(() => choose({ [name]: value }, false), UsageError);
        expect(error.code).to.equal("ERR_WS_INVALID_URL");
        expect(error.message).to.include(`the environment's ${name} `).and.not.include("SECRET");
      }
      expect(choose({ http_proxy: value }, true), "of no concern to wss").to.equal("none");
    });
  }
});

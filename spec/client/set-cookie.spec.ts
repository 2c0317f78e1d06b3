// Set-Cookie headers: what a server may say, what it may not, and what is made of nonsense.

import { expect } from "chai";
import {
  type Cookie,
  type CookiePlace,
  isBelow,
  isWithin,
  parseCookieDate,
  parseSetCookie,
} from "../../lib/client/set-cookie.ts";

const NOW = Date.UTC(2024, 0, 1);
const HERE: CookiePlace = { host: "www.example.com", path: "/dir/page", secure: true };
const DEFAULTS: Omit<Cookie, "name" | "value"> = {
  domain: "www.example.com",
  hostOnly: true,
  path: "/dir",
  secure: false,
  httpOnly: false,
  expires: Number.POSITIVE_INFINITY,
};

function parse(line: string, from: Partial<CookiePlace> = {}): Cookie | undefined {
  return parseSetCookie(line, { ...HERE, ...from }, NOW);
}

describe("parseSetCookie", () => {
  const FOR_ALL = { domain: "example.com", hostOnly: false };
  const rows: [line: string, cookie: Partial<Cookie>, from?: Partial<CookiePlace>][] = [
    // Name and value
    ["a=b", { name: "a", value: "b" }],
    [" \ta \t=\t b\t ", { name: "a", value: "b" }],
    ["a=", { value: "" }],
    ["a==b=c", { name: "a", value: "=b=c" }],
    ['a="b c"', { value: '"b c"' }],
    ['a="', { value: '"' }],
    ["a=b, c=d", { value: "b, c=d" }],
    ["a b=c d", { name: "a b", value: "c d" }],
    ["a=\xc3\xa0", { value: "\xc3\xa0" }], // UTF-8, whose last byte is no blank
    ["\xa0=b", { name: "\xa0" }],
    ["__proto__=b", { name: "__proto__", value: "b" }],
    ["constructor=b", { name: "constructor" }],
    [`${"n".repeat(96)}=${"v".repeat(4000)}`, { value: "v".repeat(4000) }],
    ["a=b;", {}],
    ["a=b;;;;", {}],
    ["a=b; nonsense; x=y; =z; __proto__=c; toString", {}],
    // Path
    ["a=b; Path=/", { path: "/" }],
    ["a=b; pAtH = /x/y/ ", { path: "/x/y/" }],
    ["a=b; Path=/x=y", { path: "/x=y" }],
    ["a=b; Path=/x; Path=/y", { path: "/y" }],
    ["a=b; Path=", { path: "/dir" }],
    ["a=b; Path", { path: "/dir" }],
    ["a=b; Path=x", { path: "/dir" }],
    ["a=b; Path=/x; Path=y", { path: "/dir" }],
    [`a=b; Path=/${"p".repeat(1023)}`, { path: `/${"p".repeat(1023)}` }],
    [`a=b; Path=/${"p".repeat(1024)}`, { path: "/dir" }],
    ["a=b", { path: "/" }, { path: "/" }],
    ["a=b", { path: "/" }, { path: "/page" }],
    ["a=b", { path: "/a/b" }, { path: "/a/b/" }],
    ["a=b", { path: "/a/b" }, { path: "/a/b/c" }],
    // Domain
    ["a=b; Domain=example.com", FOR_ALL],
    ["a=b; Domain=.example.com", FOR_ALL],
    ["a=b; DOMAIN=Example.COM", FOR_ALL],
    ["a=b; Domain=www.example.com", { domain: "www.example.com", hostOnly: false }],
    ["a=b; Domain=", { hostOnly: true }],
    ["a=b; Domain", { hostOnly: true }],
    ["a=b; Domain=.", { hostOnly: true }],
    ["a=b; Domain=other.test; Domain=example.com", FOR_ALL],
    ["a=b; Domain=example.com; Domain=", FOR_ALL],
    ["a=b; Domain=localhost", { domain: "localhost", hostOnly: true }, { host: "localhost" }],
    ["a=b; Domain=127.0.0.1", { domain: "127.0.0.1" }, { host: "127.0.0.1" }],
    ["a=b; Domain=[::1]", { domain: "[::1]", hostOnly: true }, { host: "[::1]" }],
    // Flags
    ["a=b; Secure; HttpOnly", { secure: true, httpOnly: true }],
    ["a=b;secure=no;HTTPONLY=0", { secure: true, httpOnly: true }],
    ["a=b; HttpOnly", { httpOnly: true }, { secure: false }],
    // Time
    ["a=b; Max-Age=10", { expires: NOW + 10_000 }],
    ["a=b; max-age=010", { expires: NOW + 10_000 }],
    ["a=b; Max-Age=0", { expires: Number.NEGATIVE_INFINITY }],
    ["a=b; Max-Age=-1", { expires: Number.NEGATIVE_INFINITY }],
    ["a=b; Max-Age=-0", { expires: Number.NEGATIVE_INFINITY }],
    [`a=b; Max-Age=${"9".repeat(400)}`, { expires: Number.POSITIVE_INFINITY }],
    ["a=b; Max-Age=", {}],
    ["a=b; Max-Age=1e3", {}],
    ["a=b; Max-Age=+5", {}],
    ["a=b; Max-Age=5; Max-Age=x", { expires: NOW + 5_000 }],
    ["a=b; Max-Age=5; Max-Age=6", { expires: NOW + 6_000 }],
    ["a=b; Expires=Wed, 09 Jun 2021 10:18:14 GMT", { expires: Date.UTC(2021, 5, 9, 10, 18, 14) }],
    ["a=b; Expires=Wed, 09 Jun 2021 10:18:14 GMT; Max-Age=5", { expires: NOW + 5_000 }],
    ["a=b; Max-Age=5; Expires=Wed, 09 Jun 2021 10:18:14 GMT", { expires: NOW + 5_000 }],
    ["a=b; Expires=tomorrow", {}],
    ["a=b; Expires=09 Jun 2021 10:18:14; Expires=soon", { expires: Date.UTC(2021, 5, 9, 10, 18, 14) }],
    // Prefixes
    ["__Secure-a=b; Secure", { secure: true }],
    ["__Secure-a=b; Secure; Domain=example.com", FOR_ALL],
    ["__Host-a=b; Secure; Path=/", { path: "/", hostOnly: true }],
    ["__Hosta=b", { name: "__Hosta" }],
  ];
  for (const [line, cookie, from] of rows) {
    it(`takes ${shorten(line)}${from === undefined ? "" : ` from ${JSON.stringify(from)}`}`, () => {
      const parsed = parse(line, from);
      expect(parsed).to.deep.include(cookie);
      expect(Object.keys(parsed ?? {})).to.have.members(["name", "value", ...Object.keys(DEFAULTS)]);
    });
  }

  it("has defaults for all but name and value", () => {
    expect(parse("a=b; what=ever")).to.deep.equal({ name: "a", value: "b", ...DEFAULTS });
  });

  const refused: [line: string, from?: Partial<CookiePlace>][] = [
    [""],
    [";"],
    ["a"],
    ["a; b=c"],
    ["=b"],
    [" =b"],
    ["a\tb=c"],
    ["a=b\tc"],
    ...["\0", "\n", "\r", "\r\nx: y", "\x1b", "\x7f", "\u0100", "\u560a", "\ud83d\ude00"].flatMap(
      (text): [string][] => [[`a${text}=b`], [`a=b${text}`], [`a=b; Path=/${text}`]],
    ),
    [`${"n".repeat(97)}=${"v".repeat(4000)}`],
    ["a=b", { path: `/${"p".repeat(1024)}/` }],
    // Domains that are not the server's
    ["a=b; Domain=other.test"],
    ["a=b; Domain=sub.www.example.com"],
    ["a=b; Domain=ww.example.com"],
    ["a=b; Domain=xample.com"],
    ["a=b; Domain=..example.com"],
    ["a=b; Domain=example.com."],
    ["a=b; Domain=*.example.com"],
    ["a=b; Domain=example.com:443"],
    ["a=b; Domain=example.com/"],
    ["a=b; Domain=com"],
    ["a=b; Domain=.com"],
    ["a=b; Domain=com.", { host: "example.com." }],
    ["a=b; Domain=.com.", { host: "example.com." }],
    ["a=b; Domain=local", { host: "a.local" }],
    ["a=b; Domain=0.0.1", { host: "127.0.0.1" }],
    ["a=b; Domain=1", { host: "127.0.0.1" }],
    ["a=b; Domain=::1", { host: "[::1]" }],
    ["a=b; Domain=example.com", { host: "example.com." }],
    // What is promised
    ["a=b; Secure", { secure: false }],
    ["__Secure-a=b"],
    ["__Secure-a=b; Secure", { secure: false }],
    ["__SECURE-a=b"],
    ["__Host-a=b; Secure"],
    ["__Host-a=b; Path=/"],
    ["__Host-a=b; Secure; Path=/dir"],
    ["__Host-a=b; Secure; Path=/; Domain=www.example.com"],
    ["__host-a=b; Secure; Path=/", { secure: false }],
    ["__hOsT-a=b; Secure; Path=/x", { path: "/" }],
  ];
  for (const [line, from] of refused) {
    it(`refuses ${shorten(line)}${from === undefined ? "" : ` from ${shorten(JSON.stringify(from))}`}`, () => {
      expect(parse(line, from)).to.equal(undefined);
    });
  }

  it("takes time that is linear in the header", () => {
    const long = 400_000;
    for (const text of [" ", "\t", ";", "=", ",", "; path=/", "1 ", "- "]) {
      parse(`a=b; Expires=${text.repeat(long / text.length)}`);
      parse(`a=${text.repeat(long / text.length)}b`);
      parse(`${text.repeat(long / text.length)}a=b`);
    }
  });
});

function shorten(line: string): string {
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 70)}...${line.length}` : line);
}

describe("parseCookieDate", () => {
  const time = Date.UTC(1994, 10, 6, 8, 49, 37);
  const rows: [text: string, time: number | undefined][] = [
    ["Sun, 06 Nov 1994 08:49:37 GMT", time],
    ["Sunday, 06-Nov-94 08:49:37 GMT", time],
    ["Sun Nov  6 08:49:37 1994", time],
    ["06 nov 1994 8:49:37", time],
    ["1994 06 November 08:49:37", time],
    ["NOVEMBER/6/1994/08:49:37", time],
    ["08:49:37 6 Novembre 94", time],
    ["6th Nov 1994AD 08:49:37.5", time],
    ["06 Nov 1994 08:49:37 +0500", time], // zones are passed over
    ["06 Nov 1994 08:49:37 07 Dec 1995 09:00:00", time], // the first of each
    ["29 Feb 2024 00:00:00", Date.UTC(2024, 1, 29)],
    ["31 Dec 9999 23:59:59", Date.UTC(9999, 11, 31, 23, 59, 59)],
    ["1 Jan 1601 00:00:00", Date.UTC(1601, 0, 1)],
    ["1 Jan 69 00:00:00", Date.UTC(2069, 0, 1)],
    ["1 Jan 70 00:00:00", 0],
    ["1 Jan 99 00:00:00", Date.UTC(1999, 0, 1)],
    ["1 Jan 100 00:00:00", undefined],
    ["1 Jan 1600 00:00:00", undefined],
    ["29 Feb 2023 00:00:00", undefined],
    ["31 Apr 2023 00:00:00", undefined],
    ["0 Jan 2023 00:00:00", undefined],
    ["32 Jan 2023 00:00:00", undefined],
    ["1 Jan 2023 24:00:00", undefined],
    ["1 Jan 2023 00:60:00", undefined],
    ["1 Jan 2023 00:00:60", undefined],
    ["1 Jan 2023 0:0:0", Date.UTC(2023, 0, 1)],
    ["1 Jan 2023 00:00", undefined],
    ["1 Jan 2023", undefined],
    ["1 Jan 00:00:00", undefined],
    ["Jan 2023 00:00:00", undefined],
    ["1 2023 00:00:00", undefined],
    ["1 an 2023 00:00:00", undefined],
    ["1 n f 2023 00:00:00", undefined],
    ["1 Jan 20235 00:00:00", undefined],
    ["1 Jan 2023 001:00:00", undefined],
    ["", undefined],
    ["0", undefined],
    ["-1", undefined],
    ["2023-01-01T00:00:00Z", undefined],
    ["\x7f1 Jan 2023 00:00:00", undefined],
  ];
  for (const [text, expected] of rows) {
    it(JSON.stringify(text), () => expect(parseCookieDate(text)).to.equal(expected));
  }
});

describe("isWithin and isBelow", () => {
  const hosts: [host: string, domain: string, is: boolean][] = [
    ["example.com", "example.com", true],
    ["a.b.example.com", "example.com", true],
    ["badexample.com", "example.com", false],
    ["example.com", "www.example.com", false],
    ["1.2.3.4", "3.4", false],
    ["[::1]", "1]", false],
    ["a.1.2.3.4x", "4x", true],
  ];
  for (const [host, domain, is] of hosts) {
    it(`${host} is ${is ? "" : "not "}within "${domain}"`, () => expect(isWithin(host, domain)).to.equal(is));
  }

  const paths: [path: string, above: string, is: boolean][] = [
    ["/", "/", true],
    ["/a", "/", true],
    ["/a", "/a", true],
    ["/a/", "/a", true],
    ["/a/b", "/a", true],
    ["/a/b", "/a/", true],
    ["/ab", "/a", false],
    ["/a", "/a/", false],
    ["/", "/a", false],
    ["/A", "/a", false],
  ];
  for (const [path, above, is] of paths) {
    it(`${path} is ${is ? "" : "not "}below ${above}`, () => expect(isBelow(path, above)).to.equal(is));
  }
});

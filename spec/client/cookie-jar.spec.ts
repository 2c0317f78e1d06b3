// A jar of cookies: who gets which back, in what order, for how long, and who may not touch them.

import { inspect } from "node:util";
import { expect } from "chai";
import fc from "fast-check";
import { CookieJar } from "../../lib/client/cookie-jar.ts";
import { UsageError } from "../../lib/errors.ts";
import { thrown } from "../support/failure.ts";

const URL_ = "https://www.example.com/dir/page";

/** A jar into which lines were put, from one url or several. */
function jarOf(...sets: (string | [url: string, line: string])[]): CookieJar {
  const jar = new CookieJar({ now: () => 0 });
  for (const set of sets) {
    const [url, line] = typeof set === "string" ? [URL_, set] : set;
    expect(jar.set(url, line), line).to.equal(true);
  }
  return jar;
}

describe("CookieJar", () => {
  const rows: [title: string, set: string | [string, string], url: string, cookies: string | undefined][] = [
    ["to the page", "a=b", URL_, "a=b"],
    ["whatever the query", "a=b", `${URL_}?c=d`, "a=b"],
    ["at any port", "a=b", "https://www.example.com:444/dir/", "a=b"],
    ["however the host is spelled", "a=b", "https://WWW.Example.COM/dir/", "a=b"],
    ["to wss as to https", "a=b; Secure", "wss://www.example.com/dir", "a=b"],
    ["to ws as to http", "a=b", "ws://www.example.com/dir", "a=b"],
    ["without credentials mattering", "a=b", "wss://me:SECRET@www.example.com/dir", "a=b"],
    ["not above its path", "a=b", "https://www.example.com/", undefined],
    ["not beside its path", "a=b", "https://www.example.com/directory", undefined],
    ["below its path", "a=b; Path=/", "https://www.example.com/x/y/z", "a=b"],
    ["not to a host above", "a=b", "https://example.com/dir", undefined],
    ["not to a host below", "a=b", "https://a.www.example.com/dir", undefined],
    ["not to another host", "a=b", "https://www.example.org/dir", undefined],
    ["to a domain's host", "a=b; Domain=example.com", "https://example.com/dir", "a=b"],
    ["below a domain", "a=b; Domain=example.com", "https://x.y.example.com/dir", "a=b"],
    ["not to what only ends like it", "a=b; Domain=example.com", "https://badexample.com/dir", undefined],
    ["not without TLS if it is Secure", "a=b; Secure", "http://www.example.com/dir", undefined],
    ["not to localhost without TLS", ["https://localhost/", "a=b; Secure"], "ws://localhost/", undefined],
    ["without TLS if it is not", "a=b", "http://www.example.com/dir", "a=b"],
    ["to an address", ["http://127.0.0.1:81/", "a=b; Domain=127.0.0.1"], "ws://127.0.0.1/", "a=b"],
    ["to an IPv6 address", ["http://[::1]/", "a=b"], "ws://[0:0::1]:8080/", "a=b"],
    ["not to another address", ["http://127.0.0.1/", "a=b"], "http://127.0.0.2/", undefined],
    [
      "to a name in its own script",
      ["http://b\u00fccher.example/", "a=b"],
      "http://xn--bcher-kva.example/",
      "a=b",
    ],
    ["with its quotes", 'a="b c"', URL_, 'a="b c"'],
    ["with an empty value", "a=", URL_, "a="],
    ["whose name is __proto__", "__proto__=b", URL_, "__proto__=b"],
  ];
  for (const [title, set, url, cookies] of rows) {
    it(`gives a cookie back ${title}`, () => expect(jarOf(set).get(url)).to.equal(cookies));
  }

  it("gives nothing when it is empty", () => expect(new CookieJar().get(URL_)).to.equal(undefined));

  it("puts longer paths first, and of equals the older", () => {
    const jar = jarOf("a=1; Path=/", "b=2; Path=/dir/page", "c=3", "d=4; Path=/dir/page", "e=5; Path=/");
    jar.set(URL_, "a=6; Path=/"); // which is as old as it was
    expect(jar.get(URL_)).to.equal("b=2; d=4; c=3; a=6; e=5");
  });

  it("keeps cookies apart by name, domain and path, and by nothing else", () => {
    const jar = jarOf("a=1", "A=2", "a=3; Path=/", "a=4; Domain=example.com", "a=5; HttpOnly; Secure");
    expect([...jar].map(({ value }) => value)).to.deep.equal(["5", "2", "3", "4"]);
    expect(jar.get(URL_)).to.equal("a=5; A=2; a=4; a=3");
  });

  it("keeps nothing that may not be set", () => {
    const jar = new CookieJar();
    for (const line of ["a", "a=b; Domain=other.test", "a=b; Domain=com", "a=\n", ""]) {
      expect(jar.set(URL_, line), line).to.equal(false);
    }
    expect([...jar]).to.deep.equal([]);
  });

  describe("keeps what is Secure from those without TLS:", () => {
    const plain = "http://www.example.com/dir/";
    const rows: [title: string, url: string, line: string, isTaken: boolean][] = [
      ["to set", plain, "b=1; Secure", false],
      ["to replace", plain, "a=1; Path=/dir", false],
      ["to delete", plain, "a=1; Path=/dir; Max-Age=0", false],
      ["to hide below its path", plain, "a=1; Path=/dir/page", false],
      ["to hide from a host above", "http://example.com/dir/", "a=1; Domain=example.com; Path=/dir", false],
      ["to set above its path, where it hides nothing", plain, "a=1; Path=/", true],
      ["to set by another name", plain, "b=1", true],
      ["to set for another host", "http://other.example.com/dir/", "a=1", true],
    ];
    for (const [title, url, line, isTaken] of rows) {
      it(title, () => {
        const jar = jarOf("a=safe; Secure");
        expect(jar.set(url, line)).to.equal(isTaken);
        expect(jar.get(URL_)).to.match(/^(b=1; )?a=safe/);
      });
    }

    it("even by a flood of cookies", () => {
      const jar = jarOf("a=safe; Secure; Path=/");
      for (let i = 0; i < 200; i++) jar.set(plain, `n${i}=1`);
      expect(jar.get(URL_)).to.include("a=safe");
      expect([...jar]).to.have.length(50);
    });
  });

  describe("in time", () => {
    let now = 0;
    const jar = new CookieJar({ now: () => now });
    beforeEach(() => {
      now = 0;
      jar.clear();
    });

    it("forgets a cookie when it expires, and not a millisecond before", () => {
      jar.set(URL_, "a=b; Max-Age=10");
      jar.set(URL_, "c=d; Expires=Thu, 01 Jan 1970 00:00:20 GMT");
      jar.set(URL_, "e=f");
      for (const [time, cookies] of [
        [9_999, "a=b; c=d; e=f"],
        [10_000, "c=d; e=f"],
        [19_999, "c=d; e=f"],
        [20_000, "e=f"],
        [1e15, "e=f"],
      ] as const) {
        now = time;
        expect(jar.get(URL_)).to.equal(cookies);
        expect([...jar].map(({ name, value }) => `${name}=${value}`).join("; ")).to.equal(cookies);
      }
    });

    for (const line of [
      "Max-Age=0",
      "Max-Age=-1",
      "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
      "Max-Age=0; Expires=1 Jan 2100 00:00:00",
    ]) {
      it(`deletes a cookie with ${line}`, () => {
        jar.set(URL_, "a=b");
        jar.set(URL_, `a=; ${line}`);
        expect([...jar]).to.deep.equal([]);
      });
    }

    it("does not count what has expired among those that there may be", () => {
      for (let i = 0; i < 50; i++) jar.set(URL_, `n${i}=1; Max-Age=1`);
      now = 1000;
      for (let i = 0; i < 50; i++) jar.set(URL_, `m${i}=1`);
      expect([...jar].every(({ name }) => name.startsWith("m"))).to.equal(true);
      expect([...jar]).to.have.length(50);
    });

    it("goes by the clock of the runtime if it has none of its own", () => {
      const jar = new CookieJar();
      jar.set(URL_, "a=b; Max-Age=1000");
      const [cookie] = jar;
      expect(cookie?.expires).to.be.within(Date.now() + 900_000, Date.now() + 1_000_000);
    });
  });

  describe("has no more than", () => {
    it("50 cookies of a domain: the oldest goes", () => {
      const jar = new CookieJar();
      jar.set("https://example.org/", "other=1");
      for (let i = 0; i < 51; i++) jar.set(URL_, `n${i}=1`);
      const names = [...jar].map(({ name }) => name);
      expect(names).to.have.length(51).and.to.include("n50").and.not.to.include("n0");
      expect(names[0]).to.equal("other");
    });

    it("3 000 cookies in all: the oldest goes", () => {
      const jar = new CookieJar();
      for (let i = 0; i < 3001; i++) jar.set(`https://h${i}.test/`, "a=1");
      const cookies = [...jar];
      expect(cookies).to.have.length(3000);
      expect(cookies[0]?.domain).to.equal("h1.test");
    });

    it("50 for those above and below it too, each on its own", () => {
      const jar = new CookieJar();
      for (let i = 0; i < 60; i++) {
        jar.set(URL_, `a${i}=1`);
        jar.set(URL_, `b${i}=1; Domain=example.com`);
      }
      expect([...jar]).to.have.length(100);
    });
  });

  it("shows its cookies, as copies", () => {
    const jar = jarOf("a=b; Domain=example.com; Path=/; Secure; HttpOnly; Max-Age=1");
    const [cookie] = jar;
    expect(cookie).to.deep.equal({
      name: "a",
      value: "b",
      domain: "example.com",
      hostOnly: false,
      path: "/",
      secure: true,
      httpOnly: true,
      expires: 1000,
    });
    Object.assign(cookie ?? {}, { value: "c\r\nx: y" });
    expect(jar.get(URL_)).to.equal("a=b");
  });

  it("forgets all that it has", () => {
    const jar = jarOf("a=b", ["https://example.org/", "c=d"]);
    jar.clear();
    expect([...jar]).to.deep.equal([]);
    expect(jar.get(URL_)).to.equal(undefined);
  });

  it("shows nothing where it is printed", () => {
    const jar = jarOf("name=SECRET");
    const holder = { jar, list: [jar] };
    for (const text of [inspect(holder, { depth: 9, showHidden: true }), JSON.stringify(holder), `${jar}`]) {
      expect(text).not.to.include("SECRET");
    }
  });

  it("is shared with no other jar", () => {
    jarOf("a=b");
    expect([...new CookieJar()]).to.deep.equal([]);
  });

  it("wants a url with a host, and does not repeat it", () => {
    for (const url of ["", "SECRET", "/SECRET", "data:SECRET", "file:///SECRET", "http://SECRET:x/"]) {
      for (const act of [(jar: CookieJar) => jar.get(url), (jar: CookieJar) => jar.set(url, "a=b")]) {
        const error = thrown(() => act(new CookieJar()), UsageError);
        expect(error.code).to.equal("ERR_WS_INVALID_URL");
        expect(inspect(error)).not.to.include("SECRET");
      }
    }
  });

  it("refuses options that it does not know", () => {
    for (const options of [{ nwo: Date.now }, { now: 5 }, null])
      thrown(() => new CookieJar(options as object), UsageError);
  });

  it("takes whatever a server says, and gives back nothing that would not fit into a header", () => {
    const text = fc.string({
      unit: fc.constantFrom(...'ab=;, \t"/.\xe9\r\n\0\u010a', "Path=/", "Domain=", "Max-Age=1"),
    });
    fc.assert(
      fc.property(fc.array(text), (lines) => {
        const jar = new CookieJar();
        for (const line of lines) jar.set("http://a.b/a/b", line);
        expect(jar.get("http://a.b/a/b") ?? "").to.match(/^[\x20-\x7e\x80-\xff]*$/);
        for (const cookie of jar) expect([cookie.domain, cookie.path[0]]).to.deep.equal(["a.b", "/"]);
      }),
    );
  });
});

// The option `cookies`: every form of it, what is refused, and what a jar is told by.

import { inspect } from "node:util";
import { expect } from "chai";
import { CookieJar } from "../../lib/client/cookie-jar.ts";
import { type CookiesOption, resolveCookies } from "../../lib/client/cookies.ts";
import { UsageError } from "../../lib/errors.ts";
import { rejection, thrown } from "../support/failure.ts";

/** As a caller without types may write it. */
function resolve(option: unknown): ReturnType<typeof resolveCookies> {
  return resolveCookies(option as CookiesOption);
}

/** The Cookie header that comes of a fixed option, or of a function's. */
async function header(option: unknown): Promise<string | undefined> {
  const { cookies, cookieJar } = resolve(option);
  expect(cookieJar).to.equal(undefined);
  return typeof cookies === "function" ? cookies() : cookies;
}

describe("resolveCookies", () => {
  const forms: [title: string, option: unknown, header: string | undefined][] = [
    ["none", undefined, undefined],
    ["an empty string", "", undefined],
    ["a string, as it is", "a=b; c d; =\xe9;", "a=b; c d; =\xe9;"],
    ["a record", { a: "b", c: "" }, "a=b; c="],
    ["an empty record", {}, undefined],
    ["a record without a prototype", Object.assign(Object.create(null), { a: "b" }), "a=b"],
    [
      "a record with names of Object.prototype",
      JSON.parse('{"__proto__":"a","toString":"b"}'),
      "__proto__=a; toString=b",
    ],
    [
      "a record with names of a jar's methods",
      { get: "a", set: "b", setCookie: "c", getCookieString: "d" },
      "get=a; set=b; setCookie=c; getCookieString=d",
    ],
    ["values in quotes", { a: '"b"', c: '""' }, 'a="b"; c=""'],
    [
      "all that a value may have",
      { a: "!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~" },
      "a=!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~",
    ],
  ];
  for (const [title, option, expected] of forms) {
    it(`takes ${title}`, async () => {
      expect(await header(option)).to.equal(expected);
      if (option === undefined) return;
      expect(await header(() => option)).to.equal(expected);
      expect(await header(async () => option)).to.equal(expected);
    });
  }

  it("calls a function for each attempt, and not before", async () => {
    let calls = 0;
    const { cookies } = resolve(() => `n=${++calls}`);
    expect(calls).to.equal(0);
    expect(typeof cookies === "function" && [await cookies(), await cookies()]).to.deep.equal(["n=1", "n=2"]);
  });

  const breaks = ["\r\n", "\n", "\r", "\0", "\x7f", "\x1b", "\u0100", "\u010a", "\u010d", "\u560a"];
  const wrong: unknown[] = [
    null,
    5,
    true,
    Symbol("a"),
    [],
    ["a=b"],
    [["a", "b"]],
    new Date(0),
    new String("a=b"),
    new Map([["a", "b"]]),
    new Headers({ a: "b" }),
    new URLSearchParams("a=b"),
    new FormData(),
    { get() {} },
    { set() {} },
    { getCookieString() {} },
    { get() {}, set: "b" },
    ...breaks.map((text) => `a=SECRET${text}b`),
    ...["", "a b", "a=", "a;", "a,", '"a"', "\u00e9", ...breaks].map((name) => ({ [name]: "SECRET" })),
    ...[" ", "a b", "a;", "a,b", 'a"b', '"a', 'a"', '"', "a\\b", "\t", "\u00e9", ...breaks].map((text) => ({
      a: `${text}SECRET`,
    })),
    ...[5, null, undefined, true, ["SECRET"], { toString: () => "SECRET" }].map((value) => ({ a: value })),
  ];
  for (const [i, option] of wrong.entries()) {
    it(`refuses ${inspect(option)} (${i})`, async () => {
      const error = thrown(() => resolve(option), UsageError);
      expect(error.code).to.equal("ERR_WS_INVALID_ARGUMENT");
      expect(inspect(error)).not.to.include("SECRET");
      await rejection(
        header(() => option),
        UsageError,
      );
      await rejection(
        header(async () => option),
        UsageError,
      );
    });
  }

  it("refuses a jar that a function gives: there is one for all attempts", async () => {
    await rejection(
      header(() => new CookieJar()),
      UsageError,
    );
  });

  it("copies a record", async () => {
    const record = { a: "b" };
    const { cookies } = resolve(record);
    record.a = "c\r\nd: e";
    expect(cookies).to.equal("a=b");
  });

  describe("takes for a jar", () => {
    it("a CookieJar", () => {
      const jar = new CookieJar();
      expect(resolve(jar)).to.deep.equal({ cookies: undefined, cookieJar: jar });
    });

    it("whatever has get and set, of its own or not, and calls them as its methods", () => {
      class Jar {
        line = "a=b";
        get() {
          return this.line;
        }
        set(_url: string, line: string) {
          this.line = line;
        }
      }
      const { cookieJar } = resolve(new Jar());
      cookieJar?.set("http://a/", "c=d");
      expect(cookieJar?.get("http://a/")).to.equal("c=d");
    });

    it("whatever has getCookieString and setCookie, and has it pass over what is no cookie", async () => {
      class Tough {
        readonly calls: unknown[][] = [];
        async getCookieString(...args: unknown[]) {
          this.calls.push(args);
          return "a=b";
        }
        async setCookie(...args: unknown[]) {
          this.calls.push(args);
        }
      }
      const jar = new Tough();
      const { cookieJar } = resolve(jar);
      expect(await cookieJar?.get("http://a/")).to.equal("a=b");
      await cookieJar?.set("http://a/", "c=d");
      expect(jar.calls).to.deep.equal([["http://a/"], ["c=d", "http://a/", { ignoreError: true }]]);
    });
  });
});

// The option `cookies`: a Cookie header, names with values, or a jar, checked.

import { UsageError } from "../errors.ts";
import { checkField, isToken } from "../handshake/http.ts";
import type { CookieStore } from "../session/cookies.ts";
import { type Provider, provide } from "./options.ts";

/** A jar as npm's tough-cookie has it. */
export interface ToughCookieJar {
  /** What the Cookie header of a request to that url says. */
  getCookieString(url: string): Promise<string>;
  /** Takes a Set-Cookie header of the answer from that url. */
  setCookie(line: string, url: string, options?: { ignoreError?: boolean }): Promise<unknown>;
}

/** What the Cookie header says, or names with values; a function gives either anew for each attempt. Or a jar. */
export type CookiesOption =
  | Provider<string | Readonly<Record<string, string>>>
  | CookieStore
  | ToughCookieJar;

/** The value of a cookie (RFC 6265 §4.1.1). */
const COOKIE_VALUE = /^("?)[!#-+\--:<-[\]-~]*\1$/;

/** What a request's Cookie header is, or a jar to ask for it. Throws UsageError. */
export function resolveCookies(option: CookiesOption | undefined): {
  readonly cookies: string | undefined | (() => Promise<string | undefined>);
  readonly cookieJar: CookieStore | undefined;
} {
  if (option === undefined) return { cookies: undefined, cookieJar: undefined };
  const cookieJar = jarOf(option);
  if (cookieJar !== undefined) return { cookies: undefined, cookieJar };
  return { cookies: provide(option as string | (() => string), cookieHeader), cookieJar };
}

/** The option as a jar, if it is one: that is told by its methods. */
function jarOf(option: CookiesOption): CookieStore | undefined {
  if (typeof option !== "object" || option === null) return undefined;
  if (has(option, "getCookieString") && has(option, "setCookie")) {
    const jar = option as ToughCookieJar;
    return {
      get: (url) => jar.getCookieString(url),
      // What a server may not set is none of the caller's errors.
      set: (url, line) => jar.setCookie(line, url, { ignoreError: true }),
    };
  }
  // A Map, Headers and the like have get() and set() too, which mean something else.
  return has(option, "get") && has(option, "set") && !has(option, "forEach")
    ? (option as CookieStore)
    : undefined;
}

function has(object: object, method: string): boolean {
  return typeof (object as Record<string, unknown>)[method] === "function";
}

function cookieHeader(given: string | Readonly<Record<string, string>>): string | undefined {
  const text = typeof given === "string" ? given : formatCookies(given);
  checkField("Cookie", text);
  return text === "" ? undefined : text;
}

function formatCookies(record: Readonly<Record<string, string>>): string {
  const isRecord =
    typeof record === "object" &&
    record !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(record));
  if (!isRecord)
    throw new UsageError(
      "cookies are a string, a record of strings, or a jar with get(url) and set(url, line)",
    );
  return Object.entries(record)
    .map(([name, value]) => {
      if (!isToken(name)) throw new UsageError("the name of a cookie is a token, like that of a header");
      if (typeof value !== "string" || !COOKIE_VALUE.test(value))
        throw new UsageError(
          `the value of cookie ${name} is to be a string without blanks, quotes, commas, semicolons, backslashes, and what is not ASCII: encode it`,
        );
      return `${name}=${value}`;
    })
    .join("; ");
}

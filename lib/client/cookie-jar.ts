// The cookies of a client, as RFC 6265 §5.3 and §5.4 keep and send them. There is no list of public suffixes.

import { UsageError } from "../errors.ts";
import { optionsOf } from "./options.ts";
import { type Cookie, type CookiePlace, isBelow, isWithin, parseSetCookie } from "./set-cookie.ts";

/** How many cookies there are at the most (RFC 6265 §6.1). */
const MAX_PER_DOMAIN = 50;
const MAX_COOKIES = 3000;

/** What a CookieJar takes. */
export interface CookieJarOptions {
  /** The time, in ms since 1970. Default Date.now. */
  readonly now?: () => number;
}

/**
 * Cookies in memory, for whoever is given the jar as option `cookies`. Urls may be ws: or http:, wss: or https:. Without a
 * list of public suffixes, a cookie for all of a top-level domain such as `com` is refused, and one for all of `co.uk` is not.
 */
export class CookieJar implements Iterable<Cookie> {
  readonly #now: () => number;
  /** The oldest first. */
  readonly #cookies = new Map<string, Cookie>();

  constructor(options: CookieJarOptions = {}) {
    const { now = Date.now } = optionsOf(options, "now");
    if (typeof now !== "function") throw new UsageError("now of a cookie jar is a function");
    this.#now = now;
  }

  /** What the Cookie header of a request to that url says; undefined for nothing. */
  get(url: string | URL): string | undefined {
    const { host, path, secure } = placeOf(url);
    const found = this.#fresh().filter(
      (cookie) =>
        (cookie.hostOnly ? host === cookie.domain : isWithin(host, cookie.domain)) &&
        isBelow(path, cookie.path) &&
        (secure || !cookie.secure),
    );
    found.sort((one, other) => other.path.length - one.path.length); // of equals the oldest first
    return found.map(({ name, value }) => `${name}=${value}`).join("; ") || undefined;
  }

  /** Takes a Set-Cookie header that came from that url; false if nothing may come of it. */
  set(url: string | URL, line: string): boolean {
    const from = placeOf(url);
    const cookie = parseSetCookie(line, from, this.#now());
    if (cookie === undefined || (!from.secure && this.#guards(cookie))) return false;
    this.#cookies.set(keyOf(cookie), cookie); // one that is there already keeps its place, and so its age
    const fresh = this.#fresh();
    this.#evict(
      fresh.filter(({ domain }) => domain === cookie.domain),
      MAX_PER_DOMAIN,
    );
    this.#evict(fresh, MAX_COOKIES);
    return true;
  }

  /** Forgets all cookies. */
  clear(): void {
    this.#cookies.clear();
  }

  /** Each cookie, the oldest first. */
  *[Symbol.iterator](): Iterator<Cookie> {
    for (const cookie of this.#fresh()) yield { ...cookie };
  }

  /** All cookies, once those are gone whose time has come. */
  #fresh(): Cookie[] {
    const now = this.#now();
    for (const [key, { expires }] of this.#cookies) if (expires <= now) this.#cookies.delete(key);
    return [...this.#cookies.values()];
  }

  /** Whether a Secure cookie is there that this one, which did not come over TLS, would replace or hide. */
  #guards({ name, domain, path }: Cookie): boolean {
    return this.#fresh().some(
      (cookie) =>
        cookie.secure &&
        cookie.name === name &&
        (isWithin(cookie.domain, domain) || isWithin(domain, cookie.domain)) &&
        isBelow(path, cookie.path),
    );
  }

  /** Makes room for the last one: the oldest goes, and what is Secure only when all are, as not everybody can set it. */
  #evict(cookies: readonly Cookie[], most: number): void {
    const victim = cookies.find(({ secure }) => !secure) ?? cookies[0];
    if (cookies.length > most && victim !== undefined) this.#cookies.delete(keyOf(victim));
  }
}

/** What makes two cookies one (§5.3, step 11). */
function keyOf({ name, domain, path }: Cookie): string {
  return [name, domain, path].join("\n"); // which is in none of them
}

function placeOf(url: string | URL): CookiePlace {
  try {
    const { protocol, hostname, pathname } = new URL(url);
    if (hostname !== "") return { host: hostname, path: pathname, secure: /^(https|wss):$/.test(protocol) };
  } catch {
    // The parser's own error repeats the url, which may hold a secret.
  }
  throw new UsageError("the url that a cookie jar is given is none, or has no host", "ERR_WS_INVALID_URL");
}

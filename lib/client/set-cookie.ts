// A Set-Cookie header to the cookie that it asks for (RFC 6265 §5.1 to §5.3), tolerant as user agents must be: what is not
// understood is passed over. With what browsers have tightened since: Secure is set over TLS alone, and names that begin
// with __Secure- or __Host- keep what they promise.

/** The longest name and value together, and the longest attribute, in bytes. */
const MAX_BYTES = 4096;
const MAX_ATTRIBUTE_BYTES = 1024;

/** A cookie as a jar keeps it. */
export interface Cookie {
  /** What stands before the first "=", as the server wrote it. */
  readonly name: string;
  /** What stands behind it, with its quotes if there are any. */
  readonly value: string;
  /** The host that set it, or the domain that it is for. */
  readonly domain: string;
  /** Only for the host itself, not for those below it. */
  readonly hostOnly: boolean;
  /** The path that it is for, with all below it. */
  readonly path: string;
  /** It is sent over TLS alone. */
  readonly secure: boolean;
  /** Scripts of pages may not read it; here it only tells so. */
  readonly httpOnly: boolean;
  /** Ms since 1970; Infinity for one that lasts as long as the jar. */
  readonly expires: number;
}

/** A request's url, as cookies see it. */
export interface CookiePlace {
  readonly host: string;
  readonly path: string;
  /** Over TLS. */
  readonly secure: boolean;
}

/** The cookie that a Set-Cookie header asks for, `now` being in ms since 1970; undefined if none may come of it. */
export function parseSetCookie(line: string, from: CookiePlace, now: number): Cookie | undefined {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(line)) return undefined;
  const [first = "", ...rest] = line.split(";");
  const [name, value] = pairOf(first);
  if (!first.includes("=") || name === "" || (name + value).includes("\t")) return undefined;

  const attributes = new Map(rest.map(attributeOf).filter(isMeant)); // of several the last
  const path = attributes.get("path") ?? "";
  const domain = attributes.get("domain") ?? from.host;
  const isNamed = /[^.]\.[^.]/.test(domain); // below a top-level domain, which may end in a dot
  const cookie = {
    name,
    value,
    domain,
    hostOnly: !attributes.has("domain") || !isNamed,
    path: path.startsWith("/") ? path : from.path.slice(0, from.path.lastIndexOf("/")) || "/",
    secure: attributes.has("secure"),
    httpOnly: attributes.has("httponly"),
    expires: expiry(attributes, now),
  };
  const mayBe =
    name.length + value.length <= MAX_BYTES &&
    cookie.path.length <= MAX_ATTRIBUTE_BYTES &&
    isWithin(from.host, domain) &&
    (isNamed || domain === from.host) &&
    (from.secure || !cookie.secure) &&
    (cookie.secure || !/^__(secure|host)-/i.test(name)) &&
    ((path === "/" && !attributes.has("domain")) || !/^__host-/i.test(name));
  return mayBe ? cookie : undefined;
}

/** Whether a host is the domain, or is below it (§5.1.3); below an address there is nobody. */
export function isWithin(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !/^[\d.]+$/.test(host));
}

/** Whether a path is the cookie's, or is below it (§5.1.4). */
export function isBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(above.endsWith("/") ? above : `${above}/`);
}

type Pair = readonly [name: string, value: string];

/** What stands before the first "=", and behind it. */
function pairOf(text: string): Pair {
  const at = text.indexOf("=");
  return at === -1 ? [trim(text), ""] : [trim(text.slice(0, at)), trim(text.slice(at + 1))];
}

/** Without the blanks around it: no others, as a byte of UTF-8 may pass for one; and no pattern, which would be slow. */
function trim(text: string): string {
  let [start, end] = [0, text.length];
  while (" \t".includes(text.charAt(start)) && start < end) start++;
  while (" \t".includes(text.charAt(end - 1)) && start < end) end--;
  return text.slice(start, end);
}

function attributeOf(text: string): Pair {
  const [name, value] = pairOf(text);
  const key = name.toLowerCase();
  return [key, key === "domain" ? value.toLowerCase().replace(/^\./, "") : value];
}

/** Whether an attribute says something; one that does not leaves those before it in force. */
function isMeant([name, value]: Pair): boolean {
  if (value.length > MAX_ATTRIBUTE_BYTES || (name === "domain" && value === "")) return false;
  if (name === "max-age") return /^-?\d+$/.test(value);
  return name !== "expires" || parseCookieDate(value) !== undefined;
}

/** Max-Age comes before Expires (§5.3, step 3); without either the cookie stays. */
function expiry(attributes: ReadonlyMap<string, string>, now: number): number {
  const age = attributes.get("max-age");
  if (age !== undefined) return Number(age) > 0 ? now + 1000 * Number(age) : Number.NEGATIVE_INFINITY;
  return parseCookieDate(attributes.get("expires") ?? "") ?? Number.POSITIVE_INFINITY;
}

/** A date in any of the many forms that servers write, in ms since 1970 (§5.1.1); undefined for none. */
export function parseCookieDate(text: string): number | undefined {
  const found: { time?: RegExpExecArray; day?: number; month?: number; year?: number } = {};
  for (const token of text.split(/[\t\x20-/;-@[-`{-~]+/)) {
    const time = /^(\d\d?):(\d\d?):(\d\d?)(?!\d)/.exec(token);
    const [, day] = /^(\d\d?)(?!\d)/.exec(token) ?? [];
    const month =
      "jan feb mar apr may jun jul aug sep oct nov dec".indexOf(token.slice(0, 3).toLowerCase()) / 4;
    const [, year] = /^(\d{2,4})(?!\d)/.exec(token) ?? [];
    if (time !== null && found.time === undefined) found.time = time;
    else if (day !== undefined && found.day === undefined) found.day = Number(day);
    else if (Number.isInteger(month) && month >= 0 && token.length >= 3 && found.month === undefined)
      found.month = month;
    else if (year !== undefined && found.year === undefined) found.year = Number(year);
  }
  const { time, day, month, year: short } = found;
  if (time === undefined || day === undefined || month === undefined || short === undefined) return undefined;
  const year = short + (short < 70 ? 2000 : short < 100 ? 1900 : 0);
  const [hour = 0, minute = 0, second = 0] = time.slice(1).map(Number);
  const date = new Date(Date.UTC(year, month, day, hour, minute, second));
  // A date that there is not has become another one.
  const isDate = date.getUTCDate() === day && date.getUTCHours() === hour && minute < 60 && second < 60;
  return isDate && year >= 1601 ? date.getTime() : undefined;
}

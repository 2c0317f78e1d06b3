// The grammar of no_proxy: which hosts are reached without a proxy. Members stand between commas or blanks:
//
//   *                           every host
//   example.com, .example.com   the domain and all below it; *.example.com too. badexample.com is another
//   10.1.2.3, ::1, [::1]        an address, compared by value: ::ffff:10.1.2.3 is 10.1.2.3
//   10.0.0.0/8, fd00::/8        the addresses that begin with so many bits of this one
//   example.com:8080, [::1]:81  of any of these, only that port
//
// Names are not looked up: an address exempts no name that leads to it.

import { addressBytes, canonicalHost, type Place } from "./host.ts";

/** Hosts that a proxy is not asked for. */
export interface Exemption {
  /** Whether the bits of an address or the labels of a name are among those meant. */
  readonly covers: (bits: string | undefined, name: string) => boolean;
  /** Undefined for every port. */
  readonly port: number | undefined;
}

/** Hosts and a port, where the last colon is not one of IPv6. */
const WITH_PORT = /^(?:\[([^\]:]*:[^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/;

/** The members of a list. */
export function membersOf(list: string): string[] {
  return list.split(/[\s,]+/).filter((member) => member !== "");
}

/** What a member of the list means; undefined for what is outside the grammar. */
export function parseExemption(member: string): Exemption | undefined {
  const [, inBrackets, plain, digits] = WITH_PORT.exec(member) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 0xffff)) return undefined;
  const covers = parseHosts(inBrackets ?? plain ?? member);
  return covers && { covers, port };
}

function parseHosts(text: string): Exemption["covers"] | undefined {
  if (text === "*") return () => true;
  const [, base = text, count] = /^(.*)\/(\d{1,3})$/.exec(text) ?? [];
  const own = bitsOf(base);
  if (own !== undefined) {
    const most = base.includes(":") ? 128 : 32;
    if (Number(count) > most) return undefined;
    const prefix = own.slice(0, 128 - most + Number(count ?? most));
    // An IPv6 prefix so short that all of IPv4, as IPv6 maps it, falls under it does not mean IPv4.
    return (bits) => bits?.startsWith(prefix) === true && (prefix.length >= 96 || !bits.startsWith(MAPPED));
  }
  const domain = withoutDot(canonicalHost(base.replace(/^\*?\./, "")) ?? "");
  if (count !== undefined || !/^[\w-]+(\.[\w-]+)*$/.test(domain) || addressBytes(domain)) return undefined;
  return (_bits, name) => `.${name}`.endsWith(`.${domain}`); // of no address: none ends like a domain
}

/** Whether the place is to be reached without a proxy. */
export function isExempt(exemptions: readonly Exemption[], { host, port }: Place): boolean {
  const name = withoutDot(canonicalHost(host) ?? host);
  const bits = bitsOf(name);
  return exemptions.some((exemption) => (exemption.port ?? port) === port && exemption.covers(bits, name));
}

/** How the 128 bits of an IPv6 address begin that stands for an IPv4 one (RFC 4291 §2.5.5.2). */
const MAPPED = "0".repeat(80) + "1".repeat(16);

/** The 128 bits of an address, as digits; undefined for what is none. */
function bitsOf(text: string): string | undefined {
  // No other way of writing IPv4 is taken: what is 8.0.0.1 to one is 10.0.0.1 to others.
  if (!text.includes(":") && canonicalHost(text) !== text) return undefined;
  const bytes = addressBytes(canonicalHost(text) ?? "");
  const bits = bytes?.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits && (bits.length === 32 ? MAPPED + bits : bits);
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, "");
}

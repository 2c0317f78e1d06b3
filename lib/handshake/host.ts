// The hosts of urls, lists and options: texts to names and addresses in their one canonical form, and addresses to bytes.
// Names are resolved by others.

/** Where a tunnel goes: a name or an address without brackets, and a port. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * The host as a url's parser has it, without brackets: in lower case and ASCII, IPv4 as dotted quad, IPv6 compressed
 * (RFC 5952). Undefined for what is no host.
 */
export function canonicalHost(text: string): string | undefined {
  if (text === "" || /[\s/\\?#@[\]]/.test(text)) return undefined;
  try {
    return new URL(`http://${bracketed(text)}/`).hostname.replace(/^\[(.*)\]$/, "$1");
  } catch {
    return undefined;
  }
}

/** A host as it stands before a port: an IPv6 address in brackets. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The 4 or 16 bytes of an address in canonical form; undefined for a name. */
export function addressBytes(host: string): number[] | undefined {
  if (!host.includes(":")) {
    const bytes = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? host.split(".").map(Number) : [];
    return bytes.length > 0 && bytes.every((byte) => byte < 256) ? bytes : undefined;
  }
  const [head = [], tail = []] = host
    .split("::")
    .map((groups) => groups.split(":").filter((group) => group !== ""));
  const zeros: string[] = Array(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

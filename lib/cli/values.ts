// The texts that flags are given, as values. Each throws UsageError, which names the flag and says what it takes.

import { UsageError } from "../errors.ts";

/** Whether a text is a number as seconds are given, which tells one from a url. */
export function isNumber(text: string): boolean {
  return /^(\d+(\.\d*)?|\.\d+)$/.test(text);
}

/** Seconds, in ms. */
export function seconds(flag: string, text: string): number {
  const ms = isNumber(text) ? Math.round(Number(text) * 1000) : Number.NaN;
  if (ms < 2 ** 31) return ms;
  throw wrong(flag, text, "a number of seconds, such as 5 or 0.5");
}

/** Seconds that are more than none, in ms. */
export function someSeconds(flag: string, text: string): number {
  const ms = seconds(flag, text);
  if (ms > 0) return ms;
  throw wrong(flag, text, "a number of seconds above 0");
}

/** Seconds in ms, or `forever`. */
export function secondsOrForever(flag: string, text: string): number {
  return text === "forever" ? Number.POSITIVE_INFINITY : seconds(flag, text);
}

export function positive(flag: string, text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw wrong(flag, text, "a whole number above 0");
}

const UNITS: Record<string, number> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** Bytes; `64k`, `16M` and `1G` count in 1024s. */
export function size(flag: string, text: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw wrong(flag, text, "a number of bytes, such as 65536, 64k or 16M");
}

/** `host:port` or `[address]:port`. */
export function place(flag: string, text: string): { host: string; port: number } {
  const [, address, name = address, digits = ""] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (name !== undefined && port > 0 && port < 0x10000) return { host: name, port };
  throw wrong(flag, text, "HOST:PORT, with an IPv6 address in brackets");
}

/** `code` or `code:reason`; the library checks whether they may be sent. */
export function closing(flag: string, text: string): { code: number; reason: string } {
  const [, digits, reason = ""] = /^(\d{4})(?::(.*))?$/s.exec(text) ?? [];
  if (digits !== undefined) return { code: Number(digits), reason };
  throw wrong(flag, text, "CODE or CODE:REASON, such as 4000:bye");
}

/** The bytes of hex digits; white space between them is for the eye. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s/g, "");
  if (digits.length % 2 === 1 || /[^0-9a-f]/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function wrong(flag: string, text: string, takes: string): UsageError {
  return new UsageError(`${flag} takes ${takes}, not ${JSON.stringify(text)}`);
}

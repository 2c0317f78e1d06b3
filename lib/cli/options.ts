// Settings to the library's options: here files are read. What the library refuses, it refuses itself.

import { webText } from "../bytes/utf8.ts";
import type { AppOptions } from "../client/app.ts";
import { isPlain } from "../client/options.ts";
import { checkClose } from "../codec/close-code.ts";
import { UsageError } from "../errors.ts";
import { replay } from "../session/replay.ts";
import type { TlsOptions } from "../transport/transport.ts";
import type { Settings } from "./settings.ts";

/** Reads a file; throws what the system says. */
export type ReadFile = (path: string) => Uint8Array;

/** Throws UsageError for a file that cannot be read, and for what is in it. */
export function optionsOf(settings: Settings, read: ReadFile): AppOptions {
  const { timeout, maxSize, family, origin, host, connectTo, socketPath, proxy, reconnect, ping } = settings;
  if (settings.close !== undefined) checkClose(settings.close.code, settings.close.reason, webText);
  const given: { [Name in keyof AppOptions]: unknown } = {
    headers: headersOf(settings.headers, read),
    protocols: settings.protocols,
    origin,
    host,
    cookies: settings.cookie && textOf("--cookie", settings.cookie, read).trim(),
    tls: tlsOf(settings, read),
    connectTo,
    socketPath,
    family,
    proxy,
    timeout,
    maxMessageSize: maxSize,
    redirect: settings.follow ? "follow" : undefined,
    perMessageDeflate: settings.compress || undefined,
    reconnect,
    keepAlive: ping === undefined ? undefined : { interval: ping, timeout: ping },
    transport: settings.replay && replayOf(settings.replay, read),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function headersOf(fields: readonly string[], read: ReadFile): [string, string][] {
  return fields.flatMap((field) => {
    if (!field.startsWith("@")) return [headerField(field)];
    const lines = textOf("--header", field, read).split(/\r?\n/);
    return lines.filter((line) => line.trim() !== "").map(headerField);
  });
}

function headerField(field: string): [string, string] {
  const colon = field.indexOf(":");
  // The field is not repeated in the message: it may be a secret.
  if (colon < 1) throw new UsageError("--header takes 'Name: value', or @FILE: one of them has no colon");
  return [field.slice(0, colon).trim(), field.slice(colon + 1).trim()];
}

/** The value of a flag, or what is in the file that it names behind an "@". */
function textOf(flag: string, value: string, read: ReadFile): string {
  if (!value.startsWith("@")) return value;
  return new TextDecoder().decode(fileOf(flag, value.slice(1), read));
}

function tlsOf(settings: Settings, read: ReadFile): TlsOptions | undefined {
  const { url, follow, verify, ca, cert, key = cert, passphraseFile, servername, pins } = settings;
  const passphrase = passphraseFile && fileOf("--passphrase-file", passphraseFile, read);
  const given: { [Name in keyof TlsOptions]: unknown } = {
    // Where there is no TLS there is nothing to verify: scripts may say so for every url.
    rejectUnauthorized: verify || isPlain(url, follow ? "follow" : "error") ? undefined : false,
    ca: ca.length === 0 ? undefined : ca.map((path) => pemOf("--ca", path, "CERTIFICATE", read)),
    cert: cert && pemOf("--cert", cert, "CERTIFICATE", read),
    key: key && pemOf("--key", key, "PRIVATE KEY", read),
    passphrase: passphrase && new TextDecoder().decode(passphrase).split(/\r?\n/, 1)[0],
    servername,
    pins: pins.length === 0 ? undefined : pins,
  };
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** A file in PEM (RFC 7468) that has such a thing in it: runtimes say little of one that has not, or nothing. */
function pemOf(flag: string, path: string, what: "CERTIFICATE" | "PRIVATE KEY", read: ReadFile): Uint8Array {
  const bytes = fileOf(flag, path, read);
  if (new RegExp(`-----BEGIN ([A-Z0-9]+ )*${what}-----`).test(new TextDecoder("latin1").decode(bytes)))
    return bytes;
  throw new UsageError(`${flag}: ${path} has no ${what.toLowerCase()} in PEM`);
}

function replayOf(path: string, read: ReadFile): AppOptions["transport"] {
  const recording = new TextDecoder().decode(fileOf("--replay", path, read));
  try {
    return replay(recording);
  } catch (cause) {
    const why = cause instanceof UsageError ? cause.message : String(cause);
    throw new UsageError(`--replay: ${path} cannot be played: ${why}`, undefined, { cause });
  }
}

function fileOf(flag: string, path: string, read: ReadFile): Uint8Array {
  try {
    return read(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new UsageError(`${flag}: ${path} cannot be read: ${code ?? message}`, undefined, { cause });
  }
}

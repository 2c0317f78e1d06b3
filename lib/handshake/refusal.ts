// A server's no to an upgrade: an HTTP answer that is not 101, and the error that tells of it.

import { encodeLatin1 } from "../bytes/latin1.ts";
import { HandshakeError, type RawHeaders, UsageError } from "../errors.ts";
import { checkField } from "./http.ts";

/** What a client is told that is refused. */
export interface RefusalAnswer {
  /** Text; sent as text/plain in UTF-8 unless `headers` have a Content-Type. Default: the reason phrase of the status. */
  readonly body?: string;
  /** Sent besides Connection and Content-Length. */
  readonly headers?: Iterable<readonly [string, string]> | Readonly<Record<string, string>>;
}

/** Reason phrases, which only people read. */
const PHRASES: Readonly<Record<number, string>> = {
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  410: "Gone",
  421: "Misdirected Request",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** Header fields that say how the answer is sent, in lower case. */
const RESERVED = ["connection", "content-length", "transfer-encoding"];

/**
 * The upgrade is refused with that status, and the connection is ended. A hook of accept() throws one; accept() rejects with
 * it, or with one of its own where the request is no valid handshake. Only what is made of this class is told to the client.
 */
export class RefusalError extends HandshakeError {
  static {
    RefusalError.prototype.name = "RefusalError";
  }

  /** `why` is for the message alone. Throws UsageError for a status outside 300 to 599, and for headers that cannot be sent. */
  constructor(status: number, answer: RefusalAnswer = {}, options: { why?: string; cause?: unknown } = {}) {
    if (!Number.isInteger(status) || status < 300 || status > 599)
      throw new UsageError("an upgrade is refused with a status from 300 to 599");
    const statusText = PHRASES[status] ?? "";
    const { body = `${statusText || "Refused"}\n` } = answer;
    if (typeof body !== "string") throw new UsageError("the body of a refusal is a string");
    const message = `the upgrade was refused: ${`${status} ${statusText}`.trim()}`;
    super(
      "ERR_WS_UNEXPECTED_STATUS",
      options.why === undefined ? message : `${message}: ${options.why}`,
      { status, statusText, rawHeaders: fieldsOf(answer.headers ?? {}), body },
      options,
    );
  }
}

function fieldsOf(headers: NonNullable<RefusalAnswer["headers"]>): RawHeaders {
  const fields: RawHeaders = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  for (const [name, value] of fields) {
    if (typeof name !== "string" || typeof value !== "string")
      throw new UsageError("the headers of a refusal are a record of strings, or a list of pairs");
    checkField(name, value);
    if (RESERVED.includes(name.toLowerCase()))
      throw new UsageError(`header ${name} of a refusal is set by itself`);
  }
  return fields;
}

/** The answer's bytes; the connection ends behind them. */
export function formatRefusal(
  { status, statusText, rawHeaders, body }: HandshakeError,
  isHead = false,
): Uint8Array {
  const content = new TextEncoder().encode(body);
  const has = (name: string) => rawHeaders.some(([key]) => key.toLowerCase() === name);
  const headers: RawHeaders = [
    // Who sends Upgrade says so in Connection too (RFC 9110 §7.8).
    ["Connection", has("upgrade") ? "Upgrade, close" : "close"],
    ["Content-Length", `${content.length}`],
    ...(has("content-type") ? [] : [["Content-Type", "text/plain; charset=utf-8"] as const]),
    ...rawHeaders,
  ];
  const head = formatHead(status ?? 500, statusText, headers);
  return isHead ? head : joined(head, content);
}

/** The head of an answer. What can stand in a line is checked once more, so that no caller can add another. */
export function formatHead(status: number, statusText: string, headers: RawHeaders): Uint8Array {
  for (const [name, value] of headers) checkField(name, value);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return encodeLatin1(`HTTP/1.1 ${status} ${statusText}\r\n${lines.join("")}\r\n`);
}

function joined(head: Uint8Array, content: Uint8Array): Uint8Array {
  const all = new Uint8Array(head.length + content.length);
  all.set(head);
  all.set(content, head.length);
  return all;
}

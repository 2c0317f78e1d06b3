// The heads and bodies of HTTP/1.1 messages (RFC 9110, RFC 9112): requests are formatted, responses are read.
// Strict where it guards: lines end in CRLF, names are tokens, no folding, no control characters, and limits on a line,
// the count and the total. Tolerant where servers differ and nothing is at stake: no reason phrase, no space after
// the colon, any case.

import { escapeControls } from "../bytes/escape.ts";
import { decodeLatin1, encodeLatin1 } from "../bytes/latin1.ts";
import { webText } from "../bytes/utf8.ts";
import { HandshakeError, LimitError, type RawHeaders, UsageError } from "../errors.ts";
import { redactedUrls } from "./redaction.ts";
import type { Talk } from "./talk.ts";

/** The head of a response, as it came. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly rawHeaders: RawHeaders;
  /** The minor version of HTTP/1. */
  readonly minorVersion: number;
}

/** The default of `maxHeaderSize`: all of a response's head, in bytes. */
export const DEFAULT_MAX_HEADER_SIZE: number = 64 * 1024;

/** A response may have a header field for each 256 bytes of `maxHeaderSize`, 256 by default, and never less than 64. */
function mostFields(maxHeaderSize: number): number {
  return Math.max(64, Math.floor(maxHeaderSize / 256));
}

/** The most of a body that is kept, in bytes. */
export const MAX_BODY: number = 64 * 1024;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What may stand in a field, as Latin-1. */
export const FIELD_VALUE: RegExp = /^[\t\x20-\x7e\x80-\xff]*$/;
const STATUS_LINE = /^HTTP\/1\.(\d) (\d{3})(?: (.*))?$/;

/** Whether `text` is a token (RFC 9110 §5.6.2), as header names and subprotocols are. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Throws UsageError unless `name` and `value` can stand in a header field as they are. */
export function checkField(name: string, value: string): void {
  if (!isToken(name)) {
    // A value that slipped in behind the name may be a secret.
    const [head = ""] = name.split(/[\s:=]/, 1);
    const shown = escapeControls(JSON.stringify(head === name ? name : `${head}...`));
    throw new UsageError(`${shown} is not a header name`);
  }
  if (!FIELD_VALUE.test(value)) {
    // The value may be a secret, so it is not shown.
    throw new UsageError(
      `the value of header ${name} has a character that no header may carry: line ends, controls, and what is beyond Latin-1`,
    );
  }
}

/** A request's head as bytes. What can stand in a line is checked once more, so that no caller can add another. */
export function formatRequest(method: string, target: string, headers: RawHeaders): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(target))
    throw new UsageError("the request target has a character that no url may carry");
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (const field of headers) {
    checkField(field[0], field[1]);
    head += `${field.join(": ")}\r\n`;
  }
  return encodeLatin1(`${head}\r\n`);
}

/** The values of every field of that name, in order. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (const field of headers)
    if (field[0].length === name.length && field[0].toLowerCase() === name) values.push(field[1]);
  return values;
}

/** The members of the fields of that name as a list (RFC 9110 §5.6.1), in lower case. */
export function tokensOf(headers: RawHeaders, name: string): string[] {
  const members = valuesOf(headers, name).join().toLowerCase().split(",");
  return members.map((member) => member.trim()).filter((member) => member !== "");
}

/** Reads a response's head. Throws HandshakeError, which tells what was read before, and LimitError. */
export function* readHead(maxHeaderSize: number): Talk<ResponseHead> {
  const rawHeaders: (readonly [string, string])[] = [];
  let read: { status?: number; statusText?: string; rawHeaders: RawHeaders } = { rawHeaders };
  const invalid: Invalid = (message) => new HandshakeError("ERR_WS_INVALID_RESPONSE", message, read);
  let left = maxHeaderSize;
  const lineOf = (bytes: Uint8Array, prefix?: string): string => {
    left -= bytes.length;
    const text = decodeLatin1(bytes);
    if (text.endsWith("\r\n")) return text.slice(0, -2);
    // What is no HTTP is just that, however much of it came at once.
    if (left === 0 && isLike(text, prefix)) throw headersTooBig(maxHeaderSize);
    throw invalid(whyNoLine(text, prefix));
  };

  const prefix = "HTTP/1.";
  const statusLine = lineOf(yield { line: left, prefix }, prefix);
  const [, minor, status, statusText = ""] = STATUS_LINE.exec(statusLine) ?? [];
  if (status === undefined || !FIELD_VALUE.test(statusText)) {
    throw invalid(`the answer's first line is not a status line: ${quote(statusLine)}`);
  }
  const head = { status: Number(status), statusText, rawHeaders, minorVersion: Number(minor) };
  read = head;
  for (;;) {
    const line = lineOf(yield { line: left });
    if (line === "") return head;
    if (rawHeaders.length >= mostFields(maxHeaderSize)) throw tooManyHeaders(maxHeaderSize);
    rawHeaders.push(parseField(line, invalid));
  }
}

type Invalid = (message: string) => HandshakeError;

/** Whether a text begins like `prefix`, as far as it goes. */
function isLike(text: string, prefix = ""): boolean {
  return text.startsWith(prefix.slice(0, text.length));
}

/** What is wrong with bytes that do not end in CRLF. */
function whyNoLine(text: string, prefix: string | undefined): string {
  if (!isLike(text, prefix)) return `the answer is not HTTP/1: it begins ${quote(text)}`;
  if (text.endsWith("\n")) return "the answer has a line that ends in LF without CR";
  if (prefix !== undefined && text === "") return "the connection was closed before an answer came";
  return "the connection was closed in the middle of the answer's head";
}

function parseField(line: string, invalid: Invalid): readonly [string, string] {
  const colon = line.indexOf(":");
  const name = colon === -1 ? line : line.slice(0, colon);
  const value = line.slice(colon + 1);
  if (colon === -1 || !isToken(name)) {
    // Up to what may not be there: the rest of a folded Set-Cookie, say, is a secret.
    const [head = ""] = /^[!#-'*+\-.^_`|~\w]*./s.exec(line) ?? [];
    throw invalid(`the answer has a malformed header line: ${quote(head)}`);
  }
  if (!FIELD_VALUE.test(value)) throw invalid(`the answer's header ${name} has a control character`);
  return [name, trimBlanks(value)];
}

/** Without the spaces and tabs around it; no regular expression, as those take quadratic time on long runs of blanks. */
export function trimBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}

/**
 * Reads what there is of a response's body, up to MAX_BODY bytes, as text: by Transfer-Encoding, Content-Length, or until
 * the peer closes (RFC 9112 §6.3). Whatever is wrong with it ends it: a body is only told to people.
 */
export function* readBody(head: ResponseHead): Talk<string> {
  const body = new BodyBuffer();
  if (head.status === 204 || head.status === 304) return "";
  if (tokensOf(head.rawHeaders, "transfer-encoding").includes("chunked")) {
    yield* readChunks(body);
  } else {
    const declared = valuesOf(head.rawHeaders, "content-length")[0];
    const length = declared !== undefined && /^\d{1,15}$/.test(declared) ? Number(declared) : MAX_BODY;
    yield* readBytes(body, length);
  }
  return body.text();
}

class BodyBuffer {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  get room(): number {
    return MAX_BODY - this.#length;
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  text(): string {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return webText.decodeLossy(all, 0, all.length);
  }
}

/** Reads `length` bytes, or as many as there is room for; false when the stream ended before. */
function* readBytes(body: BodyBuffer, length: number): Talk<boolean> {
  let left = Math.min(length, body.room);
  while (left > 0) {
    const bytes = yield { some: left };
    if (bytes.length === 0) return false;
    body.add(bytes);
    left -= bytes.length;
  }
  return true;
}

/** RFC 9112 §7.1; extensions and trailers are passed over. */
function* readChunks(body: BodyBuffer): Talk<void> {
  while (body.room > 0) {
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?\r\n$/i.exec(decodeLatin1(yield { line: 1024 }))?.[1];
    if (size === undefined || Number.parseInt(size, 16) === 0) return;
    if (!(yield* readBytes(body, Number.parseInt(size, 16)))) return;
    yield { line: 2 };
  }
}

/**
 * The beginning of the first line that a peer sent, fit for a message: bytes that are not printable ASCII are escaped. A
 * peer that sends our request back shows neither its query nor its headers.
 */
function quote(text: string): string {
  const [line = ""] = /^[\r\n]*[^\r\n]*/.exec(text) ?? [];
  const safe = redactedUrls(line);
  const shown = safe.length > 80 ? `${safe.slice(0, 80)}...` : safe;
  const byte = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return `"${shown.replace(/[^\x20-\x7e]/g, byte)}"`;
}

function headersTooBig(maxHeaderSize: number): LimitError {
  return new LimitError(
    "ERR_WS_HEADERS_TOO_BIG",
    `the answer's head exceeds maxHeaderSize (${maxHeaderSize} bytes)`,
    { limit: "maxHeaderSize", actual: maxHeaderSize },
  );
}

function tooManyHeaders(maxHeaderSize: number): LimitError {
  const most = mostFields(maxHeaderSize);
  return new LimitError(
    "ERR_WS_HEADERS_TOO_BIG",
    `the answer has more than ${most} header fields, as many as maxHeaderSize (${maxHeaderSize} bytes) allows`,
    { limit: "maxHeaderSize", actual: most + 1 },
  );
}

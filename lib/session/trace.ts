// What crosses the wire, in lines for people: the layout of websocket-client's enableTrace. Secrets are left out.

import { describeDecoded, describeRaw, escapeControls, type Frame, SHOWN_BYTES } from "../codec/describe.ts";
import type { FrameDecoder } from "../codec/frame-decoder.ts";
import type { Opcode } from "../codec/opcode.ts";
import type { RawHeaders } from "../errors.ts";
import { hideValues } from "../handshake/endpoint.ts";
import type { ResponseHead } from "../handshake/http.ts";
import type { FrameObserver } from "../protocol/protocol.ts";

/** Where a trace goes. */
export interface TraceSink {
  /** Takes one line, without its end. */
  write(line: string): void;
  /** False: credentials, cookies and query values are shown. Default true. */
  readonly redact?: boolean;
}

const RULE = "-----------------------";

/** Headers whose values are secrets, and names that tell of one. */
const SECRET_HEADER =
  /^(authorization|proxy-authorization|cookie|set-cookie)$|(auth|token|secret|passw|credential|session|api-?key|signature)/i;

export class Trace implements FrameObserver {
  readonly #sink: TraceSink;
  readonly #redact: boolean;
  /** The received frame whose end has not arrived. */
  #frame: Frame | undefined;

  constructor(sink: TraceSink) {
    this.#sink = sink;
    this.#redact = sink.redact ?? true;
  }

  /** A request's head as it was sent. */
  request(method: string, resource: string, headers: RawHeaders): void {
    const [path = "", ...query] = resource.split("?");
    const shown = this.#redact && query.length > 0 ? path + hideValues(`?${query.join("?")}`) : resource;
    // The dumped string ends with the empty line of the head, and the dump adds a line end of its own.
    this.#block("--- request header ---", [`${method} ${shown} HTTP/1.1`, ...this.#fields(headers), "", ""]);
  }

  response(head: ResponseHead): void {
    const statusLine = `HTTP/1.${head.minorVersion} ${head.status} ${head.statusText}`;
    this.#block("--- response header ---", [statusLine, ...this.#fields(head.rawHeaders)]);
  }

  sent(opcode: Opcode, fin: boolean, payload: Uint8Array, key: number | null): void {
    this.#pair("Sent", { fin, rsv1: false, opcode, payload, length: payload.length, key });
  }

  received(frame: FrameDecoder): void {
    const had = frame.isFirst || this.#frame === undefined ? new Uint8Array(0) : this.#frame.payload;
    const room = Math.max(0, SHOWN_BYTES - had.length);
    const more = frame.bytes.subarray(frame.start, Math.min(frame.end, frame.start + room));
    this.#frame = {
      fin: frame.fin,
      rsv1: frame.rsv1,
      opcode: frame.opcode as Opcode,
      payload: Uint8Array.from([...had, ...more]),
      length: frame.length,
      key: null,
    };
    if (frame.isLast) this.#pair("Rcv", this.#frame);
  }

  #pair(verb: string, frame: Frame): void {
    this.#sink.write(`++${verb} raw: ${describeRaw(frame)}`);
    this.#sink.write(`++${verb} decoded: ${describeDecoded(frame)}`);
  }

  #block(title: string, lines: readonly string[]): void {
    for (const line of [title, ...lines, RULE]) this.#sink.write(escapeControls(line));
  }

  #fields(headers: RawHeaders): string[] {
    return headers.map(([name, value]) => `${name}: ${this.#redact ? redacted(name, value) : value}`);
  }
}

/** A header's value without its secrets; a Location has a query, and may have credentials. */
function redacted(name: string, value: string): string {
  if (SECRET_HEADER.test(name)) return "***";
  if (name.toLowerCase() !== "location") return value;
  const query = value.indexOf("?");
  const place = (query === -1 ? value : value.slice(0, query)).replace(/\/\/[^/]*@/, "//***@");
  return query === -1 ? place : place + hideValues(value.slice(query));
}

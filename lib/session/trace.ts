// What crosses the wire, for people: lines in the layout of websocket-client's enableTrace, and events for programs.
// Secrets of the handshake are left out; what messages say is shown, as that is what a trace is for.

import { escapeControls } from "../bytes/escape.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import { describeDecoded, describeRaw, type Frame, SHOWN_BYTES, wireBytes } from "../codec/describe.ts";
import type { FrameDecoder } from "../codec/frame-decoder.ts";
import type { Opcode } from "../codec/opcode.ts";
import type { RawHeaders } from "../errors.ts";
import type { ResponseHead } from "../handshake/http.ts";
import { redactedResource, redactedValue } from "../handshake/redaction.ts";
import type { FrameObserver } from "../protocol/protocol.ts";
import type { Tolerance } from "../protocol/tolerance.ts";
import { type TraceEvent, type TraceEventData, traceEvent } from "./trace-event.ts";

type Direction = "sent" | "received";

/** Where a trace goes: to either function, or both. One that throws, or whose promise rejects, harms no connection. */
export interface TraceSink {
  /** Takes one line, without its end; whatever could act on a terminal is escaped. */
  write?(line: string): unknown;
  /** Takes one event: a head, a frame, a note or a warning. Its bytes are the sink's to keep. */
  event?(event: TraceEvent): unknown;
  /** False: credentials, cookies and query values are shown. Default true. */
  readonly redact?: boolean;
}

/** The most of a payload, in bytes, that an event has. */
export const EVENT_BYTES: number = 64 * 1024;

const RULE = "-----------------------";
const EMPTY = new Uint8Array(0);

/** Attempts to connect that were traced, to tell one from another. */
let connections = 0;

/** The trace of one connection after another: an app's, say. */
export class Trace implements FrameObserver {
  readonly #sink: TraceSink;
  readonly #redact: boolean;
  /** How much of a payload is kept, in bytes. */
  readonly #most: number;
  #connection = 0;
  #url = "";
  /** What there is of the payload of the received frame: buffer[0, had). */
  #buffer: Uint8Array = EMPTY;
  #had = 0;

  constructor(sink: TraceSink) {
    this.#sink = sink;
    this.#redact = sink.redact ?? true;
    this.#most = sink.event === undefined ? SHOWN_BYTES : EVENT_BYTES;
  }

  /** What follows is about another connection, or the attempt at one, to that url in its public form. */
  begin(url: string): void {
    this.#connection = ++connections;
    this.#url = url;
  }

  /** A request's head as it was sent. */
  request(method: string, resource: string, headers: RawHeaders, direction: Direction = "sent"): void {
    const shown = this.#redact ? redactedResource(resource) : resource;
    this.#head("request", direction, `${method} ${shown} HTTP/1.1`, headers);
  }

  /** A response's head as it was read. */
  response(
    head: Pick<ResponseHead, "minorVersion" | "status" | "statusText" | "rawHeaders">,
    direction: Direction = "received",
  ): void {
    const statusLine = `HTTP/1.${head.minorVersion} ${head.status} ${head.statusText}`;
    this.#head("response", direction, statusLine, head.rawHeaders);
  }

  sent(opcode: Opcode, fin: boolean, payload: Uint8Array, key: number | null, rsv1 = false): void {
    const { length } = payload;
    this.#frame("sent", { fin, rsv1, opcode, payload: payload.subarray(0, this.#most), length, key });
  }

  received(frame: FrameDecoder): void {
    const { fin, rsv1, opcode, length, bytes, start, end } = frame;
    if (frame.isFirst) {
      this.#buffer = new Uint8Array(Math.min(length, this.#most));
      this.#had = 0;
    }
    const part = bytes.subarray(start, Math.min(end, start + this.#buffer.length - this.#had));
    this.#buffer.set(part, this.#had);
    this.#had += part.length;
    if (!frame.isLast) return;
    const payload = this.#buffer;
    this.#buffer = EMPTY;
    this.#frame("received", { fin, rsv1, opcode: opcode as Opcode, payload, length, key: null });
  }

  /** What happens besides, in a line of its own. */
  note(text: string): void {
    this.#sink.write?.(escapeControls(text));
    this.#event(() => ({ kind: "note", text }));
  }

  tolerated(tolerance: Tolerance): void {
    this.#sink.write?.(`warning: tolerated ${tolerance}`);
    this.#event(() => ({ kind: "warning", tolerance }));
  }

  #head(
    kind: "request" | "response",
    direction: "sent" | "received",
    startLine: string,
    raw: RawHeaders,
  ): void {
    const headers = raw.map(
      ([name, value]) => [name, this.#redact ? redactedValue(name, value) : value] as const,
    );
    const lines = [startLine, ...headers.map(([name, value]) => `${name}: ${value}`)];
    // The dumped request ends with the empty line of the head, and the dump adds a line end of its own.
    const end = kind === "request" ? ["", ""] : [];
    for (const line of [`--- ${kind} header ---`, ...lines, ...end, RULE])
      this.#sink.write?.(escapeControls(line));
    const bytes = () => encodeLatin1(`${lines.join("\r\n")}\r\n\r\n`);
    this.#event(() => ({ kind, direction, startLine, headers, bytes: bytes() }));
  }

  #frame(direction: "sent" | "received", frame: Frame): void {
    const verb = direction === "sent" ? "Sent" : "Rcv";
    this.#sink.write?.(`++${verb} raw: ${describeRaw(frame)}`);
    this.#sink.write?.(`++${verb} decoded: ${describeDecoded(frame)}`);
    this.#event(() => {
      const { opcode, fin, rsv1, length, key } = frame;
      const [payload, bytes] = [new Uint8Array(frame.payload), wireBytes(frame)];
      return { kind: "frame", direction, opcode, fin, rsv1, isMasked: key !== null, length, payload, bytes };
    });
  }

  #event(data: () => TraceEventData): void {
    if (this.#sink.event === undefined) return;
    const time = performance.timeOrigin + performance.now();
    this.#sink.event(traceEvent({ time, connection: this.#connection, url: this.#url }, data()));
  }
}

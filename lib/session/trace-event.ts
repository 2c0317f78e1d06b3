// The events of a trace, as programs get them.

import { encodeBase64 } from "../bytes/base64.ts";
import type { Opcode } from "../codec/opcode.ts";
import type { RawHeaders } from "../errors.ts";
import type { Tolerance } from "../protocol/tolerance.ts";

/** Which connection an event is about, and when it happened. */
export interface TraceContext {
  /** Ms since 1970, with a fraction; it never goes back. */
  readonly time: number;
  /** A number for each connection that is attempted, in the order of their beginnings; 0 before the first. */
  readonly connection: number;
  /** Where it leads to, without credentials and query values; "" before that is known. */
  readonly url: string;
}

/** The head of the handshake's request or its answer, or of what was said to a proxy; redacted unless the sink says otherwise. */
export interface TracedHead {
  /** Which of the two it is. */
  readonly kind: "request" | "response";
  /** Seen from here. */
  readonly direction: "sent" | "received";
  /** `GET /chat HTTP/1.1`, `HTTP/1.1 101 Switching Protocols`. */
  readonly startLine: string;
  /** The fields in their order and spelling. */
  readonly headers: RawHeaders;
  /** The head as bytes, with its secrets hidden like those in `headers`; of an answer, as it was understood. */
  readonly bytes: Uint8Array;
}

/** A frame (RFC 6455 §5.2). */
export interface TracedFrame {
  /** Tells it from other events. */
  readonly kind: "frame";
  /** Seen from here. */
  readonly direction: "sent" | "received";
  /** 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong. */
  readonly opcode: Opcode;
  /** The message ends with it. */
  readonly fin: boolean;
  /** The message is compressed, and so is `payload`. */
  readonly rsv1: boolean;
  /** `bytes` are masked; `payload` never is. */
  readonly isMasked: boolean;
  /** Length of the whole payload in bytes. */
  readonly length: number;
  /** The payload; of one longer than 64 KiB, the first 64 KiB. */
  readonly payload: Uint8Array;
  /** The frame as it crossed the wire, its header and as much of its payload. */
  readonly bytes: Uint8Array;
}

/** What happened besides: that an app is connected, or waits before it connects again. */
export interface TracedNote {
  /** Tells it from other events. */
  readonly kind: "note";
  /** A line for people. */
  readonly text: string;
}

/** The peer deviated from the RFCs, and the option `tolerate` has it that this is taken. */
export interface TracedWarning {
  /** Tells it from other events. */
  readonly kind: "warning";
  /** The name of the deviation. */
  readonly tolerance: Tolerance;
}

export type TraceEventData = TracedHead | TracedFrame | TracedNote | TracedWarning;

/** What a trace tells. In JSON, bytes are base64. What the peer said is as it came: escape it before you show it. */
export type TraceEvent = TraceContext & TraceEventData;

export function traceEvent(context: TraceContext, data: TraceEventData): TraceEvent {
  return Object.assign(new TracedEvent(), context, data);
}

class TracedEvent {
  toJSON(): Record<string, unknown> {
    const inJson = (value: unknown) => (value instanceof Uint8Array ? encodeBase64(value) : value);
    return Object.fromEntries(Object.entries(this).map(([name, value]) => [name, inJson(value)]));
  }
}

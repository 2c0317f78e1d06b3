// What happens on a connection, as it is printed: for people, as JSON, or the messages as they are. Pure. What comes from
// the server is escaped but in raw messages, which are asked for as they are.

import { literal } from "../codec/describe.ts";
import type { Message } from "../protocol/assembler.ts";
import { escaped, escapedLines, safeJson } from "./escape.ts";
import { peek } from "./peek.ts";

export type Event =
  | {
      readonly type: "open";
      /** Without credentials and query values. */
      readonly url: string;
      readonly status: number;
      readonly protocol: string;
      readonly extensions: string;
    }
  | { readonly type: "message"; readonly data: Message }
  | { readonly type: "ping" | "pong"; readonly data: Uint8Array }
  | { readonly type: "close"; readonly code: number; readonly reason: string; readonly wasClean: boolean }
  | {
      readonly type: "error";
      readonly code: string;
      readonly message: string;
      /** That of the answer with which the server or the proxy refused. */
      readonly status?: number;
    };

export interface Style {
  readonly json: boolean;
  readonly raw: boolean;
  /** Seconds are printed. */
  readonly timings: boolean;
  /** What each is is printed, and not messages alone. */
  readonly labels: boolean;
  /** There is a prompt: what is received is marked, and lines of a text are lines. */
  readonly prompt: boolean;
  /** A terminal: long bytes are cut. */
  readonly terminal: boolean;
  readonly colours: boolean;
}

/** Bytes of a binary message that a terminal shows at the most. */
export const SHOWN_BYTES: number = 1024;

const CYAN = 36;
const MAGENTA = 35;

/** What is printed for an event, with its line end; undefined for nothing. */
export function render(event: Event, style: Style, seconds: number): string | Uint8Array | undefined {
  const time = style.timings ? seconds.toFixed(3) : undefined;
  if (style.json) return `${safeJson(jsonOf(event, time))}\n`;
  if (event.type === "open" || event.type === "error") return undefined; // people are told by notes
  if (event.type !== "message" && !style.labels) return undefined;
  const label = style.labels ? `${labelOf(event)}: ` : "";
  const prefix = (time === undefined ? "" : `${time}: `) + label;
  if (style.raw && event.type === "message") return rawLine(event.data, prefix);
  const body = bodyOf(event, style);
  if (!style.prompt) return `${prefix}${escaped(body)}\n`;
  const isBinary = event.type === "message" && typeof event.data !== "string";
  const mark = isBinary ? coloured("<b", MAGENTA, style) : coloured("<", CYAN, style);
  // What follows a line's end begins where the text does: a line that a server makes up shows as one of a message.
  return `${mark} ${prefix}${escapedLines(body).join("\n  ")}\n`;
}

function rawLine(data: Message, prefix: string): string | Uint8Array {
  if (typeof data === "string") return `${prefix}${data}\n`;
  if (prefix === "") return data;
  return Buffer.concat([Buffer.from(prefix), data, Buffer.from("\n")]);
}

function jsonOf(event: Event, time: string | undefined): object {
  const { type } = event;
  const timed = time === undefined ? { type } : { type, time: Number(time) };
  if (!("data" in event)) return { ...timed, ...event };
  if (typeof event.data === "string") return { ...timed, data: event.data };
  return { ...timed, base64: Buffer.from(event.data).toString("base64") };
}

function labelOf(event: Event): string {
  if (event.type !== "message") return event.type;
  return typeof event.data === "string" ? "text" : "binary";
}

/** What it says, not escaped. */
function bodyOf(event: Exclude<Event, { type: "open" | "error" }>, style: Style): string {
  if (event.type === "close") return `${event.code} ${event.reason}`.trimEnd();
  if (event.type !== "message") return literal(event.data);
  if (typeof event.data === "string") return event.data;
  const unpacked = peek(event.data);
  if (unpacked !== undefined) return `[${unpacked.kind}] ${unpacked.text}`;
  const { length } = event.data;
  if (!style.terminal || length <= SHOWN_BYTES) return literal(event.data);
  return `${literal(event.data.subarray(0, SHOWN_BYTES))}... (${length} bytes)`;
}

function coloured(text: string, colour: number, style: Style): string {
  return style.colours ? `\x1b[${colour}m${text}\x1b[39m` : text;
}

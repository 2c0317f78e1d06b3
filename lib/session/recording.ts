// A recording of connections: lines of JSON (NDJSON), an event each, in the order in which they happened.
//
//   {"event":"open","connection":1,"at":0,"version":1,"time":1763655000000.5,"url":"ws://localhost:4040/","redacted":true}
//   {"event":"request","connection":1,"at":0.8,"head":"GET / HTTP/1.1\r\nUpgrade: websocket\r\n..."}
//   {"event":"response","connection":1,"at":2.1,"head":"HTTP/1.1 101 Switching Protocols\r\n..."}
//   {"event":"sent","connection":1,"at":3.4,"bytes":"gYU..."}
//   {"event":"received","connection":1,"at":4.0,"bytes":"gQVoZWxsbw=="}
//   {"event":"end","connection":1,"at":9.7}
//   {"event":"closed","connection":1,"at":9.8}
//
// `time` is in ms of the epoch, `at` in ms since the connection's first event. Bytes are base64, cut as they arrived. `end`: the
// server sends no more. `closed` has the message of an `error` where the connection broke; `failed`, in its place, where it
// never came to be.

import { UsageError } from "../errors.ts";

/** A line of a recording. */
export interface RecordedEvent {
  readonly event: "open" | "failed" | "request" | "response" | "sent" | "received" | "end" | "closed";
  /** Counts from 1 within a recording. */
  readonly connection: number;
  readonly at: number;
  readonly version?: number;
  readonly time?: number;
  /** Without credentials; without the values of its query where secrets are redacted. */
  readonly url?: string;
  readonly redacted?: boolean;
  readonly head?: string;
  readonly bytes?: string;
  readonly error?: string;
}

/** A recording as text, or as its lines. */
export type Recording = string | Iterable<string>;

/** The events of each connection, by the order in which they began. Throws UsageError for what is no recording. */
export function connectionsOf(recording: Recording): RecordedEvent[][] {
  const lines = typeof recording === "string" ? recording.split("\n") : recording;
  const connections = new Map<number, RecordedEvent[]>();
  for (const line of lines) {
    if (line.trim() === "") continue;
    const event = parseEvent(line);
    const events = connections.get(event.connection);
    if (event.event === "open") connections.set(event.connection, [event]);
    else if (events === undefined)
      throw new UsageError("the recording has an event of a connection before its first");
    else events.push(event);
  }
  return [...connections.values()];
}

function parseEvent(line: string): RecordedEvent {
  let event: RecordedEvent | null;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new UsageError("a line of the recording is no JSON", undefined, { cause });
  }
  if (typeof event?.event !== "string" || typeof event.connection !== "number")
    throw new UsageError("a line of the recording is no event of one");
  if (event.event === "open" && event.version !== 1)
    throw new UsageError("the recording is of another version than 1", "ERR_WS_UNSUPPORTED");
  return event;
}

/** The bytes of an event of `sent` or `received`. */
export function bytesOf({ bytes = "" }: RecordedEvent): Uint8Array {
  try {
    return Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new UsageError("the bytes of an event of the recording are not base64", undefined, { cause });
  }
}

/** The value of a field in a recorded head; undefined for none. */
export function fieldOf(head: string | undefined, name: string): string | undefined {
  const line = head?.split("\r\n").find((line) => line.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
}

// Recorded connections as entries of an HTTP Archive (HAR 1.2), with their messages where browsers put them:
// `_webSocketMessages`, each with `type`, `time` in seconds of the epoch, `opcode`, and `data`, which is base64 for binary.

import { encodeBase64 } from "../bytes/base64.ts";
import { joinBytes } from "../bytes/join.ts";
import { webText } from "../bytes/utf8.ts";
import { FrameDecoder } from "../codec/frame-decoder.ts";
import { isControl, TEXT } from "../codec/opcode.ts";
import type { RawHeaders } from "../errors.ts";
import { storedBlock, TAIL } from "../protocol/compression.ts";
import { History } from "../protocol/history.ts";
import { bytesOf, connectionsOf, type RecordedEvent, type Recording } from "./recording.ts";

/** A message as browsers export it. */
export interface HarWebSocketMessage {
  readonly type: "send" | "receive";
  /** Seconds of the epoch. */
  readonly time: number;
  /** 1 text, 2 binary. */
  readonly opcode: number;
  /** Text, or base64. */
  readonly data: string;
}

/** A header field. */
export interface HarField {
  readonly name: string;
  readonly value: string;
}

/** A connection as HAR 1.2 has requests. */
export interface HarEntry {
  readonly startedDateTime: string;
  /** Ms. */
  readonly time: number;
  readonly request: Readonly<Record<string, unknown>> & { readonly headers: readonly HarField[] };
  readonly response: Readonly<Record<string, unknown>> & { readonly headers: readonly HarField[] };
  readonly cache: object;
  readonly timings: { readonly send: number; readonly wait: number; readonly receive: number };
  readonly _resourceType: "websocket";
  readonly _webSocketMessages: readonly HarWebSocketMessage[];
}

/** Behind a message: its tail, and an empty final block, at which streams that inflate are at their end. */
const END = Uint8Array.of(...TAIL, 1, ...TAIL);

/**
 * An entry for each connection of a recording. Compressed messages are inflated; one that cannot be stays as it was, in
 * base64. Rejects with UsageError for what is no recording.
 */
export async function harEntries(recording: Recording): Promise<HarEntry[]> {
  return Promise.all(connectionsOf(recording).map(entryOf));
}

async function entryOf(events: readonly RecordedEvent[]): Promise<HarEntry> {
  const [{ time: began = 0, url = "" } = {}] = events as readonly Partial<RecordedEvent>[];
  const [request, response] = ["request", "response"].map((kind) =>
    events.filter(({ event }) => event === kind),
  );
  const [asked, answered] = [request?.[0], response?.at(-1)];
  const [method = "GET"] = (asked?.head ?? "").split(" ");
  const [, status = "0", statusText = ""] = /^HTTP\/1\.\d (\d{3}) ?([^\r]*)/.exec(answered?.head ?? "") ?? [];
  const wait = (answered?.at ?? 0) - (asked?.at ?? 0);
  const end = events.at(-1)?.at ?? 0;
  const common = { httpVersion: "HTTP/1.1", cookies: [], headersSize: -1, bodySize: -1 };
  const content = { size: 0, mimeType: "x-unknown" };
  const messages = await Promise.all(
    (["send", "receive"] as const).map((type) => new Messages(type, began).read(events)),
  );
  return {
    startedDateTime: new Date(began).toISOString(),
    time: end,
    request: { method, url, ...common, headers: fieldsOf(asked?.head), queryString: [] },
    response: {
      ...{ status: Number(status), statusText, ...common, content, redirectURL: "" },
      headers: fieldsOf(answered?.head),
    },
    cache: {},
    timings: { send: asked?.at ?? 0, wait, receive: Math.max(0, end - (answered?.at ?? end)) },
    _resourceType: "websocket",
    _webSocketMessages: messages.flat().sort((one, other) => one.time - other.time),
  };
}

function fieldsOf(head = ""): HarField[] {
  const lines = head.split("\r\n").slice(1);
  const pairs: RawHeaders = lines.flatMap((line) => {
    const colon = line.indexOf(":");
    return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const];
  });
  return pairs.map(([name, value]) => ({ name, value }));
}

/** The messages that went one way. */
class Messages {
  readonly #type: "send" | "receive";
  readonly #began: number;
  readonly #history = new History(15);
  #parts: Uint8Array[] = [];
  #opcode = 0;
  #isPacked = false;

  constructor(type: "send" | "receive", began: number) {
    this.#type = type;
    this.#began = began;
  }

  async read(events: readonly RecordedEvent[]): Promise<HarWebSocketMessage[]> {
    const isSend = this.#type === "send";
    const decoder = new FrameDecoder(isSend ? "server" : "client", { allowRsv1: true });
    const messages: HarWebSocketMessage[] = [];
    const isOpen = events.some(({ event, head }) => event === "response" && / 101[ \r]/.test(head ?? ""));
    for (const event of isOpen ? events : []) {
      if (event.event !== (isSend ? "sent" : "received")) continue;
      decoder.push(bytesOf(event));
      try {
        while (decoder.next()) if (this.#take(decoder)) messages.push(await this.#message(event.at));
      } catch {
        break; // frames that break the rules end the connection, and so the messages
      }
      decoder.keep();
    }
    return messages;
  }

  /** Whether a message is whole. */
  #take({ opcode, fin, rsv1, isLast, isFirst, bytes, start, end }: FrameDecoder): boolean {
    if (isControl(opcode)) return false;
    if (isFirst && opcode !== 0) {
      this.#opcode = opcode;
      this.#isPacked = rsv1;
    }
    this.#parts.push(bytes.slice(start, end));
    return isLast && fin;
  }

  async #message(at: number): Promise<HarWebSocketMessage> {
    const packed = joinBytes(this.#parts);
    this.#parts = [];
    const opcode = this.#opcode;
    const time = (this.#began + at) / 1000;
    const bytes = this.#isPacked ? await this.#inflate(packed) : packed;
    const data =
      opcode === TEXT && bytes !== undefined
        ? webText.decodeLossy(bytes, 0, bytes.length)
        : encodeBase64(bytes ?? packed);
    return { type: this.#type, time, opcode, data };
  }

  /** With the messages before it for its window; undefined for what is no DEFLATE. */
  async #inflate(packed: Uint8Array): Promise<Uint8Array | undefined> {
    const window = this.#history.bytes();
    const input = joinBytes([...(window.length > 0 ? [storedBlock(window)] : []), packed, END]);
    try {
      const stream = new Blob([input as Uint8Array<ArrayBuffer>]).stream();
      const inflated = stream.pipeThrough(new DecompressionStream("deflate-raw"));
      const bytes = new Uint8Array(await new Response(inflated).arrayBuffer()).slice(window.length);
      this.#history.append(bytes, 0, bytes.length);
      return bytes;
    } catch {
      return undefined;
    }
  }
}

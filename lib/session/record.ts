// A transport that writes down what passes: heads of HTTP as text, without their secrets, and all else as the bytes that it
// was. It stands between a connection and what carries it, and changes nothing.

import { encodeBase64 } from "../bytes/base64.ts";
import { decodeLatin1, encodeLatin1 } from "../bytes/latin1.ts";
import { UsageError, type WebSocketError } from "../errors.ts";
import { redactedResource, redactedValue } from "../handshake/redaction.ts";
import { type TransportOption, type TransportRequest, transportOver } from "../transport/source.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";
import type { RecordedEvent } from "./recording.ts";

/** What is recorded, and how much of it. */
export interface RecordOptions {
  /** What carries the connections that are recorded. Default: the runtime's sockets, as the other options say. */
  readonly transport?: TransportOption;
  /**
   * False: credentials, cookies and query values of handshakes are written down, and what a server says when it refuses.
   * What messages say always is. Default true.
   */
  readonly redact?: boolean;
}

/** Takes a line of a recording, without its end. One that throws, or whose promise rejects, harms no connection. */
export type RecordSink = (line: string) => unknown;

/** More than a head has; what is longer is none. */
const MAX_HEAD = 256 * 1024;

/**
 * The option `transport` for connections that are to be recorded, as many as there will be.
 *
 *     createConnection(url, { transport: record((line) => file.write(`${line}\n`)) })
 */
export function record(
  sink: RecordSink,
  { transport: source, redact = true }: RecordOptions = {},
): (request: TransportRequest) => Promise<Transport> {
  if (typeof sink !== "function") throw new UsageError("who is given a recording's lines is a function");
  let connections = 0;
  return async (request) => {
    const log = new Log(sink, ++connections, redact);
    log.open(request);
    try {
      if (source === undefined) return new RecordedTransport(await request.connect(), log);
      const given = typeof source === "function" ? await source(request) : source;
      return new RecordedTransport(transportOver(given), log);
    } catch (error) {
      log.event({ event: "failed", error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  };
}

class RecordedTransport implements Transport {
  readonly #inner: Transport;
  readonly #log: Log;

  constructor(inner: Transport, log: Log) {
    this.#inner = inner;
    this.#log = log;
  }

  attach(sink: TransportSink): void {
    const log = this.#log;
    this.#inner.attach({
      data(chunk) {
        log.received(chunk);
        sink.data(chunk);
      },
      drain: () => sink.drain(),
      end() {
        log.end();
        sink.end();
      },
      closed(cause) {
        log.closed(cause);
        sink.closed(cause);
      },
    });
  }

  write(bytes: Uint8Array, release?: () => void): boolean {
    this.#log.sent(bytes);
    return this.#inner.write(bytes, release);
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  end(): void {
    this.#inner.end();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  ref(): void {
    this.#inner.ref();
  }

  unref(): void {
    this.#inner.unref();
  }

  get localAddress(): string | undefined {
    return this.#inner.localAddress;
  }

  get remoteAddress(): string | undefined {
    return this.#inner.remoteAddress;
  }
}

/** The events of one connection. */
class Log {
  readonly #sink: RecordSink;
  readonly #connection: number;
  readonly #redact: boolean;
  readonly #began = performance.now();
  readonly #out: Direction;
  readonly #in: Direction;

  constructor(sink: RecordSink, connection: number, redact: boolean) {
    this.#sink = sink;
    this.#connection = connection;
    this.#redact = redact;
    this.#out = new Direction("request", "sent", this, redact);
    this.#in = new Direction("response", "received", this, redact);
  }

  open({ url }: TransportRequest): void {
    const shown = this.#redact ? redactedResource(url) : url;
    const time = performance.timeOrigin + this.#began;
    this.event({ event: "open", version: 1, time, url: shown, redacted: this.#redact });
  }

  sent(bytes: Uint8Array): void {
    this.#out.add(bytes);
  }

  received(bytes: Uint8Array): void {
    this.#in.add(bytes);
  }

  end(): void {
    this.#in.flush();
    this.event({ event: "end" });
  }

  closed(cause: WebSocketError | undefined): void {
    this.#out.flush();
    this.#in.flush();
    this.event({ event: "closed", ...(cause && { error: cause.message }) });
  }

  event(event: Omit<RecordedEvent, "connection" | "at">): void {
    const { event: kind, ...rest } = event;
    const at = Math.round((performance.now() - this.#began) * 1000) / 1000;
    const line = JSON.stringify({ event: kind, connection: this.#connection, at, ...rest });
    try {
      void Promise.resolve(this.#sink(line)).catch(() => {});
    } catch {} // the connection is worth more than its recording
  }
}

/** What goes one way: a head, or several where a server sends informational ones, and then bytes. */
class Direction {
  readonly #headEvent: "request" | "response";
  readonly #bytesEvent: "sent" | "received";
  readonly #log: Log;
  readonly #redact: boolean;
  /** What there is of a head; undefined behind it. */
  #head: string | undefined = "";
  /** What comes is the body of a refusal. */
  #isHidden = false;

  constructor(headEvent: "request" | "response", bytesEvent: "sent" | "received", log: Log, redact: boolean) {
    this.#headEvent = headEvent;
    this.#bytesEvent = bytesEvent;
    this.#log = log;
    this.#redact = redact;
  }

  add(bytes: Uint8Array): void {
    if (this.#head === undefined) {
      this.#tell(bytes);
      return;
    }
    const from = Math.max(0, this.#head.length - 3);
    const text = this.#head + decodeLatin1(bytes);
    const end = text.indexOf("\r\n\r\n", from);
    this.#head = text;
    if (end === -1) {
      if (text.length > MAX_HEAD) this.flush();
      return;
    }
    this.#head = text.slice(0, end + 4);
    const rest = encodeLatin1(text.slice(end + 4));
    this.flush();
    if (rest.length > 0) this.add(rest);
  }

  /** The head is over, whole or not. */
  flush(): void {
    const head = this.#head;
    if (head === undefined || head === "") return;
    this.#log.event({ event: this.#headEvent, head: this.#redact ? redactedHead(head) : head });
    const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
    const isInformational = status !== "101" && status?.startsWith("1");
    this.#head = isInformational ? "" : undefined;
    this.#isHidden = this.#redact && this.#headEvent === "response" && status !== "101";
  }

  #tell(bytes: Uint8Array): void {
    const shown = this.#isHidden ? new Uint8Array(bytes.length).fill(0x2a) : bytes;
    this.#log.event({ event: this.#bytesEvent, bytes: encodeBase64(shown) });
  }
}

/** A head without its secrets; a line that is no field may be the rest of one. */
function redactedHead(head: string): string {
  const [first = "", ...lines] = head.split("\r\n");
  const shown = lines.map((line) => {
    const [, name, value] = /^([^\s:]+):[ \t]*(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) return line === "" ? "" : "***";
    return `${name}: ${redactedValue(name, value)}`;
  });
  return [first.replace(/\?\S*/, redactedResource), ...shown].join("\r\n");
}

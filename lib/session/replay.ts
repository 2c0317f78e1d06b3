// A server that plays a recording: to a client that does as it did then, what happens is the same.
//
// Each connection of the recording is for one connection of the client, in their order. The answer to the upgrade is made to
// fit the key of the new request (RFC 6455 §4.2.2), if it fitted that of the old one. What was received is told when the client
// has sent as many messages as it had then: pings and pongs do not count, as they go by the clock.

import { encodeLatin1 } from "../bytes/latin1.ts";
import { FrameDecoder } from "../codec/frame-decoder.ts";
import { CLOSE, isControl } from "../codec/opcode.ts";
import { TransportError, UsageError } from "../errors.ts";
import { Conversation } from "../handshake/conversation.ts";
import { valuesOf } from "../handshake/http.ts";
import { redactedValue } from "../handshake/redaction.ts";
import { readRequest } from "../handshake/server-talk.ts";
import { acceptKey } from "../handshake/upgrade-client.ts";
import type { RequestHead } from "../handshake/upgrade-server.ts";
import { memoryPipe } from "../transport/memory.ts";
import type { ByteStreams } from "../transport/streams.ts";
import { bytesOf, connectionsOf, fieldOf, type RecordedEvent, type Recording } from "./recording.ts";

/** How a recording is played. */
export interface ReplayOptions {
  /** 1 keeps the times of the recording, 2 halves them. Default Infinity: as fast as the client takes it. */
  readonly speed?: number;
  /** Whether to wait for the client to send what it sent then. Default true. */
  readonly follow?: boolean;
}

/**
 * The option `transport` that plays a recording, a connection of it for each call; behind the last it rejects with a
 * TransportError. Throws UsageError for what is no recording.
 */
export function replay(recording: Recording, options: ReplayOptions = {}): () => ByteStreams {
  const { speed = Number.POSITIVE_INFINITY, follow = true } = options;
  if (!(speed > 0)) throw new UsageError("speed is more than 0");
  const connections = connectionsOf(recording);
  return () => {
    const events = connections.shift();
    if (events === undefined)
      throw new TransportError("ERR_WS_CONNECT", "the recording has no more connections");
    const failure = events.find(({ event }) => event === "failed");
    if (failure !== undefined) throw new TransportError("ERR_WS_CONNECT", failure.error ?? "it failed");
    const player = new Player(events, speed, follow);
    void player.listen();
    void player.play();
    return player.client;
  };
}

class Player {
  readonly client: ByteStreams;
  readonly #server: ByteStreams;
  readonly #reset: (reason: Error) => void;
  readonly #events: readonly RecordedEvent[];
  readonly #speed: number;
  readonly #follow: boolean;
  readonly #sent = new MessageCount();
  #request: RequestHead | undefined;
  /** The client sends no more, or has dropped the connection. */
  #isGone = false;
  #wake: () => void = () => {};

  constructor(events: readonly RecordedEvent[], speed: number, follow: boolean) {
    const { client, server, reset } = memoryPipe();
    this.client = client;
    this.#server = server;
    this.#reset = reset;
    this.#events = events;
    this.#speed = speed;
    this.#follow = follow;
  }

  /** Reads what the client sends. */
  async listen(): Promise<void> {
    const talk = new Conversation(readRequest());
    talk.start();
    try {
      for await (const chunk of this.#server.readable) {
        if (this.#request !== undefined) {
          this.#sent.push(chunk);
        } else {
          talk.push(chunk);
          if (!talk.done) continue;
          this.#request = talk.result;
          this.#sent.push(talk.rest);
        }
        this.#wake();
      }
    } catch {
      // It was dropped, or is no client.
    }
    this.#isGone = true;
    this.#wake();
  }

  async play(): Promise<void> {
    const writer = this.#server.writable.getWriter();
    const then = new MessageCount();
    let before = 0;
    let key: string | undefined;
    const isDue = () =>
      this.#request !== undefined &&
      (!this.#follow || then.count === Number.POSITIVE_INFINITY || this.#sent.count >= then.count);
    try {
      for (const event of this.#events) {
        if (event.event === "request") key = fieldOf(event.head, "sec-websocket-key");
        if (event.event === "sent") then.push(bytesOf(event));
        if (!/^(response|received|end|closed)$/.test(event.event)) continue;
        await this.#until(isDue);
        if (!isDue()) break;
        await this.#pause(event.at - before);
        before = event.at;
        if (event.event === "response") await writer.write(this.#answer(event, key));
        else if (event.event === "received") await writer.write(bytesOf(event));
        else if (event.event === "end") await writer.close();
        else if (event.error !== undefined) this.#reset(new Error(event.error));
      }
      await this.#until(() => false);
      await writer.close();
    } catch {
      // The client has dropped the connection, or it is closed already.
    }
  }

  /** Waits for the client to come so far, or to go. */
  async #until(isDue: () => boolean): Promise<void> {
    while (!isDue() && !this.#isGone)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  async #pause(ms: number): Promise<void> {
    const wait = ms / this.#speed;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }

  /** The recorded answer, for the request at hand. */
  #answer({ head = "" }: RecordedEvent, key: string | undefined): Uint8Array {
    const headers = this.#request?.rawHeaders ?? [];
    const [ownKey = ""] = valuesOf(headers, "sec-websocket-key");
    const offered = valuesOf(headers, "sec-websocket-protocol").flatMap((value) => value.split(","));
    const lines = head.split("\r\n").map((line) => {
      const [, name = "", value = ""] = /^([^\s:]+): ?(.*)$/s.exec(line) ?? [];
      if (/^sec-websocket-accept$/i.test(name) && key !== undefined && value.trim() === acceptKey(key))
        return `${name}: ${acceptKey(ownKey)}`;
      if (!/^sec-websocket-protocol$/i.test(name)) return line;
      // A name that was taken for a secret is one of those that are offered now.
      const own = offered.find((protocol) => redactedValue(name, protocol.trim()) === value);
      return `${name}: ${own?.trim() ?? value}`;
    });
    return encodeLatin1(lines.join("\r\n"));
  }
}

/** How many messages a client has sent, its Close frame among them. */
class MessageCount {
  count = 0;
  readonly #decoder = new FrameDecoder("server", { allowRsv1: true });

  push(bytes: Uint8Array): void {
    try {
      this.#decoder.push(bytes);
      while (this.#decoder.next()) {
        const { isLast, fin, opcode } = this.#decoder;
        if (isLast && fin && (!isControl(opcode) || opcode === CLOSE)) this.count++;
      }
      this.#decoder.keep();
    } catch {
      this.count = Number.POSITIVE_INFINITY; // what it says is not understood, so it is not waited for
    }
  }
}

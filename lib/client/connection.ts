/// <reference lib="esnext.disposable" preserve="true" />
// The short-lived shape: connect, send, receive, close.

import { type CloseInfo, type RawHeaders, UsageError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import type { ProtocolState } from "../protocol/protocol.ts";
import { Channel, promised, type Receiver } from "./channel.ts";
import { handled, Inbox, type RecvOptions } from "./inbox.ts";
import type { MessageStream } from "./message-stream.ts";
import {
  type ConnectionOptions,
  flag,
  optionsOf,
  type Provider,
  type Resolve,
  type ResolvedOptions,
  withDefaults,
} from "./options.ts";
import type { StreamSource } from "./outgoing-stream.ts";
import type { Sendable } from "./sendable.ts";

/** Of one call of close(). */
export interface CloseOptions {
  /** Ms in which the peer must answer before the connection is dropped. Default: the option `closeTimeout`. */
  readonly timeout?: number;
}

/** Of one call of send(). */
export interface SendOptions {
  /** False: this message leaves as it is, although compression was agreed on. Default true. */
  readonly compress?: boolean;
}

/** Of one call of sendStream(). */
export interface SendStreamOptions extends SendOptions {
  /** True: a binary message, false: a text. Default: as the first item says. */
  readonly binary?: boolean;
}

/** Safari, and Firefox before 141, have no such symbol. What is compiled for them takes this one in its place. */
const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/** The server's answer to the upgrade. */
export class ConnectionResponse {
  /** 101, as there is no connection otherwise. */
  readonly status: number;
  /** The reason phrase behind it; "" for none. */
  readonly statusText: string;
  readonly #rawHeaders: RawHeaders;
  #headers: Headers | undefined;

  constructor(response: { status: number; statusText: string; rawHeaders: RawHeaders }) {
    this.status = response.status;
    this.statusText = response.statusText;
    this.#rawHeaders = response.rawHeaders;
  }

  /** The header fields in the order and spelling in which they came; not shown when the response is printed. */
  get rawHeaders(): RawHeaders {
    return this.#rawHeaders;
  }

  /** The same as a Headers; made when it is first asked for, as the class takes a runtime some 40 ms to load. */
  get headers(): Headers {
    this.#headers ??= new Headers(this.#rawHeaders.map(([name, value]): [string, string] => [name, value]));
    return this.#headers;
  }
}

/** An open WebSocket. Made by createConnection(). */
export class Connection implements AsyncIterable<Message> {
  readonly #channel: Channel;
  readonly #inbox: Inbox | undefined;
  #response: ConnectionResponse | undefined;

  /** For isosocket itself; an inbox is missing where messages go to the callbacks of an app. */
  constructor(channel: Channel, inbox?: Inbox) {
    this.#channel = channel;
    this.#inbox = inbox;
  }

  /**
   * Sends a string as text; an ArrayBuffer, any view of one, or a Blob as binary. Fulfils once it was handed to the
   * socket, and the socket has room for more: awaiting it is all the back-pressure there is to do. Bytes may be changed as
   * soon as this returned. Never throws at once; rejects with ClosedError, UsageError, or LimitError when what waits to be
   * sent exceeds maxBufferedAmount. An ignored rejection does no harm.
   */
  send(data: Sendable, options?: SendOptions): Promise<void> {
    try {
      const compress = options === undefined ? options : sendOptions(options, "compress").compress;
      return this.#channel.send(data, compress);
    } catch (error) {
      return handled(Promise.reject(error));
    }
  }

  /**
   * Sends one message, a frame for each item of the source and an empty last one, as fast as the peer takes it (RFC 6455
   * §5.4). Other messages wait until it is done. When the source throws, the message cannot be taken back: the connection
   * is closed with code 1011. A browser has no fragments: there the items are collected and leave as one frame.
   */
  sendStream(source: StreamSource, options: SendStreamOptions = {}): Promise<void> {
    return promised(() => {
      const { binary, compress } = sendOptions(options, "binary", "compress");
      return this.#channel.sendStream(source, binary, compress);
    });
  }

  /**
   * The next message in order: text is a string, binary a Uint8Array that is yours to keep. In Node and Deno small ones that
   * came together may lie in one ArrayBuffer, up to 32 times the size of each, which the runtime does not let you transfer:
   * slice() what you transfer. What arrived before the connection closed is still delivered, then ClosedError. Several calls
   * queue; one that times out or is aborted loses nothing. An ignored rejection does no harm.
   */
  recv(options?: RecvOptions): Promise<Message> {
    if (this.#inbox !== undefined) return this.#inbox.recv(options);
    return handled(Promise.reject(noInbox()));
  }

  /** The next message as it arrives, however large; see MessageStream. A browser gives it whole, in one piece. */
  recvStream(options?: RecvOptions): Promise<MessageStream> {
    if (this.#inbox !== undefined) return handled(this.#inbox.recvStream(options));
    return handled(Promise.reject(noInbox()));
  }

  /**
   * Sends a ping with up to 125 bytes and fulfils with the time in ms until its pong; also kept in `latency`. Pings, pongs,
   * ref() and unref() are beyond a browser, where they end in a UsageError with code ERR_WS_UNSUPPORTED.
   */
  ping(data?: Sendable): Promise<number> {
    return promised(() => this.#channel.ping(data));
  }

  /** Sends an unsolicited pong with up to 125 bytes. Throws UsageError, ClosedError. */
  pong(data?: Sendable): void {
    this.#channel.pong(data);
  }

  /**
   * Closes behind what was sent before. Fulfils when the connection is gone, which is within `timeout` ms and one second;
   * never rejects. What arrives before the peer's Close frame can still be received, as far as it fits the queue. A
   * second call changes nothing. Throws UsageError for a code or a reason (of more than 123 bytes) that may not be sent; a
   * browser sends only 1000 and 3000 to 4999, and drops what arrives after close().
   */
  close(code?: number, reason?: string, options: CloseOptions = {}): Promise<CloseInfo> {
    const closed = this.#channel.close(code, reason, optionsOf(options, "timeout").timeout);
    this.#inbox?.closing();
    return closed;
  }

  /** Drops the TCP connection now, without a closing handshake; a browser, which cannot, is left to close it on its own. */
  terminate(): void {
    this.#channel.terminate();
  }

  /** Fulfils once, when the connection is gone; never rejects. */
  get closed(): Promise<CloseInfo> {
    return this.#channel.closed;
  }

  /** `open`; `closing` once a Close frame was sent or received, or it is being dropped; `closed` when it is gone. */
  get state(): ProtocolState {
    return this.#channel.state;
  }

  /** Bytes that were sent and have not left the process. */
  get bufferedAmount(): number {
    return this.#channel.bufferedAmount;
  }

  /** Round-trip time in ms of the last ping that was answered, of ping() or of keepAlive. */
  get latency(): number | undefined {
    return this.#channel.latency;
  }

  /** The subprotocol that the server chose; "" for none. */
  get protocol(): string {
    return this.#channel.session.protocol;
  }

  /** The extensions in use, as the server named them; "" for none. */
  get extensions(): string {
    return this.#channel.session.extensions;
  }

  /** Where it is connected to, after redirects, without credentials. */
  get url(): string {
    return this.#channel.session.url;
  }

  /** The server's answer to the upgrade; a browser hides its headers. */
  get response(): ConnectionResponse {
    this.#response ??= new ConnectionResponse(this.#channel.session.response);
    return this.#response;
  }

  /** Whether TLS protects it. */
  get secure(): boolean {
    return this.#channel.session.secure;
  }

  /** `127.0.0.1:50123`; undefined for a Unix socket, and once closed. */
  get localAddress(): string | undefined {
    return this.#channel.session.localAddress;
  }

  /** The peer's, or that of the proxy; undefined for a Unix socket, and once closed. */
  get remoteAddress(): string | undefined {
    return this.#channel.session.remoteAddress;
  }

  /** Makes the open connection keep the process alive, as it does until unref(). */
  ref(): this {
    this.#channel.session.ref();
    return this;
  }

  /** Lets the process end although the connection is open. */
  unref(): this {
    this.#channel.session.unref();
    return this;
  }

  /** Messages until the connection closes: ends on 1000, 1001 and 1005, throws ClosedError otherwise. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      let message: Message;
      try {
        message = await this.recv();
      } catch (error) {
        if (isCleanEnd(this.#channel.info)) return;
        throw error;
      }
      yield message;
    }
  }

  /** Closes with 1000. */
  declare [Symbol.asyncDispose]: () => Promise<void>;

  static {
    const dispose = async function (this: Connection): Promise<void> {
      await this.close();
    };
    Object.defineProperty(Connection.prototype, asyncDispose, {
      value: dispose,
      writable: true,
      configurable: true,
    });
  }
}

/** What is asked of a message; each is true or false. Throws UsageError. */
export function sendOptions<Name extends keyof SendStreamOptions>(
  options: Pick<SendStreamOptions, Name>,
  ...known: readonly Name[]
): Pick<SendStreamOptions, Name> {
  const given = optionsOf(options, ...known);
  for (const name of known) flag(name, given[name], true);
  return given;
}

function noInbox(): UsageError {
  return new UsageError(
    "messages of a WebSocketApp go to its callbacks and cannot be received",
    "ERR_WS_INVALID_STATE",
  );
}

function isCleanEnd(info: CloseInfo | undefined): boolean {
  return info?.wasClean === true && [1000, 1001, 1005].includes(info.code);
}

/** Fills an inbox; pings and pongs are answered and counted already. */
export class InboxReceiver implements Receiver {
  readonly #inbox: Inbox;

  constructor(inbox: Inbox) {
    this.#inbox = inbox;
  }

  message(data: Message): void {
    this.#inbox.message(data);
  }

  piece(data: Message, _opcode: number, fin: boolean): void {
    this.#inbox.piece(data, fin);
  }

  pinged(): void {}

  ponged(): void {}

  ended(info: CloseInfo): void {
    this.#inbox.ended(info);
  }
}

/** Opens a connection with resolved options. */
export async function connect(options: ResolvedOptions): Promise<Connection> {
  const session = await options.open();
  const inbox = new Inbox(session, options.maxQueue);
  const channel = new Channel(session, options, new InboxReceiver(inbox));
  channel.start();
  return new Connection(channel, inbox);
}

/** What createConnection() is, once a runtime is chosen. */
export type CreateConnection = (
  url: Provider<string | URL>,
  options?: ConnectionOptions,
) => Promise<Connection>;

/** createConnection() for a runtime, with other defaults than the library's. */
export function createConnectionWith(resolve: Resolve, defaults: ConnectionOptions): CreateConnection {
  return async (url, options) => connect(resolve(url, withDefaults(defaults, options)));
}

// A session over the WebSocket that a browser has: its events, messages in and out, behind the same seam as our own.
//
// It can do less. Nothing makes it wait: what arrives is delivered, paused or not, so that maxQueue does not hold the peer
// and nothing is lost; but what arrives after close() it drops itself. It sends no fragments and shows none: a stream goes
// out as one message once its source is at its end. It sends no close code but 1000 and 3000 to 4999: where we would say
// 1009 or 1011 it sends a Close frame without a code. It hides the answer to the upgrade, why a connection failed, and
// pings. What cannot be done at all throws UsageError.
//
// It may also never end, whatever close() asks of it: a session ends by our clock then, and hears nothing of it any more.

import { checkClose, NO_STATUS_RECEIVED, NORMAL_CLOSURE } from "../codec/close-code.ts";
import {
  type CloseFrame,
  type CloseInfo,
  HandshakeError,
  LimitError,
  TimeoutError,
  TransportError,
  UsageError,
  WebSocketError,
} from "../errors.ts";
import type { Delivery, Message } from "../protocol/assembler.ts";
import type { ProtocolState } from "../protocol/protocol.ts";
import { onAbort } from "./abort-listeners.ts";
import { OpenAttempt } from "./attempt.ts";
import {
  HIGH_WATER,
  type Open,
  type Session,
  type SessionOptions,
  type SessionSink,
  type UpgradeResponse,
} from "./session.ts";

/** How a native WebSocket ended. */
export interface NativeCloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** The native WebSocket, as far as it is used here. */
export interface NativeSocket {
  readonly readyState: number;
  readonly protocol: string;
  readonly extensions: string;
  readonly bufferedAmount: number;
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: (() => void) | null;
  onclose: ((event: NativeCloseEvent) => void) | null;
  send(data: Message | Blob): void;
  close(code?: number, reason?: string): void;
}

declare const addEventListener: EventTarget["addEventListener"];
declare const removeEventListener: EventTarget["removeEventListener"];
declare const WebSocket: new (url: string, protocols: readonly string[]) => NativeSocket;

/** What may differ from attempt to attempt. */
export interface NativeRequest {
  /** Without credentials, which a browser would not send. */
  readonly url: string;
  readonly publicUrl: string;
  readonly secure: boolean;
  readonly protocols: readonly string[];
}

export type NativeOptions = SessionOptions<NativeRequest>;

/** The readyState of a native WebSocket that is open. */
const OPEN = 1;

/** How often a full native WebSocket is asked whether there is room again, in ms: it has no event for that. */
const DRAIN_POLL_MS = 10;

/** How long after its error the end of a native WebSocket may come, in ms. */
const LINGER_MS = 1000;

/** All that is known of the answer of a server that upgraded. */
const UPGRADED: UpgradeResponse = { status: 101, statusText: "", rawHeaders: [] };

/** How native WebSockets open sessions; the runtime's own class is looked up for each attempt. */
export function openNative(
  create = (url: string, protocols: readonly string[]): NativeSocket => new WebSocket(url, protocols),
): Open<NativeOptions> {
  return async (options, callOff) => {
    const attempt = new OpenAttempt(options.timeout, options.signal, callOff);
    let url = options.publicUrl;
    let socket: NativeSocket | undefined;
    try {
      attempt.signal.throwIfAborted();
      attempt.phase("headers");
      const request = await attempt.guard(options.request());
      url = request.publicUrl;
      attempt.phase("handshake"); // and all before it: a browser does not tell how far it is
      socket = created(create, request);
      await attempt.guard(opened(socket));
      attempt.signal.throwIfAborted();
      // A browser is to see to that itself (WHATWG WebSockets, establish a connection), and not all do.
      if (request.protocols.length > 0 && socket.protocol === "")
        throw new HandshakeError(
          "ERR_WS_INVALID_RESPONSE",
          "the server chooses none of the subprotocols",
          UPGRADED,
        );
      return new NativeSession(socket, request, options);
    } catch (error) {
      socket?.close();
      throw error instanceof WebSocketError ? error.locate(url) : error;
    } finally {
      attempt.done();
    }
  };
}

/** What may not be (a page on https: and a ws: url) throws, and so does a class that is not there. */
function created(create: (url: string, protocols: readonly string[]) => NativeSocket, to: NativeRequest) {
  try {
    return create(to.url, to.protocols);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`the browser makes no WebSocket: ${why}`, "ERR_WS_UNSUPPORTED", { cause });
  }
}

function opened(socket: NativeSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () =>
      reject(
        new TransportError(
          "ERR_WS_CONNECT",
          "the browser could not connect, and does not say why: see its console",
        ),
      );
    socket.binaryType = "arraybuffer";
    socket.onopen = resolve;
    socket.onerror = fail;
    socket.onclose = fail;
  });
}

/** Throws UsageError for a code or a reason that a browser does not send. */
export function checkNativeClose(code: number, reason: string): void {
  checkClose(code, reason, { byteLength: (text) => new TextEncoder().encode(text).length });
  if (code !== NO_STATUS_RECEIVED && !maySend(code))
    throw unsupported(`close code ${code} (unlike 1000 and 3000 to 4999)`);
}

/** Calls whenever the browser says that it is connected to a network again; what is returned ends that. */
export function onOnline(call: () => void): () => void {
  if (typeof addEventListener === "undefined") return () => {};
  addEventListener("online", call);
  return () => removeEventListener("online", call);
}

function maySend(code: number): boolean {
  return code === NORMAL_CLOSURE || code >= 3000;
}

export function unsupported(what: string): UsageError {
  return new UsageError(`${what} is not possible with the WebSocket of a browser`, "ERR_WS_UNSUPPORTED");
}

/** What it compresses is its own choice. Throws UsageError. */
export function checkCompress(compress: boolean | undefined): void {
  if (compress === false) throw unsupported("compress: false");
}

class NativeSession implements Session {
  readonly url: string;
  readonly publicUrl: string;
  readonly secure: boolean;
  readonly protocol: string;
  readonly extensions: string;
  readonly response: UpgradeResponse = UPGRADED;
  readonly localAddress: undefined;
  readonly remoteAddress: undefined;
  sentBytes = 0;
  activity = 0;
  heard = 0;
  readonly canPing = false;
  readonly isPaused = false;

  readonly #socket: NativeSocket;
  readonly #signal: AbortSignal | undefined;
  readonly #ignoreSignal: (() => void) | undefined;
  readonly #maxMessageSize: number;
  /** Fulfils once, whoever says first how it ended. */
  readonly #ended: Promise<CloseInfo>;
  #settleEnded: (info: CloseInfo) => void = () => {};
  #hasEnded = false;
  #sink: SessionSink | undefined;
  /** What arrives before start(). */
  #kept: Message[] = [];
  /** What is to be one message. */
  #pieces: (string | Uint8Array<ArrayBuffer>)[] = [];
  #sent: CloseFrame | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #poll: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: NativeSocket, request: NativeRequest, options: NativeOptions) {
    this.url = request.url;
    this.publicUrl = request.publicUrl;
    this.secure = request.secure;
    this.protocol = socket.protocol;
    this.extensions = socket.extensions;
    this.#socket = socket;
    this.#signal = options.signal;
    this.#maxMessageSize = options.maxMessageSize;
    this.#ended = new Promise((resolve) => {
      this.#settleEnded = resolve;
    });
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onerror = () => this.#expire(LINGER_MS, this.#lost());
    socket.onclose = (event) => this.#closed(event);
    this.#ignoreSignal = this.#signal && onAbort(this.#signal, this.#abort);
  }

  get state(): ProtocolState {
    if (this.#hasEnded) return "closed";
    return this.#sent === undefined && this.#socket.readyState === OPEN ? "open" : "closing";
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Messages come whole, which is one of the ways to deliver parts of them; frames there are none. */
  set delivery(delivery: Delivery) {
    if (delivery === "frames") throw unsupported("onContMessage");
  }

  send(data: Message, compress?: boolean): void {
    checkCompress(compress);
    this.#send(typeof data === "string" || isPlain(data) ? data : new Uint8Array(data));
  }

  sendFragment(data: Message, isFirst: boolean, fin: boolean, compress?: boolean): void {
    checkCompress(compress);
    if (isFirst) this.#pieces = [];
    this.#pieces.push(typeof data === "string" ? data : new Uint8Array(data));
    if (fin) this.#send(typeof data === "string" ? this.#pieces.join("") : new Blob(this.#pieces));
  }

  ping(): never {
    throw unsupported("ping()");
  }

  pong(): never {
    throw unsupported("pong()");
  }

  start(sink: SessionSink): void {
    this.#sink = sink;
    for (let data = this.#kept.shift(); data !== undefined; data = this.#kept.shift()) sink.message(data);
    void this.#ended.then((info) => sink.ended(info));
  }

  pause(): void {}

  resume(): void {}

  close(code: number, reason: string, timeout: number): void {
    if (this.state !== "open") return;
    this.#close(code, reason);
    const message = `the peer did not answer the Close frame within ${timeout} ms`;
    this.#expire(timeout, new TimeoutError("close", timeout, message));
  }

  destroy(cause?: WebSocketError): void {
    if (this.state === "open") this.#close(NO_STATUS_RECEIVED, "");
    this.#kept = [];
    this.#end({ code: 1006, reason: "", wasClean: false }, cause);
  }

  ref(): never {
    throw unsupported("ref()");
  }

  unref(): never {
    throw unsupported("unref()");
  }

  #send(data: Message | Blob): void {
    const before = this.bufferedBytes;
    this.#socket.send(data);
    this.sentBytes += this.bufferedBytes - before;
    this.#awaitDrain();
  }

  /** Asks until there is room again, and only while there is none; that some can leave meanwhile is a sign of life. */
  #awaitDrain(): void {
    const before = this.bufferedBytes;
    if (this.#poll !== undefined || before < HIGH_WATER) return;
    this.#poll = setTimeout(() => {
      this.#poll = undefined;
      if (this.bufferedBytes < before) this.activity++;
      this.#awaitDrain();
      if (this.#poll === undefined) this.#sink?.drain();
    }, DRAIN_POLL_MS);
  }

  #received(data: unknown): void {
    if (this.#hasEnded) return;
    this.heard = ++this.activity;
    const message = typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer);
    const size = sizeOf(message, this.#maxMessageSize);
    if (size > this.#maxMessageSize) {
      const what = `received a message of ${size} bytes, more than maxMessageSize (${this.#maxMessageSize})`;
      const about = { limit: "maxMessageSize", actual: size };
      this.destroy(new LimitError("ERR_WS_MESSAGE_TOO_BIG", what, about));
    } else if (this.#sink === undefined) {
      this.#kept.push(message);
    } else {
      this.#sink.message(message);
    }
  }

  #closed({ code, reason, wasClean }: NativeCloseEvent): void {
    // 0 and 1006 stand for no Close frame; one that came counts only where ours went out (browsers differ in when it did).
    const received = code === 0 || code === 1006 ? undefined : { code, reason };
    if (wasClean && received !== undefined) this.#end({ ...received, wasClean, received });
    else
      this.#end(
        { code: 1006, reason: "", wasClean: false, ...(received && { received }) },
        this.#sent === undefined ? this.#lost() : undefined,
      );
  }

  #lost(): TransportError {
    return new TransportError("ERR_WS_TRANSPORT", "the connection was lost, without a Close frame");
  }

  #close(code: number, reason: string): void {
    this.#sent = maySend(code) ? { code, reason } : { code: NO_STATUS_RECEIVED, reason: "" };
    if (maySend(code)) this.#socket.close(code, reason);
    else this.#socket.close();
  }

  /** Ends the session in `ms`, unless its WebSocket ends before. */
  #expire(ms: number, error: WebSocketError): void {
    clearTimeout(this.#deadline);
    if (ms !== Number.POSITIVE_INFINITY) this.#deadline = setTimeout(() => this.destroy(error), ms);
  }

  #end(info: CloseInfo, error?: WebSocketError): void {
    this.#hasEnded = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#poll);
    this.#ignoreSignal?.();
    this.#settleEnded({
      ...info,
      ...(this.#sent && { sent: this.#sent }),
      ...(error && { error: error.locate(this.publicUrl) }),
    });
  }

  readonly #abort = (): void => {
    this.destroy(
      new WebSocketError("ERR_WS_ABORTED", "the signal was aborted", { cause: this.#signal?.reason }),
    );
  };
}

/** Whether a native WebSocket takes it: memory that is shared, or may shrink, it refuses. */
function isPlain({ buffer }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer && !(buffer as { readonly resizable?: boolean }).resizable;
}

/** Bytes of a message on the wire; a text is encoded to count them only where they may be more than `most`. */
function sizeOf(message: Message, most: number): number {
  if (typeof message !== "string" || 3 * message.length <= most) return message.length;
  return new TextEncoder().encode(message).length;
}

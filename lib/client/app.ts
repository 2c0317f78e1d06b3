// The long-lived shape: callbacks, and runForever().
//
// Order: onOpen before any message; for each message onData, then onMessage; onError where something is wrong; and
// exactly one onClose for each connection that was begun, last of all. A callback that throws, or whose promise rejects,
// is reported to onError, once, and changes nothing else.

import { BINARY, type DataOpcode, TEXT } from "../codec/opcode.ts";
import { ClosedError, type CloseInfo, UsageError, WebSocketError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import type { Open } from "../session/session.ts";
import { Channel, type Receiver, type Sendable, type StreamSource } from "./channel.ts";
import { Connection, type SendStreamOptions } from "./connection.ts";
import { closedError } from "./inbox.ts";
import { type ConnectionOptions, ownProperties, type Provider, refuseOthers, resolve } from "./options.ts";

/** What an app calls. What a callback returns is ignored, but for a promise, whose rejection goes to onError. */
export interface AppCallbacks {
  /** The connection is open. What is sent here goes out before any message comes in. */
  onOpen?: ((app: App) => unknown) | undefined;
  /** As onOpen, for every connection but the first. */
  onReconnect?: ((app: App) => unknown) | undefined;
  /** A message: text is a string, binary a Uint8Array that is yours to keep. */
  onMessage?: ((app: App, message: Message) => unknown) | undefined;
  /** Before onMessage and onContMessage, with the frame's opcode (1 text, 2 binary, 0 continuation) and whether the message ends. */
  onData?: ((app: App, data: Message, opcode: DataOpcode, fin: boolean) => unknown) | undefined;
  /** Where it is set, the frames of a fragmented message come here one by one, instead of to onMessage as a whole. */
  onContMessage?: ((app: App, chunk: Message, fin: boolean) => unknown) | undefined;
  /** A ping came, and was answered. */
  onPing?: ((app: App, payload: Uint8Array) => unknown) | undefined;
  onPong?: ((app: App, payload: Uint8Array) => unknown) | undefined;
  /** The connection failed or was lost, or a callback threw. Without it, errors of callbacks are printed. */
  onError?: ((app: App, error: Error) => unknown) | undefined;
  /** The connection is gone; 1006 where there was no closing handshake. `info` has both sides' codes, and the error. */
  onClose?: ((app: App, code: number, reason: string, info: CloseInfo) => unknown) | undefined;
}

export interface AppOptions extends ConnectionOptions, AppCallbacks {}

export interface RunOptions {
  /** Ends the run: a connection that is open is dropped. */
  readonly signal?: AbortSignal;
  /** Must be false or absent: this version does not reconnect. */
  readonly reconnect?: false;
  /** Must be false or absent: this version sends no pings of its own accord. */
  readonly keepAlive?: false;
}

const CALLBACKS = [
  "onOpen",
  "onReconnect",
  "onMessage",
  "onData",
  "onContMessage",
  "onPing",
  "onPong",
  "onError",
  "onClose",
] as const satisfies readonly (keyof AppCallbacks)[];

/** A WebSocket that calls back. Made for a runtime by webSocketAppWith(). */
export class App implements AppCallbacks {
  onOpen: AppCallbacks["onOpen"];
  onReconnect: AppCallbacks["onReconnect"];
  onMessage: AppCallbacks["onMessage"];
  onData: AppCallbacks["onData"];
  onPing: AppCallbacks["onPing"];
  onPong: AppCallbacks["onPong"];
  onError: AppCallbacks["onError"];
  onClose: AppCallbacks["onClose"];

  readonly #open: Open;
  readonly #url: Provider<string | URL>;
  readonly #options: ConnectionOptions;
  #onContMessage: AppCallbacks["onContMessage"];
  #channel: Channel | undefined;
  #connection: Connection | undefined;
  #run: AbortController | undefined;
  /** The end of the current connection is what the user asked for. */
  #isEnding = false;

  /** Throws UsageError for a url or an option that is wrong. */
  constructor(open: Open, url: Provider<string | URL>, options: AppOptions = {}) {
    const given = ownProperties(options);
    for (const name of CALLBACKS) {
      const callback = given[name];
      if (callback !== undefined && typeof callback !== "function")
        throw new UsageError(`${name} is a function`);
      this[name] = callback as never;
      delete given[name];
    }
    resolve(url, given); // for its complaints
    this.#open = open;
    this.#url = url;
    this.#options = given;
  }

  get onContMessage(): AppCallbacks["onContMessage"] {
    return this.#onContMessage;
  }

  set onContMessage(callback: AppCallbacks["onContMessage"]) {
    this.#onContMessage = callback;
    this.#chooseDelivery();
  }

  /** The connection that is open now. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /**
   * Connects and runs until the connection is gone; fulfils with how it ended. Rejects only for a wrong call: UsageError
   * for wrong options, or while it runs already. Whatever goes wrong later is told to onError, and in the result.
   */
  async runForever(options: RunOptions = {}): Promise<CloseInfo> {
    const given = ownProperties(options);
    refuseOthers(given, new Set(["signal"]));
    if (this.#run !== undefined) throw new UsageError("the app is running already", "ERR_WS_INVALID_STATE");
    const run = new AbortController();
    this.#run = run;
    this.#isEnding = false;
    const signals = [run.signal, given.signal, this.#options.signal].filter((signal) => signal !== undefined);
    try {
      return await this.#connect(AbortSignal.any(signals));
    } finally {
      this.#run = undefined;
    }
  }

  /** Sends a message. Throws ClosedError when not open, UsageError, and LimitError when too much waits to be sent. */
  send(data: Sendable): void {
    void this.#current().send(data);
  }

  /** Sends one message in pieces; see Connection. */
  sendStream(source: StreamSource, options: SendStreamOptions = {}): Promise<void> {
    return this.#current().sendStream(source, options.binary);
  }

  /** Sends a ping and fulfils with the time in ms until its pong. */
  ping(data?: Sendable): Promise<number> {
    return this.#current().ping(data);
  }

  /** Sends an unsolicited pong. */
  pong(data?: Sendable): void {
    this.#current().pong(data);
  }

  /** Ends the run: closes an open connection, calls off one that is being opened. Throws UsageError as Connection.close(). */
  close(code?: number, reason?: string): void {
    if (this.#channel !== undefined) void this.#channel.close(code, reason);
    this.#isEnding = true;
    if (this.#channel === undefined) this.#run?.abort();
  }

  /** Ends the run without a closing handshake. */
  terminate(): void {
    this.#isEnding = true;
    this.#channel?.terminate();
    if (this.#channel === undefined) this.#run?.abort();
  }

  // ---- inside

  /** One connection, from its beginning to its onClose. */
  async #connect(signal: AbortSignal): Promise<CloseInfo> {
    signal.addEventListener("abort", this.#ending);
    try {
      const options = resolve(this.#url, { ...this.#options, signal });
      const session = await this.#open(options);
      const channel = new Channel(
        session,
        options,
        new AppReceiver(this, (info) => this.#ended(info), this.#report),
      );
      this.#channel = channel;
      this.#connection = new Connection(channel);
      this.#chooseDelivery();
      this.#call("onOpen", this.onOpen);
      channel.start();
      return await channel.closed;
    } catch (error) {
      const info = { code: 1006, reason: "", wasClean: false, error: asWebSocketError(error, signal) };
      this.#ended(info);
      return info;
    } finally {
      signal.removeEventListener("abort", this.#ending);
    }
  }

  readonly #ending = (): void => {
    this.#isEnding = true;
  };

  #current(): Channel {
    if (this.#channel === undefined) throw new ClosedError("the app is not connected");
    return this.#channel;
  }

  #chooseDelivery(): void {
    if (this.#channel === undefined) return;
    this.#channel.session.delivery = this.#onContMessage === undefined ? "whole" : "frames";
  }

  #ended(info: CloseInfo): void {
    this.#channel = undefined;
    this.#connection = undefined;
    if (!this.#isEnding && !info.wasClean) this.#tell(info.error ?? closedError(info));
    this.#call("onClose", this.onClose, info.code, info.reason, info);
  }

  #call<Args extends unknown[]>(
    name: keyof AppCallbacks,
    callback: ((app: App, ...args: Args) => unknown) | undefined,
    ...args: Args
  ): void {
    if (callback === undefined) return;
    try {
      const result = callback.call(this, this, ...args);
      if (result !== undefined) watch(name, result, this.#report);
    } catch (error) {
      this.#report(name, error);
    }
  }

  /** A callback failed. */
  readonly #report = (name: keyof AppCallbacks, cause: unknown): void => {
    const error =
      cause instanceof Error
        ? cause
        : new WebSocketError("ERR_WS_CALLBACK", `${name} threw ${String(cause)}`, { cause });
    // One that fails in onError itself would come back to it for ever.
    if (name === "onError" || this.onError === undefined) console.error(error);
    else this.#tell(error);
  };

  #tell(error: Error): void {
    this.#call("onError", this.onError, error);
  }
}

type Report = (name: keyof AppCallbacks, cause: unknown) => void;

/** Reports the rejection of a callback that returned a promise. */
function watch(name: keyof AppCallbacks, result: unknown, report: Report): void {
  if (typeof (result as PromiseLike<unknown> | null)?.then !== "function") return;
  Promise.resolve(result).catch((error) => report(name, error));
}

/** Calls back for what arrives, straight from the parser's loop: no queue, no promise, no list of arguments. */
class AppReceiver implements Receiver {
  readonly #app: App;
  readonly #ended: (info: CloseInfo) => void;
  readonly #report: Report;

  constructor(app: App, ended: (info: CloseInfo) => void, report: Report) {
    this.#app = app;
    this.#ended = ended;
    this.#report = report;
  }

  message(data: Message): void {
    const app = this.#app;
    if (app.onData !== undefined) this.#data(data, typeof data === "string" ? TEXT : BINARY, true);
    if (app.onMessage === undefined) return;
    try {
      const result = app.onMessage(app, data);
      if (result !== undefined) watch("onMessage", result, this.#report);
    } catch (error) {
      this.#report("onMessage", error);
    }
  }

  piece(data: Message, opcode: DataOpcode, fin: boolean): void {
    const app = this.#app;
    this.#data(data, opcode, fin);
    try {
      watch("onContMessage", app.onContMessage?.(app, data, fin), this.#report);
    } catch (error) {
      this.#report("onContMessage", error);
    }
  }

  pinged(payload: Uint8Array): void {
    const app = this.#app;
    try {
      watch("onPing", app.onPing?.(app, payload), this.#report);
    } catch (error) {
      this.#report("onPing", error);
    }
  }

  ponged(payload: Uint8Array): void {
    const app = this.#app;
    try {
      watch("onPong", app.onPong?.(app, payload), this.#report);
    } catch (error) {
      this.#report("onPong", error);
    }
  }

  ended(info: CloseInfo): void {
    this.#ended(info);
  }

  #data(data: Message, opcode: DataOpcode, fin: boolean): void {
    const app = this.#app;
    try {
      watch("onData", app.onData?.(app, data, opcode, fin), this.#report);
    } catch (error) {
      this.#report("onData", error);
    }
  }
}

/** What ended an attempt. A function of the user may have thrown anything, and a signal may have any reason. */
function asWebSocketError(error: unknown, signal: AbortSignal): WebSocketError {
  if (error instanceof WebSocketError) return error;
  if (signal.aborted && error === signal.reason) {
    return new WebSocketError("ERR_WS_ABORTED", "the attempt to connect was called off", { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new WebSocketError("ERR_WS_CALLBACK", `an option's function failed: ${message}`, { cause: error });
}

/** The class WebSocketApp of a runtime. */
export type WebSocketAppConstructor = new (url: Provider<string | URL>, options?: AppOptions) => App;

/** WebSocketApp for a runtime, with other defaults than the library's. */
export function webSocketAppWith(open: Open, defaults: AppOptions): WebSocketAppConstructor {
  return class WebSocketApp extends App {
    constructor(url: Provider<string | URL>, options?: AppOptions) {
      super(open, url, { ...defaults, ...options });
    }
  };
}

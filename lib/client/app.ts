// The long-lived shape: callbacks, and runForever().
//
// Order: onOpen before any message; for each message onData, then onMessage; onError where something is wrong; and
// exactly one onClose for each connection that was begun, last of all. A callback that throws, or whose promise rejects,
// is reported to onError, once, and changes nothing else.

import { NORMAL_CLOSURE } from "../codec/close-code.ts";
import { ClosedError, type CloseInfo, UsageError, WebSocketError } from "../errors.ts";
import { type AppCallbacks, CALLBACKS, CallbackReceiver } from "./callbacks.ts";
import { Channel, promised } from "./channel.ts";
import { Connection, type SendStreamOptions } from "./connection.ts";
import { closedError } from "./inbox.ts";
import {
  abortSignal,
  type ConnectionOptions,
  ownProperties,
  type Provider,
  type Resolve,
  type ResolvedOptions,
  refuseOthers,
  withDefaults,
} from "./options.ts";
import type { StreamSource } from "./outgoing-stream.ts";
import type { Sendable } from "./sendable.ts";

export interface AppOptions extends ConnectionOptions, AppCallbacks<App> {}

export interface RunOptions {
  /** Ends the run: a connection that is open is dropped. */
  readonly signal?: AbortSignal;
  /** Must be false or absent: this version does not reconnect. */
  readonly reconnect?: false;
  /** Must be false or absent: this version sends no pings of its own accord. */
  readonly keepAlive?: false;
}

/** A WebSocket that calls back. Made for a runtime by webSocketAppWith(). */
export class App implements AppCallbacks<App> {
  // Declared only: a field of its own, though undefined, would hide a method of that name in a subclass.
  declare onOpen: AppCallbacks<App>["onOpen"];
  declare onReconnect: AppCallbacks<App>["onReconnect"];
  declare onMessage: AppCallbacks<App>["onMessage"];
  declare onData: AppCallbacks<App>["onData"];
  declare onPing: AppCallbacks<App>["onPing"];
  declare onPong: AppCallbacks<App>["onPong"];
  declare onError: AppCallbacks<App>["onError"];
  declare onClose: AppCallbacks<App>["onClose"];

  readonly #resolve: Resolve;
  readonly #url: Provider<string | URL>;
  readonly #options: ConnectionOptions;
  readonly #caller: CallbackReceiver<App>;
  #onContMessage: AppCallbacks<App>["onContMessage"];
  #channel: Channel | undefined;
  #connection: Connection | undefined;
  #run: AbortController | undefined;
  /** The end of the current connection is what the user asked for. */
  #isEnding = false;

  /** Throws UsageError for a url or an option that is wrong. */
  constructor(resolve: Resolve, url: Provider<string | URL>, options: AppOptions = {}) {
    const given = ownProperties(options);
    for (const name of CALLBACKS) {
      const callback = given[name];
      if (callback !== undefined && typeof callback !== "function")
        throw new UsageError(`${name} is a function`);
      if (callback !== undefined) this[name] = callback as never;
      delete given[name];
    }
    this.#resolve = resolve;
    this.#caller = new CallbackReceiver(this, (info) => this.#ended(info));
    this.#url = url;
    this.#options = given;
    this.#resolved(); // for its complaints
  }

  get onContMessage(): AppCallbacks<App>["onContMessage"] {
    return this.#onContMessage;
  }

  set onContMessage(callback: AppCallbacks<App>["onContMessage"]) {
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
    refuseOthers(given, ["signal"]);
    const signal = abortSignal("signal", given.signal);
    if (this.#run !== undefined) throw new UsageError("the app is running already", "ERR_WS_INVALID_STATE");
    this.#resolved(); // callbacks may have been set since
    const run = new AbortController();
    this.#run = run;
    this.#isEnding = false;
    const signals = [run.signal, signal, this.#options.signal].filter((each) => each !== undefined);
    try {
      return await this.#connect(AbortSignal.any(signals));
    } finally {
      if (this.#run === run) this.#run = undefined;
    }
  }

  /** Sends a message. Throws ClosedError when not open, UsageError, and LimitError when too much waits to be sent. */
  send(data: Sendable): void {
    const sent = this.#current().send(data);
    // A Blob is read later: only then can it fail, and nobody holds the promise.
    if (typeof data === "object" && "arrayBuffer" in data) sent.catch((error) => this.#caller.error(error));
  }

  /** Sends one message in pieces; see Connection. */
  sendStream(source: StreamSource, options: SendStreamOptions = {}): Promise<void> {
    return promised(() => this.#current().sendStream(source, options.binary));
  }

  /** Sends a ping and fulfils with the time in ms until its pong. */
  ping(data?: Sendable): Promise<number> {
    return promised(() => this.#current().ping(data));
  }

  /** Sends an unsolicited pong. */
  pong(data?: Sendable): void {
    this.#current().pong(data);
  }

  /** Ends the run: closes an open connection, calls off one that is being opened. Throws UsageError as Connection.close(). */
  close(code: number = NORMAL_CLOSURE, reason = ""): void {
    if (this.#channel !== undefined) {
      void this.#channel.close(code, reason);
    } else {
      this.#resolved().checkClose(code, reason);
      this.#run?.abort();
    }
    this.#isEnding = true;
  }

  /** Ends the run without a closing handshake. */
  terminate(): void {
    this.#isEnding = true;
    this.#channel?.terminate();
    if (this.#channel === undefined) this.#run?.abort();
  }

  /** One connection, from its beginning to its onClose. */
  async #connect(signal: AbortSignal): Promise<CloseInfo> {
    signal.addEventListener("abort", this.#ending);
    if (signal.aborted) this.#ending();
    try {
      const options = this.#resolved({ ...this.#options, signal });
      const session = await options.open();
      const channel = new Channel(session, options, this.#caller);
      this.#channel = channel;
      this.#connection = new Connection(channel);
      this.#chooseDelivery();
      this.#caller.call("onOpen");
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

  #resolved(options = this.#options): ResolvedOptions {
    const callbacks = CALLBACKS.filter((name) => this[name] !== undefined);
    return this.#resolve(this.#url, options, callbacks);
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
    this.#channel.session.delivery = this.onContMessage === undefined ? "whole" : "frames";
  }

  #ended(info: CloseInfo): void {
    this.#channel = undefined;
    this.#connection = undefined;
    this.#run = undefined; // from onClose the app can be run again
    if (!this.#isEnding && !info.wasClean) this.#caller.error(info.error ?? closedError(info));
    this.#caller.call("onClose", info.code, info.reason, info);
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
export function webSocketAppWith(resolve: Resolve, defaults: AppOptions): WebSocketAppConstructor {
  return class WebSocketApp extends App {
    constructor(url: Provider<string | URL>, options?: AppOptions) {
      super(resolve, url, withDefaults(defaults, options));
    }
  };
}

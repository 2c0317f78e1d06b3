// The long-lived shape: callbacks, and runForever().
//
// Order: onOpen, or onReconnect, before any message; for each message onData, then onMessage; onError where something is
// wrong; and exactly one onClose for each connection that was begun, last of all. A callback that throws, or whose promise
// rejects, is reported to onError, once, and changes nothing else.
//
// A run is one connection after another: each begins when the one before is gone and the wait after it is over, so that there is
// never more than one, and nothing of one is left for the next.

import { randomFraction } from "../bytes/random.ts";
import { NORMAL_CLOSURE } from "../codec/close-code.ts";
import { ClosedError, type CloseInfo, UsageError, WebSocketError } from "../errors.ts";
import { onAbort } from "../session/abort-listeners.ts";
import { Backoff, type Reconnect, type ReconnectOptions, resolveReconnect } from "./backoff.ts";
import { type AppCallbacks, CALLBACKS, CallbackReceiver, notAnError } from "./callbacks.ts";
import { Channel, promised } from "./channel.ts";
import { Connection, type SendOptions, type SendStreamOptions, sendOptions } from "./connection.ts";
import { closedError } from "./inbox.ts";
import type { KeepAliveOptions } from "./keep-alive.ts";
import {
  abortSignal,
  type ConnectionOptions,
  copyOf,
  ownProperties,
  type Provider,
  type Resolve,
  type ResolvedOptions,
  refuseOthers,
  withDefaults,
} from "./options.ts";
import { Outbox, type OutboxOptions } from "./outbox.ts";
import type { StreamSource } from "./outgoing-stream.ts";
import { isPassing, retryAfter } from "./retry.ts";
import type { Sendable } from "./sendable.ts";

/** What an app takes besides the options of a connection. */
export interface AppOptions extends ConnectionOptions, AppCallbacks<App> {
  /** Whether and when to connect again; a number is the least wait in ms, true stands for the defaults. Default false. */
  readonly reconnect?: boolean | number | ReconnectOptions;
  /** Keeps what is sent while there is no connection for the next one. Default none: send() throws then. */
  readonly outbox?: OutboxOptions;
}

/** Of one call of runForever(); what is left out is as the app has it. */
export interface RunOptions {
  /** Ends the run: a connection that is open is dropped. */
  readonly signal?: AbortSignal;
  /** In the place of the app's own option. */
  readonly reconnect?: boolean | number | ReconnectOptions;
  /** In the place of the app's own option. */
  readonly keepAlive?: boolean | KeepAliveOptions;
}

/** What goes on between runForever() and its end. */
interface Run {
  /** Calls off an attempt to connect, and the wait for it: there is none while a connection is open, which may be for long. */
  controller: AbortController | undefined;
  /** The user's, if there is one. */
  readonly signal: AbortSignal | undefined;
  readonly options: ConnectionOptions;
  readonly reconnect: Reconnect | undefined;
  readonly backoff: Backoff | undefined;
  /** A connection was open before. */
  wasOpen: boolean;
  trace: ResolvedOptions["trace"];
  onOnline: ResolvedOptions["onOnline"];
  /** What was checked as the run began, for the first connection. */
  checked: ResolvedOptions | undefined;
  /** Stops listening to the signal. */
  ignore: (() => void) | undefined;
  /** Tells the end of the run. */
  readonly resolve: (info: CloseInfo) => void;
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
  readonly #reconnect: AppOptions["reconnect"];
  readonly #outbox: Outbox | undefined;
  readonly #caller: CallbackReceiver<App>;
  readonly #checkClose: ResolvedOptions["checkClose"];
  readonly #checkCompress: ResolvedOptions["checkCompress"];
  #onContMessage: AppCallbacks<App>["onContMessage"];
  #channel: Channel | undefined;
  #connection: Connection | undefined;
  #run: Run | undefined;
  /** When the current connection was opened, in ms. */
  #openedAt: number | undefined;
  /** What is sent goes into the outbox: not before there is a run, nor within onOpen. */
  #isBoxed = false;
  /** The end of the run is what the user asked for. */
  #isEnding = false;

  /** One for all apps. */
  static readonly #tellEnd = (info: CloseInfo, app: App): void => app.#ended(info);

  /** Throws UsageError for a url or an option that is wrong. */
  constructor(resolve: Resolve, url: Provider<string | URL>, options: AppOptions = {}) {
    const { reconnect, outbox, ...own } = copyOf(options);
    const given = ownProperties(own);
    for (const name of CALLBACKS) {
      const callback = given[name];
      if (callback !== undefined && typeof callback !== "function")
        throw new UsageError(`${name} is a function`);
      if (callback !== undefined) this[name] = callback as never;
      delete given[name];
    }
    this.#resolve = resolve;
    this.#caller = new CallbackReceiver<App>(this, App.#tellEnd);
    this.#url = url;
    this.#options = given;
    this.#reconnect = reconnect;
    if (outbox !== undefined) this.#outbox = new Outbox(outbox, (call) => this.#caller.guard("onDrop", call));
    const { checkClose, checkCompress } = this.#resolved();
    this.#checkClose = checkClose;
    this.#checkCompress = checkCompress;
    resolveReconnect(reconnect); // for its complaints
  }

  get onContMessage(): AppCallbacks<App>["onContMessage"] {
    return this.#onContMessage;
  }

  set onContMessage(callback: AppCallbacks<App>["onContMessage"]) {
    this.#onContMessage = callback;
    this.#chooseDelivery();
  }

  /** The connection that is open now, undefined for none. Its messages go to the callbacks: recv() rejects. */
  get connection(): Connection | undefined {
    if (this.#channel !== undefined) this.#connection ??= new Connection(this.#channel);
    return this.#connection;
  }

  /**
   * Connects and runs until close(), the end of the signal, or an end after which there is to be no other attempt; fulfils
   * with how the last connection ended. Rejects only for a wrong call: UsageError for wrong options, or while it runs
   * already. Whatever goes wrong later is told to onError, and in the result. Until then the process stays alive, also while
   * it waits for the next attempt.
   */
  runForever(options: RunOptions = {}): Promise<CloseInfo> {
    // Not an async function: while one waits it takes half a kilobyte, a tenth of all that an idle connection does.
    return new Promise((resolve) => this.#connect(this.#begin(options, resolve)));
  }

  /**
   * Sends a message. Throws ClosedError when not open, UsageError, and LimitError when too much waits to be sent. With an
   * outbox it is kept while a run has no connection.
   */
  send(data: Sendable, options?: SendOptions): void {
    const compress = options === undefined ? options : sendOptions(options, "compress").compress;
    if (this.#isBoxed && !this.#isEnding) {
      this.#checkCompress?.(compress); // once it waits there is nobody to tell
      this.#outbox?.push(data, compress);
      return;
    }
    const sent = this.#current().send(data, compress);
    // A Blob is read later: only then can it fail, and nobody holds the promise.
    if (typeof data === "object" && "arrayBuffer" in data) sent.catch((error) => this.#caller.error(error));
  }

  /** Sends one message in pieces, as Connection.sendStream() does; no outbox keeps it: rejects with ClosedError when not open. */
  sendStream(source: StreamSource, options: SendStreamOptions = {}): Promise<void> {
    return promised(() => {
      if (this.#isBoxed) this.#outbox?.flush(); // it goes behind what was sent before
      const { binary, compress } = sendOptions(options, "binary", "compress");
      return this.#current().sendStream(source, binary, compress);
    });
  }

  /** Sends a ping with up to 125 bytes and fulfils with the time in ms until its pong. Rejects with ClosedError when not open. */
  ping(data?: Sendable): Promise<number> {
    return promised(() => this.#current().ping(data));
  }

  /** Sends an unsolicited pong with up to 125 bytes. Throws UsageError, and ClosedError when not open. */
  pong(data?: Sendable): void {
    this.#current().pong(data);
  }

  /** Ends the run: closes an open connection, calls off one that is being opened. Throws UsageError as Connection.close(). */
  close(code: number = NORMAL_CLOSURE, reason = ""): void {
    this.#checkClose(code, reason);
    this.#outbox?.conclude();
    void this.#channel?.close(code, reason);
    this.#callOff();
  }

  /** Ends the run without a closing handshake. */
  terminate(): void {
    this.#channel?.terminate();
    this.#callOff();
  }

  #callOff(): void {
    this.#isEnding = true;
    if (this.#channel === undefined) this.#run?.controller?.abort();
  }

  #begin(given: RunOptions, resolve: Run["resolve"]): Run {
    const { signal, reconnect = this.#reconnect, keepAlive, ...others } = ownProperties(given);
    refuseOthers(others, []);
    if (this.#run !== undefined) throw new UsageError("the app is running already", "ERR_WS_INVALID_STATE");
    const signals = [abortSignal("signal", signal), this.#options.signal].filter(
      (each) => each !== undefined,
    );
    const schedule = resolveReconnect(reconnect);
    const merged = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    const options = withDefaults(this.#options, { signal: merged, keepAlive } as ConnectionOptions);
    const run: Run = {
      controller: undefined,
      signal: merged,
      options,
      reconnect: schedule,
      backoff: schedule && new Backoff(schedule, randomFraction),
      wasOpen: false,
      trace: undefined,
      onOnline: undefined,
      checked: this.#resolved(options), // also for its complaints: callbacks may have been set since
      ignore: undefined,
      resolve,
    };
    this.#run = run;
    this.#isEnding = false;
    this.#isBoxed = this.#outbox !== undefined;
    return run;
  }

  /** One connection, which ends in ended(). */
  #connect(run: Run): void {
    const { signal } = run;
    if (signal !== undefined) {
      const end = () => {
        this.#isEnding = true;
      };
      run.ignore = onAbort(signal, end);
      if (signal.aborted) end();
    }
    run.controller ??= new AbortController();
    this.#open(run).catch((cause) => {
      const error = asWebSocketError(cause, signalsOf(run));
      this.#ended({ code: 1006, reason: "", wasClean: false, error });
    });
  }

  /** The next connection when the wait for it is over, unless the run is ended meanwhile. */
  async #again(run: Run, { retry, ...last }: CloseInfo): Promise<void> {
    await pause(retry?.delay ?? 0, signalsOf(run), run.onOnline);
    if (!signalsOf(run).some(({ aborted }) => aborted)) return this.#connect(run);
    this.#finish();
    run.resolve(last);
  }

  async #open(run: Run): Promise<void> {
    const options = run.checked ?? this.#resolved(run.options);
    run.checked = undefined;
    run.trace = options.trace;
    run.onOnline = options.onOnline;
    const session = await options.open(run.controller);
    try {
      for (const signal of signalsOf(run)) signal.throwIfAborted();
      const channel = new Channel(session, options, this.#caller);
      this.#opened(channel, run);
      channel.start();
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  #opened(channel: Channel, run: Run): void {
    run.controller = undefined;
    this.#channel = channel;
    this.#openedAt = performance.now();
    this.#chooseDelivery();
    run.trace?.note("Websocket connected");
    this.#outbox?.attach(channel);
    this.#isBoxed = false; // what onOpen sends, to log in perhaps, goes before what waits
    this.#caller.call(run.wasOpen && this.onReconnect !== undefined ? "onReconnect" : "onOpen");
    run.wasOpen = true;
    this.#isBoxed = this.#outbox !== undefined;
    this.#outbox?.pump();
  }

  #resolved(options = this.#options): ResolvedOptions {
    const callbacks = CALLBACKS.filter((name) => this[name] !== undefined);
    return this.#resolve(this.#url, options, callbacks);
  }

  #current(): Channel {
    if (this.#channel === undefined) throw new ClosedError("the app is not connected");
    return this.#channel;
  }

  #chooseDelivery(): void {
    if (this.#channel === undefined) return;
    this.#channel.session.delivery = this.onContMessage === undefined ? "whole" : "frames";
  }

  #ended(info: CloseInfo): void {
    const lasted = this.#openedAt && performance.now() - this.#openedAt;
    this.#channel = undefined;
    this.#connection = undefined;
    this.#openedAt = undefined;
    const isError = !this.#isEnding && !info.wasClean; // whatever onDrop makes of it
    this.#outbox?.detach(info);
    if (isError) this.#caller.error(info.error ?? closedError(info));
    const run = this.#run;
    const retry = run && this.#next(run, info, lasted);
    const told = retry === undefined ? info : { ...info, retry };
    if (retry !== undefined && run !== undefined) run.controller = new AbortController();
    run?.trace?.note(farewell(told));
    if (retry === undefined) this.#finish();
    this.#caller.call("onClose", told.code, told.reason, told);
    run?.ignore?.();
    if (retry === undefined) run?.resolve(told);
    else if (run !== undefined) void this.#again(run, told);
  }

  /** The attempt that follows; undefined for none. */
  #next({ reconnect, backoff }: Run, info: CloseInfo, lasted: number | undefined): CloseInfo["retry"] {
    if (reconnect === undefined || backoff === undefined || this.#isEnding) return undefined;
    backoff.lost(lasted);
    const { attempt } = backoff;
    if (backoff.isExhausted || !this.#isWanted(reconnect, info, attempt)) return undefined;
    return this.#isEnding ? undefined : { attempt, delay: backoff.delay(retryAfter(info)) };
  }

  #isWanted({ retry }: Reconnect, info: CloseInfo, attempt: number): boolean {
    let wanted: unknown;
    this.#caller.guard("reconnect.retry", () => {
      wanted = retry?.(info, attempt);
      return wanted;
    });
    if (typeof wanted === "boolean") return wanted;
    // A promise would be true to JavaScript, whatever it fulfils with.
    if (wanted !== undefined) {
      const error = new UsageError("reconnect.retry returns true, false or undefined");
      this.#caller.failed("reconnect.retry", error);
    }
    return isPassing(info);
  }

  /** The run is over: from onClose on the app can be run again. */
  #finish(): void {
    this.#run = undefined;
    this.#isBoxed = false;
    this.#outbox?.end();
  }
}

/** The end of a connection in a line of the trace. */
function farewell({ code, error, retry }: CloseInfo): string {
  const why = error?.message ?? `closed with code ${code}`;
  if (retry === undefined) return `${why} - goodbye`;
  return `${why} - reconnect, attempt ${retry.attempt} in ${Math.round(retry.delay)} ms`;
}

/** What may end it now. */
function signalsOf({ controller, signal }: Run): AbortSignal[] {
  return [signal, controller?.signal].filter((each) => each !== undefined);
}

/** Fulfils after `ms`, when one of the signals is aborted, or when the network is there again. */
function pause(
  ms: number,
  signals: readonly AbortSignal[],
  onOnline: ResolvedOptions["onOnline"],
): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      for (const ignore of ignores) ignore();
      ignoreOnline?.();
      resolve();
    };
    const timer = setTimeout(end, ms);
    const ignoreOnline = onOnline?.(end);
    const ignores = signals.map((signal) => onAbort(signal, end));
    if (signals.some(({ aborted }) => aborted)) end();
  });
}

/** What ended an attempt. A function of the user may have thrown anything, and a signal may have any reason. */
function asWebSocketError(error: unknown, signals: readonly AbortSignal[]): WebSocketError {
  if (error instanceof WebSocketError) return error;
  if (signals.some(({ aborted, reason }) => aborted && error === reason)) {
    return new WebSocketError("ERR_WS_ABORTED", "the attempt to connect was called off", { cause: error });
  }
  if (!(error instanceof Error)) return notAnError("an option's function", error);
  const message = `an option's function failed: ${error.message}`;
  return new WebSocketError("ERR_WS_CALLBACK", message, { cause: error });
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

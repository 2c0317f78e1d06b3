// The callbacks of an app, and how they are called: in isolation. One that throws, or whose promise rejects, is reported to
// onError, once, and changes nothing else. (hot: messages come here straight from the parser's loop)

import { BINARY, type DataOpcode, TEXT } from "../codec/opcode.ts";
import { type CloseInfo, WebSocketError } from "../errors.ts";
import type { Message } from "../protocol/assembler.ts";
import type { Receiver } from "./channel.ts";

/** What an app calls. What a callback returns is ignored, but for a promise, whose rejection goes to onError. */
export interface AppCallbacks<App> {
  /** The connection is open. What is sent here goes out before any message comes in. */
  onOpen?: ((app: App) => unknown) | undefined;
  /** As onOpen, for every connection but the first. */
  onReconnect?: ((app: App) => unknown) | undefined;
  /** A message: text is a string, binary a Uint8Array that is yours to keep; slice() what you transfer, as for recv(). */
  onMessage?: ((app: App, message: Message) => unknown) | undefined;
  /** Before onMessage and onContMessage, with the frame's opcode (1 text, 2 binary, 0 continuation) and whether the message ends. */
  onData?: ((app: App, data: Message, opcode: DataOpcode, fin: boolean) => unknown) | undefined;
  /** Where it is set, the frames of a fragmented message come here one by one, instead of to onMessage as a whole. */
  onContMessage?: ((app: App, chunk: Message, fin: boolean) => unknown) | undefined;
  /** A ping came, and was answered. */
  onPing?: ((app: App, payload: Uint8Array) => unknown) | undefined;
  /** A pong came, whether it answers a ping of ours or none; `connection.latency` is up to date. */
  onPong?: ((app: App, payload: Uint8Array) => unknown) | undefined;
  /** The connection failed or was lost, or a callback threw. Without it, errors of callbacks are printed. */
  onError?: ((app: App, error: Error) => unknown) | undefined;
  /** The connection is gone; 1006 where there was no closing handshake. `info` has both sides' codes, and the error. */
  onClose?: ((app: App, code: number, reason: string, info: CloseInfo) => unknown) | undefined;
}

type CallbackName = keyof AppCallbacks<unknown>;

export const CALLBACKS: readonly CallbackName[] = [
  "onOpen",
  "onReconnect",
  "onMessage",
  "onData",
  "onContMessage",
  "onPing",
  "onPong",
  "onError",
  "onClose",
];

/** What a callback is given besides the app. */
type ArgumentsOf<Name extends CallbackName> =
  NonNullable<AppCallbacks<unknown>[Name]> extends (app: unknown, ...rest: infer Rest) => unknown
    ? Rest
    : never;

/** Calls back for all that arrives at a channel. */
export class CallbackReceiver<App extends AppCallbacks<App>> implements Receiver {
  readonly #app: App;
  readonly #ended: (info: CloseInfo, app: App) => void;

  /** `ended` is told the end of a connection in the place of a callback. */
  constructor(app: App, ended: (info: CloseInfo, app: App) => void) {
    this.#app = app;
    this.#ended = ended;
  }

  call<Name extends CallbackName>(name: Name, ...rest: ArgumentsOf<Name>): void {
    const callback = this.#app[name] as ((app: App, ...rest: ArgumentsOf<Name>) => unknown) | undefined;
    if (callback !== undefined) this.guard(name, () => callback.call(this.#app, this.#app, ...rest));
  }

  /** Calls what is the user's. */
  guard(name: string, act: () => unknown): void {
    try {
      this.#watch(name, act());
    } catch (error) {
      this.failed(name, error);
    }
  }

  /** Tells onError; without it there is nobody to tell. */
  error(error: Error): void {
    this.call("onError", error);
  }

  message(data: Message): void {
    const app = this.#app;
    if (app.onData !== undefined) this.call("onData", data, typeof data === "string" ? TEXT : BINARY, true);
    if (app.onMessage === undefined) return;
    // As call() does it, without a list of arguments.
    try {
      const result = app.onMessage(app, data);
      if (result !== undefined) this.#watch("onMessage", result);
    } catch (error) {
      this.failed("onMessage", error);
    }
  }

  piece(data: Message, opcode: DataOpcode, fin: boolean): void {
    this.call("onData", data, opcode, fin);
    this.call("onContMessage", data, fin);
  }

  pinged(payload: Uint8Array): void {
    this.call("onPing", payload);
  }

  ponged(payload: Uint8Array): void {
    this.call("onPong", payload);
  }

  ended(info: CloseInfo): void {
    this.#ended(info, this.#app);
  }

  /** Reports the rejection of a callback that returned a promise. */
  #watch(name: string, result: unknown): void {
    if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function") return;
    Promise.resolve(result).catch((error) => this.failed(name, error));
  }

  /** Something of the user's threw: tells onError, or where that cannot be, the console. */
  failed(name: string, cause: unknown): void {
    const error = cause instanceof Error ? cause : notAnError(name, cause);
    // A failure of onError itself would come back to it for ever; without onError it would be lost.
    if (name === "onError" || this.#app.onError === undefined) console.error(error);
    else this.error(error);
  }
}

/** An error for what was thrown and is none; it may be anything, also what cannot be shown as a string. */
export function notAnError(name: string, cause: unknown): WebSocketError {
  const isPlain = cause === null || (typeof cause !== "object" && typeof cause !== "function");
  const shown = isPlain ? String(cause) : `a value of type ${typeof cause}`;
  return new WebSocketError("ERR_WS_CALLBACK", `${name} threw ${shown}`, { cause });
}

// Keeps a session alive: pings as the schedule says, and drops it when the peer is dead, without a closing handshake.

import { TimeoutError, WebSocketError } from "../errors.ts";
import type { Session } from "../session/session.ts";
import { notAnError } from "./callbacks.ts";
import { idleTimer } from "./idle-timer.ts";
import { type KeepAlive, type KeepAliveOptions, KeepAliveSchedule, resolveKeepAlive } from "./keep-alive.ts";

/** Sends a ping, or the message in its place; false where that cannot be done now. */
export type SendBeat = (beat: Pick<KeepAlive, "payload" | "message">) => boolean;

/** What begins to keep a session alive as the option says; undefined for none. Throws UsageError. */
export function heartbeat(
  option: boolean | KeepAliveOptions | undefined,
): ((session: Session, send: SendBeat) => Heartbeat) | undefined {
  const keepAlive = resolveKeepAlive(option);
  return keepAlive && ((session, send) => new Heartbeat(session, keepAlive, send));
}

/** What a heartbeat knows of its session. */
type Beating = Pick<Session, "state" | "activity" | "isPaused" | "destroy">;

export class Heartbeat {
  readonly #session: Beating;
  readonly #options: KeepAlive;
  readonly #send: SendBeat;
  readonly #schedule: KeepAliveSchedule;
  #activity: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins at once. Call stop() when the session is closing. */
  constructor(session: Beating, options: KeepAlive, send: SendBeat) {
    this.#session = session;
    this.#options = options;
    this.#send = send;
    this.#activity = session.activity;
    this.#schedule = new KeepAliveSchedule(options, performance.now());
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#timer = idleTimer(this.#beat, Math.max(0, this.#schedule.wakeAt - performance.now()));
  }

  readonly #beat = (): void => {
    const { state, activity, isPaused } = this.#session;
    if (state !== "open") return; // it has a deadline of its own
    // Who does not read hears nothing: that is no silence of the peer's.
    const hasHeard = isPaused || activity !== this.#activity;
    this.#activity = activity;
    const beat = this.#schedule.beat(performance.now(), hasHeard);
    if (beat === "dead") {
      const { timeout, message } = this.#options;
      const what = message === undefined ? "a ping" : "keepAlive.message";
      const why = `nothing came from the peer within ${timeout} ms of ${what} (option keepAlive.timeout)`;
      this.#session.destroy(new TimeoutError("ping", timeout, why));
      return;
    }
    this.#arm(); // first, as it may be stopped by what follows
    if (beat === "ping" && !this.#ping()) {
      this.#schedule.unsent();
      this.stop();
      this.#arm();
    }
  };

  #ping(): boolean {
    try {
      return this.#send(this.#options);
    } catch (cause) {
      this.#session.destroy(failed(cause));
      return true;
    }
  }
}

/** The user's function threw, or gave what is no message. */
function failed(cause: unknown): WebSocketError {
  const error = cause instanceof Error ? cause : notAnError("keepAlive.message", cause);
  if (error instanceof WebSocketError) return error;
  return new WebSocketError("ERR_WS_CALLBACK", `keepAlive.message failed: ${error.message}`, { cause });
}

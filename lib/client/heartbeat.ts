// Keeps a session alive: pings as the schedule says, and drops it when the peer is dead, without a closing handshake.

import { TimeoutError } from "../errors.ts";
import type { Session } from "../session/session.ts";
import { idleTimer } from "./idle-timer.ts";
import { type KeepAlive, KeepAliveSchedule } from "./keep-alive.ts";

/** What a heartbeat knows of its session. */
type Beating = Pick<Session, "state" | "activity" | "isPaused" | "destroy">;

export class Heartbeat {
  readonly #session: Beating;
  readonly #ping: () => void;
  readonly #timeout: number;
  readonly #schedule: KeepAliveSchedule;
  #activity: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins at once; `ping` sends one. Call stop() when the session is closing. */
  constructor(session: Beating, options: KeepAlive, ping: () => void) {
    this.#session = session;
    this.#ping = ping;
    this.#timeout = options.timeout;
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
      const message = `nothing came from the peer within ${this.#timeout} ms of a ping (option keepAlive.timeout)`;
      this.#session.destroy(new TimeoutError("ping", this.#timeout, message));
      return;
    }
    this.#arm();
    if (beat === "ping") this.#ping();
  };
}

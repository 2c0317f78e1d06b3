// A clock that goes on when a test says so, in the place of the timers and of performance.now(), for everything that happens in
// memory: an hour passes in a moment, and what is due comes in order.

import { nextTurn, type Use } from "./clean-up.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
  /** Where it was set. */
  readonly by: string;
}

/** What setTimeout() gives. */
class Handle {
  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }
}

export interface Clock {
  /** Ms since it was made. */
  readonly now: number;
  /** When the timers that are set are due, in order. */
  readonly due: readonly number[];
  /** Lets time pass; all that is due in it happens, and all that follows from it. */
  advance(ms: number): Promise<void>;
  /** Time passes while nothing can happen, as in a loop that is blocked or a machine asleep; then it all is late. */
  block(ms: number): Promise<void>;
}

/** How deep we are in what a real timer calls: that is something from before the clock, which goes on in real time. */
let realTimers = 0;
markRealTimers();

function markRealTimers(): void {
  const { setTimeout } = globalThis;
  const marking = (run: (...args: unknown[]) => unknown, ...more: unknown[]) => {
    const marked = (...args: unknown[]) => {
      realTimers++;
      try {
        run(...args);
      } finally {
        realTimers--;
      }
    };
    return Reflect.apply(setTimeout, undefined, [marked, ...more]);
  };
  Object.defineProperties(marking, Object.getOwnPropertyDescriptors(setTimeout));
  Object.assign(globalThis, { setTimeout: marking });
}

/** So many turns of the event loop and nothing is left to happen of itself. */
const TURNS = 25;

export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await nextTurn();
}

/** From here to the end of the test time stands still but for this clock. */
export function virtualClock(use: Use): Clock {
  const timers = new Map<unknown, Timer>();
  let now = 1000;
  const { setTimeout, clearTimeout } = globalThis;
  const own = Object.getOwnPropertyDescriptor(performance, "now");
  const begin = now;
  Object.assign(globalThis, {
    setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      if (realTimers > 0) return setTimeout(run, ms, ...args);
      const handle = new Handle();
      timers.set(handle, {
        at: now + Math.max(0, ms),
        run: () => run(...args),
        by: `${new Error("set").stack}`,
      });
      return handle;
    },
    clearTimeout: (handle: unknown) => {
      if (!timers.delete(handle) && !(handle instanceof Handle)) clearTimeout(handle as never);
    },
  });
  Object.defineProperty(performance, "now", { value: () => now, configurable: true, writable: true });
  use({
    close() {
      Object.assign(globalThis, { setTimeout, clearTimeout });
      if (own === undefined) delete (performance as { now?: unknown }).now;
      else Object.defineProperty(performance, "now", own);
      const [left] = timers.values();
      if (left !== undefined) throw new Error(`the test left ${timers.size} timers behind, one ${left.by}`);
    },
  });
  const sorted = () => [...timers].sort(([, one], [, other]) => one.at - other.at);
  const fire = async (until: number) => {
    for (;;) {
      const [next] = sorted();
      if (next === undefined || next[1].at > until) return;
      timers.delete(next[0]);
      now = Math.max(now, next[1].at);
      next[1].run();
      await settle();
    }
  };
  return {
    get now() {
      return now - begin;
    },
    get due() {
      return sorted().map(([, { at }]) => at - begin);
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      await fire(until);
      now = until;
      await settle();
    },
    async block(ms) {
      now += ms;
      for (const [handle, { at, run }] of sorted()) {
        if (at <= now && timers.delete(handle)) run();
      }
      await settle();
    },
  };
}

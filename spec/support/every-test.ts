// Around every test of every file: it leaves no socket, server, timer or child process behind, no listener on the process or on
// a signal that lives on, and no rejection that nobody handled.

import type Mocha from "mocha";
import { moreThan, resources } from "./resources.ts";

/** How long what was closed may take to be gone, in ms. */
const PATIENCE_MS = 2000;

/** The listeners of each signal, with the stack of the call that added it. */
const signals = new Map<AbortSignal, Map<unknown, string>>();
const rejections: unknown[] = [];
const faults: string[] = [];
process.on("unhandledRejection", (reason) => rejections.push(reason));
watchSignals();

let before = resources();
let listened = listeners();

export const mochaHooks: Mocha.RootHookObject = {
  async beforeEach() {
    await nextTurn(); // from here on mocha's own timer counts, as it does after the test
    before = resources();
    listened = listeners();
    signals.clear();
    rejections.length = 0;
  },
  async afterEach(this: Mocha.Context) {
    await nextTurn();
    const deadline = performance.now() + PATIENCE_MS;
    while (left().length > 0 && performance.now() < deadline) await nextTurn();
    const title = this.currentTest?.fullTitle();
    for (const what of left()) faults.push(`${title}: left behind: ${what}`);
    for (const reason of rejections) faults.push(`${title}: nobody handled: ${reason}`);
  },
  /** At the end of all, as a hook that fails earlier would be the end of all. */
  afterAll() {
    if (faults.length > 0) throw new Error(faults.join("\n"));
  },
};

function left(): string[] {
  const more = listeners().filter((listener) => !listened.includes(listener));
  return [...moreThan(before), ...more, ...listenedSignals()];
}

/** The listeners on the process, each with its number: `exit 2`. */
function listeners(): string[] {
  return process
    .eventNames()
    .map((name) => `listener on process for ${String(name)} ${process.listenerCount(name)}`);
}

/** Signals that were not aborted, and have listeners. */
function listenedSignals(): string[] {
  const living = [...signals].filter(([{ aborted }]) => !aborted);
  return living.flatMap(([, added]) =>
    [...added.values()].map((stack) => `a listener on a signal, ${stack}`),
  );
}

function watchSignals(): void {
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  const add = function (this: EventTarget, ...args: Parameters<typeof addEventListener>) {
    const [, listener, options] = args;
    const isOnce = typeof options === "object" && options.once === true;
    if (this instanceof AbortSignal && listener !== null && !isOnce) {
      if (!signals.has(this)) signals.set(this, new Map());
      signals.get(this)?.set(listener, new Error("added").stack ?? "");
    }
    return Reflect.apply(addEventListener, this, args);
  };
  const remove = function (this: EventTarget, ...args: Parameters<typeof removeEventListener>) {
    if (this instanceof AbortSignal) signals.get(this)?.delete(args[1]);
    return Reflect.apply(removeEventListener, this, args);
  };
  for (const prototype of [EventTarget.prototype, AbortSignal.prototype])
    Object.assign(prototype, { addEventListener: add, removeEventListener: remove });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

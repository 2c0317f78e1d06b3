// Who waits for a signal to be aborted, with one listener for all: one signal may be for a thousand connections, and Node takes
// more than ten listeners for a leak.

interface Waiting {
  readonly acts: Set<() => void>;
  readonly abort: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/** Calls `act` when the signal is aborted, not if it is already; gives what calls that off. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const { acts, abort } = waiting.get(signal) ?? listenTo(signal);
  acts.add(act);
  return () => {
    acts.delete(act);
    if (acts.size > 0 || waiting.get(signal)?.acts !== acts) return;
    signal.removeEventListener("abort", abort);
    waiting.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Waiting {
  const acts = new Set<() => void>();
  const abort = () => {
    for (const act of acts) act();
  };
  const listening = { acts, abort };
  signal.addEventListener("abort", abort, { once: true });
  waiting.set(signal, listening);
  return listening;
}

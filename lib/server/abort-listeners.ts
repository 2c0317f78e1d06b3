// Who waits for a signal to be aborted, with one listener for all: a server has one signal and many connections, and Node takes
// more than ten listeners for a leak.

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `act` when the signal is aborted, not if it is already; gives what calls that off. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const acts = waiting.get(signal) ?? listenTo(signal);
  acts.add(act);
  return () => void acts.delete(act);
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const acts = new Set<() => void>();
  const abort = () => {
    for (const act of acts) act();
  };
  signal.addEventListener("abort", abort, { once: true });
  waiting.set(signal, acts);
  return acts;
}

// The one switch of the whole library: whether connections that do not say so themselves are traced.

import { UsageError } from "../errors.ts";
import { Trace, type TraceSink } from "../session/trace.ts";

let current: TraceSink | undefined;

/** What `trace` may be: a sink, `true` for the console's error stream, `false` for none. */
export type TraceOption = boolean | TraceSink;

/**
 * Traces every connection that is opened from now on and has no `trace` of its own: handshakes and frames, in
 * websocket-client's layout. Credentials, cookies and query values are left out unless the sink has `redact: false`.
 * A second call takes the place of the first. Throws UsageError.
 * A browser shows neither to anybody but its own tools, so that there nothing is traced.
 */
export function enableTrace(trace: TraceOption = true): void {
  current = traceSink(trace);
}

/** The trace of a connection, if there is one; its own option goes before the switch. Throws UsageError. */
export function traceOf(option: TraceOption | undefined): Trace | undefined {
  const sink = option === undefined ? current : traceSink(option);
  return sink && new Trace(sink);
}

function traceSink(option: TraceOption): TraceSink | undefined {
  if (option === false) return undefined;
  if (option === true) return traceSink({ write: (line) => console.error(line) });
  const { write, event, redact } = option ?? {};
  const functions = [write, event].filter((each) => each !== undefined);
  if (functions.length === 0 || functions.some((each) => typeof each !== "function")) {
    throw new UsageError(
      "a trace is true, false, or an object with a function write(line), event(event) or both",
    );
  }
  if (redact !== undefined && typeof redact !== "boolean")
    throw new UsageError("redact of a trace is true or false");
  return guarded(option, write, event, redact ?? true);
}

/**
 * A sink that throws must cost the connection nothing, nor one whose promise rejects: it is told on the console instead. What
 * a sink sends while it is told is not told to it, as there would be no end to it.
 */
function guarded(
  sink: TraceSink,
  write: TraceSink["write"],
  event: TraceSink["event"],
  redact: boolean,
): TraceSink {
  let isBeingTold = false;
  const guard =
    <Item>(take: (item: Item) => unknown) =>
    (item: Item): void => {
      if (isBeingTold) return;
      isBeingTold = true;
      const taken = (async () => take.call(sink, item))();
      isBeingTold = false;
      taken.catch((error) => console.error(error));
    };
  return { ...(write && { write: guard(write) }), ...(event && { event: guard(event) }), redact };
}

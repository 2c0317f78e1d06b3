// The one switch of the whole library: whether connections that do not say so themselves are traced.

import { UsageError } from "../errors.ts";
import type { TraceSink } from "../session/trace.ts";

const toConsole: TraceSink = { write: (line) => console.error(line) };

let current: TraceSink | undefined;

/** What `trace` may be: a sink, `true` for the console's error stream, `false` for none. */
export type TraceOption = boolean | TraceSink;

/**
 * Traces every connection that is opened from now on and has no `trace` of its own: handshakes and frames, in
 * websocket-client's layout. Credentials, cookies and query values are left out unless the sink has `redact: false`.
 * A browser shows neither to anybody but its own tools, so that there nothing is traced.
 */
export function enableTrace(trace: TraceOption = true): void {
  current = traceSink(trace);
}

/** The sink for a connection; its own option goes before the switch. */
export function traceSink(option: TraceOption | undefined): TraceSink | undefined {
  if (option === undefined) return current;
  if (typeof option === "boolean") return option ? toConsole : undefined;
  if (typeof option?.write !== "function")
    throw new UsageError("a trace is true, false, or an object with a write(line) function");
  return guarded(option);
}

/** A sink that throws must cost the connection nothing: it is told on the console instead. */
function guarded(sink: TraceSink): TraceSink {
  const write = (line: string) => {
    try {
      sink.write(line);
    } catch (error) {
      console.error(error);
    }
  };
  return sink.redact === undefined ? { write } : { write, redact: sink.redact };
}

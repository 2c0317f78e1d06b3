// An example as a user starts it, in the runtime of the spec that asks for it; from dist/, as the package has it.

import { spawn } from "node:child_process";
import type { Connection } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import type { Use } from "../support/clean-up.ts";
import { Piped } from "../support/command.ts";
import { command, createConnection } from "../support/runtime.ts";

/** Runs `npm run example -- ...args`, without the build. */
export function runExample(use: Use, ...args: string[]): Piped {
  const [file = "", ...options] = command;
  return use(new Piped(spawn(file, [...options, "scripts/example.ts", ...args])));
}

/** An example that listens, from the moment on at which it does. */
export interface Listening {
  readonly run: Piped;
  /** `http://127.0.0.1:4040`. */
  readonly origin: string;
  connect(path: string, options?: ConnectionOptions): Promise<Connection>;
}

/** Starts one that has a page, at a port that is free. */
export async function startExample(use: Use, name: string, ...args: string[]): Promise<Listening> {
  const run = runExample(use, name, "--port", "0", ...args);
  await run.until(({ stdout }) => stdout.endsWith("\n"));
  const { origin } = new URL(run.stdout.split(" ").at(-1)?.trim() ?? "");
  return {
    run,
    origin,
    async connect(path, options = {}) {
      const ws = await createConnection(new URL(path, origin), options);
      use({ close: () => ws.terminate() });
      return ws;
    },
  };
}

/** The next message of a connection, which is JSON. */
export async function hear(ws: Connection): Promise<Record<string, unknown>> {
  return JSON.parse(String(await ws.recv()));
}

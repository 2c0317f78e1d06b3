// Our client for a fuzzing server, in the runtime that runs this file: client.ts URL [AGENT]. All cases, one behind the other;
// exit code 1 only where the server does not play at all, as its reports are what tells how it went.

import process from "node:process";
import { parseArgs } from "node:util";
import { runtime } from "../../spec/support/runtime.ts";
import { drive } from "./drive.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Seconds that a case may take. */
    patience: { type: "string", default: "300" },
  },
});
const [url = "ws://127.0.0.1:9001", agent = `isosocket-${runtime}`] = positionals;
const patience = Number(values.patience) * 1000;
try {
  const count = await drive({
    url: url.replace(/\/$/, ""),
    agent,
    patience,
    failed: (number, error) => console.error(`${agent}: case ${number}: ${error}`),
  });
  console.log(`${agent}: ${count} cases`);
  process.exit(0);
} catch (error) {
  console.error(`${agent}: ${error}`);
  process.exit(1);
}

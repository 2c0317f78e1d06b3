// A program that opens connections to URL until it is refused one, closes them all, opens another, and says how it went.

import type { Connection } from "../../lib/client/connection.ts";
import { type TransportError, WebSocketError } from "../../lib/errors.ts";
import { createConnection } from "./runtime.ts";

const [url = ""] = process.argv.slice(2);
const open: Connection[] = [];
let refusal: unknown;
while (refusal === undefined) {
  await createConnection(url).then(
    (ws) => open.push(ws),
    (error) => {
      refusal = error;
    },
  );
}
for (const ws of open) ws.terminate();
await Promise.all(open.map((ws) => ws.closed));
const ws = await createConnection(url);
const { code, cause } = refusal as TransportError & { cause: { code: string } };
console.log(`${refusal instanceof WebSocketError && code} ${cause?.code}, then ${ws.state}`);
ws.terminate();

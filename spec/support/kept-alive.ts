// A program that opens a connection which is kept alive, and has nothing else to do: URL [unref].

import { createConnection } from "./runtime.ts";

const [url = "", mode] = process.argv.slice(2);
const ws = await createConnection(url, { keepAlive: { interval: 50, timeout: 600_000 } });
if (mode === "unref") ws.unref();

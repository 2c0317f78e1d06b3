// A program that opens a connection and has nothing else to do: URL [unref].

import { createConnection } from "./runtime.ts";

const [url = "", mode] = process.argv.slice(2);
const ws = await createConnection(url);
if (mode === "unref") ws.unref();
if (mode === "ref") ws.unref().ref();

// A program that opens a transport, says "ready", answers what comes with itself, and has nothing else to do:
// ENDPOINT [unref | ref].

import type { Endpoint } from "../../lib/transport/transport.ts";
import { platform } from "./runtime.ts";

const [endpoint = "", mode] = process.argv.slice(2);
const to: Endpoint = JSON.parse(endpoint);
const transport = await platform.connect(to, { signal: new AbortController().signal, phase() {} });
transport.attach({
  data: (chunk) => void transport.write(chunk.slice()),
  drain() {},
  end: () => transport.end(),
  closed() {},
});
transport.write(new TextEncoder().encode("ready"));
if (mode !== undefined) transport.unref();
if (mode === "ref") transport.ref();

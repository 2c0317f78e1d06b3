// npm run demo:browser [-- PORT]: a page that talks through isosocket as a browser gets it, and an echo server for it.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { serve } from "../lib/server.ts";

const { outputFiles } = await build({
  entryPoints: ["lib/browser.ts"],
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  write: false,
});
const bundle = outputFiles[0]?.text ?? "";

const server = createServer(async (request, response) => {
  if (request.url === "/isosocket.js") response.setHeader("content-type", "text/javascript").end(bundle);
  else if (request.url !== "/") response.writeHead(404).end();
  // Read anew each time, so that a change shows when the page is loaded again.
  else response.setHeader("content-type", "text/html").end(await readFile("scripts/demo/index.html"));
});
await serve({
  server,
  path: "/echo",
  perMessageDeflate: true,
  async onConnection(ws) {
    for await (const message of ws) await ws.send(message);
  },
});

server.listen(Number(process.argv[2] ?? 0), "127.0.0.1");
await once(server, "listening");
console.log(`open http://127.0.0.1:${(server.address() as AddressInfo).port}/ in a browser`);

// The half of an example that is not a WebSocket: a server of HTTP for its page and the few files that the page asks for.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Site {
  /** For serve(), which takes the upgrades. */
  readonly server: Server;
  readonly url: string;
  /** Where its pages come from. A page of any other origin has no business here, although a browser would let it connect. */
  readonly origins: readonly string[];
  close(): void;
}

export interface SiteOptions {
  /** Where index.html, page.js and page.css are. */
  readonly folder: URL;
  /** The paths that are the page. Default: `/` alone. */
  readonly pages?: RegExp;
  /** Where `/` leads to. Default: nowhere. */
  readonly home?: string;
  /** Where it listens; 0 for any port that is free. */
  readonly port: number;
}

/** What a page may do: load what is here, talk to where it came from, and nothing else. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** Listens for browsers of this machine alone. */
export async function openSite({ folder, pages = /^\/$/, home, port: wanted }: SiteOptions): Promise<Site> {
  const places: readonly [path: string, place: URL][] = [
    ["/index.html", new URL("index.html", folder)],
    ["/page.js", new URL("page.js", folder)],
    ["/page.css", new URL("page.css", folder)],
    ["/style.css", new URL("style.css", import.meta.url)],
    ["/status.js", new URL("status.js", import.meta.url)],
    // The package's file for browsers, as it is: it needs no bundler.
    ["/isosocket.js", new URL("../../../dist/browser.js", import.meta.url)],
  ];
  const files = new Map<string, Uint8Array>();
  for (const [path, place] of places) files.set(path, await readFile(place));

  const server = createServer(({ url = "" }, response) => {
    const [asked = ""] = url.split("?");
    if (asked === "/" && home !== undefined) return response.writeHead(302, { location: home }).end();
    const path = pages.test(asked) ? "/index.html" : asked;
    const content = files.get(path);
    if (content === undefined) return response.writeHead(404, HEADERS).end("There is nothing here.\n");
    const type = TYPES[path.split(".").at(-1) ?? ""];
    return response.writeHead(200, { ...HEADERS, "content-type": type }).end(content);
  });
  server.listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    server,
    url: `http://127.0.0.1:${port}/`,
    origins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`],
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

// What browsers are tested against: the page, and WebSocket servers that behave as the path of the url says.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { AcceptedConnection } from "../../lib/server/accepted-connection.ts";
import { accept } from "../../lib/server.ts";
import { accepting } from "../support/peer.ts";

const PAGE = `<!doctype html><meta charset="utf-8"><title>isosocket</title><link rel="icon" href="data:,">
<script type="module">
globalThis.strays = [];
addEventListener("error", (event) => strays.push(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => strays.push(event.reason));
import * as isosocket from "/isosocket.js";
import { suite } from "/suite.js";
globalThis.tests = suite(isosocket, location.host);
</script>`;

/** How a client closed: what its Close frame said, 1006 if there was none. */
interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** Things that happen once, under a name, to be asked for before or after. */
class Events<Value> {
  readonly #events = new Map<string, { promise: Promise<Value>; resolve: (value: Value) => void }>();

  #event(name: string) {
    const known = this.#events.get(name);
    if (known !== undefined) return known;
    let resolve: (value: Value) => void = () => {};
    const promise = new Promise<Value>((settle) => {
      resolve = settle;
    });
    const event = { promise, resolve };
    this.#events.set(name, event);
    return event;
  }

  happened(name: string, value: Value): void {
    this.#event(name).resolve(value);
  }

  wait(name: string): Promise<Value> {
    return this.#event(name).promise;
  }
}

/** Serves the page, `files`, and the WebSocket servers, all at one port of 127.0.0.1. */
export async function serve(files: Record<string, string>): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Duplex>();
  const closed = new Events<Closed>();
  const woken = new Events<void>();
  const restarted = new Set<string>();
  const chooseProtocol = (offered: readonly string[], { url }: { readonly url: string }) => {
    const choice = new URL(url).searchParams.get("choose");
    return choice !== null && offered.includes(choice) ? choice : undefined;
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = parse(request);
    const id = searchParams.get("id") ?? "";
    const file = files[pathname];
    if (file !== undefined) response.setHeader("content-type", "text/javascript").end(file);
    else if (pathname === "/closed") response.end(JSON.stringify(await closed.wait(id)));
    else if (pathname === "/wake") response.end(String(woken.happened(id, undefined)));
    else response.setHeader("content-type", "text/html").end(PAGE);
  }

  /** What the servers do with a connection that is open, by path. */
  const serving: Record<string, (ws: AcceptedConnection, query: URLSearchParams, raw: Duplex) => unknown> = {
    async "/echo"(ws) {
      for await (const message of ws) await ws.send(message);
    },
    "/greet"(ws) {
      for (const text of ["one", "two", "three"]) void ws.send(text);
      void ws.send(Uint8Array.of(1, 2, 3));
      return ws.close(1000);
    },
    "/close": (ws, query) => ws.close(Number(query.get("code")), query.get("reason") ?? ""),
    "/drop": (ws) => ws.terminate(),
    // Answers, and goes once after the first message.
    async "/restart"(ws, query) {
      const id = query.get("id") ?? "";
      for await (const message of ws) {
        await ws.send(message);
        if (!restarted.has(id)) void ws.close(1012);
        restarted.add(id);
      }
    },
    "/large": (ws) => ws.send("x".repeat(1001)),
    "/garbage": (_ws, _query, raw) => raw.write(Uint8Array.of(0x83, 0x00)),
    "/latin1": (_ws, _query, raw) => raw.write(Uint8Array.of(0x81, 0x01, 0xe9)),
    async "/deaf"(ws, query) {
      await woken.wait(query.get("id") ?? "");
      for await (const message of ws) await ws.send(`${message.length}`);
    },
  };

  /** What they do in the place of an upgrade. */
  const refusing: Record<string, (request: IncomingMessage, raw: Duplex) => void> = {
    "/refuse": (_request, raw) => raw.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    "/silent": () => {},
    // Upgrades, and sends a Close frame without a code, as our own server never does; ends once that is answered.
    "/codeless": (request, raw) => {
      raw.write(accepting(`sec-websocket-key: ${request.headers["sec-websocket-key"]}\r\n`));
      raw.write(Uint8Array.of(0x88, 0x00));
      raw.once("data", () => raw.end());
    },
    // Upgrades, and then says and hears nothing, also not of a Close frame.
    "/mute": (request, raw) => {
      raw.write(accepting(`sec-websocket-key: ${request.headers["sec-websocket-key"]}\r\n`));
      raw.resume();
    },
  };

  const server = createServer((request, response) => void answer(request, response));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // what browsers do to a connection is no error of ours
  });
  server.on("upgrade", (request, raw, head) => {
    const { pathname, searchParams } = parse(request);
    const refuse = refusing[pathname];
    if (refuse !== undefined) return refuse(request, raw);
    accept(request, raw, head, { chooseProtocol })
      .then((ws) => {
        const id = searchParams.get("id") ?? "";
        void ws.closed.then(({ code, reason }) => closed.happened(id, { code, reason }));
        return serving[pathname]?.(ws, searchParams, raw);
      })
      .catch(() => {}); // what browsers do to a connection is no error of ours
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function parse(request: IncomingMessage): URL {
  return new URL(request.url ?? "/", "http://localhost");
}

// What browsers are tested against: the page, and WebSocket servers that behave as the path of the url says.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
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
  const wss = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered, request) => {
      const choice = parse(request).searchParams.get("choose");
      return choice !== null && offered.has(choice) ? choice : false;
    },
  });

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
  const serving: Record<string, (socket: WebSocket, query: URLSearchParams, raw: Duplex) => void> = {
    "/echo": (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
    "/greet": (socket) => {
      for (const text of ["one", "two", "three"]) socket.send(text);
      socket.send(Uint8Array.of(1, 2, 3));
      socket.close(1000);
    },
    "/close": (socket, query) => {
      const code = query.get("code");
      if (code === null) socket.close();
      else socket.close(Number(code), query.get("reason") ?? "");
    },
    "/drop": (socket) => socket.terminate(),
    // Answers, and goes once after the first message.
    "/restart": (socket, query) => {
      const id = query.get("id") ?? "";
      socket.on("message", (data, isBinary) => {
        socket.send(data, { binary: isBinary });
        if (!restarted.has(id)) socket.close(1012);
        restarted.add(id);
      });
    },
    "/large": (socket) => socket.send("x".repeat(1001)),
    "/garbage": (_socket, _query, raw) => void raw.write(Uint8Array.of(0x83, 0x00)),
    "/latin1": (_socket, _query, raw) => void raw.write(Uint8Array.of(0x81, 0x01, 0xe9)),
    "/deaf": async (socket, query) => {
      socket.pause();
      await woken.wait(query.get("id") ?? "");
      socket.on("message", (data) => socket.send(String((data as Buffer).length)));
      socket.resume();
    },
  };

  /** What they do in the place of an upgrade. */
  const refusing: Record<string, (request: IncomingMessage, raw: Duplex) => void> = {
    "/refuse": (_request, raw) => raw.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    "/silent": () => {},
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
    wss.handleUpgrade(request, raw, head, (socket) => {
      socket.on("error", () => {});
      socket.on("close", (code, reason) =>
        closed.happened(searchParams.get("id") ?? "", { code, reason: String(reason) }),
      );
      serving[pathname]?.(socket, searchParams, raw);
    });
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

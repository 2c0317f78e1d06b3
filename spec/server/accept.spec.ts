// accept() on the upgrades of real servers of node:http: what becomes of requests good and bad, what hooks see and decide, and
// that nothing is left of what was refused, cut short or gone.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Duplex } from "node:stream";
import { inspect } from "node:util";
import { expect } from "chai";
import { BINARY, CLOSE, TEXT } from "../../lib/codec/opcode.ts";
import { TimeoutError, TransportError, UsageError, WebSocketError } from "../../lib/errors.ts";
import { RefusalError } from "../../lib/handshake/refusal.ts";
import type { AcceptOptions } from "../../lib/server/accept-options.ts";
import type { ConnectionRequest } from "../../lib/server/connection-request.ts";
import type { TraceEvent } from "../../lib/session/trace-event.ts";
import { acceptedPair, acceptingServer } from "../support/accepting-server.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { Queue } from "../support/queue.ts";
import { KEY, masked, opening, rawClient } from "../support/raw-client.ts";
import { closeFrame } from "../support/raw-server.ts";
import { createConnection, runtime } from "../support/runtime.ts";
import { accept } from "../support/server-runtime.ts";
import { STREAMS } from "../support/ws-server.ts";

/** The status of an answer's head. */
function statusOf(head: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
}

function field(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim();
}

describe("accept", () => {
  const use = cleanUp();

  /** A server with these options, a client that asked for this, and what accept() rejected with. */
  const refused = async (options: AcceptOptions, request = opening()) => {
    const server = await acceptingServer(use, options);
    const client = await rawClient(use, server.place);
    client.write(request);
    const [error, head] = await Promise.all([server.failed.next(), client.head()]);
    return { server, client, error, head };
  };

  for (const stream of STREAMS) {
    describe(`over ${stream}`, () => {
      it("gives a connection that talks both ways, and knows its client", async () => {
        const server = await acceptingServer(use, {}, stream);
        const url = `${server.url}chat?room=1`;
        const [client, ws] = await Promise.all([
          createConnection(url, { ...server.options, headers: { "X-A": "1", "x-b": "2" } }),
          server.accepted.next(),
        ]);
        await client.send("hello");
        expect(await ws.recv()).to.equal("hello");
        await ws.send(Uint8Array.of(1, 2));
        expect(await client.recv()).to.deep.equal(Uint8Array.of(1, 2));
        expect(ws.request.resource).to.equal("/chat?room=1");
        expect(ws.request.path).to.equal("/chat");
        expect(ws.request.headers.get("x-a")).to.equal("1");
        expect(ws.request.rawHeaders).to.deep.include(["x-b", "2"]);
        expect([ws.secure, ws.request.secure]).to.deep.equal([stream === "TLS", stream === "TLS"]);
        expect(ws.url).to.equal(ws.request.url);
        expect(ws.response.status).to.equal(101);
        expect(ws.response.rawHeaders).to.deep.equal(client.response.rawHeaders);
        if (stream === "Unix") {
          expect([ws.remoteAddress, ws.localAddress]).to.deep.equal([undefined, undefined]);
          expect(ws.url).to.equal("ws://localhost/chat?room=1");
        } else {
          expect(ws.url).to.equal(url);
          expect(ws.remoteAddress).to.equal(client.localAddress).and.to.equal(ws.request.remoteAddress);
          expect(ws.localAddress).to.equal(client.remoteAddress).and.to.equal(ws.request.localAddress);
        }
        const [info] = await Promise.all([ws.closed, client.close(4000, "bye")]);
        expect(info).to.deep.include({ code: 4000, reason: "bye", wasClean: true });
      });

      it("refuses", async () => {
        const server = await acceptingServer(use, { verify: () => false }, stream);
        const error = await rejection(createConnection(server.url, server.options), WebSocketError);
        expect(error).to.include({ code: "ERR_WS_UNEXPECTED_STATUS", status: 403, body: "Forbidden\n" });
      });
    });
  }

  describe("the client's bytes", () => {
    it("that came with the request are the first frames, in their order", async () => {
      const { accepted, place } = await acceptingServer(use);
      const client = await rawClient(use, place);
      const frames = [masked(TEXT, "one"), masked(BINARY, "two"), masked(TEXT, "three")];
      client.write(Buffer.concat([Buffer.from(opening()), ...frames]));
      const ws = await accepted.next();
      expect(await ws.recv()).to.equal("one");
      expect(await ws.recv()).to.deep.equal(new Uint8Array(Buffer.from("two")));
      expect(await ws.recv()).to.equal("three");
    });

    it("that came with the request may be a whole connection, to its Close frame and its end", async () => {
      const { accepted, place } = await acceptingServer(use);
      const client = await rawClient(use, place);
      const close = masked(CLOSE, closeFrame(4001, "done").subarray(2));
      client.socket.end(Buffer.concat([Buffer.from(opening()), masked(TEXT, "all"), close]));
      const ws = await accepted.next();
      expect(await ws.recv()).to.equal("all");
      expect(await ws.closed).to.deep.include({ code: 4001, reason: "done", wasClean: true });
      expect(statusOf(await client.head())).to.equal(101);
      expect((await client.frames.next()).opcode).to.equal(CLOSE);
      await client.gone;
    });

    it("are heard however they are cut", async () => {
      const { accepted, place } = await acceptingServer(use);
      const client = await rawClient(use, place);
      for (const byte of Buffer.concat([Buffer.from(opening()), masked(TEXT, "byte by byte")])) {
        client.write(Uint8Array.of(byte));
        await nextTurn();
      }
      expect(await (await accepted.next()).recv()).to.equal("byte by byte");
    });

    it("wait while a hook thinks, as far as buffers go, and no further", async () => {
      const asked = new Queue<() => void>();
      const verify = () => new Promise<void>((resolve) => asked.push(resolve));
      const { accepted, place } = await acceptingServer(use, { verify });
      const client = await rawClient(use, place);
      client.write(Buffer.concat([Buffer.from(opening()), masked(TEXT, "first")]));
      const go = await asked.next();
      const mib = new Uint8Array(1024 * 1024).fill(7);
      for (let i = 0; i < 64; i++) client.send(BINARY, mib);
      for (let i = 0; i < 50; i++) await nextTurn();
      expect(client.socket.writableLength).to.be.above(32 * mib.length);
      expect(client.said()).to.equal("");
      go();
      const ws = await accepted.next();
      expect(await ws.recv()).to.equal("first");
      for (let i = 0; i < 64; i++) expect(Buffer.compare((await ws.recv()) as Uint8Array, mib)).to.equal(0);
    });
  });

  describe("refuses a request that is no handshake", () => {
    const rows: [title: string, status: number, request: string][] = [
      ["POST", 405, opening().replace("GET", "POST")],
      ["HTTP/1.0", 426, opening().replace("HTTP/1.1", "HTTP/1.0")],
      ["another protocol", 426, opening("/", "Upgrade: h2c")],
      ["another version", 426, opening("/", "Sec-WebSocket-Version: 8")],
      ["no key", 400, opening("/", "Sec-WebSocket-Key:")],
      ["a wrong key", 400, opening("/", "Sec-WebSocket-Key: c2hvcnQ=")],
      ["two keys", 400, opening("/", `X: y\r\nSec-WebSocket-Key: ${KEY}`)],
      ["no Host", 400, opening("/", "Host:")],
      ["two Hosts", 400, opening("/", "X: y\r\nHost: other")],
      ["a body", 400, `${opening("/", "Content-Length: 5")}hello`],
      ["a body in chunks", 400, `${opening("/", "Transfer-Encoding: chunked")}0\r\n\r\n`],
      ["a subprotocol twice", 400, opening("/", "Sec-WebSocket-Protocol: a, a")],
    ];
    for (const [title, status, request] of rows) {
      it(`${title}: ${status}`, async () => {
        const { error, head, client, server } = await refused({}, request);
        expect(statusOf(head)).to.equal(status);
        expect(error).to.be.an.instanceOf(RefusalError).and.include({ status });
        expect(field(head, "Connection")).to.match(/^(Upgrade, )?close$/);
        await client.ended;
        const body = client.said().slice(head.length + 4);
        expect(body).to.equal((error as RefusalError).body);
        expect(field(head, "Content-Length")).to.equal(`${body.length}`);
        expect(server.accepted.waiting).to.equal(0);
        client.socket.end();
        await client.gone;
      });
    }
  });

  describe("a hook", () => {
    it("sees the request, once, before anything is answered", async () => {
      const seen: ConnectionRequest[] = [];
      const hooks: string[] = [];
      const see = (name: string) => (request: ConnectionRequest) => {
        hooks.push(name);
        seen.push(request);
      };
      const { ws, client } = await acceptedPair(
        use,
        {
          verify: see("verify"),
          chooseProtocol(offered, request) {
            see("chooseProtocol")(request);
            return offered[1];
          },
          headers(request) {
            see("headers")(request);
            return { "X-Path": request.path };
          },
        },
        { lines: ["Sec-WebSocket-Protocol: a, b", "Origin: https://example.com", "Cookie: sid=1"] },
      );
      expect(hooks).to.deep.equal(["verify", "chooseProtocol", "headers"]);
      expect(new Set(seen)).to.deep.equal(new Set([ws.request]));
      expect(ws.request).to.deep.include({ origin: "https://example.com", path: "/", secure: false });
      expect(ws.request.protocols).to.deep.equal(["a", "b"]);
      expect(ws.request.headers.get("cookie")).to.equal("sid=1");
      expect(ws.protocol).to.equal("b");
      expect(client.said()).to.include("\r\nX-Path: /\r\n").and.include("\r\nSec-WebSocket-Protocol: b\r\n");
    });

    it("that says nothing or true lets the client in, also later", async () => {
      for (const verify of [() => {}, () => true, async () => {}, async () => true]) {
        const { ws } = await acceptedPair(use, { verify });
        expect(ws.state).to.equal("open");
      }
    });

    const no: [title: string, options: AcceptOptions, status: number][] = [
      ["false", { verify: () => false }, 403],
      ["a promise of false", { verify: async () => false }, 403],
      ["a RefusalError", { verify: () => Promise.reject(new RefusalError(401)) }, 401],
      [
        "a RefusalError of chooseProtocol",
        {
          chooseProtocol() {
            throw new RefusalError(400);
          },
        },
        400,
      ],
      ["a RefusalError of headers", { headers: () => Promise.reject(new RefusalError(302)) }, 302],
    ];
    for (const [title, options, status] of no) {
      it(`refuses by ${title}: there is no 101, and the answer is ${status}`, async () => {
        const request = opening("/", "Sec-WebSocket-Protocol: a");
        const { error, head, client, server } = await refused(options, request);
        expect(statusOf(head)).to.equal(status);
        expect(error).to.be.an.instanceOf(RefusalError).and.include({ status });
        await client.ended;
        expect(client.said()).to.not.include(" 101 ").and.not.include("Sec-WebSocket-Accept");
        expect(server.accepted.waiting).to.equal(0);
      });
    }

    it("says what the client is told: status, headers and body", async () => {
      const verify = () => {
        throw new RefusalError(401, {
          body: '{"why":"\u20ac"}',
          headers: { "WWW-Authenticate": "Basic", "Content-Type": "application/json" },
        });
      };
      const { url } = await acceptingServer(use, { verify });
      const error = await rejection(createConnection(url), WebSocketError);
      expect(error).to.include({ status: 401, statusText: "Unauthorized", body: '{"why":"\u20ac"}' });
      const { headers } = error as RefusalError;
      expect(headers.get("www-authenticate")).to.equal("Basic");
      expect(headers.get("content-type")).to.equal("application/json");
    });

    const mistakes: [title: string, options: AcceptOptions, message: RegExp][] = [
      [
        "verify throws",
        {
          verify() {
            throw new TypeError("s3cret");
          },
        },
        /^verify\(\) failed: s3cret/,
      ],
      [
        "verify rejects with no error",
        { verify: () => Promise.reject("s3cret") },
        /^verify\(\) threw s3cret/,
      ],
      ["verify returns null", { verify: () => null }, /^verify\(\) failed: verify returns/],
      ["verify returns 0", { verify: () => 0 }, /^verify\(\) failed: verify returns/],
      ["verify returns the string false", { verify: () => "false" }, /^verify\(\) failed: verify returns/],
      [
        "chooseProtocol throws",
        { chooseProtocol: () => Promise.reject(new Error("s3cret")) },
        /^chooseProtocol\(\) failed/,
      ],
      [
        "chooseProtocol chooses one that was not offered",
        { chooseProtocol: () => "b" },
        /^chooseProtocol\(\) failed/,
      ],
      ["chooseProtocol chooses a line", { chooseProtocol: () => "a\r\nX: y" }, /^chooseProtocol\(\) failed/],
      [
        "chooseProtocol chooses a list",
        { chooseProtocol: () => ["a"] as never },
        /^chooseProtocol\(\) failed/,
      ],
      ["headers throws", { headers: () => Promise.reject(new Error("s3cret")) }, /^headers\(\) failed/],
      [
        "headers gives one of the handshake's",
        { headers: () => ({ Upgrade: "h2c" }) },
        /^headers\(\) failed/,
      ],
      [
        "headers smuggles a line",
        { headers: () => ({ X: "s3cret\r\nSet-Cookie: a=b" }) },
        /^headers\(\) failed/,
      ],
      ["headers gives no headers", { headers: () => 1 as never }, /^headers\(\) failed/],
      [
        "a client of ours in a hook is refused elsewhere",
        { verify: () => Promise.reject(new (RefusalErrorOfElsewhere())()) },
        /^verify\(\) failed: the server refused/,
      ],
    ];
    for (const [title, options, message] of mistakes) {
      it(`where ${title}, the client is told 500 and no more, and accept() all`, async () => {
        const { error, head, client } = await refused(options, opening("/", "Sec-WebSocket-Protocol: a"));
        expect(error).to.be.an.instanceOf(WebSocketError).and.include({ code: "ERR_WS_CALLBACK" });
        expect((error as WebSocketError).message).to.match(message);
        expect((error as WebSocketError).cause).to.not.equal(undefined);
        expect(statusOf(head)).to.equal(500);
        await client.ended;
        expect(client.said()).to.include("\r\n\r\nInternal Server Error\n").and.not.include("s3cret");
      });
    }

    it("that never settles costs the client a 503, after timeout", async () => {
      const { error, head } = await refused({ verify: () => new Promise(() => {}), timeout: 20 });
      expect(error).to.be.an.instanceOf(TimeoutError).and.include({ phase: "handshake", ms: 20 });
      expect((error as TimeoutError).message).to.include("verify, chooseProtocol and headers");
      expect(statusOf(head)).to.equal(503);
    });

    it("that rejects when nobody waits any more harms nobody", async () => {
      const late = new Queue<(reason: Error) => void>();
      const verify = () => new Promise((_resolve, reject) => late.push(reject));
      await refused({ verify, timeout: 20 });
      (await late.next())(new Error("too late"));
      await nextTurn();
    });
  });

  describe("origins", () => {
    const rows: [origin: string, options: AcceptOptions["origins"], status: number][] = [
      ["", "https://example.com", 101],
      ["https://example.com", "https://example.com", 101],
      ["https://example.com", ["https://a.test", "https://example.com"], 101],
      ["null", ["null"], 101],
      ["chrome-extension://abcdefgh", "chrome-extension://abcdefgh", 101],
      ["capacitor://localhost", ["https://example.com", "capacitor://localhost"], 101],
      ["chrome-extension://abcdefgi", "chrome-extension://abcdefgh", 403],
      ["https://evil.test", undefined, 101],
      ["https://evil.test", "https://example.com", 403],
      ["https://example.com.evil.test", "https://example.com", 403],
      ["http://example.com", "https://example.com", 403],
      ["https://example.com:444", "https://example.com", 403],
      ["null", "https://example.com", 403],
      ["https://example.com", [], 403],
    ];
    for (const [origin, origins, status] of rows) {
      it(`${origin || "no Origin"} for ${JSON.stringify(origins) ?? "all"}: ${status}`, async () => {
        const options: AcceptOptions = origins === undefined ? {} : { origins };
        const server = await acceptingServer(use, options);
        const client = await rawClient(use, server.place);
        client.write(opening("/", `Origin: ${origin}`.trim()));
        expect(statusOf(await client.head())).to.equal(status);
      });
    }
  });

  describe("subprotocols", () => {
    const rows: [title: string, options: AcceptOptions, offered: string, chosen: string][] = [
      ["none spoken", {}, "a, b", ""],
      ["the server's best", { protocols: ["b", "a"] }, "a, b", "b"],
      ["one spoken", { protocols: "b" }, "a, b", "b"],
      ["none in common", { protocols: ["c"] }, "a, b", ""],
      ["none offered", { protocols: ["a"] }, "", ""],
      ["a choice", { chooseProtocol: (offered) => offered.at(-1) }, "a, b", "b"],
      ["a choice that takes its time", { chooseProtocol: async ([first]) => first }, "a, b", "a"],
      ["a choice of none", { chooseProtocol: () => undefined }, "a, b", ""],
      ["no choice where nothing is offered", { chooseProtocol: () => "b" }, "", ""],
    ];
    for (const [title, options, offered, chosen] of rows) {
      it(title, async () => {
        const { ws, client } = await acceptedPair(use, options, {
          lines: [`Sec-WebSocket-Protocol: ${offered}`.trim()],
        });
        expect(ws.protocol).to.equal(chosen);
        expect(field(client.said(), "Sec-WebSocket-Protocol") ?? "").to.equal(chosen);
      });
    }
  });

  describe("headers of the 101", () => {
    it("are those that are given, as often as they are given", async () => {
      const { client } = await acceptedPair(use, { headers: { "Set-Cookie": ["a=1", "b=2"], "X-A": "1" } });
      expect(client.said().match(/^set-cookie: .*$/gim)).to.have.length(2);
      expect(field(client.said(), "X-A")).to.equal("1");
    });
  });

  describe("a client that goes", () => {
    const asking = async (options: AcceptOptions = {}) => {
      const asked = new Queue<ConnectionRequest>();
      const verify = (request: ConnectionRequest) => {
        asked.push(request);
        return new Promise(() => {});
      };
      const server = await acceptingServer(use, { ...options, verify });
      const client = await rawClient(use, server.place);
      client.write(opening());
      await asked.next();
      return { server, client };
    };

    const ways: [title: string, go: (socket: Socket) => void][] = [
      ["drops the connection", (socket) => void socket.destroy()],
      ["resets it", (socket) => void socket.resetAndDestroy()],
      ["ends its side", (socket) => void socket.end()],
    ];
    for (const [title, go] of ways) {
      it(`${title} while a hook thinks is not waited for`, async () => {
        const { server, client } = await asking();
        go(client.socket);
        expect(await server.failed.next()).to.be.an.instanceOf(TransportError);
        await client.gone;
        expect(client.said()).to.equal("");
      });
    }

    it("had gone before accept() was called: accept() says so", async () => {
      let asked = 0;
      const calls = new Queue<() => Promise<unknown>>();
      const ends = new Queue<unknown>();
      const server = createServer();
      server.on("upgrade", (request, socket, head) => {
        socket.on("error", () => {}).on("end", () => ends.push(socket));
        socket.resume();
        calls.push(() => accept(request, socket, head, { verify: () => void asked++ }));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      use({ close: () => new Promise((resolve) => server.close(resolve)) });
      const client = await rawClient(use, { port: (server.address() as AddressInfo).port });
      client.write(opening());
      const call = await calls.next();
      client.socket.end();
      await ends.next();
      await rejection(call(), TransportError);
      expect(asked).to.equal(0);
      await client.gone;
    });

    it("does not go although it was refused: it is dropped", async () => {
      const { client, server } = await refused({ verify: () => false });
      await client.ended;
      for (const socket of server.sockets) await once(socket, "close");
    });

    it("floods although it was refused: it gets its answer, and is dropped", async () => {
      const server = await acceptingServer(use, { verify: () => false });
      const client = await rawClient(use, server.place);
      client.write(opening());
      for (let i = 0; i < 16; i++) client.write(new Uint8Array(1024 * 1024));
      expect(statusOf(await client.head())).to.equal(403);
      for (const socket of server.sockets) await once(socket, "close");
    });

    it("does not read its refusal: it is dropped", async () => {
      const body = "no! ".repeat(4 * 1024 * 1024);
      const server = await acceptingServer(use, {
        verify() {
          throw new RefusalError(403, { body });
        },
      });
      const client = await rawClient(use, server.place, true);
      client.write(opening());
      await server.failed.next();
      for (const socket of server.sockets) await once(socket, "close");
    });
  });

  describe("its signal", () => {
    it("aborted before: the client is told 503", async () => {
      const reason = new RangeError("closed");
      let asked = 0;
      const verify = () => void asked++;
      const { error, head } = await refused({ signal: AbortSignal.abort(reason), verify });
      expect(asked).to.equal(0);
      expect(error).to.equal(reason);
      expect(statusOf(head)).to.equal(503);
    });

    it("aborted while a hook thinks: the client is told 503", async () => {
      const controller = new AbortController();
      const verify = () => {
        setImmediate(() => controller.abort());
        return new Promise(() => {});
      };
      const { error, head } = await refused({ signal: controller.signal, verify });
      expect(error).to.equal(controller.signal.reason);
      expect(statusOf(head)).to.equal(503);
    });

    it("aborted later: all of its connections are dropped, and it warns of nothing", async () => {
      const warnings: Error[] = [];
      const warn = (warning: Error) => warnings.push(warning);
      process.on("warning", warn);
      const controller = new AbortController();
      const server = await acceptingServer(use, { signal: controller.signal });
      const clients = [];
      for (let i = 0; i < 20; i++) {
        const client = await rawClient(use, server.place);
        client.write(opening());
        clients.push({ client, ws: await server.accepted.next() });
      }
      controller.abort();
      for (const { ws, client } of clients) {
        expect((await ws.closed).error).to.include({ code: "ERR_WS_ABORTED" });
        await client.ended;
      }
      await nextTurn();
      process.off("warning", warn);
      expect(warnings).to.deep.equal([]);
    });
  });

  describe("compression", () => {
    it("is agreed to where both sides want it, and works in both directions", async () => {
      const server = await acceptingServer(use, { perMessageDeflate: { serverMaxWindowBits: 10 } });
      const [client, ws] = await Promise.all([
        createConnection(server.url, { perMessageDeflate: { clientNoContextTakeover: true } }),
        server.accepted.next(),
      ]);
      expect(ws.extensions)
        .to.equal(client.extensions)
        .and.equal("permessage-deflate; client_no_context_takeover; server_max_window_bits=10");
      for (const text of ["tick tock ".repeat(1000), "", "tick tock ".repeat(1001)]) {
        await client.send(text);
        expect(await ws.recv()).to.equal(text);
        await ws.send(text);
        expect(await client.recv()).to.equal(text);
      }
    });

    const none: [title: string, server: AcceptOptions, lines: string[]][] = [
      ["is not offered", { perMessageDeflate: true }, []],
      ["is not wanted", {}, ["Sec-WebSocket-Extensions: permessage-deflate"]],
      [
        "is offered malformed",
        { perMessageDeflate: true },
        ["Sec-WebSocket-Extensions: permessage-deflate; ="],
      ],
      [
        "is offered as something else",
        { perMessageDeflate: true },
        ["Sec-WebSocket-Extensions: x-webkit-deflate-frame"],
      ],
    ];
    for (const [title, options, lines] of none) {
      it(`is not agreed to where it ${title}`, async () => {
        const { ws, client } = await acceptedPair(use, options, { lines });
        expect(ws.extensions).to.equal("");
        expect(client.said()).to.not.match(/extensions/i);
        await ws.send("plain ".repeat(100));
        expect((await client.frames.next()).payload.toString()).to.equal("plain ".repeat(100));
      });
    }
  });

  describe("called wrongly", () => {
    it("throws for an option that there is not, and leaves no socket", async () => {
      const server = await acceptingServer(use, { protocol: "chat" } as AcceptOptions);
      const client = await rawClient(use, server.place);
      client.write(opening());
      expect(await server.failed.next())
        .to.be.an.instanceOf(UsageError)
        .and.include({ code: "ERR_WS_UNKNOWN_OPTION" });
      await client.ended;
      expect(client.said()).to.equal("");
    });

    it("rejects without the head, or with a socket that is none", async () => {
      const duplex = new Duplex({ read() {}, write() {} });
      const request = { method: "GET", url: "/", httpVersion: "1.1", rawHeaders: [] };
      await rejection(accept(request, duplex, undefined as never), UsageError);
      expect(duplex.destroyed).to.equal(true);
      const another = new Duplex({ read() {}, write() {} });
      await rejection(accept(request, another, Buffer.alloc(0)), UsageError);
      expect(another.destroyed).to.equal(true);
      await rejection(accept(undefined as never, undefined as never, undefined as never), UsageError);
    });
  });

  describe("the trace", () => {
    it("tells what was received and sent, by turns, without secrets", async () => {
      const events: TraceEvent[] = [];
      const lines: string[] = [];
      const trace = {
        event: (event: TraceEvent) => events.push(event),
        write: (line: string) => lines.push(line),
      };
      const { ws, client } = await acceptedPair(
        use,
        { trace, headers: { "Set-Cookie": "sid=s3cret" } },
        { lines: ["Cookie: sid=s3cret"] },
      );
      client.send(TEXT, "hi");
      await ws.recv();
      await ws.send("ho");
      await client.frames.next();
      expect(events.map((event) => [event.kind, "direction" in event && event.direction])).to.deep.equal([
        ["request", "received"],
        ["response", "sent"],
        ["frame", "received"],
        ["frame", "sent"],
      ]);
      expect(new Set(events.map(({ connection }) => connection)).size).to.equal(1);
      expect(new Set(events.map(({ url }) => url))).to.deep.equal(new Set(["ws://localhost/"]));
      expect(inspect(events) + lines.join("\n")).to.not.include("s3cret");
      expect(lines).to.include.members(["GET / HTTP/1.1", "HTTP/1.1 101 Switching Protocols"]);
    });

    it("tells of refusals, and of requests that made no sense", async () => {
      const lines: string[] = [];
      const trace = { write: (line: string) => lines.push(line) };
      await refused({ trace }, opening("/?token=s3cret", "Sec-WebSocket-Key:"));
      expect(lines).to.include.members(["GET /?token=*** HTTP/1.1", "HTTP/1.1 400 Bad Request"]);
    });
  });

  it("shows no secrets of the request when it is printed, and names none in errors", async () => {
    const server = await acceptingServer(use);
    const client = await rawClient(use, server.place);
    client.write(opening("/?token=s3cret", "Cookie: s3cret", "Sec-WebSocket-Protocol: s3cret"));
    const ws = await server.accepted.next();
    expect(ws.request.url).to.include("s3cret");
    expect(inspect(ws.request) + inspect(ws) + JSON.stringify(ws.request)).to.not.include("s3cret");
    client.socket.resetAndDestroy();
    const { error } = await ws.closed;
    expect(`${error?.message}`).to.include("[ws://localhost/?token=***]").and.not.include("s3cret");
  });

  it("takes many at once, and leaves nothing of them", async () => {
    const server = await acceptingServer(use);
    const count = runtime === "node" ? 500 : 200;
    const clients = await Promise.all(Array.from({ length: count }, () => createConnection(server.url)));
    const connections = await server.accepted.take(count);
    await Promise.all(clients.map((client, i) => client.send(`${i}`)));
    const heard = await Promise.all(connections.map((ws) => ws.recv()));
    expect(new Set(heard).size).to.equal(count);
    await Promise.all(
      [...connections.slice(0, count / 2), ...clients.slice(0, count / 2)].map((ws) => ws.close()),
    );
    for (const ws of connections) ws.terminate();
    await Promise.all([...connections, ...clients].map(({ closed }) => closed));
    expect(server.sockets.size).to.equal(0);
  });
});

/** What a hook's own client throws when its server refuses it: no refusal of ours. */
function RefusalErrorOfElsewhere(): new () => Error {
  return class extends WebSocketError {
    readonly status = 404;
    constructor() {
      super("ERR_WS_UNEXPECTED_STATUS", "the server refused the upgrade: 404 s3cret");
    }
  };
}

// Opening over real sockets: what is asked, every answer that is not the upgrade, and what is left behind: nothing.

import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "chai";
import { createConnectionWith } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { overSockets } from "../../lib/client/socket-options.ts";
import { TEXT } from "../../lib/codec/opcode.ts";
import {
  HandshakeError,
  LimitError,
  type Phase,
  TimeoutError,
  TransportError,
  UsageError,
  type WebSocketError,
} from "../../lib/errors.ts";
import { openWire } from "../../lib/session/open.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { accepting, listen, NOWHERE, type Peer, requestHead } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { closeFrame, frame, pair, rawServer } from "../support/raw-server.ts";
import { createConnection, platform } from "../support/runtime.ts";
import { fields, welcoming } from "../support/site.ts";

const SECRETS = "user:SECRET@";
const PATH = "chat?token=SECRET";

/** The url with credentials, a path and a query: what of it may be shown is `ws://host/chat?token=***`. */
function secretUrl(url: string): string {
  return url.replace("//", `//${SECRETS}`) + PATH;
}

/** The error says where it happened, and nothing of it is a secret. */
function checkPlace(error: WebSocketError, url: string): void {
  expect(error.url).to.equal(`${url}chat?token=***`);
  expect(error.message).to.include(`${url}chat?token=***`);
  expect(`${error.stack} ${JSON.stringify(error)} ${inspect(error)}`).not.to.match(/SECRET|U0VDUkVU/);
}

describe("openWire", () => {
  const use = cleanUp();

  const dns = process.getBuiltinModule("node:dns");
  const { lookup } = dns;
  afterEach(() => {
    dns.lookup = lookup;
  });

  /** A server that does with each connection, and the head of its request, what it is told; the sockets that ended. */
  async function answering(
    answer: (socket: Socket, head: string) => void,
  ): Promise<Peer & { gone: Queue<Socket> }> {
    const gone = new Queue<Socket>();
    const peer = await listen(async (socket) => {
      socket.on("close", () => gone.push(socket));
      const head = await requestHead(socket);
      socket.on("data", () => {}); // so that the end is seen
      answer(socket, head);
    });
    return use({ ...peer, gone });
  }

  describe("times out", () => {
    const servers: [title: string, phase: Phase, scheme: string, serve: (socket: Socket) => void][] = [
      ["where the answer never comes", "handshake", "ws", () => {}],
      ["where the answer comes byte by byte, for ever", "handshake", "ws", trickle],
      ["where TLS is never answered", "tls", "wss", (socket) => socket.resume()],
    ];
    for (const [title, phase, scheme, serve] of servers) {
      it(`${title}: phase ${phase}`, async () => {
        const gone = new Queue<Socket>();
        const peer = use(
          await listen((socket) => {
            socket.on("close", () => gone.push(socket)).on("data", () => {});
            serve(socket);
          }),
        );
        const url = peer.url.replace("ws", scheme);
        const error = await rejection(createConnection(secretUrl(url), { timeout: 50 }), TimeoutError);
        expect(error).to.include({ phase, ms: 50 });
        checkPlace(error, url);
        await gone.next();
      });
    }

    /** A status line without an end, a byte a turn. */
    function trickle(socket: Socket): void {
      const timer = setInterval(() => socket.write("H"), 5);
      socket.write("HTTP/1.1 101 ");
      socket.on("close", () => clearInterval(timer));
    }

    const functions: [name: string, options: ConnectionOptions][] = [
      ["headers", { headers: () => new Promise(() => {}) }],
      ["protocols", { protocols: () => new Promise(() => {}) }],
    ];
    for (const [name, options] of functions) {
      it(`where the function for ${name} hangs: phase headers`, async () => {
        const url = "ws://127.0.0.1:9/";
        const error = await rejection(
          createConnection(secretUrl(url), { ...options, timeout: 20 }),
          TimeoutError,
        );
        expect(error).to.include({ phase: "headers", ms: 20 });
        checkPlace(error, url);
      });
    }

    it("where the function for the url hangs: phase headers", async () => {
      const hanging = () => new Promise<string>(() => {});
      expect((await rejection(createConnection(hanging, { timeout: 20 }), TimeoutError)).phase).to.equal(
        "headers",
      );
    });

    it("where a name is looked up for ever: phase dns", async () => {
      dns.lookup = (() => {}) as unknown as typeof lookup;
      const url = "ws://host.test/";
      const error = await rejection(createConnection(secretUrl(url), { timeout: 20 }), TimeoutError);
      expect(error).to.include({ phase: "dns", ms: 20 });
      checkPlace(error, url);
    });

    it("though the functions settle afterwards, one way or the other", async () => {
      const settle = new Queue<() => void>();
      const late = (fails: boolean) => () =>
        new Promise<never>((_, reject) => {
          settle.push(() => (fails ? reject(new Error("too late")) : reject()));
        });
      const options = { headers: late(true), protocols: late(false), cookies: late(true), timeout: 20 };
      await rejection(createConnection(late(true), options), TimeoutError);
      for (const act of await settle.take(4)) act(); // an unhandled rejection would fail the run
      await nextTurn();
    });

    for (const phase of ["dns", "connect"] as const) {
      it(`where the platform does not get further than ${phase}`, async () => {
        const open = openWire({
          ...platform,
          connect: (_to, attempt) => {
            attempt.phase(phase);
            return new Promise((_, reject) => {
              attempt.signal.addEventListener("abort", () => reject(attempt.signal.reason));
            });
          },
        });
        const url = "ws://host.test/";
        const promise = createConnectionWith(overSockets(open), {})(secretUrl(url), { timeout: 20 });
        const error = await rejection(promise, TimeoutError);
        expect(error).to.include({ phase, ms: 20 });
        checkPlace(error, url);
      });
    }
  });

  describe("tells of a refusal", () => {
    const long = "x".repeat(100_000);
    const chunked =
      "Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n";
    const rows: [title: string, answer: string, status: number, body: string, end?: "end"][] = [
      [
        "with a body of known length",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope, and more",
        403,
        "nope",
      ],
      ["with a chunked body", `HTTP/1.1 401 Unauthorized\r\n${chunked}`, 401, "hello world"],
      ["with a body until the end", "HTTP/1.0 500 Oops\r\n\r\nit broke", 500, "it broke", "end"],
      [
        "with a body that ends too early",
        "HTTP/1.1 500 Oops\r\nContent-Length: 99\r\n\r\nit bro",
        500,
        "it bro",
        "end",
      ],
      ["with a body that is not UTF-8", "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\na\xff", 400, "a\ufffd"],
      ["without a body", "HTTP/1.1 429 Slow Down\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n", 429, ""],
      ["without a reason", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, ""],
      ["that has no body by its status", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""],
      [
        "that says it is well",
        "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok",
        200,
        "ok",
      ],
      [
        "after 100 and 103",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        503,
        "",
      ],
      [
        "with 64 KiB of a longer body",
        `HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n${long}`,
        500,
        long.slice(0, 65_536),
      ],
      ["with 64 KiB of an endless body", `HTTP/1.1 500 Oops\r\n\r\n${long}`, 500, long.slice(0, 65_536)],
      [
        "with 64 KiB of a chunked body",
        `HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n${long}`,
        500,
        long.slice(0, 65_536),
      ],
    ];
    for (const [title, answer, status, body, end] of rows) {
      it(title, async () => {
        const { url, gone } = await answering((socket) => {
          socket.write(answer, "latin1");
          if (end !== undefined) socket.end();
        });
        const error = await rejection(createConnection(secretUrl(url)), HandshakeError);
        expect(error).to.include({ code: "ERR_WS_UNEXPECTED_STATUS", status });
        expect(error.body === body, `the body: ${error.body.slice(0, 100)}`).to.equal(true);
        expect(error.message).to.include(`${status}`);
        checkPlace(error, url);
        await gone.next();
      });
    }

    it("with what there is of a body that is slow, when the time is up", async () => {
      const { url, gone } = await answering((socket) => {
        socket.write("HTTP/1.1 401 No\r\nContent-Length: 1000000000\r\n\r\nfirst words");
      });
      const error = await rejection(createConnection(url, { timeout: 50 }), HandshakeError);
      expect(error).to.include({ status: 401, statusText: "No", body: "first words" });
      await gone.next();
    });

    it("with its headers, as they came", async () => {
      const lines = ["Set-Cookie: a=1", "X-Two:2", "set-cookie: b=2"];
      const { url } = await answering((socket) => {
        socket.end(`HTTP/1.1 401 No\r\n${lines.join("\r\n")}\r\n\r\n`);
      });
      const error = await rejection(createConnection(url), HandshakeError);
      expect(error.rawHeaders).to.deep.equal(lines.map((line) => line.split(/: ?/)));
      expect(error.headers.getSetCookie()).to.deep.equal(["a=1", "b=2"]);
      expect(error.headers.get("x-two")).to.equal("2");
    });

    it("that is a redirect, which is not followed", async () => {
      const followed = await rawServer(use);
      const { url } = await answering((socket) => {
        socket.end(
          `HTTP/1.1 302 Found\r\nLocation: ${followed.url}?token=SECRET\r\nContent-Length: 0\r\n\r\n`,
        );
      });
      const error = await rejection(createConnection(secretUrl(url)), HandshakeError);
      expect(error.status).to.equal(302);
      expect(error.headers.get("location")).to.include(followed.url);
      expect(error.message).to.include("redirects are not followed").and.not.to.include("SECRET");
      expect(followed.accepted.waiting).to.equal(0);
    });
  });

  it("says where options contradict each other, before anything is sent", async () => {
    const twice = { origin: "https://a", headers: { Origin: "https://b" } };
    expect((await rejection(createConnection("ws://127.0.0.1:1/", twice), UsageError)).message).to.include(
      "given twice",
    );
    const family = createConnection("ws://127.0.0.1:1/", { family: 6 });
    expect((await rejection(family, UsageError)).message).to.include("not an address of family 6");
  });

  describe("fails at once for", () => {
    const rows: [title: string, answer: string | Buffer, end?: "end"][] = [
      ["a banner of SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
      ["HTTP/2", Buffer.from("000012040000000000000300000064", "hex")],
      ["noise", Buffer.from("\x00\x1b[2J\xff\xfe", "latin1")],
      ["TLS that answers plain text", Buffer.from("15030100020216", "hex")],
      ["a line that ends in LF alone", "HTTP/1.1 101 Switching Protocols\n"],
      ["a header that goes on in the next line", "HTTP/1.1 101 Switching\r\nA: b\r\n c\r\n\r\n"],
      ["an end before any answer", "", "end"],
      ["an end within the status line", "HTTP/1.1 10", "end"],
      ["an end within the headers", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: web", "end"],
      [
        "a 101 without a Sec-WebSocket-Accept",
        "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      ],
    ];
    it("a server that speaks first", async () => {
      const peer = use(await listen((socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n")));
      const error = await rejection(createConnection(peer.url, { timeout: 0 }), HandshakeError);
      expect(error.message).to.include('"SSH-2.0-OpenSSH_9.2');
    });

    for (const [title, answer, end] of rows) {
      it(title, async () => {
        const { url, gone } = await answering((socket) => {
          socket.write(answer);
          if (end !== undefined) socket.end();
        });
        const error = await rejection(createConnection(secretUrl(url)), HandshakeError);
        expect(error.code).to.equal("ERR_WS_INVALID_RESPONSE");
        expect(error.message).not.to.match(/\p{Cc}/u);
        checkPlace(error, url);
        await gone.next();
      });
    }

    it("a Sec-WebSocket-Accept for another key", async () => {
      const { url, gone } = await answering((socket, head) => {
        socket.write(accepting(head.replace(/(sec-websocket-key: )./i, "$1_")));
      });
      const error = await rejection(createConnection(url), HandshakeError);
      expect(error).to.include({ code: "ERR_WS_INVALID_RESPONSE", status: 101 });
      await gone.next();
    });

    it("a subprotocol that nobody asked for, and for none where one was", async () => {
      const chosen = await answering((socket, head) =>
        socket.write(accepting(head, "Sec-WebSocket-Protocol: chat")),
      );
      await rejection(createConnection(chosen.url), HandshakeError);
      const silent = await rawServer(use);
      await rejection(createConnection(silent.url, { protocols: "chat" }), HandshakeError);
      const ws = await createConnection(silent.url, { protocols: "chat", requireProtocol: false });
      expect(ws.protocol).to.equal("");
    });

    it("a head that is too large", async () => {
      const { url, gone } = await answering((socket) =>
        socket.write(`HTTP/1.1 101 S\r\nA: ${"b".repeat(2000)}`),
      );
      const error = await rejection(createConnection(secretUrl(url), { maxHeaderSize: 1000 }), LimitError);
      expect(error).to.include({ code: "ERR_WS_HEADERS_TOO_BIG", limit: "maxHeaderSize" });
      checkPlace(error, url);
      await gone.next();
    });

    it("a reset", async () => {
      const { url } = await answering((socket) => socket.resetAndDestroy());
      const error = await rejection(createConnection(secretUrl(url)), TransportError);
      expect(error.code).to.equal("ERR_WS_TRANSPORT");
      checkPlace(error, url);
    });

    it("a reset as soon as it is connected", async () => {
      const peer = use(await listen((socket) => socket.resetAndDestroy()));
      const error = await rejection(createConnection(secretUrl(peer.url)), TransportError);
      checkPlace(error, peer.url);
    });

    it("a local address that is none, or not ours, for each address of a name", async () => {
      dns.lookup = ((
        _name: string,
        _options: object,
        callback: (error: null, addresses: object[]) => void,
      ) => {
        callback(
          null,
          ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 })),
        );
      }) as unknown as typeof lookup;
      const opening = (localAddress: string) => createConnection("ws://host.test:1/", { localAddress });
      expect((await rejection(opening("nonsense"), UsageError)).message).to.include("localAddress");
      expect((await rejection(opening("192.0.2.1"), TransportError)).code).to.equal("ERR_WS_CONNECT");
    });

    it("a port where nobody listens", async () => {
      const error = await rejection(createConnection(secretUrl(NOWHERE)), TransportError);
      expect(error.code).to.equal("ERR_WS_CONNECT");
      expect(error.message).to.include("ECONNREFUSED");
      expect(error.cause).to.be.an.instanceOf(Error);
      checkPlace(error, NOWHERE);
    });
  });

  describe("reads the 101", () => {
    it("however it is cut, and the frames behind it", async () => {
      const cuts = new Queue<number>();
      const { url } = await answering(async (socket, head) => {
        const bytes = Buffer.concat([Buffer.from(accepting(head)), frame(TEXT, "hello"), closeFrame(1001)]);
        const cut = await cuts.next();
        socket.setNoDelay().write(bytes.subarray(0, cut));
        await nextTurn();
        await nextTurn();
        socket.end(bytes.subarray(cut));
      });
      const length = accepting("").length + frame(TEXT, "hello").length + closeFrame().length;
      for (let cut = 1; cut < length; cut++) {
        cuts.push(cut);
        const ws = await createConnection(url);
        expect(await ws.recv(), `cut at ${cut}`).to.equal("hello");
        expect(await ws.closed).to.include({ code: 1001, wasClean: true });
      }
    });

    it("with a burst of frames in its segment", async () => {
      const texts = Array.from({ length: 500 }, (_, i) => `message ${i}`);
      const first = Buffer.concat([...texts.map((text) => frame(TEXT, text)), closeFrame(1001, "bye")]);
      const { ws, server } = await pair(use, {}, { first });
      const messages: unknown[] = [];
      server.socket.end();
      for await (const message of ws) messages.push(message);
      expect(messages).to.deep.equal(texts);
      expect(await ws.closed).to.include({ code: 1001, reason: "bye", wasClean: true });
    });

    it("behind 100 and 103", async () => {
      const { url } = await answering((socket, head) => {
        socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n${accepting(head)}`);
      });
      expect((await createConnection(url)).response.status).to.equal(101);
    });
  });

  describe("asks", () => {
    const basic = (text: string) => `Authorization: Basic ${Buffer.from(text).toString("base64")}`;
    const rows: [title: string, userinfo: string, options: ConnectionOptions, line: string][] = [
      ["with the url's credentials", "user:pass@", {}, basic("user:pass")],
      ["with a name alone", "user@", {}, basic("user:")],
      ["with a password alone", ":pass@", {}, basic(":pass")],
      ["with credentials that were encoded", "a%3Ab:%E2%82%AC%0d%0A@", {}, basic("a:b:\u20ac\r\n")],
      ["with colons in the password", "user:a:b%3A@", {}, basic("user:a:b:")],
      ["with credentials that look encoded and are not", "us%er:100%@", {}, basic("us%er:100%")],
      ["with credentials beyond ASCII", "j\u00fcrgen:\u{1f511}@", {}, basic("j\u00fcrgen:\u{1f511}")],
      ["with credentials with an @", "a%40b.test:p%40ss@", {}, basic("a@b.test:p@ss")],
      [
        "with an Authorization from a function",
        "user:pass@",
        { headers: async () => [["AUTHORIZATION", "Bearer y"]] },
        "AUTHORIZATION: Bearer y",
      ],
      [
        "with its own Authorization",
        "user:pass@",
        { headers: { authorization: "Bearer x" } },
        "authorization: Bearer x",
      ],
      ["for another host", "", { host: "example.com:81" }, "Host: example.com:81"],
      ["in the name of a page", "", { origin: "https://example.com" }, "Origin: https://example.com"],
    ];
    for (const [title, userinfo, options, line] of rows) {
      it(title, async () => {
        const { url, accepted } = await rawServer(use);
        await createConnection(url.replace("//", `//${userinfo}`), options);
        const { head } = await accepted.next();
        const name = line.slice(0, line.indexOf(":"));
        expect(
          head.split("\r\n").filter((got) => got.toLowerCase().startsWith(name.toLowerCase())),
        ).to.deep.equal([line]);
      });
    }

    it("without Authorization where the url has but the signs of one", async () => {
      const { url, accepted } = await rawServer(use);
      for (const userinfo of [":@", "@"]) {
        await createConnection(url.replace("//", `//${userinfo}`));
        expect((await accepted.next()).head).not.to.match(/authorization/i);
      }
    });

    it("with headers in the order, number and spelling in which they were given, behind its own", async () => {
      const lines = ["X-B: 1", "x-a: 2", "X-B: 3", "Accept: \u00e9", "Empty: "];
      const pairs = lines.map((line) => line.split(": ") as [string, string]);
      const { url, accepted } = await rawServer(use);
      for (const headers of [pairs, new Set(pairs), () => pairs.values(), async () => pairs]) {
        await createConnection(url, { headers: headers as typeof pairs });
        expect((await accepted.next()).head.split("\r\n").slice(-7)).to.deep.equal([...lines, "", ""]);
      }
    });

    it("without Authorization and Origin if it is told nothing", async () => {
      const { server } = await pair(use);
      expect(server.head).not.to.match(/authorization|origin/i);
    });

    it("with a key of its own each time", async () => {
      const { url, accepted } = await rawServer(use);
      await Promise.all([createConnection(url), createConnection(url)]);
      const keys = (await accepted.take(2)).map(({ head }) => /^sec-websocket-key: (.*)$/im.exec(head)?.[1]);
      expect(new Set(keys).size).to.equal(2);
      for (const key of keys) expect(Buffer.from(key ?? "", "base64")).to.have.length(16);
    });

    it("where connectTo says, in the name of the url", async () => {
      const { port, accepted } = await rawServer(use);
      const ws = await createConnection("ws://example.test/path", { connectTo: { host: "127.0.0.1", port } });
      const { head } = await accepted.next();
      expect(head)
        .to.match(/^GET \/path /)
        .and.to.include("Host: example.test\r\n");
      expect(ws.url).to.equal("ws://example.test/path");
      expect(ws.remoteAddress).to.equal(`127.0.0.1:${port}`);
    });

    it("where connectTo says, be it an IPv6 address in brackets", async () => {
      const { accepted, port } = await rawServer(use);
      const connectTo = { host: "[::ffff:127.0.0.1]", port };
      await createConnection("ws://example.test/", { connectTo });
      expect((await accepted.next()).head).to.include("Host: example.test\r\n");
    });

    it("from the local address that it is told", async () => {
      const { server, ws } = await pair(use, { localAddress: "127.0.0.2" });
      expect(server.socket.remoteAddress).to.equal("127.0.0.2");
      expect(ws.localAddress).to.equal(`127.0.0.2:${server.socket.remotePort}`);
    });
  });

  describe("is called off", () => {
    const reason = new RangeError("enough");

    it("before it begins: there is no socket", async () => {
      const connected = new Queue<Socket>();
      const peer = use(await listen((socket) => connected.push(socket)));
      let calls = 0;
      const url = () => {
        calls++;
        return peer.url;
      };
      expect(
        await rejection(createConnection(url, { signal: AbortSignal.abort(reason) }), RangeError),
      ).to.equal(reason);
      expect([calls, connected.waiting]).to.deep.equal([0, 0]);
    });

    it("while a function is asked", async () => {
      const controller = new AbortController();
      const headers = () => new Promise<never>(() => queueMicrotask(() => controller.abort(reason)));
      const promise = createConnection("ws://127.0.0.1:9/", { headers, signal: controller.signal });
      expect(await rejection(promise, RangeError)).to.equal(reason);
    });

    it("while the url or the subprotocols are asked for", async () => {
      for (const name of ["url", "protocols", "cookies"]) {
        const controller = new AbortController();
        const hang = () => new Promise<never>(() => controller.abort(reason));
        const url = name === "url" ? hang : "ws://127.0.0.1:9/";
        const options = { ...(name !== "url" && { [name]: hang }), signal: controller.signal };
        expect(await rejection(createConnection(url, options), RangeError)).to.equal(reason);
      }
    });

    it("while a name is looked up, though that goes on", async () => {
      const connected = new Queue<Socket>();
      const { port } = use(await listen((socket) => connected.push(socket)));
      const asked = new Queue<(error: null, addresses: object[]) => void>();
      dns.lookup = ((_name: string, _options: object, callback: () => void) => {
        asked.push(callback);
      }) as unknown as typeof lookup;
      const controller = new AbortController();
      const opening = createConnection(`ws://host.test:${port}/`, { signal: controller.signal });
      const answer = await asked.next();
      controller.abort(reason);
      expect(await rejection(opening, RangeError)).to.equal(reason);
      answer(null, [{ address: "127.0.0.1", family: 4 }]);
      for (let i = 0; i < 5; i++) await nextTurn();
      expect(connected.waiting).to.equal(0);
    });

    it("within TLS", async () => {
      const controller = new AbortController();
      const gone = new Queue<Socket>();
      const peer = use(
        await listen((socket) => {
          socket.on("close", () => gone.push(socket)).once("data", () => controller.abort(reason));
        }),
      );
      const url = peer.url.replace("ws", "wss");
      expect(await rejection(createConnection(url, { signal: controller.signal }), RangeError)).to.equal(
        reason,
      );
      await gone.next();
    });

    it("by whatever reason there is", async () => {
      for (const given of ["a string", 0, null, new TypeError("mine")]) {
        const opening = createConnection("ws://127.0.0.1:9/", { signal: AbortSignal.abort(given) });
        expect(await opening.catch((error: unknown) => ({ error }))).to.deep.equal({ error: given });
      }
      const unexplained = createConnection("ws://127.0.0.1:9/", { signal: AbortSignal.abort() });
      expect(await unexplained.catch((error: Error) => error.name)).to.equal("AbortError");
      const silent = use(await listen(() => {}));
      const timed = createConnection(silent.url, { signal: AbortSignal.timeout(10) });
      expect(await timed.catch((error: Error) => error.name)).to.equal("TimeoutError");
    });

    it("without leaving listeners on the signal, however it ends", async () => {
      const { signal } = new AbortController();
      let listeners = 0;
      const count = (step: number, method: (...args: never[]) => void) =>
        function counted(this: AbortSignal, ...args: never[]): void {
          listeners += step;
          method.apply(this, args);
        };
      signal.addEventListener = count(1, signal.addEventListener);
      signal.removeEventListener = count(-1, signal.removeEventListener);
      const { url } = await answering((socket, head) => {
        socket.write(
          head.startsWith("GET /no ") ? "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" : accepting(head),
        );
      });
      const ws = await createConnection(url, { signal });
      expect(listeners).to.equal(1);
      ws.terminate();
      await ws.closed;
      const failing: [string, ConnectionOptions][] = [
        [`${url}no`, {}],
        ["ws://127.0.0.1:1/", {}],
        [url, { headers: () => ({ "a b": "c" }) }],
        [url, { protocols: "chat" }],
      ];
      for (const [place, options] of failing) {
        await createConnection(place, { ...options, signal }).catch(() => {});
      }
      expect(listeners).to.equal(0);
    });

    it("while it waits for the answer, or for its body", async () => {
      for (const answer of ["", "HTTP/1.1 10", "HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nhalf"]) {
        const controller = new AbortController();
        const { url, gone } = await answering((socket) => {
          socket.write(answer, () => controller.abort(reason));
        });
        expect(await rejection(createConnection(url, { signal: controller.signal }), RangeError)).to.equal(
          reason,
        );
        await gone.next();
      }
    });

    it("within the very call in which the answer came", async () => {
      const controller = new AbortController();
      const { url, gone } = await answering((socket, head) => socket.write(accepting(head)));
      const trace = {
        write(line: string) {
          if (line === "--- response header ---") controller.abort(reason);
        },
      };
      const promise = createConnection(url, { trace, signal: controller.signal });
      expect(await rejection(promise, RangeError)).to.equal(reason);
      await gone.next();
    }).timeout(2000);
  });

  describe("takes no nonsense from functions", () => {
    const nonsense: unknown[] = [
      undefined,
      null,
      5,
      true,
      Symbol("a"),
      () => "a",
      new Date(0),
      [5],
      [[1, 2]],
      "\r\n",
    ];
    for (const name of ["url", "headers", "protocols", "cookies"] as const) {
      for (const [i, value] of nonsense.entries()) {
        if (name === "headers" && value instanceof Date) continue; // a record without entries
        it(`${name}: ${inspect(value)} (${i})`, async () => {
          const connected = new Queue<Socket>();
          const peer = use(await listen((socket) => connected.push(socket)));
          for (const give of [() => value, async () => value]) {
            const url = name === "url" ? (give as () => string) : peer.url;
            const options = name === "url" ? {} : { [name]: give };
            const error = await rejection(createConnection(url, options as ConnectionOptions), UsageError);
            expect(error.code).to.match(/^ERR_WS_INVALID_(URL|ARGUMENT)$/);
          }
          expect(connected.waiting).to.equal(0);
        });
      }
    }

    it("nor from values that change between the check and the use", async () => {
      const { url, accepted } = await rawServer(use);
      let reads = 0;
      const sly = {
        get "x-a"() {
          return reads++ === 0 ? "good" : "bad\r\nx-b: evil";
        },
      };
      await createConnection(url, { headers: sly });
      expect((await accepted.next()).head)
        .to.include("x-a: good\r\n")
        .and.not.to.include("evil");

      let turns = 0;
      class SlyUrl extends URL {
        override toString(): string {
          return turns++ === 0 ? super.toString() : "ws://evil.test/";
        }
      }
      await createConnection(new SlyUrl(`${url}good`));
      expect((await accepted.next()).head).to.include("GET /good ");
    });
  });

  describe("over a Unix socket", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "isosocket-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it("asks the server there for the url's resource", async () => {
      const socketPath = join(folder, "my socket%41");
      const { heads } = await welcoming(use, { socketPath });
      const encoded = encodeURI(socketPath);
      for (const [url, options, line, host] of [
        [`ws+unix:${encoded}:/a?b`, {}, "GET /a?b ", "localhost"],
        [`ws+unix://${encoded}`, {}, "GET / ", "localhost"],
        [`ws+unix:${encoded}:?b`, { host: "named" }, "GET /?b ", "named"],
        ["ws://me:pass@example.test:81/a", { socketPath }, "GET /a ", "example.test:81"],
      ] as const) {
        const ws = await createConnection(url, options);
        const head = await heads.next();
        expect(head.startsWith(line), head).to.equal(true);
        expect(fields(head, "host")).to.deep.equal([host]);
        expect([ws.localAddress, ws.remoteAddress, ws.secure]).to.deep.equal([undefined, undefined, false]);
      }
    });

    it("does TLS with it: wss+unix, for localhost or another name", async () => {
      const { ca, server, otherName } = certificates();
      const [local, other] = [join(folder, "local"), join(folder, "other")];
      await welcoming(use, { socketPath: local, tls: server });
      await welcoming(use, { socketPath: other, tls: otherName });
      const ws = await createConnection(`wss+unix:${local}:/a`, { tls: { ca } });
      expect(ws).to.include({ secure: true, url: `wss+unix:${local}:/a` });
      await createConnection("wss://localhost/a", { socketPath: local, tls: { ca } });
      await createConnection(`wss+unix:${other}:/`, { tls: { ca, servername: "other.test" } });
      await createConnection("wss://other.test/", { socketPath: other, tls: { ca } });
      for (const [url, options] of [
        [`wss+unix:${other}:/`, { tls: { ca } }],
        [`wss+unix:${local}:/`, {}],
        ["wss://other.test/", { socketPath: local, tls: { ca } }],
      ] as const) {
        expect((await rejection(createConnection(url, options), TransportError)).code).to.equal("ERR_WS_TLS");
      }
    });

    it("says what is wrong with it", async () => {
      for (const name of ["nobody", "x".repeat(200)]) {
        const path = join(folder, name);
        for (const [url, options] of [
          [`ws+unix:${path}:/?token=SECRET`, {}],
          ["ws://example.test/", { socketPath: path }],
        ] as const) {
          const error = await rejection(createConnection(url, options), TransportError);
          expect(error.code).to.equal("ERR_WS_CONNECT");
          expect(error.message).to.include(path).and.not.to.include("SECRET");
        }
      }
    });

    it("refuses what would have no use", async () => {
      const socketPath = join(folder, "socket");
      for (const [url, options] of [
        [`ws+unix:${socketPath}:/`, { socketPath: "/other" }],
        [`ws+unix:${socketPath}:/`, { connectTo: { host: "127.0.0.1", port: 1 } }],
        [`ws+unix:${socketPath}:/`, { localAddress: "127.0.0.1" }],
        ["ws://example.test/", { socketPath, localAddress: "127.0.0.1" }],
        [`ws+unix:${socketPath}:/`, { family: 4 }],
        ["ws://example.test/", { socketPath, family: 6 }],
        [`ws+unix:${socketPath}:/`, { noDelay: false }],
        [`ws+unix:${socketPath}:/`, { keepAliveSocket: 60_000 }],
      ] as const) {
        expect((await rejection(createConnection(url, options), UsageError)).message).to.include("no use");
        await rejection(
          createConnection(() => url, options),
          UsageError,
        );
      }
      const off = { family: 0, noDelay: true, keepAliveSocket: false } as const;
      const error = await rejection(createConnection(`ws+unix:${socketPath}:/`, off), TransportError);
      expect(error.code, "nobody listens there").to.equal("ERR_WS_CONNECT");
    });
  });
});

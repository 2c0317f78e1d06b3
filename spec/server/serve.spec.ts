// serve(): a server that listens by itself, or for another's upgrades: what it answers, what ends it, and that nothing that is
// done to it or thrown in it harms anything but the connection at hand.

import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect } from "chai";
import { TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, TransportError, UsageError, WebSocketError } from "../../lib/errors.ts";
import { RefusalError } from "../../lib/handshake/refusal.ts";
import type { AcceptedConnection } from "../../lib/server/accepted-connection.ts";
import type { ConnectionRequest } from "../../lib/server/connection-request.ts";
import type { WebSocketServer } from "../../lib/server/serve.ts";
import type { ServeOptions } from "../../lib/server/serve-options.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { npmWs } from "../support/npm-ws-client.ts";
import { Queue } from "../support/queue.ts";
import { masked, opening, rawClient } from "../support/raw-client.ts";
import { createConnection, runtime } from "../support/runtime.ts";
import { serve } from "../support/server-runtime.ts";

interface Told {
  readonly error: Error;
  readonly of: unknown;
}

describe("serve", () => {
  const use = cleanUp();

  const start = async (options: Partial<ServeOptions> = {}) => {
    const connections = new Queue<AcceptedConnection>();
    const refused = new Queue<Told>();
    const failed = new Queue<Told>();
    const place = (options.socketPath ?? options.server) ? {} : { port: 0, host: "127.0.0.1" };
    const server = await serve({
      ...place,
      onConnection: (ws) => connections.push(ws),
      onRefused: (error, of) => refused.push({ error, of }),
      onError: (error, of) => failed.push({ error, of }),
      ...options,
    });
    use({ close: () => server.close(1001, "", { timeout: 50 }) });
    return { server, connections, refused, failed, url: server.url ?? "", port: server.port ?? 0 };
  };

  /** What an HTTP client is answered. */
  const asked = async (port: number, text: string) => {
    const client = await rawClient(use, { port });
    client.write(text);
    await client.ended;
    client.socket.end();
    return client.said();
  };

  it("listens, hands out connections, and says where it is", async () => {
    const { url, port, server, connections } = await start();
    expect(url).to.equal(`ws://127.0.0.1:${port}/`);
    const [client, ws] = await Promise.all([createConnection(`${url}any/path`), connections.next()]);
    expect([...server.connections]).to.deep.equal([ws]);
    await ws.send("welcome");
    expect(await client.recv()).to.equal("welcome");
    await client.close();
    await ws.closed;
    await nextTurn();
    expect(server.connections.size).to.equal(0);
  });

  it("listens on all addresses where no host is given", async () => {
    const connections = new Queue<AcceptedConnection>();
    const server = await serve({ port: 0, onConnection: (ws) => connections.push(ws) });
    use({ close: () => server.close() });
    expect(server.url).to.equal(`ws://localhost:${server.port}/`);
    await createConnection(`ws://127.0.0.1:${server.port}`);
    await connections.next();
  });

  it("listens on an IPv6 address", async () => {
    const { url, connections } = await start({ host: "::1" });
    expect(url).to.match(/^ws:\/\/\[::1\]:\d+\/$/);
    await createConnection(url);
    expect((await connections.next()).remoteAddress).to.match(/^\[::1\]:\d+$/);
  });

  it("listens on a Unix socket, of which it leaves nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
    const socketPath = join(folder, "a socket");
    const { url, server, connections } = await start({ socketPath, path: "/chat" });
    expect([server.port, url]).to.deep.equal([undefined, `ws+unix:${folder}/a%20socket:/chat`]);
    await createConnection(url);
    expect((await connections.next()).request.path).to.equal("/chat");
    await server.close();
    expect(existsSync(socketPath)).to.equal(false);
    rmSync(folder, { recursive: true });
  });

  it("sets nobody a deadline with timeout 0, and refuses and closes as ever", async () => {
    const { ca, server } = certificates();
    for (const tls of [undefined, server]) {
      const scheme = tls === undefined ? "ws" : "wss";
      const {
        port,
        connections,
        refused,
        server: it,
      } = await start({
        ...{ timeout: 0, path: "/" },
        ...(tls && { tls }),
      });
      const silent = await rawClient(use, { port });
      const url = `${scheme}://localhost:${port}/`;
      const trust = tls && { tls: { ca } };
      await createConnection(url, trust);
      expect((await connections.next()).secure).to.equal(tls !== undefined);
      await rejection(createConnection(`${url}elsewhere`, trust), Error);
      expect((await refused.next()).error).to.include({ status: 404 });
      await it.close();
      silent.socket.end();
      await silent.gone;
    }
  });

  describe("over TLS", () => {
    const tls = () => certificates().server;

    it("listens on a Unix socket as well", async () => {
      const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
      const socketPath = join(folder, "socket");
      const { url, server, connections } = await start({ socketPath, tls: tls() });
      expect(url).to.equal(`wss+unix:${socketPath}:/`);
      await createConnection(url, { tls: { ca: certificates().ca } });
      expect((await connections.next()).secure).to.equal(true);
      await server.close();
      rmSync(folder, { recursive: true });
    });

    it("hands out connections", async () => {
      const { url, port, connections, server } = await start({ tls: tls() });
      expect(url).to.equal(`wss://127.0.0.1:${port}/`);
      const [client, ws] = await Promise.all([
        createConnection(`wss://localhost:${port}`, { tls: { ca: certificates().ca } }),
        connections.next(),
      ]);
      expect(ws.secure).to.equal(true);
      const bytes = Buffer.alloc(4 * 1024 * 1024, "0123456789abcde");
      await Promise.all([ws.send(bytes), client.send(bytes)]);
      expect(Buffer.compare((await ws.recv()) as Uint8Array, bytes)).to.equal(0);
      expect(Buffer.compare((await client.recv()) as Uint8Array, bytes)).to.equal(0);
      await server.close();
    });

    it("wants certificates of clients, if told so, and takes no others", async () => {
      const { ca, otherName, selfSigned } = certificates();
      const { port, connections } = await start({ tls: { ...tls(), ca, requestCert: true } });
      const url = `wss://localhost:${port}`;
      await createConnection(url, { tls: { ca, ...otherName } });
      await connections.next();
      for (const more of [{}, selfSigned])
        await rejection(createConnection(url, { tls: { ca, ...more } }), Error);
      expect(connections.waiting).to.equal(0);
    });

    it("is not harmed by who speaks no TLS, or breaks it off", async () => {
      const { port, connections } = await start({ tls: tls() });
      const plain = await rawClient(use, { port });
      plain.write(opening());
      await plain.ended;
      plain.socket.end();
      const cut = connect(port, "127.0.0.1");
      cut.on("error", () => {});
      await once(cut, "connect");
      cut.resetAndDestroy();
      const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
      socket.on("error", () => {});
      await once(socket, "secureConnect");
      socket.destroy();
      await createConnection(`wss://localhost:${port}`, { tls: { ca: certificates().ca } });
      await connections.next();
    });

    if (runtime !== "bun") {
      it("drops who does not come to an end of TLS within timeout", async () => {
        const { port } = await start({ tls: tls(), timeout: 50 });
        const client = await rawClient(use, { port });
        await client.ended;
        client.socket.end();
        await client.gone;
      });
    }

    it("drops who stays silent behind TLS, but not whom it has accepted", async () => {
      const { port, connections } = await start({ tls: tls(), timeout: 1000 });
      const [client, ws] = await Promise.all([
        createConnection(`wss://localhost:${port}`, { tls: { ca: certificates().ca } }),
        connections.next(),
      ]);
      const silent = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
      silent.on("error", () => {}).resume();
      await once(silent, "close");
      await client.send("still here");
      expect(await ws.recv()).to.equal("still here");
    });

    it("closes although somebody stalls in TLS", async () => {
      const { port, server } = await start({ tls: tls() });
      const client = await rawClient(use, { port });
      for (let i = 0; i < 10; i++) await nextTurn();
      await server.close();
      client.socket.end();
      await client.gone;
    });
  });

  describe("answers a request that is no upgrade", () => {
    it("with 426, and ends the connection", async () => {
      const { port } = await start();
      for (const request of [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /any HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
        opening("/", "Connection: keep-alive"),
      ]) {
        const said = await asked(port, request);
        expect(said)
          .to.match(/^HTTP\/1\.1 426 /)
          .and.match(/^upgrade: websocket\r$/im);
        expect(said)
          .to.match(/^connection: .*\bupgrade\b.*\r$/im)
          .and.match(/^connection: .*\bclose\b.*\r$/im);
        expect(said).to.include("This is a WebSocket server.");
      }
    });

    it("that makes no sense, with its end", async () => {
      const { port, connections, url } = await start();
      for (const garbage of [
        "\x16\x03\x01\x02\x00\x01\x00",
        "hello\r\n\r\n",
        "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
      ]) {
        expect(await asked(port, garbage)).to.not.match(/^HTTP\/1\.1 [12]/);
      }
      await createConnection(url);
      await connections.next();
    });
  });

  describe("drops who does not ask for an upgrade within timeout", () => {
    const rows: [title: string, said: string][] = [
      ["who says nothing", ""],
      ["who says a byte", "G"],
      ["who never ends his head", opening().slice(0, -4)],
      ["who never ends his body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"],
    ];
    for (const [title, said] of rows) {
      it(title, async () => {
        const { port, connections } = await start({ timeout: 50 });
        const client = await rawClient(use, { port });
        client.write(said);
        await client.ended;
        client.socket.end();
        await client.gone;
        expect(client.said()).to.not.include(" 101 ");
        expect(connections.waiting).to.equal(0);
      });
    }

    it("who says one byte after the other", async () => {
      const { port } = await start({ timeout: 100 });
      const client = await rawClient(use, { port });
      let isGone = false;
      void client.ended.then(() => {
        isGone = true;
      });
      for (let i = 0; !isGone; i++) {
        client.write(opening("/", `X: ${"y".repeat(100_000)}`).slice(i, i + 1));
        await nextTurn();
      }
      expect(client.said()).to.not.include(" 101 ");
    });

    it("but not who has asked, and is silent then", async () => {
      const { url, port, connections } = await start({ timeout: 1000 });
      const [client, ws] = await Promise.all([createConnection(url), connections.next()]);
      const silent = await rawClient(use, { port }); // its time is over later than that of the other was
      await silent.ended;
      silent.socket.end();
      await client.send("still here");
      expect(await ws.recv()).to.equal("still here");
    });
  });

  describe("path", () => {
    it("is the one that upgrades must be for, whatever the query", async () => {
      const { url, connections, refused } = await start({ path: "/chat" });
      expect(url).to.match(/\/chat$/);
      for (const good of [url, `${url}?room=1`, `${url}/../chat`]) {
        await createConnection(good);
        await connections.next();
      }
      for (const bad of [`${url}/`, `${url}2`, url.replace("/chat", "/"), url.replace("/chat", "/Chat")]) {
        expect(await rejection(createConnection(bad), WebSocketError)).to.include({ status: 404 });
        const { error, of } = await refused.next();
        expect(error).to.be.an.instanceOf(RefusalError).and.include({ status: 404 });
        expect((of as ConnectionRequest).url).to.equal(bad);
      }
    });
  });

  describe("maxConnections", () => {
    it("is how many there are at once: who comes then is refused with 503, until another goes", async () => {
      const { url, connections, refused } = await start({ maxConnections: 2 });
      const [first] = await Promise.all([createConnection(url), createConnection(url)]);
      await connections.take(2);
      expect(await rejection(createConnection(url), WebSocketError)).to.include({ status: 503 });
      expect((await refused.next()).error.message).to.include("option maxConnections");
      await first.close();
      await createConnection(url);
      await connections.next();
      expect(await rejection(createConnection(url), WebSocketError)).to.include({ status: 503 });
    });

    it("counts those that hooks are being asked about, and no more those that were refused", async () => {
      const asking = new Queue<(isWelcome: boolean) => void>();
      const verify = () => new Promise<boolean>((resolve) => asking.push(resolve));
      const { url, port, connections } = await start({ maxConnections: 1, verify });
      const waiting = await rawClient(use, { port });
      waiting.write(opening());
      const answer = await asking.next();
      expect(await rejection(createConnection(url), WebSocketError)).to.include({ status: 503 });
      answer(false);
      expect(await waiting.head()).to.match(/^HTTP\/1\.1 403 /);
      const welcome = createConnection(url);
      (await asking.next())(true);
      await welcome;
      await connections.next();
    });

    it("does not count who is at the wrong path, or makes no sense", async () => {
      const { url, port, connections } = await start({ maxConnections: 1, path: "/chat" });
      await createConnection(url);
      await connections.next();
      const elsewhere = createConnection(url.replace("chat", "other"));
      expect(await rejection(elsewhere, WebSocketError)).to.include({ status: 404 });
      expect(await asked(port, opening("/chat", "Sec-WebSocket-Version: 8"))).to.match(/^HTTP\/1\.1 426 /);
    });
  });

  describe("with a server of node:http", () => {
    const http = async (answer = "a page") => {
      const server = createServer((_request, response) => response.end(answer));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      use({
        close() {
          server.closeAllConnections();
          return new Promise((resolve) => server.close(resolve));
        },
      });
      return { server, port: (server.address() as AddressInfo).port };
    };

    it("takes its upgrades, leaves it its requests, and leaves it alone at last", async () => {
      const { server, port } = await http();
      const { server: serving, connections } = await start({ server });
      expect([serving.port, serving.url]).to.deep.equal([undefined, undefined]);
      const [client] = await Promise.all([createConnection(`ws://127.0.0.1:${port}`), connections.next()]);
      const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
      expect(await asked(port, request))
        .to.match(/^HTTP\/1\.1 200 /)
        .and.include("a page");
      await serving.close();
      expect((await client.closed).code).to.equal(1001);
      expect(server.listenerCount("upgrade")).to.equal(0);
      expect(await asked(port, request)).to.include("a page");
    });

    it("keeps a connection for longer than the server would a request", async () => {
      const { server, port } = await http();
      server.setTimeout(1000);
      const { connections } = await start({ server });
      const [client, ws] = await Promise.all([
        createConnection(`ws://127.0.0.1:${port}`),
        connections.next(),
      ]);
      const silent = await rawClient(use, { port }); // its time is over later than that of the other was
      await silent.ended;
      silent.socket.end();
      await client.send("still here");
      expect(await ws.recv()).to.equal("still here");
    });

    it("takes an upgrade that comes behind another request", async () => {
      const { server, port } = await http();
      const { connections } = await start({ server });
      const client = await rawClient(use, { port });
      client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      expect(await client.head()).to.match(/^HTTP\/1\.1 200 /);
      client.write(Buffer.concat([Buffer.from(opening()), masked(TEXT, "first")]));
      expect(await (await connections.next()).recv()).to.equal("first");
    });

    it("shares it by paths", async () => {
      const { server, port } = await http();
      const one = await start({ server, path: "/one" });
      const two = await start({ server, path: "/two" });
      await createConnection(`ws://127.0.0.1:${port}/two`);
      expect((await two.connections.next()).request.path).to.equal("/two");
      await createConnection(`ws://127.0.0.1:${port}/one`);
      expect((await one.connections.next()).request.path).to.equal("/one");
      await two.server.close();
      const other = createConnection(`ws://127.0.0.1:${port}/two`);
      expect(await rejection(other, WebSocketError)).to.include({ status: 404 });
    });

    it("answers what is for none of those that share it, and each once", async () => {
      const { server, port } = await http();
      const one = await start({ server, path: "/one" });
      const two = await start({ server, path: "/two" });
      const nowhere = createConnection(`ws://127.0.0.1:${port}/three`);
      expect(await rejection(nowhere, WebSocketError)).to.include({ status: 404 });
      expect(one.refused.waiting + two.refused.waiting).to.equal(1);
      expect(await asked(port, opening("*"))).to.match(/^HTTP\/1\.1 400 /);
      expect(one.failed.waiting + two.failed.waiting).to.equal(0);
    });

    it("gives what is for no path to the one without", async () => {
      const { server, port } = await http();
      const rest = await start({ server });
      const chat = await start({ server, path: "/chat" });
      const clients = ["/chat?x", "/other"].map((path) => createConnection(`ws://127.0.0.1:${port}${path}`));
      await Promise.all(clients);
      expect((await chat.connections.next()).request.path).to.equal("/chat");
      expect((await rest.connections.next()).request.path).to.equal("/other");
      expect([chat, rest].flatMap(({ refused, failed }) => [refused.waiting, failed.waiting])).to.deep.equal([
        ...[0, 0, 0, 0],
      ]);
    });

    it("leaves to others that listen what is for none of them", async () => {
      const { server, port } = await http();
      const ours = await start({ server, path: "/ours" });
      server.on("upgrade", (request, socket) => {
        if (request.url === "/theirs") socket.end("HTTP/1.1 418 Theirs\r\nContent-Length: 0\r\n\r\n");
      });
      expect(await asked(port, opening("/theirs"))).to.match(/^HTTP\/1\.1 418 /);
      await createConnection(`ws://127.0.0.1:${port}/ours`);
      await ours.connections.next();
      expect(ours.refused.waiting).to.equal(0);
    });

    it("is not shared by two of one path", async () => {
      const { server } = await http();
      for (const path of ["/chat", undefined]) {
        const options = path === undefined ? { server } : { server, path };
        const first = await start(options);
        const error = await rejection(serve({ ...options, onConnection() {} }), UsageError);
        expect(error.message).to.include(path ?? "all paths");
        await first.server.close();
        await (await start(options)).server.close();
      }
      expect(server.listenerCount("upgrade")).to.equal(0);
    });
  });

  describe("onConnection", () => {
    const thrower = (message: string) => async (ws: AcceptedConnection) => {
      await ws.recv();
      throw new TypeError(message);
    };

    it("that throws, at once or later, closes its connection with 1011, and onError is told", async () => {
      const failures: ServeOptions["onConnection"][] = [
        () => {
          throw new TypeError("at once");
        },
        thrower("later"),
      ];
      for (const onConnection of failures) {
        const { url, failed, connections } = await start({ onConnection });
        const client = await createConnection(url);
        void client.send("go");
        const { error, of } = await failed.next();
        expect(error).to.be.an.instanceOf(TypeError);
        expect((of as AcceptedConnection).request.path).to.equal("/");
        expect(await client.closed).to.include({ code: 1011, reason: "" });
        expect(connections.waiting).to.equal(0);
      }
    });

    it("that throws what is no error is told as one", async () => {
      const { url, failed } = await start({ onConnection: () => Promise.reject("just a word") });
      await createConnection(url);
      const { error } = await failed.next();
      expect(error).to.be.an.instanceOf(WebSocketError);
      expect(error.message).to.equal("onConnection threw just a word");
    });

    it("may read until a client is lost: that is no error", async () => {
      const done = new Queue<unknown>();
      const { url, failed } = await start({
        async onConnection(ws) {
          try {
            for await (const message of ws) await ws.send(message);
          } catch (error) {
            done.push(error);
            throw error;
          }
        },
      });
      const client = await createConnection(url);
      await client.send("hi");
      expect(await client.recv()).to.equal("hi");
      client.terminate();
      expect(await done.next()).to.be.an.instanceOf(ClosedError);
      await nextTurn();
      expect(failed.waiting).to.equal(0);
    });

    it("that throws another's ClosedError is an error", async () => {
      const { url, failed } = await start({
        onConnection() {
          throw new ClosedError("of a database");
        },
      });
      const client = await createConnection(url);
      expect((await failed.next()).error).to.be.an.instanceOf(ClosedError);
      expect((await client.closed).code).to.equal(1011);
    });

    it("may fail, and onError with it, or be missing: it is printed, and the server goes on", async () => {
      const printed: unknown[] = [];
      const { error } = console;
      console.error = (...values) => printed.push(...values);
      try {
        for (const onError of [
          undefined,
          () => {
            throw new RangeError("of onError");
          },
          () => Promise.reject(new RangeError("of onError")),
        ]) {
          const onConnection = () => Promise.reject(new TypeError("of onConnection"));
          const server = await serve({
            port: 0,
            host: "127.0.0.1",
            onConnection,
            ...(onError && { onError }),
          });
          for (let i = 0; i < 2; i++) await (await createConnection(server.url ?? "")).closed;
          await server.close();
        }
      } finally {
        console.error = error;
      }
      const names = printed.map((value) => (value as Error).message);
      expect(names).to.deep.equal([...Array(2).fill("of onConnection"), ...Array(4).fill("of onError")]);
    });
  });

  describe("onRefused", () => {
    it("is told who was refused, and why; onError is not", async () => {
      const { url, refused, failed, port } = await start({ verify: () => false });
      await rejection(createConnection(url), WebSocketError);
      const { error, of } = await refused.next();
      expect(error).to.be.an.instanceOf(RefusalError).and.include({ status: 403 });
      expect((of as ConnectionRequest).path).to.equal("/");
      const client = await rawClient(use, { port });
      client.write(opening("/", "Sec-WebSocket-Version: 8"));
      expect(await refused.next()).to.deep.include({ of: undefined });
      expect(failed.waiting).to.equal(0);
    });

    it("is told so where the server has a signal, too", async () => {
      const { signal } = new AbortController();
      const { url, refused, failed } = await start({ signal, path: "/here" });
      await rejection(createConnection(`${url}/not`), Error);
      expect((await refused.next()).error).to.include({ status: 404 });
      expect(failed.waiting).to.equal(0);
    });

    it("is told who left before an answer", async () => {
      const asking = new Queue<unknown>();
      const verify = (request: ConnectionRequest) => {
        asking.push(request);
        return new Promise(() => {});
      };
      const { refused, port } = await start({ verify });
      const client = await rawClient(use, { port });
      client.write(opening());
      const request = await asking.next();
      client.socket.destroy();
      const { error, of } = await refused.next();
      expect(error).to.be.an.instanceOf(TransportError);
      expect(of).to.equal(request);
    });

    it("is not told of hooks that fail: onError is", async () => {
      const { url, refused, failed } = await start({ verify: () => Promise.reject(new Error("broken")) });
      expect(await rejection(createConnection(url), WebSocketError)).to.include({ status: 500 });
      expect((await failed.next()).error).to.include({ code: "ERR_WS_CALLBACK" });
      expect(refused.waiting).to.equal(0);
    });
  });

  describe("close", () => {
    it("closes all with 1001, listens no more, and fulfils when all is gone", async () => {
      const { server, url, connections } = await start();
      const clients = await Promise.all([createConnection(url), createConnection(url)]);
      const accepted = await connections.take(2);
      await server.close();
      for (const { state } of accepted) expect(state).to.equal("closed");
      for (const client of clients) expect(await client.closed).to.include({ code: 1001, wasClean: true });
      expect(await rejection(createConnection(url), TransportError)).to.include({ code: "ERR_WS_CONNECT" });
    });

    it("says what it is told, once", async () => {
      const { server, url, connections } = await start();
      const [client] = await Promise.all([createConnection(url), connections.next()]);
      const closing = server.close(4000, "enough");
      expect(server.close(4001)).to.equal(closing);
      expect(await client.closed).to.include({ code: 4000, reason: "enough" });
      await closing;
    });

    it("waits for nobody longer than it is told", async () => {
      const { server, port, connections } = await start();
      const client = await rawClient(use, { port }, true);
      client.write(opening());
      const ws = await connections.next();
      await server.close(1001, "", { timeout: 20 });
      expect(ws.state).to.equal("closed");
    });

    it("drops who has not asked, and refuses who is not accepted yet", async () => {
      const asking = new Queue<unknown>();
      const verify = (request: ConnectionRequest) => {
        asking.push(request);
        return new Promise(() => {});
      };
      const { server, port, connections } = await start({ verify });
      const silent = await rawClient(use, { port });
      silent.write("GET / HT");
      const waiting = await rawClient(use, { port });
      waiting.write(opening());
      await asking.next();
      const closing = server.close();
      expect(await waiting.head()).to.match(/^HTTP\/1\.1 503 /);
      await Promise.all([silent.ended, waiting.ended]);
      waiting.socket.end();
      silent.socket.end();
      await closing;
      expect(connections.waiting).to.equal(0);
    });

    it("does not hand out a connection that was accepted meanwhile", async () => {
      let server: WebSocketServer | undefined;
      const {
        server: started,
        url,
        connections,
      } = await start({
        headers() {
          void server?.close();
          return {};
        },
      });
      server = started;
      const client = await createConnection(url).catch((error) => error);
      if (client instanceof WebSocketError) expect(client).to.include({ status: 503 });
      else expect((await client.closed).code).to.equal(1001);
      await started.close();
      expect(connections.waiting).to.equal(0);
    });

    it("waits for who is accepted meanwhile, also where the server is another's", async () => {
      const http = createServer();
      await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
      use({ close: () => new Promise((resolve) => http.close(resolve)) });
      const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
      const ends = new Set<number>();
      // At every moment from a hook's answer on, until it is too late to refuse.
      for (let moment = 0; moment < 20; moment++) {
        const left = new Queue<number>();
        const close = async () => {
          for (let i = 0; i < moment; i++) await undefined;
          await server.close(4001, "late");
          left.push(server.connections.size);
        };
        const headers = () => {
          void close();
          return {};
        };
        const { server, connections } = await start({ server: http, headers });
        const client = await createConnection(url).catch((error) => error);
        expect(await left.next()).to.equal(0);
        const { code = client.status } = client instanceof WebSocketError ? {} : await client.closed;
        expect(code).to.be.oneOf([503, 4001]);
        ends.add(code);
        if (code === 503) expect(connections.waiting).to.equal(0);
      }
      expect([...ends]).to.have.members([503, 4001]);
    });

    it("throws for a code that may not be sent, and for a wrong option, and closes nothing", async () => {
      const { server, url, connections } = await start();
      expect(() => server.close(1006)).to.throw(UsageError);
      expect(() => server.close(1001, "", { timeout: -1 })).to.throw(UsageError);
      expect(() => server.close(1001, "", { within: 1 } as object)).to.throw(UsageError);
      await createConnection(url);
      await connections.next();
    });

    it("is what disposing does, and aborting its signal", async () => {
      const controller = new AbortController();
      const first = await start({ signal: controller.signal });
      const [, ws] = await Promise.all([createConnection(first.url), first.connections.next()]);
      controller.abort();
      expect((await ws.closed).error).to.include({ code: "ERR_WS_ABORTED" });
      await first.server.close();
      await rejection(createConnection(first.url), TransportError);
      const second = await start();
      await second.server[Symbol.asyncDispose]();
      await rejection(createConnection(second.url), TransportError);
    });

    it("lets the port be used again", async () => {
      const { server, port } = await start();
      await server.close();
      const again = await start({ port });
      expect(again.port).to.equal(port);
    });
  });

  describe("rejects", () => {
    it("where it cannot listen", async () => {
      const { port } = await start();
      const error = await rejection(serve({ port, host: "127.0.0.1", onConnection() {} }), TransportError);
      expect(error.message).to.match(new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: `));
      expect(error.cause).to.include({ code: "EADDRINUSE" });
      await rejection(serve({ socketPath: "/no/such/folder/socket", onConnection() {} }), TransportError);
    });

    it("where its signal is aborted before it listens, and listens no more", async () => {
      const controller = new AbortController();
      const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
      const socketPath = join(folder, "socket");
      const starting = serve({ socketPath, onConnection() {}, signal: controller.signal });
      controller.abort(new RangeError("not any more"));
      expect((await rejection(starting, RangeError)).message).to.equal("not any more");
      expect(existsSync(socketPath)).to.equal(false);
      rmSync(folder, { recursive: true });
    });

    it("where its signal is aborted already", async () => {
      const reason = new RangeError("no");
      const serving = serve({ port: 0, signal: AbortSignal.abort(reason), onConnection() {} });
      expect(await rejection(serving, RangeError)).to.equal(reason);
    });

    const onConnection = () => {};
    const wrong: [title: string, options: unknown][] = [
      ["no options", undefined],
      ["no place", { onConnection }],
      ["two places", { onConnection, port: 0, socketPath: "/x" }],
      ["a host without a port", { onConnection, host: "localhost", socketPath: "/x" }],
      ["a port that is none", { onConnection, port: 65536 }],
      ["a port that is a string", { onConnection, port: "80" }],
      ["an empty host", { onConnection, port: 0, host: "" }],
      ["a path of a socket with NUL", { onConnection, socketPath: "a\0b" }],
      ["a server that is none", { onConnection, server: {} }],
      ["TLS for another's server", { onConnection, server: createServer(), tls: {} }],
      ["TLS without a key", { onConnection, port: 0, tls: { cert: "x" } }],
      ["TLS with what is no certificate", { onConnection, port: 0, tls: { cert: "x", key: "y" } }],
      [
        "TLS with a requestCert that is neither",
        { onConnection, port: 0, tls: { cert: "x", key: "y", requestCert: 1 } },
      ],
      ["TLS with a client's option", { onConnection, port: 0, tls: { cert: "x", key: "y", pins: "z" } }],
      [
        "TLS with an option that there is not",
        { onConnection, port: 0, tls: { cert: "x", key: "y", certs: "z" } },
      ],
      [
        "TLS that requests certificates of nobody",
        { onConnection, port: 0, tls: { cert: "x", key: "y", requestCert: true } },
      ],
      ["no onConnection", { port: 0 }],
      ["no connections at all", { port: 0, onConnection, maxConnections: 0 }],
      ["onConnection that is none", { port: 0, onConnection: {} }],
      ["onError that is none", { port: 0, onConnection, onError: true }],
      ["a path without a slash", { port: 0, onConnection, path: "chat" }],
      ["a path with a query", { port: 0, onConnection, path: "/chat?x" }],
      ["a path that is not encoded", { port: 0, onConnection, path: "/a b" }],
      ["a path with dot segments", { port: 0, onConnection, path: "/a/../b" }],
      ["an option that there is not", { port: 0, onConnection, onMessage() {} }],
      ["an option of accept() that is wrong", { port: 0, onConnection, maxQueue: -1 }],
    ];
    for (const [title, options] of wrong) {
      it(title, async () => {
        await rejection(serve(options as ServeOptions), UsageError);
      });
    }

    it("a key that is not the certificate's", async () => {
      const { server: one, otherName } = certificates();
      const tls = { cert: one.cert, key: otherName.key };
      await rejection(serve({ port: 0, onConnection, tls }), UsageError);
    });
  });

  it("serves npm's ws as well", async () => {
    const { url, connections } = await start({ protocols: ["chat"], perMessageDeflate: true });
    const client = npmWs(url, ["chat"], { perMessageDeflate: true });
    use({ close: () => client.terminate() });
    const ws = await connections.next();
    expect([ws.protocol, ws.extensions]).to.deep.equal(["chat", "permessage-deflate"]);
    const text = "tick tock ".repeat(100);
    const heard = once(client, "message");
    await ws.send(text);
    expect(String((await heard)[0])).to.equal(text);
    client.send(text);
    expect(await ws.recv()).to.equal(text);
  });

  it("frees what a client of a raw kind had, whatever it was", async () => {
    const { port, connections, server } = await start();
    const ways: ((client: Awaited<ReturnType<typeof rawClient>>) => void)[] = [
      (client) => client.socket.end(),
      (client) => void client.socket.destroy(),
      (client) => client.socket.resetAndDestroy(),
      (client) => client.write(Buffer.of(0, 0)),
      (client) => client.write(masked(TEXT, "cut").subarray(0, 4)),
    ];
    for (const way of ways) {
      const client = await rawClient(use, { port });
      client.write(opening());
      const ws = await connections.next();
      way(client);
      client.socket.end();
      await ws.closed;
    }
    await nextTurn();
    expect(server.connections.size).to.equal(0);
  });
});

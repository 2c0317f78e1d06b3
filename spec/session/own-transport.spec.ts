// The option `transport`: connections over what the user brings, once each, and nothing left behind whatever goes wrong.

import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { expect } from "chai";
import { overNative } from "../../lib/client/native-options.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { resolveSockets } from "../../lib/client/socket-options.ts";
import { HandshakeError, TimeoutError, TransportError, UsageError } from "../../lib/errors.ts";
import { parseTarget } from "../../lib/handshake/endpoint.ts";
import { ownTransport } from "../../lib/session/own-transport.ts";
import { memoryPipe } from "../../lib/transport/memory.ts";
import type { TransportOption, TransportRequest } from "../../lib/transport/source.ts";
import type { ByteStreams } from "../../lib/transport/streams.ts";
import { acceptingServer } from "../support/accepting-server.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { FakeTransport } from "../support/fake-transport.ts";
import { accepting, listen, requestHead } from "../support/peer.ts";
import { echo, PipePeer } from "../support/pipe-peer.ts";
import { Queue } from "../support/queue.ts";
import { createConnection, platform, runtime, WebSocketApp } from "../support/runtime.ts";

const PLACE = "ws://nowhere.example:81/path?q=1";

/** The options that a connection which others made knows nothing of. */
const VAIN: readonly ConnectionOptions[] = [
  { proxy: "http://127.0.0.1:1" },
  { connectTo: { host: "127.0.0.1", port: 1 } },
  { socketPath: "/tmp/none" },
  { tls: { rejectUnauthorized: false } },
  { localAddress: "127.0.0.1" },
  { family: 4 },
  { noDelay: false },
  { keepAliveSocket: 1000 },
];

/** Values of them that ask for nothing. */
const NOTHING: ConnectionOptions = {
  proxy: false,
  family: 0,
  noDelay: true,
  keepAliveSocket: false,
  tls: {},
};

declare const Deno: {
  connect(to: object): Promise<ByteStreams>;
  connectTls(to: object): Promise<ByteStreams>;
};

/** The streams of a socket, as each runtime has them; Deno's node:stream cannot take a peer that ends first. */
async function socketStreams({ port, hostname, secure }: TransportRequest): Promise<ByteStreams> {
  const { ca } = certificates();
  if (runtime === "deno") {
    if (!secure) return Deno.connect({ port, hostname });
    return Deno.connectTls({ port, hostname, caCerts: [ca] });
  }
  const to = { port, host: hostname };
  const socket = secure ? connectTls({ ...to, servername: hostname, ca }) : connectTcp(to);
  await once(socket, secure ? "secureConnect" : "connect");
  return Duplex.toWeb(socket) as unknown as ByteStreams;
}

function piped(options?: Parameters<typeof memoryPipe>[0]): { client: ByteStreams; peer: PipePeer } {
  const { client, server } = memoryPipe(options);
  return { client, peer: echo(server) };
}

describe("the option transport", () => {
  const use = cleanUp();

  it("carries a connection over a pair of streams", async () => {
    const { client, peer } = piped();
    const ws = await createConnection(PLACE, { transport: client, ...NOTHING });
    expect((await peer.requests.next()).rawHeaders).to.deep.include(["Host", "nowhere.example:81"]);
    await ws.send("hello");
    await ws.send(Uint8Array.of(0, 255));
    expect([await ws.recv(), await ws.recv()]).to.deep.equal(["hello", Uint8Array.of(0, 255)]);
    expect([ws.url, ws.secure, ws.localAddress, ws.remoteAddress]).to.deep.equal([
      PLACE,
      false,
      undefined,
      undefined,
    ]);
    ws.unref().ref();
    expect(await ws.close(1000, "bye")).to.include({ code: 1000, wasClean: true });
    expect(await peer.ends.next()).to.include({ code: 1000, reason: "bye", wasClean: true });
  });

  for (const [title, options] of [
    ["late", { delay: 3 }],
    ["byte by byte", { cut: 1 }],
    ["in a pipe of one byte", { capacity: 1 }],
    ["cut at random, and late", { cut: () => 1 + Math.random() * 7, delay: 1 }],
  ] as const) {
    it(`carries messages of all sizes ${title}`, async () => {
      const { client } = piped(options);
      const ws = await createConnection(PLACE, { transport: client });
      const sizes = [0, 1, 125, 126, 1000];
      for (const size of sizes) await ws.send("x".repeat(size));
      for (const size of sizes) expect(await ws.recv()).to.equal("x".repeat(size));
      await ws.close();
    });
  }

  it("carries 8 MiB both ways at once, with back-pressure", async () => {
    const { client } = piped();
    const ws = await createConnection(PLACE, { transport: client });
    const message = new Uint8Array(1024 * 1024).fill(7);
    const received = (async () => {
      let bytes = 0;
      while (bytes < 8 * message.length) bytes += (await ws.recv()).length;
      return bytes;
    })();
    let most = 0;
    for (let i = 0; i < 8; i++) {
      await ws.send(message);
      most = Math.max(most, ws.bufferedAmount);
    }
    expect(await received).to.equal(8 * message.length);
    expect(most).to.be.below(2 * message.length);
    await ws.close();
  });

  it("takes a peer that stops reading for one: send() waits", async () => {
    const { client, peer } = piped();
    const ws = await createConnection(PLACE, { transport: client });
    peer.transport.pause();
    let isSent = false;
    const sent = ws.send(new Uint8Array(1024 * 1024)).then(() => {
      isSent = true;
    });
    await nextTurn();
    await nextTurn();
    expect([isSent, ws.bufferedAmount > 512 * 1024]).to.deep.equal([false, true]);
    peer.transport.resume();
    await sent;
    expect(await ws.recv()).to.have.length(1024 * 1024);
    await ws.close();
  });

  it("is a wss url's stream inside TLS already", async () => {
    const { client } = piped();
    const ws = await createConnection("wss://nowhere.example/", { transport: client });
    expect([ws.secure, ws.url]).to.deep.equal([true, "wss://nowhere.example/"]);
    await ws.send("x");
    expect(await ws.recv()).to.equal("x");
    await ws.close();
  });

  it("may be any Transport", async () => {
    const server = await acceptingServer(use, {}, "TCP");
    const transport = await platform.connect(
      {
        hostname: "127.0.0.1",
        port: Number(new URL(server.url).port),
        socketPath: undefined,
        family: 0,
        localAddress: undefined,
        noDelay: true,
        keepAliveDelay: undefined,
        tls: undefined,
        isTunnel: false,
      },
      { signal: new AbortController().signal, phase() {} },
    );
    const ws = await createConnection(PLACE, { transport });
    await ws.send("over my own");
    const peer = await server.accepted.next();
    void peer.send("hello");
    expect(await ws.recv()).to.equal("hello");
    await ws.close();
  });

  it("may be a socket's streams", async () => {
    const server = await acceptingServer(use, {}, "TCP");
    const ws = await createConnection(server.url, { transport: socketStreams });
    const peer = await server.accepted.next();
    void (async () => {
      for await (const message of peer) await peer.send(message);
    })();
    const message = new Uint8Array(300_000).fill(5);
    await ws.send(message);
    expect(await ws.recv()).to.deep.equal(message);
    expect(await ws.close()).to.include({ code: 1000, wasClean: true });
  });

  it("may be such streams with TLS, for a wss url", async () => {
    const server = await acceptingServer(use, {}, "TLS");
    const ws = await createConnection(server.url, { transport: socketStreams });
    const peer = await server.accepted.next();
    void peer.send("hello");
    expect([await ws.recv(), ws.secure]).to.deep.equal(["hello", true]);
    await ws.close();
  });

  describe("as a function", () => {
    for (const [url, wanted] of [
      [PLACE, { url: PLACE, secure: false, hostname: "nowhere.example", port: 81, socketPath: undefined }],
      [
        "wss://user:secret@[::1]/x",
        { url: "wss://[::1]/x", secure: true, hostname: "::1", port: 443, socketPath: undefined },
      ],
    ] as const) {
      it(`is told where to, without credentials: ${wanted.url}`, async () => {
        const requests: TransportRequest[] = [];
        const transport = (request: TransportRequest) => {
          requests.push(request);
          return piped().client;
        };
        for (const count of [1, 2]) {
          await (await createConnection(url, { transport })).close();
          expect(requests).to.have.length(count);
        }
        const [{ signal, connect, ...place } = {} as TransportRequest] = requests;
        expect(place).to.deep.equal(wanted);
        expect([signal.aborted, typeof connect]).to.deep.equal([false, "function"]);
      });
    }

    it("may connect() to a Unix socket, and is told of it", async () => {
      const server = await acceptingServer(use, {}, "Unix");
      const paths: (string | undefined)[] = [];
      const transport = async ({ connect, socketPath }: TransportRequest) => {
        paths.push(socketPath);
        return connect();
      };
      const ws = await createConnection(server.url, { transport });
      expect(paths).to.deep.equal([server.url.split(":")[1]]);
      await ws.close();
    });

    it("may connect() as the other options say", async () => {
      const server = await acceptingServer(use, {}, "TLS");
      const transport = async ({ connect }: TransportRequest) => connect();
      const ws = await createConnection(server.url, { ...server.options, transport, family: 4 });
      const peer = await server.accepted.next();
      void peer.send("hello");
      expect([await ws.recv(), ws.secure]).to.deep.equal(["hello", true]);
      expect(ws.remoteAddress).to.include("127.0.0.1:");
      await ws.close();
    });

    it("may put its own between", async () => {
      const server = await acceptingServer(use, {}, "TCP");
      let calls = 0;
      const transport = async ({ connect }: TransportRequest) => {
        const inner = await connect();
        const write = inner.write.bind(inner);
        return Object.assign(inner, {
          write: (bytes: Uint8Array) => {
            calls++;
            return write(bytes);
          },
        });
      };
      const ws = await createConnection(server.url, { transport });
      await ws.send("x");
      await ws.close();
      expect(calls).to.be.at.least(2);
    });

    for (const [title, bring, message] of [
      ["throws", () => Promise.reject(new Error("no luck")), "the function transport brought none: no luck"],
      [
        "throws at once",
        () => {
          throw new Error("no luck");
        },
        "the function transport brought none: no luck",
      ],
      ["throws what is no error", () => Promise.reject("no luck"), "brought none: no luck"],
    ] as const) {
      it(`that ${title} fails the attempt as a network does`, async () => {
        const error = await rejection(createConnection(PLACE, { transport: bring }), TransportError);
        expect(error.code).to.equal("ERR_WS_CONNECT");
        expect(error.message).to.include(message);
        expect(error.url).to.equal("ws://nowhere.example:81/path?q=***");
      });
    }

    it("that gives none is wrong", async () => {
      for (const given of [undefined, null, 5, {}, { readable: new ReadableStream() }, () => {}]) {
        const transport = (() => given) as unknown as TransportOption;
        await rejection(createConnection(PLACE, { transport }), UsageError);
      }
    });

    it("is not waited for beyond the deadline, and what it brings later is dropped", async () => {
      const { client, server } = memoryPipe();
      let bring: (streams: ByteStreams) => void = () => {};
      const late = new Promise<ByteStreams>((resolve) => {
        bring = resolve;
      });
      const heard = new Queue<AbortSignal>();
      const error = await rejection(
        createConnection(PLACE, {
          timeout: 5,
          transport: ({ signal }) => {
            heard.push(signal);
            return late;
          },
        }),
        TimeoutError,
      );
      expect(error.phase).to.equal("connect");
      expect((await heard.next()).aborted).to.equal(true);
      bring(client);
      await rejection(server.readable.getReader().read(), Error);
    });

    it("is not waited for beyond an abort", async () => {
      const controller = new AbortController();
      const reason = new Error("changed my mind");
      const opening = createConnection(PLACE, {
        signal: controller.signal,
        transport: () => {
          queueMicrotask(() => controller.abort(reason));
          return new Promise<never>(() => {});
        },
      });
      expect(await rejection(opening, Error)).to.equal(reason);
    });

    it("is not called once it is aborted", async () => {
      const signal = AbortSignal.abort(new Error("before"));
      const transport = () => {
        throw new Error("it was called");
      };
      expect((await rejection(createConnection(PLACE, { signal, transport }), Error)).message).to.equal(
        "before",
      );
    });

    it("is not called where the abort came between, and its reason is told as it is", async () => {
      const reason = new Error("before");
      const attempt = { signal: AbortSignal.abort(reason), phase() {} };
      const options = {
        ...resolveSockets(PLACE),
        request: () => Promise.reject(new Error("not in this test")),
      };
      const bring = () => {
        throw new Error("it was called");
      };
      const opening = ownTransport(bring, parseTarget(PLACE), options, attempt, bring);
      expect(await rejection(opening, Error)).to.equal(reason);
    });

    it("that connected and then gives something else leaves nothing open", async () => {
      const server = use(await listen(() => {}));
      const transport = async ({ connect }: TransportRequest) => {
        await connect();
        throw new Error("thought better of it");
      };
      await rejection(createConnection(server.url, { transport }), TransportError);
    });

    it("is asked again for each attempt of an app", async () => {
      let attempts = 0;
      const events = new Queue<string>();
      const transport = () => {
        if (++attempts === 2) throw new Error("not now");
        const { client, server, reset } = memoryPipe();
        const peer = new PipePeer(server);
        void peer.requests.next().then(() => {
          peer.protocol.send(`${attempts}`);
          if (attempts === 1) setTimeout(reset, 1);
        });
        return client;
      };
      const callbacks = {
        onOpen: () => events.push("open"),
        onReconnect: () => events.push("reconnect"),
        onMessage: (_: unknown, data: unknown) => events.push(`message ${data}`),
      };
      const app = new WebSocketApp(PLACE, { ...callbacks, transport });
      const running = app.runForever({ reconnect: 1 });
      expect(await events.take(4)).to.deep.equal(["open", "message 1", "reconnect", "message 3"]);
      app.close();
      await running;
    });
  });

  it("as a value ends an app's run with the first connection", async () => {
    const { client, server, reset } = memoryPipe();
    const peer = new PipePeer(server);
    void peer.requests.next().then(() => reset());
    const errors: Error[] = [];
    const onError = (_: unknown, error: Error) => errors.push(error);
    const app = new WebSocketApp(PLACE, { transport: client, onError });
    const { error } = await app.runForever({ reconnect: 1 });
    expect(error).to.be.instanceOf(UsageError);
    expect(errors.map(({ name }) => name)).to.deep.equal(["TransportError", "UsageError"]);
  });

  describe("refuses", () => {
    for (const options of VAIN) {
      const [name = ""] = Object.keys(options);
      it(`${name} besides`, async () => {
        const { client } = memoryPipe();
        const given = { transport: client, ...options };
        const place = name === "tls" ? PLACE.replace("ws:", "wss:") : PLACE;
        expect(thrown(() => resolveSockets(place, given), UsageError).message).to.include(`option ${name} `);
        const peer = memoryPipe();
        const transport = () => peer.client;
        const error = await rejection(createConnection(place, { transport, ...options }), UsageError);
        expect(error.message).to.include(`option ${name} `);
        await rejection(peer.server.readable.getReader().read(), Error); // it was dropped
      });
    }

    it("the url of a Unix socket besides", async () => {
      const transport = () => memoryPipe().client;
      for (const given of [transport, memoryPipe().client]) {
        const error = await rejection(
          createConnection("ws+unix:/tmp/socket:/y", { transport: given }),
          UsageError,
        );
        expect(error.message).to.include("Unix socket");
      }
    });

    for (const value of [null, 5, "ws", {}, [], { readable: 1, writable: 2 }, { attach() {} }, true]) {
      it(`${JSON.stringify(value)}`, () => {
        const transport = value as unknown as TransportOption;
        thrown(() => resolveSockets(PLACE, { transport }), UsageError);
      });
    }

    it("streams that are in use", async () => {
      const { client } = memoryPipe();
      client.readable.getReader();
      const error = await rejection(createConnection(PLACE, { transport: client }), UsageError);
      expect(error.code).to.equal("ERR_WS_INVALID_STATE");
    });

    it("a value for a second connection", async () => {
      const { client } = piped();
      const ws = await createConnection(PLACE, { transport: client });
      const error = await rejection(createConnection(PLACE, { transport: client }), UsageError);
      expect(error.message).to.include("give a function");
      const fake = new FakeTransport();
      const opening = rejection(createConnection(PLACE, { transport: fake, timeout: 5 }), TimeoutError);
      await rejection(createConnection(PLACE, { transport: fake }), UsageError);
      await opening;
      expect(fake.calls.at(-1)).to.equal("destroy");
      await ws.send("still there");
      expect(await ws.recv()).to.equal("still there");
      await ws.close();
    });

    it("to be asked for in a browser", () => {
      const resolve = overNative(() => Promise.reject(new Error("not in this spec")));
      const error = thrown(() => resolve(PLACE, { transport: memoryPipe().client }), UsageError);
      expect(error.code).to.equal("ERR_WS_UNSUPPORTED");
    });
  });

  describe("at a redirect", () => {
    const redirecting = (location: string) => {
      const { client, server } = memoryPipe();
      void (async () => {
        await server.readable.getReader().read();
        const writer = server.writable.getWriter();
        await writer.write(
          new TextEncoder().encode(
            `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`,
          ),
        );
      })();
      return client;
    };

    for (const location of ["/elsewhere", "ws://other.example/"]) {
      it(`to ${location}, a value cannot follow`, async () => {
        const opening = createConnection(PLACE, { transport: redirecting(location), redirect: "follow" });
        const error = await rejection(opening, HandshakeError);
        expect(error.status).to.equal(302);
        expect(error.message).to.include("its transport is for one connection");
      });

      it(`to ${location}, a function is called again, and told where to`, async () => {
        const asked: string[] = [];
        const transport = ({ url }: TransportRequest) => {
          asked.push(url);
          return asked.length === 1 ? redirecting(location) : piped().client;
        };
        const ws = await createConnection(PLACE, { transport, redirect: "follow" });
        expect(asked).to.deep.equal([PLACE, new URL(location, PLACE).href]);
        await ws.close();
      });
    }
  });

  describe("ends as a socket does:", () => {
    it("at a reset", async () => {
      const { client, server, reset } = memoryPipe();
      const peer = new PipePeer(server);
      const ws = await createConnection(PLACE, { transport: client });
      await peer.requests.next();
      reset(new Error("earthquake"));
      const { code, error } = await ws.closed;
      expect(code).to.equal(1006);
      expect(error?.message).to.include("the connection was lost: earthquake");
    });

    it("at the end of the stream without a Close frame", async () => {
      const { client, peer } = piped();
      const ws = await createConnection(PLACE, { transport: client });
      peer.transport.end();
      const { code, error } = await ws.closed;
      expect([code, error?.code]).to.deep.equal([1006, "ERR_WS_TRANSPORT"]);
    });

    it("by terminate(), which the peer sees", async () => {
      const { client, peer } = piped();
      const ws = await createConnection(PLACE, { transport: client });
      await peer.requests.next();
      ws.terminate();
      expect(await ws.closed).to.include({ code: 1006 });
      expect(await peer.ends.next()).to.include({ wasClean: false });
    });

    it("by the closing handshake's deadline where the link is lost", async () => {
      const { client, server, lose } = memoryPipe();
      const peer = new PipePeer(server);
      const ws = await createConnection(PLACE, { transport: client });
      await peer.requests.next();
      lose();
      const { wasClean, error } = await ws.close(1000, "", { timeout: 5 });
      expect(wasClean).to.equal(false);
      expect(error).to.be.instanceOf(TimeoutError);
      peer.transport.destroy();
    });

    it("by keepAlive where the link is lost: writes that are taken are no sign of life", async () => {
      const { client, server, lose } = memoryPipe();
      const peer = new PipePeer(server);
      const ws = await createConnection(PLACE, {
        transport: client,
        keepAlive: { interval: 10, timeout: 10 },
      });
      await peer.requests.next();
      lose();
      expect((await ws.closed).error).to.be.instanceOf(TimeoutError);
      peer.transport.destroy();
    });

    it("by a bad answer, and drops the streams", async () => {
      const { client, server } = memoryPipe();
      const opening = rejection(createConnection(PLACE, { transport: client }), HandshakeError);
      const writer = server.writable.getWriter();
      await writer.write(new TextEncoder().encode("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"));
      expect(await opening).to.include({ status: 403, body: "no" });
      await rejection(server.readable.getReader().read(), Error);
    });
  });

  it("hears what came with the answer, in its order", async () => {
    const server = use(
      await listen(async (socket) => {
        const answer = accepting(await requestHead(socket));
        socket.end(
          Buffer.concat([Buffer.from(answer), Buffer.from("\x81\x01a\x81\x01b\x88\x02\x03\xe8", "latin1")]),
        );
      }),
    );
    const transport = async ({ connect }: TransportRequest) => connect();
    const ws = await createConnection(server.url, { transport });
    expect([await ws.recv(), await ws.recv()]).to.deep.equal(["a", "b"]);
    expect(await ws.closed).to.include({ code: 1000, wasClean: true });
  });
});

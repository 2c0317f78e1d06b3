// A platform's sockets behind the seam: over TCP, TLS and Unix sockets alike, what they move, what fails, and what is left.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type TlsOptions as ServerOptions, type TLSSocket } from "node:tls";
import { expect } from "chai";
import type { Phase } from "../../lib/errors.ts";
import { TransportError, UsageError, type WebSocketError } from "../../lib/errors.ts";
import type {
  Attempt,
  Endpoint,
  EndpointTls,
  Platform,
  TlsOptions,
  Transport,
} from "../../lib/transport/transport.ts";
import { wordsOf } from "../support/built.ts";
import { type Certificate, certificates } from "../support/certificates.ts";
import { nextTurn, type Use } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { listen, NOWHERE } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { createConnection } from "../support/runtime.ts";
import { type Stream, wsServer } from "../support/ws-server.ts";

const MIB = 1024 * 1024;

const REASON = new RangeError("enough");

export function endpoint(more: Partial<Endpoint>): Endpoint {
  const nothing = {
    socketPath: undefined,
    localAddress: undefined,
    keepAliveDelay: undefined,
    tls: undefined,
    isTunnel: false,
  };
  return { hostname: "127.0.0.1", port: 0, family: 0, noDelay: true, ...nothing, ...more };
}

/** TLS with a certificate for that name, or for the address 127.0.0.1. */
export function endpointTls(servername: string, options: TlsOptions = {}): EndpointTls {
  return { options, servername, identity: servername || "127.0.0.1" };
}

/** An attempt that goes on until the test aborts it, and the phases that it went through. */
export function attempting(): { attempt: Attempt; phases: Phase[]; controller: AbortController } {
  const controller = new AbortController();
  const phases: Phase[] = [];
  return { attempt: { signal: controller.signal, phase: (phase) => phases.push(phase) }, phases, controller };
}

/** What a transport tells, in order: `end`, `drain`, `closed`; and its bytes. */
function watch(transport: Transport): {
  events: Queue<string>;
  data: Queue<Buffer>;
  errors: WebSocketError[];
} {
  const events = new Queue<string>();
  const data = new Queue<Buffer>();
  const errors: WebSocketError[] = [];
  transport.attach({
    data: (chunk) => data.push(Buffer.from(chunk)),
    drain: () => events.push("drain"),
    end: () => events.push("end"),
    closed: (cause) => {
      if (cause !== undefined) errors.push(cause);
      events.push("closed");
    },
  });
  return { events, data, errors };
}

async function event(events: Queue<string>, wanted: string): Promise<void> {
  while ((await events.next()) !== wanted);
}

/** What a platform's connections over some streams do, once they are open and until TLS is. */
export function describeStreams(platform: Platform, streams: readonly Stream[], use: Use): void {
  /** A server of plain bytes over one of the streams, the endpoint of its clients, and the sockets that it got. */
  async function serving(
    stream: Stream,
    pauseOnConnect = false,
  ): Promise<{ to: Endpoint; sockets: Queue<Socket> }> {
    const folder = stream === "Unix" ? mkdtempSync(join(tmpdir(), "isosocket-")) : undefined;
    const sockets = new Queue<Socket>();
    const open = new Set<Socket>();
    const take = (socket: Socket) => sockets.push(socket.on("error", () => {}));
    const options = { pauseOnConnect, allowHalfOpen: true };
    const server: Server =
      stream === "TLS"
        ? createTlsServer({ ...certificates().server, ...options }, take)
        : createServer(options, take);
    server.on("connection", (socket) => open.add(socket));
    await new Promise<void>((resolve) => {
      if (folder === undefined) server.listen(0, "127.0.0.1", resolve);
      else server.listen(join(folder, "socket"), resolve);
    });
    use({
      async close() {
        for (const socket of open) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
        if (folder !== undefined) rmSync(folder, { recursive: true });
      },
    });
    if (folder !== undefined)
      return { to: endpoint({ hostname: "", socketPath: join(folder, "socket") }), sockets };
    const { port } = server.address() as AddressInfo;
    const tls = stream === "TLS" ? endpointTls("localhost", { ca: certificates().ca }) : undefined;
    return { to: endpoint({ port, tls }), sockets };
  }

  /** Both ends of a connection. */
  async function linked(
    stream: Stream,
    pauseOnConnect = false,
  ): Promise<{ transport: Transport; socket: Socket }> {
    const { to, sockets } = await serving(stream, pauseOnConnect);
    const [transport, socket] = await Promise.all([
      platform.connect(to, attempting().attempt),
      sockets.next(),
    ]);
    return { transport, socket };
  }

  for (const stream of streams) {
    describe(`over ${stream}`, () => {
      it("connects, and tells its phases", async () => {
        const { to } = await serving(stream);
        const { attempt, phases } = attempting();
        const transport = await platform.connect(to, attempt);
        expect(phases).to.deep.equal(stream === "TLS" ? ["connect", "tls"] : ["connect"]);
        if (stream === "Unix")
          expect([transport.localAddress, transport.remoteAddress]).to.deep.equal([undefined, undefined]);
        else expect(transport.remoteAddress).to.equal(`127.0.0.1:${to.port}`);
        transport.destroy();
      });

      // Linux lists its sockets with the timers that run for them, of which the probes' is 02.
      it("moves bytes both ways", async () => {
        const { transport, socket } = await linked(stream);
        const { data } = watch(transport);
        transport.write(Buffer.from("there"));
        expect(String((await once(socket, "data"))[0])).to.equal("there");
        socket.write("and back");
        expect(String(await data.next())).to.equal("and back");
      });

      it("tells the end of the peer's side, and then that it is gone", async () => {
        const { transport, socket } = await linked(stream);
        const { events, errors } = watch(transport);
        socket.resume().end();
        await event(events, "end");
        transport.end();
        await event(events, "closed");
        expect(errors).to.deep.equal([]);
      });

      it("sends what was written before end()", async () => {
        const { transport, socket } = await linked(stream);
        const { events } = watch(transport);
        let length = 0;
        socket.on("data", (chunk) => {
          length += chunk.length;
        });
        transport.write(new Uint8Array(8 * MIB));
        transport.end();
        await once(socket, "end");
        expect(length).to.equal(8 * MIB);
        socket.end();
        await event(events, "closed");
      });

      it("is gone at once with destroy(), and takes what is still written to it", async () => {
        const { transport, socket } = await linked(stream);
        const { events, errors } = watch(transport);
        const closed = once(socket.resume(), "close").then(
          () => "closed",
          () => "closed",
        );
        transport.destroy();
        expect(transport.write(Uint8Array.of(1))).to.equal(true);
        transport.end();
        await event(events, "closed");
        expect(errors).to.deep.equal([]);
        socket.end();
        expect(await closed).to.equal("closed");
      });

      it("is gone at once with destroy() too where the peer takes nothing of what waits", async () => {
        const { transport } = await linked(stream, true);
        const { events, errors } = watch(transport);
        transport.write(new Uint8Array(32 * MIB));
        // Until nothing leaves any more.
        for (let before = 0; before !== transport.bufferedBytes; ) {
          before = transport.bufferedBytes;
          for (let i = 0; i < 100; i++) await nextTurn();
        }
        expect(transport.bufferedBytes).to.be.above(0);
        transport.end();
        transport.destroy();
        for (let i = 0; i < 500 && events.waiting === 0; i++) await nextTurn();
        expect(events.waiting, "it is told").to.equal(1);
        expect(await events.next()).to.equal("closed");
        expect(errors).to.deep.equal([]);
      });

      it("pauses and resumes", async () => {
        const { transport, socket } = await linked(stream);
        const { data } = watch(transport);
        transport.pause();
        socket.write("while paused");
        for (let i = 0; i < 20; i++) await nextTurn();
        expect(data.waiting).to.equal(0);
        transport.resume();
        expect(String(await data.next())).to.equal("while paused");
      });

      it("holds the server up while it is paused", async () => {
        const { transport, socket } = await linked(stream);
        const { data } = watch(transport);
        transport.pause();
        for (let i = 0; i < 64; i++) socket.write(new Uint8Array(MIB));
        for (let i = 0; i < 500; i++) await nextTurn();
        expect(socket.writableLength).to.be.above(16 * MIB);
        transport.resume();
        for (let length = 0; length < 64 * MIB; ) length += (await data.next()).length;
      });

      for (const [title, isDeaf] of [
        ["reads", false],
        ["does not read", true],
      ] as const) {
        it(`leaves memory alone that write() has given back, when the peer ${title}`, async () => {
          const { transport, socket } = await linked(stream, isDeaf);
          watch(transport);
          const sizes = [10, 10_000, 16 * 1024, 16 * 1024 + 1, 100_000, 50, 2 * MIB, 7];
          for (let i = 0; i < 40; i++) {
            const bytes = new Uint8Array(sizes[i % sizes.length] ?? 1).fill(7);
            const release = () => void bytes.fill(9);
            if (transport.write(bytes, release)) release();
          }
          transport.end();
          const chunks: Buffer[] = [];
          socket.on("data", (chunk) => chunks.push(chunk)).resume();
          await once(socket, "end");
          const all = Buffer.concat(chunks);
          expect(all.length).to.equal(5 * sizes.reduce((sum, size) => sum + size, 0));
          expect(all.indexOf(9), "a byte that was written afterwards").to.equal(-1);
        });
      }

      it("gives memory back that write() has kept, when it is done with it", async () => {
        const { transport, socket } = await linked(stream, true);
        watch(transport);
        const released = new Queue<number>();
        const kept: number[] = [];
        for (let i = 0; i < 16; i++)
          if (!transport.write(new Uint8Array(MIB), () => released.push(i))) kept.push(i);
        expect(kept).not.to.deep.equal([]);
        socket.resume();
        const given = new Set<number>();
        while (!kept.every((i) => given.has(i))) given.add(await released.next());
      });

      it("tells what waits, and when it has left", async () => {
        const { transport, socket } = await linked(stream, true);
        const { events } = watch(transport);
        expect(transport.bufferedBytes).to.equal(0);
        expect(transport.write(new Uint8Array(32 * MIB))).to.equal(false);
        expect(transport.bufferedBytes).to.be.within(MIB, 33 * MIB);
        socket.resume();
        await event(events, "drain");
        expect(transport.bufferedBytes).to.equal(0);
      });

      it("tells of a reset", async () => {
        const { transport, socket } = await linked(stream, true);
        const { events, errors } = watch(transport);
        transport.write(new Uint8Array(8 * MIB));
        socket.destroy(); // with bytes that it has not read
        await event(events, "closed");
        expect(errors.map(({ code }) => code)).to.deep.equal(["ERR_WS_TRANSPORT"]);
        expect(errors[0]?.cause).to.be.an.instanceOf(Error);
      });

      if (stream === "TCP") {
        it("tells of a reset at once, though a write fails before it is read", async () => {
          const { transport, socket } = await linked(stream, true);
          const { events, errors } = watch(transport);
          const { setTimeout } = globalThis;
          use({ close: () => Object.assign(globalThis, { setTimeout }) });
          // No timer comes to help: it once took one, a second later.
          Object.assign(globalThis, { setTimeout: () => setTimeout(() => {}, 0) });
          socket.resetAndDestroy();
          transport.write(new Uint8Array(64));
          await event(events, "closed");
          expect(errors.map(({ code }) => code)).to.deep.equal(["ERR_WS_TRANSPORT"]);
        });
      }

      describe("an idle process", () => {
        /** Runs a process that opens a connection and then only waits; its end, and the server's socket. */
        async function idle(...mode: string[]): Promise<{ exit: Promise<unknown[]>; socket: Socket }> {
          const { to, sockets } = await serving(stream);
          const [program, ...words] = wordsOf("spec/support/idle-transport.ts");
          const child = spawn(program, [...words, JSON.stringify(to), ...mode], { stdio: "inherit" });
          return { exit: once(child, "exit"), socket: await sockets.next() };
        }

        for (const mode of [[], ["ref"]]) {
          it(`is kept alive${mode.length > 0 ? ", by ref() again" : ""}`, async () => {
            const { exit, socket } = await idle(...mode);
            expect(String((await once(socket, "data"))[0])).to.equal("ready");
            for (const text of ["one", "two", "three"]) {
              socket.write(text);
              expect(String((await once(socket, "data"))[0])).to.equal(text);
            }
            socket.resume().end();
            expect(await exit).to.deep.equal([0, null]);
          });
        }

        it("may end after unref()", async () => {
          const { exit } = await idle("unref");
          expect(await exit).to.deep.equal([0, null]);
        });
      });
    });
  }

  if (!streams.includes("TLS")) return;

  describe("TLS", () => {
    it("is called off in phase tls", async () => {
      const connected = new Queue<Socket>();
      const peer = use(await listen((socket) => connected.push(socket)));
      const { attempt, controller } = attempting();
      const connecting = platform.connect(
        endpoint({ port: peer.port, tls: endpointTls("localhost") }),
        attempt,
      );
      const socket = await connected.next();
      await once(socket, "data"); // the ClientHello
      const gone = once(socket, "close");
      controller.abort(REASON);
      expect(await rejection(connecting, RangeError)).to.equal(REASON);
      await gone;
    });

    it("tells that a server does not speak TLS", async () => {
      const peer = use(await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
      const to = endpoint({ port: peer.port, tls: endpointTls("localhost") });
      expect((await rejection(platform.connect(to, attempting().attempt), TransportError)).code).to.equal(
        "ERR_WS_TLS",
      );
    });

    it("tells that what comes is no TLS any more", async () => {
      const { to } = await serving("TLS");
      const between = new Queue<Socket>();
      const proxy = use(
        await listen((socket) => {
          between.push(socket);
          const onward = connect(to.port, "127.0.0.1").on("error", () => {});
          socket.on("close", () => onward.destroy());
          socket.pipe(onward).pipe(socket);
        }),
      );
      const transport = await platform.connect({ ...to, port: proxy.port }, attempting().attempt);
      const { events, errors } = watch(transport);
      const socket = await between.next();
      socket.write(Uint8Array.of(0x17, 3, 3, 0, 32, ...new Uint8Array(32))); // a record that nobody encrypted
      await event(events, "closed");
      expect(errors.map(({ code }) => code)).to.deep.equal(["ERR_WS_TRANSPORT"]);
      expect(errors[0]?.cause).to.be.an.instanceOf(Error);
    });

    it("tells that a server ends within the TLS handshake", async () => {
      const peer = use(await listen((socket) => socket.once("data", () => socket.end())));
      const to = endpoint({ port: peer.port, tls: endpointTls("localhost") });
      expect((await rejection(platform.connect(to, attempting().attempt), TransportError)).code).to.equal(
        "ERR_WS_TLS",
      );
    });
  });
}

/** How a runtime is told what it tells the system: calls of these methods, by the sockets that called. */
function toldBySockets(use: Use): { of(localAddress: string | undefined): string[] } {
  const calls: [socket: Socket, call: string][] = [];
  /** As they were once connected: in Bun the socket is left then. */
  const places = new Map<Socket, string>();
  for (const name of ["setNoDelay", "setKeepAlive"] as const) {
    const own = Socket.prototype[name];
    Socket.prototype[name] = function (this: Socket, ...args: unknown[]) {
      const note = () => void places.set(this, `${this.localAddress}:${this.localPort}`);
      if (this.connecting) this.once("connect", note);
      else note();
      calls.push([this, `${name} ${args.join(" ")}`]);
      return Reflect.apply(own, this, args);
    };
    use({
      close: () => {
        Socket.prototype[name] = own;
      },
    });
  }
  return {
    of: (place) => calls.filter(([socket]) => places.get(socket) === place).map(([, call]) => call),
  };
}

/** The timers that Linux keeps for the open connections from that address: "00" for none, "02" for TCP's probes. */
function timersOf(localAddress = ""): (string | undefined)[] {
  const port = Number(localAddress.split(":").at(-1)).toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  const fields = rows.map((row) => row.trim().split(/\s+/)); // number, local, remote, state, queues, timer
  const open = fields.filter(([, local, , state]) => local?.endsWith(`:${port}`) && state === "01");
  return open.map(([, , , , , timer]) => timer?.slice(0, 2));
}

/** What a platform does besides: whom it connects to, whom it trusts, and what else it offers. */
export function describePlatform(platform: Platform, use: Use): void {
  describe("tells the system", () => {
    for (const stream of ["TCP", "TLS"] as const) {
      const open = async (more: Partial<Endpoint>): Promise<Transport> => {
        const { url, close } = await wsServer(stream);
        use({ close });
        const tls = stream === "TLS" ? endpointTls("", { ca: certificates().ca }) : undefined;
        const to = endpoint({ port: Number(new URL(url).port), tls, ...more });
        const transport = await platform.connect(to, attempting().attempt);
        use({ close: () => transport.destroy() });
        return transport;
      };

      it(`over ${stream} to let small writes wait, if it is told so: noDelay`, async () => {
        const told = toldBySockets(use);
        const { localAddress } = await open({ noDelay: false });
        expect(told.of(localAddress).at(-1)).to.equal("setNoDelay false");
      });

      if (existsSync("/proc/net/tcp")) {
        it(`over ${stream} to probe the peer, if it is told so: keepAliveDelay`, async () => {
          const quiet = await open({});
          const probing = await open({ keepAliveDelay: 60_000 });
          // What was sent is waited for, to be heard of, at first.
          while (timersOf(quiet.localAddress).join() !== "00") await nextTurn();
          while (timersOf(probing.localAddress).join() !== "02") await nextTurn();
        });
      }
    }

    it("as Node would not over TLS: noDelay and keepAliveDelay", async () => {
      const told = toldBySockets(use);
      const { url, close } = await wsServer("TLS");
      use({ close });
      const tls = endpointTls("", { ca: certificates().ca });
      const to = endpoint({ port: Number(new URL(url).port), tls, keepAliveDelay: 60_000 });
      const transport = await platform.connect(to, attempting().attempt);
      expect(told.of(transport.localAddress)).to.include.members([
        "setNoDelay true",
        "setKeepAlive true 60000",
      ]);
      transport.destroy();
    });
  });

  describe("fails to connect", () => {
    async function failure(to: Endpoint): Promise<TransportError> {
      return rejection(platform.connect(to, attempting().attempt), TransportError);
    }

    it("where nobody listens", async () => {
      const port = Number(new URL(NOWHERE).port);
      const error = await failure(endpoint({ port }));
      expect(error.code).to.equal("ERR_WS_CONNECT");
      expect(error.message).to.include(`127.0.0.1:${port}`).and.to.include("ECONNREFUSED");
      expect(error.cause).to.include({ code: "ECONNREFUSED" });
    });

    it("to a Unix socket that is not there", async () => {
      const error = await failure(endpoint({ hostname: "", socketPath: "/nowhere/socket" }));
      expect(error.code).to.equal("ERR_WS_CONNECT");
      expect(error.message).to.include("/nowhere/socket").and.to.include("ENOENT");
    });

    it("to a name that does not exist", async () => {
      const error = await failure(endpoint({ hostname: "nonexistent.invalid", port: 80 }));
      expect(error.code).to.equal("ERR_WS_DNS");
      expect(error.message).to.include("nonexistent.invalid");
      expect(error.cause).to.be.an.instanceOf(Error);
    });

    it("from an address that is not ours", async () => {
      const peer = use(await listen(() => {}));
      expect((await failure(endpoint({ port: peer.port, localAddress: "192.0.2.1" }))).code).to.equal(
        "ERR_WS_CONNECT",
      );
    });
  });

  it("finds the addresses of a name, of the family that is asked for", async () => {
    const peer = use(await listen(() => {}));
    const { attempt, phases } = attempting();
    const transport = await platform.connect(
      endpoint({ hostname: "localhost", port: peer.port, family: 4 }),
      attempt,
    );
    expect(phases).to.deep.equal(["dns", "connect"]);
    expect(transport.remoteAddress).to.equal(`127.0.0.1:${peer.port}`);
    transport.destroy();
  });

  describe("resolve", () => {
    const { resolve } = platform;

    it("gives the addresses of a name, of the family that is asked for", async () => {
      const { attempt, phases } = attempting();
      expect(await resolve("localhost", 4, attempt)).to.include("127.0.0.1");
      expect(
        (await resolve("localhost", 4, attempt)).filter((address) => address.includes(":")),
      ).to.deep.equal([]);
      expect(phases).to.deep.equal(["dns", "dns"]);
    });

    it("gives an address as it is", async () => {
      const { attempt, phases } = attempting();
      expect(await resolve("127.0.0.1", 0, attempt)).to.deep.equal(["127.0.0.1"]);
      expect(await resolve("127.0.0.1", 4, attempt)).to.deep.equal(["127.0.0.1"]);
      expect(await resolve("::1", 6, attempt)).to.deep.equal(["::1"]);
      expect(phases).to.deep.equal([]);
      await rejection(resolve("::1", 4, attempt), UsageError);
      await rejection(resolve("127.0.0.1", 6, attempt), UsageError);
    });

    it("fails for a name that does not exist", async () => {
      const error = await rejection(resolve("nonexistent.invalid", 0, attempting().attempt), TransportError);
      expect(error.code).to.equal("ERR_WS_DNS");
    });

    it("is called off, before and in the middle", async () => {
      const { attempt, controller } = attempting();
      const resolving = resolve("localhost", 0, attempt);
      controller.abort(REASON);
      expect(await rejection(resolving, RangeError)).to.equal(REASON);
      for (const host of ["localhost", "127.0.0.1"])
        expect(await rejection(resolve(host, 0, attempt), RangeError)).to.equal(REASON);
    });
  });

  it("reads the environment as it is now", () => {
    const name = "ISOSOCKET_SPEC_VARIABLE";
    expect(platform.env(name)).to.equal(undefined);
    process.env[name] = "value";
    expect(platform.env(name)).to.equal("value");
    process.env[name] = "";
    expect(platform.env(name)).to.equal("");
    delete process.env[name];
    expect(platform.env(name)).to.equal(undefined);
    Object.defineProperty(Object.prototype, name, { value: "polluted", configurable: true });
    try {
      expect(platform.env(name)).to.equal(undefined);
    } finally {
      Reflect.deleteProperty(Object.prototype, name);
    }
  });

  describe("is called off", () => {
    it("before it begins", async () => {
      const connected = new Queue<Socket>();
      const peer = use(await listen((socket) => connected.push(socket)));
      const { attempt, controller, phases } = attempting();
      controller.abort(REASON);
      expect(await rejection(platform.connect(endpoint({ port: peer.port }), attempt), RangeError)).to.equal(
        REASON,
      );
      expect([phases, connected.waiting]).to.deep.equal([[], 0]);
    });

    for (const [phase, hostname] of [
      ["dns", "localhost"],
      ["connect", "127.0.0.1"],
    ] as const) {
      it(`in phase ${phase}`, async () => {
        const peer = use(await listen(() => {}));
        const { attempt, controller } = attempting();
        const abortIn = (now: Phase) => {
          if (now === phase) process.nextTick(() => controller.abort(REASON));
        };
        const connecting = platform.connect(endpoint({ hostname, port: peer.port }), {
          ...attempt,
          phase: abortIn,
        });
        expect(await rejection(connecting, RangeError)).to.equal(REASON);
      });
    }
  });

  describe("verifies", () => {
    /** The port of a server of TLS. */
    async function secured(
      options: ServerOptions,
      take: (socket: TLSSocket) => void = () => {},
    ): Promise<number> {
      const open = new Set<Socket>();
      const server = createTlsServer(options, (socket) => {
        open.add(socket.on("error", () => {}).resume());
        take(socket);
      });
      server.on("tlsClientError", () => {}); // a client that does not trust it goes
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      use({
        close() {
          for (const socket of open) socket.destroy();
          return new Promise((resolve) => server.close(resolve));
        },
      });
      return (server.address() as AddressInfo).port;
    }

    const { ca, server, otherName, selfSigned } = certificates();
    const rows: [title: string, certificate: Certificate, tls: EndpointTls, ...codes: string[]][] = [
      ["a name", server, endpointTls("localhost", { ca })],
      ["an address, where no name is given", server, endpointTls("", { ca })],
      [
        "one of several authorities, as bytes",
        server,
        endpointTls("localhost", { ca: [selfSigned.cert, Buffer.from(ca)] }),
      ],
      [
        "that somebody trusted signed it",
        server,
        endpointTls("localhost"),
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      ],
      [
        "that it is not signed by itself",
        selfSigned,
        endpointTls("localhost"),
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE", // Deno's own TLS
      ],
      [
        "that it is for that name",
        otherName,
        endpointTls("localhost", { ca }),
        "ERR_TLS_CERT_ALTNAME_INVALID",
      ],
      ["that it is for that address", otherName, endpointTls("", { ca }), "ERR_TLS_CERT_ALTNAME_INVALID"],
      ["nothing, if it is told so", selfSigned, endpointTls("localhost", { rejectUnauthorized: false })],
    ];
    for (const [title, certificate, tls, ...codes] of rows) {
      it(title, async () => {
        const to = endpoint({ port: await secured(certificate), tls });
        const connecting = platform.connect(to, attempting().attempt);
        if (codes.length === 0) return (await connecting).destroy();
        const error = await rejection(connecting, TransportError);
        expect(error.code).to.equal("ERR_WS_TLS");
        expect(error.cause).to.have.property("code").that.is.oneOf(codes);
        expect(error.message).to.include(`127.0.0.1:${to.port}`);
      });
    }

    it("itself to a server that asks for a certificate", async () => {
      const shown = new Queue<string>();
      const port = await secured({ ...server, ca, requestCert: true }, (socket) =>
        shown.push(String(socket.getPeerCertificate().subject.CN)),
      );
      const tls = endpointTls("localhost", { ca, ...otherName });
      const transport = await platform.connect(endpoint({ port, tls }), attempting().attempt);
      expect(await shown.next()).to.equal("other");
      transport.destroy();
    });

    it("the url's name and address, wherever connectTo leads", async () => {
      const { url, options } = use(await wsServer("TLS"));
      const connectTo = { host: "127.0.0.1", port: Number(new URL(url).port) };
      const connect = (host: string) => createConnection(`wss://${host}/`, { ...options, connectTo });
      for (const host of ["localhost", "127.0.0.1"]) (await connect(host)).terminate();
      for (const host of ["other.test", "192.0.2.1"]) {
        expect((await rejection(connect(host), TransportError)).code, host).to.equal("ERR_WS_TLS");
      }
    });
  });

  it("runs what a promise's job defers behind all other jobs, and before any I/O", async () => {
    const log: string[] = [];
    await nextTurn();
    const turn = nextTurn().then(() => log.push("I/O"));
    await Promise.resolve();
    platform.defer(() => log.push("deferred"));
    let last = Promise.resolve();
    for (let i = 0; i < 10; i++) last = last.then(() => void log.push(`${i}`));
    await turn;
    expect(log.join(" ")).to.equal("0 1 2 3 4 5 6 7 8 9 deferred I/O");
  });

  it("makes keys of 16 bytes, and no two alike", () => {
    const keys = Array.from({ length: 100 }, () => platform.key());
    expect(new Set(keys).size).to.equal(100);
    for (const key of keys) expect(Buffer.from(key, "base64")).to.have.length(16);
  });
}

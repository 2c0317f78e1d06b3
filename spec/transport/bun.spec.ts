// Bun's sockets: its own where they may stand for themselves, and else those of node:net and node:tls.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { bun } from "../../lib/transport/bun.ts";
import { belowSocket } from "../../lib/transport/bun-socket.ts";
import { NodeTransport, node } from "../../lib/transport/node.ts";
import type { Endpoint, Transport } from "../../lib/transport/transport.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { listen } from "../support/peer.ts";
import { runtime } from "../support/runtime.ts";
import { STREAMS, wsServer } from "../support/ws-server.ts";
import { attempting, describePlatform, describeStreams, endpoint, endpointTls } from "./sockets.ts";

/** What a sink is told, by name. */
function logging() {
  const log: string[] = [];
  const told = (name: string) => () => void log.push(name);
  return {
    log,
    sink: { data: told("data"), drain: told("drain"), end: told("end"), closed: told("closed") },
  };
}

interface Handlers {
  data(below: Below, bytes: Uint8Array): void;
  drain(below: Below): void;
  end(below: Below): void;
  close(below: Below, error?: Error): void;
}

/** In the place of a socket of Bun's: takes nothing until drain(), and never says that it is closed. */
class Below {
  readonly log: string[] = [];
  readonly taken: number[] = [];
  handlers!: Handlers;
  #room = 0;

  transport(): Transport {
    const transport = belowSocket({ _handle: this } as unknown as Socket);
    if (transport === undefined) throw new Error("it is not taken for a socket");
    return transport;
  }

  reload({ socket }: { socket: Handlers }): void {
    this.handlers = socket;
  }

  drain(room: number): void {
    this.#room = room;
    this.handlers.drain(this);
  }

  write(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.#room);
    this.#room -= taken;
    this.taken.push(...[...bytes].slice(0, taken));
    return taken;
  }

  readonly pause = () => void this.log.push("pause");
  readonly resume = () => void this.log.push("resume");
  readonly shutdown = () => void this.log.push("shutdown");
  close = (): void => void this.log.push("close");
  readonly ref = () => void this.log.push("ref");
  readonly unref = () => void this.log.push("unref");
}

if (runtime === "bun") {
  describe("bun", () => {
    const use = cleanUp();
    describeStreams(bun, STREAMS, use);
    describePlatform(bun, use);

    describe("has a socket of its own", () => {
      const { ca } = certificates();
      const rows: [title: string, tls: Endpoint["tls"], isTunnel: boolean, isOwn: boolean][] = [
        ["over TCP", undefined, false, true],
        ["over TLS", endpointTls("localhost", { ca }), false, true],
        ["not for a tunnel, which is to be secured", undefined, true, false],
        ["not where keylog is told the keys", endpointTls("localhost", { ca, keylog() {} }), false, false],
        [
          "not where a file is",
          { ...endpointTls("localhost", { ca }), keyLogFile: "/dev/null" },
          false,
          false,
        ],
      ];
      for (const [title, tls, isTunnel, isOwn] of rows) {
        it(title, async () => {
          const { url } = use(await wsServer(tls === undefined ? "TCP" : "TLS"));
          const to = endpoint({ port: Number(new URL(url).port), tls, isTunnel });
          const transport = await bun.connect(to, attempting().attempt);
          expect(transport instanceof NodeTransport).to.equal(!isOwn);
          transport.destroy();
          if (isOwn) await rejection(transport.secure(endpointTls(""), attempting().attempt), TypeError);
        });
      }

      it("and none where something else is below a net.Socket, which stays as it is", async () => {
        const peer = use(await listen((socket) => socket.pipe(socket)));
        const socket = connect(peer.port, "127.0.0.1");
        await once(socket, "connect");
        const below = Reflect.get(socket, "_handle");
        const others: object[] = [
          { reload: undefined },
          { write: () => true },
          { write: () => {} },
          { write: () => -1 }, // it is closed
        ];
        for (const other of [
          undefined,
          ...others.map((other) => Object.assign(Object.create(below), other)),
        ]) {
          const around = { _handle: other };
          expect(belowSocket(around as unknown as Socket)).to.equal(undefined);
          expect(around._handle).to.equal(other);
        }
        socket.destroy();
      });
    });

    it("tells what comes in pieces of 64 KiB at the most", async () => {
      const size = 4 * 1024 * 1024;
      const peer = use(await listen((socket) => socket.write(new Uint8Array(size))));
      const transport: Transport = await bun.connect(endpoint({ port: peer.port }), attempting().attempt);
      let [length, longest] = [0, 0];
      await new Promise<void>((resolve) =>
        transport.attach({
          data(chunk) {
            length += chunk.length;
            longest = Math.max(longest, chunk.length);
            if (length === size) resolve();
          },
          drain() {},
          end() {},
          closed() {},
        }),
      );
      expect(longest).to.equal(64 * 1024);
      transport.destroy();
    });

    describe("over a socket that takes what it is let", () => {
      it("copies what waits once, however often some of it leaves", async () => {
        const below = new Below();
        const transport = below.transport();
        const { log, sink } = logging();
        transport.attach(sink);
        let made = 0;
        class Counted extends Uint8Array {
          readonly isCounted = made++;
        }
        const bytes = new Counted(10);
        for (let i = 0; i < 100; i++) expect(transport.write(bytes.fill(i))).to.equal(true);
        const copies = made;
        // Two of ten bytes, and half of the next.
        for (let drains = 1; transport.bufferedBytes > 0; drains++) {
          below.drain(25);
          expect(made - copies).to.be.at.most(drains);
        }
        expect(below.taken).to.deep.equal(Array.from({ length: 100 }, (_, i) => Array(10).fill(i)).flat());
        expect(log).to.deep.equal(["drain"]);
      });

      it("is gone with destroy() where TLS cannot say that it ends, and tells nothing that comes then", async () => {
        const below = new Below();
        const transport = below.transport();
        const { log, sink } = logging();
        transport.attach(sink);
        transport.end();
        transport.destroy();
        expect(below.log).to.deep.equal(["shutdown", "close", "unref"]);
        await nextTurn();
        const { data, end, close } = below.handlers;
        data(below, Uint8Array.of(1));
        end(below);
        close(below);
        await nextTurn();
        expect(log).to.deep.equal(["closed"]);
      });

      it("names no cause of an end that is ours, whatever Bun says of it", async () => {
        const below = new Below();
        const transport = below.transport();
        const closed = new Promise((resolve) => transport.attach({ ...logging().sink, closed: resolve }));
        below.close = () => below.handlers.close(below, new Error("ENOENT"));
        transport.destroy();
        expect(await closed).to.equal(undefined);
      });
    });

    it("tells nothing more once it is destroyed, be it in the middle of what came", async () => {
      const peer = use(await listen((socket) => socket.write(new Uint8Array(1024 * 1024))));
      const transport = await bun.connect(endpoint({ port: peer.port }), attempting().attempt);
      const { log, sink } = logging();
      await new Promise<void>((resolve) =>
        transport.attach({
          ...sink,
          data() {
            sink.data();
            transport.destroy();
          },
          closed: () => resolve(),
        }),
      );
      expect(log).to.deep.equal(["data"]);
    });

    it("ends a connection whose reader throws, and says why", async () => {
      const peer = use(await listen((socket) => socket.write("there")));
      const transport = await bun.connect(endpoint({ port: peer.port }), attempting().attempt);
      const fault = new Error("not to be read");
      const cause = await new Promise<Error | undefined>((resolve) =>
        transport.attach({
          data() {
            throw fault;
          },
          drain() {},
          end() {},
          closed: resolve,
        }),
      );
      expect(cause).to.include({ code: "ERR_WS_TRANSPORT", cause: fault });
    });
  });

  describe("node:net and node:tls in Bun", () => {
    describeStreams(node, STREAMS, cleanUp());
  });
}

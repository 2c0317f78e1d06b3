// Bun's sockets: its own where they may stand for themselves, and else those of node:net and node:tls.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { bun } from "../../lib/transport/bun.ts";
import { belowSocket } from "../../lib/transport/bun-socket.ts";
import { NodeTransport, node } from "../../lib/transport/node.ts";
import type { Endpoint, Transport } from "../../lib/transport/transport.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { listen } from "../support/peer.ts";
import { runtime } from "../support/runtime.ts";
import { STREAMS, wsServer } from "../support/ws-server.ts";
import { attempting, describePlatform, describeStreams, endpoint, endpointTls } from "./sockets.ts";

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
        expect(belowSocket({ _handle: undefined } as unknown as Socket)).to.equal(undefined);
        const below: unknown = Reflect.get(socket, "_handle");
        const other = { ...socket, _handle: { ...(below as object), reload: undefined } };
        expect(belowSocket(other as unknown as Socket)).to.equal(undefined);
        expect(other._handle).not.to.equal(null);
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

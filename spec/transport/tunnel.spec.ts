// TLS over what is open already: over TCP, and over TLS, as tunnels through proxies need it.

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { expect } from "chai";
import { TransportError } from "../../lib/errors.ts";
import type { Transport } from "../../lib/transport/transport.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { Queue } from "../support/queue.ts";
import { platform } from "../support/runtime.ts";
import { attempting, endpoint, endpointTls } from "./sockets.ts";

describe("secure", () => {
  const use = cleanUp();

  async function listening(server: Server): Promise<number> {
    const open = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      open.add(socket.on("error", () => {}).on("close", () => open.delete(socket)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    use({
      close() {
        for (const socket of open) socket.destroy();
        return new Promise<void>((resolve) => server.close(() => resolve()));
      },
    });
    return (server.address() as AddressInfo).port;
  }

  /** A server that does TLS, and within it TLS again if `isTwice`, and echoes what is said in the innermost. */
  function echoing(isTwice: boolean): Promise<number> {
    const echo = (socket: Socket) => void socket.on("error", () => {}).pipe(socket);
    const inner = createTlsServer(certificates().server, echo);
    if (!isTwice) return listening(inner);
    const outer = createTlsServer(certificates().server, (socket) => {
      void inner.emit(
        "connection",
        socket.on("error", () => {}),
      );
    });
    return listening(outer);
  }

  async function echoOf(transport: Transport, text: string): Promise<string> {
    const chunks = new Queue<string>();
    transport.attach({
      data: (chunk) => chunks.push(Buffer.from(chunk).toString()),
      drain() {},
      end() {},
      closed() {},
    });
    transport.write(Buffer.from(text));
    let echo = "";
    while (echo.length < text.length) echo += await chunks.next();
    return echo;
  }

  const trusted = () => endpointTls("localhost", { ca: certificates().ca });

  for (const [title, isTwice] of [
    ["over TCP", false],
    ["over TLS", true],
  ] as const) {
    it(`puts TLS ${title}`, async () => {
      const port = await echoing(isTwice);
      const { attempt, phases } = attempting();
      const tunnel = await platform.connect(
        endpoint({ port, isTunnel: true, tls: isTwice ? trusted() : undefined }),
        attempt,
      );
      const transport = await tunnel.secure(trusted(), attempt);
      for (const text of ["hello", "x".repeat(100_000)])
        expect((await echoOf(transport, text)) === text).to.equal(true);
      expect(phases.at(-1)).to.equal("tls");
      transport.destroy();
    });

    it(`verifies the name ${title}`, async () => {
      const port = await echoing(isTwice);
      const { attempt } = attempting();
      const tunnel = await platform.connect(
        endpoint({ port, isTunnel: true, tls: isTwice ? trusted() : undefined }),
        attempt,
      );
      const wrong = endpointTls("other.test", { ca: certificates().ca });
      const error = await rejection(tunnel.secure(wrong, attempt), TransportError);
      expect(error.code).to.equal("ERR_WS_TLS");
      expect(error.message).to.include(`127.0.0.1:${port}`);
    });
  }

  it("is called off, and leaves no connection", async () => {
    const closed = new Queue<boolean>();
    const port = await listening(
      createServer((socket) => socket.on("close", () => closed.push(true)).resume()),
    );
    const { attempt, controller } = attempting();
    const tunnel = await platform.connect(endpoint({ port, isTunnel: true }), attempt);
    const securing = tunnel.secure(trusted(), attempt);
    const reason = new RangeError("enough");
    controller.abort(reason);
    expect(await rejection(securing, RangeError)).to.equal(reason);
    await closed.next();
  });
});

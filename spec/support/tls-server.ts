// A TLS server that takes one request and answers it with that, or with nothing, whatever it was.

import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:tls";
import type { Certificate } from "./certificates.ts";
import type { Use } from "./clean-up.ts";
import { requestHead } from "./peer.ts";

/** The url of the server, by the name that its certificate is for, or not. */
export async function tlsServer(use: Use, certificate: Certificate, answer = ""): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer(certificate, async (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // what tests do to a connection is no error of the server
    await requestHead(socket);
    socket.end(answer);
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  use({
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return `wss://localhost:${(server.address() as AddressInfo).port}/`;
}

// A server of node:http whose upgrades go through accept(), over each of the streams that a WebSocket can run on.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import type { AcceptOptions } from "../../lib/server/accept-options.ts";
import type { AcceptedConnection } from "../../lib/server/accepted-connection.ts";
import { certificates } from "./certificates.ts";
import type { Use } from "./clean-up.ts";
import { Queue } from "./queue.ts";
import { opening, type Place, type RawClient, rawClient } from "./raw-client.ts";
import { accept } from "./server-runtime.ts";
import type { Stream } from "./ws-server.ts";

export interface AcceptingServer {
  readonly url: string;
  /** Where raw clients connect to. */
  readonly place: Place;
  /** What a client of ours needs besides the url. */
  readonly options: ConnectionOptions;
  readonly accepted: Queue<AcceptedConnection>;
  /** What accept() rejected with. */
  readonly failed: Queue<unknown>;
  /** Sockets of upgrades that are open now. */
  readonly sockets: ReadonlySet<Duplex>;
}

export async function acceptingServer(
  use: Use,
  options: AcceptOptions | (() => AcceptOptions) = {},
  stream: Stream = "TCP",
): Promise<AcceptingServer> {
  const folder = stream === "Unix" ? mkdtempSync(join(tmpdir(), "isosocket-")) : undefined;
  const server = stream === "TLS" ? createTlsServer(certificates().server) : createServer();
  const accepted = new Queue<AcceptedConnection>();
  const failed = new Queue<unknown>();
  const sockets = new Set<Duplex>();
  server.on("upgrade", (request, socket, head) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    const given = typeof options === "function" ? options() : options;
    accept(request, socket, head, given).then(
      (connection) => accepted.push(connection),
      (error) => failed.push(error),
    );
  });
  await new Promise<void>((resolve) => {
    if (folder === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(join(folder, "socket"), resolve);
  });
  use({
    async close() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (folder !== undefined) rmSync(folder, { recursive: true });
    },
  });
  const port = folder === undefined ? (server.address() as AddressInfo).port : 0;
  const urls = {
    TCP: `ws://127.0.0.1:${port}/`,
    TLS: `wss://localhost:${port}/`,
    Unix: `ws+unix:${folder}/socket:/`,
  };
  return {
    url: urls[stream],
    place: folder === undefined ? { port } : { path: join(folder, "socket") },
    options: stream === "TLS" ? { tls: { ca: certificates().ca } } : {},
    accepted,
    failed,
    sockets,
  };
}

export interface AcceptedPair {
  /** The server's end. */
  readonly ws: AcceptedConnection;
  readonly client: RawClient;
  readonly server: AcceptingServer;
}

/** A connection that was accepted, and the raw client of it. */
export async function acceptedPair(
  use: Use,
  options: AcceptOptions = {},
  raw: { readonly lines?: readonly string[]; readonly isDeaf?: boolean } = {},
): Promise<AcceptedPair> {
  const server = await acceptingServer(use, options);
  const client = await rawClient(use, server.place, raw.isDeaf);
  client.write(opening("/", ...(raw.lines ?? [])));
  const ws = await server.accepted.next();
  if (!raw.isDeaf) await client.head();
  return { ws, client, server };
}

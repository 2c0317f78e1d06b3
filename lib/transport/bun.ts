// Bun: its own sockets, as node:net and node:tls connect them, and all else as in Node.
//
// What is left out so was measured with the whole client on top, CPU us per message over it and over the net.Socket, side by
// side, on a machine that was busy (alone it takes half of that):
//
//                              TCP            TLS
//   ping-pong 32 B             44.1 | 46.9    56.4 | 62.2
//   1,000 connections          19.9 | 24.1
//   connect, echo, close       1190 | 1411    2736 | 3372
//   pipelined echo 1 KiB       1.76 | 1.90    3.07 | 3.69
//   pipelined echo 64 KiB      97.5 | 111     129  | 204
//   receive flood 32 B         0.12 | 0.13
//   memory of a connection     1.4 KiB of heap less
//
// Bun.connect itself would spare another tenth of a connection, and the 7 ms that node:net takes to load; but until the kernel
// gives up, an attempt that was aborted or lost the race goes on, and keeps the process alive: it has no signal, and there is
// no socket to close before it is open.
// Text is Node's: writing takes 28 to 37 ns up to 1 KiB where encodeInto takes 40 to 50, reading 46 to 107 where a fatal
// TextDecoder takes 63 to 116.

import { SlabPool } from "../bytes/staging.ts";
import { UsageError } from "../errors.ts";
import { belowSocket } from "./bun-socket.ts";
import { NodeTransport, node } from "./node.ts";
import { slabMemory } from "./node-memory.ts";
import type { Attempt, Endpoint, Platform, PlatformTransport, TlsOptions } from "./transport.ts";

/** As in Node; from there on without the net.Socket, but for a tunnel and where keys are to be shown, which it does. */
async function connect(to: Endpoint, attempt: Attempt): Promise<PlatformTransport> {
  const transport = await node.connect(to, attempt);
  const { isTunnel, tls } = to;
  const needsSocket = isTunnel || tls?.options.keylog !== undefined || tls?.keyLogFile !== undefined;
  if (needsSocket || !(transport instanceof NodeTransport)) return transport;
  return belowSocket(transport.socket) ?? transport;
}

/** Throws for what Bun would ignore: BoringSSL has the ciphers of TLS 1.3 fixed, and their order too. */
function checkTls(options: TlsOptions): void {
  if (options.ciphers?.includes("TLS_")) {
    throw new UsageError(
      "tls.ciphers: in Bun nobody chooses those of TLS 1.3 (TLS_...)",
      "ERR_WS_UNSUPPORTED",
    );
  }
  node.checkTls(options);
}

/** Memory is so cheap here that to share it would take longer; malloc is not glibc's, and words of 64 bits are slow. */
const memory = { shares: 1, allocate: undefined, slabs: new SlabPool(slabMemory) };

export const bun: Platform = { ...node, connect, checkTls, ...memory };

// Bun: the sockets of its node:net and node:tls for every connection, and all else as in Node.
//
// Its native sockets were built and measured against these, with the whole client on top; CPU us per message, native and
// node: side by side:
//
//                          TCP            TLS
//   ping-pong 32 B         25.5 | 26.9    36.2 | 35.1
//   pipelined echo 32 B    0.28 | 0.29    0.31 | 0.34
//   pipelined echo 1 KiB   0.68 | 0.69    1.23 | 1.67
//   receive flood 32 B     0.08 | 0.09    0.09 | 0.09
//   receive flood 1 KiB    0.38 | 0.35    0.43 | 0.54
//   send flood 32 B        0.12 | 0.13    0.09 | 0.09
//
// They would pay a little, most over TLS for messages of 1 KiB and more; but Bun.connect cannot be called off: until the
// kernel gives up, an attempt that was aborted or lost the race goes on, and keeps the process alive. Also it asks for an
// address as if it were a name (against RFC 6066 §3), and has no option for a local address.
// Text is Node's: writing takes 28 to 37 ns up to 1 KiB where encodeInto takes 40 to 50, reading 46 to 107 where a fatal
// TextDecoder takes 63 to 116.

import { UsageError } from "../errors.ts";
import { node } from "./node.ts";
import type { Platform, TlsOptions } from "./transport.ts";

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

// Memory is so cheap here that to share it would take longer; and malloc is not glibc's.
export const bun: Platform = { ...node, checkTls, shares: 1, allocate: undefined };

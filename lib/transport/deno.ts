// Deno: the sockets of its node:net and node:tls for every connection, and its own way with text.
//
// Its native sockets were built and measured against these, with the whole client on top; CPU us per message, native and
// node: side by side:
//
//                          TCP            TLS
//   ping-pong 32 B         28.8 | 26.8    32.5 | 33.5
//   pipelined echo 32 B    0.38 | 0.40    0.47 | 0.46
//   pipelined echo 1 KiB   0.83 | 0.67    1.41 | 1.94
//   receive flood 32 B     0.08 | 0.08    0.09 | 0.10
//   receive flood 1 KiB    1.04 | 0.71    1.07 | 1.49
//   send flood 32 B        0.18 | 0.17    0.17 | 0.18
//
// Over TCP they do not pay. Over TLS they would for messages of 1 KiB and more, but a native TLS connection cannot be
// dropped: after close() it stays open, for more than 40 s, until the peer takes the handshake or the writes that wait.
// Nor do they know a client certificate once TCP is there, authorities in the place of Deno's, or no verification.

import { denoText } from "./deno-text.ts";
import { node } from "./node.ts";
import type { Platform } from "./transport.ts";

export const deno: Platform = { ...node, text: denoText };

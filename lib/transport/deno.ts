// Deno: the sockets of its node:net and node:tls for every connection, and its own way with text.
//
// Its native sockets were built and measured against these, with the whole client on top; CPU us per message, native and
// node: side by side, on a machine that was busy (alone it takes half of that):
//
//                          TCP            TLS (alone)
//   ping-pong 32 B         62.2 | 64.3    32.5 | 33.5
//   1,000 connections      32.3 | 23.6
//   connect, echo, close    918 | 1212
//   pipelined echo 32 B    0.47 | 0.50    0.47 | 0.46
//   pipelined echo 1 KiB   2.13 | 1.46    1.41 | 1.94
//   receive flood 1 KiB    0.77 | 0.56    1.07 | 1.49
//   send flood 32 B        0.13 | 0.13    0.17 | 0.18
//
// Over TCP they connect for less, can be called off by now, and spare 8 ms of a process; but each read and each write is a
// promise, so that messages cost more. Over TLS they would pay for messages of 1 KiB and more, but a native TLS connection
// cannot be dropped: after close() it stays open, for more than 40 s, until the peer takes the handshake or the writes that
// wait. Nor do they know a client certificate once TCP is there, authorities in the place of Deno's, or no verification.

import { Buffer } from "node:buffer";
import { UsageError } from "../errors.ts";
import { denoText } from "./deno-text.ts";
import { node } from "./node.ts";
import { unusable } from "./node-tls.ts";
import type { Platform, TlsMaterial, TlsOptions } from "./transport.ts";

declare const Deno: {
  readonly permissions: {
    querySync(about: { readonly name: "env"; readonly variable: string }): { readonly state: string };
  };
};

/**
 * A variable that the program may not read counts as not set: to read it nevertheless would ask the person at the terminal,
 * or throw, and most programs that connect have no use for --allow-env.
 */
function env(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? node.env(name) : undefined;
}

/** Options of TLS that Deno takes and does not honour. */
const IGNORED = ["crl", "ciphers", "ecdhCurve", "sigalgs", "keylog"] as const;

/** Throws for what Deno would ignore: those options, client certificates behind the first, and one that cannot be used. */
function checkTls(options: TlsOptions): void {
  for (const name of IGNORED) if (options[name] !== undefined) throw ignored(`tls.${name}`);
  const [[cert, ...certs], [key, ...keys], [, ...archives]] = [
    list(options.cert),
    list(options.key),
    list(options.pfx),
  ];
  if (certs.length + keys.length + archives.length > 0) throw ignored("more than one client certificate");
  node.checkTls(options);
  if (cert === undefined || key === undefined) return;
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule("node:crypto");
  try {
    const { passphrase } = options;
    const text = Buffer.from(key).toString("latin1");
    // There may be a certificate before it.
    const [pem = text] = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----/s.exec(text) ?? [];
    const privateKey = createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) });
    if (!new X509Certificate(cert).checkPrivateKey(privateKey))
      throw new Error("the key is not that of the certificate");
  } catch (cause) {
    throw unusable(cause);
  }
}

function list(material: TlsOptions["cert"]): readonly TlsMaterial[] {
  return typeof material === "string" || material instanceof Uint8Array ? [material] : (material ?? []);
}

function ignored(what: string): UsageError {
  return new UsageError(`Deno would ignore ${what}`, "ERR_WS_UNSUPPORTED");
}

/** How long, in ms, tasks of later() may follow one another without a timer between them, and what is no following any more. */
const UNSEEN_MS = 32;
const GAP_MS = 16;

/** When they began to, and when the last was asked for. */
let followingSince = 0;
let lastAsked = 0;

/**
 * As in Node by setImmediate; but while tasks ask for the next one, on and on, Deno asks the kernel what else is ready in every
 * 61st turn of the loop alone (one echo came in 100 turns of 2 ms, where 99 did in Node). Only when it has nothing to do it looks
 * at once: so now and then a task takes a timer, which costs 1.3 ms.
 */
function later(task: () => void): void {
  const now = performance.now();
  if (now - lastAsked > GAP_MS) followingSince = now;
  lastAsked = now;
  if (now - followingSince < UNSEEN_MS) {
    setImmediate(task);
  } else {
    followingSince = now;
    setTimeout(task, 0);
  }
}

export const deno: Platform = { ...node, env, checkTls, later, text: denoText };

// TLS by node:tls: what it is made with, whose certificate will do, and who is told the keys.
// The module is loaded when it is first needed, as it would cost 17 ms of start-up.

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type {
  ConnectionOptions,
  PeerCertificate,
  SecureContext,
  SecureContextOptions,
  TLSSocket,
} from "node:tls";
import { escapeControls } from "../bytes/escape.ts";
import { UsageError, WebSocketError } from "../errors.ts";
import type { EndpointTls, TlsOptions } from "./transport.ts";

const contexts = new WeakMap<TlsOptions, SecureContext>();

/** Those of late, by the hash of what they were made of; each as long as somebody has it. */
const shared = new Map<string, WeakRef<SecureContext>>();
const MOST_SHARED = 16;

/** Certificates, keys and choices, read once. Throws UsageError for those that cannot be used. */
export function secureContext(options: TlsOptions): SecureContext {
  const made = contexts.get(options);
  if (made !== undefined) return made;
  try {
    checkAuthorities(own(options));
    const context = own(options).ca === undefined ? newContext(options) : sharedContext(options);
    contexts.set(options, context);
    return context;
  } catch (cause) {
    throw unusable(cause);
  }
}

function newContext(options: TlsOptions): SecureContext {
  return process.getBuiltinModule("node:tls").createSecureContext(nodeTls(options));
}

/**
 * With authorities one takes Node 0.2 to 0.3 ms, a tenth of a whole connection over TLS; so connections with the same options
 * have the same. Not so with the runtime's authorities, for which a program may name others at any time.
 */
function sharedContext(options: TlsOptions): SecureContext {
  const name = hashOf(options);
  const known = shared.get(name)?.deref();
  if (known !== undefined) return known;
  const context = newContext(options);
  shared.delete(name);
  for (const [oldest] of shared) if (shared.size >= MOST_SHARED) shared.delete(oldest);
  shared.set(name, new WeakRef(context));
  return context;
}

/** Alike where all options are that a context is made of: each part with its name, kind and length before it. */
function hashOf(options: TlsOptions): string {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const [name, value] of Object.entries(options))
    for (const part of Array.isArray(value) ? value : [value]) {
      if (typeof part === "function") continue;
      const bytes = part instanceof Uint8Array ? part : Buffer.from(String(part));
      hash.update(`${name} ${typeof part} ${bytes.length}\n`).update(bytes);
    }
  return hash.digest("base64");
}

/** Node and Deno pass over an authority that is none, and trust nobody then, without a word why. */
function checkAuthorities({ ca = [] }: TlsOptions): void {
  for (const authority of typeof ca === "string" || ca instanceof Uint8Array ? [ca] : ca) {
    const text = typeof authority === "string" ? authority : Buffer.from(authority).toString("latin1");
    if (!/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/.test(text))
      throw new Error("ca has no certificate in PEM");
  }
}

/** What a runtime says of options that it cannot use. */
export function unusable(cause: unknown): UsageError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new UsageError(`the option tls cannot be used: ${message}`, "ERR_WS_INVALID_ARGUMENT", { cause });
}

/** What would lead elsewhere: the runtime copies its options into an object that inherits what is on Object.prototype. */
const NOWHERE_ELSE: object = { path: undefined, localAddress: undefined, localPort: undefined };

/** A socket whose TLS is to be shaken hands on; its certificate is checked for its pins by checkPins(). */
export function connectTls(options: ConnectionOptions, tls: EndpointTls): TLSSocket {
  const { connect } = process.getBuiltinModule("node:tls");
  const { rejectUnauthorized, keylog } = own(tls.options);
  const socket = connect({
    ...NOWHERE_ELSE,
    ...options,
    secureContext: secureContext(tls.options),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    servername: tls.servername, // Node asks for no name (SNI) unless it is given one
    checkServerIdentity: (_dialled, certificate) => identityFault(tls, certificate),
    ALPNProtocols: ["http/1.1"],
  });
  const { keyLogFile } = tls;
  if (keylog !== undefined) tellKeys(socket, "tls.keylog", keylog);
  if (keyLogFile !== undefined) {
    const { appendFileSync } = process.getBuiltinModule("node:fs");
    tellKeys(socket, "SSLKEYLOGFILE", (line) => appendFileSync(keyLogFile, line, { mode: 0o600 }));
  }
  return socket;
}

/** Why a certificate is not the one that is wanted; undefined if it is. What the user's function throws counts as a no. */
function identityFault({ identity, options }: EndpointTls, certificate: PeerCertificate): Error | undefined {
  const { checkServerIdentity } = own(options);
  if (checkServerIdentity === undefined)
    return shown(process.getBuiltinModule("node:tls").checkServerIdentity(identity, certificate));
  try {
    const fault: unknown = checkServerIdentity(identity, certificate);
    if (fault === undefined || fault instanceof Error) return fault;
    Promise.resolve(fault).catch(() => {}); // a promise comes too late, and so does what it rejects with
    return new UsageError("tls.checkServerIdentity gives an Error, or undefined if the certificate will do");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The runtime repeats what the certificate says its names are: that may be what acts on a terminal. */
function shown(fault: (Error & { reason?: string }) | undefined): Error | undefined {
  if (fault === undefined) return undefined;
  const { message, stack = "", reason = "" } = fault;
  fault.message = escapeControls(message);
  fault.stack = stack.replace(message, () => fault.message);
  fault.reason = escapeControls(reason);
  return fault;
}

/** Whoever cannot take the keys ends the connection, so that nobody waits for a log that does not come. */
function tellKeys(socket: TLSSocket, name: string, take: (line: Uint8Array) => void): void {
  const fail = (cause: unknown) => {
    const message = cause instanceof Error ? cause.message : String(cause);
    socket.destroy(new WebSocketError("ERR_WS_CALLBACK", `${name} failed: ${message}`, { cause }));
  };
  socket.on("keylog", (line: Uint8Array) => {
    (async () => take(line))().catch(fail);
  });
}

/** Throws if there are pins, and none of them is of the server's key. */
export function checkPins(socket: Socket, options: TlsOptions): void {
  const { pins } = own(options);
  if (pins === undefined) return;
  const { createHash } = process.getBuiltinModule("node:crypto");
  const key = (socket as TLSSocket)
    .getPeerX509Certificate()
    ?.publicKey.export({ type: "spki", format: "der" });
  const pin = key && `sha256/${createHash("sha256").update(key).digest("base64")}`;
  if (pin === undefined || !pins.includes(pin)) {
    throw new Error(`the server's key is ${pin ?? "not known"}, which is none of tls.pins`);
  }
}

/** The options alone, without what somebody put on Object.prototype. */
function own(options: TlsOptions): TlsOptions {
  return Object.assign(Object.create(null), options);
}

/** The options as Node's types want them: mutable arrays, and Buffers for bytes. */
function nodeTls(options: TlsOptions): SecureContextOptions {
  const material = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(material);
    return value instanceof Uint8Array ? Buffer.from(value) : value;
  };
  const entries = Object.entries(options).map(([name, value]) => [name, material(value)]);
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

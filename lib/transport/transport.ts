// What a runtime must offer: byte streams, and the few functions that are faster when they are its own. Types only.
// A transport moves bytes and nothing else.

import type { Allocate } from "../bytes/allocate.ts";
import type { MaskSource } from "../bytes/random.ts";
import type { SlabPool } from "../bytes/staging.ts";
import type { TextCodec } from "../bytes/utf8.ts";
import type { Phase, WebSocketError } from "../errors.ts";
import type { Zlib } from "../protocol/compression.ts";
import type { Turn } from "./turn.ts";

/** Who is told what a transport does. None of these may throw, and none is called from within a call of the transport but attach(). */
export interface TransportSink {
  /** Bytes from the peer; borrowed, valid until data() returns, within which it may write. A few more may come after pause(). */
  data(chunk: Uint8Array): void;
  /** Everything that was written has been taken by the operating system. */
  drain(): void;
  /** The peer sends no more. */
  end(): void;
  /** The stream is gone: the last call. `cause` says why, where neither side asked for it. */
  closed(cause?: WebSocketError): void;
}

/** A stream of bytes in both directions; whatever has these members can carry a connection. */
export interface Transport {
  /**
   * Names who is told from now on; the one before is told nothing more. What came when nobody was attached is told within
   * the call: some runtimes read before the promise of the connection is heard of.
   */
  attach(sink: TransportSink): void;
  /**
   * True: the bytes were taken, and their memory is free again. False: they wait, and the memory is the transport's until it calls
   * `release`, if it does: then it is used again.
   */
  write(bytes: Uint8Array, release?: () => void): boolean;
  /** Written bytes that the operating system has not taken. */
  readonly bufferedBytes: number;
  /** Asks for no more bytes until resume(), so that the peer is made to wait. */
  pause(): void;
  /** Goes on after pause(), if it was called. */
  resume(): void;
  /** Sends what was written and ends our side; closed() follows when the peer ends its own. */
  end(): void;
  /** Drops the connection at once; closed() follows. */
  destroy(): void;
  /** Whether the open connection keeps the process alive: it does until unref(). */
  ref(): void;
  /** Lets the process end although the connection is open. */
  unref(): void;
  /** `127.0.0.1:4040` or `[::1]:4040`; undefined for a Unix socket, and once closed. */
  readonly localAddress: string | undefined;
  /** The same of the other side. */
  readonly remoteAddress: string | undefined;
}

/** A transport that a platform connected. */
export interface PlatformTransport extends Transport {
  /**
   * TLS from here on, within what this transport carries, which may be TLS itself; only for one that was connected as a
   * tunnel, and is used no more. Rejects with a TransportError or the signal's reason; then the connection is gone.
   */
  secure(tls: EndpointTls, attempt: Attempt): Promise<Transport>;
}

/** PEM, as text or bytes; for `pfx` PKCS #12. */
export type TlsMaterial = string | Uint8Array;

/** Options of TLS, named and meant as in Node's `tls.connect` and `tls.createSecureContext`. Verification is on. */
export interface TlsOptions {
  /** Certificates of authorities to trust, in PEM, in the place of the runtime's own. Default: the runtime's. */
  readonly ca?: TlsMaterial | readonly TlsMaterial[];
  /** The client's certificate, in PEM; together with `key`. Default: none. In Deno no more than one. */
  readonly cert?: TlsMaterial | readonly TlsMaterial[];
  /** Its private key, in PEM; together with `cert`. Default: none. */
  readonly key?: TlsMaterial | readonly TlsMaterial[];
  /** Certificate and key as PKCS #12, in the place of both. Default: none. In Deno no more than one. */
  readonly pfx?: TlsMaterial | readonly TlsMaterial[];
  /** Opens `key` or `pfx`. Default: none. */
  readonly passphrase?: string;
  /** Lists of revoked certificates, in PEM. Default: none. Not in Deno. */
  readonly crl?: TlsMaterial | readonly TlsMaterial[];
  /** Name to ask for and to verify. Default: the url's host. */
  readonly servername?: string;
  /** False: any certificate will do. Default true. */
  readonly rejectUnauthorized?: boolean;
  /**
   * Whether a certificate that is trusted is the right one, in the place of the check of its names: gives or throws an Error
   * if it is not. Whatever else but undefined is taken for a no. Default: the check of its names.
   */
  checkServerIdentity?(hostname: string, certificate: ServerCertificate): Error | undefined;
  /**
   * Keys of which the server must have one, whoever signed its certificate: `sha256/` and the SHA-256 of the certificate's
   * SubjectPublicKeyInfo in base64; curl's `sha256//` will do too. The key is that of the server's own certificate, not of the
   * authorities above it. Checked before anything is sent, also where rejectUnauthorized is false. Default: none.
   */
  readonly pins?: string | readonly string[];
  /**
   * Is given each line, with its end, that SSLKEYLOGFILE would get: with them others can decrypt. Default: none. Not in Deno.
   */
  readonly keylog?: (line: Uint8Array) => void;
  /**
   * Cipher suites in OpenSSL's format. Default: the runtime's. Not in Deno; in Bun none of TLS 1.3 (`TLS_...`), which it does
   * not let anybody choose.
   */
  readonly ciphers?: string;
  /** Curves of the key exchange, as `P-256:X25519`. Default: the runtime's. Not in Deno. */
  readonly ecdhCurve?: string;
  /** Signature algorithms, as `ecdsa_secp256r1_sha256`. Default: the runtime's. Not in Deno. */
  readonly sigalgs?: string;
  /** The lowest version. Default: the runtime's. Deno has TLSv1.2 and TLSv1.3 alone. */
  readonly minVersion?: TlsVersion;
  /** The highest version. Default: the runtime's. Deno has TLSv1.2 and TLSv1.3 alone. */
  readonly maxVersion?: TlsVersion;
}

/** A version of TLS, as OpenSSL names it. */
export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** Of what Node tells of a certificate, that which Deno and Bun tell too. */
export interface ServerCertificate {
  /** Whose it is, by the parts of the name: `CN`, `O` and the like. */
  readonly subject: object;
  /** Who signed it, likewise. */
  readonly issuer: object;
  /** `DNS:example.com, IP Address:127.0.0.1` */
  readonly subjectaltname?: string;
  /** From when on it counts, as `Nov 28 00:00:00 2026 GMT`. */
  readonly valid_from: string;
  /** Until when. */
  readonly valid_to: string;
  /** Its SHA-256, in hex with colons. */
  readonly fingerprint256: string;
  /** In hex. */
  readonly serialNumber: string;
  /** In DER. */
  readonly raw: Uint8Array;
}

export interface EndpointTls {
  readonly options: TlsOptions;
  /** The name to ask for (SNI); "" where an address is to be verified, which may not be asked for (RFC 6066 §3). */
  readonly servername: string;
  /** The name or address that the certificate must be for, wherever the connection is dialled. */
  readonly identity: string;
  /** The file to which the keys are added, as SSLKEYLOGFILE names it. */
  readonly keyLogFile?: string | undefined;
}

/** Where to connect, and how. */
export interface Endpoint {
  /** Name or address; "" with a socketPath. */
  readonly hostname: string;
  readonly port: number;
  readonly socketPath: string | undefined;
  /** 4 or 6 to use only addresses of that family, 0 for both. */
  readonly family: 0 | 4 | 6;
  readonly localAddress: string | undefined;
  readonly noDelay: boolean;
  /** Idle time in ms before TCP probes the peer; undefined for never. */
  readonly keepAliveDelay: number | undefined;
  /** TLS from the first byte on; undefined for none. */
  readonly tls: EndpointTls | undefined;
  /** It is to be secured later: a tunnel through a proxy. */
  readonly isTunnel: boolean;
}

/** What a connect may be cut short by, and whom it tells how far it is. */
export interface Attempt {
  readonly signal: AbortSignal;
  phase(phase: Phase): void;
}

/** A runtime. */
export interface Platform {
  /** Opens a connection. Rejects with a TransportError, or with the signal's reason; then nothing is left behind. */
  connect(to: Endpoint, attempt: Attempt): Promise<PlatformTransport>;
  /** The addresses of a name or address, best first. Rejects as connect() does, with UsageError for an address of another family. */
  resolve(hostname: string, family: Endpoint["family"], attempt: Attempt): Promise<string[]>;
  /** Throws UsageError for options of TLS that this runtime cannot use, or would ignore. */
  checkTls(options: TlsOptions): void;
  /** The value of an environment variable as it is now; undefined where there is none, or it may not be read. */
  env(name: string): string | undefined;
  /** Runs `task` soon, before any I/O; asked by a promise's reaction, behind all the reactions that are due by then. */
  defer(task: () => void): void;
  /** Runs `task` when the loop has had its turn: whatever was ready by now was heard. */
  later(task: () => void): void;
  /** Whose turn it is to be told what came. */
  readonly turn: Turn;
  readonly text: TextCodec;
  readonly zlib: Zlib;
  readonly slabs: SlabPool;
  /** How many times its own size a small binary message may keep alive, where sharing memory with others makes it cheaper. */
  readonly shares: number;
  /** Sees to it that such memory is not transferred with one of the messages that lie in it. */
  readonly guard?: ((memory: ArrayBuffer) => void) | undefined;
  /** Where the memory of the messages comes from that a program is handed; undefined for the language's own way. */
  readonly allocate?: Allocate | undefined;
  /** Source of mask keys. */
  readonly mask: MaskSource;
  /** A fresh Sec-WebSocket-Key: 16 random bytes in base64. */
  key(): string;
}

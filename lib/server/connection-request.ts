// What a client asked for, as hooks and the holders of connections see it.

import type { RawHeaders } from "../errors.ts";
import type { OpeningRequest } from "../handshake/upgrade-server.ts";

/** The client's request for the upgrade. Printed, it does not show what may be secret: its query, headers and protocols. */
export class ConnectionRequest {
  /** The path alone, without dot segments, still percent-encoded: `/chat`. */
  readonly path: string;
  /** What page it is that connects: browsers send it, others may send what they like. Undefined where there is none. */
  readonly origin: string | undefined;
  /** Whether it came over TLS to this server. */
  readonly secure: boolean;
  /** `127.0.0.1:50123`; undefined for a Unix socket. Where a proxy is in between, it is the proxy's. */
  readonly remoteAddress: string | undefined;
  /** Where it came to; undefined for a Unix socket. */
  readonly localAddress: string | undefined;
  readonly #opening: OpeningRequest;
  readonly #rawHeaders: RawHeaders;
  #headers: Headers | undefined;

  /** For isosocket itself. */
  constructor(
    opening: OpeningRequest,
    rawHeaders: RawHeaders,
    link: Pick<ConnectionRequest, "secure" | "remoteAddress" | "localAddress">,
  ) {
    this.path = opening.path;
    this.origin = opening.origin;
    this.secure = link.secure;
    this.remoteAddress = link.remoteAddress;
    this.localAddress = link.localAddress;
    this.#opening = opening;
    this.#rawHeaders = rawHeaders;
  }

  /** `ws://example.com/chat?room=1`, by the Host header that the client sent, which may be any. */
  get url(): string {
    return this.#opening.url;
  }

  /** Path and query as they came: `/chat?room=1`. */
  get resource(): string {
    return this.#opening.resource;
  }

  /** The subprotocols that the client offers, best first. */
  get protocols(): readonly string[] {
    return this.#opening.protocols;
  }

  /** The header fields in the order and spelling in which they came. */
  get rawHeaders(): RawHeaders {
    return this.#rawHeaders;
  }

  /** The same as a Headers, made when it is first asked for. */
  get headers(): Headers {
    this.#headers ??= new Headers(this.#rawHeaders.map(([name, value]): [string, string] => [name, value]));
    return this.#headers;
  }
}

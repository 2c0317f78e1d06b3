// The server's side of the opening handshake (RFC 6455 §4.2): the check of a request, the choice of a subprotocol, and the
// 101. All of it is a function of its inputs. Who may connect is for others; so is HTTP itself, as far as it was parsed
// already.
//
// Strict with what could make two readers understand two things: two keys, versions, hosts or origins, a body, a target
// that is no path. Tolerant with lists, cases and blanks.

import type { RawHeaders } from "../errors.ts";
import { parseAddress } from "./endpoint.ts";
import { isToken, tokensOf, valuesOf } from "./http.ts";
import { formatHead, RefusalError } from "./refusal.ts";
import { acceptKey } from "./upgrade-client.ts";

/** The head of a request, as it came. */
export interface RequestHead {
  readonly method: string;
  /** The second word of the request line. */
  readonly target: string;
  /** `1.1` */
  readonly httpVersion: string;
  readonly rawHeaders: RawHeaders;
}

/** What a request asks for that is as it should be. */
export interface OpeningRequest {
  /** ws: or wss:, by the Host header and the target. */
  readonly url: string;
  /** The url fit for messages: with `***` for the values of its query. */
  readonly publicUrl: string;
  /** Path and query as they came. */
  readonly resource: string;
  /** The path alone, without dot segments. */
  readonly path: string;
  /** The Origin header: what page of a browser's it is that connects; undefined for none. */
  readonly origin: string | undefined;
  /** The Sec-WebSocket-Key. */
  readonly key: string;
  /** The subprotocols that the client offers, best first. */
  readonly protocols: readonly string[];
  /** The values of Sec-WebSocket-Extensions. */
  readonly extensions: readonly string[];
}

/** What the answer agrees to. */
export interface Acceptance {
  /** The subprotocol; "" for none. */
  readonly protocol: string;
  /** The Sec-WebSocket-Extensions; "" for none. */
  readonly extensions: string;
  /** What comes after the handshake's own headers. */
  readonly headers: RawHeaders;
}

export const SWITCHING_PROTOCOLS = 101;
export const SWITCHING_TEXT = "Switching Protocols";

/** 16 bytes in base64 (§4.2.1, item 5). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** A host with a port, perhaps, and nothing that the parser of urls would take for something else. */
const AUTHORITY = /^[\w.~!$&'()*+,;=%:[\]-]+$/;

const UPGRADE = { Upgrade: "websocket" };

/** Checks a request (§4.2.1). `secure`: it came over TLS. Throws RefusalError. */
export function checkOpening(head: RequestHead, secure: boolean): OpeningRequest {
  const { rawHeaders } = head;

  // 1. It asks for a WebSocket.
  if (head.method !== "GET") throw refusal(405, "the method is not GET", { Allow: "GET" });
  if (head.httpVersion !== "1.1") throw refusal(426, "the request is not HTTP/1.1", UPGRADE);
  if (!tokensOf(rawHeaders, "upgrade").includes("websocket"))
    throw refusal(426, "the request does not say Upgrade: websocket", UPGRADE);
  if (!tokensOf(rawHeaders, "connection").includes("upgrade"))
    throw refusal(
      400,
      "the request does not say Connection: Upgrade; a proxy in between may have taken it out",
    );

  // 2. In the version that there is (§4.4).
  if (valuesOf(rawHeaders, "sec-websocket-version").join() !== "13") {
    const headers = { ...UPGRADE, "Sec-WebSocket-Version": "13" };
    throw refusal(426, "the request's Sec-WebSocket-Version is not 13", headers);
  }

  // 3. In one that can be understood in one way.
  const key = onlyOne(rawHeaders, "Sec-WebSocket-Key");
  if (key === undefined || !KEY.test(key))
    throw refusal(400, "the request's Sec-WebSocket-Key is not 16 bytes in base64");
  if (hasBody(rawHeaders)) throw refusal(400, "the request has a body, which would be read as frames");
  const origin = onlyOne(rawHeaders, "Origin");
  return {
    ...addressOf(head, secure),
    origin,
    key,
    protocols: offeredProtocols(rawHeaders),
    extensions: valuesOf(rawHeaders, "sec-websocket-extensions"),
  };
}

/** The first of those that this side speaks, best first, that is offered; "" for none. */
export function agreedProtocol(offered: readonly string[], spoken: readonly string[]): string {
  return spoken.find((protocol) => offered.includes(protocol)) ?? "";
}

/** The fields of the 101 (§4.2.2, item 5), in the order in which they are sent. */
export function acceptHeaders(key: string, { protocol, extensions, headers }: Acceptance): RawHeaders {
  const own: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", acceptKey(key)],
  ];
  if (protocol !== "") own.push(["Sec-WebSocket-Protocol", protocol]);
  if (extensions !== "") own.push(["Sec-WebSocket-Extensions", extensions]);
  return [...own, ...headers];
}

/** The 101's bytes. Throws UsageError for what cannot stand in a header. */
export function formatAccept(headers: RawHeaders): Uint8Array {
  return formatHead(SWITCHING_PROTOCOLS, SWITCHING_TEXT, headers);
}

function refusal(status: number, why: string, headers: Record<string, string> = {}): RefusalError {
  return new RefusalError(status, { body: `${why}\n`, headers }, { why });
}

function onlyOne(headers: RawHeaders, name: string): string | undefined {
  const values = valuesOf(headers, name.toLowerCase());
  if (values.length > 1) throw refusal(400, `the request has more than one ${name}`);
  return values[0];
}

function hasBody(headers: RawHeaders): boolean {
  const lengths = valuesOf(headers, "content-length");
  return valuesOf(headers, "transfer-encoding").length > 0 || lengths.some((length) => !/^0+$/.test(length));
}

/** The target's origin-form with the Host, or its absolute-form, which goes before the Host (RFC 9112 §3.2). */
function addressOf(
  { target, rawHeaders }: RequestHead,
  secure: boolean,
): Pick<OpeningRequest, "url" | "publicUrl" | "resource" | "path"> {
  const host = onlyOne(rawHeaders, "Host");
  if (host === undefined) throw refusal(400, "the request has no Host");
  const absolute = /^(?:https?|wss?):\/\/([^/?]+)(.*)$/i.exec(target);
  const authority = absolute?.[1] ?? host;
  const resource = absolute?.[2]?.replace(/^(?!\/)/, "/") ?? target;
  try {
    if (!AUTHORITY.test(authority) || !/^\/[^#]*$/.test(resource)) throw new TypeError();
    const { url, publicUrl, parsed } = parseAddress(`${secure ? "wss" : "ws"}://${authority}${resource}`);
    return { url, publicUrl, resource, path: parsed.pathname };
  } catch {
    throw refusal(400, "the request's target and Host make no url");
  }
}

/** §4.1, item 10: each of them once. */
function offeredProtocols(headers: RawHeaders): readonly string[] {
  const members = valuesOf(headers, "sec-websocket-protocol").flatMap((value) => value.split(","));
  const protocols = members.map((member) => member.trim()).filter((member) => member !== "");
  if (!protocols.every(isToken) || new Set(protocols).size < protocols.length)
    throw refusal(400, "the request's Sec-WebSocket-Protocol is not a list of names, each of them once");
  return protocols;
}

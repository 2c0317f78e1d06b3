// The client's side of the opening handshake (RFC 6455 §4.1): the request's exact bytes, the talk, and the check of the
// answer. The key comes in as an argument, so that all of it is a function of its inputs.
// Whether an answer other than 101 is an error, or a place to go, is for others.

import { encodeBase64 } from "../bytes/base64.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import { sha1 } from "../bytes/sha1.ts";
import { HandshakeError, type RawHeaders } from "../errors.ts";
import type { DeflateAgreement } from "../protocol/compression.ts";
import { type ToleranceOptions, tolerates } from "../protocol/tolerance.ts";
import { type DeflateRequest, offerDeflate, readDeflateAnswer } from "./deflate-offer.ts";
import { formatRequest, type ResponseHead, readBody, readHead, tokensOf, valuesOf } from "./http.ts";
import { redactedProtocols } from "./redaction.ts";
import type { Talk } from "./talk.ts";

/** What a client asks for. */
export interface UpgradeRequest {
  /** Path and query. */
  readonly target: string;
  /** The Host header. */
  readonly host: string;
  /** The Origin header, undefined for none. */
  readonly origin: string | undefined;
  /** 16 random bytes in base64. */
  readonly key: string;
  readonly protocols: readonly string[];
  /** What to offer of permessage-deflate; undefined for nothing. */
  readonly deflate?: DeflateRequest | undefined;
  /** What comes after the handshake's own headers. */
  readonly headers: RawHeaders;
}

/** The server's answer, whatever it is; the body only where it is not 101. */
export interface Answer extends ResponseHead {
  readonly body: string;
}

/** What the two sides agreed on. */
export interface Agreement {
  /** The subprotocol; "" for none. */
  readonly protocol: string;
  /** The Sec-WebSocket-Extensions of the answer; "" for none. */
  readonly extensions: string;
  /** What they mean, where it is compression. */
  readonly deflate?: DeflateAgreement;
}

/** The headers that the handshake itself sends, in lower case: a caller sets them by options, if at all. */
export const RESERVED_HEADERS: readonly string[] = [
  "host",
  "connection",
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
  "sec-websocket-accept",
  "content-length",
  "transfer-encoding",
];

const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Informational answers that are passed over before the real one. */
const MAX_INFORMATIONAL = 16;

/** What the server must answer to a key (§4.2.2, item 5.4). */
export function acceptKey(key: string): string {
  return encodeBase64(sha1(encodeLatin1(key + ACCEPT_GUID)));
}

/** The request's header fields, in the order in which they are sent. */
export function upgradeHeaders(request: UpgradeRequest): RawHeaders {
  const headers: (readonly [string, string])[] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Host", request.host],
  ];
  if (request.origin !== undefined) headers.push(["Origin", request.origin]);
  headers.push(["Sec-WebSocket-Key", request.key], ["Sec-WebSocket-Version", "13"]);
  if (request.protocols.length > 0) headers.push(["Sec-WebSocket-Protocol", request.protocols.join(", ")]);
  if (request.deflate !== undefined)
    headers.push(["Sec-WebSocket-Extensions", offerDeflate(request.deflate)]);
  headers.push(...request.headers);
  return headers;
}

/** The request's bytes. Throws UsageError for what cannot stand in a header. */
export function formatUpgrade(request: UpgradeRequest): Uint8Array {
  return formatRequest("GET", request.target, upgradeHeaders(request));
}

/**
 * Sends the request and reads the answer, with its body unless `hasUse` says that nobody wants one for that status. Throws
 * HandshakeError, LimitError.
 */
export function* upgradeClient(
  request: Uint8Array,
  maxHeaderSize: number,
  hasUse: (status: number) => boolean = () => true,
): Talk<Answer> {
  yield { send: request };
  for (let informational = 0; informational <= MAX_INFORMATIONAL; informational++) {
    const head = yield* readHead(maxHeaderSize);
    const { status, statusText, rawHeaders, minorVersion } = head;
    if (status !== 101 && status < 200) continue;
    // A 101 has no body, whatever its headers say (RFC 9110 §8.6): what follows it are frames.
    const body = status !== 101 && hasUse(status) ? yield* readBody(head) : "";
    return { status, statusText, rawHeaders, minorVersion, body };
  }
  throw new HandshakeError(
    "ERR_WS_INVALID_RESPONSE",
    `the server sent more than ${MAX_INFORMATIONAL} informational answers`,
  );
}

/** Checks a 101 against what was asked for (§4.1, client requirements 2 to 6), but for what is tolerated. Throws HandshakeError. */
export function checkUpgrade(
  answer: Answer,
  request: Pick<UpgradeRequest, "key" | "protocols" | "deflate">,
  requireProtocol: boolean,
  tolerances: ToleranceOptions = {},
): Agreement {
  const { rawHeaders } = answer;
  const fail = (what: string) =>
    new HandshakeError("ERR_WS_INVALID_RESPONSE", `the server's 101 ${what}`, answer);

  if (answer.minorVersion < 1) throw fail("is HTTP/1.0");
  if (tokensOf(rawHeaders, "upgrade").join() !== "websocket") throw fail("does not say Upgrade: websocket");
  if (!tokensOf(rawHeaders, "connection").includes("upgrade")) throw fail("does not say Connection: Upgrade");
  const accepts = valuesOf(rawHeaders, "sec-websocket-accept");
  if (accepts.length !== 1 || accepts[0] !== acceptKey(request.key)) {
    throw fail(
      accepts.length === 0
        ? "has no Sec-WebSocket-Accept"
        : "has a Sec-WebSocket-Accept that does not fit the request's key: an answer to another request, or from a cache",
    );
  }
  const protocol = agreedProtocol(rawHeaders, request.protocols, requireProtocol, tolerances, fail);
  const values = valuesOf(rawHeaders, "sec-websocket-extensions");
  const deflate = readDeflateAnswer(values, request.deflate);
  if (typeof deflate === "string") throw fail(deflate);
  return deflate === undefined
    ? { protocol, extensions: "" }
    : { protocol, extensions: values.join(", "), deflate };
}

/** Exactly one of those that were offered, spelled as it was (§4.1, item 6). */
function agreedProtocol(
  headers: RawHeaders,
  offered: readonly string[],
  requireProtocol: boolean,
  tolerances: ToleranceOptions,
  fail: (what: string) => HandshakeError,
): string {
  const values = valuesOf(headers, "sec-websocket-protocol");
  const chosen = values.flatMap((value) => value.split(",").map((name) => name.trim()));
  const [protocol] = chosen;
  if (protocol === undefined) {
    if (offered.length === 0 || !requireProtocol) return "";
    if (tolerates("missingSubprotocol", tolerances)) return "";
    throw fail(
      `chooses none of the subprotocols ${redactedProtocols(offered.join())}: set requireProtocol to false to do without`,
    );
  }
  const foreign = chosen.find((name) => !offered.includes(name));
  if (chosen.length > 1 && (foreign !== undefined || !tolerates("multipleSubprotocols", tolerances)))
    throw fail("names more than one subprotocol");
  if (foreign !== undefined)
    throw fail(`chooses subprotocol ${redactedProtocols(foreign)}, which was not offered`);
  return protocol;
}

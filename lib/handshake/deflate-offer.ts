// Sec-WebSocket-Extensions for permessage-deflate (RFC 7692 §5, §7.1; RFC 6455 §9.1), both roles: what a client offers, what
// it makes of the answer, and what a server answers. Values of header fields in, an agreement out.
//
// Strict with what names a parameter that there is not, or twice, or with a value that it cannot have: the peer would do
// something else than we think. Tolerant where nothing is at stake: a server that does not confirm server_max_window_bits or
// server_no_context_takeover is understood to decline them, as some do, and costs memory alone.

import type { DeflateAgreement } from "../protocol/compression.ts";
import { isToken } from "./http.ts";

/** What a side asks for; the numbers are 9 to 15, and 15 asks for nothing. As zlib has no window of 2^8 bytes, 8 is never asked for. */
export type DeflateRequest = DeflateAgreement;

interface Extension {
  readonly name: string;
  readonly params: readonly (readonly [name: string, value: string | undefined])[];
}

/** The parameters of one offer or answer; `true` for client_max_window_bits without a value. */
interface Params {
  readonly serverForgets: boolean;
  readonly clientForgets: boolean;
  readonly server: number | undefined;
  readonly client: number | true | undefined;
}

const EXTENSION = "permessage-deflate";
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;
const MAX_WINDOW_BITS = 15;

/** The client's offer. It always says that the server may limit our window: that is never a loss. */
export function offerDeflate(request: DeflateRequest): string {
  return format({
    ...request,
    serverMaxWindowBits: request.serverMaxWindowBits < MAX_WINDOW_BITS && request.serverMaxWindowBits,
    clientMaxWindowBits: request.clientMaxWindowBits < MAX_WINDOW_BITS ? request.clientMaxWindowBits : true,
  });
}

/**
 * What the values of the answer's fields agree to: undefined for no compression, and a text for what is wrong with them,
 * as for `the server's 101 ...`. `request` is undefined where nothing was offered.
 */
export function readDeflateAnswer(
  values: readonly string[],
  request: DeflateRequest | undefined,
): DeflateAgreement | string | undefined {
  if (values.length === 0) return undefined;
  const extensions = parseExtensions(values);
  if (extensions === undefined) return "has a malformed list of extensions";
  const [extension, another] = extensions;
  if (extension === undefined) return undefined;
  if (request === undefined || extension.name !== EXTENSION) return "names an extension that was not offered";
  if (another !== undefined) return "names more than one extension";
  const params = readParams(extension);
  if (typeof params === "string") return `agrees to ${EXTENSION} with ${params}`;
  const { serverForgets, clientForgets, server, client } = params;
  if (client === true) return `agrees to ${EXTENSION} with client_max_window_bits without a value`;
  if (server !== undefined && server > request.serverMaxWindowBits)
    return `agrees to ${EXTENSION} with a server_max_window_bits that is larger than asked for`;
  if (client !== undefined && client > request.clientMaxWindowBits)
    return `agrees to ${EXTENSION} with a client_max_window_bits that is larger than offered`;
  return {
    serverNoContextTakeover: serverForgets,
    // What the client said of itself holds, confirmed or not (§7.1.1.2).
    clientNoContextTakeover: clientForgets || request.clientNoContextTakeover,
    serverMaxWindowBits: server ?? MAX_WINDOW_BITS,
    clientMaxWindowBits: client ?? request.clientMaxWindowBits,
  };
}

/**
 * The server's side: the first of the client's offers that can be accepted, with the value of the answer's field; undefined
 * for none, also where the offer is malformed. `limits` is what this side asks for.
 */
export function acceptDeflate(
  values: readonly string[],
  limits: DeflateRequest,
): { readonly answer: string; readonly agreement: DeflateAgreement } | undefined {
  for (const extension of parseExtensions(values) ?? []) {
    const params = extension.name === EXTENSION ? readParams(extension) : "another name";
    if (typeof params === "string") continue;
    const { serverForgets, clientForgets, server, client } = params;
    const agreement = {
      serverNoContextTakeover: serverForgets || limits.serverNoContextTakeover,
      clientNoContextTakeover: clientForgets || limits.clientNoContextTakeover,
      serverMaxWindowBits: Math.min(server ?? MAX_WINDOW_BITS, limits.serverMaxWindowBits),
      // A client that does not say so has no way to be limited (§7.1.2.2).
      clientMaxWindowBits:
        client === undefined
          ? MAX_WINDOW_BITS
          : Math.min(client === true ? MAX_WINDOW_BITS : client, limits.clientMaxWindowBits),
    };
    const { serverMaxWindowBits, clientMaxWindowBits } = agreement;
    const answer = format({
      ...agreement,
      serverMaxWindowBits:
        (server !== undefined || serverMaxWindowBits < MAX_WINDOW_BITS) && serverMaxWindowBits,
      clientMaxWindowBits: clientMaxWindowBits < MAX_WINDOW_BITS && clientMaxWindowBits,
    });
    return { answer, agreement };
  }
  return undefined;
}

/** Values without quotes, which some servers cannot read. */
function format(params: { readonly [Name in keyof DeflateAgreement]: boolean | number }): string {
  const param = (name: string, value: boolean | number) =>
    value === false ? "" : `; ${name}${value === true ? "" : `=${value}`}`;
  return (
    EXTENSION +
    param("server_no_context_takeover", params.serverNoContextTakeover) +
    param("client_no_context_takeover", params.clientNoContextTakeover) +
    param("server_max_window_bits", params.serverMaxWindowBits) +
    param("client_max_window_bits", params.clientMaxWindowBits)
  );
}

/** The parameters, or what is wrong with them. */
function readParams({ params }: Extension): Params | string {
  const read = new Map<string, number | true>();
  for (const [name, value] of params) {
    const isBits = name === "server_max_window_bits" || name === "client_max_window_bits";
    if (!isBits && name !== "server_no_context_takeover" && name !== "client_no_context_takeover")
      return `parameter ${name.slice(0, 40)}, which there is not`;
    if (read.has(name)) return `${name} twice`;
    const isBare = value === undefined;
    const fits = isBits ? (isBare ? name === "client_max_window_bits" : WINDOW_BITS.test(value)) : isBare;
    if (!fits) return `a wrong value of ${name}`;
    read.set(name, isBare || Number(value));
  }
  return {
    serverForgets: read.has("server_no_context_takeover"),
    clientForgets: read.has("client_no_context_takeover"),
    server: read.get("server_max_window_bits") as number | undefined,
    client: read.get("client_max_window_bits"),
  };
}

/** The members of all the fields' lists; undefined where one is malformed. Its time is linear. */
function parseExtensions(values: readonly string[]): Extension[] | undefined {
  const text = values.join(",");
  const extensions: Extension[] = [];
  let at = 0;
  const skipBlanks = () => {
    while (text[at] === " " || text[at] === "\t") at++;
  };
  /** What comes next up to one of the separators, without blanks; undefined unless it is a token. */
  const token = () => {
    skipBlanks();
    const start = at;
    while (at < text.length && !' \t,;="'.includes(text.charAt(at))) at++;
    const found = text.slice(start, at);
    skipBlanks();
    return isToken(found) ? found : undefined;
  };
  /** A value in quotes stands for the token in it. */
  const value = () => {
    skipBlanks();
    if (text[at] !== '"') return token();
    let found = "";
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === "\\") at++;
      if (at >= text.length) return undefined;
      found += text.charAt(at);
    }
    at++;
    skipBlanks();
    return isToken(found) ? found : undefined;
  };
  for (; at <= text.length; at++) {
    skipBlanks();
    if (at === text.length || text[at] === ",") continue; // an empty member says nothing (RFC 9110 §5.6.1)
    const name = token();
    const params: [string, string | undefined][] = [];
    while (name !== undefined && text[at] === ";") {
      at++;
      const param = token();
      const hasValue = text[at] === "=";
      if (hasValue) at++;
      const given = hasValue ? value() : undefined;
      if (param === undefined || (hasValue && given === undefined)) return undefined;
      params.push([param, given]);
    }
    if (name === undefined || (at < text.length && text[at] !== ",")) return undefined;
    extensions.push({ name, params });
  }
  return extensions;
}

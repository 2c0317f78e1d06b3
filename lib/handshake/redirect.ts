// Where a redirect leads (RFC 9110 §10.2.2, §15.4). A server may name another resource, host or scheme; credentials are not
// its to give, nothing becomes less secure by it, and it gets nobody to a Unix socket, or away from one.

import { escapeControls } from "../bytes/escape.ts";
import { HandshakeError, UsageError } from "../errors.ts";
import { parseTarget, type Target } from "./endpoint.ts";
import { valuesOf } from "./http.ts";
import type { Answer } from "./upgrade-client.ts";

/** Whether a status asks for the same request elsewhere; 300, 304 and 305 do not. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** Whether what is meant for the server of one url may be told to that of the other. */
export function isSameOrigin(one: Target, other: Target): boolean {
  return one.secure === other.secure && one.host === other.host && one.socketPath === other.socketPath;
}

/**
 * Where the answer to a request to `from` leads, with the credentials of `from` if it is the same origin. Throws
 * HandshakeError for a redirect that is not to be followed.
 */
export function redirectTarget(answer: Answer, from: Target): Target {
  const locations = new Set(valuesOf(answer.rawHeaders, "location"));
  const [location = ""] = locations;
  if (location === "") throw refusedRedirect(answer, "it has no Location");
  if (locations.size > 1) throw refusedRedirect(answer, "it has more than one Location");
  let to: Target;
  try {
    to = parseLocation(location, from);
  } catch (error) {
    throw refusedRedirect(answer, error instanceof UsageError ? error.message : "its Location is not a url");
  }
  if (to.username + to.password !== "") throw refusedRedirect(answer, "its Location has credentials");
  if (from.secure && !to.secure) throw refusedRedirect(answer, "it leads from wss to ws");
  if (from.socketPath !== to.socketPath)
    throw refusedRedirect(answer, "it leads to a Unix socket, or from one");
  const { username, password } = from;
  return isSameOrigin(from, to) ? { ...to, username, password } : to;
}

/** The error for a redirect that is not followed. */
export function refusedRedirect(answer: Answer, why: string): HandshakeError {
  const what = escapeControls(`${answer.status} ${answer.statusText}`.trim());
  const message = `the server's redirect (${what}) is not followed: ${why}`;
  return new HandshakeError("ERR_WS_UNEXPECTED_STATUS", message, answer);
}

function parseLocation(location: string, from: Target): Target {
  // Bytes that are not ASCII stay as they are, and a tab is none that may be dropped. A fragment is for those who show pages.
  const [reference = ""] = location.replace(/[\t\x80-\xff]/g, percentEncoded).split("#");
  const { secure, host, resource, socketPath, url } = from;
  const scheme = secure ? "wss:" : "ws:";
  const base = `${scheme}//${host}${resource}`;
  // What names a host is held to the rules for urls, which the parser of URL is not; of three slashes runtimes differ.
  const text = /^[\\/]{2}/.test(reference) ? scheme + reference : reference;
  const to = parseTarget(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : new URL(text, base));
  // The server behind a Unix socket knows itself by the Host that it was sent.
  const isHere = to.socketPath === undefined && to.host === host && to.secure === secure;
  if (socketPath === undefined || !isHere) return to;
  return parseTarget(url.slice(0, -resource.length) + to.resource);
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

// Whether another attempt can succeed where one failed, and when the server wants to see it. What is permanent is not
// tried again: it would only add to the load of a server that has said no.

import {
  type CloseInfo,
  HandshakeError,
  LimitError,
  ProtocolError,
  ProxyError,
  type RawHeaders,
  UsageError,
} from "../errors.ts";
import { valuesOf } from "../handshake/http.ts";

/** Codes with which a peer goes for now: going away, no status, lost, and 1011 to 1014, its own troubles. */
const PASSING_CODES: readonly number[] = [1001, 1005, 1006, 1011, 1012, 1013, 1014];

/** Statuses that ask for patience: timeout, too early, too many requests. */
const PASSING_STATUSES: readonly number[] = [408, 425, 429];

/** Replies of SOCKS that stay as they are: its rules forbid it, it knows no such command, no such address. */
const LASTING_REPLIES: readonly number[] = [2, 7, 8];

/** The longest time, in ms, that a server's Retry-After is honoured for. */
const MAX_RETRY_AFTER_MS = 60 * 60 * 1000;

/** Whether to try again after such an end, where the user does not say. */
export function isPassing({ code, error }: CloseInfo): boolean {
  if (error instanceof HandshakeError || error instanceof ProxyError) {
    const { status } = error;
    if (error.code === "ERR_WS_PROXY_AUTH") return false;
    if (status === undefined) return true;
    // A reply of SOCKS is below 100.
    if (status < 100) return !LASTING_REPLIES.includes(status);
    return status >= 500 || PASSING_STATUSES.includes(status);
  }
  // Bytes that broke the rules, or a limit: the same would come again.
  if (error instanceof ProtocolError || error instanceof LimitError || error instanceof UsageError)
    return false;
  return PASSING_CODES.includes(code);
}

/** Ms that the server asks to stay away (RFC 9110 §10.2.3), at most an hour; 0 where it does not ask. */
export function retryAfter({ error }: CloseInfo): number {
  const headers = error instanceof HandshakeError || error instanceof ProxyError ? error.rawHeaders : [];
  const [value] = valuesOf(headers, "retry-after");
  if (value === undefined) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : untilDate(value, headers);
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}

/** A date is held against the server's own clock, not ours; of the three forms (§5.6.7) one leaves it out that it is in GMT. */
function untilDate(value: string, headers: RawHeaders): number {
  const [now = ""] = valuesOf(headers, "date");
  return Date.parse(`${value} GMT`) - Date.parse(`${now} GMT`);
}

// What of a handshake may be shown: everything but what could let somebody else in. Names tell most of it, and what is
// hidden without need costs less than what is shown by mistake. Paths are shown; what frames carry is not looked at.

import { escapeControls } from "../bytes/escape.ts";
import { hideValues } from "./endpoint.ts";

/** In the place of a secret. */
const HIDDEN = "***";

/** What the name of a header that carries a secret has in it. */
const SECRET_NAME = /auth|bearer|cookie|token|secret|pass|pwd|credential|session|sign|jwt|key|nonce|otp/i;

/** Names of that kind that carry none. */
const PUBLIC_NAME = /^(sec-websocket-(key|accept|version|extensions)|(www|proxy)-authenticate)$/i;

/** Credentials that their form tells, whatever the header: a scheme with its token (RFC 9110 §11.4), and a JWT. */
const CREDENTIALS =
  /^(basic|bearer|digest|negotiate|ntlm|token|apikey|hmac)\s+\S|(?<![\w-])eyJ[\w-]{10,}\.[\w-]/i;

/** Longer than the name of any subprotocol; clients that cannot send headers send their tokens as one. */
const LONGEST_PROTOCOL = 40;

/** A header's value without its secrets. */
export function redactedValue(name: string, value: string): string {
  if (PUBLIC_NAME.test(name)) return value;
  if (SECRET_NAME.test(name) || CREDENTIALS.test(value)) return HIDDEN;
  if (/^sec-websocket-protocol$/i.test(name)) return redactedProtocols(value);
  return redactedUrls(value);
}

/** The resource of a request line without the values of its query. */
export function redactedResource(resource: string): string {
  return resource.replace(/\?.*/s, hideValues);
}

/** Names of subprotocols as a message may show them. */
export function redactedProtocols(value: string): string {
  if (SECRET_NAME.test(value)) return HIDDEN;
  const members = escapeControls(value).split(",");
  return members
    .map((member) => (member.trim().length > LONGEST_PROTOCOL ? HIDDEN : member.trim()))
    .join(", ");
}

/** Without the credentials of the urls in it, the values of their queries, and what their fragments hold. */
export function redactedUrls(value: string): string {
  const parameters = (text: string) => {
    if (text.startsWith("?")) return hideValues(text);
    return text.includes("=") ? `#${HIDDEN}` : text;
  };
  return value.replace(/\/\/[^/\s]*@/g, `//${HIDDEN}@`).replace(/[?#][^\s"'<>]+/g, parameters);
}

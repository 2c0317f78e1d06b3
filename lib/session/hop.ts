// One request on the way to a session, and the one that a redirect asks for in its place.
//
// What was meant for one origin (scheme, host and port) is told to no other: credentials of the url, headers and cookies that
// the user gave, the Host header, where to dial, the client's certificate, and the name and pins of the server's. Nor does
// a redirect back bring them back. A jar is asked for each url.

import { encodeBase64 } from "../bytes/base64.ts";
import { escapeControls } from "../bytes/escape.ts";
import { HandshakeError, type RawHeaders, UsageError } from "../errors.ts";
import { isRedirect, isSameOrigin, redirectTarget, refusedRedirect } from "../handshake/redirect.ts";
import {
  type Answer,
  checkUpgrade,
  formatUpgrade,
  type UpgradeRequest,
  upgradeClient,
  upgradeHeaders,
} from "../handshake/upgrade-client.ts";
import { DEAF } from "../transport/held.ts";
import type { Platform, Transport } from "../transport/transport.ts";
import type { OpenAttempt } from "./attempt.ts";
import { converse } from "./converse.ts";
import { cookiesFor, keepCookies } from "./cookies.ts";
import { dial } from "./dial.ts";
import { KeptResponse } from "./kept-response.ts";
import type { OpenOptions, OpenRequest } from "./session.ts";
import { WireSession } from "./wire.ts";

export interface Hop {
  readonly asked: OpenRequest;
  readonly options: OpenOptions;
  /** The redirect that led here. */
  readonly by?: Answer;
  /** The requests before, without their keys. */
  readonly trail: readonly string[];
}

/** The session, or where the answer leads. Rejects as Open does; then, and for a redirect, nothing is left behind. */
export async function takeHop(
  hop: Hop,
  platform: Platform,
  attempt: OpenAttempt,
): Promise<WireSession | Hop> {
  const { asked, options } = hop;
  const { target } = asked;
  const { trace, cookieJar } = options;
  let transport: Transport | undefined;
  try {
    // 1. The request.
    trace?.begin(target.publicUrl);
    checkPlace(hop);
    const cookies = asked.cookies ?? (cookieJar && (await cookiesFor(target, cookieJar, attempt)));
    const request = upgradeRequest(hop, cookies, platform.key());
    const bytes = formatUpgrade(request);
    const step = () => JSON.stringify([target.url, request.headers]);
    if (hop.by !== undefined && hop.trail.includes(step()))
      throw refusedRedirect(hop.by, "it leads in a circle");

    // 2. A stream of bytes to the server.
    transport = await dial(platform, target, options, attempt);

    // 3. The handshake.
    attempt.phase("handshake");
    trace?.request("GET", request.target, upgradeHeaders(request));
    const isFollowed = (status: number) => options.redirect === "follow" && isRedirect(status);
    const talk = upgradeClient(bytes, options.maxHeaderSize, (status) => !isFollowed(status));
    const { result: answer, handOver } = await converse(transport, talk, attempt.signal);
    trace?.response(answer);
    if (cookieJar !== undefined) await keepCookies(target, answer, cookieJar, attempt, transport);
    if (isFollowed(answer.status)) {
      await attempt.guard(drop(transport));
      return nextHop(hop, answer, step());
    }
    if (answer.status !== 101) throw refusal(answer);
    const agreement = checkUpgrade(answer, request, options.requireProtocol, {
      tolerate: options.tolerate,
      observer: trace,
    });

    // 4. From here on everything is a stream, and its own signal is listened to.
    attempt.signal.throwIfAborted();
    const { url, publicUrl, secure } = target;
    const response = new KeptResponse(answer);
    const opened = { role: "client" as const, url, publicUrl, secure, response, ...agreement };
    const session = new WireSession(platform, transport, opened, options, trace);
    handOver(session);
    return session;
  } catch (error) {
    transport?.destroy();
    throw error;
  }
}

/** Fulfils when the connection is gone. */
function drop(transport: Transport): Promise<void> {
  return new Promise((resolve) => {
    transport.attach({ ...DEAF, closed: () => resolve() });
    transport.destroy();
  });
}

/** Throws HandshakeError for a redirect that is not followed. */
function nextHop({ asked, options, trail }: Hop, by: Answer, step: string): Hop {
  const { maxRedirects } = options;
  if (trail.length >= maxRedirects) {
    throw refusedRedirect(by, `there were ${maxRedirects} before it already (option maxRedirects)`);
  }
  const target = redirectTarget(by, asked.target);
  if (typeof options.transport === "object")
    throw refusedRedirect(
      by,
      "its transport is for one connection: give a function, which is called for each",
    );
  const next = { by, trail: [...trail, step] };
  if (isSameOrigin(asked.target, target)) return { ...next, asked: { ...asked, target }, options };
  if (options.socketPath !== undefined)
    throw refusedRedirect(by, "it leads away from the socket of socketPath");
  return {
    ...next,
    asked: { ...asked, target, headers: [], cookies: undefined },
    options: forOthers(options),
  };
}

/** The options without what only the origin of the user's url may be told. */
function forOthers(options: OpenOptions): OpenOptions {
  const { cert, key, pfx, passphrase, servername, pins, ...tls } = options.tls;
  return { ...options, tls, host: undefined, connectTo: undefined };
}

/** A Unix socket has but one place, and is no TCP: what names another, or is about that, would be of no use. */
function checkPlace({ asked: { target }, options }: Hop): void {
  if (target.socketPath === undefined && options.socketPath === undefined) return;
  const { connectTo, localAddress, family, noDelay, keepAliveDelay: keepAliveSocket } = options;
  const socketPath = target.socketPath && options.socketPath;
  const given = { connectTo, localAddress, family, noDelay: !noDelay, keepAliveSocket, socketPath };
  const [vain] = Object.entries(given).find(([, value]) => value) ?? [];
  if (vain !== undefined)
    throw new UsageError(`the option ${vain} has no use for a url of a Unix socket, or with socketPath`);
}

function upgradeRequest({ asked, options }: Hop, cookies: string | undefined, key: string): UpgradeRequest {
  const { target, headers, protocols } = asked;
  const { host = target.host, origin, cookieJar } = options;
  const has = (name: string) => headers.some(([key]) => key.toLowerCase() === name);
  if (origin !== undefined && has("origin")) {
    throw new UsageError("the Origin is given twice: by the option origin, and among headers");
  }
  if ((asked.cookies ?? cookieJar) !== undefined && has("cookie")) {
    throw new UsageError("cookies are given twice: by the option cookies, and among headers");
  }
  const more: RawHeaders = [
    ...(has("authorization") ? [] : credentials(asked)),
    ...(cookies === undefined ? [] : [["Cookie", cookies] as const]),
  ];
  const deflate = options.perMessageDeflate;
  return { target: target.resource, host, origin, key, protocols, deflate, headers: [...more, ...headers] };
}

/** Basic credentials of the url (RFC 7617). */
function credentials({ target: { username, password } }: OpenRequest): RawHeaders {
  if (username === "" && password === "") return [];
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return [["Authorization", `Basic ${encodeBase64(bytes)}`]];
}

function refusal(answer: Answer): HandshakeError {
  const { status, statusText } = answer;
  const what = escapeControls(`${status} ${statusText}`.trim());
  const more = isRedirect(status) ? "; redirects are not followed (option redirect)" : "";
  return new HandshakeError(
    "ERR_WS_UNEXPECTED_STATUS",
    `the server refused the upgrade: ${what}${more}`,
    answer,
  );
}

// A cookie jar, asked for each request and told of each answer. It is the user's, so it may be slow, fail or talk nonsense.

import { UsageError, WebSocketError } from "../errors.ts";
import type { Target } from "../handshake/endpoint.ts";
import { valuesOf } from "../handshake/http.ts";
import type { Answer } from "../handshake/upgrade-client.ts";
import type { Transport } from "../transport/transport.ts";
import type { OpenAttempt } from "./attempt.ts";

/** Keeps cookies. Urls are http: for ws: and https: for wss:, without credentials; a server behind a Unix socket is localhost. */
export interface CookieStore {
  /** What the Cookie header of a request to that url says; undefined or "" for nothing. */
  get(url: string): string | undefined | Promise<string | undefined>;
  /** Takes a Set-Cookie header of the answer from that url. */
  set(url: string, line: string): unknown;
}

/** The Cookie header for a request, as far as the jar knows one. */
export async function cookiesFor(
  target: Target,
  jar: CookieStore,
  attempt: OpenAttempt,
): Promise<string | undefined> {
  attempt.phase("headers");
  const cookies: unknown = await attempt.guard(asked("get", () => jar.get(urlOf(target))));
  if (cookies === undefined || cookies === null || cookies === "") return undefined;
  if (typeof cookies !== "string") throw new UsageError("get() of the cookie jar is to give a string");
  return cookies;
}

/** Gives the jar all that an answer sets, in order. The transport is made to wait meanwhile. */
export async function keepCookies(
  target: Target,
  answer: Answer,
  jar: CookieStore,
  attempt: OpenAttempt,
  transport: Transport,
): Promise<void> {
  const lines = valuesOf(answer.rawHeaders, "set-cookie");
  if (lines.length === 0) return;
  const kept = asked("set", async () => {
    for (const line of lines) await jar.set(urlOf(target), line);
  });
  attempt.phase("headers");
  transport.pause();
  try {
    // A refusal whose body did not come in time is told nevertheless, without waiting for the jar.
    if (attempt.signal.aborted) kept.catch(() => {});
    else await attempt.guard(kept);
  } finally {
    transport.resume();
  }
}

/** The url that a jar knows a target by. */
function urlOf({ secure, host, resource }: Target): string {
  return `${secure ? "https" : "http"}://${host}${resource}`;
}

async function asked<Value>(name: string, call: () => Value | PromiseLike<Value>): Promise<Value> {
  try {
    return await call();
  } catch (cause) {
    throw new WebSocketError("ERR_WS_CALLBACK", `${name}() of the cookie jar failed`, { cause });
  }
}

// What is said to a request that is as it should be: the user's hooks are asked, one after the other, and what they say is
// checked, as by mistake nobody is to be let in.

import { notAnError } from "../client/callbacks.ts";
import { type RawHeaders, UsageError, WebSocketError } from "../errors.ts";
import { acceptDeflate } from "../handshake/deflate-offer.ts";
import { RefusalError } from "../handshake/refusal.ts";
import { acceptHeaders, type OpeningRequest } from "../handshake/upgrade-server.ts";
import type { DeflateAgreement } from "../protocol/compression.ts";
import type { ResolvedAccept } from "./accept-options.ts";
import type { ConnectionRequest } from "./connection-request.ts";

/** What the 101 says, and what that means. */
export interface Answer {
  readonly protocol: string;
  readonly extensions: string;
  readonly deflate: DeflateAgreement | undefined;
  readonly rawHeaders: RawHeaders;
}

/** Asks the hooks, one after the other. Rejects with RefusalError, WebSocketError. */
export async function answerTo(
  request: ConnectionRequest,
  opening: OpeningRequest,
  options: ResolvedAccept,
): Promise<Answer> {
  const { origins, verify, chooseProtocol, perMessageDeflate } = options;
  const { origin, protocols } = request;
  if (origins !== undefined && origin !== undefined && !origins.includes(origin))
    throw new RefusalError(403, {}, { why: "its Origin is none of the option origins" });
  if (!(await asked("verify", async () => isVerified(await verify(request)))))
    throw new RefusalError(403, {}, { why: "verify returned false" });
  const protocol =
    protocols.length === 0
      ? ""
      : await asked("chooseProtocol", async () =>
          isOffered(await chooseProtocol(protocols, request), protocols),
        );
  const compression = perMessageDeflate && acceptDeflate(opening.extensions, perMessageDeflate);
  const extensions = compression?.answer ?? "";
  const headers = await asked("headers", async () => options.headers(request));
  const rawHeaders = acceptHeaders(opening.key, { protocol, extensions, headers });
  return { protocol, extensions, deflate: compression?.agreement, rawHeaders };
}

/** What a hook gives. What it throws that is no refusal is nothing that a client may know. */
async function asked<Value>(name: string, call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof RefusalError) throw cause;
    if (!(cause instanceof Error)) throw notAnError(`${name}()`, cause);
    throw new WebSocketError("ERR_WS_CALLBACK", `${name}() failed: ${cause.message}`, { cause });
  }
}

/** By mistake nobody is let in. */
function isVerified(result: unknown): boolean {
  if (result === undefined || typeof result === "boolean") return result ?? true;
  throw new UsageError("verify returns true or undefined to let a client in, and false to refuse it");
}

function isOffered(choice: unknown, offered: readonly string[]): string {
  if (choice === undefined || choice === "") return "";
  if (typeof choice === "string" && offered.includes(choice)) return choice;
  throw new UsageError(
    "chooseProtocol returns one of the subprotocols that are offered, or undefined for none",
  );
}

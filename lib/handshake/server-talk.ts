// The server's side of the opening handshake as a conversation (RFC 6455 §4.2), for who has a stream of bytes and no server
// of HTTP: the request's head is read, judged, and answered.

import { decodeLatin1 } from "../bytes/latin1.ts";
import { DEFAULT_MAX_HEADER_SIZE, FIELD_VALUE, isToken, trimBlanks } from "./http.ts";
import { formatRefusal, RefusalError } from "./refusal.ts";
import type { Talk } from "./talk.ts";
import {
  type Acceptance,
  acceptHeaders,
  checkOpening,
  formatAccept,
  type OpeningRequest,
  type RequestHead,
} from "./upgrade-server.ts";

/** What a server has to say about requests besides its answer. */
export interface UpgradeServerOptions {
  /** Whether the stream is inside TLS, which makes the url one of wss. Default false. */
  readonly secure?: boolean;
  /** The largest head of a request taken, in bytes. Default 65 536. */
  readonly maxHeaderSize?: number;
}

/** What was asked for, and what it was answered. */
export interface Accepted {
  readonly request: OpeningRequest;
  readonly head: RequestHead;
  readonly acceptance: Acceptance;
}

const PLAIN: Acceptance = { protocol: "", extensions: "", headers: [] };

/** Reads the head of a request. Throws RefusalError for what is none. */
export function* readRequest(maxHeaderSize: number = DEFAULT_MAX_HEADER_SIZE): Talk<RequestHead> {
  let left = maxHeaderSize;
  function* nextLine(): Talk<string> {
    const bytes = yield { line: left };
    left -= bytes.length;
    const line = decodeLatin1(bytes);
    if (line.endsWith("\r\n")) return line.slice(0, -2);
    throw left === 0
      ? refusal(431, `its head exceeds maxHeaderSize (${maxHeaderSize} bytes)`)
      : refusal(400, "a line of its head does not end in CRLF");
  }
  const [, method, target, httpVersion] = /^([!-~]+) ([!-~]+) HTTP\/(1\.\d)$/.exec(yield* nextLine()) ?? [];
  if (method === undefined || target === undefined || httpVersion === undefined || !isToken(method))
    throw refusal(400, "its first line is not that of a request");
  const rawHeaders: [string, string][] = [];
  for (let line = yield* nextLine(); line !== ""; line = yield* nextLine()) {
    const colon = line.indexOf(":");
    const [name, value] = [line.slice(0, colon), trimBlanks(line.slice(colon + 1))];
    if (colon === -1 || !isToken(name) || !FIELD_VALUE.test(value))
      throw refusal(400, "its head has a malformed line");
    rawHeaders.push([name, value]);
  }
  return { method, target, httpVersion, rawHeaders };
}

/**
 * Reads a request, and accepts it as `answer` says, or refuses it if that throws a RefusalError; by default it is accepted
 * without a subprotocol. What was refused, and told to the client, has the RefusalError for its result.
 */
export function* upgradeServer(
  answer: (request: OpeningRequest, head: RequestHead) => Acceptance = () => PLAIN,
  { secure = false, maxHeaderSize }: UpgradeServerOptions = {},
): Talk<Accepted | RefusalError> {
  try {
    const head = yield* readRequest(maxHeaderSize);
    const request = checkOpening(head, secure);
    const acceptance = answer(request, head);
    yield { send: formatAccept(acceptHeaders(request.key, acceptance)) };
    return { request, head, acceptance };
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    yield { send: formatRefusal(error) };
    return error;
  }
}

function refusal(status: number, why: string): RefusalError {
  return new RefusalError(status, { body: `${why}\n` }, { why });
}

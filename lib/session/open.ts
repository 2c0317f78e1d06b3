// Opens a session over a platform's transport: dial, converse, check, join.

import { encodeBase64 } from "../bytes/base64.ts";
import { HandshakeError, UsageError, WebSocketError } from "../errors.ts";
import type { Target } from "../handshake/endpoint.ts";
import {
  type Answer,
  checkUpgrade,
  formatUpgrade,
  type UpgradeRequest,
  upgradeClient,
  upgradeHeaders,
} from "../handshake/upgrade-client.ts";
import type { Platform, Transport } from "../transport/transport.ts";
import { OpenAttempt } from "./attempt.ts";
import { converse } from "./converse.ts";
import { dial } from "./dial.ts";
import type { Open, OpenOptions, OpenRequest } from "./session.ts";
import { Trace } from "./trace.ts";
import { WireSession } from "./wire.ts";

/** How a platform with sockets opens sessions. */
export function openWire(platform: Platform): Open {
  return async (options) => {
    const attempt = new OpenAttempt(options.timeout, options.signal);
    let url = options.publicUrl;
    let transport: Transport | undefined;
    try {
      // 1. Whatever is computed anew for each attempt.
      attempt.signal.throwIfAborted();
      attempt.phase("headers");
      const asked = await attempt.guard(options.request());
      const { target } = asked;
      url = target.publicUrl;
      const request = upgradeRequest(asked, options, platform.key());
      const bytes = formatUpgrade(request);

      // 2. A stream of bytes to the server.
      transport = await dial(platform, target, options, attempt);

      // 3. The handshake.
      attempt.phase("handshake");
      const trace = options.trace && new Trace(options.trace);
      trace?.request("GET", request.target, upgradeHeaders(request));
      const { result: answer, handOver } = await converse(
        transport,
        upgradeClient(bytes, options.maxHeaderSize),
        attempt.signal,
      );
      trace?.response(answer);
      if (answer.status !== 101) throw refusal(answer);
      const agreement = checkUpgrade(answer, request, options.requireProtocol);

      // 4. From here on everything is a stream, and its own signal is listened to.
      attempt.signal.throwIfAborted();
      const { status, statusText, rawHeaders } = answer;
      const response = { status, statusText, rawHeaders };
      const { url: shownUrl, publicUrl, secure } = target;
      const opened = {
        role: "client" as const,
        url: shownUrl,
        publicUrl,
        secure,
        ...agreement,
        response,
      };
      const session = new WireSession(platform, transport, opened, options, trace);
      handOver(session);
      return session;
    } catch (error) {
      transport?.destroy();
      throw error instanceof WebSocketError ? error.locate(url) : error;
    } finally {
      attempt.done();
    }
  };
}

function upgradeRequest(asked: OpenRequest, options: OpenOptions, key: string): UpgradeRequest {
  const { target } = asked;
  if (options.origin !== undefined && asked.headers.some(([name]) => name.toLowerCase() === "origin")) {
    throw new UsageError("the Origin is given twice: by the option origin, and among headers");
  }
  return {
    target: target.resource,
    host: options.host ?? target.host,
    origin: options.origin,
    key,
    protocols: asked.protocols,
    headers: [...credentials(target, asked.headers), ...asked.headers],
  };
}

/** Basic credentials of the url (RFC 7617), unless the caller sends an Authorization of its own. */
function credentials(target: Target, headers: OpenRequest["headers"]): [string, string][] {
  if (target.username === "" && target.password === "") return [];
  if (headers.some(([name]) => name.toLowerCase() === "authorization")) return [];
  const bytes = new TextEncoder().encode(`${target.username}:${target.password}`);
  return [["Authorization", `Basic ${encodeBase64(bytes)}`]];
}

function refusal(answer: Answer): HandshakeError {
  const { status, statusText, rawHeaders } = answer;
  const location = rawHeaders.find(([name]) => name.toLowerCase() === "location")?.[1];
  const redirects = status >= 300 && status < 400 && location !== undefined;
  const message = `the server refused the upgrade: ${`${status} ${statusText}`.trim()}${redirects ? "; redirects are not followed" : ""}`;
  return new HandshakeError("ERR_WS_UNEXPECTED_STATUS", message, answer);
}

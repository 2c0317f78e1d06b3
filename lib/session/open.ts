// Opens a session over a platform's transport, and follows redirects on the way to it.

import { WebSocketError } from "../errors.ts";
import type { Platform } from "../transport/transport.ts";
import { OpenAttempt } from "./attempt.ts";
import { type Hop, takeHop } from "./hop.ts";
import type { Open } from "./session.ts";
import { WireSession } from "./wire.ts";

/** How a platform with sockets opens sessions. */
export function openWire(platform: Platform): Open {
  return async (options, callOff) => {
    const attempt = new OpenAttempt(options.timeout, options.signal, callOff);
    let url = options.publicUrl;
    try {
      // 1. Whatever is computed anew for each attempt.
      attempt.signal.throwIfAborted();
      attempt.phase("headers");
      const request = options.request();
      const asked = request instanceof Promise ? await attempt.guard(request) : request;
      let next: WireSession | Hop = { asked, options, trail: [] };

      // 2. One request after another, until one is granted.
      while (!(next instanceof WireSession)) {
        url = next.asked.target.publicUrl;
        next = await takeHop(next, platform, attempt);
      }
      return next;
    } catch (error) {
      throw error instanceof WebSocketError ? error.locate(url) : error;
    } finally {
      attempt.done();
    }
  };
}

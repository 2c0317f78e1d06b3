// Bun's sockets.

import { bun } from "../../lib/transport/bun.ts";
import { cleanUp } from "../support/clean-up.ts";
import { runtime } from "../support/runtime.ts";
import { STREAMS } from "../support/ws-server.ts";
import { describePlatform, describeStreams } from "./sockets.ts";

if (runtime === "bun") {
  describe("bun", () => {
    const use = cleanUp();
    describeStreams(bun, STREAMS, use);
    describePlatform(bun, use);
  });
}

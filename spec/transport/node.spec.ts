// Node's sockets.

import { node } from "../../lib/transport/node.ts";
import { cleanUp } from "../support/clean-up.ts";
import { runtime } from "../support/runtime.ts";
import { STREAMS } from "../support/ws-server.ts";
import { describePlatform, describeStreams } from "./sockets.ts";

if (runtime === "node") {
  describe("node", () => {
    const use = cleanUp();
    describeStreams(node, STREAMS, use);
    describePlatform(node, use);
  });
}

// An address whose connections neither open nor fail, as where a network has no way: a listener that accepts nobody ever
// again. Once its queue is full, Linux drops every further SYN.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Use } from "./clean-up.ts";

/** Listens, says at which port, and hears nothing more. In Node, as not every runtime has so short a queue. */
const PROGRAM = `
  const server = require("node:net").createServer();
  server.listen({ host: process.argv[1], port: 0, backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** The queue's length, and one more, as Linux counts. */
const QUEUE = 2;

/** The port of a black hole at `address`, which is one of this machine. */
export async function blackHole(use: Use, address: string): Promise<number> {
  const child = spawn("node", ["-e", PROGRAM, address], { stdio: ["ignore", "pipe", "inherit"] });
  const waiting: Socket[] = [];
  use({
    async close() {
      for (const socket of waiting) socket.destroy();
      child.kill("SIGKILL");
      await once(child, "close");
    },
  });
  const port = Number(String((await once(child.stdout, "data"))[0]));
  while (waiting.length < QUEUE) {
    const socket = connect(port, address);
    waiting.push(socket.on("error", () => {}));
    await once(socket, "connect");
  }
  return port;
}

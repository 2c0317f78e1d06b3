// A server that floods one connection, from a process of its own: between two turns of the loop no more of it is delivered than
// is read in one, so that timers, other connections and what else the program does have theirs.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { expect } from "chai";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { createConnection, runtime, WebSocketApp } from "../support/runtime.ts";

/** Upgrades; then floods whoever asks for /flood with texts, and answers all that others send with one text. */
const SERVER = `
  const { createHash } = require("node:crypto");
  const text = Buffer.concat([Buffer.of(0x81, 32), Buffer.alloc(32, "a")]);
  const many = Buffer.concat(new Array(4096).fill(text));
  require("node:net").createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => {
      const key = /sec-websocket-key: (.*)\\r/i.exec(head)[1];
      const accept = createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
      socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n" +
        "Sec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n");
      if (!String(head).startsWith("GET /flood")) return socket.on("data", () => socket.write(text));
      const flood = () => { while (!socket.destroyed && socket.write(many)); };
      socket.on("drain", flood).resume();
      flood();
    });
  }).listen(0, "127.0.0.1", function () { console.log(this.address().port); });
`;

/** Bytes of a text on the wire. */
const TEXT_BYTES = 34;

/** As many reads of one socket as the runtime makes before the next has its turn: 32 of 64 KiB, in Bun 11 of 512. */
const TURN_BYTES = (runtime === "bun" ? 11 * 512 : 32 * 64) * 1024;

/** As much of a flood comes before the answer to another connection: of ten the least, as a machine may be busy. */
const WAIT_BYTES = 32 * 1024 * 1024;

class FloodServer {
  readonly #child: ChildProcessByStdio<null, Readable, null>;

  constructor() {
    this.#child = spawn("node", ["-e", SERVER], { stdio: ["ignore", "pipe", "inherit"] });
  }

  async url(): Promise<string> {
    const [port] = await once(this.#child.stdout, "data");
    return `ws://127.0.0.1:${String(port).trim()}`;
  }

  async close(): Promise<void> {
    this.#child.kill();
    await once(this.#child, "close");
  }
}

describe("A flood on one connection", () => {
  const use = cleanUp();

  it("leaves timers their turn after 2 MiB at the most, in Bun 5.5, and other connections soon", async () => {
    const url = await use(new FloodServer()).url();
    let flooded = 0;
    const app = new WebSocketApp(`${url}/flood`, { onMessage: () => void flooded++ });
    const run = app.runForever();
    const other = use(await createConnection(url));
    while (flooded === 0) await nextTurn();

    let most = 0;
    let before = flooded;
    const turn = () => {
      most = Math.max(most, flooded - before);
      before = flooded;
      if (app.connection !== undefined) setImmediate(turn);
    };
    turn();
    let wait = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 10; i++) {
      const then = flooded;
      await other.send("?");
      expect(await other.recv()).to.have.length(32);
      wait = Math.min(wait, flooded - then);
      await new Promise((resolve) => setTimeout(resolve, 1));
      while (flooded === then) await nextTurn(); // it goes on
    }
    app.terminate();
    await run;
    await other.close();
    // A text that was cut is delivered with the read behind it.
    expect(most * TEXT_BYTES).to.be.within(1, TURN_BYTES + TEXT_BYTES);
    expect(wait * TEXT_BYTES).to.be.below(WAIT_BYTES);
  });
});

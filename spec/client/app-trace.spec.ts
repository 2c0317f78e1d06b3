// What the trace of an app tells besides heads and frames.

import { expect } from "chai";
import { cleanUp } from "../support/clean-up.ts";
import { NOWHERE } from "../support/peer.ts";
import { rawServer } from "../support/raw-server.ts";
import { WebSocketApp } from "../support/runtime.ts";

describe("the trace of an app", () => {
  const use = cleanUp();

  it("says that it is connected, connects again, and is done", async () => {
    const { url, accepted } = await rawServer(use);
    const notes: string[] = [];
    const events: number[] = [];
    const app = new WebSocketApp(url, {
      reconnect: { minDelay: 1, maxAttempts: 2 },
      trace: {
        write: (line) => /^(---|\+\+|[\w-]+: |GET|HTTP|$)/.test(line) || notes.push(line),
        event: (event) => event.kind === "note" && events.push(event.connection),
      },
    });
    const run = app.runForever();
    (await accepted.next()).close(1001);
    const second = await accepted.next();
    second.socket.once("data", () => second.close(4000, "enough"));
    second.send(9);
    await run;
    expect(notes.map((note) => note.replace(/in \d+ ms$/, "in N ms"))).to.deep.equal([
      "Websocket connected",
      "closed with code 1001 - reconnect, attempt 1 in N ms",
      "Websocket connected",
      "closed with code 4000 - goodbye",
    ]);
    const [first] = events;
    expect(events).to.deep.equal([first, first, Number(first) + 1, Number(first) + 1]);
  });

  it("says why a connection could not be had", async () => {
    const lines: string[] = [];
    const app = new WebSocketApp(`${NOWHERE}?token=secret`, {
      trace: { write: (line) => lines.push(line) },
    });
    await app.runForever();
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^cannot connect to .* \[ws:.*\?token=\*\*\*\] - goodbye$/);
  });
});

// The one switch of the library, and the option that goes before it.

import { expect } from "chai";
import { enableTrace, traceSink } from "../../lib/client/enable-trace.ts";
import { resolveSockets } from "../../lib/client/socket-options.ts";
import { UsageError } from "../../lib/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { printed } from "../support/console.ts";
import { thrown } from "../support/failure.ts";
import { pair, running } from "../support/raw-server.ts";

/** A sink that keeps its lines. */
function recordingSink(): { lines: string[]; write(line: string): void } {
  const lines: string[] = [];
  return { lines, write: (line) => void lines.push(line) };
}

describe("enableTrace", () => {
  const use = cleanUp();
  afterEach(() => enableTrace(false));

  it("traces both shapes from then on", async () => {
    const sink = recordingSink();
    const { ws } = await pair(use);
    enableTrace(sink);
    await ws.send("opened before");
    expect(sink.lines).to.deep.equal([]);

    await pair(use);
    expect(sink.lines[0]).to.equal("--- request header ---");
    sink.lines.length = 0;
    const { app, run } = await running(use);
    expect(sink.lines[0]).to.equal("--- request header ---");
    app.terminate();
    await run;
  });

  it("is turned off again", async () => {
    const sink = recordingSink();
    enableTrace(sink);
    enableTrace(false);
    await pair(use);
    expect(sink.lines).to.deep.equal([]);
  });

  it("goes behind a connection's own trace", async () => {
    const [everybodys, own] = [recordingSink(), recordingSink()];
    enableTrace(everybodys);
    await pair(use, { trace: own });
    await pair(use, { trace: false });
    expect(everybodys.lines).to.deep.equal([]);
    expect(own.lines[0]).to.equal("--- request header ---");
  });

  it("writes to the console's error stream if it is told no other place", async () => {
    const lines = await printed(async () => {
      enableTrace();
      await pair(use);
      enableTrace(false);
      await pair(use, { trace: true });
    });
    expect(lines.filter((line) => line === "--- request header ---")).to.have.length(2);
  });

  it("refuses what is no trace", () => {
    for (const wrong of [null, 1, {}, "console"]) {
      expect(thrown(() => enableTrace(wrong as never), UsageError).code).to.equal("ERR_WS_INVALID_ARGUMENT");
    }
    expect(resolveSockets("ws://a/").trace, "and stays as it was").to.equal(undefined);
  });
});

describe("traceSink", () => {
  const use = cleanUp();

  it("writes to the sink that was given, or is none", () => {
    const sink = recordingSink();
    traceSink(sink)?.write("a line");
    expect(sink.lines).to.deep.equal(["a line"]);
    expect(traceSink({ ...sink, redact: false })?.redact).to.equal(false);
    expect(traceSink(false)).to.equal(undefined);
    expect(traceSink(undefined)).to.equal(undefined);
  });

  it("costs the connection nothing when the sink throws", async () => {
    const failure = new Error("the disk is full");
    const trace = {
      write() {
        throw failure;
      },
    };
    const errors = await printed(async () => {
      const { ws, server } = await pair(use, { trace });
      server.send(1, "a message");
      expect(await ws.recv()).to.equal("a message");
    });
    expect(new Set(errors)).to.deep.equal(new Set([failure]));
  });
});

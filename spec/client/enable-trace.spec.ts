// The one switch of the library, and the option that goes before it.

import { expect } from "chai";
import type { Connection } from "../../lib/client/connection.ts";
import { enableTrace, traceOf } from "../../lib/client/enable-trace.ts";
import { resolveSockets } from "../../lib/client/socket-options.ts";
import { UsageError } from "../../lib/errors.ts";
import type { TraceSink } from "../../lib/session/trace.ts";
import type { TraceEvent } from "../../lib/session/trace-event.ts";
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

  it("takes the place of an earlier call: nothing is told twice", async () => {
    const [first, second] = [recordingSink(), recordingSink()];
    enableTrace(first);
    enableTrace(second);
    enableTrace(second);
    await pair(use);
    expect(first.lines).to.deep.equal([]);
    expect(second.lines.filter((line) => line === "--- request header ---")).to.have.length(1);
    const lines = await printed(async () => {
      enableTrace();
      enableTrace(true);
      await pair(use);
    });
    expect(lines.filter((line) => line === "--- request header ---")).to.have.length(1);
  });

  it("refuses what is no trace", () => {
    const write = () => {};
    const wrongs = [null, 1, {}, "console", () => {}, { write: 1 }, { event: "x" }, { write, event: null }];
    for (const wrong of [...wrongs, { redact: false }, { write, redact: "no" }, { write, redact: null }]) {
      expect(thrown(() => enableTrace(wrong as never), UsageError).code).to.equal("ERR_WS_INVALID_ARGUMENT");
    }
    expect(resolveSockets("ws://a/").trace, "and stays as it was").to.equal(undefined);
  });
});

describe("traceOf", () => {
  const use = cleanUp();

  it("tells the sink that was given, or is none", () => {
    const sink = recordingSink();
    traceOf(sink)?.note("a line");
    expect(sink.lines).to.deep.equal(["a line"]);
    expect(traceOf(false)).to.equal(undefined);
    expect(traceOf(undefined)).to.equal(undefined);
  });

  it("calls a sink's functions as its methods, those of a class too", () => {
    class Sink {
      readonly told: unknown[] = [];
      write(line: string) {
        this.told.push(line);
      }
      event({ kind }: TraceEvent) {
        this.told.push(kind);
      }
    }
    const sink = new Sink();
    traceOf(sink)?.note("a line");
    expect(sink.told).to.deep.equal(["a line", "note"]);
  });

  it("hides secrets unless it is told not to", () => {
    const rows: [redact: boolean | undefined, shown: string][] = [
      [undefined, "Cookie: ***"],
      [true, "Cookie: ***"],
      [false, "Cookie: a=b"],
    ];
    for (const [redact, shown] of rows) {
      const sink = recordingSink();
      traceOf({ write: (line) => sink.write(line), ...(redact !== undefined && { redact }) })?.request(
        "GET",
        "/",
        [["Cookie", "a=b"]],
      );
      expect(sink.lines).to.include(shown);
    }
  });

  const failure = new Error("the disk is full");
  const fail = () => {
    throw failure;
  };
  const failLater = () => Promise.reject(failure);
  const rows: [title: string, sink: TraceSink][] = [
    ["throws", { write: fail, event: fail }],
    ["rejects", { write: failLater, event: failLater }],
    ["never settles", { write: () => new Promise(() => {}) }],
  ];
  for (const [title, trace] of rows) {
    it(`costs the connection nothing when the sink ${title}`, async () => {
      const errors = await printed(async () => {
        const { ws, server } = await pair(use, { trace });
        server.send(1, "a message");
        expect(await ws.recv()).to.equal("a message");
        await ws.send("another");
        expect(await server.text()).to.equal("another");
      });
      expect(new Set(errors)).to.deep.equal(new Set(title === "never settles" ? [] : [failure]));
    });
  }

  it("tells a sink nothing of what it sends when it is told something", async () => {
    const held: { ws?: Connection } = {};
    const lines: string[] = [];
    const write = (line: string) => {
      lines.push(line);
      void held.ws?.send(line);
    };
    const { ws, server } = await pair(use, { trace: { write } });
    held.ws = ws;
    lines.length = 0;
    void ws.send("once");
    const sent = (await server.frames.take(3)).map(({ payload }) => payload.toString());
    expect(sent).to.deep.equal(["once", ...lines]);
    expect(lines).to.have.length(2);
    server.send(1, "and back");
    expect(await server.text()).to.include("Rcv raw");
    expect(await server.text()).to.include("Rcv decoded");
    expect(lines).to.have.length(4);
  });

  it("lets a sink close what it traces", async () => {
    const held: { ws?: Connection } = {};
    const trace: TraceSink = {
      write(line) {
        if (line.startsWith("++Rcv raw")) held.ws?.terminate();
      },
    };
    const { ws, server } = await pair(use, { trace });
    held.ws = ws;
    server.send(1, "the last");
    server.send(1, "nothing behind it");
    expect((await ws.closed).code).to.equal(1006);
  });
});

// Lines to events: those of each connection, and nothing that is no recording.

import { expect } from "chai";
import { UsageError } from "../../lib/errors.ts";
import { bytesOf, connectionsOf, fieldOf } from "../../lib/session/recording.ts";
import { replay } from "../../lib/session/replay.ts";
import { thrown } from "../support/failure.ts";

describe("connectionsOf", () => {
  const lines = [
    '{"event":"open","connection":1,"at":0,"version":1}',
    '{"event":"open","connection":2,"at":0,"version":1}',
    '{"event":"end","connection":1,"at":5}',
    '{"event":"closed","connection":2,"at":4}',
  ];

  it("sorts the events of connections that went on at the same time", () => {
    for (const recording of [lines, lines.join("\n"), `\n${lines.join("\r\n")}\n\n`, new Set(lines)]) {
      const connections = connectionsOf(recording).map((events) => events.map(({ event }) => event));
      expect(connections).to.deep.equal([
        ["open", "end"],
        ["open", "closed"],
      ]);
    }
    expect(connectionsOf("")).to.deep.equal([]);
  });

  for (const [title, recording] of [
    ["no JSON", "{"],
    ["no event", "5"],
    ["null", "null"],
    ["an event of no connection", '{"event":"sent","connection":1,"at":0,"bytes":""}'],
    ["another version", '{"event":"open","connection":1,"at":0,"version":2}'],
  ] as const) {
    it(`refuses ${title}`, () => {
      thrown(() => replay(recording), UsageError);
    });
  }
});

describe("bytesOf", () => {
  it("reads base64, and refuses what is none", () => {
    const event = { event: "sent", connection: 1, at: 0 } as const;
    expect(bytesOf({ ...event, bytes: "AP8=" })).to.deep.equal(Uint8Array.of(0, 255));
    expect(bytesOf(event)).to.have.length(0);
    thrown(() => bytesOf({ ...event, bytes: "!" }), UsageError);
  });
});

describe("fieldOf", () => {
  it("finds a field, whatever its case and blanks", () => {
    const head = "GET / HTTP/1.1\r\nsec-WebSocket-KEY:  abc \r\nX: y\r\n\r\n";
    expect(fieldOf(head, "sec-websocket-key")).to.equal("abc");
    expect([fieldOf(head, "host"), fieldOf(undefined, "x")]).to.deep.equal([undefined, undefined]);
  });
});

// Tolerances after the upgrade: what is taken where its name was given, what of it is told, and that nothing else is taken.

import { expect } from "chai";
import { encodeHeader } from "../../lib/codec/frame-encoder.ts";
import { TEXT } from "../../lib/codec/opcode.ts";
import type { CloseInfo } from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import type { ProtocolOptions } from "../../lib/protocol/protocol.ts";
import { TOLERANCES, type Tolerance, tolerates } from "../../lib/protocol/tolerance.ts";
import { bytesTo, feed, play, ROLES, type Row } from "../support/both-roles.ts";
import { deflating, packed } from "../support/deflate.ts";
import { concat, hex } from "../support/hex.ts";
import { type Recorded, record } from "../support/recorder.ts";
import { splits } from "../support/splits.ts";

const NAMES = TOLERANCES;

/** A row that is played strictly, and with the tolerance. */
type Deviation = [title: string, input: string, strict: string[], tolerant: string[]];

const end = ({ protocol }: Recorded) => protocol.receiveEnd();

describe("tolerates", () => {
  it("is true for what is tolerated, and tells of it", () => {
    for (const name of NAMES) {
      const told: Tolerance[] = [];
      const observer = { tolerated: (name: Tolerance) => void told.push(name) };
      expect(tolerates(name, { tolerate: NAMES, observer })).to.equal(true);
      expect(tolerates(name, { tolerate: NAMES.filter((other) => other !== name), observer })).to.equal(
        false,
      );
      expect(tolerates(name, { observer })).to.equal(false);
      expect(told).to.deep.equal([name]);
      expect(tolerates(name, { tolerate: [name] })).to.equal(true);
      expect(tolerates(name, { tolerate: [name], observer: {} })).to.equal(true);
    }
  });
});

describe("Protocol: binaryAsText", () => {
  const FAILED = ["closing", "ended 1006 ERR_WS_INVALID_UTF8"];
  const rest = ['message "b"', "ended 1006"];
  const after = " | 81 01 62";
  const rows: Deviation[] = [
    ["bytes as text", `81 02 61 ff${after}`, FAILED, ["message 61ff", ...rest]],
    ["a character that is cut off", `81 03 61 e2 82${after}`, FAILED, ["message 61e282", ...rest]],
    ["half a surrogate", `81 03 ed a0 80${after}`, FAILED, ["message eda080", ...rest]],
    ["in the first fragment", `01 01 ff | 80 01 61${after}`, FAILED, ["message ff61", ...rest]],
    ["in the last", `01 01 61 | 80 01 ff${after}`, FAILED, ["message 61ff", ...rest]],
    ["cut off by the last", `01 01 61 | 80 01 c3${after}`, FAILED, ["message 61c3", ...rest]],
    [
      "over two fragments, with a ping between",
      `01 01 c3 | 89 00 | 80 01 28${after}`,
      ["ping ", ...FAILED],
      ["ping ", "message c328", ...rest],
    ],
    ["text that is text", "81 02 c3 a9", ['message "é"', "ended 1006"], ['message "é"', "ended 1006"]],
    ["bytes that are bytes", "82 01 ff", ["message ff", "ended 1006"], ["message ff", "ended 1006"]],
  ];
  const strictly = (which: 2 | 3) =>
    rows.map((row): [string, string, string[]] => [row[0], row[1], row[which]]);

  for (const role of ROLES) {
    for (const [options, all] of [
      [{ tolerate: NAMES.filter((name) => name !== "binaryAsText") }, strictly(2)],
      [{ tolerate: ["binaryAsText"] }, strictly(3)],
    ] as [Partial<ProtocolOptions>, [string, string, string[]][]][]) {
      for (const [title, input, events] of all) {
        it(`${title} (${role}, ${options.tolerate?.length === 1 ? "tolerated" : "not tolerated"})`, () => {
          for (const { title: cut, chunks } of splits(bytesTo(role, input))) {
            const recorded = record(role, options);
            feed(recorded, chunks);
            end(recorded);
            expect(recorded.events, cut).to.deep.equal(events);
          }
        });
      }
    }
  }

  it("tells of each message once", () => {
    for (const { title, chunks } of splits(hex("01 01 ff 00 01 ff 80 01 ff 81 02 61 ff"))) {
      const told: Tolerance[] = [];
      const observer = { sent() {}, received() {}, tolerated: (name: Tolerance) => void told.push(name) };
      const recorded = record("client", { tolerate: ["binaryAsText"], observer });
      feed(recorded, chunks);
      expect(recorded.events, title).to.deep.equal(["message ffffff", "message 61ff"]);
      expect(told, title).to.deep.equal(["binaryAsText", "binaryAsText"]);
    }
  });

  it("is not for what is handed out in pieces", () => {
    for (const delivery of ["frames", "parts"] as const) {
      for (const input of ["01 01 61 | 00 01 ff", "01 01 ff", "81 02 61 ff"]) {
        const recorded = record("client", { tolerate: ["binaryAsText"] });
        recorded.protocol.delivery = delivery;
        feed(recorded, [bytesTo("client", input)]);
        end(recorded);
        expect(recorded.events.slice(-2), `${delivery}: ${input}`).to.deep.equal(FAILED);
      }
    }
  });

  it("is not for a message of which a piece was handed out as text, whatever the rest is handed out as", () => {
    const recorded = record("client", { tolerate: ["binaryAsText"] });
    recorded.protocol.delivery = "parts";
    feed(recorded, [hex("01 01 61")]);
    recorded.protocol.delivery = "whole";
    feed(recorded, [hex("80 01 ff")]);
    end(recorded);
    expect(recorded.events).to.deep.equal(['piece "a" 1', ...FAILED]);
  });

  describe("of a large message that was compressed, of which text was cut off already", () => {
    const euros = Uint8Array.from({ length: 65_520 }, (_, i) => [0xe2, 0x82, 0xac][i % 3] ?? 0);
    const large = new Array<Uint8Array>(17).fill(euros);

    for (const [title, last] of [
      ["in the middle of the last block", "6162ff63"],
      ["cut off at the end", "6162e282"],
    ] as const) {
      it(title, () => {
        const parts = [...large, hex(last)];
        const messages: Message[] = [];
        const told: Tolerance[] = [];
        const recorded = record(
          "client",
          {
            ...deflating("driven"),
            tolerate: ["binaryAsText"],
            observer: { sent() {}, received() {}, tolerated: (name) => void told.push(name) },
          },
          { message: (data) => void messages.push(data) },
        );
        const payload = packed(concat(...parts));
        recorded.protocol.receive(encodeHeader(TEXT, true, true, payload.length, null));
        recorded.protocol.receive(payload);
        while (recorded.turn());
        recorded.protocol.receiveEnd();
        expect(messages).to.have.length(1);
        const [message = ""] = messages;
        expect(message).to.be.instanceOf(Uint8Array);
        expect(Buffer.compare(message as Uint8Array, concat(...parts)), "the same bytes").to.equal(0);
        expect(told).to.deep.equal(["binaryAsText"]);
      });
    }
  });
});

describe("Protocol: malformedCloseAfterLocalClose", () => {
  const close = ({ protocol }: Recorded) => protocol.close(4001, "bye");
  const OURS = "88050fa1627965";
  const rows: Deviation[] = [
    ["a reason without its code, as gevent-websocket's", "88 03 627965", [], []],
    ["half a code", "88 01 0f", [], []],
    ["a code that may not travel", "88 02 03ed", [], []],
    ["a reason that is not UTF-8", "88 03 0fa1 ff", [], []],
  ];
  const tolerant = rows.map(([title, input]): Row => {
    return [title, input, ["closing", "closing", "ended 4001 bye"], OURS];
  });
  play(tolerant, { tolerate: ["malformedCloseAfterLocalClose"] }, close, end);
  const strict = rows.map(([title, input]): Row => {
    const code = input.endsWith("ff") ? "ERR_WS_INVALID_UTF8" : "ERR_WS_PROTOCOL";
    return [`not tolerated: ${title}`, input, ["closing", "closing", `ended 1006 ${code}`], OURS];
  });
  play(strict, { tolerate: ["binaryAsText"] }, close, end);

  play(
    [
      [
        "one that can be read is an answer like any",
        "88 02 03e8",
        ["closing", "closing", "ended 1000 clean"],
        OURS,
      ],
      ["one that is empty, too", "88 00", ["closing", "closing", "ended 1005 clean"], OURS],
      ["one that is no frame", "88 7e 0080", ["closing", "closing", "ended 1006 ERR_WS_PROTOCOL"], OURS],
      [
        "one that is not the last frame",
        "08 02 03e8",
        ["closing", "closing", "ended 1006 ERR_WS_PROTOCOL"],
        OURS,
      ],
    ],
    { tolerate: NAMES },
    close,
    end,
  );
  play(
    [["one that comes first fails", "88 03 627965", ["closing", "ended 1006 ERR_WS_PROTOCOL"], "880203ea"]],
    { tolerate: NAMES },
    undefined,
    end,
  );

  it("leaves no error, nothing received, and what we sent", () => {
    const infos: CloseInfo[] = [];
    const told: Tolerance[] = [];
    const recorded = record(
      "client",
      {
        tolerate: ["malformedCloseAfterLocalClose"],
        observer: { sent() {}, received() {}, tolerated: (name) => void told.push(name) },
      },
      { ended: (info) => infos.push(info) },
    );
    close(recorded);
    feed(recorded, [hex("88 03 627965 81 01 61")]);
    expect(recorded.protocol.isShaken).to.equal(true);
    end(recorded);
    const sent = { code: 4001, reason: "bye" };
    expect(infos).to.deep.equal([{ ...sent, wasClean: false, sent }]);
    expect(told).to.deep.equal(["malformedCloseAfterLocalClose"]);
  });
});

// Faults 27 to 41: frames from the server that no server may send, and those that only look so.

import { expect } from "chai";
import { PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { cleanUp } from "../support/clean-up.ts";
import { closeFrame, frame } from "../support/raw-server.ts";
import { scripted } from "../support/script.ts";
import { play, type Scene } from "../support/script-scenes.ts";
import { goodbye, hear, say, send, upgrade } from "../support/script-steps.ts";

/** The server sends a message, and then what fails the connection. */
function failing(title: string, bytes: string, end: string, options: Scene["options"] = {}): Scene {
  return { title, script: [upgrade(), send(`81 02 6f6b | ${bytes}`)], messages: ["ok"], end, options };
}

/** The server sends what is good for all its looks, and closes. */
function fine(title: string, bytes: string, messages: string[], options: Scene["options"] = {}): Scene {
  return { title, script: [upgrade(), send(bytes), ...goodbye()], messages, end: GOOD, options };
}

const GOOD = "1000 clean, told 1000";
const PROTOCOL = "1006 ProtocolError ERR_WS_PROTOCOL, told 1002";
const UTF8 = "1006 ProtocolError ERR_WS_INVALID_UTF8, told 1007";
const TOO_BIG = "1006 LimitError ERR_WS_MESSAGE_TOO_BIG, told 1009";
const TOO_MANY = "1006 LimitError ERR_WS_TOO_MANY_FRAGMENTS, told 1008";

const RESERVED_OPCODES = [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf];

describe("faults: frames", () => {
  const use = cleanUp();

  play(use, [
    failing("27: a masked frame", "81 81 01020304 60", PROTOCOL),
    failing("27: a masked frame, though its key is 0", "81 81 00000000 61", PROTOCOL),
    failing("27: a masked frame of no bytes", "89 80 01020304", PROTOCOL),

    failing("28: RSV1 without compression", "c1 00", PROTOCOL),
    failing("28: RSV2", "a1 00", PROTOCOL),
    failing("28: RSV3", "91 00", PROTOCOL),
    failing("28: RSV1 on a continuation", "01 01 61 | c0 01 62", PROTOCOL),
    failing("28: RSV1 on a ping", "c9 00", PROTOCOL),

    ...RESERVED_OPCODES.map((opcode) =>
      failing(`29: opcode ${opcode}`, `${(0x80 | opcode).toString(16)} 00`, PROTOCOL),
    ),

    failing("30: a ping in fragments", "09 00", PROTOCOL),
    failing("30: a Close frame in fragments", "08 02 03e8", PROTOCOL),
    failing("30: a pong in fragments", "0a 00", PROTOCOL),
    failing("30: a pong of 126 bytes, before they come", "8a 7e 007e", PROTOCOL),
    failing("30: a Close frame of 65 536 bytes, before they come", "88 7f 0000000000010000", PROTOCOL),
    failing("30: a ping of 126 bytes", `89 7e 007e ${"61".repeat(126)}`, PROTOCOL),

    failing("31: a continuation of nothing", "80 01 61", PROTOCOL),
    failing("31: a continuation behind a whole message", "80 01 62", PROTOCOL),
    failing("31: a message within another", "01 01 61 | 81 01 62", PROTOCOL),

    fine("32: a pong between fragments", "01 01 61 | 8a 01 70 | 80 01 62", ["ab"]),
    {
      title: "32: a ping between fragments is answered at once",
      script: [
        upgrade(),
        send("01 01 61 | 89 02 6869"),
        hear(PONG, ({ payload }) => expect(payload.toString()).to.equal("hi")),
        send("80 01 62"),
        ...goodbye(),
      ],
      messages: ["ab"],
      end: GOOD,
    },
    {
      title: "32: a Close frame between fragments ends it, and the part is dropped",
      script: [upgrade(), send("01 01 61"), ...goodbye(4000, "bye")],
      end: "4000 bye clean, told 4000",
    },

    failing("33: a length with its first bit set", "82 7f 8000000000000000", PROTOCOL),
    failing("33: a length beyond the limit", "82 7f 0000000006400001", TOO_BIG),
    failing("33: a length that is not in its shortest form", "82 7e 007d", PROTOCOL),

    failing("34: a message one byte over the limit", "82 05 0102030405", TOO_BIG, { maxMessageSize: 4 }),
    failing("34: one that is not there yet", "82 05", TOO_BIG, { maxMessageSize: 4 }),
    failing("34: one in fragments", "02 03 010203 | 80 02", TOO_BIG, { maxMessageSize: 4 }),
    fine("34: one at the limit", "82 04 01020304 | 02 03 010203 | 80 01 04", ["01020304", "01020304"], {
      maxMessageSize: 4,
    }),

    failing("35: one empty fragment too many", "01 00 | 00 00 | 00 00", TOO_MANY, { maxFragments: 2 }),
    failing("35: one fragment of a byte too many", "01 01 61 | 00 01 61 | 00 01 61", TOO_MANY, {
      maxFragments: 2,
    }),
    fine("35: as many fragments as there may be", "01 01 61 | 80 01 62", ["ab"], { maxFragments: 2 }),

    failing("36: an overlong form", "81 02 c0 80", UTF8),
    failing("36: a surrogate", "81 03 ed a0 80", UTF8),
    failing("36: above U+10FFFF", "81 04 f4 90 80 80", UTF8),
    failing("36: at the first impossible byte, though the message goes on", "01 7e 0400 61 ff", UTF8),
    failing("36: over fragments", "01 02 f0 9f | 00 01 41", UTF8),
    failing("36: an end within a character", "81 02 e2 82", UTF8),
    fine("36: a character over fragments", "01 02 e2 82 | 00 00 | 80 01 ac", ["\u20ac"]),
    fine("36: what is not UTF-8, where it is not checked", "81 01 ff", ["\ufffd"], { utf8Validation: false }),

    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map((code) =>
      failing(`37: close code ${code}`, `88 02 ${code.toString(16).padStart(4, "0")}`, PROTOCOL),
    ),
    failing("37: half a close code", "88 01 03", PROTOCOL),
    failing("37: a reason that is not UTF-8", "88 03 03e8 ff", UTF8),
    ...[1000, 1001, 1007, 1011, 1012, 1013, 1014, 3000, 4999].map((code) => ({
      title: `37: close code ${code} is one`,
      script: [upgrade(), ...goodbye(code, "why")],
      end: `${code} why clean, told ${code}`,
    })),
    {
      title: "38: a Close frame without a code is answered with another",
      script: [upgrade(), ...goodbye(1005)],
      end: "1005 clean, told 1005",
    },
    {
      title: "39: what comes behind the Close frame is ignored, a second one too",
      script: [
        upgrade(),
        say(Buffer.concat([closeFrame(4000, "first"), frame(TEXT, "late"), closeFrame(4001)])),
        ...goodbye(4002),
      ],
      end: "4000 first clean, told 4000",
    },
    fine("41: a pong that nobody asked for", "8a 00 | 8a 01 78 | 81 01 61", ["a"]),
  ]);

  it("41: a pong with another payload answers no ping; the right one does", async () => {
    const answers: string[] = [];
    const script = [
      upgrade(),
      hear(PING),
      send("8a 05 6f74686572 | 81 01 61"),
      hear(TEXT),
      send("8a 02 6d65"),
    ];
    const peer = await scripted(use, [...script, ...goodbye()]);
    const ws = await peer.createConnection(peer.url);
    const ping = ws.ping("me").then(() => answers.push("pong"));
    expect(await ws.recv()).to.equal("a");
    expect(answers).to.deep.equal([]);
    await ws.send("go on");
    await ping;
    expect(await ws.closed).to.include({ code: 1000, wasClean: true });
  });
});

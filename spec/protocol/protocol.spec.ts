// Frames in, messages out: what a protocol makes of the bytes of its peer, in both roles and however they are cut; and
// that each fault of the peer is told to it once, by the right Close frame, at the byte that makes it a fault.

import { expect } from "chai";
import { type CloseInfo, LimitError, ProtocolError } from "../../lib/errors.ts";
import type { ProtocolOptions } from "../../lib/protocol/protocol.ts";
import { bytesTo, feed, framesFrom, play, ROLES, type Row } from "../support/both-roles.ts";
import { growthOfTime, LINEAR } from "../support/growth.ts";
import { hex, toHex, utf8 } from "../support/hex.ts";
import { type Recorded, record } from "../support/recorder.ts";
import { splits } from "../support/splits.ts";

const end = ({ protocol }: Recorded) => protocol.receiveEnd();

/** Rows of faults: the Close frame with `closeCode` goes out, and the end tells of `error`. */
function faults(rows: [title: string, input: string][], closeCode: number, error: string): Row[] {
  const sent = `8802${closeCode.toString(16).padStart(4, "0")}`;
  return rows.map(([title, input]) => [title, input, ["closing", `ended 1006 ${error}`], sent]);
}

/**
 * Rows whose last byte is the one that must fail the connection: up to there all is well, and nothing after it is waited
 * for.
 */
function failAtLastByte(
  rows: [title: string, input: string][],
  options: Partial<ProtocolOptions> = {},
): void {
  for (const role of ROLES) {
    for (const [title, input] of rows) {
      it(`${title} (${role})`, () => {
        const bytes = bytesTo(role, input);
        const { protocol } = record(role, options);
        for (const byte of bytes.subarray(0, -1)) protocol.receive(Uint8Array.of(byte));
        expect(protocol.isFailed, "before the last byte").to.equal(false);
        protocol.receive(bytes.slice(-1));
        expect(protocol.isFailed, "at the last byte").to.equal(true);
        for (const { title: cut, chunks } of splits(bytes)) {
          const recorded = record(role, options);
          feed(recorded, chunks);
          expect(recorded.protocol.isFailed, cut).to.equal(true);
        }
      });
    }
  }
}

/** How the connection ends on which these frames come, and then the end of the stream. */
function endOf(frames: string, options: Partial<ProtocolOptions> = {}): CloseInfo {
  let ended: CloseInfo | undefined;
  const { protocol } = record("client", options, {
    ended(info) {
      ended = info;
    },
  });
  protocol.receive(hex(frames));
  protocol.receiveEnd();
  return ended ?? expect.fail("it did not end");
}

describe("Protocol: messages", () => {
  it("takes what its sink throws, though it must not, for no fault of the peer's", () => {
    const { protocol, events } = record(
      "client",
      {},
      {
        message() {
          throw new RangeError("mine");
        },
      },
    );
    expect(() => protocol.receive(hex("81 01 61"))).to.throw(RangeError, "mine");
    expect([protocol.state, protocol.isFailed]).to.deep.equal(["open", false]);
    protocol.receive(hex("89 00"));
    expect(events).to.deep.equal(['message "a"', "ping "]);
  });

  play([
    ["a text", "81 05 48 65 6c 6c 6f", ['message "Hello"']],
    ["a text in two frames", "01 03 48 65 6c | 80 02 6c 6f", ['message "Hello"']],
    ["a binary message", "82 03 00 7f ff", ["message 007fff"]],
    ["a binary message in three frames", "02 01 00 | 00 01 01 | 80 01 02", ["message 000102"]],
    ["an empty text", "81 00", ['message ""']],
    ["an empty binary message", "82 00", ["message "]],
    ["an empty text in two frames", "01 00 | 80 00", ['message ""']],
    ["an empty binary message in three frames", "02 00 | 00 00 | 80 00", ["message "]],
    ["empty fragments around content", "01 00 | 00 01 61 | 00 00 | 80 00", ['message "a"']],
    ["content after an empty first fragment", "02 00 | 80 02 01 02", ["message 0102"]],
    [
      "messages one after another",
      "81 01 61 | 82 01 62 | 81 00 | 81 01 63",
      messages('"a"', "62", '""', '"c"'),
    ],
    ["a fragmented message after a whole one", "81 01 61 | 01 01 62 | 80 01 63", messages('"a"', '"bc"')],
    ["a whole message after a fragmented one", "02 01 61 | 80 01 62 | 82 01 63", messages("6162", "63")],
    ["126 bytes", `82 7e 00 7e ${"ab".repeat(126)}`, [`message ${"ab".repeat(126)}`]],
    ["a NUL", "81 03 61 00 62", ['message "a\\u0000b"']],
    ["a byte order mark, which is kept", "81 04 ef bb bf 61", ['message "\ufeffa"']],
    ["characters of 1, 2, 3 and 4 bytes", "81 0a 61 c3 a9 e2 82 ac f0 9f 98 80", ['message "aé€😀"']],
    ["a character over two frames", "01 02 e2 82 | 80 01 ac", ['message "€"']],
    ["a character over four frames", "01 01 f0 | 00 01 9f | 00 01 98 | 80 01 80", ['message "😀"']],
    ["a character around an empty fragment", "01 01 c3 | 00 00 | 80 01 a9", ['message "é"']],
    [
      "the first and last of each length",
      `81 0f 7f c280 dfbf e0a080 efbfbf f48fbfbf`,
      ['message "\x7f\x80\u07ff\u0800\uffff\u{10ffff}"'],
    ],
    ["the neighbours of the surrogates", "81 06 ed9fbf ee8080", ['message "\ud7ff\ue000"']],
  ]);

  it("reads the masked texts of websocket-client and ws4py", () => {
    const vectors: [hex: string, text: string][] = [
      ["818bcbea592ea38f3542a4ca2d46ae983c", "hello there"],
      ["818b00e9597b688c35176fc9381c618037", "hello again"],
      ["818b9fa3b2d8f7c6deb4f083d3bffecadc", "hello again"],
      ["818bfd0cd0b09569bcdc922cb1d79c65be", "hello again"],
      ["818bbe04e66ad6618a06d1249105cc6882", "hello world"],
    ];
    for (const [bytes, text] of vectors) {
      for (const { title, chunks } of splits(hex(bytes))) {
        const recorded = record("server");
        feed(recorded, chunks);
        expect(recorded.events, title).to.deep.equal([`message "${text}"`]);
      }
    }
  });

  it("does not change the bytes that it is given", () => {
    const bytes = bytesTo("server", "81 05 48 65 6c 6c 6f | 89 02 68 69");
    record("server").protocol.receive(bytes);
    expect(bytes).to.deep.equal(bytesTo("server", "81 05 48 65 6c 6c 6f | 89 02 68 69"));
  });

  it("takes time in proportion to the bytes, whether they are cut into tiny fragments or tiny chunks", () => {
    const tiny = (count: number) => {
      const { protocol } = record("client");
      protocol.receive(hex("01 00"));
      for (let i = 0; i < count; i++) protocol.receive(hex("00 01 61"));
    };
    const bytewise = (count: number) => {
      const { protocol } = record("client");
      protocol.receive(hex("81 7f 00 00 00 00 00 10 00 00"));
      for (let i = 0; i < count; i++) protocol.receive(Uint8Array.of(0x61));
    };
    expect(growthOfTime(tiny, 4_000), "fragments").to.be.below(LINEAR);
    expect(growthOfTime(bytewise, 4_000), "chunks").to.be.below(LINEAR);
  });
});

function messages(...shown: string[]): string[] {
  return shown.map((data) => `message ${data}`);
}

describe("Protocol: text that is not UTF-8", () => {
  const invalid: [title: string, bytes: string][] = [
    ["a lone continuation byte", "80"],
    ["a continuation byte after a whole character", "c3 a9 80"],
    ["an overlong form of 2 bytes", "c0"],
    ["another overlong form of 2 bytes", "c1"],
    ["an overlong form of 3 bytes", "e0 9f"],
    ["an overlong form of 4 bytes", "f0 8f"],
    ["a surrogate", "ed a0"],
    ["the last surrogate", "ed bf"],
    ["above U+10FFFF", "f4 90"],
    ["far above U+10FFFF", "f5"],
    ["a byte that is never used", "ff"],
    ["a character that ASCII breaks off", "e2 82 41"],
    ["a character that another begins within", "e2 82 e2"],
    ["a character that lacks its last byte", "f0 9f 98 61"],
  ];

  describe("fails at the byte that nothing can redeem", () => {
    failAtLastByte(
      invalid.map(([title, bytes]) => [`${title}, the frame goes on`, `81 7e 01 00 61 ${bytes}`]),
    );
    failAtLastByte(
      invalid.map(([title, bytes]) => [`${title}, the message goes on`, `01 02 61 62 | 00 20 ${bytes}`]),
    );
    failAtLastByte([
      ["a character that the message ends within", "81 02 61 c3"],
      ["a character that the last fragment ends within", "01 01 e2 | 80 01 82"],
      ["a character that an empty last fragment breaks off", "01 01 e2 | 80 00"],
      ["a character that goes on wrongly in the next fragment", "01 02 f0 9f | 00 05 41"],
      ["a surrogate over two fragments", "01 01 ed | 80 03 a0"],
      ["an overlong form around a ping", "01 01 e0 | 89 00 | 00 09 80"],
      [
        "a byte that begins no character, the first of a message behind another",
        "01 02 61 62 | 80 00 | 01 05 ff",
      ],
    ]);
  });

  const closed = faults(
    invalid.map(([title, bytes]) => [title, `81 10 61 ${bytes}`]),
    1007,
    "ERR_WS_INVALID_UTF8",
  );
  play(closed, {}, undefined, end);

  it("is a ProtocolError with close code 1007", () => {
    const { error } = endOf("81 01 ff");
    expect(error)
      .to.be.instanceOf(ProtocolError)
      .and.include({ code: "ERR_WS_INVALID_UTF8", closeCode: 1007 });
  });

  describe("becomes U+FFFD without utf8Validation", () => {
    play(
      [
        ["an overlong form", "81 04 61 c0 80 62", ['message "a��b"']],
        ["a surrogate", "81 03 ed a0 80", ['message "���"']],
        ["a byte that is never used, over fragments", "01 02 61 ff | 80 01 62", ['message "a�b"']],
        ["an end within a character", "81 03 61 e2 82", ['message "a�"']],
        ["an end within a character, fragmented", "01 01 f0 | 80 01 9f", ['message "�"']],
        ["what is valid stays", "01 02 e2 82 | 80 01 ac", ['message "€"']],
      ],
      { utf8Validation: false },
    );
  });
});

describe("Protocol: faults of the peer", () => {
  const reserved = [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf];
  const rows = faults(
    [
      ["RSV1 without an extension", "c1 00"],
      ["RSV2", "a1 00"],
      ["RSV3", "91 00"],
      ["RSV1 on a control frame", "c9 00"],
      ["RSV1 on a continuation", "01 00 | c0 00"],
      ...reserved.map((opcode): [string, string] => [`opcode ${opcode}`, `8${opcode.toString(16)} 00`]),
      ["a reserved opcode within a message", "01 00 | 83 00"],
      ["a fragmented ping", "09 00"],
      ["a fragmented pong", "0a 00"],
      ["a fragmented Close frame", "08 00"],
      ["a ping of 126 bytes", "89 7e 00 7e"],
      ["a Close frame of 126 bytes", "88 7e 00 7e"],
      ["a pong of 2^16 bytes", "8a 7f 00 00 00 00 00 01 00 00"],
      ["a continuation of nothing", "80 00"],
      ["a continuation of nothing that goes on", "00 01 61"],
      ["a text within a message", "01 00 | 81 00"],
      ["a binary frame within a text", "01 00 | 02 00"],
      ["a text within a binary message", "02 01 61 | 00 01 61 | 81 01 61"],
      ["125 in 16 bits", "82 7e 00 7d"],
      ["0 in 16 bits", "82 7e 00 00"],
      ["65535 in 64 bits", "82 7f 00 00 00 00 00 00 ff ff"],
      ["2^63", "82 7f 80 00 00 00 00 00 00 00"],
      ["2^64 - 1", "82 7f ff ff ff ff ff ff ff ff"],
    ],
    1002,
    "ERR_WS_PROTOCOL",
  );
  play(rows, {}, undefined, end);

  describe("a continuation after the end of a message", () => {
    play(
      [
        ["whole", "81 01 61 | 80 00", ['message "a"', "closing", "ended 1006 ERR_WS_PROTOCOL"], "880203ea"],
        [
          "fragmented",
          "01 01 61 | 80 00 | 80 00",
          ['message "a"', "closing", "ended 1006 ERR_WS_PROTOCOL"],
          "880203ea",
        ],
      ],
      {},
      undefined,
      end,
    );
  });

  it("is a mask where none belongs, and none where one belongs", () => {
    const wrong: ["client" | "server", string, string][] = [
      ["client", "81 80 00 00 00 00", "received a masked frame from a server"],
      ["server", "81 00", "received an unmasked frame from a client"],
    ];
    for (const [role, bytes, message] of wrong) {
      for (const { title, chunks } of splits(hex(bytes))) {
        let ended: CloseInfo | undefined;
        const recorded = record(role, {}, { ended: (info) => (ended = info) });
        feed(recorded, chunks);
        recorded.protocol.flush();
        recorded.protocol.receiveEnd();
        expect(framesFrom(role, recorded.written()), title).to.equal("880203ea");
        expect(ended?.error?.message, title).to.equal(message);
      }
    }
  });

  it("ends all reading: what follows is dropped, and one Close frame goes out", () => {
    const tail = "| 81 01 61 | 89 00 | 88 02 03 e8 | 83 00";
    for (const role of ROLES) {
      for (const { title, chunks } of splits(bytesTo(role, `81 01 61 | 83 00 ${tail}`))) {
        const recorded = record(role);
        feed(recorded, chunks);
        recorded.protocol.flush();
        end(recorded);
        end(recorded);
        expect(recorded.events, title).to.deep.equal([
          'message "a"',
          "closing",
          "ended 1006 ERR_WS_PROTOCOL",
        ]);
        expect(framesFrom(role, recorded.written()), title).to.equal("880203ea");
      }
    }
  });

  it("tells of itself in the account of the end", () => {
    const { error, ...info } = endOf("83 00");
    expect(error).to.be.instanceOf(ProtocolError).and.include({ code: "ERR_WS_PROTOCOL", closeCode: 1002 });
    expect(info).to.deep.equal({ code: 1006, reason: "", wasClean: false, sent: { code: 1002, reason: "" } });
  });

  it("is the cause that counts when the stream then ends with an error of its own", () => {
    let ended: CloseInfo | undefined;
    const { protocol } = record("client", {}, { ended: (info) => (ended = info) });
    protocol.receive(hex("83 00"));
    protocol.receiveEnd(new ProtocolError("of the transport"));
    expect(ended?.error?.message).to.equal("received a frame with reserved opcode 3");
  });
});

describe("Protocol: limits", () => {
  const tooBig = "ERR_WS_MESSAGE_TOO_BIG";

  describe("maxMessageSize of 4", () => {
    const four = { maxMessageSize: 4 };
    play(
      [
        ["a message of 4 bytes", "82 04 01 02 03 04", ["message 01020304"]],
        ["fragments of 4 bytes together", "02 02 01 02 | 00 00 | 80 02 03 04", ["message 01020304"]],
        ["counts bytes, not characters", "81 04 c3 a9 c3 a9", ['message "éé"']],
        [
          "counts each message anew",
          "82 04 01 02 03 04 | 82 04 05 06 07 08",
          messages("01020304", "05060708"),
        ],
        [
          "counts no control frames",
          "02 02 01 02 | 8a 05 61 61 61 61 61 | 80 02 03 04",
          ["pong 6161616161", "message 01020304"],
        ],
      ],
      four,
    );
    failAtLastByte(
      [
        ["one byte more, at the header", "82 05"],
        ["one byte more in the last fragment, at its header", "02 02 01 02 | 80 03"],
        ["one byte more in a middle fragment, at its header", "01 03 61 61 61 | 00 01 61 | 00 01"],
        ["a byte after the limit was reached exactly", "02 04 01 02 03 04 | 80 01"],
      ],
      four,
    );
    play(faults([["is told with 1009", "82 05"]], 1009, tooBig), four, undefined, end);

    it("names itself and the size in the error", () => {
      const { error } = endOf("02 03 616161 00 02", four);
      expect(error).to.be.instanceOf(LimitError);
      expect(error).to.include({ code: tooBig, limit: "maxMessageSize", actual: 5, closeCode: 1009 });
    });
  });

  describe("lengths that nobody will send", () => {
    const announced: [title: string, hex: string][] = [
      ["2^31 - 1", "00 00 00 00 7f ff ff ff"],
      ["2^31", "00 00 00 00 80 00 00 00"],
      ["2^32", "00 00 00 01 00 00 00 00"],
      ["2^32 + 5", "00 00 00 01 00 00 00 05"],
      ["2^53 - 1", "00 1f ff ff ff ff ff ff"],
      ["2^53", "00 20 00 00 00 00 00 00"],
      ["2^63 - 1", "7f ff ff ff ff ff ff ff"],
    ];
    const headers = announced.map(([title, length]): [string, string] => [title, `82 7f ${length}`]);
    failAtLastByte(headers);
    play(faults(headers, 1009, tooBig), {}, undefined, end);

    const summed = announced.map(([title, length]): [string, string] => [
      `${title} after a byte`,
      `02 01 00 | 80 7f ${length}`,
    ]);
    failAtLastByte(summed);

    it("beyond 2^53 they are exact in the error, whatever the limit", () => {
      const { error } = endOf("82 7f 7f ff ff ff ff ff ff ff", { maxMessageSize: Number.POSITIVE_INFINITY });
      expect(error).to.include({ code: tooBig, actual: 2n ** 63n - 1n, closeCode: 1009 });
    });
  });

  describe("maxFragments of 3", () => {
    const three = { maxFragments: 3 };
    play(
      [
        ["three fragments", "01 01 61 | 00 01 62 | 80 01 63", ['message "abc"']],
        ["three empty fragments", "02 00 | 00 00 | 80 00", ["message "]],
        [
          "control frames between them",
          "01 01 61 | 8a 00 | 00 01 62 | 8a 00 | 80 01 63",
          ["pong ", "pong ", 'message "abc"'],
        ],
        ["each message anew", "01 00 | 00 00 | 80 00 | 01 00 | 00 00 | 80 00", messages('""', '""')],
      ],
      three,
    );
    failAtLastByte(
      [
        ["a fourth, at its header", "01 01 61 | 00 01 62 | 00 01 63 | 80 05"],
        ["a fourth that is empty", "01 00 | 00 00 | 00 00 | 00 00"],
      ],
      three,
    );
    play(
      faults([["is told with 1008", "02 00 | 00 00 | 00 00 | 80 00"]], 1008, "ERR_WS_TOO_MANY_FRAGMENTS"),
      three,
      undefined,
      end,
    );

    it("names itself in the error", () => {
      const { error } = endOf("02 00 00 00 00 00 80 00", three);
      expect(error).to.be.instanceOf(LimitError);
      expect(error).to.include({ limit: "maxFragments", actual: 4, closeCode: 1008 });
    });
  });
});

describe("Protocol: control frames", () => {
  play([
    ["a ping is answered with its payload", "89 05 48 65 6c 6c 6f", ["ping 48656c6c6f"], "8a0548656c6c6f"],
    ["an empty ping", "89 00", ["ping "], "8a00"],
    [
      "a ping of 125 bytes",
      `89 7d ${"ab".repeat(125)}`,
      [`ping ${"ab".repeat(125)}`],
      `8a7d${"ab".repeat(125)}`,
    ],
    ["each ping, in order", "89 01 01 | 89 01 02", ["ping 01", "ping 02"], "8a0101 | 8a0102"],
    ["a pong is not answered", "8a 02 68 69", ["pong 6869"]],
    ["a ping's payload may be any bytes", "89 02 ff c0", ["ping ffc0"], "8a02ffc0"],
    ["a ping between fragments", "01 01 61 | 89 01 70 | 80 01 62", ["ping 70", 'message "ab"'], "8a0170"],
    ["a ping within a character", "01 01 c3 | 89 00 | 80 01 a9", ["ping ", 'message "é"'], "8a00"],
    ["a pong between fragments", "02 01 61 | 8a 01 70 | 80 01 62", ["pong 70", "message 6162"]],
    [
      "both between empty fragments",
      "01 00 | 89 00 | 8a 00 | 80 00",
      ["ping ", "pong ", 'message ""'],
      "8a00",
    ],
  ]);

  describe("while the peer does not take what it is sent", () => {
    const congested = ({ protocol }: Recorded) => {
      protocol.congested = true;
    };
    const drained = ({ protocol }: Recorded) => {
      protocol.drained();
      protocol.drained();
      protocol.flush();
    };
    const pings = "89 01 01 | 89 01 02 | 89 01 03";
    play([["pings are told, not answered", pings, ["ping 01", "ping 02", "ping 03"]]], {}, congested);
    play(
      [["the latest is answered once it does", pings, ["ping 01", "ping 02", "ping 03"], "8a0103"]],
      {},
      congested,
      drained,
    );
    play(
      [["none is answered after our Close frame", "89 01 01", ["ping 01", "closing"], "880203e8"]],
      {},
      congested,
      (recorded) => {
        recorded.protocol.close();
        drained(recorded);
      },
    );
    play(
      [["none is answered after the peer's", "89 01 01 | 88 00", ["ping 01", "closing"], "8800"]],
      {},
      congested,
      drained,
    );

    it("the next ping after that is answered at once", () => {
      const recorded = record("server");
      congested(recorded);
      recorded.protocol.receive(bytesTo("server", "89 01 01"));
      drained(recorded);
      recorded.protocol.receive(bytesTo("server", "89 01 02"));
      recorded.protocol.flush();
      expect(recorded.written()).to.equal("8a01018a0102");
    });

    it("a flood of pings stages nothing", () => {
      const recorded = record("client");
      congested(recorded);
      const ping = hex(`89 7d ${"00".repeat(125)}`);
      for (let i = 0; i < 10_000; i++) recorded.protocol.receive(ping);
      expect(recorded.protocol.stagedBytes).to.equal(0);
      recorded.protocol.drained();
      expect(recorded.protocol.stagedBytes).to.equal(2 + 4 + 125);
    });

    it("the answer is what came, whatever the sink does with the payload that it owns", () => {
      const recorded = record("server", {}, { pinged: (payload) => payload.fill(0) });
      congested(recorded);
      recorded.protocol.receive(bytesTo("server", "89 02 68 69"));
      drained(recorded);
      expect(recorded.written()).to.equal("8a026869");
    });
  });

  it("the pong is staged before the sink is told of the ping", () => {
    let staged = 0;
    const { protocol } = record("server", {}, { pinged: () => (staged = protocol.stagedBytes) });
    protocol.receive(bytesTo("server", "89 02 68 69"));
    expect(staged).to.equal(4);
  });
});

describe("Protocol: pause and resume", () => {
  const THREE = "81 01 61 | 89 01 62 | 82 01 63";
  const ALL = ['message "a"', "ping 62", "message 63"];

  play([["what comes is kept", THREE, []]], {}, ({ protocol }) => protocol.pause());
  play(
    [["what was kept comes in order", THREE, ALL, "8a0162"]],
    {},
    ({ protocol }) => protocol.pause(),
    ({ protocol }) => {
      protocol.resume();
      protocol.flush();
    },
  );
  play(
    [["what was kept comes before the end", THREE, [...ALL, "ended 1006"]]],
    {},
    ({ protocol }) => protocol.pause(),
    end,
  );
  play(
    [["what was kept is lost with drop()", THREE, ["ended 1006"]]],
    {},
    ({ protocol }) => protocol.pause(),
    (recorded) => {
      recorded.protocol.drop();
      recorded.protocol.resume();
      end(recorded);
    },
  );
  play([["faults wait too", "81 01 61 | 83 00", []]], {}, ({ protocol }) => protocol.pause());

  /** What is done within the first message of three; the events until then, and after it has gone on. */
  const within: [title: string, act: (recorded: Recorded) => void, events: string[], later: string[]][] = [
    ["pause()", ({ protocol }) => protocol.pause(), ['message "a"'], [...ALL, "ended 1006"]],
    ["resume()", ({ protocol }) => protocol.resume(), ALL, [...ALL, "ended 1006"]],
    [
      "pause() and resume()",
      ({ protocol }) => {
        protocol.pause();
        protocol.resume();
      },
      ALL,
      [...ALL, "ended 1006"],
    ],
    ["drop()", ({ protocol }) => protocol.drop(), ['message "a"'], ['message "a"', "ended 1006"]],
    [
      "receiveEnd()",
      ({ protocol }) => protocol.receiveEnd(),
      ['message "a"', "ended 1006"],
      ['message "a"', "ended 1006"],
    ],
    [
      "close()",
      ({ protocol }) => protocol.close(),
      ['message "a"', "closing", "ping 62", "message 63"],
      ['message "a"', "closing", "ping 62", "message 63", "ended 1006"],
    ],
    ["send()", ({ protocol }) => protocol.send("x"), ALL, [...ALL, "ended 1006"]],
    ["flush()", ({ protocol }) => protocol.flush(), ALL, [...ALL, "ended 1006"]],
    [
      "receive()",
      ({ protocol }) => protocol.receive(hex("81 01 64")),
      [...ALL, 'message "d"'],
      [...ALL, 'message "d"', "ended 1006"],
    ],
  ];
  for (const [title, act, events, later] of within) {
    it(`${title} within a message`, () => {
      let isFirst = true;
      const recorded = record(
        "client",
        {},
        {
          message() {
            if (isFirst) act(recorded);
            isFirst = false;
          },
        },
      );
      recorded.protocol.receive(bytesTo("client", THREE));
      expect(recorded.events).to.deep.equal(events);
      recorded.protocol.resume();
      end(recorded);
      expect(recorded.events).to.deep.equal(later);
    });
  }

  it("goes on message by message, however often it is paused", () => {
    const recorded = record("client", {}, { message: () => recorded.protocol.pause() });
    recorded.protocol.receive(hex("81 01 61 81 01 62 81 01 63 81"));
    const counts = [recorded.events.length];
    for (let i = 0; i < 3; i++) {
      recorded.protocol.resume();
      counts.push(recorded.events.length);
    }
    recorded.protocol.receive(hex("01 64"));
    recorded.protocol.resume();
    expect(counts).to.deep.equal([1, 2, 3, 3]);
    expect(recorded.events).to.deep.equal(messages('"a"', '"b"', '"c"', '"d"'));
  });

  it("keeps what comes in time in proportion to it", () => {
    const chunk = hex("8a 00".repeat(512));
    const keeping = (count: number) => {
      const { protocol } = record("client");
      protocol.pause();
      for (let i = 0; i < count; i++) protocol.receive(chunk);
    };
    expect(growthOfTime(keeping, 100)).to.be.below(LINEAR);
  });

  it("pause() within the last messages does not keep them from coming before the end", () => {
    const recorded = record("client", {}, { message: () => recorded.protocol.pause() });
    recorded.protocol.receive(hex("81 01 61 81 01 62 81 01 63"));
    end(recorded);
    expect(recorded.events).to.deep.equal([...messages('"a"', '"b"', '"c"'), "ended 1006"]);
  });
});

describe("Protocol: delivery", () => {
  const framewise = ({ protocol }: Recorded) => {
    protocol.delivery = "frames";
  };
  play(
    [
      ["a message of one frame is whole", "81 02 48 69", ['message "Hi"']],
      [
        "fragments one by one",
        "01 01 61 | 00 02 62 63 | 80 01 64",
        ['piece "a" 1', 'piece "bc" 0', 'piece "d" 0 fin'],
      ],
      ["binary fragments", "02 01 01 | 80 01 02", ["piece 01 2", "piece 02 0 fin"]],
      ["empty fragments too", "01 00 | 00 00 | 80 00", ['piece "" 1', 'piece "" 0', 'piece "" 0 fin']],
      [
        "a cut character goes with its last byte",
        "01 02 61 c3 | 00 01 a9 | 80 00",
        ['piece "a" 1', 'piece "é" 0', 'piece "" 0 fin'],
      ],
      [
        "a ping between them",
        "01 01 61 | 89 00 | 80 01 62",
        ['piece "a" 1', "ping ", 'piece "b" 0 fin'],
        "8a00",
      ],
      [
        "a whole message after them",
        "01 01 61 | 80 01 62 | 81 01 63",
        ['piece "a" 1', 'piece "b" 0 fin', 'message "c"'],
      ],
    ],
    {},
    framewise,
  );
  play(
    faults([["text is checked still", "01 7f 00 00 00 00 00 01 00 00 ff"]], 1007, "ERR_WS_INVALID_UTF8"),
    {},
    framewise,
    end,
  );

  const partwise: [title: string, chunks: string[], events: string[]][] = [
    ["a message whole in its chunk", ["81 02 48 69"], ['message "Hi"']],
    ["parts as they arrive", ["81 04 61", "62 63", "64"], ['piece "a" 1', 'piece "bc" 1', 'piece "d" 1 fin']],
    ["a header gives no piece", ["82 02", "01", "02"], ["piece 01 2", "piece 02 2 fin"]],
    [
      "a cut character goes with its last byte",
      ["81 04 61 e2", "82", "ac"],
      ['piece "a" 1', 'piece "€" 1 fin'],
    ],
    [
      "a message whole, where nothing could be handed out before",
      ["01 01 f0 00 02", "9f 98", "80 01 80"],
      ['message "😀"'],
    ],
    [
      "a character cut by frames",
      ["01 02 61 f0 00 02", "9f 98", "80 01 80"],
      ['piece "a" 1', 'piece "😀" 0 fin'],
    ],
    ["fragments in one chunk", ["01 01 61 80 01 62"], ['piece "a" 1', 'piece "b" 0 fin']],
    ["an empty last frame ends it", ["02 01 61 80 00"], ["piece 61 2", "piece  0 fin"]],
  ];
  for (const [title, chunks, events] of partwise) {
    it(`parts: ${title}`, () => {
      const recorded = record("client");
      recorded.protocol.delivery = "parts";
      feed(recorded, chunks.map(hex));
      expect(recorded.events).to.deep.equal(events);
    });
  }

  it("parts are the message again, however it is cut", () => {
    for (const role of ROLES) {
      for (const { title, chunks } of splits(
        bytesTo(role, "01 06 61 f0 9f 98 80 e2 | 00 00 | 00 02 82 ac | 80 02 c3 a9"),
      )) {
        const pieces: { data: string | Uint8Array; fin: boolean }[] = [];
        const recorded = record(role, {}, { piece: (data, _, fin) => pieces.push({ data, fin }) });
        recorded.protocol.delivery = "parts";
        feed(recorded, chunks);
        expect(pieces.map(({ data }) => data).join(""), title).to.equal("a😀€é");
        expect(pieces.map(({ fin }) => fin).indexOf(true), title).to.equal(pieces.length - 1);
      }
    }
  });

  const switched: [
    title: string,
    from: "whole" | "frames" | "parts",
    to: "whole" | "frames" | "parts",
    events: string[],
  ][] = [
    [
      "from whole to frames: what was gathered goes with the next frame",
      "whole",
      "frames",
      ['piece "ab" 0', 'piece "c" 0 fin', 'message "d"'],
    ],
    ["from whole to parts: likewise", "whole", "parts", ['piece "ab" 0', 'piece "c" 0 fin', 'message "d"']],
    [
      "from frames to whole: the rest is one piece",
      "frames",
      "whole",
      ['piece "a" 1', 'piece "bc" 0 fin', 'message "d"'],
    ],
    [
      "from parts to whole: the rest is one piece",
      "parts",
      "whole",
      ['piece "a" 1', 'piece "bc" 0 fin', 'message "d"'],
    ],
  ];
  for (const [title, from, to, events] of switched) {
    it(`changes within a message ${title}`, () => {
      const recorded = record("client");
      recorded.protocol.delivery = from;
      recorded.protocol.receive(hex("01 01 61"));
      recorded.protocol.delivery = to;
      recorded.protocol.receive(hex("00 01 62 80 01 63 81 01 64"));
      expect(recorded.events).to.deep.equal(events);
    });
  }

  it("gives pieces that nobody else writes to", () => {
    const pieces: Uint8Array[] = [];
    const { protocol } = record(
      "client",
      {},
      {
        piece(data) {
          if (typeof data !== "string") pieces.push(data);
        },
      },
    );
    protocol.delivery = "parts";
    for (const part of ["02 02 01 02", "00 02 03", "04", "80 01 05"]) protocol.receive(hex(part));
    expect(pieces.map(toHex)).to.deep.equal(["0102", "03", "04", "05"]);
  });
});

describe("Protocol: the observer", () => {
  it("sees every frame, in and out, as it is without its mask", () => {
    const seen: string[] = [];
    for (const role of ROLES) {
      const { protocol } = record(role, {
        observer: {
          sent: (opcode, fin, payload, key) =>
            seen.push(`> ${opcode}${fin ? " fin" : ""} ${toHex(payload)}${key === null ? "" : " masked"}`),
          received: (frame) =>
            seen.push(
              `< ${frame.opcode}${frame.fin ? " fin" : ""} ${toHex(frame.bytes.subarray(frame.start, frame.end))}`,
            ),
        },
      });
      protocol.receive(bytesTo(role, "01 01 61 | 89 01 70 | 80 01 62 | 83 00"));
      expect(seen.splice(0)).to.deep.equal(
        ["< 1 61", "< 9 fin 70", "> 10 fin 70", "< 0 fin 62", "> 8 fin 03ea"].map((line) =>
          role === "client" && line.startsWith(">") ? `${line} masked` : line,
        ),
      );
    }
  });

  it("sees what is sent as bytes, whether it was text or bytes", () => {
    const seen: string[] = [];
    const { protocol } = record("server", {
      observer: {
        sent: (opcode, fin, payload) => seen.push(`${opcode} ${fin} ${toHex(payload)}`),
        received: () => {},
      },
    });
    protocol.send("é");
    protocol.send(utf8("é"));
    protocol.sendFragment("a", true, false);
    protocol.sendFragment("b", false, true);
    protocol.ping();
    protocol.pong(hex("01"));
    protocol.close(1000, "x");
    expect(seen).to.deep.equal([
      "1 true c3a9",
      "2 true c3a9",
      "1 false 61",
      "0 true 62",
      "9 true ",
      "10 true 01",
      "8 true 03e878",
    ]);
  });
});

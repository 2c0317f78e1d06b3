// The closing handshake (RFC 6455 §5.5.1, §7): who says what in which order, which codes may travel, and the account that
// is given of the end.

import { expect } from "chai";
import type { Role } from "../../lib/codec/frame-decoder.ts";
import { type CloseInfo, TransportError, UsageError } from "../../lib/errors.ts";
import { bytesTo, framesFrom, play, ROLES, type Row } from "../support/both-roles.ts";
import { hex } from "../support/hex.ts";
import { type Recorded, record } from "../support/recorder.ts";

const CODES_THAT_TRAVEL = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];
const CODES_THAT_DO_NOT = [0, 1, 999, 1004, 1006, 1015, 1016, 1999, 2999, 5000, 65535];

const end = ({ protocol }: Recorded) => protocol.receiveEnd();
const close = ({ protocol }: Recorded) => protocol.close(1001, "bye");
const OUR_CLOSE = "880503e9627965";

/** How the connection ends after `act`, and how often it said so. */
function endings(act: (recorded: Recorded) => void): CloseInfo[] {
  const infos: CloseInfo[] = [];
  const recorded = record("client", {}, { ended: (info) => infos.push(info) });
  act(recorded);
  return infos;
}

function codeInHex(code: number): string {
  return code.toString(16).padStart(4, "0");
}

describe("Protocol: the peer closes", () => {
  const echoed = CODES_THAT_TRAVEL.map((code): Row => {
    const frame = `8802${codeInHex(code)}`;
    return [`${code} may travel and is echoed`, frame, ["closing", `ended ${code} clean`], frame];
  });
  const refused = [...CODES_THAT_DO_NOT, 1005].map((code): Row => {
    return [
      `${code} may not`,
      `8802${codeInHex(code)}`,
      ["closing", "ended 1006 ERR_WS_PROTOCOL"],
      "880203ea",
    ];
  });
  play([...echoed, ...refused], {}, undefined, end);

  const reason = "aé€😀";
  const reasonInHex = "61c3a9e282acf09f9880";
  play(
    [
      ["without a code: the echo has none either", "88 00", ["closing", "ended 1005 clean"], "8800"],
      [
        "with a reason",
        `88 0c 03e8 ${reasonInHex}`,
        ["closing", `ended 1000 ${reason} clean`],
        `880c03e8${reasonInHex}`,
      ],
      [
        "with a reason of 123 bytes",
        `88 7d 03e8 ${"61".repeat(123)}`,
        ["closing", `ended 1000 ${"a".repeat(123)} clean`],
        `887d03e8${"61".repeat(123)}`,
      ],
      ["with half a code", "88 01 03", ["closing", "ended 1006 ERR_WS_PROTOCOL"], "880203ea"],
      [
        "with a reason that is not UTF-8",
        "88 04 03e8 c3 28",
        ["closing", "ended 1006 ERR_WS_INVALID_UTF8"],
        "880203ef",
      ],
      [
        "with a reason that ends within a character",
        "88 04 03e8 e2 82",
        ["closing", "ended 1006 ERR_WS_INVALID_UTF8"],
        "880203ef",
      ],
      [
        "after a message",
        "81 01 61 | 88 02 03e8",
        ['message "a"', "closing", "ended 1000 clean"],
        "880203e8",
      ],
      [
        "within a message, which is dropped",
        "01 01 61 | 88 02 03e8",
        ["closing", "ended 1000 clean"],
        "880203e8",
      ],
      [
        "and what follows is not read",
        "88 02 03e8 | 81 01 61 | 89 00 | 88 02 03e9 | 83 00",
        ["closing", "ended 1000 clean"],
        "880203e8",
      ],
    ],
    {},
    undefined,
    end,
  );
  play(
    [
      [
        "with a reason that is not UTF-8 even where messages need not be",
        "88 04 03e8 c3 28",
        ["closing", "ended 1006 ERR_WS_INVALID_UTF8"],
        "880203ef",
      ],
    ],
    { utf8Validation: false },
    undefined,
    end,
  );

  it("tells what both sides said", () => {
    const [info] = endings((recorded) => {
      recorded.protocol.receive(hex("88 05 0fa1 627965"));
      end(recorded);
    });
    const said = { code: 4001, reason: "bye" };
    expect(info).to.deep.equal({ ...said, wasClean: true, sent: said, received: said });
  });
});

describe("Protocol: we close", () => {
  const sent = { code: 1001, reason: "bye" };

  it("sends the Close frame once, and tells so once", () => {
    for (const role of ROLES) {
      const recorded = record(role);
      close(recorded);
      close(recorded);
      recorded.protocol.close(1000);
      recorded.protocol.flush();
      expect(framesFrom(role, recorded.written())).to.equal(OUR_CLOSE);
      expect(recorded.events).to.deep.equal(["closing"]);
    }
  });

  play(
    [
      ["the peer echoes", "88 05 03e9 627965", ["closing", "closing", "ended 1001 bye clean"], OUR_CLOSE],
      [
        "the peer answers with a code of its own",
        "88 02 03e8",
        ["closing", "closing", "ended 1000 clean"],
        OUR_CLOSE,
      ],
      ["the peer answers without a code", "88 00", ["closing", "closing", "ended 1005 clean"], OUR_CLOSE],
      [
        "messages come in until it does",
        "81 01 61 | 88 00 | 81 01 62",
        ["closing", 'message "a"', "closing", "ended 1005 clean"],
        OUR_CLOSE,
      ],
      [
        "pings are told, not answered",
        "89 01 61 | 88 00",
        ["closing", "ping 61", "closing", "ended 1005 clean"],
        OUR_CLOSE,
      ],
      [
        "the peer breaks the rules instead",
        "83 00",
        ["closing", "closing", "ended 1006 ERR_WS_PROTOCOL"],
        OUR_CLOSE,
      ],
      [
        "the peer sends what is not UTF-8",
        "81 01 ff",
        ["closing", "closing", "ended 1006 ERR_WS_INVALID_UTF8"],
        OUR_CLOSE,
      ],
      [
        "the peer's answer is malformed",
        "88 03 627965",
        ["closing", "closing", "ended 1006 ERR_WS_PROTOCOL"],
        OUR_CLOSE,
      ],
      [
        "the peer's answer is half a code",
        "88 01 03",
        ["closing", "closing", "ended 1006 ERR_WS_PROTOCOL"],
        OUR_CLOSE,
      ],
    ],
    {},
    (recorded) => {
      close(recorded);
      recorded.protocol.flush();
    },
    end,
  );

  it("both at once: one Close frame each", () => {
    for (const role of ROLES) {
      const recorded = record(role);
      recorded.protocol.close(3000);
      recorded.protocol.receive(bytesTo(role, "88 02 0bb9"));
      recorded.protocol.flush();
      end(recorded);
      expect(framesFrom(role, recorded.written())).to.equal("88020bb8");
      expect(recorded.events).to.deep.equal(["closing", "closing", "ended 3001 clean"]);
    }
  });

  it("tells what each side said", () => {
    const [info] = endings((recorded) => {
      close(recorded);
      recorded.protocol.receive(hex("88 02 03e8"));
      end(recorded);
    });
    expect(info).to.deep.equal({
      code: 1000,
      reason: "",
      wasClean: true,
      sent,
      received: { code: 1000, reason: "" },
    });
  });

  it("keeps what we said when the answer is malformed, as gevent-websocket's is", () => {
    const [info] = endings((recorded) => {
      close(recorded);
      recorded.protocol.receive(hex("88 03 627965"));
      end(recorded);
    });
    expect(info).to.include({ code: 1006, reason: "", wasClean: false });
    expect(info?.sent).to.deep.equal(sent);
    expect(info?.received).to.equal(undefined);
  });

  it("keeps what we said when no answer comes", () => {
    const [info] = endings((recorded) => {
      close(recorded);
      end(recorded);
    });
    expect(info).to.deep.equal({ code: 1006, reason: "", wasClean: false, sent });
  });
});

describe("Protocol: where messages are answered later in their turn of the loop", () => {
  const patient = (role: Role): Recorded => {
    const recorded = record(role);
    recorded.protocol.isPatient = true;
    return recorded;
  };
  const ECHO = "810161";

  for (const [title, last, events, frame] of [
    ["a Close frame", "88 02 03e8", ["closing", "ended 1000 clean"], "880203e8"],
    ["a fault", "83 00", ["closing", "ended 1006 ERR_WS_PROTOCOL"], "880203ea"],
    ["text that is not UTF-8", "81 01 ff", ["closing", "ended 1006 ERR_WS_INVALID_UTF8"], "880203ef"],
  ] as const) {
    for (const role of ROLES) {
      it(`${title} waits for the answer to what came before it (${role})`, () => {
        const recorded = patient(role);
        const { protocol, events: told } = recorded;
        protocol.receive(bytesTo(role, `81 01 61 | ${last} | 81 01 62`));
        expect([protocol.state, protocol.isBehind]).to.deep.equal(["open", true]);
        protocol.send("a");
        expect(recorded.turn()).to.equal(true);
        protocol.flush();
        expect(framesFrom(role, recorded.written())).to.equal(`${ECHO} | ${frame}`);
        expect(recorded.turn()).to.equal(false);
        end(recorded);
        expect(told).to.deep.equal(['message "a"', ...events]);
      });

      it(`${title} waits no longer than the stream lasts (${role})`, () => {
        const recorded = patient(role);
        recorded.protocol.receive(bytesTo(role, `81 01 61 | ${last}`));
        end(recorded);
        expect(recorded.events).to.deep.equal(['message "a"', ...events]);
        recorded.turn();
        expect(recorded.events).to.have.length(1 + events.length);
      });

      it(`${title} does not wait where nobody can answer any more (${role})`, () => {
        const recorded = patient(role);
        recorded.protocol.close(1000);
        recorded.protocol.receive(bytesTo(role, last));
        expect(recorded.turn()).to.equal(false);
        expect(recorded.events).to.deep.equal(["closing", "closing"]);
      });
    }
  }

  it("our own Close may go out meanwhile, and is the only one then", () => {
    const recorded = patient("server");
    const { protocol } = recorded;
    protocol.receive(bytesTo("server", "88 02 03e8"));
    protocol.close(1001);
    expect(protocol.isShaken).to.equal(false);
    recorded.turn();
    expect(protocol.isShaken).to.equal(true);
    protocol.flush();
    end(recorded);
    expect(recorded.written()).to.equal("880203e9");
    expect(recorded.events).to.deep.equal(["closing", "closing", "ended 1000 clean"]);
  });

  it("what is dropped meanwhile says nothing more", () => {
    const recorded = patient("server");
    const { protocol } = recorded;
    protocol.receive(bytesTo("server", "83 00"));
    protocol.drop();
    recorded.turn();
    protocol.flush();
    expect([recorded.written(), recorded.events]).to.deep.equal(["", []]);
  });
});

describe("Protocol.close", () => {
  for (const code of CODES_THAT_TRAVEL) {
    it(`sends ${code}`, () => {
      const recorded = record("server");
      recorded.protocol.close(code);
      recorded.protocol.flush();
      expect(recorded.written()).to.equal(`8802${codeInHex(code)}`);
      expect(recorded.protocol.state).to.equal("closing");
    });
  }

  const sendable: [title: string, code: number | undefined, reason: string | undefined, payload: string][] = [
    ["1000 unless told otherwise", undefined, undefined, "880203e8"],
    ["no code for 1005", 1005, undefined, "8800"],
    ["a reason of 123 bytes", 1000, "a".repeat(123), `887d03e8${"61".repeat(123)}`],
    ["a reason of 41 characters in 123 bytes", 1000, "€".repeat(41), `887d03e8${"e282ac".repeat(41)}`],
    ["U+FFFD for a lone surrogate", 1000, "a\ud800", "880603e861efbfbd"],
  ];
  for (const [title, code, reason, frame] of sendable) {
    it(`sends ${title}`, () => {
      const recorded = record("server");
      recorded.protocol.close(code, reason);
      recorded.protocol.flush();
      expect(recorded.written()).to.equal(frame);
    });
  }

  const refused: [title: string, code: number, reason?: string][] = [
    ...CODES_THAT_DO_NOT.map((code): [string, number] => [String(code), code]),
    ["-1", -1],
    ["1000.5", 1000.5],
    ["3000.5", 3000.5],
    ["NaN", Number.NaN],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["66536, which is 1000 in 16 bits", 66536],
    ["a reason of 124 bytes", 1000, "a".repeat(124)],
    ["a reason of 42 characters in 126 bytes", 1000, "€".repeat(42)],
    ["a reason of 62 surrogate halves, which become 186 bytes", 1000, "\ud800".repeat(62)],
    ["a reason without a code", 1005, "bye"],
  ];
  for (const [title, code, reason] of refused) {
    it(`refuses ${title}, and nothing changes`, () => {
      const recorded = record("server");
      expect(() => recorded.protocol.close(code, reason)).to.throw(UsageError);
      expect(recorded.protocol.state).to.equal("open");
      expect(recorded.protocol.stagedBytes).to.equal(0);
      expect(recorded.events).to.deep.equal([]);
      recorded.protocol.send("x");
      expect(recorded.protocol.stagedBytes).to.equal(3);
    });
  }

  it("refuses them also when it would do nothing", () => {
    const { protocol } = record("client");
    protocol.close();
    expect(() => protocol.close(1006)).to.throw(UsageError);
    protocol.receiveEnd();
    expect(() => protocol.close(1006)).to.throw(UsageError);
  });

  it("does nothing after the end", () => {
    const recorded = record("client");
    recorded.protocol.receiveEnd();
    recorded.protocol.close();
    expect(recorded.protocol).to.include({ state: "closed", stagedBytes: 0 });
    expect(recorded.events).to.deep.equal(["ended 1006"]);
  });

  it("sends one Close frame when it is called again from within", () => {
    const again = ({ protocol }: Recorded) => protocol.close(1001);
    for (const where of ["staged", "closing"] as const) {
      const recorded: Recorded = record("server", {}, { [where]: () => again(recorded) });
      recorded.protocol.close(1000);
      recorded.protocol.flush();
      expect(recorded.written(), where).to.equal("880203e8");
      expect(recorded.events, where).to.deep.equal(["closing"]);
    }
  });
});

describe("Protocol: states", () => {
  /** How a protocol gets into each state, and what is then true of it. */
  const states: [
    title: string,
    act: (recorded: Recorded) => void,
    state: string,
    isShaken: boolean,
    isFailed: boolean,
  ][] = [
    ["at first", () => {}, "open", false, false],
    ["after our Close frame", close, "closing", false, false],
    [
      "after the peer's Close frame",
      ({ protocol }) => protocol.receive(hex("88 00")),
      "closing",
      true,
      false,
    ],
    [
      "after both",
      (recorded) => {
        close(recorded);
        recorded.protocol.receive(hex("88 00"));
      },
      "closing",
      true,
      false,
    ],
    ["after a fault", ({ protocol }) => protocol.receive(hex("83 00")), "closing", false, true],
    ["after the end", end, "closed", false, false],
    ["after drop()", ({ protocol }) => protocol.drop(), "open", false, false],
  ];
  for (const [title, act, state, isShaken, isFailed] of states) {
    it(`${title}: ${state}`, () => {
      const recorded = record("client");
      act(recorded);
      expect(recorded.protocol).to.include({ state, isShaken, isFailed });
    });
  }

  for (const [title, act, state] of states) {
    it(`${title}: sending ${state === "open" ? "is allowed" : "throws, and stages nothing"}`, () => {
      const sends: ((recorded: Recorded) => void)[] = [
        ({ protocol }) => protocol.send("x"),
        ({ protocol }) => protocol.send(hex("00")),
        ({ protocol }) => protocol.sendFragment("x", true, false),
        ({ protocol }) => protocol.ping(),
        ({ protocol }) => protocol.pong(),
      ];
      for (const send of sends) {
        const recorded = record("client");
        act(recorded);
        const before = recorded.protocol.stagedBytes;
        if (state === "open") {
          send(recorded);
          expect(recorded.protocol.stagedBytes).to.be.above(before);
        } else {
          expect(() => send(recorded))
            .to.throw(UsageError, `the connection is ${state}`)
            .with.property("code", "ERR_WS_INVALID_STATE");
          expect(recorded.protocol.stagedBytes).to.equal(before);
        }
      }
    });
  }

  for (const [title, act] of states) {
    it(`${title}: the end is told once, and nothing follows it`, () => {
      const recorded = record("client");
      act(recorded);
      end(recorded);
      end(recorded);
      recorded.protocol.receive(hex("81 01 61 88 00"));
      recorded.protocol.resume();
      recorded.protocol.drained();
      recorded.protocol.flush();
      expect(recorded.events.filter((event) => event.startsWith("ended"))).to.have.length(1);
      expect(recorded.events.at(-1)).to.match(/^ended/);
      expect(recorded.written()).to.equal("");
    });
  }
});

describe("Protocol.receiveEnd", () => {
  const cause = () => new TransportError("ERR_WS_TRANSPORT", "reset");

  it("tells the cause when the connection was open", () => {
    const error = cause();
    const infos = endings(({ protocol }) => protocol.receiveEnd(error));
    expect(infos).to.deep.equal([{ code: 1006, reason: "", wasClean: false, error }]);
  });

  it("tells the cause when our Close frame was not answered", () => {
    const error = cause();
    const infos = endings((recorded) => {
      close(recorded);
      recorded.protocol.receiveEnd(error);
    });
    const sent = { code: 1001, reason: "bye" };
    expect(infos).to.deep.equal([{ code: 1006, reason: "", wasClean: false, sent, error }]);
  });

  it("leaves it out after both Close frames: a reset is as good an end as any", () => {
    const [info] = endings(({ protocol }) => {
      protocol.receive(hex("88 02 03e8"));
      protocol.receiveEnd(cause());
    });
    expect(info).to.include({ code: 1000, wasClean: true }).and.not.have.property("error");
  });

  const partial: [title: string, input: string, events: string[]][] = [
    ["within a header", "81 05", []],
    ["within a payload", "81 05 61", []],
    ["within a message", "01 01 61", []],
    ["within a ping", "89 02 61", []],
    ["within a Close frame", "88 02 03", []],
    ["after a message, within the next", "81 01 61 | 81 02 62", ['message "a"']],
  ];
  play(
    partial.map(
      ([title, input, events]): Row => [
        `${title}: what is not whole is dropped`,
        input,
        [...events, "ended 1006"],
      ],
    ),
    {},
    undefined,
    end,
  );

  it("drops what is staged", () => {
    const recorded = record("client");
    recorded.protocol.send("x");
    end(recorded);
    recorded.protocol.flush();
    expect(recorded.protocol.stagedBytes).to.equal(0);
    expect(recorded.written()).to.equal("");
  });
});

// Messages in, frames out: what a protocol stages, when it says so, and in how many writes it leaves.

import { expect } from "chai";
import { UsageError } from "../../lib/errors.ts";
import { framesFrom, ROLES } from "../support/both-roles.ts";
import { hex, toHex } from "../support/hex.ts";
import { type Recorded, record } from "../support/recorder.ts";

type Send = (recorded: Recorded) => void;

/** What is sent, and the frames that are written for it. */
const sends: [title: string, send: Send, frames: string][] = [
  ["a text", ({ protocol }) => protocol.send("Hello"), "810548656c6c6f"],
  ["an empty text", ({ protocol }) => protocol.send(""), "8100"],
  ["a text beyond ASCII", ({ protocol }) => protocol.send("aé€😀"), "810a61c3a9e282acf09f9880"],
  ["U+FFFD for a lone surrogate", ({ protocol }) => protocol.send("\udc00"), "8103efbfbd"],
  ["bytes", ({ protocol }) => protocol.send(hex("00 7f ff")), "8203007fff"],
  ["no bytes", ({ protocol }) => protocol.send(hex("")), "8200"],
  ["125 bytes", ({ protocol }) => protocol.send(new Uint8Array(125)), `827d${"00".repeat(125)}`],
  ["126 bytes", ({ protocol }) => protocol.send(new Uint8Array(126)), `827e007e${"00".repeat(126)}`],
  ["65535 bytes", ({ protocol }) => protocol.send(new Uint8Array(65535)), `827effff${"00".repeat(65535)}`],
  [
    "65536 bytes",
    ({ protocol }) => protocol.send(new Uint8Array(65536)),
    `827f0000000000010000${"00".repeat(65536)}`,
  ],
  ["a ping", ({ protocol }) => protocol.ping(), "8900"],
  ["a ping with a payload", ({ protocol }) => protocol.ping(hex("68 69")), "89026869"],
  ["a ping of 125 bytes", ({ protocol }) => protocol.ping(new Uint8Array(125)), `897d${"00".repeat(125)}`],
  ["a pong", ({ protocol }) => protocol.pong(), "8a00"],
  ["a pong with a payload", ({ protocol }) => protocol.pong(hex("68 69")), "8a026869"],
  [
    "a text in fragments",
    ({ protocol }) => {
      protocol.sendFragment("a", true, false);
      protocol.sendFragment("", false, false);
      protocol.sendFragment("é", false, true);
    },
    "010161 | 0000 | 8002c3a9",
  ],
  [
    "bytes in fragments, with a ping between them",
    ({ protocol }) => {
      protocol.sendFragment(hex("01"), true, false);
      protocol.ping();
      protocol.sendFragment(hex("02"), false, true);
    },
    "020101 | 8900 | 800102",
  ],
  ["a message in one fragment", ({ protocol }) => protocol.sendFragment("a", true, true), "810161"],
];

describe("Protocol: what is sent", () => {
  for (const role of ROLES) {
    for (const [title, send, frames] of sends) {
      it(`${title} (${role})`, () => {
        const recorded = record(role);
        send(recorded);
        recorded.protocol.flush();
        expect(framesFrom(role, recorded.written())).to.equal(frames);
      });
    }
  }

  it("is masked by the client, as in the transcript of the tutorial", () => {
    const transcript: [key: number, text: string, frame: string][] = [
      [0x2e59eacb, "hello there", "818bcbea592ea38f3542a4ca2d46ae983c"],
      [0x7b59e900, "hello again", "818b00e9597b688c35176fc9381c618037"],
      [0xd8b2a39f, "hello again", "818b9fa3b2d8f7c6deb4f083d3bffecadc"],
      [0xb0d00cfd, "hello again", "818bfd0cd0b09569bcdc922cb1d79c65be"],
    ];
    for (const [key, text, frame] of transcript) {
      const recorded = record("client", { mask: () => key | 0 });
      recorded.protocol.send(text);
      recorded.protocol.flush();
      expect(recorded.written()).to.equal(frame);
    }
  });

  it("takes a key for each frame of a client, and none for a server's", () => {
    for (const [role, keys] of [
      ["client", 4],
      ["server", 0],
    ] as const) {
      let drawn = 0;
      const { protocol } = record(role, { mask: () => ++drawn });
      protocol.send("x");
      protocol.send(hex("00"));
      protocol.ping();
      protocol.close();
      expect(drawn, role).to.equal(keys);
    }
  });

  it("is copied at once: the caller's bytes stay its own, before and after", () => {
    for (const length of [3, 100_000]) {
      const data = new Uint8Array(length).fill(7);
      const recorded = record("client", { mask: () => 0 });
      recorded.protocol.send(data);
      expect(data.every((byte) => byte === 7)).to.equal(true);
      data.fill(9);
      recorded.protocol.flush();
      expect(recorded.written().endsWith("07".repeat(length))).to.equal(true);
    }
  });

  for (const verb of ["ping", "pong"] as const) {
    it(`a ${verb} of 126 bytes is refused, and nothing is staged`, () => {
      const { protocol } = record("client");
      expect(() => protocol[verb](new Uint8Array(126))).to.throw(UsageError, "at most 125 bytes");
      expect(protocol).to.include({ stagedBytes: 0, state: "open" });
    });
  }
});

describe("Protocol.flush", () => {
  /** A protocol whose sink counts its calls. */
  function counting(role: "client" | "server" = "server") {
    const writes: string[] = [];
    const counts = { staged: 0 };
    const recorded = record(
      role,
      {},
      {
        staged: () => counts.staged++,
        write(bytes) {
          writes.push(toHex(bytes));
          return true;
        },
      },
    );
    return { protocol: recorded.protocol, writes, counts };
  }

  it("writes the frames of one tick at once, of which the sink is told once", () => {
    const { protocol, writes, counts } = counting();
    protocol.send("a");
    protocol.receive(hex("89 80 00 00 00 00"));
    protocol.ping();
    protocol.close();
    expect(counts.staged).to.equal(1);
    expect(writes).to.deep.equal([]);
    expect(protocol.stagedBytes).to.equal(11);
    protocol.flush();
    expect(writes).to.deep.equal(["8101618a008900880203e8"]);
    expect(protocol.stagedBytes).to.equal(0);
  });

  it("is told of anew after it", () => {
    const { protocol, writes, counts } = counting();
    for (const text of ["a", "b", "c"]) {
      protocol.send(text);
      protocol.send(text);
      protocol.flush();
    }
    expect(counts.staged).to.equal(3);
    expect(writes).to.deep.equal(["810161810161", "810162810162", "810163810163"]);
  });

  it("writes nothing where nothing is staged", () => {
    const { protocol, writes, counts } = counting();
    protocol.flush();
    protocol.send("a");
    protocol.flush();
    protocol.flush();
    expect(writes).to.have.length(1);
    expect(counts.staged).to.equal(1);
  });

  it("may be called by the sink as soon as it is told", () => {
    const recorded: Recorded = record("server", {}, { staged: () => recorded.protocol.flush() });
    recorded.protocol.send("a");
    recorded.protocol.send("b");
    expect(recorded.written()).to.equal("810161810162");
  });

  it("is not waited for where much is sent: what is staged stays small", () => {
    for (const data of [
      "x".repeat(1_000),
      new Uint8Array(1_000),
      "€".repeat(30_000),
      new Uint8Array(200_000),
    ]) {
      const { protocol, writes } = counting();
      let most = 0;
      for (let i = 0; i < 1_000 && writes.length < 10; i++) {
        protocol.send(data);
        most = Math.max(most, protocol.stagedBytes);
      }
      expect(writes).to.have.length.at.least(10);
      expect(most).to.be.below(128 * 1024);
    }
  });

  it("is not waited for by the first of many answers: 64, 128, 256 and so on until it is called", () => {
    const { protocol, writes } = counting();
    const sent = (count: number) => {
      for (let i = 0; i < count; i++) protocol.send("a");
      return writes.map((write) => write.length / 6);
    };
    protocol.receive(hex("8a 80 00 00 00 00"));
    protocol.flush(); // of nothing
    expect(sent(63)).to.deep.equal([]);
    expect(sent(400)).to.deep.equal([64, 64, 128]);
    protocol.flush();
    expect(sent(1000)).to.deep.equal([64, 64, 128, 207]);
    protocol.flush();
    protocol.receive(hex("8a 80 00 00 00 00"));
    expect(sent(65)).to.deep.equal([64, 64, 128, 207, 1000, 64]);
  });

  it("leaves the order of frames as they were sent, large and small", () => {
    for (const role of ROLES) {
      const recorded = record(role);
      const large = new Uint8Array(70_000).fill(0xab);
      recorded.protocol.send("a");
      recorded.protocol.send(large);
      recorded.protocol.send("b");
      recorded.protocol.send("€".repeat(25_000));
      recorded.protocol.ping();
      recorded.protocol.flush();
      expect(framesFrom(role, recorded.written()).split(" | ")).to.deep.equal([
        "810161",
        `827f0000000000011170${"ab".repeat(70_000)}`,
        "810162",
        `817f00000000000124f8${"e282ac".repeat(25_000)}`,
        "8900",
      ]);
    }
  });

  it("gives memory that is not written again to a sink that keeps it", () => {
    const kept: Uint8Array[] = [];
    const { protocol } = record(
      "server",
      {},
      {
        write(bytes) {
          kept.push(bytes);
          return false;
        },
      },
    );
    for (const text of ["a", "b", "c"]) {
      protocol.send(text);
      protocol.flush();
    }
    expect(kept.map(toHex)).to.deep.equal(["810161", "810162", "810163"]);
  });
});

describe("Protocol: sending from within", () => {
  /** What is done in which callback, on `81 01 61 | 89 01 70 | 8a 00 | 88 00`, and the frames that leave. */
  const within: [callback: "message" | "pinged" | "ponged", send: Send, frames: string][] = [
    ["message", ({ protocol }) => protocol.send("x"), "810178 | 8a0170 | 8800"],
    ["pinged", ({ protocol }) => protocol.send("x"), "8a0170 | 810178 | 8800"],
    ["ponged", ({ protocol }) => protocol.ping(), "8a0170 | 8900 | 8800"],
    ["message", ({ protocol }) => protocol.close(4000), "88020fa0"],
    ["pinged", ({ protocol }) => protocol.close(4000), "8a0170 | 88020fa0"],
    ["ponged", ({ protocol }) => protocol.drop(), "8a0170"],
  ];
  for (const [callback, send, frames] of within) {
    it(`${callback}: ${frames}`, () => {
      const recorded: Recorded = record("server", {}, { [callback]: () => send(recorded) });
      recorded.protocol.receive(
        hex("81 81 00000000 61 | 89 81 00000000 70 | 8a 80 00000000 | 88 80 00000000".replaceAll("|", "")),
      );
      recorded.protocol.flush();
      expect(framesFrom("server", recorded.written())).to.equal(frames);
    });
  }

  it("closing: it is too late", () => {
    const recorded: Recorded = record(
      "client",
      {},
      {
        closing() {
          expect(() => recorded.protocol.send("x")).to.throw(UsageError, "closing");
        },
      },
    );
    recorded.protocol.receive(hex("88 00"));
    expect(recorded.events).to.deep.equal(["closing"]);
  });

  it("ended: it is too late", () => {
    const recorded: Recorded = record(
      "client",
      {},
      {
        ended() {
          expect(() => recorded.protocol.send("x")).to.throw(UsageError, "closed");
        },
      },
    );
    recorded.protocol.receiveEnd();
    expect(recorded.events).to.deep.equal(["ended 1006"]);
  });
});

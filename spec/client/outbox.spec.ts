// Messages that wait: in order, each once at the most, and none gone that nobody was told of; on a connection whose ends are in
// hand, then on sockets that are cut at random.

import { expect } from "chai";
import fc from "fast-check";
import type { AppOptions } from "../../lib/client/app.ts";
import type { Pace } from "../../lib/client/in-flight.ts";
import { type DropReason, Outbox, type OutboxOptions } from "../../lib/client/outbox.ts";
import { CLOSE, CONTINUATION, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import {
  ClosedError,
  type CloseInfo,
  LimitError,
  UsageError,
  type WebSocketError,
} from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { acceptingServer } from "../support/accepting-server.ts";
import { seeded } from "../support/chance.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { FakeWay } from "../support/fake-way.ts";
import { growthOfTime, LINEAR } from "../support/growth.ts";
import { Queue } from "../support/queue.ts";
import { frame, rawServer, running, type SentFrame, type ServerEnd } from "../support/raw-server.ts";
import { WebSocketApp } from "../support/runtime.ts";

/** How a connection ends: without a closing handshake, and with one of ours. */
const LOST: CloseInfo = { code: 1006, reason: "", wasClean: false };
const CLOSED: CloseInfo = {
  code: 1000,
  reason: "",
  wasClean: true,
  sent: { code: 1000, reason: "" },
  received: { code: 1000, reason: "" },
};

/** An outbox, what it tells, and a guard that writes down what is thrown. */
function boxed(options: OutboxOptions = {}, pace?: Pace) {
  const log: string[] = [];
  const box: Outbox = new Outbox(
    { onDrop: (message, reason) => log.push(`${reason} ${shown(message)}`), ...options },
    (call) => {
      try {
        call();
      } catch (error) {
        log.push(`threw ${(error as Error).name}`);
      }
    },
    pace,
  );
  const open = (way = new FakeWay()) => {
    box.attach(way);
    box.pump();
    return way;
  };
  return { box, log, open };
}

function shown(message: Message): string {
  const text = typeof message === "string" ? message : Buffer.from(message).toString("hex");
  return text.length > 20 ? `${text.slice(0, 3)}...` : text;
}

const KIB = 1024;

describe("Outbox", () => {
  cleanUp();

  it("keeps what is sent without a connection, and hands it on in order", () => {
    const { box, open, log } = boxed();
    for (const message of ["1", Uint8Array.of(2), "", "4"]) box.push(message);
    const way = open();
    box.push("5");
    expect(way.handed).to.deep.equal(["1", Uint8Array.of(2), "", "4", "5"]);
    expect(log).to.deep.equal([]);
  });

  it("hands nothing to a connection that is closing", () => {
    const { box, open } = boxed();
    const way = open();
    way.isOpen = false;
    box.push("1");
    expect(way.handed).to.deep.equal([]);
    box.detach(LOST);
    expect(open().handed).to.deep.equal(["1"]);
  });

  it("copies bytes, whatever they come in", () => {
    const { box, open } = boxed();
    const bytes = Uint8Array.of(1, 2, 3);
    const shared = new Uint8Array(new SharedArrayBuffer(1)).fill(1);
    for (const data of [bytes, bytes.buffer, new DataView(bytes.buffer, 1, 1), shared]) box.push(data);
    bytes.fill(9);
    shared.fill(9);
    const handed = open().handed.map((message) => [...(message as Uint8Array)]);
    expect(handed).to.deep.equal([[1, 2, 3], [1, 2, 3], [2], [1]]);
  });

  it("hands on with each message whether it is to be compressed", () => {
    const asked: unknown[] = [];
    const { box } = boxed();
    box.push("1", true);
    box.push("2");
    box.push("3", false);
    const way = new FakeWay();
    const send = way.send.bind(way);
    way.send = (message, compress) => {
      asked.push([message, compress]);
      return send(message);
    };
    box.attach(way);
    box.pump();
    expect(asked).to.deep.equal([
      ["1", true],
      ["2", undefined],
      ["3", false],
    ]);
  });

  it("refuses at once what cannot be sent, and a Blob, whose bytes it would have to wait for", () => {
    const { box, open } = boxed();
    for (const data of [5, null, undefined, {}, [1], new Blob(["a"])])
      thrown(() => box.push(data as string), UsageError);
    expect(open().handed).to.deep.equal([]);
  });

  it("hands on only as much as a peer takes, and goes on when it has taken that", async () => {
    const { box, open } = boxed();
    for (let i = 0; i < 8; i++) box.push(new Uint8Array(100 * KIB).fill(i));
    const way = open();
    expect(way.handed).to.have.length(3);
    await nextTurn();
    expect(way.handed).to.have.length(3);
    way.take(10 * KIB);
    await nextTurn();
    expect(way.handed).to.have.length(3);
    way.take();
    await nextTurn();
    expect(way.handed).to.have.length(6);
    way.take();
    await nextTurn();
    expect(way.handed.map((message) => (message as Uint8Array)[0])).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("keeps to that though other sends are done meanwhile", async () => {
    const { box, open } = boxed({ maxBytes: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 1000; i++) box.push("small");
    for (let i = 0; i < 10; i++) box.push(new Uint8Array(HIGH_WATER));
    const way = open();
    await nextTurn();
    expect(way.handed).to.have.length(1001);
  });

  it("goes on though others have filled the connection meanwhile", async () => {
    const { box, open } = boxed();
    const way = open();
    box.push("1");
    void way.send(new Uint8Array(HIGH_WATER)); // by somebody else
    await nextTurn();
    for (const message of ["2", "3"]) {
      way.take();
      await nextTurn();
      box.push(message);
    }
    expect(way.handed.filter((message) => typeof message === "string")).to.deep.equal(["1", "2", "3"]);
  });

  it("asks a connection that refuses again, until it has room", async () => {
    const { box, open } = boxed();
    const way = new FakeWay();
    way.refuses = true;
    box.push("1");
    open(way);
    expect(way.handed).to.deep.equal([]);
    way.refuses = false;
    while (way.handed.length === 0) await nextTurn();
    expect(way.handed).to.deep.equal(["1"]);
  });

  it("asks nobody again once the connection is gone", async () => {
    const { box, open } = boxed();
    const way = new FakeWay();
    way.refuses = true;
    box.push("1");
    open(way);
    box.detach(LOST);
    way.refuses = false;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(way.handed).to.deep.equal([]);
  });

  describe("when it is full", () => {
    it("drops the oldest", () => {
      const { box, open, log } = boxed({ maxBytes: 6 });
      for (const message of ["a", "b", "c", Uint8Array.of(1), Uint8Array.of(2)]) box.push(message);
      expect(log).to.deep.equal(["full a"]);
      expect(open().handed).to.deep.equal(["b", "c", Uint8Array.of(1), Uint8Array.of(2)]);
    });

    it("drops as many as must make room", () => {
      const { box, open, log } = boxed({ maxBytes: 6 });
      for (const message of ["a", "b", "c", new Uint8Array(5)]) box.push(message);
      expect(log).to.deep.equal(["full a", "full b", "full c"]);
      expect(open().handed).to.have.length(1);
    });

    it("drops one that has no room at all, and no other for it", () => {
      const { box, open, log } = boxed({ maxBytes: 6 });
      for (const message of ["a", "long", "b"]) box.push(message);
      expect(log).to.deep.equal(["full long"]);
      expect(open().handed).to.deep.equal(["a", "b"]);
    });

    it("drops nothing that a connection takes, though it is behind and the message has no room at all", () => {
      const { box, open, log } = boxed({ maxBytes: 100 * KIB });
      const way = open();
      for (let i = 0; i < 100; i++) box.push(new Uint8Array(30 * KIB));
      box.push(new Uint8Array(300 * KIB));
      expect(log).to.deep.equal([]);
      expect(way.handed.length).to.be.at.least(97);
      box.flush();
      expect(way.handed).to.have.length(101);
    });

    it("drops what a connection refuses", () => {
      const { box, open, log } = boxed({ maxBytes: 4 });
      const way = open();
      way.refuses = true;
      for (const message of ["a", "b", "c", "long"]) box.push(message);
      expect(log).to.deep.equal(["full a", "full long"]);
      box.detach(LOST);
      expect(open().handed).to.deep.equal(["b", "c"]);
    });

    it("has room again once something has left", () => {
      const { box, open, log } = boxed({ maxBytes: 4 });
      for (let round = 0; round < 1000; round++) {
        for (const message of ["a", "b"]) box.push(message);
        open();
        box.conclude();
        box.detach(CLOSED);
      }
      expect(log).to.deep.equal([]);
    });
  });

  describe("with a time to live", () => {
    const later = () => new Promise((resolve) => setTimeout(resolve, 12));

    it("drops what has waited too long, when a connection is open", async () => {
      const { box, open, log } = boxed({ ttl: 10 });
      box.push("a");
      await later();
      expect(log).to.deep.equal([]);
      expect(open().handed).to.deep.equal([]);
      expect(log).to.deep.equal(["expired a"]);
    });

    it("drops it when others come", async () => {
      const { box, open, log } = boxed({ ttl: 10 });
      for (const message of ["a", "b"]) box.push(message);
      await later();
      box.push("c");
      expect(log).to.deep.equal(["expired a", "expired b"]);
      expect(open().handed).to.deep.equal(["c"]);
    });

    it("says so rather than that the run has ended, or that there is no room", async () => {
      const { box, log } = boxed({ ttl: 10, maxBytes: 2 });
      box.push("a");
      await later();
      box.push("b");
      await later();
      box.end();
      expect(log).to.deep.equal(["expired a", "expired b"]);
    });

    it("sends at once what can be sent at once, however short it is", () => {
      const { box, open, log } = boxed({ ttl: 0 });
      const way = open();
      box.push("a");
      expect(way.handed).to.deep.equal(["a"]);
      expect(log).to.deep.equal([]);
    });

    it("ends, though onDrop sends again what has expired", async () => {
      const { box, log } = boxed({
        ttl: 0,
        onDrop(message, reason) {
          log.push(reason);
          if (log.length < 100) box.push(message);
        },
      });
      box.push("a");
      await later();
      box.push("b");
      expect(log.length).to.be.below(10);
    });

    it("does not count the time after it was handed on", async () => {
      const { box, open, log } = boxed({ ttl: 10 });
      open();
      box.push("a");
      await later();
      box.push("b");
      box.detach(LOST);
      expect(log).to.deep.equal(["lost a", "lost b"]);
    });
  });

  describe("when a connection is lost", () => {
    it("tells of all that it had been handed shortly before, and hands none of it to the next", async () => {
      const { box, open, log } = boxed();
      const way = open();
      for (const message of ["a", "b"]) box.push(message);
      await nextTurn();
      way.take();
      way.hear();
      box.detach(LOST);
      expect(log).to.deep.equal(["lost a", "lost b"]);
      expect(open().handed).to.deep.equal([]);
    });

    it("keeps what waits for the next one", () => {
      const { box, open, log } = boxed();
      open();
      for (let i = 0; i < 4; i++) box.push(new Uint8Array(HIGH_WATER).fill(i));
      box.detach(LOST);
      expect(log).to.deep.equal(["lost 000..."]);
      expect((open().handed[0] as Uint8Array)[0]).to.equal(1);
    });

    it("tells of nothing that the peer has confirmed", () => {
      const { box, open, log } = boxed();
      const way = open();
      for (const message of ["a", "b"]) box.push(message);
      way.pong(1);
      box.detach(LOST);
      expect(log).to.deep.equal(["lost b"]);
    });

    it("tells of nothing where the peer has answered our Close frame, as it has read all before it", () => {
      const { box, open, log } = boxed();
      const way = open();
      for (let i = 0; i < 4; i++) box.push(new Uint8Array(HIGH_WATER).fill(i));
      box.conclude();
      expect(way.handed).to.have.length(4);
      box.detach(CLOSED);
      expect(log).to.deep.equal([]);
    });

    it("waits, and forgets nothing, where too much is not confirmed", async () => {
      const { box, open, log } = boxed({ maxBytes: 10 });
      const way = new FakeWay();
      way.maxBufferedAmount = 8;
      open(way);
      for (const message of ["aa", "bb", "cc", "dd", "ee"]) {
        box.push(message);
        way.take();
        await nextTurn();
      }
      expect(way.handed).to.deep.equal(["aa", "bb"]);
      box.push("ff"); // maxBytes has room for two
      expect(log).to.deep.equal(["full cc", "full dd"]);
      way.reads();
      expect(way.handed).to.deep.equal(["aa", "bb", "ee", "ff"]);
      box.detach(LOST);
      expect(log.slice(2)).to.deep.equal(["lost ee", "lost ff"]);
    });

    it("hands on all that waits before it closes, or before a stream, also where too much is not confirmed", () => {
      for (const act of ["conclude", "flush"] as const) {
        const { box, open } = boxed();
        const way = new FakeWay();
        way.maxBufferedAmount = 2;
        open(way);
        for (const message of ["a", "b", "c"]) box.push(message);
        expect(way.handed).to.deep.equal(["a"]);
        box[act]();
        expect(way.handed).to.deep.equal(["a", "b", "c"]);
      }
    });

    it("hands on all that waits before it closes, also where the connection has no room", () => {
      const { box, open } = boxed();
      const way = new FakeWay();
      way.refuses = true;
      open(way);
      for (const message of ["a", "b"]) box.push(message);
      expect(way.handed).to.deep.equal([]);
      box.conclude();
      expect(way.handed).to.deep.equal(["a", "b"]);
    });

    it("lets no stream pass where the connection has no room for what waits", () => {
      const { box, open, log } = boxed();
      const way = new FakeWay();
      open(way);
      way.refuses = true;
      box.flush();
      box.push("a");
      expect(thrown(() => box.flush(), LimitError).code).to.equal("ERR_WS_BACKPRESSURE");
      expect(way.handed).to.deep.equal([]);
      way.refuses = false;
      box.flush();
      expect(way.handed).to.deep.equal(["a"]);
      expect(log).to.deep.equal([]);
    });

    it("minds no promise of that connection any more", async () => {
      const { box, open } = boxed();
      const lost = open();
      for (let i = 0; i < 2; i++) box.push(new Uint8Array(HIGH_WATER));
      box.detach(LOST);
      const way = open();
      expect(way.handed).to.have.length(1);
      box.push("behind");
      lost.take();
      await nextTurn();
      expect(way.handed).to.have.length(1);
      way.take();
      await nextTurn();
      expect(way.handed).to.have.length(2);
    });
  });

  describe("onDrop", () => {
    it("is not needed", () => {
      const { box } = boxed({ onDrop: undefined, maxBytes: 2 });
      for (const message of ["a", "b"]) box.push(message);
      box.end();
    });

    it("may throw", () => {
      const { box, log, open } = boxed({
        maxBytes: 4,
        onDrop: () => {
          throw new RangeError("onDrop");
        },
      });
      for (const message of ["a", "b", "c", "d"]) box.push(message);
      expect(log).to.deep.equal(["threw RangeError", "threw RangeError"]);
      expect(open().handed).to.deep.equal(["c", "d"]);
    });

    it("may send again what is lost or has expired", () => {
      const { box, open } = boxed({ onDrop: (message) => box.push(message) });
      open();
      for (const message of ["a", "b"]) box.push(message);
      box.detach(LOST);
      expect(open().handed).to.deep.equal(["a", "b"]);
    });

    it("may not send what has no room: that would have no end", () => {
      const told: string[] = [];
      const { box, log, open } = boxed({
        maxBytes: 4,
        onDrop(message, reason) {
          told.push(`${reason} ${shown(message)}`);
          box.push(message);
        },
      });
      for (const message of ["a", "b", "c", "long"]) box.push(message);
      expect(told).to.deep.equal(["full a", "full long"]);
      expect(log).to.deep.equal(["threw LimitError", "threw LimitError"]);
      expect(open().handed).to.deep.equal(["b", "c"]);
    });

    it("may send while the box is emptied", () => {
      let sent = 0;
      const { box, log } = boxed({
        onDrop(message, reason) {
          log.push(`${reason} ${shown(message)}`);
          if (sent++ < 2) box.push(`again ${message}`);
        },
      });
      box.push("a");
      box.end();
      expect(log).to.deep.equal(["closed a", "closed again a", "closed again again a"]);
    });
  });

  it("hands on all that waits when it is flushed", () => {
    const { box, open, log } = boxed();
    for (let i = 0; i < 3; i++) box.push(new Uint8Array(HIGH_WATER));
    const way = open();
    box.flush();
    expect(way.handed).to.have.length(3);
    box.end();
    expect(log).to.deep.equal([]);
  });

  it("tells of all that waits at the end, and can begin anew", () => {
    const { box, log, open } = boxed();
    for (const message of ["a", "b"]) box.push(message);
    box.end();
    expect(log).to.deep.equal(["closed a", "closed b"]);
    box.push("c");
    expect(open().handed).to.deep.equal(["c"]);
  });

  const wrong: [name: string, values: unknown[]][] = [
    ["maxBytes", [0, -1, 1.5, Number.NaN, "5", null]],
    ["ttl", [-1, Number.NaN, 2 ** 31, "5", null]],
    ["onDrop", ["log", null, {}]],
  ];
  for (const [name, values] of wrong) {
    for (const value of values) {
      it(`refuses ${name}: ${typeof value} ${value}`, () => {
        const error = thrown(() => boxed({ [name]: value }), UsageError);
        expect(error.code).to.equal("ERR_WS_INVALID_ARGUMENT");
        expect(error.message).to.include(`outbox.${name}`);
      });
    }
  }

  it("refuses what is no option", () => {
    const make = (option: unknown) => () => new Outbox(option as OutboxOptions, (call) => call());
    for (const option of [null, true, 5]) thrown(make(option), UsageError);
    expect(thrown(make({ size: 5 }), UsageError).code).to.equal("ERR_WS_UNKNOWN_OPTION");
  });

  it("hands no message on twice, and tells of each that was not read, whatever happens", async () => {
    const acts = ["push", "push", "push", "open", "take", "read", "read", "lose", "close", "cross", "flush"];
    const step = fc.tuple(fc.constantFrom(...acts, "turn", "turn"), fc.integer({ min: 0, max: 200_000 }));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), fc.boolean(), async (...given) => {
        const [steps, isSmall] = given;
        let sendsAgain = given[2];
        const told = new Map<Message, DropReason>();
        let pushed = 0;
        const send = (size: number) => box.push(`${pushed++}`.padStart(size, " "));
        const { box, log, open } = boxed(
          {
            maxBytes: isSmall ? 500_000 : Number.POSITIVE_INFINITY,
            onDrop(message, reason) {
              expect(told.has(message)).to.equal(false);
              told.set(message, reason);
              if (sendsAgain && reason === "lost") send(100);
            },
          },
          { look: 0, patience: Number.POSITIVE_INFINITY },
        );
        const handed: Message[] = [];
        const read: Message[] = [];
        let way: FakeWay | undefined;
        const lose = (info: CloseInfo) => {
          if (way === undefined) return;
          handed.push(...way.handed);
          read.push(...way.read);
          way = undefined;
          box.detach(info);
        };
        for (const [act, n] of steps) {
          if (act === "push") send(n);
          if (act === "open" && way === undefined) {
            way = new FakeWay();
            if (isSmall) way.maxBufferedAmount = 300_000;
            open(way);
          }
          if (act === "take") way?.take(n);
          if (act === "read") way?.reads(n % 4);
          if (act === "lose") lose(LOST);
          if (act === "close" && way !== undefined) {
            box.conclude();
            way.take();
            way.reads();
            lose(CLOSED);
          }
          if (act === "cross" && way !== undefined) {
            way.reads(1);
            box.conclude();
            lose({ ...CLOSED, received: { code: 1001, reason: "" } });
          }
          if (act === "flush") box.flush();
          if (act === "turn") await nextTurn();
        }
        lose(LOST);
        sendsAgain = false;
        box.end();
        expect(log).to.deep.equal([]);
        const numbers = handed.map(Number);
        expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b));
        const all = new Set([...told.keys(), ...read].map(Number));
        expect(Array.from({ length: pushed }, (_, i) => i).filter((i) => !all.has(i))).to.deep.equal([]);
        for (const [message, reason] of told)
          expect(handed.includes(message), reason).to.equal(reason === "lost");
      }),
      { numRuns: 300 },
    );
  });

  /** Takes everything, and never says that it has. */
  const abyss = () => {
    const way = new FakeWay();
    const never = new Promise<void>(() => {});
    way.send = () => never;
    return way;
  };
  const ways: [title: string, act: (box: Outbox, size: number) => void][] = [
    ["without a connection", send],
    [
      "with one",
      (box, size) => {
        box.attach(abyss());
        send(box, size);
      },
    ],
  ];
  for (const [title, act] of ways) {
    for (const maxBytes of [Number.POSITIVE_INFINITY, 20_000]) {
      it(`takes as long as there are messages, ${title}, with room for ${maxBytes} bytes`, () => {
        const growth = growthOfTime((size) => {
          act(boxed({ maxBytes, onDrop: undefined }).box, size);
        }, 1500);
        expect(growth).to.be.below(LINEAR);
      });
    }
  }
});

function send(box: Outbox, count: number): void {
  for (let i = 0; i < count; i++) box.push("x");
}

describe("an app with an outbox", () => {
  const use = cleanUp();

  /** Its options, and what its outbox tells. */
  function telling(options: OutboxOptions = {}) {
    const dropped: string[] = [];
    const outbox: OutboxOptions = {
      onDrop: (message, reason) => dropped.push(`${reason} ${shown(message)}`),
      ...options,
    };
    return { outbox, dropped };
  }

  /** An app that has been run, and connects again at once; nothing has answered it yet. */
  async function started(options: AppOptions, serverOptions = {}) {
    const { url, accepted, sockets } = await rawServer(use, serverOptions);
    const app = new WebSocketApp(url, { reconnect: { minDelay: 1, maxDelay: 1 }, ...options });
    const run = app.runForever();
    use({ close: () => app.terminate() });
    return { app, run, accepted, sockets };
  }

  /** The next frame that is no ping; those are answered, as a peer does. */
  async function nextFrame(server: ServerEnd): Promise<SentFrame> {
    for (;;) {
      const frame = await server.frames.next();
      if (frame.opcode !== PING) return frame;
      server.send(PONG, frame.payload);
    }
  }

  async function nextText(server: ServerEnd): Promise<string> {
    return (await nextFrame(server)).payload.toString();
  }

  async function texts(server: ServerEnd, count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) texts.push(await nextText(server));
    return texts;
  }

  it("sends what was sent before the connection was open, behind what onOpen sends", async () => {
    const { outbox, dropped } = telling();
    const { app, run, accepted } = await started({ outbox, onOpen: (app) => app.send("login") });
    const bytes = Uint8Array.of(0x31);
    app.send(bytes);
    bytes.fill(0);
    for (const text of ["2", "3"]) app.send(text);
    const server = await accepted.next();
    expect(await texts(server, 4)).to.deep.equal(["login", "1", "2", "3"]);
    app.send("4");
    expect(await nextText(server)).to.equal("4");
    app.close();
    expect((await nextFrame(server)).opcode).to.equal(CLOSE);
    server.close();
    await run;
    expect(dropped).to.deep.equal([]);
  });

  it("sends what was sent during the wait, and while it connected again, behind what onReconnect sends", async () => {
    const { outbox } = telling();
    const { url, accepted } = await rawServer(use);
    let attempts = 0;
    const app: WebSocketApp = new WebSocketApp(url, {
      outbox,
      reconnect: { minDelay: 1, maxDelay: 1 },
      onReconnect: (app) => app.send("login again"),
      onClose: (app, _code, _reason, { retry }) => retry && app.send("in onClose"),
      onError: (app) => app.send("in onError"),
      headers: () => {
        if (++attempts > 1) app.send(`while it connects for the ${attempts}th time`);
        if (attempts === 2) throw new RangeError("no token yet");
        return {};
      },
    });
    use({ close: () => app.terminate() });
    void app.runForever();
    (await accepted.next()).socket.destroy();
    expect(await texts(await accepted.next(), 7)).to.deep.equal([
      "login again",
      "in onError",
      "in onClose",
      "while it connects for the 2th time",
      "in onError",
      "in onClose",
      "while it connects for the 3th time",
    ]);
  });

  it("keeps nothing before a run, after close(), or behind a run", async () => {
    const { outbox, dropped } = telling();
    const { url, accepted } = await rawServer(use);
    const app = new WebSocketApp(url, { outbox });
    thrown(() => app.send("before"), ClosedError);
    const run = app.runForever();
    const server = await accepted.next();
    app.close();
    thrown(() => app.send("closing"), ClosedError);
    server.close();
    await run;
    thrown(() => app.send("behind"), ClosedError);
    expect(dropped).to.deep.equal([]);
  });

  const ends: [title: string, end: (app: WebSocketApp) => void][] = [
    ["close()", (app) => app.close()],
    ["terminate()", (app) => app.terminate()],
  ];
  for (const [title, end] of ends) {
    it(`tells of what waits when ${title} ends the wait, before the run is over`, async () => {
      const { outbox, dropped } = telling();
      const { app, run, accepted } = await started({ outbox, reconnect: 600_000 });
      (await accepted.next()).socket.destroy();
      while (app.connection !== undefined) await nextTurn();
      await nextTurn();
      for (const text of ["1", "2"]) app.send(text);
      end(app);
      thrown(() => app.send("3"), ClosedError);
      await run;
      expect(dropped).to.deep.equal(["closed 1", "closed 2"]);
    });
  }

  it("tells of what waits when the signal ends the wait", async () => {
    const controller = new AbortController();
    const { outbox, dropped } = telling();
    const { app, run, accepted } = await started({ outbox, reconnect: 600_000, signal: controller.signal });
    (await accepted.next()).socket.destroy();
    while (app.connection !== undefined) await nextTurn();
    app.send("1");
    controller.abort();
    await run;
    expect(dropped).to.deep.equal(["closed 1"]);
  });

  for (const [title, end] of [
    ...ends,
    ["runForever()", (app) => void app.runForever().catch(() => {})],
  ] as typeof ends) {
    it(`may be ended from within onDrop by ${title}: what waits is told of, and onError of the loss`, async () => {
      const log: string[] = [];
      const { app, run, accepted } = await started({
        reconnect: 600_000,
        onError: (_app, error) => log.push((error as WebSocketError).code),
        onClose: (_app, code, _reason, { retry }) => log.push(`close ${code} ${retry?.attempt}`),
        outbox: {
          maxBytes: 4,
          onDrop: (message, reason) => {
            log.push(`${reason} ${message}`);
            if (reason !== "lost") return;
            for (const text of ["b", "c"]) app.send(text);
            end(app);
          },
        },
      });
      const server = await accepted.next();
      while (app.connection === undefined) await nextTurn();
      app.send("a");
      expect((await server.frames.next()).opcode).to.equal(TEXT);
      server.socket.resetAndDestroy();
      if (title === "runForever()") {
        while (log.length < 3) await nextTurn();
        app.close();
      }
      await run;
      expect(log).to.deep.equal([
        ...["lost a", "ERR_WS_TRANSPORT"],
        ...(title === "runForever()"
          ? ["close 1006 1", "closed b", "closed c"]
          : ["closed b", "closed c", "close 1006 undefined"]),
      ]);
    });
  }

  it("tells of what waits before onClose where it is not connected again", async () => {
    const log: string[] = [];
    const { url, accepted } = await rawServer(use);
    const app = new WebSocketApp(url, {
      outbox: { onDrop: (message, reason) => log.push(`${reason} ${message}`) },
      onError: (app) => app.send("sent in onError"),
      onClose: (_app, code) => log.push(`close ${code}`),
    });
    const run = app.runForever();
    const server = await accepted.next();
    while (app.connection === undefined) await nextTurn();
    app.send("1");
    server.socket.resetAndDestroy();
    await run;
    expect(log).to.deep.equal(["lost 1", "closed sent in onError", "close 1006"]);
  });

  it("sends all that waits before the Close frame of close()", async () => {
    const { outbox, dropped } = telling();
    const { app, run, server } = await running(use, { outbox });
    for (let i = 0; i < 20; i++) app.send(`${i}`.padEnd(HIGH_WATER, " "));
    app.close();
    for (let i = 0; i < 20; i++) expect(Number(await nextText(server))).to.equal(i);
    expect((await nextFrame(server)).opcode).to.equal(CLOSE);
    server.close();
    await run;
    expect(dropped).to.deep.equal([]);
  });

  it("sends it also where onOpen closes, behind what that sends", async () => {
    const { outbox } = telling();
    const { app, run, accepted } = await started({
      outbox,
      onOpen: (app) => {
        app.send("only to say this");
        app.close();
      },
    });
    app.send("waits");
    const server = await accepted.next();
    expect(await texts(server, 2)).to.deep.equal(["only to say this", "waits"]);
    expect((await nextFrame(server)).opcode).to.equal(CLOSE);
    server.close();
    await run;
  });

  it("does nothing for a close() that is wrong", async () => {
    const { outbox } = telling();
    const { app, server } = await running(use, { outbox });
    thrown(() => app.close(5), UsageError);
    app.send("1");
    expect(await nextText(server)).to.equal("1");
  });

  it("keeps the order of messages and streams", async () => {
    const { outbox } = telling();
    const { app, server } = await running(use, { outbox });
    for (let i = 0; i < 3; i++) app.send(`${i}`.padEnd(HIGH_WATER, " "));
    const streamed = app.sendStream(["3", "4"]);
    for (const text of ["5", "6"]) app.send(text);
    const frames: SentFrame[] = [];
    while (frames.length < 8) frames.push(await nextFrame(server));
    await streamed;
    expect(frames.map(({ payload }) => payload.toString().trim()).join("")).to.equal("0123456");
    expect(frames[5]?.opcode).to.equal(CONTINUATION);
  });

  it("sends all before the Close frame, though it is more than may be buffered", async () => {
    const { outbox, dropped } = telling();
    const { app, run, accepted } = await started({
      outbox,
      maxBufferedAmount: 1000,
      onOpen: (app) => app.close(),
    });
    for (let i = 0; i < 6; i++) app.send(`${i}`.padEnd(600, " "));
    const server = await accepted.next();
    for (let i = 0; i < 6; i++) expect(Number(await nextText(server))).to.equal(i);
    expect((await nextFrame(server)).opcode).to.equal(CLOSE);
    server.close();
    await run;
    expect(dropped).to.deep.equal([]);
  });

  it("refuses a stream that would overtake what waits, as too much is buffered", async () => {
    const { outbox, dropped } = telling();
    const { app, server } = await running(use, { outbox, maxBufferedAmount: HIGH_WATER });
    server.socket.pause();
    const much = app.connection?.send(new Uint8Array(32 * HIGH_WATER));
    app.send("1");
    await rejection(app.sendStream(["2"]), LimitError);
    server.socket.resume();
    await much;
    expect((await nextFrame(server)).payload).to.have.length(32 * HIGH_WATER);
    expect(await nextText(server)).to.equal("1");
    await app.sendStream(["3"]);
    expect(await texts(server, 2)).to.deep.equal(["3", ""]);
    expect(dropped).to.deep.equal([]);
  });

  it("does not let a stream of onOpen's be overtaken by what waits", async () => {
    const { outbox } = telling();
    const { app, accepted } = await started({ outbox, onOpen: (app) => void app.sendStream(["log", "in"]) });
    app.send("waits");
    expect((await texts(await accepted.next(), 4)).join("")).to.equal("loginwaits");
  });

  it("keeps no stream, ping or pong", async () => {
    const { outbox } = telling();
    const { app, accepted } = await started({ outbox });
    await rejection(app.sendStream(["a"]), ClosedError);
    await rejection(app.ping(), ClosedError);
    thrown(() => app.pong(), ClosedError);
    await accepted.next();
  });

  it("takes no Blob, be there a connection or none", async () => {
    const { outbox } = telling();
    const { app, accepted } = await started({ outbox });
    thrown(() => app.send(new Blob(["a"])), UsageError);
    await accepted.next();
    while (app.connection === undefined) await nextTurn();
    thrown(() => app.send(new Blob(["a"])), UsageError);
  });

  it("tells onError what onDrop throws, or rejects with, once", async () => {
    const errors: Error[] = [];
    for (const onDrop of [
      () => {
        throw new RangeError("thrown");
      },
      () => Promise.reject(new RangeError("rejected")),
    ]) {
      const { app, run, accepted } = await started({
        outbox: { onDrop },
        reconnect: 600_000,
        onError: (_app, error) => errors.push(error),
      });
      (await accepted.next()).socket.destroy();
      while (errors.length % 2 === 0) await nextTurn();
      app.send("1");
      app.close();
      await run;
      await nextTurn();
    }
    expect(errors.map((error) => (error as WebSocketError).code ?? error.message)).to.deep.equal([
      ...["ERR_WS_TRANSPORT", "thrown"],
      ...["ERR_WS_TRANSPORT", "rejected"],
    ]);
  });

  /** What a server does when the app closes behind "2", having sent "1" before; what it is told of then. */
  const answers: [title: string, answer: (server: ServerEnd) => Promise<void>, lost: string[]][] = [
    [
      "reads all, and answers the Close frame",
      async (server) => {
        expect(await texts(server, 2)).to.deep.equal(["1", "2"]);
        await nextFrame(server);
        server.close(1000);
      },
      [],
    ],
    [
      "answers no ping, but the Close frame",
      async (server) => {
        while ((await server.frames.next()).opcode !== CLOSE);
        server.close(1000);
      },
      [],
    ],
    [
      "answers the Close frame with one of another code, behind the pong",
      async (server) => {
        while ((await nextFrame(server)).opcode !== CLOSE);
        server.close(1001);
      },
      [],
    ],
    ["closes at the same time, with a code of its own", async (server) => server.close(1001), ["1", "2"]],
    [
      "closes at the same time, with the same code, having read only a part",
      async (server) => {
        await server.frames.next();
        server.send(PONG, (await server.frames.next()).payload);
        server.close(1000);
      },
      ["2"],
    ],
  ];
  for (const [title, answer, lost] of answers) {
    it(`tells of ${lost.length === 0 ? "nothing" : lost} when it closes, to a server that ${title}`, async () => {
      const { outbox, dropped } = telling();
      const { app, run, server } = await running(use, { outbox });
      app.send("1");
      app.send("2");
      app.close();
      await answer(server);
      expect(await run).to.include({ wasClean: true });
      expect(dropped).to.deep.equal(lost.map((text) => `lost ${text}`));
    });
  }

  it("tells of all that is not confirmed where the server closes, though the app closes too", async () => {
    const { outbox, dropped } = telling();
    const { app, run, server } = await running(use, { outbox });
    app.send("1");
    server.close(1000);
    while (app.connection?.state === "open") await nextTurn();
    app.close();
    await run;
    expect(dropped).to.deep.equal(["lost 1"]);
  });

  for (const title of ["goes on for ever", "ends when it is closed"]) {
    it(`tells of what waits behind a stream that ${title}, where the server closes before the app could`, async () => {
      const { outbox, dropped } = telling();
      const { app, run, server } = await running(use, { outbox });
      let isOver = () => {};
      const over = new Promise<void>((resolve) => {
        isOver = resolve;
      });
      void app.sendStream(
        (async function* () {
          yield "begun";
          await over;
        })(),
      );
      expect(await nextText(server)).to.equal("begun");
      const { connection } = app;
      app.send("1");
      app.close();
      server.send(CLOSE, Buffer.of(3, 0xe8));
      expect((await nextFrame(server)).opcode).to.equal(CLOSE);
      if (title === "ends when it is closed") isOver();
      await nextTurn();
      server.socket.end();
      expect(await run).to.include({ code: 1000, wasClean: true });
      expect(connection?.state).to.equal("closed");
      expect(dropped).to.deep.equal(["lost 1"]);
    });
  }

  it("tells of no message that was confirmed, and of all others, to a server that reads a part and resets", async () => {
    const { outbox, dropped } = telling();
    const { app, run, server } = await running(use, { outbox, onError: () => {} });
    const pinged = new Queue<Uint8Array>();
    app.onPong = (_app, payload) => pinged.push(payload);
    app.send("1");
    app.send("2");
    expect(await texts(server, 2)).to.deep.equal(["1", "2"]);
    // The pong of the ping behind "2" comes before that of the user's.
    const { payload } = await server.frames.next();
    server.send(PONG, payload);
    const theirs = app.ping("mine");
    app.send("3");
    const { payload: mine } = await server.frames.next();
    server.send(PONG, mine);
    await theirs;
    expect(await pinged.next()).to.deep.equal(new Uint8Array(Buffer.from("mine")));
    server.socket.resetAndDestroy();
    await run;
    expect(dropped).to.deep.equal(["lost 3"]);
  });

  it("takes its pong for the answer to a ping before it, if the server spares itself that", async () => {
    const { outbox } = telling();
    const pongs: string[] = [];
    const { app, server } = await running(use, {
      outbox,
      onPong: (_app, payload) => pongs.push(Buffer.from(payload).toString()),
    });
    app.send("1");
    expect(await nextText(server)).to.equal("1");
    server.send(PONG, (await server.frames.next()).payload);
    const theirs = app.ping("mine");
    app.send("2");
    const [, , probe] = await server.frames.take(3);
    server.send(PONG, probe?.payload);
    expect(await theirs).to.be.at.least(0);
    expect(pongs).to.deep.equal([]);
  });

  it("takes no other pong for that of its own, though its ping came later", async () => {
    const { outbox, dropped } = telling();
    const { app, run, server } = await running(use, { outbox, onError: () => {} });
    app.send("1");
    const theirs = app.ping("mine");
    server.send(PONG, "mine");
    await theirs;
    server.socket.resetAndDestroy();
    await run;
    expect(dropped).to.deep.equal(["lost 1"]);
  });

  it("keeps its probes behind streams", async () => {
    const { outbox } = telling();
    const { app, server } = await running(use, { outbox });
    void app.sendStream(["a", "b"]);
    app.send("1");
    const frames = await server.frames.take(5);
    expect(frames.map(({ opcode }) => opcode)).to.deep.equal([TEXT, CONTINUATION, CONTINUATION, TEXT, PING]);
  });

  it("keeps its probes behind what waits to be compressed", async () => {
    const { outbox, dropped } = telling({ maxBytes: 1e9 });
    const { url, accepted } = await rawServer(use, {
      lines: ["Sec-WebSocket-Extensions: permessage-deflate"],
    });
    const app = new WebSocketApp(url, { outbox, perMessageDeflate: true });
    use({ close: () => app.terminate() });
    const run = app.runForever();
    const server = await accepted.next();
    while (app.connection === undefined) await nextTurn();
    let sent = 0;
    for (; sent < 20; sent++) app.send(`${sent}`.padEnd(100_000, "x"));
    app.close();
    let read = 0;
    for (;;) {
      const { opcode, fin, payload } = await server.frames.next();
      if (opcode === CLOSE) break;
      // A probe says how many messages are before it.
      if (opcode === PING) expect(payload.toString().split(" ")[2]).to.equal(`${read}`);
      else if (fin) read++;
    }
    expect(read).to.equal(sent);
    server.close(1000);
    await run;
    expect(dropped).to.deep.equal([]);
  });

  it("sends 100 000 messages, in order, as a server takes them", async () => {
    const server = await acceptingServer(use);
    const { outbox, dropped } = telling();
    const app = new WebSocketApp(server.url, { outbox: { ...outbox, maxBytes: 10_000_000 } });
    use({ close: () => app.terminate() });
    const run = app.runForever();
    for (let i = 0; i < 50_000; i++) app.send(`${i}`);
    const ws = await server.accepted.next();
    const arrived = async () => {
      for (let next = 0; next < 100_000; next++) expect(await ws.recv()).to.equal(`${next}`);
    };
    const all = arrived();
    while (app.connection === undefined) await nextTurn();
    for (let i = 50_000; i < 100_000; i++) app.send(`${i}`);
    await all;
    app.close();
    await run;
    expect(dropped).to.deep.equal([]);
  });

  /** How a server cuts a connection, once it has read so many messages. */
  const cuts: [title: string, cut: (server: ServerEnd) => void][] = [
    ["resets it", ({ socket }) => void socket.resetAndDestroy()],
    ["ends it, and reads on", ({ socket }) => void socket.end()],
    ["sends a Close frame, and drops it", ({ socket }) => void socket.end(frame(CLOSE, Buffer.of(3, 0xe9)))],
  ];
  for (const [title, cut] of cuts) {
    for (const answers of [true, false]) {
      it(`loses no message unseen, and sends none twice, to a server that ${answers ? "answers pings" : "answers none"} and ${title}`, async () => {
        const told = new Set<number>();
        const opened = new Queue<WebSocketApp>();
        const { app, run, accepted } = await started({
          outbox: { onDrop: (message) => void told.add(Number.parseInt(String(message), 10)), maxBytes: 1e9 },
          onOpen: (app) => opened.push(app),
          onError: () => {},
        });
        const arrived: number[] = [];
        let sent = 0;
        const random = seeded(1);
        const chance = (most: number) => Math.floor(most * random());
        for (let round = 0; round < 5; round++) {
          const server = await accepted.next();
          const done = (async () => {
            const cutAt = 1 + chance(40); // once the client is open, as it has sent something
            for (let read = 0; ; read++) {
              if (read === cutAt) cut(server);
              const { opcode, payload } = await (answers ? nextFrame(server) : server.frames.next());
              if (opcode === TEXT) arrived.push(Number.parseInt(payload.toString(), 10));
              if (chance(3) === 0) server.socket.write(frame(PONG)); // a sign of life, which proves nothing
            }
          })().catch(() => {}); // the connection is gone
          await opened.next();
          const burst = 50 + chance(50);
          for (let i = 0; i < burst; i++) {
            app.send(`${sent++} `.padEnd(chance(10) === 0 ? 100_000 : 20, "x"));
            if (chance(8) === 0) await nextTurn();
          }
          await done;
        }
        const last = await accepted.next();
        await opened.next();
        app.close();
        for (;;) {
          const { opcode, payload } = await nextFrame(last);
          if (opcode === CLOSE) break;
          arrived.push(Number.parseInt(payload.toString(), 10));
        }
        last.close();
        await run;
        expect(arrived).to.deep.equal([...new Set(arrived)].sort((a, b) => a - b));
        const known = new Set([...arrived, ...told]);
        expect(Array.from({ length: sent }, (_, i) => i).filter((i) => !known.has(i))).to.deep.equal([]);
        expect(arrived.length).to.be.above(5);
      });
    }
  }

  for (const outbox of [{ maxBytes: 0 }, { ttl: -1 }, { onDrop: 5 }, { size: 5 }, true, null]) {
    it(`refuses ${JSON.stringify(outbox)}`, () => {
      thrown(() => new WebSocketApp("ws://a/", { outbox } as AppOptions), UsageError);
    });
  }
});

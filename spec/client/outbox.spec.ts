// Messages that wait: in order, each once at the most, and none gone that nobody was told of; on a connection whose ends are in
// hand, then on sockets that are cut at random.

import { expect } from "chai";
import fc from "fast-check";
import type { AppOptions } from "../../lib/client/app.ts";
import { sizeOf } from "../../lib/client/message-stream.ts";
import { type DropReason, Outbox, type OutboxOptions } from "../../lib/client/outbox.ts";
import { CLOSE, CONTINUATION, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { ClosedError, LimitError, UsageError, type WebSocketError } from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { acceptingServer } from "../support/accepting-server.ts";
import { seeded } from "../support/chance.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { growthOfTime, LINEAR } from "../support/growth.ts";
import { Queue } from "../support/queue.ts";
import { frame, rawServer, running, type ServerEnd } from "../support/raw-server.ts";
import { WebSocketApp } from "../support/runtime.ts";

/** A connection whose process, system and peer the test plays. */
class FakeWay {
  isOpen = true;
  /** It has no room. */
  refuses = false;
  readonly handed: Message[] = [];
  readonly session = { heard: 0, bufferedBytes: 0, sentBytes: 0 };
  #waiters: (() => void)[] = [];

  get bufferedAmount(): number {
    return this.session.bufferedBytes;
  }

  send(message: unknown, _compress?: boolean): Promise<void> {
    if (this.refuses) throw new LimitError("ERR_WS_BACKPRESSURE", "", { limit: "", actual: 1 });
    this.handed.push(message as Message);
    this.session.sentBytes += sizeOf(message as Message);
    this.session.bufferedBytes += sizeOf(message as Message);
    if (this.bufferedAmount < HIGH_WATER) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The system takes so many bytes. */
  take(bytes = Number.POSITIVE_INFINITY): void {
    this.session.bufferedBytes = Math.max(0, this.session.bufferedBytes - bytes);
    if (this.bufferedAmount < HIGH_WATER) for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

/** An outbox, what it tells, and a guard that writes down what is thrown. */
function boxed(options: OutboxOptions = {}) {
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
    box.detach(false);
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
    way.send = (message, ...options) => {
      asked.push([message, ...options]);
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
    box.detach(false);
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
      box.detach(false);
      expect(open().handed).to.deep.equal(["b", "c"]);
    });

    it("has room again once something has left", () => {
      const { box, open, log } = boxed({ maxBytes: 4 });
      for (let round = 0; round < 1000; round++) {
        for (const message of ["a", "b"]) box.push(message);
        open();
        box.detach(true);
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
      box.detach(false);
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
      way.session.heard++;
      box.detach(false);
      expect(log).to.deep.equal(["lost a", "lost b"]);
      expect(open().handed).to.deep.equal([]);
    });

    it("keeps what waits for the next one", () => {
      const { box, open, log } = boxed();
      open();
      for (let i = 0; i < 4; i++) box.push(new Uint8Array(HIGH_WATER).fill(i));
      box.detach(false);
      expect(log).to.deep.equal(["lost 000..."]);
      expect((open().handed[0] as Uint8Array)[0]).to.equal(1);
    });

    it("tells of nothing where the peer has answered our Close frame, as it has read all before it", () => {
      const { box, open, log } = boxed();
      open();
      box.push("a");
      box.detach(true);
      expect(log).to.deep.equal([]);
    });

    const MS = 3500; // two looks, and more

    it("tells of nothing that left long before, if something has come from the peer since", async () => {
      const { box, open, log } = boxed();
      const ways = Array.from({ length: 3 }, () => boxed());
      const [silent, stuck, busy] = ways.map(({ box, open }) => {
        const way = open();
        box.push("a");
        return way;
      });
      const way = open();
      box.push("a");
      const alive = setInterval(() => {
        for (const each of [way, stuck, busy]) if (each) each.session.heard++;
      }, 50);
      for (const each of [way, silent]) each?.take();
      busy?.take(1);
      await new Promise((resolve) => setTimeout(resolve, MS));
      clearInterval(alive);
      box.push("b");
      for (const each of [box, ...ways.map(({ box }) => box)]) each.detach(false);
      expect(log).to.deep.equal(["lost b"]);
      // From one nothing has come; from the others it has, but the message has not left, or only half of it.
      for (const { log } of ways) expect(log).to.deep.equal(["lost a"]);
    });

    it("remembers no more than has room, but of what has not left", async () => {
      const { box, open, log } = boxed({ maxBytes: 10 });
      const way = open();
      for (let i = 0; i < 100; i++) {
        box.push(`${i}`);
        way.take();
        await nextTurn();
      }
      way.take();
      for (let i = 100; i < 120; i++) box.push(`${i}`);
      await nextTurn();
      box.detach(false);
      expect(log).to.deep.equal(Array.from({ length: 20 }, (_, i) => `lost ${i + 100}`));
    });

    it("minds no promise of that connection any more", async () => {
      const { box, open } = boxed();
      const lost = open();
      for (let i = 0; i < 2; i++) box.push(new Uint8Array(HIGH_WATER));
      box.detach(false);
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
      box.detach(false);
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

  it("hands no message on twice, and tells of each that did not arrive, whatever happens", async () => {
    type Step = readonly [
      act: "push" | "open" | "take" | "hear" | "lose" | "close" | "flush" | "turn",
      n: number,
    ];
    const step: fc.Arbitrary<Step> = fc.tuple(
      fc.constantFrom("push", "push", "push", "open", "take", "hear", "lose", "close", "flush", "turn"),
      fc.integer({ min: 0, max: 200_000 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), fc.boolean(), async (...given) => {
        const [steps, isSmall] = given;
        let sendsAgain = given[2];
        const told = new Map<Message, DropReason>();
        const arrived = new Set<Message>();
        let pushed = 0;
        const send = (size: number) => box.push(`${pushed++}`.padStart(size, " "));
        const { box, log, open } = boxed({
          maxBytes: isSmall ? 500_000 : Number.POSITIVE_INFINITY,
          onDrop(message, reason) {
            expect(told.has(message)).to.equal(false);
            told.set(message, reason);
            if (sendsAgain && reason === "lost") send(100);
          },
        });
        const handed: Message[] = [];
        let way: FakeWay | undefined;
        const lose = (wasAnswered: boolean) => {
          if (way === undefined) return;
          const left = way.session.sentBytes - way.session.bufferedBytes;
          let end = 0;
          for (const message of way.handed) {
            end += sizeOf(message);
            if (wasAnswered || end <= left / 2) arrived.add(message); // the system took more than arrived
          }
          handed.push(...way.handed);
          way = undefined;
          box.detach(wasAnswered);
        };
        for (const [act, n] of steps) {
          if (act === "push") send(n);
          if (act === "open" && way === undefined) way = open();
          if (act === "take") way?.take(n);
          if (act === "hear" && way) way.session.heard++;
          if (act === "lose") lose(false);
          if (act === "close") lose(true);
          if (act === "flush") box.flush();
          if (act === "turn") await nextTurn();
        }
        lose(false);
        sendsAgain = false;
        box.end();
        expect(log).to.deep.equal([]);
        const numbers = handed.map(Number);
        expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b));
        const all = new Set([...told.keys(), ...arrived].map(Number));
        const vanished = Array.from({ length: pushed }, (_, i) => i).filter((i) => !all.has(i));
        // What has but left is forgotten where it is too much to remember: the one way to vanish.
        if (isSmall) expect(numbers).to.include.members(vanished);
        else expect(vanished).to.deep.equal([]);
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

  async function texts(server: ServerEnd, count: number): Promise<string[]> {
    const frames = await server.frames.take(count);
    return frames.map(({ payload }) => payload.toString());
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
    expect(await server.text()).to.equal("4");
    app.close();
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
    for (let i = 0; i < 20; i++) expect(Number(await server.text())).to.equal(i);
    expect((await server.frames.next()).opcode).to.equal(CLOSE);
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
    expect((await server.frames.next()).opcode).to.equal(CLOSE);
    server.close();
    await run;
  });

  it("does nothing for a close() that is wrong", async () => {
    const { outbox } = telling();
    const { app, server } = await running(use, { outbox });
    thrown(() => app.close(5), UsageError);
    app.send("1");
    expect(await server.text()).to.equal("1");
  });

  it("keeps the order of messages and streams", async () => {
    const { outbox } = telling();
    const { app, server } = await running(use, { outbox });
    for (let i = 0; i < 3; i++) app.send(`${i}`.padEnd(HIGH_WATER, " "));
    const streamed = app.sendStream(["3", "4"]);
    for (const text of ["5", "6"]) app.send(text);
    const frames = await server.frames.take(8);
    await streamed;
    expect(frames.map(({ payload }) => payload.toString().trim()).join("")).to.equal("0123456");
    expect(frames[5]?.opcode).to.equal(CONTINUATION);
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

  it("tells of nothing that was answered, and all else, when the server closes", async () => {
    const { outbox, dropped } = telling();
    const { app, run, server } = await running(use, { outbox });
    app.send("1");
    await server.text();
    app.close();
    server.close(1001);
    expect(await run).to.include({ code: 1001, wasClean: true });
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
    it(`loses no message unseen, and sends none twice, to a server that ${title}`, async () => {
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
            const { opcode, payload } = await server.frames.next();
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
        const { opcode, payload } = await last.frames.next();
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

  for (const outbox of [{ maxBytes: 0 }, { ttl: -1 }, { onDrop: 5 }, { size: 5 }, true, null]) {
    it(`refuses ${JSON.stringify(outbox)}`, () => {
      thrown(() => new WebSocketApp("ws://a/", { outbox } as AppOptions), UsageError);
    });
  }
});

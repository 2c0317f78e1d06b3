// When to ping and when a silent peer is a dead one, in a world with a clock of its own: a peer, what lies between, a loop that
// is blocked and a machine that sleeps.

import { expect } from "chai";
import { type KeepAliveOptions, KeepAliveSchedule, resolveKeepAlive } from "../../lib/client/keep-alive.ts";
import { UsageError } from "../../lib/errors.ts";
import { seeded } from "../support/chance.ts";
import { thrown } from "../support/failure.ts";

type Span = readonly [from: number, to: number];

interface World {
  readonly interval: number;
  readonly timeout: number;
  /** How long the peer takes to answer a ping; it answers none without it. */
  readonly pong?: number;
  /** From then on nothing comes of what the peer sends. */
  readonly cut?: number;
  /** When other bytes arrive. */
  readonly data?: readonly number[];
  /** When the loop is blocked, or the machine asleep: nothing is read, no timer runs. */
  readonly blocked?: readonly Span[];
  /** When the reader makes the peer wait: nothing is read. */
  readonly paused?: readonly Span[];
  /** How much too early a timer runs. */
  readonly early?: number;
  /** When it is over. */
  readonly until: number;
}

/** What the schedule does in this world: `ping 20`, `dead 45`. */
function play(world: World): string[] {
  const { pong, cut = Number.POSITIVE_INFINITY, blocked = [], paused = [], early = 0 } = world;
  const schedule = new KeepAliveSchedule(world, 0);
  const arrivals = (world.data ?? []).filter((at) => at < cut);
  const log: string[] = [];
  let read = 0;
  let now = 0;
  for (let wakes = 0; wakes < 10_000; wakes++) {
    // A timer counts whole ms, and waits one at the least.
    now = schedule.wakeAt + (schedule.wakeAt - now > 1 ? -early : early);
    for (const [from, to] of blocked) if (now >= from && now < to) now = to;
    if (now > world.until) return log;
    // Timers run before anything is read that came while the loop was blocked.
    let readable = now;
    for (const [from, to] of [...blocked].reverse()) if (readable === to) readable = from;
    const isPaused = paused.some(([from, to]) => now >= from && now < to);
    const hasHeard = isPaused || arrivals.some((at) => at > read && at <= readable);
    if (!isPaused) read = Math.max(read, readable);
    const beat = schedule.beat(now, hasHeard);
    if (beat !== "wait") log.push(`${beat} ${Math.round(now)}`);
    if (beat === "dead") return log;
    if (beat === "ping" && pong !== undefined && now + pong < cut) arrivals.push(now + pong);
  }
  throw new Error("it never sleeps");
}

const HOUR = 3_600_000;

/** `ping 100`, `ping 200` and so on. */
function pings(from: number, to: number, step: number): string[] {
  const count = Math.floor((to - from) / step) + 1;
  return Array.from({ length: count }, (_, i) => `ping ${from + i * step}`);
}

describe("KeepAliveSchedule", () => {
  const seconds = { interval: 20_000, timeout: 20_000 };
  const rows: [title: string, world: World, expected: string[]][] = [
    ["pings after one interval, not after two", { ...seconds, pong: 10, until: 20_000 }, ["ping 20000"]],
    [
      "pings at every interval a peer that answers",
      { ...seconds, pong: 30, until: 100_000 },
      pings(20_000, 100_000, 20_000),
    ],
    [
      "finds a silent peer dead behind the timeout, and the time to read what has arrived",
      { ...seconds, until: HOUR },
      ["ping 20000", "dead 40050"],
    ],
    [
      "finds a peer dead that answered once",
      { ...seconds, pong: 30, cut: 30_000, until: HOUR },
      ["ping 20000", "ping 40000", "dead 60050"],
    ],
    [
      "finds a peer dead within interval and timeout of its last byte",
      { ...seconds, data: [20_001], until: HOUR },
      ["ping 20000", "ping 40000", "dead 60050"],
    ],
    [
      "does not count for a ping what came before it",
      { ...seconds, data: [19_999], until: HOUR },
      ["ping 20000", "dead 40050"],
    ],
    [
      "takes data for life, though no pong ever comes (others drop a peer that is sending)",
      { ...seconds, data: [25_000, 45_000, 65_000, 85_000], until: 90_000 },
      pings(20_000, 80_000, 20_000),
    ],
    [
      "takes a pong in the last moment",
      { ...seconds, pong: 19_999, until: 60_000 },
      pings(20_000, 60_000, 20_000),
    ],
    [
      "takes a pong that comes while it is looked once more",
      { ...seconds, pong: 20_040, until: 70_000 },
      ["ping 20000", "ping 40050", "ping 60100"],
    ],
    ["takes no pong that is late", { ...seconds, pong: 20_060, until: HOUR }, ["ping 20000", "dead 40050"]],

    [
      "with a short timeout: finds a peer dead before the next ping",
      { interval: 20_000, timeout: 5000, until: HOUR },
      ["ping 20000", "dead 25050"],
    ],
    [
      "with a short timeout: pings no more often for it",
      { interval: 20_000, timeout: 5000, pong: 4000, until: 60_000 },
      pings(20_000, 60_000, 20_000),
    ],
    [
      "with a long timeout: pings go on, and the first that is not answered counts",
      { interval: 20_000, timeout: 50_000, until: HOUR },
      ["ping 20000", "ping 40000", "ping 60000", "dead 70050"],
    ],
    [
      "with a long timeout: all of it is the peer's again once it was heard",
      { interval: 20_000, timeout: 50_000, data: [61_000], until: HOUR },
      [...pings(20_000, 120_000, 20_000), "dead 130050"],
    ],
    [
      "with a timeout that is much shorter than the time to look",
      { interval: 20, timeout: 1, until: HOUR },
      ["ping 20", "dead 71"],
    ],
    [
      "with an interval of 1 ms, and a peer that answers",
      { interval: 1, timeout: 100, pong: 1, until: 5 },
      pings(1, 5, 1),
    ],

    [
      "spares a peer whose pong lies in the kernel's buffer, the loop being blocked (others drop it)",
      { ...seconds, pong: 30, blocked: [[20_001, 50_000]], until: 95_000 },
      ["ping 20000", "ping 50025", "ping 70025", "ping 90025"],
    ],
    [
      "spares it also where the loop is blocked for so short that it looks like any delay",
      { ...seconds, pong: 30, blocked: [[20_001, 40_400]], until: 70_000 },
      ["ping 20000", "ping 40425", "ping 60425"],
    ],
    [
      "spares it where two timers in a row block the loop, with no reading in between",
      {
        ...seconds,
        pong: 30,
        blocked: [
          [20_001, 40_400],
          [40_400, 40_600],
        ],
        until: 70_000,
      },
      ["ping 20000", "ping 40625", "ping 60625"],
    ],
    [
      "spares it where the loop is blocked once more while it is looked",
      {
        ...seconds,
        pong: 30,
        blocked: [
          [20_001, 45_000],
          [45_000, 55_000],
        ],
        until: 80_000,
      },
      ["ping 20000", "ping 55025", "ping 75025"],
    ],
    [
      "asks a peer once more that was dead while the loop was blocked, and gives it all of the timeout",
      { ...seconds, pong: 30, cut: 20_001, blocked: [[20_001, 50_000]], until: HOUR },
      ["ping 20000", "ping 50050", "dead 70100"],
    ],
    [
      "asks once more where it slept, and the peer is alive",
      { ...seconds, pong: 30, blocked: [[30_000, HOUR]], until: HOUR + 50_000 },
      ["ping 20000", `ping ${HOUR}`, `ping ${HOUR + 20_000}`, `ping ${HOUR + 40_000}`],
    ],
    [
      "asks once more where it slept with a ping under way, and the peer is alive",
      { ...seconds, pong: 30, cut: 20_020, data: [], blocked: [[20_010, HOUR]], until: HOUR + 100 },
      ["ping 20000", `ping ${HOUR + 50}`],
    ],
    [
      "finds a peer dead that is gone after a sleep, with all of the timeout after it",
      { ...seconds, pong: 30, cut: 30_000, blocked: [[30_000, HOUR]], until: 2 * HOUR },
      ["ping 20000", `ping ${HOUR}`, `dead ${HOUR + 20_050}`],
    ],
    [
      "finds no peer dead while every look comes late, and goes on asking",
      {
        ...seconds,
        blocked: Array.from({ length: 100 }, (_, i): Span => [20_000 + i * 1000, 20_990 + i * 1000]),
        until: 100_000,
      },
      ["ping 20990", "ping 42990", "ping 64990", "ping 86990"],
    ],

    [
      "never finds a peer dead that is not read, and goes on asking",
      { ...seconds, paused: [[0, HOUR]], until: 100_000 },
      pings(20_000, 100_000, 20_000),
    ],
    [
      "reads first what waited while nothing was read",
      { ...seconds, pong: 30, paused: [[10_000, 50_000]], until: 100_000 },
      pings(20_000, 100_000, 20_000),
    ],
    [
      "finds a peer dead that is silent when it is read again",
      { ...seconds, paused: [[10_000, 50_000]], until: HOUR },
      ["ping 20000", "ping 40000", "dead 60050"],
    ],

    [
      "is woken too early, and waits",
      { ...seconds, pong: 30, early: 0.4, until: 61_000 },
      ["ping 20000", "ping 40001", "ping 60001"],
    ],
    [
      "is woken too early, and finds a silent peer dead",
      { ...seconds, early: 0.4, until: HOUR },
      ["ping 20000", "dead 40050"],
    ],
  ];
  for (const [title, world, expected] of rows) {
    it(title, () => expect(play(world)).to.deep.equal(expected));
  }

  it("knows when it wants to be called", () => {
    const schedule = new KeepAliveSchedule({ interval: 100, timeout: 30 }, 1000);
    const wakes = [schedule.wakeAt];
    for (const hasHeard of [false, false, false, true, false]) {
      schedule.beat(schedule.wakeAt, hasHeard);
      wakes.push(schedule.wakeAt);
    }
    expect(wakes).to.deep.equal([1100, 1130, 1155, 1180, 1200, 1230]);
  });

  it("tells the living from the dead in any world", () => {
    const random = seeded(7);
    const between = (least: number, most: number) => Math.round(least + random() * (most - least));
    for (let round = 0; round < 3000; round++) {
      const interval = between(100, 30_000);
      const timeout = between(100, 30_000);
      const blocked: Span[] = [];
      for (let at = between(0, 30_000); at < 300_000; ) {
        const to = at + between(1, 20_000);
        blocked.push([at, to]);
        at = to + between(1, 30_000);
      }
      const world = { interval, timeout, pong: between(1, Math.min(timeout, 5000) - 1), blocked };
      const shown = JSON.stringify(world);
      const alive = play({ ...world, until: 400_000 });
      expect(
        alive.filter((line) => line.startsWith("dead")),
        shown,
      ).to.deep.equal([]);
      expect(alive.length, shown).to.be.above(1);
      const cut = between(0, 250_000);
      const [last = ""] = play({ ...world, cut, until: HOUR }).slice(-1);
      expect(last, shown).to.match(/^dead /);
      const [, at] = last.split(" ");
      expect(Number(at), shown).to.be.above(cut);
      // Once nothing is blocked any more, it is over within an interval and two timeouts.
      const quiet = Math.max(cut, blocked.at(-1)?.[1] ?? 0);
      expect(Number(at), shown).to.be.below(quiet + interval + 2 * timeout + 200);
    }
  });
});

describe("KeepAliveSchedule, where a ping could not be sent", () => {
  it("counts no silence of a peer that was not asked", () => {
    const schedule = new KeepAliveSchedule({ interval: 10, timeout: 5 }, 0);
    for (let now = 10; now <= 100; now += 10) {
      expect(schedule.wakeAt).to.equal(now);
      expect(schedule.beat(now, false)).to.equal("ping");
      schedule.unsent();
    }
  });

  it("goes on counting that of one that had been asked before", () => {
    const schedule = new KeepAliveSchedule({ interval: 10, timeout: 15 }, 0);
    expect(schedule.beat(10, false)).to.equal("ping");
    expect(schedule.beat(20, false)).to.equal("ping");
    schedule.unsent();
    expect(schedule.wakeAt).to.equal(25);
    expect([25, 50, 75].map((now) => schedule.beat(now, false))).to.deep.equal(["wait", "wait", "dead"]);
  });
});

describe("resolveKeepAlive", () => {
  const defaults = { interval: 20_000, timeout: 20_000, payload: undefined, message: undefined };
  const rows: [title: string, option: Parameters<typeof resolveKeepAlive>[0], expected: unknown][] = [
    ["nothing", undefined, undefined],
    ["false", false, undefined],
    ["true", true, defaults],
    ["{}", {}, defaults],
    ["an interval", { interval: 5 }, { ...defaults, interval: 5 }],
    ["a timeout that is longer", { interval: 5, timeout: 6 }, { ...defaults, interval: 5, timeout: 6 }],
    ["text", { payload: "\u20ac" }, { ...defaults, payload: Uint8Array.of(0xe2, 0x82, 0xac) }],
    ["bytes", { payload: Uint16Array.of(0x0201) }, { ...defaults, payload: Uint8Array.of(1, 2) }],
    ["no bytes", { payload: "" }, { ...defaults, payload: new Uint8Array(0) }],
    ["125 bytes", { payload: "a".repeat(125) }, { ...defaults, payload: new Uint8Array(125).fill(97) }],
  ];
  for (const [title, option, expected] of rows) {
    it(`takes ${title}`, () => expect(resolveKeepAlive(option)).to.deep.equal(expected));
  }

  it("copies the payload", () => {
    const payload = Uint8Array.of(7);
    const resolved = resolveKeepAlive({ payload });
    payload[0] = 9;
    expect(resolved?.payload).to.deep.equal(Uint8Array.of(7));
  });

  const messages: [title: string, message: Required<KeepAliveOptions>["message"], expected: unknown][] = [
    ["a text", "\u20ac", "\u20ac"],
    ["an empty one", "", ""],
    ["bytes", Uint16Array.of(0x0201), Uint8Array.of(1, 2)],
    ["more than a ping could carry", "a".repeat(126), "a".repeat(126)],
    ["a function", () => "given", "given"],
  ];
  for (const [title, message, expected] of messages) {
    it(`takes a message, ${title}`, () => {
      expect(resolveKeepAlive({ message })?.message?.()).to.deep.equal(expected);
    });
  }

  it("copies a message, and not what a function gives", () => {
    const message = Uint8Array.of(7);
    const fixed = resolveKeepAlive({ message });
    const given = resolveKeepAlive({ message: () => message });
    message[0] = 9;
    expect(fixed?.message?.()).to.deep.equal(Uint8Array.of(7));
    expect(given?.message?.()).to.equal(message);
  });

  it("refuses a message and a payload together", () => {
    const error = thrown(() => resolveKeepAlive({ message: "a", payload: "b" }), UsageError);
    expect(error.message).to.include("keepAlive.payload").and.include("keepAlive.message");
  });

  const periods = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "50", null, true, 5n];
  const wrong: [name: string, values: unknown[]][] = [
    ["interval", periods],
    ["timeout", periods],
    ["payload", [5, null, {}, ["a"], "a".repeat(126), new Uint8Array(126), "\u20ac".repeat(42)]],
    ["payload", [new Blob(["a"])]],
    ["message", [5, null, {}, ["a"], new Blob(["a"])]],
  ];
  for (const [name, values] of wrong) {
    for (const value of values) {
      it(`refuses ${name}: ${typeof value} ${String(value).slice(0, 20)}`, () => {
        const options = { [name]: value } as KeepAliveOptions;
        expect(thrown(() => resolveKeepAlive(options), UsageError).code).to.equal("ERR_WS_INVALID_ARGUMENT");
      });
    }
  }

  it("refuses what is no option", () => {
    for (const option of [null, 5000, "on"])
      thrown(() => resolveKeepAlive(option as unknown as object), UsageError);
    for (const option of [{ period: 5 }, { interval: 5, pingInterval: 5 }, { constructor: 1 }]) {
      const error = thrown(() => resolveKeepAlive(option as unknown as object), UsageError);
      expect(error.code).to.equal("ERR_WS_UNKNOWN_OPTION");
    }
  });
});

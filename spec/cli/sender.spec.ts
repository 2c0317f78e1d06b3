// What is sent when, to a connection that a test holds in its hand.

import { expect } from "chai";
import { Sender } from "../../lib/cli/sender.ts";
import { type Settings, settingsFor } from "../../lib/cli/settings.ts";
import type { App } from "../../lib/client/app.ts";
import { ClosedError } from "../../lib/errors.ts";
import { nextTurn } from "../support/clean-up.ts";
import { Queue } from "../support/queue.ts";

const SILENCE_MS = 5;

interface Sent {
  readonly data: unknown;
  readonly taken: () => void;
  readonly lost: () => void;
}

/** A connection whose sends wait until the test lets them go on. */
class Line {
  state = "open";
  bufferedAmount = 0;
  readonly sent = new Queue<Sent>();

  send(data: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      this.sent.push({ data, taken: resolve, lost: () => reject(new ClosedError("lost")) });
    });
  }
}

/** Input that counts how much of it was asked for. */
class Input {
  asked = 0;
  readonly #lines: readonly string[];

  constructor(...lines: string[]) {
    this.#lines = lines;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (const line of this.#lines) {
      this.asked++;
      yield Buffer.from(`${line}\n`);
    }
    this.asked++;
  }
}

/** A sender, its connection, and what it tells. */
function sender(settings: Partial<Settings> = {}, isConnected = true) {
  const line = new Line();
  const app: { connection: Line | undefined } = { connection: isConnected ? line : undefined };
  const told = new Queue<string>();
  const sender = new Sender(
    app as unknown as App,
    { ...settingsFor("ws://h/"), ...settings },
    {
      over: (isLate) => told.push(isLate ? "late" : "over"),
      failed: (error) => told.push(`failed: ${error.message}`),
      note: (note) => told.push(`note: ${note}`),
      interrupt: () => told.push("interrupt"),
    },
    SILENCE_MS,
  );
  return { sender, line, app, told };
}

describe("Sender", () => {
  it("reads no more input than the connection takes", async () => {
    const { sender: it, line } = sender();
    const input = new Input("one", "two", "three");
    void it.sendInput(input);
    for (const [i, data] of ["one", "two", "three"].entries()) {
      const sent = await line.sent.next();
      await nextTurn();
      expect([sent.data, input.asked, line.sent.waiting]).to.deep.equal([data, i + 1, 0]);
      sent.taken();
    }
    it.stop();
  });

  it("reads nothing more once it is stopped, and tells of nothing", async () => {
    const { sender: it, line, told } = sender();
    const input = new Input("one", "two", "three");
    const done = it.sendInput(input);
    const sent = await line.sent.next();
    it.stop();
    sent.lost();
    await done;
    expect([input.asked, line.sent.waiting, told.waiting]).to.deep.equal([2, 0, 0]);
  });

  it("waits for a connection, and for the next one", async () => {
    const { sender: it, line, app, told } = sender({ reconnect: true }, false);
    const input = new Input("one", "two");
    void it.sendInput(input);
    await nextTurn();
    expect(input.asked).to.equal(1);
    app.connection = line;
    it.opened();
    const first = await line.sent.next();
    app.connection = undefined;
    first.lost();
    expect(await told.next()).to.equal(
      "note: the message that was being sent may be lost with its connection",
    );
    const next = new Line();
    app.connection = next;
    it.opened();
    expect((await next.sent.next()).data).to.equal("two");
    it.stop();
  });

  it("does not send to a connection that is closing", async () => {
    const { sender: it, line, app } = sender({ reconnect: true });
    line.state = "closing";
    void it.sendInput(new Input("one"));
    await nextTurn();
    expect(line.sent.waiting).to.equal(0);
    const next = new Line();
    app.connection = next;
    it.opened();
    expect((await next.sent.next()).data).to.equal("one");
    it.stop();
  });

  it("tells what is wrong with the input", async () => {
    const { sender: it, told } = sender({ hex: true });
    await it.sendInput(new Input("0g"));
    expect(await told.next()).to.equal("failed: line 1 of the input is not pairs of hex digits");
  });

  it("tells that the input cannot be read", async () => {
    const { sender: it, told } = sender();
    const input: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("EIO")) }),
    };
    await it.sendInput(input);
    expect(await told.next()).to.equal("failed: EIO");
  });

  describe("is over", () => {
    /** Sends a line, and is at the end of the input. */
    const atEnd = async (settings: Partial<Settings> = {}) => {
      const all = sender(settings);
      const done = all.sender.sendInput(new Input("one"));
      (await all.line.sent.next()).taken();
      await done;
      return all;
    };

    it("once nothing is received", async () => {
      const { told } = await atEnd();
      expect(await told.next()).to.equal("over");
    });

    it("not while something is received", async () => {
      const { now } = performance;
      const looks = new Queue<number>();
      let clock = 1000;
      performance.now = () => {
        looks.push(clock);
        return clock;
      };
      try {
        const { sender: it, told } = await atEnd();
        it.heard();
        await looks.take(5);
        expect(told.waiting).to.equal(0);
        clock += SILENCE_MS;
        expect(await told.next()).to.equal("over");
      } finally {
        performance.now = now;
      }
    });

    it("not while what was sent is leaving", async () => {
      const { line, told } = await atEnd();
      const looks: number[] = [];
      const left = [300, 200, 100, 0];
      Object.defineProperty(line, "bufferedAmount", {
        get: () => {
          const bytes = left.shift() ?? 0;
          looks.push(bytes);
          return bytes;
        },
      });
      expect(await told.next()).to.equal("over");
      expect(looks).to.deep.equal([300, 200, 100, 0]);
    });

    it("though what was sent does not leave any more", async () => {
      const { line, told } = await atEnd();
      line.bufferedAmount = 300;
      expect(await told.next()).to.equal("over");
    });

    it("not while there is no connection", async () => {
      const { line, app, told } = await atEnd({ reconnect: true });
      app.connection = undefined;
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
      expect(told.waiting).to.equal(0);
      app.connection = line;
      expect(await told.next()).to.equal("over");
    });

    it("after --eof-wait, and late then", async () => {
      const { told } = await atEnd({ eofWait: 1 });
      expect(await told.next()).to.equal("late");
    });

    for (const [title, settings] of [
      ["--eof-wait forever", { eofWait: Number.POSITIVE_INFINITY }],
      ["--count", { count: 1 }],
    ] as const) {
      it(`never, with ${title}`, async () => {
        const { told } = await atEnd(settings);
        // Another one, that is begun later, is over.
        expect(await (await atEnd()).told.next()).to.equal("over");
        expect(told.waiting).to.equal(0);
      });
    }

    it("never, without any input", async () => {
      const { sender: it, told } = sender();
      await it.sendInput(new Input());
      expect(await (await atEnd()).told.next()).to.equal("over");
      expect(told.waiting).to.equal(0);
    });
  });
});

// What cuts an attempt to accept a client short, and what is kept of it.

import { expect } from "chai";
import { TimeoutError, TransportError } from "../../lib/errors.ts";
import { AcceptAttempt } from "../../lib/server/accept-attempt.ts";
import type { TransportSink } from "../../lib/transport/transport.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { FakeTransport } from "../support/fake-transport.ts";

const NEVER = new Promise<never>(() => {});

/** What a sink is told. */
function recorder(): TransportSink & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    data: (chunk) => void told.push(`data ${chunk.length}`),
    drain: () => void told.push("drain"),
    end: () => void told.push("end"),
    closed: (cause) => void told.push(`closed ${cause?.message ?? ""}`),
  };
}

describe("AcceptAttempt", () => {
  cleanUp();

  const attempt = (timeout = Number.POSITIVE_INFINITY, ...signals: AbortSignal[]) => {
    const transport = new FakeTransport();
    return { transport, it: new AcceptAttempt(transport, timeout, signals) };
  };

  it("is not in the way of what settles", async () => {
    const { it: made } = attempt(60_000, new AbortController().signal);
    expect(await made.guard(async () => 1)).to.equal(1);
    await rejection(
      made.guard(() => Promise.reject(new RangeError("no"))),
      RangeError,
    );
    made.done();
  });

  it("is cut short by its deadline", async () => {
    const { it: made } = attempt(1);
    expect(
      await rejection(
        made.guard(() => NEVER),
        TimeoutError,
      ),
    ).to.include({ phase: "handshake", ms: 1 });
    made.done();
  });

  it("is cut short by a signal, by the first of them, or one that was aborted before", async () => {
    const controllers = [new AbortController(), new AbortController()] as const;
    const { it: made } = attempt(60_000, ...controllers.map(({ signal }) => signal));
    const guarded = rejection(
      made.guard(() => NEVER),
      RangeError,
    );
    controllers[1].abort(new RangeError("second"));
    controllers[0].abort(new RangeError("first"));
    expect((await guarded).message).to.equal("second");
    made.done();
    const late = attempt(60_000, controllers[1].signal).it;
    expect(
      (
        await rejection(
          late.guard(() => NEVER),
          RangeError,
        )
      ).message,
    ).to.equal("second");
    late.done();
  });

  it("is cut short by the client's end, and its loss", async () => {
    for (const leave of [(made: AcceptAttempt) => made.end(), (made: AcceptAttempt) => made.closed()]) {
      const { it: made } = attempt();
      leave(made);
      await rejection(
        made.guard(() => expect.fail("was called")),
        TransportError,
      );
    }
  });

  it("keeps what came for who comes next, and tells it once", () => {
    const { it: made } = attempt();
    made.data(new Uint8Array(3));
    made.data(new Uint8Array(0));
    made.data(new Uint8Array(4));
    made.end();
    made.closed();
    const next = recorder();
    made.tell(next);
    made.tell(next);
    expect(next.told).to.deep.equal(["data 3", "data 4", "end", "closed "]);
  });

  it("makes the client wait when it sends much", () => {
    const { transport, it: made } = attempt();
    made.data(new Uint8Array(64 * 1024));
    expect(transport.calls).to.deep.equal([]);
    made.data(new Uint8Array(1));
    expect(transport.calls).to.deep.equal(["pause"]);
  });

  it("does not end a process that nobody waits in, by a rejection that nobody hears", async () => {
    const controller = new AbortController();
    const { it: made } = attempt(60_000, controller.signal);
    controller.abort();
    made.end();
    made.done();
    await new Promise((resolve) => setImmediate(resolve));
  });
});

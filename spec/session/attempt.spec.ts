// The deadline and the user's signal over one attempt: which reason it ends with, and that nothing stays behind.

import { getEventListeners, once } from "node:events";
import { expect } from "chai";
import { type Phase, TimeoutError } from "../../lib/errors.ts";
import { OpenAttempt } from "../../lib/session/attempt.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";

const NEVER = Number.POSITIVE_INFINITY;

function hanging(): Promise<string> {
  return new Promise(() => {});
}

describe("OpenAttempt", () => {
  cleanUp();

  for (const phase of ["headers", "dns", "connect", "tls", "proxy", "handshake"] satisfies Phase[]) {
    it(`names the phase in which its time was up: ${phase}`, async () => {
      const attempt = new OpenAttempt(5, undefined);
      attempt.phase("headers");
      attempt.phase(phase);
      const error = await rejection(attempt.guard(hanging()), TimeoutError);
      expect(error).to.include({ code: "ERR_WS_TIMEOUT", phase, ms: 5 });
      expect(error.message).to.include("5 ms");
      expect(attempt.signal.reason).to.equal(error);
      attempt.done();
    });
  }

  it("ends with the reason of the user's signal", async () => {
    const controller = new AbortController();
    const attempt = new OpenAttempt(NEVER, controller.signal);
    const guarded = attempt.guard(hanging());
    const reason = new RangeError("enough");
    controller.abort(reason);
    expect(await rejection(guarded, RangeError)).to.equal(reason);
    attempt.done();
  });

  it("has ended where the user's signal was aborted before", async () => {
    const reason = new RangeError("enough");
    const attempt = new OpenAttempt(NEVER, AbortSignal.abort(reason));
    expect(attempt.signal.aborted).to.equal(true);
    expect(await rejection(attempt.guard(hanging()), RangeError)).to.equal(reason);
    attempt.done();
  });

  it("ends with the signal or the controller, whichever comes first, and listens to none once it is done", async () => {
    const [user, callOff] = [new AbortController(), new AbortController()];
    const attempt = new OpenAttempt(NEVER, user.signal, callOff);
    const reason = new RangeError("called off");
    callOff.abort(reason);
    user.abort(new TypeError("late"));
    expect(await rejection(attempt.guard(hanging()), RangeError)).to.equal(reason);
    attempt.done();
    expect(getEventListeners(user.signal, "abort")).to.deep.equal([]);
  });

  it("ends no more once it is done", async () => {
    const controller = new AbortController();
    const attempt = new OpenAttempt(5, controller.signal);
    attempt.done();
    expect(getEventListeners(controller.signal, "abort")).to.deep.equal([]);
    await once(AbortSignal.timeout(10), "abort");
    expect(attempt.signal.aborted).to.equal(false);
  });

  describe("guard", () => {
    it("gives the promise's value, or its error", async () => {
      const attempt = new OpenAttempt(NEVER, undefined);
      expect(await attempt.guard("value")).to.equal("value");
      expect(await attempt.guard(Promise.resolve("value"))).to.equal("value");
      const failure = new RangeError("failed");
      expect(await rejection(attempt.guard(Promise.reject(failure)), RangeError)).to.equal(failure);
      expect(getEventListeners(attempt.signal, "abort")).to.deep.equal([]);
    });

    it("takes it that the promise fails later", async () => {
      const controller = new AbortController();
      const attempt = new OpenAttempt(NEVER, controller.signal);
      let fail = (_reason: unknown) => {};
      const late = new Promise((_, reject) => {
        fail = reject;
      });
      const guarded = attempt.guard(late);
      controller.abort(new RangeError("enough"));
      await rejection(guarded, RangeError);
      fail(new TypeError("late")); // mocha fails the test for a rejection that is not handled
      await rejection(late, TypeError);
      attempt.done();
    });
  });
});

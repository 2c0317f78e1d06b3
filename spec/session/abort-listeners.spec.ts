// One listener for all who wait for a signal.

import { expect } from "chai";
import { onAbort } from "../../lib/session/abort-listeners.ts";

describe("onAbort", () => {
  /** A signal that counts its listeners. */
  const counted = () => {
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    return { controller, signal, count: () => listeners };
  };

  it("calls all, in their order, with one listener", () => {
    const { controller, signal, count } = counted();
    const called: number[] = [];
    for (let i = 0; i < 100; i++) onAbort(signal, () => called.push(i));
    expect(count()).to.equal(1);
    controller.abort();
    expect(called).to.deep.equal(Array.from({ length: 100 }, (_, i) => i));
  });

  it("does not call who called it off, also while it calls", () => {
    const { controller, signal } = counted();
    const called: string[] = [];
    onAbort(signal, () => {
      called.push("first");
      callOff();
    });
    const callOff = onAbort(signal, () => called.push("second"));
    onAbort(signal, () => called.push("third"))();
    controller.abort();
    expect(called).to.deep.equal(["first"]);
  });

  it("lets go of a signal that nobody waits for any more, and takes it up again", () => {
    const { controller, signal, count } = counted();
    const called: string[] = [];
    const callOff = [onAbort(signal, () => called.push("one")), onAbort(signal, () => called.push("two"))];
    for (const call of [...callOff, ...callOff]) call();
    expect(count()).to.equal(0);
    onAbort(signal, () => called.push("three"));
    expect(count()).to.equal(1);
    for (const call of callOff) call();
    controller.abort();
    expect(called).to.deep.equal(["three"]);
  });

  it("knows one signal from another", () => {
    const [one, other] = [counted(), counted()];
    const called: string[] = [];
    onAbort(one.signal, () => called.push("one"));
    onAbort(other.signal, () => called.push("other"));
    other.controller.abort();
    expect(called).to.deep.equal(["other"]);
  });

  it("calls nobody for a signal that is aborted already, or again", () => {
    const { controller, signal } = counted();
    let calls = 0;
    onAbort(signal, () => calls++);
    controller.abort();
    controller.abort();
    onAbort(signal, () => calls++);
    expect(calls).to.equal(1);
  });
});

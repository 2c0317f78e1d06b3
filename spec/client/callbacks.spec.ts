// How callbacks are called: with the app first and as `this`, in isolation, and with each failure told once.

import { expect } from "chai";
import { type AppCallbacks, CALLBACKS, CallbackReceiver } from "../../lib/client/callbacks.ts";
import { CONTINUATION, TEXT } from "../../lib/codec/opcode.ts";
import { type CloseInfo, WebSocketError } from "../../lib/errors.ts";
import { nextTurn } from "../support/clean-up.ts";
import { printed } from "../support/console.ts";

/** Stands for an app. */
interface Owner extends AppCallbacks<Owner> {
  readonly name: string;
}

const INFO: CloseInfo = { code: 1000, reason: "bye", wasClean: true };

/** One call of everything that a receiver is told. */
function deliver(receiver: CallbackReceiver<Owner>): void {
  receiver.call("onOpen");
  receiver.call("onReconnect");
  receiver.message("text");
  receiver.piece("piece", CONTINUATION, false);
  receiver.pinged(Uint8Array.of(1));
  receiver.ponged(Uint8Array.of(2));
  receiver.call("onClose", INFO.code, INFO.reason, INFO);
}

function receiver(callbacks: AppCallbacks<Owner>): CallbackReceiver<Owner> {
  return new CallbackReceiver<Owner>({ name: "owner", ...callbacks }, () => {});
}

describe("CallbackReceiver", () => {
  it("calls each with the app, as the app, and with what it is about", () => {
    const calls: unknown[][] = [];
    const owner: Owner = { name: "owner" };
    for (const name of CALLBACKS) {
      owner[name] = function (this: unknown, ...args: unknown[]) {
        expect(this).to.equal(owner);
        expect(args.shift()).to.equal(owner);
        calls.push([name, ...args]);
      };
    }
    deliver(new CallbackReceiver(owner, () => {}));
    expect(calls).to.deep.equal([
      ["onOpen"],
      ["onReconnect"],
      ["onData", "text", TEXT, true],
      ["onMessage", "text"],
      ["onData", "piece", CONTINUATION, false],
      ["onContMessage", "piece", false],
      ["onPing", Uint8Array.of(1)],
      ["onPong", Uint8Array.of(2)],
      ["onClose", 1000, "bye", INFO],
    ]);
  });

  it("does nothing where there is no callback", () => {
    expect(() => deliver(receiver({}))).not.to.throw();
  });

  it("tells the end to its owner", () => {
    const infos: CloseInfo[] = [];
    new CallbackReceiver<Owner>({ name: "owner" }, (info) => infos.push(info)).ended(INFO);
    expect(infos).to.deep.equal([INFO]);
  });

  const failures: [title: string, fail: () => unknown][] = [
    [
      "throws",
      () => {
        throw new RangeError("failed");
      },
    ],
    ["rejects", () => Promise.reject(new RangeError("failed"))],
  ];
  for (const [title, fail] of failures) {
    describe(`when a callback ${title}`, () => {
      for (const name of CALLBACKS.filter((name) => name !== "onError")) {
        it(`tells onError of ${name}, once`, async () => {
          const errors: Error[] = [];
          deliver(receiver({ [name]: fail, onError: (_app, error) => errors.push(error) }));
          await nextTurn();
          const calls = name === "onData" ? 2 : 1; // it is called for messages and for pieces
          expect(errors.map(({ message }) => message)).to.deep.equal(Array(calls).fill("failed"));
        });
      }

      it("tells onError of what else is the user's, once", async () => {
        const errors: Error[] = [];
        receiver({ onError: (_app, error) => errors.push(error) }).guard("onDrop", fail);
        await nextTurn();
        expect(errors.map(({ message }) => message)).to.deep.equal(["failed"]);
      });

      it("prints the failure where there is no onError", async () => {
        const lines = await printed(async () => {
          receiver({ onMessage: fail }).message("text");
          await nextTurn();
        });
        expect(lines.map(String)).to.deep.equal(["RangeError: failed"]);
      });

      it("prints the failure of onError itself, and does not call it again", async () => {
        let calls = 0;
        const onError = () => {
          calls++;
          return fail();
        };
        const lines = await printed(async () => {
          receiver({ onError }).error(new Error("told"));
          await nextTurn();
        });
        expect(calls).to.equal(1);
        expect(lines.map(String)).to.deep.equal(["RangeError: failed"]);
      });

      it("goes on with the next callback", async () => {
        const messages: unknown[] = [];
        const one = receiver({
          onData: fail,
          onMessage: (_app, message) => messages.push(message),
          onError() {},
        });
        one.message("1");
        one.message("2");
        await nextTurn();
        expect(messages).to.deep.equal(["1", "2"]);
      });
    });
  }

  it("makes an error of whatever was thrown", () => {
    const errors: Error[] = [];
    for (const thrown of ["a text", undefined, null, Symbol("s"), Object.create(null)]) {
      const onMessage = () => {
        throw thrown;
      };
      receiver({ onMessage, onError: (_app, error) => errors.push(error) }).message("text");
      const error = errors.pop();
      expect(error).to.be.an.instanceOf(WebSocketError).and.to.include({ code: "ERR_WS_CALLBACK" });
      expect(error?.cause).to.equal(thrown);
    }
  });

  it("ignores what else a callback gives", () => {
    const errors: Error[] = [];
    for (const value of [null, 0, "text", {}, () => 1]) {
      receiver({ onMessage: () => value, onError: (_app, error) => errors.push(error) }).message("text");
    }
    expect(errors).to.deep.equal([]);
  });
});

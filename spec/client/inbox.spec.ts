// The queue between what arrives and recv(): order, several who wait, giving up without loss, and making the peer wait.

import { expect } from "chai";
import { closedError, Inbox, type InboxSource } from "../../lib/client/inbox.ts";
import { MessageStream } from "../../lib/client/message-stream.ts";
import { ClosedError, type CloseInfo, TimeoutError, UsageError, WebSocketError } from "../../lib/errors.ts";
import type { Delivery } from "../../lib/protocol/assembler.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { retainedBytes } from "../support/growth.ts";

/** A source whose calls are written down. */
class FakeSource implements InboxSource {
  readonly calls: string[] = [];
  readonly publicUrl = "ws://host/";
  delivery: Delivery = "whole";
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
}

function inbox(maxMessages = 1024): { inbox: Inbox; source: FakeSource } {
  const source = new FakeSource();
  return { inbox: new Inbox(source, maxMessages), source };
}

const CLEAN: CloseInfo = { code: 1000, reason: "", wasClean: true };
const KIB_512 = new Uint8Array(512 * 1024);

describe("Inbox", () => {
  cleanUp();

  it("keeps the order, whoever comes first", async () => {
    const { inbox: box } = inbox();
    box.message("1");
    box.message("2");
    const received = [box.recv(), box.recv(), box.recv(), box.recv()];
    box.message("3");
    box.message(Uint8Array.of(4));
    expect(await Promise.all(received)).to.deep.equal(["1", "2", "3", Uint8Array.of(4)]);
  });

  it("keeps the order of thousands", async () => {
    const { inbox: box } = inbox(5000);
    const numbers = Array.from({ length: 5000 }, (_, i) => `${i}`);
    for (const number of numbers) box.message(number);
    const received: unknown[] = [];
    for (const _ of numbers) received.push(await box.recv());
    expect(received).to.deep.equal(numbers);
  });

  it("keeps nothing of what was taken, though it is never empty", () => {
    const kept = retainedBytes(() => {
      const { inbox: box } = inbox();
      box.message("first");
      for (let i = 0; i < 500_000; i++) {
        box.message("next");
        void box.recv();
      }
      return box;
    });
    expect(kept).to.be.below(1024 * 1024);
  });

  describe("loses nothing", () => {
    it("when recv() times out", async () => {
      const { inbox: box } = inbox();
      const error = await rejection(box.recv({ timeout: 5 }), TimeoutError);
      expect(error).to.include({ code: "ERR_WS_TIMEOUT", phase: "recv", ms: 5 });
      box.message("kept");
      expect(await box.recv({ timeout: 5 })).to.equal("kept");
    });

    it("when recv() is aborted", async () => {
      const { inbox: box } = inbox();
      const controller = new AbortController();
      const [first, second, third] = [box.recv(), box.recv({ signal: controller.signal }), box.recv()];
      const reason = new RangeError("enough");
      controller.abort(reason);
      box.message("1");
      box.message("2");
      expect(await Promise.all([first, third])).to.deep.equal(["1", "2"]);
      expect(await rejection(second, RangeError)).to.equal(reason);
    });

    it("when the signal was aborted before", async () => {
      const { inbox: box } = inbox();
      box.message("kept");
      const reason = new RangeError("enough");
      const signal = AbortSignal.abort(reason);
      expect(await rejection(box.recv({ signal }), RangeError)).to.equal(reason);
      expect(await rejection(box.recvStream({ signal }), RangeError)).to.equal(reason);
      expect(await box.recv()).to.equal("kept");
    });

    it("when the signal is aborted after the message", async () => {
      const { inbox: box } = inbox();
      const controller = new AbortController();
      const received = box.recv({ signal: controller.signal, timeout: 1000 });
      box.message("here");
      controller.abort();
      expect(await received).to.equal("here");
    });
  });

  it("gives what is there even to who cannot wait", async () => {
    const { inbox: box } = inbox();
    box.message("here");
    expect(await box.recv({ timeout: 0 })).to.equal("here");
  });

  for (const timeout of [-1, Number.NaN, 2 ** 31, "soon", "50"]) {
    it(`refuses a timeout of ${JSON.stringify(timeout)}`, async () => {
      await rejection(inbox().inbox.recv({ timeout: timeout as number }), UsageError);
    });
  }

  const wrong: [options: unknown, code: string][] = [
    [{ timeuot: 1 }, "ERR_WS_UNKNOWN_OPTION"],
    [{ timeout: 1, reconnect: true }, "ERR_WS_UNSUPPORTED"],
    [{ signal: {} }, "ERR_WS_INVALID_ARGUMENT"],
    [null, "ERR_WS_INVALID_ARGUMENT"],
    [50, "ERR_WS_INVALID_ARGUMENT"],
  ];
  for (const [options, code] of wrong) {
    it(`refuses ${JSON.stringify(options)}, and the message stays`, async () => {
      const { inbox: box } = inbox();
      box.message("here");
      for (const call of [() => box.recv(options as object), () => box.recvStream(options as object)])
        expect((await rejection(call(), UsageError)).code).to.equal(code);
      expect(await box.recv()).to.equal("here");
    });
  }

  describe("makes the peer wait", () => {
    it("from maxQueue messages on until half of them are taken", async () => {
      const { inbox: box, source } = inbox(4);
      for (const text of ["1", "2", "3"]) box.message(text);
      expect(source.calls).to.deep.equal([]);
      box.message("4");
      expect(source.calls).to.deep.equal(["pause"]);
      await box.recv();
      expect(source.calls).to.deep.equal(["pause"]);
      await box.recv();
      expect(source.calls).to.deep.equal(["pause", "resume"]);
    });

    it("from a mebibyte on until half of it is taken", async () => {
      const { inbox: box, source } = inbox();
      box.message(KIB_512);
      expect(source.calls).to.deep.equal([]);
      box.message("x".repeat(256 * 1024)); // two bytes each, in memory
      expect(source.calls).to.deep.equal(["pause"]);
      await box.recv();
      expect(source.calls).to.deep.equal(["pause", "resume"]);
    });

    it("with one message where that is the limit", async () => {
      const { inbox: box, source } = inbox(1);
      box.message("1");
      expect(source.calls).to.deep.equal(["pause"]);
      await box.recv();
      expect(source.calls).to.deep.equal(["pause", "resume"]);
    });

    it("not while somebody waits", async () => {
      const { inbox: box, source } = inbox(1);
      const received = box.recv();
      box.message(new Uint8Array(2 * 1024 * 1024));
      await received;
      expect(source.calls).to.deep.equal([]);
    });

    it("while the pieces of a message are not read", async () => {
      const { inbox: box, source } = inbox();
      const opening = box.recvStream();
      box.piece(KIB_512, false);
      box.piece(KIB_512, false);
      expect(source.calls).to.deep.equal(["pause"]);
      const pieces = (await opening)[Symbol.asyncIterator]();
      await pieces.next();
      expect(source.calls).to.deep.equal(["pause", "resume"]);
      await pieces.return(undefined);
    });
  });

  describe("once we close", () => {
    it("reads on, and drops what finds it full", async () => {
      const { inbox: box, source } = inbox(2);
      box.message("1");
      box.message("2");
      box.closing();
      expect(source.calls).to.deep.equal(["pause", "resume"]);
      box.message("dropped");
      expect(await box.recv()).to.equal("1");
      box.message("3");
      expect([await box.recv(), await box.recv()]).to.deep.equal(["2", "3"]);
      expect(source.calls).to.deep.equal(["pause", "resume"]);
    });
  });

  describe("once it ended", () => {
    it("gives what came before, then ClosedError, every time a new one", async () => {
      const { inbox: box } = inbox();
      box.message("last");
      box.ended({ ...CLEAN, code: 4000, reason: "bye" });
      expect(await box.recv()).to.equal("last");
      const errors = [
        await rejection(box.recv(), ClosedError),
        await rejection(box.recv({ timeout: 5 }), ClosedError),
        await rejection(box.recvStream(), ClosedError),
      ];
      expect(new Set(errors).size).to.equal(3);
      for (const error of errors) {
        expect(error.info).to.include({ code: 4000, reason: "bye" });
        expect(error.url).to.equal("ws://host/");
      }
    });

    it("rejects those who wait", async () => {
      const { inbox: box } = inbox();
      const waiting = [box.recv(), box.recvStream(), box.recv({ timeout: 1000 })];
      box.ended(CLEAN);
      for (const promise of waiting) await rejection(promise, ClosedError);
    });
  });

  describe("recvStream", () => {
    it("asks for pieces only while a stream is wanted next or is being read", async () => {
      const { inbox: box, source } = inbox();
      const waiting = [box.recv(), box.recvStream(), box.recv()] as const;
      expect(source.delivery).to.equal("whole");
      box.message("1");
      expect(source.delivery).to.equal("parts");
      box.piece("2a", false);
      expect(source.delivery).to.equal("parts");
      box.piece("2b", true);
      expect(source.delivery).to.equal("whole");
      box.message("3");
      expect(await waiting[0]).to.equal("1");
      expect(await (await waiting[1]).collect()).to.equal("2a2b");
      expect(await waiting[2]).to.equal("3");
    });

    it("makes a stream of a message that is whole already", async () => {
      const { inbox: box } = inbox();
      box.message(Uint8Array.of(1));
      const stream = await box.recvStream();
      expect(stream).to.be.an.instanceOf(MessageStream);
      expect(stream.type).to.equal("binary");
      expect(await stream.collect()).to.deep.equal(Uint8Array.of(1));
    });

    it("that gave up leaves the message whole for the next", async () => {
      const { inbox: box, source } = inbox();
      await rejection(box.recvStream({ timeout: 5 }), TimeoutError);
      expect(source.delivery).to.equal("whole");
      box.message("kept");
      expect(await box.recv()).to.equal("kept");
    });

    it("ends with ClosedError within a message", async () => {
      const { inbox: box } = inbox();
      const opening = box.recvStream();
      box.piece("begun", false);
      box.ended({ ...CLEAN, code: 1006, wasClean: false });
      const pieces = (await opening)[Symbol.asyncIterator]();
      expect(await pieces.next()).to.deep.equal({ done: false, value: "begun" });
      await rejection(pieces.next(), ClosedError);
    });
  });
});

describe("closedError", () => {
  it("tells code, reason, cause and place", () => {
    const cause = new WebSocketError("ERR_WS_TRANSPORT", "the cable is cut");
    const error = closedError({ code: 1006, reason: 'a"b', wasClean: false, error: cause }, "ws://host/");
    expect(error.message).to.equal(
      'the connection is closed with code 1006 ("a\\"b"): the cable is cut [ws://host/]',
    );
    expect(error.cause).to.equal(cause);
    expect(error.url).to.equal("ws://host/");
  });
});

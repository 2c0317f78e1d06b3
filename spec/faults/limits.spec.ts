// Every limit, at it and one past it: what it is unless a user says otherwise, and that the error names the option.

import { expect } from "chai";
import type { Connection } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { BINARY, CONTINUATION, PING, PONG } from "../../lib/codec/opcode.ts";
import {
  ClosedError,
  HandshakeError,
  LimitError,
  UsageError,
  type WebSocketError,
} from "../../lib/errors.ts";
import { DEFAULT_MAX_HEADER_SIZE } from "../../lib/handshake/http.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { accepting } from "../support/peer.ts";
import { frame } from "../support/raw-server.ts";
import { createConnection } from "../support/runtime.ts";
import { scripted } from "../support/script.ts";
import {
  answer,
  answerClose,
  finish,
  goodbye,
  hear,
  hearEnd,
  say,
  stopReading,
  upgrade,
} from "../support/script-steps.ts";

const MIB = 1024 * 1024;

describe("faults: limits", () => {
  const use = cleanUp();

  /** What a client says of frames: undefined if they are taken. */
  async function fault(
    options: ConnectionOptions,
    ...frames: Uint8Array[]
  ): Promise<WebSocketError | undefined> {
    const peer = await scripted(use, [upgrade(), say(Buffer.concat(frames)), ...goodbye()]);
    const ws = await createConnection(peer.url, options);
    await rejection(receiveAll(ws), ClosedError); // who does not receive hears of no end
    return (await ws.closed).error;
  }

  async function receiveAll(ws: Connection): Promise<never> {
    for (;;) await ws.recv();
  }

  /** A message of so many empty fragments. */
  function fragments(count: number): Buffer {
    const all = Buffer.alloc(2 * count);
    all[0] = BINARY;
    all[2 * count - 2] = 0x80 | CONTINUATION;
    return all;
  }

  describe("maxMessageSize", () => {
    const rows: [title: string, limit: number | undefined][] = [
      ["of its own", 1000],
      ["100 MiB unless it is another", undefined],
    ];
    for (const [title, limit] of rows) {
      it(title, async () => {
        const options = limit === undefined ? {} : { maxMessageSize: limit };
        const size = limit ?? 100 * MIB;
        const head = frame(BINARY, new Uint8Array(size));
        expect(await fault(options, head)).to.equal(undefined);
        head.writeUInt32BE(size + 1, limit === undefined ? 6 : 0); // of the length only what differs
        const over = limit === undefined ? head.subarray(0, 10) : frame(BINARY, new Uint8Array(size + 1));
        const error = await fault(options, over);
        expect(error).to.be.an.instanceOf(LimitError);
        expect(error).to.include({
          code: "ERR_WS_MESSAGE_TOO_BIG",
          limit: "maxMessageSize",
          actual: size + 1,
          closeCode: 1009,
        });
        expect(error?.message).to.include("maxMessageSize");
      });
    }
  });

  describe("maxFragments", () => {
    for (const limit of [2, undefined]) {
      it(limit === undefined ? "131 072 unless it is another" : "of its own", async () => {
        const options = limit === undefined ? {} : { maxFragments: limit };
        const most = limit ?? 131_072;
        expect(await fault(options, fragments(most))).to.equal(undefined);
        const error = await fault(options, fragments(most + 1));
        expect(error).to.be.an.instanceOf(LimitError);
        expect(error).to.include({
          code: "ERR_WS_TOO_MANY_FRAGMENTS",
          limit: "maxFragments",
          closeCode: 1008,
        });
        expect(error?.message).to.include("maxFragments");
      });
    }
  });

  describe("maxHeaderSize", () => {
    for (const limit of [1000, undefined]) {
      it(limit === undefined ? "64 KiB unless it is another, and 256 headers" : "of its own", async () => {
        const most = limit ?? DEFAULT_MAX_HEADER_SIZE;
        expect(DEFAULT_MAX_HEADER_SIZE).to.equal(65_536);
        const padded = (size: number) => (head: string) => {
          const good = accepting(head);
          return good.replace(/\r\n$/, `X: ${"x".repeat(size - good.length - 5)}\r\n\r\n`);
        };
        const many = (count: number) => (head: string) =>
          accepting(head).replace(/\r\n$/, `${"a:\r\n".repeat(count - 3)}\r\n`);
        const answers: [head: (head: string) => string, isTaken: boolean][] = [
          [padded(most), true],
          [padded(most + 1), false],
          ...(limit === undefined
            ? ([
                [many(256), true],
                [many(257), false],
              ] as [(head: string) => string, boolean][])
            : []),
        ];
        const options = limit === undefined ? {} : { maxHeaderSize: limit };
        for (const [head, isTaken] of answers) {
          const peer = await scripted(use, [answer(head), ...(isTaken ? goodbye() : [hearEnd])]);
          if (isTaken) {
            expect(await (await createConnection(peer.url, options)).closed).to.include({ code: 1000 });
          } else {
            const error = await rejection(createConnection(peer.url, options), LimitError);
            expect(error).to.include({ code: "ERR_WS_HEADERS_TOO_BIG", limit: "maxHeaderSize" });
            expect(error.message).to.include("maxHeaderSize");
          }
        }
      });
    }
  });

  it("maxQueue, and a mebibyte: the server is made to wait, and nothing is lost", async () => {
    for (const [options, size, held] of [
      [{ maxQueue: 3 }, 1, 3],
      [{}, 1, 1024],
      [{}, 300 * 1024, 4],
    ] as const) {
      const all = Array.from({ length: held + 50 }, () => frame(BINARY, new Uint8Array(size)));
      const peer = await scripted(use, [upgrade(), say(Buffer.concat(all)), finish]);
      const ws = await createConnection(peer.url, options);
      for (let i = 0; i < all.length; i++) expect(await ws.recv()).to.have.length(size);
      await ws.closed;
    }
  });

  it("maxBufferedAmount", async () => {
    for (const limit of [MIB, undefined]) {
      const peer = await scripted(use, [upgrade(), stopReading]);
      const ws = await createConnection(peer.url, limit === undefined ? {} : { maxBufferedAmount: limit });
      const most = limit ?? 64 * MIB;
      const chunk = new Uint8Array(MIB / 2);
      let refusal: unknown;
      while (refusal === undefined) {
        const before = ws.bufferedAmount;
        const sent = ws.send(chunk).catch((error) => {
          if (error instanceof LimitError) refusal = error;
        });
        await Promise.race([sent, Promise.resolve().then(() => {})]);
        await Promise.resolve();
        if (refusal === undefined) expect(before, "what waited when it was taken").to.be.at.most(most);
        else expect(before).to.be.greaterThan(most);
      }
      expect(refusal).to.include({ code: "ERR_WS_BACKPRESSURE", limit: "maxBufferedAmount" });
      expect((refusal as Error).message).to.include("maxBufferedAmount");
      ws.terminate();
      await ws.closed;
    }
  });

  it("sixteen informational answers", async () => {
    const informed = async (count: number) => {
      const before = "HTTP/1.1 100 Continue\r\n\r\n".repeat(count);
      const peer = await scripted(use, [answer((head) => before + accepting(head)), ...answerClose]);
      return createConnection(peer.url);
    };
    await (await informed(16)).close();
    await rejection(informed(17), HandshakeError);
  });

  it("64 KiB of the body of a refusal", async () => {
    for (const [size, kept] of [
      [65_536, 65_536],
      [65_537, 65_536],
    ]) {
      const peer = await scripted(use, [
        answer(`HTTP/1.1 500 No\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size ?? 0)}`),
        hearEnd,
      ]);
      expect((await rejection(createConnection(peer.url), HandshakeError)).body).to.have.length(kept ?? 0);
    }
  });

  it("125 bytes of a ping or pong, 123 of a reason", async () => {
    const peer = await scripted(use, [upgrade(), hear(PING), hear(PONG), ...answerClose]);
    const ws = await createConnection(peer.url);
    await rejection(ws.ping("x".repeat(126)), UsageError);
    thrown(() => ws.pong("x".repeat(126)), UsageError);
    thrown(() => ws.close(1000, "x".repeat(124)), UsageError);
    void ws.ping("x".repeat(125));
    ws.pong("x".repeat(125));
    expect(await ws.close(1000, "x".repeat(123))).to.include({ code: 1000, wasClean: true });
  });
});

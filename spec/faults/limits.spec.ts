// Every limit, at it and one past it: what it is unless a user says otherwise, and that the error names the option.

import { constants, deflateRawSync } from "node:zlib";
import { expect } from "chai";
import type { Connection } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import type { DropReason } from "../../lib/client/outbox.ts";
import { encodeHeader } from "../../lib/codec/frame-encoder.ts";
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
import { createConnection, WebSocketApp } from "../support/runtime.ts";
import { scripted } from "../support/script.ts";
import { settle } from "../support/script-clock.ts";
import {
  answer,
  answerClose,
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
    const agreed = options.perMessageDeflate ? ["Sec-WebSocket-Extensions: permessage-deflate"] : [];
    const peer = await scripted(use, [upgrade(...agreed), say(Buffer.concat(frames)), ...goodbye()]);
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

  describe("maxMessageSize, inflated", () => {
    /** So many zeros, compressed. */
    function packed(size: number): Buffer {
      const payload = deflateRawSync(Buffer.alloc(size), { finishFlush: constants.Z_SYNC_FLUSH });
      return Buffer.concat([
        encodeHeader(BINARY, true, true, payload.length - 4, null),
        payload.subarray(0, -4),
      ]);
    }

    for (const limit of [1000, undefined]) {
      it(limit === undefined ? "100 MiB unless it is another" : "of its own", async () => {
        const options = { perMessageDeflate: true, ...(limit !== undefined && { maxMessageSize: limit }) };
        const size = limit ?? 100 * MIB;
        expect(await fault(options, packed(size))).to.equal(undefined);
        const error = await fault(options, packed(size + 1));
        expect(error).to.be.an.instanceOf(LimitError);
        expect(error).to.include({
          code: "ERR_WS_MESSAGE_TOO_BIG",
          limit: "maxMessageSize",
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

  describe("maxQueue: the server is made to wait, and nothing is lost", () => {
    const rows: [title: string, options: ConnectionOptions, size: number, full: number][] = [
      ["of its own", { maxQueue: 3 }, 1, 3],
      ["1 024 messages unless it is another", {}, 1, 1024],
      ["or a mebibyte of them", {}, MIB / 4, 4],
      ["which counts without a limit, too", { maxQueue: Number.POSITIVE_INFINITY }, MIB / 4, 4],
    ];
    for (const [title, options, size, full] of rows) {
      for (const [count, isHeld] of [
        [full - 1, false],
        [full, true],
      ] as const) {
        it(`${title}: ${count} of ${size} bytes ${isHeld ? "are as many as there may be" : "are not enough"}`, async () => {
          const all = Array.from({ length: count }, () => frame(BINARY, new Uint8Array(size)));
          const script = [upgrade(), say(Buffer.concat([...all, frame(PING, "behind")])), hearEnd];
          const peer = await scripted(use, script, "memory");
          const ws = await peer.createConnection(peer.url, options);
          const { record } = await peer.lines.next();
          await settle();
          expect(record.waiting, "pings that were answered").to.equal(isHeld ? 0 : 1);
          for (let i = 0; i < count; i++) expect(await ws.recv()).to.have.length(size);
          expect((await record.next()).opcode).to.equal(PONG);
          ws.terminate();
        });
      }
    }
  });

  it("maxRedirects", async () => {
    for (const limit of [0, 1, undefined]) {
      const most = limit ?? 5;
      for (const count of [most, most + 1]) {
        const peer = await scripted(use, (client) =>
          client === count
            ? [upgrade(), ...goodbye()]
            : [answer(`HTTP/1.1 302 M\r\nLocation: /${client}\r\nContent-Length: 0\r\n\r\n`), hearEnd],
        );
        const options = { redirect: "follow", ...(limit !== undefined && { maxRedirects: limit }) } as const;
        const connecting = createConnection(peer.url, options);
        if (count === most) {
          expect(await (await connecting).closed).to.include({ code: 1000 });
        } else {
          const error = await rejection(connecting, HandshakeError);
          expect(error).to.include({ code: "ERR_WS_UNEXPECTED_STATUS", status: 302 });
          expect(error.message).to.include("maxRedirects");
        }
        expect(peer.count).to.equal(1 + most);
      }
    }
  });

  it("outbox.maxBytes", async () => {
    for (const limit of [1000, undefined]) {
      const dropped: [length: number, reason: DropReason][] = [];
      const errors: Error[] = [];
      const app = new WebSocketApp(() => new Promise<never>(() => {}), {
        onError: (_app, error) => errors.push(error),
        outbox: {
          ...(limit !== undefined && { maxBytes: limit }),
          onDrop(message, reason) {
            dropped.push([message.length, reason]);
            if (reason === "full") app.send(new Uint8Array(2)); // which has no room
          },
        },
      });
      const ending = app.runForever();
      const most = limit ?? MIB;
      app.send(new Uint8Array(1));
      app.send(new Uint8Array(most - 1));
      expect(dropped).to.deep.equal([]);
      app.send(new Uint8Array(1));
      expect(dropped).to.deep.equal([[1, "full"]]);
      const [error] = errors;
      expect(error).to.be.an.instanceOf(LimitError);
      expect(error).to.include({ code: "ERR_WS_BACKPRESSURE", limit: "outbox.maxBytes", actual: most + 2 });
      expect(error?.message).to.include("outbox.maxBytes");
      app.close();
      await ending;
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

// Compressed messages that come in: the examples of RFC 7692 §7.2.3 and what is like them, faults, limits, and the ways of
// delivery; by both ways to inflate, in both roles, and however the bytes are cut.

import { expect } from "chai";
import fc from "fast-check";
import { type CloseInfo, LimitError, ProtocolError } from "../../lib/errors.ts";
import type { ProtocolOptions } from "../../lib/protocol/protocol.ts";
import { bytesTo, feed, play, ROLES, type Row } from "../support/both-roles.ts";
import { deflating, packed, WAYS } from "../support/deflate.ts";
import { concat, hex, toHex, utf8 } from "../support/hex.ts";
import { type Recorded, record } from "../support/recorder.ts";
import { splits } from "../support/splits.ts";
import { WireEnd } from "../support/wire-end.ts";

const end = ({ protocol }: Recorded) => protocol.receiveEnd();

/** A frame in hex, without mask, as tables have it. */
function frame(first: number, payload: Uint8Array): string {
  const { length } = payload;
  const size =
    length < 126
      ? [length]
      : length < 0x10000
        ? [126, length >> 8, length]
        : [127, 0, 0, 0, 0, length >> 24, length >> 16, length >> 8, length];
  return toHex(concat(Uint8Array.of(first, ...size), payload));
}

/** Takes turns of the loop until there is nothing left to do; how many. */
function settle({ turn }: Recorded): number {
  let turns = 0;
  while (turn()) turns++;
  return turns;
}

/** Bits in the order in which DEFLATE packs them (RFC 1951 §3.1.1), as hex: `code` for Huffman codes, `number` for the rest. */
class Bits {
  #bits = "";

  number(value: number, length: number): this {
    for (let i = 0; i < length; i++) this.#bits += (value >> i) & 1;
    return this;
  }

  code(bits: string): this {
    this.#bits += bits;
    return this;
  }

  hex(): string {
    const bytes = this.#bits.match(/.{1,8}/g) ?? [];
    return toHex(Uint8Array.from(bytes, (bits) => Number.parseInt([...bits].reverse().join(""), 2)));
  }
}

/** A block by fixed codes that begins with five bytes of ff, which end where a byte ends. */
function ffs(isFinal: boolean): Bits {
  const block = new Bits().number(isFinal ? 1 : 0, 1).number(1, 2);
  for (let i = 0; i < 5; i++) block.code("111111111");
  return block;
}

const HELLO = "f2 48 cd c9 c9 07 00";
const AGAIN = "f2 00 11 00 00";

describe("Protocol: large compressed messages", () => {
  for (const way of WAYS) {
    it(`come one behind the other, each as it was (${way})`, () => {
      // Each beyond the size from which messages are gathered in blocks.
      const texts = ["a\u20ac", "b", "c"].map((unit) => unit.repeat(1_200_000 / unit.length));
      const got: unknown[] = [];
      const recorded = record("client", deflating(way), { message: (data) => void got.push(data) });
      for (const [i, text] of texts.entries())
        recorded.protocol.receive(hex(frame(i < 2 ? 0xc1 : 0xc2, packed(utf8(text)))));
      settle(recorded);
      const [last] = got.splice(2);
      expect(got.map((text, i) => text === texts[i])).to.deep.equal([true, true]);
      expect(Buffer.compare(last as Uint8Array, utf8(texts[2] ?? ""))).to.equal(0);
    });
  }
});

describe("Protocol: compressed messages", () => {
  const messages: Row[] = [
    ["one block", `c1 07 ${HELLO}`, ['message "Hello"']],
    ["two frames", "41 03 f2 48 cd | 80 04 c9 c9 07 00", ['message "Hello"']],
    ["three frames, an empty one between", "41 03 f2 48 cd | 00 00 | 80 04 c9 c9 07 00", ['message "Hello"']],
    ["an empty frame first", `41 00 | 80 07 ${HELLO}`, ['message "Hello"']],
    ["an empty frame last", `41 07 ${HELLO} | 80 00`, ['message "Hello"']],
    [
      "a control frame between the frames",
      "41 03 f2 48 cd | 89 02 68 69 | 80 04 c9 c9 07 00",
      ["ping 6869", 'message "Hello"'],
      "8a026869",
    ],
    [
      "a reference to the message before",
      `c1 07 ${HELLO} | c1 05 ${AGAIN}`,
      ['message "Hello"', 'message "Hello"'],
    ],
    [
      "references from message to message",
      `c1 07 ${HELLO} | c1 05 ${AGAIN} | c2 05 ${AGAIN} | 41 02 f2 00 | 80 03 11 00 00`,
      ['message "Hello"', 'message "Hello"', "message 48656c6c6f", 'message "Hello"'],
    ],
    ["a block without compression", "c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00", ['message "Hello"']],
    ["two blocks", "c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00", ['message "Hello"']],
    ["a final block", "c1 08 f3 48 cd c9 c9 07 00 00", ['message "Hello"']],
    ["a final block in two frames", "41 04 f3 48 cd c9 | 80 04 c9 07 00 00", ['message "Hello"']],
    ["a final block that ends its frame", "41 07 f3 48 cd c9 c9 07 00 | 80 01 00", ['message "Hello"']],
    ["a final block with nothing behind it", "c1 07 f3 48 cd c9 c9 07 00", ['message "Hello"']],
    [
      "a final block, and another block behind it",
      `c1 0e f3 48 cd c9 c9 07 00 ${HELLO}`,
      ['message "HelloHello"'],
    ],
    [
      "a final block, and a reference behind it to what was before it",
      `c1 0c f3 48 cd c9 c9 07 00 ${AGAIN}`,
      ['message "HelloHello"'],
    ],
    [
      "a final block, and a reference to it in the next message",
      `c1 08 f3 48 cd c9 c9 07 00 00 | c1 05 ${AGAIN}`,
      ['message "Hello"', 'message "Hello"'],
    ],
    [
      "a final block with nothing behind it, and a reference to it in the next message",
      `c1 07 f3 48 cd c9 c9 07 00 | c1 05 ${AGAIN} | c1 05 ${AGAIN}`,
      ['message "Hello"', 'message "Hello"', 'message "Hello"'],
    ],
    [
      "several final blocks",
      `c1 13 ${"f3 48 cd c9 c9 07 00".repeat(2)} ${AGAIN}`,
      ['message "HelloHelloHello"'],
    ],
    ["an empty message", "c1 01 00", ['message ""']],
    ["an empty binary message", "c2 01 00", ["message "]],
    ["an empty message as an empty block by fixed codes", "c1 02 02 00", ['message ""']],
    ["an empty message as a final block", "c1 02 03 00", ['message ""']],
    [
      "a final block without compression, whose end was cut off, and a message behind it",
      `c1 01 01 | c1 07 ${HELLO} | c1 01 b9 | c1 05 ${AGAIN}`,
      ['message ""', 'message "Hello"', 'message ""', 'message "Hello"'],
    ],
    ["an empty message in three frames", "41 00 | 00 00 | 80 01 00", ['message ""']],
    [
      "messages that are not compressed between those that are",
      `81 01 61 | c1 07 ${HELLO} | 01 01 62 | 80 01 63 | c1 05 ${AGAIN} | 82 01 64`,
      ['message "a"', 'message "Hello"', 'message "bc"', 'message "Hello"', "message 64"],
    ],
    ["binary", "c2 05 62 60 fc 0f 00", ["message 0001ff"]],
    [
      "a character that is cut by blocks and frames",
      "41 07 00 02 00 fd ff e2 82 | 80 07 00 01 00 fe ff ac 00",
      ['message "€"'],
    ],
  ];

  const faults: [title: string, input: string, closeCode: number, error: string][] = [
    ["RSV1 on a continuation", `41 03 f2 48 cd | c0 04 c9 c9 07 00`, 1002, "ERR_WS_PROTOCOL"],
    ["RSV1 on a ping", "c9 00", 1002, "ERR_WS_PROTOCOL"],
    ["RSV1 on a Close frame", "c8 00", 1002, "ERR_WS_PROTOCOL"],
    ["RSV2", `a1 07 ${HELLO}`, 1002, "ERR_WS_PROTOCOL"],
    ["RSV1 and RSV3", `d1 07 ${HELLO}`, 1002, "ERR_WS_PROTOCOL"],
    ["a new message within a compressed one", `41 03 f2 48 cd | c1 07 ${HELLO}`, 1002, "ERR_WS_PROTOCOL"],
    ["a plain message within a compressed one", "41 03 f2 48 cd | 81 01 61", 1002, "ERR_WS_PROTOCOL"],
    ["a compressed message within a plain one", `01 01 61 | c1 07 ${HELLO}`, 1002, "ERR_WS_PROTOCOL"],
    ["a wrong type of block", "c1 01 07", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["a wrong type of block, later", `c1 08 ${HELLO} 07`, 1007, "ERR_WS_INVALID_DEFLATE"],
    ["a wrong length of a block", "c1 0b 00 05 00 fa fe 48 65 6c 6c 6f 00", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["a reference to before the beginning", `c1 05 ${AGAIN}`, 1007, "ERR_WS_INVALID_DEFLATE"],
    ["text that is not compressed", "c1 05 48 65 6c 6c 6f", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["noise", "c2 08 de ad be ef de ad be ef", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["nothing at all", "c1 00", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["a message that is cut off within a block", "c1 04 f2 48 cd c9", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["one that is cut off in its first byte", "c1 01 f2", 1007, "ERR_WS_INVALID_DEFLATE"],
    [
      "one that is cut off within a block without compression",
      "c1 07 00 05 00 fa ff 48 65",
      1007,
      "ERR_WS_INVALID_DEFLATE",
    ],
    ["one that is cut off within the length of a block", "c1 03 00 05 00", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["one that is cut off within a final block", "c1 04 f3 48 cd c9", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["one whose tail was not cut off", `c1 0b ${HELLO} 00 00 ff ff`, 1007, "ERR_WS_INVALID_DEFLATE"],
    ["a fragment that is cut off, at its end", "41 03 f2 48 cd | 80 01 c9", 1007, "ERR_WS_INVALID_DEFLATE"],
    [
      "one that is cut off between two characters, before zeros that would end its block",
      `c2 06 ${ffs(false).hex()}`,
      1007,
      "ERR_WS_INVALID_DEFLATE",
    ],
    [
      "one that is cut off there in a final block",
      `c2 06 ${ffs(true).hex()}`,
      1007,
      "ERR_WS_INVALID_DEFLATE",
    ],
    [
      "nothing at all behind a final block",
      "c1 07 f3 48 cd c9 c9 07 00 | c1 00",
      1007,
      "ERR_WS_INVALID_DEFLATE",
    ],
    [
      "nothing at all behind a final block that the tail ended",
      "c1 01 01 | c1 00",
      1007,
      "ERR_WS_INVALID_DEFLATE",
    ],
    ["nothing at all in two frames behind one", "c1 01 01 | 41 00 | 80 00", 1007, "ERR_WS_INVALID_DEFLATE"],
    ["text that is not UTF-8", `c1 05 62 60 fc 0f 00`, 1007, "ERR_WS_INVALID_UTF8"],
    ["a character that is cut off", "c1 08 00 02 00 fd ff e2 82 00", 1007, "ERR_WS_INVALID_UTF8"],
  ];

  for (const way of WAYS) {
    describe(`by the ${way} way`, () => {
      play(messages, deflating(way));

      play(
        faults.map(([title, input, closeCode, error]): Row => {
          const sent = `8802${closeCode.toString(16).padStart(4, "0")}`;
          return [`fails for ${title}`, input, ["closing", `ended 1006 ${error}`], sent];
        }),
        deflating(way),
        undefined,
        (recorded) => {
          end(recorded);
          const at = recorded.events.indexOf("closing");
          recorded.events.splice(0, at); // what was well before
        },
      );

      it("reads what such a block holds when it is whole", () => {
        const recorded = record("client", deflating(way));
        const whole = hex(ffs(true).code("0000000").number(0, 3).hex());
        feed(recorded, [hex(`c2 ${toHex(Uint8Array.of(whole.length))} ${toHex(whole)}`)]);
        expect(recorded.events).to.deep.equal(["message ffffffffff"]);
      });

      for (const windowBits of [8, 9, 12, 15]) {
        it(`reads a reference as far back as 2^${windowBits} bytes, over a final block, and none beyond`, () => {
          const size = 2 ** windowBits;
          const first = Uint8Array.from({ length: size }, (_, i) => i * 7);
          const stored = concat(Uint8Array.of(1, size, size >> 8, ~size, ~size >> 8), first, hex("00"));
          // Three bytes from `size` back: code 257, the code of the furthest distance, whose other bits are all set.
          const far = new Bits().number(0, 1).number(1, 2).code("0000001");
          far
            .code((2 * windowBits - 1).toString(2).padStart(5, "0"))
            .number(2 ** (windowBits - 2) - 1, windowBits - 2);
          const back = far.code("0000000").number(0, 3).hex();
          const farther = new Bits().number(0, 1).number(1, 2).code("0000001");
          farther.code((2 * windowBits).toString(2).padStart(5, "0")).number(0, windowBits - 1);
          const beyond = farther.code("0000000").number(0, 3).hex();
          for (const [reference, result] of [
            [back, `message ${toHex(first.slice(0, 3))}`],
            [beyond, "closing"],
          ] as const) {
            if (reference === beyond && windowBits < 15) continue; // a larger window is no fault
            const agreed = { serverMaxWindowBits: windowBits, clientMaxWindowBits: windowBits };
            const recorded = record("client", deflating(way, agreed));
            feed(recorded, [hex(frame(0xc2, stored)), hex(frame(0xc2, hex(reference)))]);
            expect(recorded.events.slice(1)).to.deep.equal([result]);
          }
        });
      }

      it("fails where a peer refers to what it agreed to forget", () => {
        for (const role of ROLES) {
          const forgets = { serverNoContextTakeover: true, clientNoContextTakeover: true };
          const recorded = record(role, deflating(way, forgets));
          feed(recorded, [bytesTo(role, `c1 07 ${HELLO} | c1 07 ${HELLO} | c1 05 ${AGAIN}`)]);
          end(recorded);
          expect(recorded.events).to.deep.equal([
            'message "Hello"',
            'message "Hello"',
            "closing",
            "ended 1006 ERR_WS_INVALID_DEFLATE",
          ]);
        }
      });

      const delivered: [title: string, input: string, events: string[], parts?: string[]][] = [
        ["a message in one frame", `c1 07 ${HELLO}`, ['message "Hello"']],
        [
          "a message in three frames",
          "41 07 f2 48 05 00 00 00 ff | 00 02 ff ca | 80 04 c9 c9 07 00",
          ['piece "He" 1', 'piece "" 0', 'piece "llo" 0 fin'],
          ['piece "He" 1', 'piece "llo" 0 fin'],
        ],
      ];
      for (const [title, input, frames, parts = frames] of delivered) {
        it(`hands out frames of ${title}, or pieces`, () => {
          for (const role of ROLES) {
            for (const [delivery, events] of [
              ["frames", frames],
              ["parts", parts],
            ] as const) {
              const recorded = record(role, deflating(way));
              recorded.protocol.delivery = delivery;
              // What the fallback inflates comes out at the end.
              feed(recorded, [bytesTo(role, input)]);
              const text = recorded.events.map((event) => /"(.*)"/.exec(event)?.[1]).join("");
              expect(text).to.equal("Hello");
              if (way === "driven") expect(recorded.events).to.deep.equal(events);
            }
          }
        });
      }

      describe("keeps the limit of", () => {
        const bytes = (length: number) => new Uint8Array(length).fill(0x61);
        const limits: [title: string, frames: (length: number) => string[]][] = [
          ["a message in one frame", (length) => [frame(0xc2, packed(bytes(length)))]],
          [
            "a message in two frames",
            (length) => {
              const whole = packed(bytes(length));
              return [frame(0x42, whole.subarray(0, 5)), frame(0x80, whole.subarray(5))];
            },
          ],
          ["a message without compression inside", (length) => [frame(0xc2, packed(bytes(length), 0))]],
          [
            "the second of two messages",
            (length) => [frame(0xc2, packed(bytes(10))), frame(0xc2, packed(bytes(length)))],
          ],
        ];
        for (const [title, frames] of limits) {
          for (const maxMessageSize of [1, 10, 1000, 65_535, 65_536, 65_537, 200_000]) {
            if (title.startsWith("the second") && maxMessageSize < 10) continue;
            it(`${title}: ${maxMessageSize} bytes`, () => {
              for (const role of ROLES) {
                for (const over of [0, 1]) {
                  const recorded = record(role, { ...deflating(way), maxMessageSize });
                  feed(recorded, [bytesTo(role, frames(maxMessageSize + over).join("|"))]);
                  settle(recorded);
                  const sizes = recorded.events
                    .filter((event) => event.startsWith("message"))
                    .map((event) => (event.length - 8) / 2);
                  expect(sizes.at(-1)).to.equal(
                    over === 0
                      ? maxMessageSize
                      : frames(1).length === 2 && title.startsWith("the second")
                        ? 10
                        : undefined,
                  );
                  expect(recorded.protocol.isFailed).to.equal(over === 1);
                }
              }
            });
          }
        }

        it("fragments", () => {
          const recorded = record("client", { ...deflating(way), maxFragments: 2 });
          feed(recorded, [hex("41 03 f2 48 cd 00 00 80 04 c9 c9 07 00")]);
          end(recorded);
          expect(recorded.events).to.deep.equal(["closing", "ended 1006 ERR_WS_TOO_MANY_FRAGMENTS"]);
        });

        it("what a header announces, as far as it could not be a message within the limit", () => {
          const limit = { ...deflating(way), maxMessageSize: 1000 };
          const announces = (length: string) => {
            const recorded = record("client", limit);
            feed(recorded, [hex(`c2 7f ${length}`)]);
            return recorded.protocol.isFailed;
          };
          expect(announces("00 00 00 00 00 01 00 00")).to.equal(true);
          expect(announces("00 00 01 00 00 00 00 00")).to.equal(true);
          const recorded = record("client", limit);
          feed(recorded, [hex(`c2 7e 04 e8`)]);
          expect(recorded.protocol.isFailed).to.equal(false);
        });
      });

      it("fails for a block that is short of as much as the tail has, final or not", () => {
        for (const block of ["00", "01"]) {
          const recorded = record("client", deflating(way));
          feed(recorded, [hex(`c2 06 ${block} 05 00 fa ff 00`)]);
          end(recorded);
          expect(recorded.events).to.deep.equal(["closing", "ended 1006 ERR_WS_INVALID_DEFLATE"]);
        }
      });

      it("takes a message that ends as the tail does", () => {
        for (const block of ["00", "01"]) {
          const recorded = record("client", deflating(way));
          feed(recorded, [hex(`c2 0b ${block} 05 00 fa ff 07 00 00 ff ff 00`)]);
          end(recorded);
          expect(recorded.events[0]).to.equal("message 070000ffff");
        }
      });

      it("says what was wrong", () => {
        const errorOf = (input: string, options: Partial<ProtocolOptions> = {}) => {
          const errors: unknown[] = [];
          const sink = { ended: (info: CloseInfo) => void errors.push(info.error) };
          const recorded = record("client", { ...deflating(way), ...options }, sink);
          feed(recorded, [hex(input)]);
          end(recorded);
          return errors[0];
        };
        expect(errorOf("c1 01 07")).to.be.an.instanceOf(ProtocolError).and.to.include({ closeCode: 1007 });
        expect(errorOf(`c1 07 ${HELLO}`, { maxMessageSize: 4 }))
          .to.be.an.instanceOf(LimitError)
          .and.to.include({ limit: "maxMessageSize", actual: 5, closeCode: 1009 });
      });
    });
  }

  it("fails RSV1 where nothing was agreed", () => {
    const recorded = record("client");
    feed(recorded, [hex(`c1 07 ${HELLO}`)]);
    end(recorded);
    expect(recorded.events).to.deep.equal(["closing", "ended 1006 ERR_WS_PROTOCOL"]);
  });

  it("fails for text that is not UTF-8 as soon as it comes out", () => {
    const recorded = record("client", deflating("driven"));
    feed(recorded, [hex("41 07 00 02 00 fd ff 61 ff")]);
    expect(recorded.protocol.isFailed).to.equal(true);
  });

  it("fails for a wrong block as soon as it comes", () => {
    for (const { chunks } of splits(hex("c1 7e 01 00 07"))) {
      const recorded = record("client", deflating("driven"));
      feed(recorded, chunks);
      expect(recorded.protocol.isFailed).to.equal(true);
    }
  });

  it("takes text that is not UTF-8 if it is told to", () => {
    const recorded = record("client", { ...deflating("driven"), utf8Validation: false });
    feed(recorded, [
      hex(frame(0xc1, packed(Uint8Array.of(0x61, 0xff)))),
      hex(frame(0xc1, packed(utf8("b")))),
    ]);
    expect(recorded.events).to.deep.equal(['message "a\ufffd"', 'message "b"']);
  });

  describe("from a peer that makes mistakes", () => {
    /** What becomes of the bytes: the messages, and whether it failed; of several faults either may be found first. */
    const outcome = (way: (typeof WAYS)[number], bytes: Uint8Array) => {
      const end = new WireEnd("client", { ...deflating(way), maxMessageSize: 5000 });
      end.protocol.receive(bytes.slice());
      end.settle();
      end.protocol.receiveEnd();
      const messages = end.messages.map((data) => (typeof data === "string" ? data : toHex(data)));
      return { messages, hasFailed: end.info?.error !== undefined };
    };
    const server = (messages: readonly (string | Uint8Array)[], level: number) => {
      const end = new WireEnd("server", deflating("driven", { level }));
      for (const message of messages) end.protocol.send(message);
      end.settle();
      return end.take();
    };
    const message = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(6000).map((length) => "ab".repeat(length / 2)),
    );
    const faults = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });

    it("comes the same by both ways, and nothing is thrown", () => {
      const messages = fc.array(message, { minLength: 1, maxLength: 4 });
      let failures = 0;
      fc.assert(
        fc.property(messages, fc.nat(9), faults, (messages, level, faults) => {
          const bytes = server(messages, level);
          for (const [at, value] of faults) bytes[at % bytes.length] = value;
          const driven = outcome("driven", bytes);
          const oneShot = outcome("one-shot", bytes);
          if (driven.hasFailed) failures++;
          expect(oneShot.messages).to.deep.equal(driven.messages);
          // What never ends is not inflated by the public functions, and so not seen to be wrong.
          if (oneShot.hasFailed) expect(driven.hasFailed).to.equal(true);
        }),
        { numRuns: 2000 },
      );
      expect(failures).to.be.within(500, 1990);
    });

    it("comes the same by both ways where all of it is noise", () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 120 }), fc.boolean(), (payload, isText) => {
          const bytes = Uint8Array.of(isText ? 0xc1 : 0xc2, payload.length, ...payload);
          expect(outcome("one-shot", bytes)).to.deep.equal(outcome("driven", bytes));
        }),
        { numRuns: 3000 },
      );
    });
  });
});

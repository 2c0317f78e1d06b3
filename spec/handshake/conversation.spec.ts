// The stepper between a talk and a socket: what a talk asks for is what it is given, however the bytes are cut; what lies
// beyond the talk stays; and the cost follows the bytes.

import { expect } from "chai";
import { Conversation } from "../../lib/handshake/conversation.ts";
import type { Ask, Talk } from "../../lib/handshake/talk.ts";
import { thrown } from "../support/failure.ts";
import { growthOfTime, LINEAR } from "../support/growth.ts";
import { splits } from "../support/splits.ts";
import { fromLatin1, hearAll, latin1 } from "../support/talks.ts";

/** Asks one thing after the other; what it was given for each. */
function* asking(...asks: Ask[]): Talk<string[]> {
  const given: string[] = [];
  for (const ask of asks) given.push(fromLatin1(yield ask));
  return given;
}

/** Asks for so many bytes, as often as it takes. */
function* reading(count: number): Talk<string> {
  let text = "";
  while (text.length < count) text += fromLatin1(yield { some: count - text.length });
  return text;
}

function send(text: string): Ask {
  return { send: latin1(text) };
}

describe("Conversation", () => {
  describe("gives a talk what it asks for", () => {
    const rows: [title: string, asks: Ask[], said: string, given: string[], rest: string][] = [
      ["a line", [{ line: 99 }], "ab\r\n", ["ab\r\n"], ""],
      ["an empty line", [{ line: 99 }], "\n", ["\n"], ""],
      ["lines", [{ line: 99 }, { line: 99 }], "ab\ncd\n", ["ab\n", "cd\n"], ""],
      ["a line and no more", [{ line: 99 }], "ab\ncd\n\x00", ["ab\n"], "cd\n\x00"],
      ["a line as long as allowed", [{ line: 3 }], "ab\ncd", ["ab\n"], "cd"],
      ["the beginning of one that is longer", [{ line: 2 }], "ab\n", ["ab"], "\n"],
      ["the beginning of one without an end", [{ line: 2 }, { line: 2 }], "abcdef", ["ab", "cd"], "ef"],
      ["nothing of a line of nothing", [{ line: 0 }], "ab", [""], "ab"],
      ["what there is at the end of the stream", [{ line: 99 }], "ab", ["ab"], ""],
      [
        "nothing after the end of the stream",
        [{ line: 99 }, { line: 99 }, { some: 1 }],
        "ab",
        ["ab", "", ""],
        "",
      ],
      ["one byte", [{ some: 1 }, { some: 1 }], "abc", ["a", "b"], "c"],
      ["a line after bytes", [{ some: 1 }, { line: 99 }], "a\nb\n", ["a", "\n"], "b\n"],
      ["bytes after a line", [{ line: 99 }, { some: 1 }], "a\nbc", ["a\n", "b"], "c"],
      ["nothing for what it sends", [send("x"), { line: 99 }, send("y")], "a\n", ["", "a\n", ""], ""],
      ["a line with the prefix", [{ line: 99, prefix: "HT" }], "HTTP\n", ["HTTP\n"], ""],
      ["a line that is shorter than the prefix", [{ line: 99, prefix: "HTTP" }], "HT\n", ["HT\n"], ""],
    ];
    for (const [title, asks, said, given, rest] of rows) {
      it(title, () => {
        expect(hearAll(() => asking(...asks), said)).to.deep.equal({ result: given, rest });
      });
    }

    it("some bytes, at least one and at most so many, until it has enough", () => {
      expect(hearAll(() => reading(5), "abcdefg")).to.deep.equal({ result: "abcde", rest: "fg" });
      const conversation = new Conversation(asking({ some: 4 }, { some: 4 }));
      conversation.start();
      conversation.push(latin1("abc"));
      conversation.push(latin1("defgh"));
      expect(conversation.result).to.deep.equal(["abc", "defg"]);
      expect(fromLatin1(conversation.rest)).to.equal("h");
    });

    it("what does not have the prefix, as soon as that is seen", () => {
      for (const [said, upTo] of [
        ["SSH-2.0", "S"],
        ["HTTQ", "HTTQ"],
        ["\n", "\n"],
      ] as const) {
        const conversation = new Conversation(asking({ line: 99, prefix: "HTTP" }));
        conversation.start();
        for (const byte of latin1(said)) {
          if (conversation.done) break;
          conversation.push(Uint8Array.of(byte));
        }
        expect(conversation.result).to.deep.equal([upTo]);
      }
    });

    it("nothing before it is there", () => {
      const conversation = new Conversation(asking({ line: 99, prefix: "HTTP" }, { some: 1 }));
      conversation.start();
      for (const chunk of ["", "H", "TTP/1.1", "", " 101\r"]) {
        conversation.push(latin1(chunk));
        expect(conversation.done).to.equal(false);
      }
    });

    it("its own bytes: it may write to them and keep them", () => {
      function* writing(): Talk<Uint8Array[]> {
        const first = yield { line: 99 };
        const second = (yield { line: 99 }).fill(0);
        return [first, second];
      }
      for (const { title, chunks } of splits(latin1("ab\ncd\nef"))) {
        const conversation = new Conversation(writing());
        conversation.start();
        for (const chunk of chunks) {
          conversation.push(chunk);
          chunk.fill(0xff);
        }
        expect(conversation.result, title).to.deep.equal([latin1("ab\n"), new Uint8Array(3)]);
        expect(fromLatin1(conversation.rest), title).to.equal("ef");
      }
    });
  });

  describe("sends what the talk wants sent, when it wants it", () => {
    const texts = (sends: Uint8Array[]) => sends.map(fromLatin1);

    it("at the start, upon an answer, and at the end of the stream", () => {
      const talk = asking(send("a"), send("b"), { line: 99 }, send("c"), { line: 99 }, send("d"));
      const conversation = new Conversation(talk);
      expect(texts(conversation.start())).to.deep.equal(["a", "b"]);
      expect(texts(conversation.push(latin1("x")))).to.deep.equal([]);
      expect(texts(conversation.push(latin1("\ny")))).to.deep.equal(["c"]);
      expect(texts(conversation.end())).to.deep.equal(["d"]);
      expect(conversation.result).to.deep.equal(["", "", "x\n", "", "y", ""]);
    });

    it("all of it, where one chunk answers several asks", () => {
      const conversation = new Conversation(
        asking({ line: 9 }, send("a"), { line: 9 }, send("b"), { line: 9 }),
      );
      expect(texts(conversation.start())).to.deep.equal([]);
      expect(texts(conversation.push(latin1("x\ny\nz")))).to.deep.equal(["a", "b"]);
      expect(conversation.done).to.equal(false);
    });

    it("where it asks for nothing", () => {
      const conversation = new Conversation(asking(send("a")));
      expect(texts(conversation.start())).to.deep.equal(["a"]);
      expect(conversation.done).to.equal(true);
    });
  });

  it("hears what came before it began", () => {
    const conversation = new Conversation(asking({ line: 99 }, send("b")));
    expect(conversation.push(latin1("early\nrest"))).to.deep.equal([]);
    expect(conversation.start()).to.deep.equal([latin1("b")]);
    expect(conversation.result[0]).to.equal("early\n");
    expect(fromLatin1(conversation.rest)).to.equal("rest");
  });

  it("keeps all that comes once the talk is done", () => {
    const conversation = new Conversation(asking({ line: 99 }));
    conversation.start();
    for (const chunk of ["a\n", "b", "\nc", ""]) conversation.push(latin1(chunk));
    conversation.end();
    expect(conversation.result).to.deep.equal(["a\n"]);
    expect(fromLatin1(conversation.rest)).to.equal("b\nc");
  });

  it("has no result before the talk is done", () => {
    const conversation = new Conversation(asking({ line: 99 }));
    expect(() => conversation.result).to.throw(TypeError);
    conversation.start();
    expect(conversation.done).to.equal(false);
    expect(() => conversation.result).to.throw(TypeError);
  });

  it("throws what the talk throws, at the start, upon bytes and at the end", () => {
    function* failing(...asks: Ask[]): Talk<never> {
      yield* asking(...asks);
      throw new RangeError("of the talk");
    }
    expect(() => new Conversation(failing()).start()).to.throw(RangeError, "of the talk");
    const conversation = new Conversation(failing({ line: 99 }));
    conversation.start();
    expect(() => conversation.push(latin1("a\n"))).to.throw(RangeError, "of the talk");
    const other = new Conversation(failing({ line: 99 }));
    other.start();
    thrown(() => other.end(), RangeError);
  });

  describe("takes time in proportion to the bytes", () => {
    const times = function* (ask: Ask, count: number): Talk<string> {
      for (let i = 0; i < count; i++) yield ask;
      return "done";
    };
    const chunked = (ask: Ask, asks: number, chunk: Uint8Array, count: number) => {
      const conversation = new Conversation(times(ask, asks));
      conversation.start();
      for (let i = 0; i < count; i++) conversation.push(chunk);
    };
    const works: [title: string, work: (size: number) => void, size: number][] = [
      [
        "for a line without end, in chunks",
        (size) => chunked({ line: 2 ** 30 }, 1, latin1("x".repeat(16)), size),
        8_000,
      ],
      [
        "for a line without end, byte by byte",
        (size) => chunked({ line: 2 ** 30 }, 1, latin1("x"), size),
        16_000,
      ],
      [
        "for many lines in one chunk",
        (size) => chunked({ line: 99 }, size, latin1("x\n".repeat(size)), 1),
        10_000,
      ],
      ["for many lines in many chunks", (size) => chunked({ line: 99 }, size, latin1("x\n"), size), 4_000],
      [
        "for many limited lines without end in one chunk",
        (size) => chunked({ line: 2 }, size, latin1("xx".repeat(size)), 1),
        10_000,
      ],
      [
        "for what comes after the talk",
        (size) => chunked({ line: 1 }, 1, latin1("x".repeat(16)), size),
        8_000,
      ],
    ];
    for (const [title, work, size] of works) {
      it(title, () => {
        expect(growthOfTime(work, size)).to.be.below(LINEAR);
      });
    }
  });
});

// S1 to S24, as far as they are about frames, heads and what a caller hands over: flaws that other clients had, and the test that
// finds each in this one. Redirects, cookies, TLS, proxies and secrets are in security-ways.spec.ts, compression in its own.

import { expect } from "chai";
import fc from "fast-check";
import { randomMask } from "../../lib/bytes/random.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { bytesOf } from "../../lib/client/sendable.ts";
import { FrameDecoder } from "../../lib/codec/frame-decoder.ts";
import { BINARY, CLOSE, PING, PONG, TEXT } from "../../lib/codec/opcode.ts";
import { HandshakeError, LimitError, UsageError, WebSocketError } from "../../lib/errors.ts";
import { readHead } from "../../lib/handshake/http.ts";
import { checkUpgrade, upgradeClient } from "../../lib/handshake/upgrade-client.ts";
import { HIGH_WATER } from "../../lib/session/session.ts";
import { Trace } from "../../lib/session/trace.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { growthOfTime, LINEAR, retainedBytes } from "../support/growth.ts";
import { concat, hex, utf8 } from "../support/hex.ts";
import { accepting } from "../support/peer.ts";
import { frame } from "../support/raw-server.ts";
import { record } from "../support/recorder.ts";
import { createConnection, WebSocketApp } from "../support/runtime.ts";
import { type Step, scripted } from "../support/script.ts";
import { settle } from "../support/script-clock.ts";
import { resolving } from "../support/script-names.ts";
import { play, type Scene } from "../support/script-scenes.ts";
import {
  answer,
  answerClose,
  breathe,
  close,
  drip,
  finish,
  flood,
  goodbye,
  hear,
  hearEnd,
  readOn,
  request,
  say,
  send,
  stopReading,
  upgrade,
} from "../support/script-steps.ts";
import { hear as hold, latin1 } from "../support/talks.ts";

const MIB = 1024 * 1024;
const GOOD = "1000 clean, told 1000";
const INVALID = "refused HandshakeError ERR_WS_INVALID_RESPONSE";
const PROTOCOL = "1006 ProtocolError ERR_WS_PROTOCOL, told 1002";
const UTF8 = "1006 ProtocolError ERR_WS_INVALID_UTF8, told 1007";
const TOO_BIG = "1006 LimitError ERR_WS_MESSAGE_TOO_BIG, told 1009";

/** The server sends that, and nothing more. */
function told(title: string, bytes: string, end: string, options: ConnectionOptions = {}): Scene {
  return { title, script: [upgrade(), send(bytes)], end, options, shapes: ["Connection"] };
}

/** The server answers the request with the lines of a good 101, changed. */
function answered(
  title: string,
  change: (good: string) => string,
  end: string,
  options: ConnectionOptions = {},
): Scene {
  const script = [answer((head) => change(accepting(head))), ...(end === GOOD ? goodbye() : [hearEnd])];
  return { title, script, end, options, shapes: ["Connection"] };
}

describe("faults: security", () => {
  const use = cleanUp();

  describe("S1: fragments without end", () => {
    /** A message of so many fragments, without its end. */
    function fragments(count: number, payload: string): Uint8Array {
      const one = hex(payload === "" ? "00 00" : `00 01 ${payload}`);
      const all = new Uint8Array(count * one.length);
      for (let i = 0; i < count; i++) all.set(one, i * one.length);
      all[0] = 2;
      return all;
    }

    for (const payload of ["", "61"]) {
      const what = payload === "" ? "empty" : "of a byte";
      it(`${what}: refused with 1008 at the 131 073rd`, () => {
        const { protocol, events, written } = record("client");
        protocol.receive(fragments(131_072, payload));
        expect(events).to.deep.equal([]);
        protocol.receive(hex("00 00"));
        protocol.flush();
        protocol.receiveEnd();
        expect(events).to.deep.equal(["closing", "ended 1006 ERR_WS_TOO_MANY_FRAGMENTS"]);
        expect(written()).to.match(/^8882/);
      });

      it(`${what}: without that limit, memory follows the bytes, not the fragments`, () => {
        const many = fragments(1_000_000, payload);
        const retained = retainedBytes(() => {
          const { protocol } = record("client", { maxFragments: Number.POSITIVE_INFINITY });
          protocol.receive(many);
          return protocol;
        });
        expect(retained).to.be.below(4 * MIB);
      });
    }

    it("time is linear", () => {
      const growth = growthOfTime((count) => {
        const { protocol } = record("client", { maxFragments: Number.POSITIVE_INFINITY });
        protocol.receive(fragments(count, "61"));
      }, 20_000);
      expect(growth).to.be.below(LINEAR);
    });

    it("a frame in chunks of a byte: memory follows the bytes", () => {
      const retained = retainedBytes(() => {
        const { protocol } = record("client");
        protocol.receive(hex("82 7f 0000000000100000"));
        for (let i = 0; i < 300_000; i++) protocol.receive(Uint8Array.of(1));
        return protocol;
      });
      expect(retained).to.be.below(2 * MIB);
    });
  });

  play(use, [
    told(
      "S2: two frames within the limit, whose sum is not: at the header of the second",
      "02 03 010203 | 00 02",
      TOO_BIG,
      {
        maxMessageSize: 4,
      },
    ),
    told("S2: a thousand small ones", `01 01 61 | ${"00 01 61 |".repeat(1000)}`, TOO_BIG, {
      maxMessageSize: 1000,
    }),
    ...(
      [
        ["2^31 - 1", "000000007fffffff", TOO_BIG],
        ["2^31", "0000000080000000", TOO_BIG],
        ["2^32", "0000000100000000", TOO_BIG],
        ["2^32 + 5", "0000000100000005", TOO_BIG],
        ["2^53 - 1", "001fffffffffffff", TOO_BIG],
        ["2^53", "0020000000000000", TOO_BIG],
        ["2^63 - 1", "7fffffffffffffff", TOO_BIG],
        ["2^63", "8000000000000000", PROTOCOL],
        ["2^64 - 1", "ffffffffffffffff", PROTOCOL],
        ["125 in 64 bits", "000000000000007d", PROTOCOL],
        ["65 535 in 64 bits", "000000000000ffff", PROTOCOL],
      ] as const
    ).map(([title, length, end]) =>
      told(`S3: a length of ${title}, before any of it has come`, `82 7f ${length}`, end),
    ),
    told("S3: 125 in 16 bits", "82 7e 007d", PROTOCOL),
    told(
      "S3: 2^53 - 1 is refused even without a limit of its own but that of numbers",
      "82 7f 001fffffffffffff 01",
      TOO_BIG,
      {
        maxMessageSize: 2 ** 53 - 2,
      },
    ),
  ]);

  it("S3: a length that is believed allocates nothing of its size", () => {
    const retained = retainedBytes(() => {
      const { protocol } = record("client", { maxMessageSize: Number.POSITIVE_INFINITY });
      protocol.receive(hex("82 7f 0000001000000000 01")); // 64 GiB
      return protocol;
    });
    expect(retained).to.be.below(2 * MIB);
  });

  describe("S6: names that every object has", () => {
    const NAMES = ["constructor", "__proto__", "hasOwnProperty", "toString", "valueOf"];
    play(use, [
      ...NAMES.map((name) =>
        answered(
          `as an extension: ${name}`,
          (good) => withLines(good, `Sec-WebSocket-Extensions: ${name}`),
          INVALID,
        ),
      ),
      ...NAMES.map((name) =>
        answered(
          `as a parameter: ${name}`,
          (good) => withLines(good, `Sec-WebSocket-Extensions: permessage-deflate; ${name}=1`),
          INVALID,
        ),
      ),
      ...NAMES.map((name) =>
        answered(
          `as a subprotocol: ${name}`,
          (good) => withLines(good, `Sec-WebSocket-Protocol: ${name}`),
          INVALID,
        ),
      ),
      ...NAMES.map((name) => answered(`as a header: ${name}`, (good) => withLines(good, `${name}: x`), GOOD)),
    ]);

    it("among options: an own __proto__ is unknown, and what is inherited is none", async () => {
      const given = JSON.parse('{"__proto__": {"headers": {"X-Evil": "1"}}}');
      expect((await rejection(createConnection("ws://127.0.0.1:9/", given), UsageError)).code).to.be.oneOf([
        "ERR_WS_UNKNOWN_OPTION",
        "ERR_WS_INVALID_ARGUMENT",
      ]);
      const peer = await scripted(use, [upgrade(), ...answerClose]);
      const ws = await peer.createConnection(peer.url, Object.create({ headers: { "X-Evil": "1" } }));
      await ws.close();
      expect(String((await peer.lines.next()).heard)).not.to.include("X-Evil");
    });

    const POLLUTION: Record<string, unknown> = {
      ...{ agent: {}, proxy: "http://127.0.0.1:9", headers: { "X-Evil": "1" }, host: "evil.test", port: 9 },
      ...{
        rejectUnauthorized: false,
        servername: "evil.test",
        checkServerIdentity: () => undefined,
        pins: ["x"],
      },
      ...{
        socketPath: "/evil",
        connectTo: { host: "127.0.0.1", port: 9 },
        lookup: "x",
        family: 6,
        timeout: 1,
      },
      ...{
        origin: "evil",
        cookies: "a=evil",
        protocols: ["evil"],
        redirect: "follow",
        perMessageDeflate: true,
      },
      ...{
        trace: true,
        maxMessageSize: 1,
        maxFragments: 1,
        maxQueue: 1,
        utf8Validation: false,
        keepAlive: { interval: 1 },
      },
    };
    for (const [name, value] of Object.entries(POLLUTION)) {
      it(`on Object.prototype: ${name}`, async () => {
        const plain = await scripted(use, [upgrade(), send("81 02 6f6b"), ...answerClose]);
        const secure = await scripted(use, [upgrade()], "TLS");
        const { url } = secure;
        Object.defineProperty(Object.prototype, name, {
          value,
          configurable: true,
          enumerable: false,
          writable: true,
        });
        try {
          const ws = await createConnection(plain.url);
          expect(await ws.recv()).to.equal("ok");
          await ws.close();
          // Nobody trusts its authority. The runtime's own TLS takes a timeout from wherever it finds one.
          if (name !== "timeout") await rejection(createConnection(url), WebSocketError);
        } finally {
          Reflect.deleteProperty(Object.prototype, name);
        }
        expect(String((await plain.lines.next()).heard)).not.to.match(/evil|X-Evil|Cookie|deflate/i);
      });
    }
  });

  describe("S7: time is linear in every header", () => {
    const NAMES = [
      ...[
        "Connection",
        "Upgrade",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
      ],
      ...["Set-Cookie", "Location", "Content-Length", "Transfer-Encoding", "Retry-After", "X-Any", ""],
    ];
    const UNITS = [
      " ",
      "\t ",
      ",",
      ";",
      '"',
      '\\"',
      "a;",
      "a,",
      "=",
      "a=",
      "//",
      "?&",
      "eyJ",
      "%",
      '\\\\"',
      "-",
      "@/",
    ];
    const key = "dGhlIHNhbXBsZSBub25jZQ==";
    const deflate = {
      ...{ serverNoContextTakeover: false, clientNoContextTakeover: false },
      ...{ serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
    };

    /** All that is done with a head: it is read, traced, checked, and its error is shown. */
    function judge(head: string): void {
      const trace = new Trace({ write() {} });
      const request = upgradeClient(new Uint8Array(0), Number.POSITIVE_INFINITY);
      const { result } = hold(request, [latin1(head)]);
      trace.response(result);
      try {
        checkUpgrade(result, { key, protocols: ["chat"], deflate }, true);
      } catch (error) {
        trace.note(String(error));
      }
    }

    for (const name of NAMES) {
      it(name === "" ? "the reason phrase" : name, () => {
        for (const unit of UNITS) {
          const growth = growthOfTime((size) => {
            const long = `b${unit.repeat(size / unit.length)}x`;
            const good = accepting(`Sec-WebSocket-Key: ${key}\r\n`);
            judge(
              name === "" ? good.replace("Switching Protocols", long) : withLines(good, `${name}: ${long}`),
            );
          }, 2_048);
          expect(growth, JSON.stringify(unit)).to.be.below(LINEAR);
        }
      });
    }
  });

  describe("S8: heads without end", () => {
    const TOO_LONG = "refused LimitError ERR_WS_HEADERS_TOO_BIG";
    play(use, [
      {
        title: "10 000 headers",
        script: [answer(`HTTP/1.1 101 S\r\n${"a: b\r\n".repeat(10_000)}\r\n`), hearEnd],
        end: TOO_LONG,
      },
      {
        title: "a header of 20 MB, in pieces of a kilobyte",
        script: [answer("HTTP/1.1 101 S\r\nA: "), flood(Buffer.alloc(1024, "b"), 20_000)],
        end: TOO_LONG,
      },
      {
        title: "a status line without end",
        script: [answer("HTTP/1.1 101 "), flood(Buffer.alloc(1024, "S"), 20_000)],
        end: TOO_LONG,
      },
      {
        title: "no line end at all",
        script: [answer("HTTP/1.1"), flood(Buffer.alloc(1024, " "), 20_000)],
        end: TOO_LONG,
      },
      {
        title: "informational answers without end",
        script: [request, flood(Buffer.from("HTTP/1.1 100 Continue\r\n\r\n"), 20_000)],
        end: INVALID,
      },
    ]);

    it("time is linear, in as small pieces as one likes", () => {
      const growth = growthOfTime((size) => {
        const bytes = latin1(`HTTP/1.1 101 S\r\nA: ${"b".repeat(size)}`);
        const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
        thrown(() => hold(readHead(size), chunks), LimitError);
      }, 4_096);
      expect(growth).to.be.below(LINEAR);
    });
  });

  describe("S9: what is no text and no bytes is not sent, and no memory leaks", () => {
    it("as the reason of a close", async () => {
      const peer = await scripted(use, [upgrade(), ...answerClose]);
      const ws = await peer.createConnection(peer.url);
      for (const reason of [
        new Float32Array(5),
        5,
        {},
        new DataView(new ArrayBuffer(4)),
        new Uint8Array(4),
        ["a"],
        Symbol("s"),
      ])
        thrown(() => ws.close(1000, reason as never), UsageError);
      await ws.close();
    });

    it("as the payload of a ping or pong", async () => {
      const peer = await scripted(use, [upgrade(), ...answerClose]);
      const ws = await peer.createConnection(peer.url);
      for (const payload of [5, {}, [1, 2], null, new Uint8Array(126), "x".repeat(126)]) {
        thrown(() => ws.pong(payload as never), UsageError);
        await rejection(ws.ping(payload as never), UsageError);
      }
      await ws.close();
    });

    it("every kind of buffer gives its own bytes, and none of its neighbours'", () => {
      const backing = Uint8Array.from({ length: 32 }, (_, i) => i);
      const { buffer } = backing;
      const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
      const rows: [title: string, data: unknown, bytes: number[]][] = [
        ["a view", backing.subarray(4, 8), [4, 5, 6, 7]],
        ["a Buffer", Buffer.from(buffer, 4, 2), [4, 5]],
        ["a DataView", new DataView(buffer, 2, 3), [2, 3, 4]],
        ["16 bits", new Uint16Array(buffer, 2, 2), [2, 3, 4, 5]],
        ["floats", new Float32Array(buffer, 8, 1), [8, 9, 10, 11]],
        ["shared memory", shared, [7, 7, 7, 7]],
        ["the whole buffer", new Uint8Array([1, 2]).buffer, [1, 2]],
      ];
      for (const [title, data, bytes] of rows) expect([...bytesOf(data)], title).to.deep.equal(bytes);
      const growing = resizable(4, 8);
      const tracking = new Uint8Array(growing);
      growing.resize(2);
      expect([...bytesOf(tracking)], "a buffer that shrank").to.deep.equal([0, 0]);
      const beyond = new Uint8Array(growing, 0, 2);
      growing.resize(1);
      thrown(() => bytesOf(beyond), UsageError);
      const gone = new Uint8Array(8);
      structuredClone(gone.buffer, { transfer: [gone.buffer] });
      thrown(() => bytesOf(gone), UsageError);
      thrown(() => bytesOf(gone.buffer), UsageError);
    });

    it("every byte on the wire is one of the message, its header or its key", () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (messages) => {
          const { protocol, written } = record("client");
          for (const message of messages) protocol.send(message);
          protocol.flush();
          const decoder = new FrameDecoder("server");
          decoder.push(hex(written()));
          const seen: Uint8Array[] = [];
          while (decoder.next()) seen.push(decoder.bytes.slice(decoder.start, decoder.end));
          expect(seen).to.deep.equal(messages);
          const sizes = messages.map(({ length }) => length + 4 + (length > 125 ? 4 : 2));
          expect(written().length / 2).to.equal(sizes.reduce((sum, size) => sum + size, 0));
        }),
        { numRuns: 100 },
      );
    });
  });

  describe("S10: nothing adds a line to the request", () => {
    const CONTROLS = ["\r\nX-Evil: 1", "\nX-Evil: 1", "\r", "\0"];
    /** What would be those, if a character were cut to eight bits. */
    const WIDE = ["\u010a", "\u010d", "\u560a", "\u560d\u560aX-Evil: 1"];
    const turning = (first: string, then: string) => {
      let asked = 0;
      return { toString: () => (asked++ === 0 ? first : then) };
    };
    const rows: [title: string, options: (evil: string) => ConnectionOptions][] = [
      ["a header's name", (evil) => ({ headers: { [`A${evil}`]: "b" } })],
      ["a header's value", (evil) => ({ headers: { A: `b${evil}` } })],
      ["a value in a list", (evil) => ({ headers: { A: ["b", `c${evil}`] } })],
      ["a pair", (evil) => ({ headers: [["A", `b${evil}`]] })],
      ["an object that changes its mind", (evil) => ({ headers: { A: turning("b", `b${evil}`) as never } })],
      ["a subprotocol", (evil) => ({ protocols: [`chat${evil}`] })],
      ["a subprotocol that changes its mind", (evil) => ({ protocols: [turning("a", `a${evil}`) as never] })],
      ["the origin", (evil) => ({ origin: `https://a${evil}` })],
      ["the host", (evil) => ({ host: `a${evil}` })],
      ["the cookies", (evil) => ({ cookies: `a=b${evil}` })],
      ["a cookie's name", (evil) => ({ cookies: { [`a${evil}`]: "b" } })],
      ["a cookie's value", (evil) => ({ cookies: { a: `b${evil}` } })],
      ["the proxy's host", (evil) => ({ proxy: `http://a${evil}:1` })],
      ["the proxy's login", (evil) => ({ proxy: `http://a:b${evil}@127.0.0.1:9` })],
      [
        "the proxy's headers",
        (evil) => ({ proxy: { url: "http://127.0.0.1:9", headers: { A: `b${evil}` } } }),
      ],
    ];
    for (const [title, options] of rows) {
      it(title, async () => {
        const peer = await scripted(use, [hearEnd]);
        // In a proxy's url what is wide is encoded, as in any url.
        for (const evil of /proxy's (host|login)/.test(title) ? CONTROLS : [...CONTROLS, ...WIDE]) {
          const wanted = options(evil);
          const error = await rejection(peer.createConnection(peer.url, wanted), UsageError);
          expect(error.message, JSON.stringify(evil)).not.to.match(/[\r\n\0]/);
        }
        expect(peer.count).to.equal(0);
      });
    }

    for (const part of ["path", "query", "host", "user"] as const) {
      it(`the url's ${part}`, async () => {
        const peer = await scripted(use, [upgrade(), ...answerClose]);
        const urlWith = (evil: string) =>
          ({
            path: `ws://host.test/a${evil}`,
            query: `ws://host.test/?a${evil}`,
            host: `ws://a${evil}.test/`,
            user: `ws://a${evil}@host.test/`,
          })[part];
        for (const evil of CONTROLS) await rejection(createConnection(urlWith(evil)), UsageError);
        for (const evil of part === "host" ? WIDE.slice(0, 3) : WIDE) {
          const connectTo = { host: "127.0.0.1", port: peer.port };
          await (await createConnection(urlWith(evil), { connectTo })).close();
          expect(String((await peer.lines.next()).heard).split("\r\n\r\n")[0]).to.match(
            /^GET \/[\x21-\x7e]* HTTP\/1\.1\r\n(?:(?!X-Evil)[\w-]+: [\x20-\x7e]*(?:\r\n|$))*$/,
          );
        }
      });
    }
  });

  describe("S15: answers that are no upgrade, though they look like one", () => {
    const line = (from: RegExp | string, to: string) => (good: string) => good.replace(from, to);
    play(use, [
      answered(
        "two Accepts",
        (good) => withLines(good, /Sec-WebSocket-Accept.*/.exec(good)?.[0] ?? ""),
        INVALID,
      ),
      answered("two Upgrades", (good) => withLines(good, "Upgrade: websocket"), INVALID),
      answered("blanks behind the Accept", line(/(Accept: \S+)/, "$1 \t"), GOOD),
      answered("a status that goes on", line("101 S", "1010 S"), INVALID),
      answered("a status without blank", line("HTTP/1.1 101", "HTTP/1.1101"), INVALID),
      answered("HTTP/1.0", line("HTTP/1.1", "HTTP/1.0"), INVALID),
      answered(
        "200 with all that a 101 has",
        (good) => withLines(good.replace("101", "200"), "Content-Length: 0"),
        "refused HandshakeError ERR_WS_UNEXPECTED_STATUS",
      ),
      answered("a folded header", line("Connection:", "A: b\r\n c\r\nConnection:"), INVALID),
      answered("a bare LF", line("\r\nConnection", "\nConnection"), INVALID),
      answered("a bare CR", line("Connection:", "A: b\rc\r\nConnection:"), INVALID),
      answered("a blank before a colon", line("Connection:", "Connection :"), INVALID),
      answered("a line without a colon", line("Connection:", "A\r\nConnection:"), INVALID),
      answered("a NUL", line("Connection:", "A: b\0\r\nConnection:"), INVALID),
      answered(
        "a Content-Length: what follows is frames",
        (good) => withLines(good, "Content-Length: 5"),
        GOOD,
      ),
      answered("a Transfer-Encoding: so too", (good) => withLines(good, "Transfer-Encoding: chunked"), GOOD),
      answered("two subprotocols", (good) => withLines(good, "Sec-WebSocket-Protocol: a, b"), INVALID, {
        protocols: ["a", "b"],
      }),
      answered(
        "two lines of them",
        (good) => withLines(good, "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"),
        INVALID,
        { protocols: ["a", "b"] },
      ),
    ]);
  });

  describe("S16: masks", () => {
    it("are no two alike, and as random as can be told; none is of Math.random()", async () => {
      const { random } = Math;
      Math.random = () => {
        throw new Error("not random enough");
      };
      const keys: number[] = [];
      try {
        for (let i = 0; i < 100_000; i++) keys.push(randomMask());
        const peer = await scripted(use, [upgrade(), ...answerClose], "memory");
        await (await peer.createConnection(peer.url)).close();
      } finally {
        Math.random = random;
      }
      // Of 10^5 drawn out of 2^32 one pair or so is alike.
      expect(new Set(keys).size).to.be.above(99_980);
      const bytes = new Array<number>(256).fill(0);
      for (const key of keys)
        for (const shift of [0, 8, 16, 24])
          bytes[(key >>> shift) & 255] = (bytes[(key >>> shift) & 255] ?? 0) + 1;
      const expected = (keys.length * 4) / 256;
      const chiSquare = bytes.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(chiSquare).to.be.within(130, 420); // 255 degrees of freedom: beyond it by chance once in 10^8 times
    });

    it("without a source of random numbers nothing leaves, and nothing is masked with what was there before", async () => {
      const peer = await scripted(use, [upgrade(), hearEnd], "memory");
      const ws = await peer.createConnection(peer.url);
      const { getRandomValues } = crypto;
      const none = () => {
        throw new RangeError("no entropy");
      };
      Object.defineProperty(crypto, "getRandomValues", { value: none, configurable: true });
      let sent = 0;
      try {
        while (sent <= 1_000_000) {
          await ws.send("x");
          sent++;
        }
      } catch (error) {
        expect(error).to.include({ message: "no entropy" });
        await rejection(ws.send("x"), RangeError);
        await rejection(peer.createConnection(peer.url), RangeError);
      } finally {
        Reflect.deleteProperty(crypto, "getRandomValues");
      }
      expect(crypto.getRandomValues).to.equal(getRandomValues);
      await settle();
      ws.terminate();
      const line = await peer.lines.next();
      await line.gone;
      expect(line.record.waiting).to.equal(sent);
      expect(peer.count).to.equal(1);
    });

    it("leave the caller's bytes alone", async () => {
      const peer = await scripted(use, [upgrade(), hear(BINARY), hear(BINARY), hear(PING), ...answerClose]);
      const ws = await peer.createConnection(peer.url);
      const [small, large] = [new Uint8Array(100).fill(5), new Uint8Array(MIB).fill(5)];
      await Promise.all([ws.send(small), ws.send(large)]);
      void ws.ping(small);
      await ws.close();
      expect([...new Set([...small, ...large.subarray(0, 1000), ...large.subarray(-1000)])]).to.deep.equal([
        5,
      ]);
    });
  });

  describe("S17: floods of control frames", () => {
    it("10^6 pings while the server never reads: of those that wait only the latest is answered", async () => {
      const ping = frame(PING, Buffer.alloc(125, "p"));
      const many = Buffer.concat(Array.from({ length: 1000 }, () => ping));
      let heard = () => {};
      const done = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const script: Step[] = [upgrade(), stopReading, flood(many, 1000), say(frame(TEXT, "done"))];
      const peer = await scripted(use, [...script, () => done, readOn, ...goodbye()]);
      const ws = await peer.createConnection(peer.url);
      let most = 0;
      const watching = setInterval(() => {
        most = Math.max(most, ws.bufferedAmount);
      }, 1);
      expect(await ws.recv()).to.equal("done");
      clearInterval(watching);
      expect(Math.max(most, ws.bufferedAmount)).to.be.below(2 * HIGH_WATER);
      heard();
      expect(await ws.closed).to.include({ code: 1000, wasClean: true });
      // What answered them is what the kernel took, and not the 131 MB of all.
      expect((await peer.lines.next()).heard.length).to.be.below(16 * MIB);
    });

    it("the latest is answered of those that came while pongs could not leave", async () => {
      const count = 20_000;
      const pings = Array.from({ length: count }, (_, i) => frame(PING, `${i}`.padStart(125)));
      const peer = await scripted(
        use,
        [upgrade(), stopReading, say(Buffer.concat(pings)), hearEnd],
        "memory",
      );
      const ws = await peer.createConnection(peer.url);
      const line = await peer.lines.next();
      await settle();
      expect(ws.bufferedAmount).to.be.within(1, 2 * HIGH_WATER);
      line.socket.resume();
      const answered: number[] = [];
      while (answered.at(-1) !== count - 1) {
        const { opcode, payload } = await line.record.next();
        expect(opcode).to.equal(PONG);
        answered.push(Number(payload));
      }
      expect(answered.length).to.be.below(count / 5);
      expect(answered).to.deep.equal([...answered].sort((one, other) => one - other));
      ws.terminate();
    });

    it("pongs that nobody asked for leave nothing behind", async () => {
      const pongs = Buffer.concat(Array.from({ length: 1000 }, () => frame(PONG, Buffer.alloc(125, "p"))));
      const peer = await scripted(use, [upgrade(), flood(pongs, 100), ...goodbye()]);
      const ws = await peer.createConnection(peer.url);
      expect(await ws.closed).to.include({ code: 1000, wasClean: true });
    });

    it("data gets through between pings", async () => {
      const mixed = Buffer.concat(
        Array.from({ length: 1000 }, () => Buffer.concat([frame(PING, "p"), frame(TEXT, "t")])),
      );
      const peer = await scripted(use, [upgrade(), flood(mixed, 10), ...goodbye()]);
      const ws = await peer.createConnection(peer.url);
      for (let i = 0; i < 10_000; i++) expect(await ws.recv()).to.equal("t");
      await ws.closed;
    });

    it("no pong goes out behind the Close frame", async () => {
      const peer = await scripted(use, [
        upgrade(),
        hear(CLOSE),
        send("89 00 | 89 00"),
        breathe,
        close(),
        finish,
      ]);
      const ws = await peer.createConnection(peer.url);
      await ws.close();
      const { record: frames } = await peer.lines.next();
      expect((await frames.next()).opcode).to.equal(CLOSE);
      expect(frames.waiting).to.equal(0);
    });
  });

  describe("S18: the body of a refusal", () => {
    const chunk = Buffer.from(`10000\r\n${"x".repeat(65_536)}\r\n`);
    const rows: [title: string, script: readonly Step[], options?: ConnectionOptions][] = [
      [
        "of a gigabyte",
        [
          answer("HTTP/1.1 401 No\r\nContent-Length: 1000000000\r\n\r\n"),
          flood(Buffer.alloc(65_536), 15_000),
        ],
      ],
      [
        "in chunks without end",
        [answer("HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n"), flood(chunk, 15_000)],
      ],
      ["without end", [answer("HTTP/1.1 401 No\r\n\r\n"), flood(Buffer.alloc(65_536), 15_000)]],
      [
        "that comes byte by byte",
        [answer("HTTP/1.1 401 No\r\nContent-Length: 1000000\r\n\r\n"), drip("x".repeat(10_000_000))],
        { timeout: 1000 },
      ],
      [
        "that is said to be packed: it is not unpacked",
        [
          answer("HTTP/1.1 401 No\r\nContent-Encoding: gzip, gzip, br\r\nContent-Length: 3\r\n\r\nabc"),
          hearEnd,
        ],
      ],
    ];
    for (const [title, script, options] of rows) {
      it(title, async () => {
        const peer = await scripted(use, script);
        const error = await rejection(peer.createConnection(peer.url, options), HandshakeError);
        expect(error.status).to.equal(401);
        expect(error.body.length).to.be.at.most(65_536);
        await (await peer.lines.next()).gone;
      });
    }
  });

  it("S20: a name is looked up for each attempt, and what it leads to then is dialled", async () => {
    const peer = await scripted(use, [upgrade(), ...goodbye()]);
    const port = new URL(peer.url).port;
    let addresses = ["127.0.0.2"]; // where nobody listens
    const asked = resolving(use, () => ({ "host.test": addresses }));
    const app = new WebSocketApp(`ws://host.test:${port}/`, { reconnect: { minDelay: 1, maxDelay: 1 } });
    app.onError = () => {
      addresses = ["127.0.0.1"];
    };
    expect(await app.runForever()).to.include({ code: 1000, wasClean: true });
    expect(asked).to.deep.equal(["host.test", "host.test"]);
  });

  describe("S22: text is checked as it comes", () => {
    play(use, [
      told(
        "an impossible byte fails at once, though the frame goes on for ever",
        "01 7f 0000000000010000 61 c0",
        UTF8,
      ),
      told("so in the middle of a character that is well begun", "01 02 e2 28", UTF8),
      told("and over two fragments", "01 01 f4 | 00 01 90", UTF8),
      told("of a reason, too", "88 04 03e8 ed a0", UTF8),
    ]);
  });

  it("S23: what a server says cannot act on a terminal, in errors or traces", async () => {
    const evil = "\x1b[2J\x07\x9b31m\u202e";
    const bytes = utf8(evil);
    const lines: string[] = [];
    const trace = { write: (line: string) => void lines.push(line) };
    const rows: readonly (readonly Step[])[] = [
      [answer(`HTTP/1.1 401 \x9b31m\r\nContent-Length: 0\r\n\r\n`), hearEnd],
      [answer("\x1b[2J\r\n"), hearEnd],
      [upgrade("Server: \x9b31m"), say(frame(TEXT, evil)), say(frame(PING, bytes)), ...goodbye(4000, evil)],
      [upgrade(), send(`88 0f 03e8 ${Buffer.from(bytes).toString("hex").slice(0, 26)}`), finish],
    ];
    for (const script of rows) {
      const peer = await scripted(use, script);
      const app = new peer.WebSocketApp(peer.url, { trace });
      app.onError = (_app, error) => lines.push(`${error.message} ${error.stack?.replaceAll("\n", " ")}`);
      app.onClose = (_app, _code, _reason, { error }) => lines.push(String(error));
      await app.runForever();
      const connecting = peer.createConnection(peer.url, { trace });
      await connecting.then(
        async (ws) => {
          await rejection(
            ws.closed.then(() => ws.recv().then(() => ws.recv())),
            WebSocketError,
          ).then(({ message }) => lines.push(message));
        },
        (error: Error) => lines.push(error.message),
      );
    }
    expect(lines.length).to.be.greaterThan(20);
    for (const line of lines) expect(line).not.to.match(/[\p{Cc}\p{Cf}]/u);
    expect(lines.join("\n")).to.include("\\x1b");
  });

  describe("S24: urls that nothing can be reached by", () => {
    const URLS = [
      ...[
        "ws:example",
        "ws:/example",
        "ws:///example",
        "//host",
        "host",
        "/path",
        "",
        " ",
        "javascript:alert(1)",
      ],
      ...[
        "file:///etc/passwd",
        "ftp://host/",
        "data:,x",
        "wss+http://host/",
        "ws://",
        "ws://?",
        "ws://host:0/",
      ],
      ...[
        "ws://host:65536/",
        "ws://host:-1/",
        "ws://host:1a/",
        "ws://[::1",
        "ws://[::1%25eth0]/",
        "ws://[fe80::1%eth0]/",
      ],
      ...["ws://host/#fragment", "ws://host/#", "ws://a b/", "ws://a<b/", "ws://%00/", "ws://host\\@evil/#"],
    ];
    for (const url of URLS) {
      it(JSON.stringify(url), async () => {
        const error = await rejection(createConnection(url), UsageError);
        expect(error.code).to.equal("ERR_WS_INVALID_URL");
        expect(thrown(() => new WebSocketApp(url), UsageError).code).to.equal("ERR_WS_INVALID_URL");
      });
    }
  });

  it("S17: whatever comes, the loop is given back", async () => {
    const peer = await scripted(use, [
      upgrade(),
      flood(concat(...Array.from({ length: 5000 }, () => hex("89 00"))), 20),
      ...goodbye(),
    ]);
    const ws = await peer.createConnection(peer.url);
    let turns = 0;
    while (ws.state !== "closed") {
      await nextTurn();
      turns++;
    }
    expect(turns).to.be.greaterThan(3);
    await settle();
  });
});

/** A buffer that can be resized; the types of the language's version that is built for do not know of it. */
function resizable(size: number, most: number): ArrayBuffer & { resize(size: number): void } {
  return Reflect.construct(ArrayBuffer, [size, { maxByteLength: most }]);
}

/** A head with more lines. */
function withLines(head: string, ...lines: string[]): string {
  return head.replace(/\r\n$/, [...lines, "", ""].join("\r\n"));
}

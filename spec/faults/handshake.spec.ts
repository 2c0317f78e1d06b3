// Faults 11 to 26: servers that do not answer the upgrade, answer something else, or answer it wrongly.

import { expect } from "chai";
import { CLOSE, TEXT } from "../../lib/codec/opcode.ts";
import { HandshakeError } from "../../lib/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { accepting } from "../support/peer.ts";
import { closeFrame, frame } from "../support/raw-server.ts";
import { STREAMS, type Step, scripted } from "../support/script.ts";
import { virtualClock } from "../support/script-clock.ts";
import { outcome, SHAPES } from "../support/script-outcome.ts";
import { endOf, play, type Scene } from "../support/script-scenes.ts";
import {
  answer,
  drip,
  finish,
  flood,
  goodbye,
  hear,
  hearEnd,
  request,
  say,
  stayOpen,
  upgrade,
} from "../support/script-steps.ts";

const INVALID = "refused HandshakeError ERR_WS_INVALID_RESPONSE";
const STATUS = "refused HandshakeError ERR_WS_UNEXPECTED_STATUS";
const TOO_BIG = "refused LimitError ERR_WS_HEADERS_TOO_BIG";
const LATE = "refused TimeoutError ERR_WS_TIMEOUT handshake";
const GOOD = "1000 clean, told 1000";

/** A 101 in which some lines are others: `Upgrade: h2c` is in the place of the Upgrade, `-Upgrade` leaves it out. */
function changed(...changes: string[]): Step {
  return answer((head) => {
    const lines = accepting(head).trimEnd().split("\r\n");
    for (const change of changes) {
      const name = change.replace(/^-/, "").split(":")[0] ?? "";
      const at = lines.findIndex((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));
      const replacement = change.startsWith("-") ? [] : [change];
      if (at === -1) lines.push(...replacement);
      else lines.splice(at, 1, ...replacement);
    }
    return `${lines.join("\r\n")}\r\n\r\n`;
  });
}

/** The server answers that, whatever it was asked, and the client goes. */
function refused(title: string, text: string, end: string, options: Scene["options"] = {}): Scene {
  return { title, script: [answer(text), hearEnd], end, options };
}

function invalid(title: string, ...changes: string[]): Scene {
  return { title, script: [changed(...changes), hearEnd], end: INVALID };
}

const HEADER = `X: ${"x".repeat(1000)}\r\n`;

describe("faults: the handshake", () => {
  const use = cleanUp();

  play(use, [
    {
      title: "11: no answer",
      script: [request, hearEnd],
      end: LATE,
      options: { timeout: 300 },
      streams: ["TCP", "memory"],
    },
    {
      title: "12: an answer byte by byte: the deadline is one over all of it",
      script: [request, drip("HTTP/1.1 101 ".padEnd(5000, "x"))],
      end: LATE,
      options: { timeout: 300 },
      streams: ["TCP", "memory"],
    },
    { title: "13: an end before any answer", script: [request, finish], end: INVALID },
    { title: "13: an end within the first line", script: [answer("HTTP/1.1 10"), finish], end: INVALID },
    {
      title: "13: an end within the headers",
      script: [answer("HTTP/1.1 101 S\r\nUpgr"), finish],
      end: INVALID,
    },
    {
      title: "13: an end before the empty line",
      script: [answer("HTTP/1.1 101 S\r\nA: b\r\n"), finish],
      end: INVALID,
    },

    refused("14: noise", "\x00\x01\x02\xff", INVALID),
    refused("14: the first byte that is wrong is enough", "HTTQ", INVALID),
    refused("14: the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", INVALID),
    refused("14: a banner of SSH", "SSH-2.0-OpenSSH_9.2\r\n", INVALID),
    refused("14: HTTP/2 as a version", "HTTP/2 101 S\r\n\r\n", INVALID),
    refused("14: a status that is none", "HTTP/1.1 1e2 S\r\n\r\n", INVALID),

    refused("15: a header line over the limit", `HTTP/1.1 101 S\r\nA: ${"x".repeat(100)}`, TOO_BIG, {
      maxHeaderSize: 64,
    }),
    refused("15: a status line without an end", `HTTP/1.1 101 ${"x".repeat(100)}`, TOO_BIG, {
      maxHeaderSize: 64,
    }),
    refused("15: too many header lines", `HTTP/1.1 101 S\r\n${"a:\r\n".repeat(300)}`, TOO_BIG),
    {
      title: "15: a header without end",
      script: [answer("HTTP/1.1 101 S\r\nA: "), flood(Buffer.alloc(1024, "x"), 1000)],
      end: TOO_BIG,
    },
    {
      title: "15: headers without end",
      script: [answer("HTTP/1.1 101 S\r\n"), flood(Buffer.from(HEADER), 1000)],
      end: TOO_BIG,
    },

    refused("16: 200 and a body of known length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    refused(
      "16: 404 and chunks",
      "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
      STATUS,
    ),
    {
      title: "16: 500 and a body up to the end",
      script: [answer("HTTP/1.1 500 No\r\n\r\nno"), finish],
      end: STATUS,
    },
    refused("17: 401", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", STATUS),
    refused("17: 403", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", STATUS),
    refused("18: 429", "HTTP/1.1 429 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", STATUS),
    refused("18: 503", "HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", STATUS),
    refused(
      "19: a redirect, which is not followed",
      "HTTP/1.1 302 No\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
      STATUS,
    ),

    invalid("21: a 101 without Sec-WebSocket-Accept", "-Sec-WebSocket-Accept"),
    invalid("21: one for another key", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    invalid("21: a 101 without Upgrade", "-Upgrade"),
    invalid("21: a 101 with another Upgrade", "Upgrade: h2c"),
    invalid("21: a 101 without Connection", "-Connection"),
    invalid("21: a 101 with another Connection", "Connection: close"),
    {
      title: "21: and none of the frames behind such a 101 is delivered",
      script: [changed("-Sec-WebSocket-Accept"), say(frame(TEXT, "smuggled")), hearEnd],
      end: INVALID,
    },
    invalid("22: a subprotocol that nobody asked for", "Sec-WebSocket-Protocol: chat"),
    { ...invalid("22: none of those that were"), options: { protocols: ["chat"] } },
    {
      ...invalid("22: another than those that were", "Sec-WebSocket-Protocol: Chat"),
      options: { protocols: ["chat"] },
    },
    invalid("23: an extension that nobody asked for", "Sec-WebSocket-Extensions: permessage-deflate"),
    invalid("23: an extension that nobody knows", "Sec-WebSocket-Extensions: x-none"),
    invalid("23: an extension that makes no sense", "Sec-WebSocket-Extensions: ;=,"),

    {
      title: "22: none, where one is not required",
      script: [upgrade(), ...goodbye()],
      options: { protocols: ["chat"], requireProtocol: false },
      end: GOOD,
    },
    {
      title: "24: 100 and 103 before the 101",
      script: [
        answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"),
        upgrade(),
        ...goodbye(),
      ],
      end: GOOD,
    },
    {
      title: "25: frames in the segment of the 101",
      script: [upgrade(frame(TEXT, "one"), frame(TEXT, "two")), ...goodbye()],
      messages: ["one", "two"],
      end: GOOD,
    },
    {
      title: "25: the beginning of a frame in it",
      script: [upgrade(frame(TEXT, "one").subarray(0, 3)), say(frame(TEXT, "one").subarray(3)), ...goodbye()],
      messages: ["one"],
      end: GOOD,
    },
    {
      title: "26: a Close frame in the segment of the 101",
      script: [upgrade(closeFrame(1001, "bye")), hear(CLOSE), finish],
      end: "1001 bye clean, told 1001",
    },
    {
      title: "26: a Close frame and the end of TCP in it",
      script: [upgrade(frame(TEXT, "last"), closeFrame(1001)), finish],
      messages: ["last"],
      end: "1001 clean, told 1001",
    },
  ]);

  describe("in virtual time", () => {
    const refusals: [number: number, status: number, more: string, waits: number[]][] = [
      [17, 401, "", []],
      [17, 403, "", []],
      [16, 404, "", []],
      [19, 302, "Location: /b\r\n", []],
      [18, 429, "", [2_000, 4_000]],
      [18, 503, "", [2_000, 4_000]],
      [18, 429, "Retry-After: 7\r\n", [9_000, 11_000]],
      [18, 503, "Retry-After: 100000\r\n", [3_602_000, 3_604_000]],
    ];
    for (const [number, status, more, waits] of refusals) {
      const what = waits.length === 0 ? "does not try again" : `waits ${waits} ms`;
      it(`${number}: ${status} ${more.trim()}: an app that reconnects ${what}`, async () => {
        const clock = virtualClock(use);
        const text = `HTTP/1.1 ${status} No\r\n${more}Content-Length: 0\r\n\r\n`;
        const peer = await scripted(use, [answer(text), hearEnd], "memory");
        const app = new peer.WebSocketApp(peer.url, { reconnect: { jitter: 0, maxAttempts: 2 } });
        const delays: number[] = [];
        app.onClose = (_app, _code, _reason, { retry }) => retry && void delays.push(retry.delay);
        const ending = app.runForever();
        for (const wait of [0, ...waits]) await clock.advance(wait);
        const { code, error } = await ending;
        expect([code, (error as HandshakeError).status]).to.deep.equal([1006, status]);
        expect(delays).to.deep.equal(waits);
        expect(peer.count).to.equal(1 + waits.length);
      });
    }

    for (const shape of SHAPES) {
      it(`11: the deadline is ten seconds, unless it is another (${shape})`, async () => {
        const clock = virtualClock(use);
        const peer = await scripted(use, [request, hearEnd], "memory");
        const ending = outcome(shape, peer).then(endOf);
        await clock.advance(9_999);
        expect(clock.due).to.deep.equal([10_000]);
        await clock.advance(1);
        expect(await ending).to.equal(LATE);
        expect(clock.due).to.deep.equal([]);
      });

      it(`12: a byte every five seconds does not extend it (${shape})`, async () => {
        const clock = virtualClock(use);
        const peer = await scripted(use, [request], "memory");
        const ending = outcome(shape, peer).then(endOf);
        await clock.advance(0);
        const line = await peer.lines.next();
        void line.send(Buffer.from("H"));
        await clock.advance(5_000);
        void line.send(Buffer.from("T"));
        await clock.advance(5_000);
        expect(await ending).to.equal(LATE);
      });
    }
  });

  for (const stream of STREAMS) {
    const bodies: [title: string, ...steps: Step[]][] = [
      ["of known length", answer("HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone and more"), hearEnd],
      [
        "in chunks",
        answer(
          "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\ngo\r\n2\r\nne\r\n0\r\n\r\nmore",
        ),
        hearEnd,
      ],
      ["up to the end", answer("HTTP/1.1 404 No\r\n\r\n"), say("go"), say("ne"), finish],
      ["that ends too early", answer("HTTP/1.1 404 No\r\nContent-Length: 400\r\n\r\ngone"), finish],
    ];
    for (const [title, ...script] of bodies) {
      it(`16: a body ${title} is in the error (${stream})`, async () => {
        const peer = await scripted(use, script, stream);
        const error = await rejection(peer.createConnection(peer.url), HandshakeError);
        expect(error).to.include({ status: 404, body: "gone" });
      });
    }

    it(`16 to 19: the error has status, headers and body (${stream})`, async () => {
      const text =
        "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nLocation: /b\r\nContent-Length: 5\r\n\r\nlater and more";
      const peer = await scripted(use, [answer(text), hearEnd], stream);
      const error = await rejection(peer.createConnection(peer.url), HandshakeError);
      expect(error).to.include({ status: 503, statusText: "Busy", body: "later" });
      expect([error.headers.get("retry-after"), error.headers.get("location")]).to.deep.equal(["7", "/b"]);
    });

    it(`25: a 101 and what follows it, cut at every byte (${stream})`, async () => {
      let at = 0;
      let whole = 1;
      const cut: Step = async (line) => {
        const bytes = Buffer.concat([
          Buffer.from(accepting(String(line.heard)), "latin1"),
          frame(TEXT, "hi"),
          closeFrame(),
        ]);
        whole = bytes.length;
        await line.send(bytes.subarray(0, at));
        await new Promise((resolve) => setImmediate(resolve));
        await line.send(bytes.subarray(at));
      };
      const peer = await scripted(use, [request, cut, stayOpen, finish], stream);
      // Over TCP and TLS some of the places will do: the talk itself is cut at all of them in its own spec.
      for (at = 1; at < whole; at += stream === "memory" ? 1 : 7) {
        const ws = await peer.createConnection(peer.url);
        expect(await ws.recv(), `cut at ${at}`).to.equal("hi");
        expect((await ws.closed).wasClean, `cut at ${at}`).to.equal(true);
      }
    });
  }

  it("14: the first bytes are shown, and cannot act on a terminal", async () => {
    const peer = await scripted(use, [answer("\x1b[2J\x9b31m\r\n"), hearEnd]);
    const error = await rejection(peer.createConnection(peer.url), HandshakeError);
    expect(error.message)
      .to.include("\\x1b[2J\\x9b31m")
      .and.not.to.match(/\p{Cc}/u);
  });
});

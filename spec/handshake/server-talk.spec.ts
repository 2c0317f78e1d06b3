// The server's handshake as a conversation: what it answers to which request, however the request is cut.

import { expect } from "chai";
import { Conversation } from "../../lib/handshake/conversation.ts";
import { RefusalError } from "../../lib/handshake/refusal.ts";
import { type Accepted, type UpgradeServerOptions, upgradeServer } from "../../lib/handshake/server-talk.ts";
import { type Acceptance, agreedProtocol, type OpeningRequest } from "../../lib/handshake/upgrade-server.ts";
import { thrown } from "../support/failure.ts";
import { splits } from "../support/splits.ts";
import { fromLatin1, latin1 } from "../support/talks.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const FIELDS = [
  "Host: example.com",
  "Upgrade: websocket",
  "Connection: keep-alive, Upgrade",
  `Sec-WebSocket-Key: ${KEY}`,
  "Sec-WebSocket-Version: 13",
];

function request(first = "GET /chat?room=1 HTTP/1.1", fields: readonly string[] = FIELDS): string {
  return `${[first, ...fields].join("\r\n")}\r\n\r\n`;
}

interface Outcome {
  readonly result: Accepted | RefusalError;
  readonly sent: string;
  readonly rest: string;
}

/** What comes of a request that is sent in these chunks, and then no more. */
function answerTo(
  chunks: readonly Uint8Array[],
  options: UpgradeServerOptions,
  answer?: (request: OpeningRequest) => Acceptance,
): Outcome {
  const talk = new Conversation(upgradeServer(answer, options));
  const sent = [...talk.start(), ...chunks.flatMap((chunk) => talk.push(chunk)), ...talk.end()];
  return { result: talk.result, sent: sent.map(fromLatin1).join(""), rest: fromLatin1(talk.rest) };
}

function answerToAll(
  text: string,
  check: (outcome: Outcome) => void,
  options: UpgradeServerOptions = {},
  answer?: (request: OpeningRequest) => Acceptance,
): void {
  for (const { chunks } of splits(latin1(text))) check(answerTo(chunks, options, answer));
}

describe("upgradeServer", () => {
  it("accepts, tells what was asked for, and leaves what comes behind", () => {
    answerToAll(`${request()}\x81\x80abcd`, ({ result, sent, rest }) => {
      if (result instanceof RefusalError) throw result;
      expect(result.request).to.include({ url: "ws://example.com/chat?room=1", path: "/chat", key: KEY });
      expect(result.head).to.include({ method: "GET", target: "/chat?room=1", httpVersion: "1.1" });
      expect(result.head.rawHeaders[2]).to.deep.equal(["Connection", "keep-alive, Upgrade"]);
      expect(sent).to.equal(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
      );
      expect(rest).to.equal("\x81\x80abcd");
    });
  });

  it("answers what it is told to", () => {
    const fields = [...FIELDS, "Sec-WebSocket-Protocol: a, b"];
    const answer = ({ protocols }: OpeningRequest) => ({
      protocol: agreedProtocol(protocols, ["b"]),
      extensions: "",
      headers: [["X-Room", "1"]] as const,
    });
    const { result, sent } = answerTo([latin1(request(undefined, fields))], { secure: true }, answer);
    if (result instanceof RefusalError) throw result;
    expect(sent).to.include("\r\nSec-WebSocket-Protocol: b\r\nX-Room: 1\r\n\r\n");
    expect([result.acceptance.protocol, result.request.url]).to.deep.equal([
      "b",
      "wss://example.com/chat?room=1",
    ]);
  });

  it("refuses where it is told to, and throws what is no refusal", () => {
    const refuse = () => {
      throw new RefusalError(401, { body: "who are you?" });
    };
    answerToAll(
      request(),
      ({ result, sent }) => {
        expect(result).to.be.instanceOf(RefusalError).and.include({ status: 401 });
        expect(sent).to.match(
          /^HTTP\/1\.1 401 Unauthorized\r\nConnection: close\r\n.*\r\n\r\nwho are you\?$/s,
        );
      },
      {},
      refuse,
    );
    const crash = () => {
      throw new TypeError("a bug");
    };
    expect(thrown(() => answerTo([latin1(request())], {}, crash), TypeError).message).to.equal("a bug");
  });

  const refused: [title: string, text: string, status: number][] = [
    ["another method", request("POST / HTTP/1.1"), 405],
    ["HTTP/1.0", request("GET / HTTP/1.0"), 426],
    ["HTTP/2", request("GET / HTTP/2.0"), 400],
    ["a request line without a target", request("GET HTTP/1.1"), 400],
    ["a request line with more", request("GET / x HTTP/1.1"), 400],
    ["a control character in the target", request("GET /\x01 HTTP/1.1"), 400],
    ["a method that is no token", request("G{T / HTTP/1.1"), 400],
    ["TLS", "\x16\x03\x01\x00\xff\r\n\r\n", 400],
    ["LF alone", request().replaceAll("\r\n", "\n"), 400],
    ["a folded field", request(undefined, [...FIELDS, "X: a", " b"]), 400],
    ["a field without a colon", request(undefined, [...FIELDS, "nonsense"]), 400],
    ["a field without a name", request(undefined, [...FIELDS, ": x"]), 400],
    ["a blank before the colon", request(undefined, [...FIELDS, "X : a"]), 400],
    ["a control character in a value", request(undefined, [...FIELDS, "X: a\0b"]), 400],
    ["CR in a value", request(undefined, [...FIELDS, "X: a\rb"]), 400],
    ["no upgrade", request(undefined, ["Host: example.com"]), 426],
    ["the end before the end of the head", request().slice(0, -2), 400],
    ["the end in a line", "GET / HT", 400],
    ["nothing at all", "", 400],
  ];
  for (const [title, text, status] of refused) {
    it(`refuses ${title} with ${status}`, () => {
      answerToAll(text, ({ result, sent }) => {
        expect(result).to.be.instanceOf(RefusalError).and.include({ status });
        expect(sent).to.match(new RegExp(`^HTTP/1\\.1 ${status} .*\r\n\r\n`, "s"));
      });
    });
  }

  it("takes a head up to maxHeaderSize, and no byte more", () => {
    const text = request();
    answerToAll(text, ({ result }) => expect(result).to.not.be.instanceOf(RefusalError), {
      maxHeaderSize: text.length,
    });
    for (const maxHeaderSize of [1, 20, text.length - 1]) {
      answerToAll(text, ({ result }) => expect(result).to.include({ status: 431 }), { maxHeaderSize });
    }
  });
});

// The client's handshake, byte for byte: the request of the tutorial's transcript, the answers of the servers that people
// meet with all their quirks, and the answers that must be refused.

import { expect } from "chai";
import { HandshakeError, UsageError } from "../../lib/errors.ts";
import { Conversation } from "../../lib/handshake/conversation.ts";
import type { DeflateRequest } from "../../lib/handshake/deflate-offer.ts";
import { DEFAULT_MAX_HEADER_SIZE } from "../../lib/handshake/http.ts";
import type { Talk } from "../../lib/handshake/talk.ts";
import {
  type Agreement,
  type Answer,
  acceptKey,
  checkUpgrade,
  formatUpgrade,
  RESERVED_HEADERS,
  type UpgradeRequest,
  upgradeClient,
  upgradeHeaders,
} from "../../lib/handshake/upgrade-client.ts";
import type { Tolerance, ToleranceOptions } from "../../lib/protocol/tolerance.ts";
import { thrown } from "../support/failure.ts";
import { fromLatin1, hear, hearAll, latin1, refusal } from "../support/talks.ts";

const KEY = "q0+vBfXgMvGGywjDaHZWiw==";
const ACCEPT = "/YqMq5iNGOMjtELPGCZsnozMSlw=";

const REQUEST: UpgradeRequest = {
  target: "/",
  host: "localhost:4040",
  origin: "http://localhost:4040",
  key: KEY,
  protocols: [],
  headers: [],
};

/** A 101 that is as it should be. */
const STATUS = "HTTP/1.1 101 Switching Protocols";
const FIELDS = ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${ACCEPT}`];
const GOOD = [STATUS, ...FIELDS];

interface Offer {
  readonly protocols?: string[];
  readonly requireProtocol?: boolean;
  readonly tolerances?: ToleranceOptions;
  readonly deflate?: DeflateRequest;
}

/** The handshake as it is done: the request, the answer, and the check of it. */
function* handshake({
  protocols = [],
  requireProtocol = true,
  tolerances,
  deflate,
}: Offer = {}): Talk<Agreement> {
  const request = { ...REQUEST, protocols, deflate };
  const answer = yield* upgradeClient(formatUpgrade(request), DEFAULT_MAX_HEADER_SIZE);
  return checkUpgrade(answer, request, requireProtocol, tolerances);
}

function* answered(): Talk<Answer> {
  return yield* upgradeClient(formatUpgrade(REQUEST), DEFAULT_MAX_HEADER_SIZE);
}

function lines(...all: string[]): string {
  return `${all.join("\r\n")}\r\n\r\n`;
}

function isNamed(line: string, name: string): boolean {
  return line.toLowerCase().startsWith(`${name.toLowerCase()}:`);
}

/** GOOD with other fields in the place of those of their names. */
function goodBut(...others: string[]): string[] {
  const names = others.map((line) => line.slice(0, line.indexOf(":")));
  return [STATUS, ...FIELDS.filter((line) => !names.some((name) => isNamed(line, name))), ...others];
}

function goodWithout(name: string): string[] {
  return GOOD.filter((line) => !isNamed(line, name));
}

describe("acceptKey", () => {
  const vectors: [source: string, key: string, accept: string][] = [
    ["RFC 6455 §1.3", "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ["the tutorial", KEY, ACCEPT],
  ];
  for (const [source, key, accept] of vectors) {
    it(source, () => {
      expect(acceptKey(key)).to.equal(accept);
    });
  }
});

describe("formatUpgrade", () => {
  it("is the request of the tutorial's transcript, line for line", () => {
    const transcript = [
      "GET / HTTP/1.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Host: localhost:4040",
      "Origin: http://localhost:4040",
      "Sec-WebSocket-Key: q0+vBfXgMvGGywjDaHZWiw==",
      "Sec-WebSocket-Version: 13",
    ];
    expect(fromLatin1(formatUpgrade(REQUEST))).to.equal(lines(...transcript));
  });

  const rows: [title: string, request: Partial<UpgradeRequest>, expected: string[]][] = [
    ["no origin", { origin: undefined }, ["GET / HTTP/1.1", "Host: localhost:4040"]],
    ["path and query as they are", { target: "/a%20b/;p=1/?q=%2F&r" }, ["GET /a%20b/;p=1/?q=%2F&r HTTP/1.1"]],
    ["one subprotocol", { protocols: ["chat"] }, ["Sec-WebSocket-Protocol: chat"]],
    [
      "subprotocols in their order",
      { protocols: ["wamp.2.json", "chat"] },
      ["Sec-WebSocket-Protocol: wamp.2.json, chat"],
    ],
    [
      "further headers, as they are, at the end",
      {
        headers: [
          ["X-b", "1"],
          ["X-A", "Zoë"],
          ["X-b", "2"],
        ],
      },
      ["Sec-WebSocket-Version: 13", "X-b: 1", "X-A: Zo\xeb", "X-b: 2"],
    ],
  ];
  for (const [title, request, expected] of rows) {
    it(title, () => {
      const sent = fromLatin1(formatUpgrade({ ...REQUEST, ...request })).split("\r\n");
      expect(sent.filter((line) => expected.includes(line))).to.deep.equal(expected);
    });
  }

  it("says nothing of what was not asked for", () => {
    const sent = fromLatin1(formatUpgrade({ ...REQUEST, origin: undefined }));
    expect(sent).to.not.match(/Origin|Protocol:|Extensions|Cookie|User-Agent/i);
  });

  it("refuses what would add a line, wherever it stands", () => {
    const smuggled: Partial<UpgradeRequest>[] = [
      { target: "/ HTTP/1.1\r\nX: y" },
      { host: "h\r\nX: y" },
      { origin: "http://h\r\nX: y" },
      { protocols: ["chat\r\nX: y"] },
      { protocols: ["chat", "\u010a"] },
      { headers: [["A\r\nX", "y"]] },
      { headers: [["A", "b\r\nX: y"]] },
      { headers: [["A", "\u010d\u010a"]] },
    ];
    for (const request of smuggled) {
      expect(() => formatUpgrade({ ...REQUEST, ...request }), JSON.stringify(request)).to.throw(UsageError);
    }
  });
});

describe("upgradeHeaders, RESERVED_HEADERS", () => {
  it("what the handshake sends is reserved, but for Origin, which a caller sets by an option or not at all", () => {
    const sent = upgradeHeaders({ ...REQUEST, protocols: ["chat"] }).map(([name]) => name.toLowerCase());
    expect(sent.filter((name) => !RESERVED_HEADERS.includes(name))).to.deep.equal(["origin"]);
  });

  it("what would turn the request into another is reserved, too", () => {
    expect(RESERVED_HEADERS).to.include.members([
      "sec-websocket-accept",
      "sec-websocket-extensions",
      "content-length",
      "transfer-encoding",
    ]);
  });
});

describe("upgradeClient", () => {
  it("sends the request, whole and first", () => {
    const conversation = new Conversation(answered());
    expect(conversation.start()).to.deep.equal([formatUpgrade(REQUEST)]);
    expect(conversation.push(latin1(lines(...GOOD)))).to.deep.equal([]);
    expect(conversation.done).to.equal(true);
  });

  it("is done with the last byte of the head, and leaves all that follows, at every cut", () => {
    const frames = "\x81\x02Hi\x89\x00\x88\x02\x03\xe8";
    expect(hearAll(handshake, lines(...GOOD) + frames)).to.deep.equal({
      result: { protocol: "", extensions: "" },
      rest: frames,
    });
  });

  it("takes what follows a 101 for frames, whatever its headers say of a body", () => {
    const bodies = [
      "Content-Length: 2",
      "Transfer-Encoding: chunked",
      "Content-Length: 99999999999",
      "Content-Type: text/plain",
    ];
    for (const line of bodies) {
      const { result, rest } = hearAll(answered, `${lines(...GOOD, line)}\x81\x00`);
      expect(result.body, line).to.equal("");
      expect(rest, line).to.equal("\x81\x00");
    }
  });

  it("leaves a body that nobody has a use for", () => {
    const said = `${lines("HTTP/1.1 302 Found", "Content-Length: 4")}body`;
    const talk = (useless: number) => () =>
      upgradeClient(formatUpgrade(REQUEST), 1000, (status) => status !== useless);
    expect(hearAll(talk(302), said))
      .to.deep.include({ rest: "body" })
      .and.to.have.nested.property("result.body", "");
    expect(hearAll(talk(303), said))
      .to.deep.include({ rest: "" })
      .and.to.have.nested.property("result.body", "body");
  });

  describe("passes over informational answers", () => {
    const CONTINUE = lines("HTTP/1.1 100 Continue");
    const rows: [title: string, before: string][] = [
      ["100", CONTINUE],
      [
        "103 with headers of its own",
        lines("HTTP/1.1 103 Early Hints", "Link: </a>; rel=preload", "Upgrade: h2c"),
      ],
      ["both", CONTINUE + lines("HTTP/1.1 103 Early Hints")],
      ["sixteen", CONTINUE.repeat(16)],
    ];
    for (const [title, before] of rows) {
      it(title, () => {
        const { result } = hearAll(answered, before + lines(...GOOD));
        expect(result.rawHeaders.map(([name]) => name)).to.deep.equal([
          "Upgrade",
          "Connection",
          "Sec-WebSocket-Accept",
        ]);
      });
    }

    it("but not over seventeen", () => {
      const error = refusal(answered, CONTINUE.repeat(17));
      expect(error).to.be.instanceOf(HandshakeError).and.include({ code: "ERR_WS_INVALID_RESPONSE" });
      expect(error.message).to.equal("the server sent more than 16 informational answers");
    });

    it("before a refusal, too", () => {
      const said = `${CONTINUE}${lines("HTTP/1.1 403 Forbidden", "Content-Length: 2")}no`;
      expect(hearAll(answered, said).result).to.include({ status: 403, body: "no" });
    });
  });

  describe("hands out a refusal with its body", () => {
    const rows: [title: string, said: string, status: number, body: string][] = [
      ["a length", `${lines("HTTP/1.1 401 Unauthorized", "Content-Length: 5")}login`, 401, "login"],
      [
        "chunks",
        `${lines("HTTP/1.1 400 Bad Request", "Transfer-Encoding: chunked")}3\r\nbad\r\n0\r\n\r\n`,
        400,
        "bad",
      ],
      ["until the peer closes", `${lines("HTTP/1.1 200 OK")}<html>`, 200, "<html>"],
      ["none and no length, as Daphne's", lines("HTTP/1.1 403 Access denied"), 403, ""],
      ["an old version", `${lines("HTTP/1.0 404 Not Found")}gone`, 404, "gone"],
      ["a redirect", lines("HTTP/1.1 302 Found", "Location: /b", "Content-Length: 0"), 302, ""],
      [
        "a wish for another version",
        lines("HTTP/1.1 426 Upgrade Required", "Sec-WebSocket-Version: 8", "Content-Length: 0"),
        426,
        "",
      ],
      ["200 in the clothes of a 101", lines("HTTP/1.1 200 OK", ...FIELDS), 200, ""],
    ];
    for (const [title, said, status, body] of rows) {
      it(title, () => {
        expect(hearAll(answered, said).result).to.include({ status, body });
      });
    }
  });

  it("fails when the server closes instead of answering, as libwebsockets does for an unknown subprotocol", () => {
    const error = thrown(() => hear(answered(), []), HandshakeError);
    expect(error).to.include({
      status: undefined,
      message: "the connection was closed before an answer came",
    });
  });
});

describe("checkUpgrade", () => {
  describe("agrees with the servers that people meet", () => {
    const rows: [server: string, said: string[]][] = [
      ["websockets", [...GOOD, "Date: Sun, 15 Sep 2019 23:34:04 GMT", "Server: Python/3.7 websockets/8.0.2"]],
      ["Autobahn, Daphne, libwebsockets: Upgrade: WebSocket", goodBut("Upgrade: WebSocket")],
      ["Tornado: Sec-Websocket-Accept", goodBut(`Sec-Websocket-Accept: ${ACCEPT}`)],
      [
        "aiohttp: Connection: upgrade, and Content-Type",
        goodBut("Connection: upgrade", "Content-Type: application/octet-stream"),
      ],
      ["wsproto: no reason phrase", ["HTTP/1.1 101 ", ...FIELDS]],
      ["no reason phrase, and no blank before it", ["HTTP/1.1 101", ...FIELDS]],
      [
        "ws4py on gevent: Content-Length: 0 and a version",
        [...GOOD, "Content-Length: 0", "Sec-WebSocket-Version: 13"],
      ],
      [
        "ws4py on CherryPy: Sec-Websocket-Accept and Content-Type",
        goodBut(`Sec-Websocket-Accept: ${ACCEPT}`, "Content-Type: text/plain;charset=utf-8"),
      ],
      [
        "ws4py on asyncio: no blank after the colon",
        [
          STATUS,
          "Upgrade:websocket",
          "Connection:Upgrade",
          `Sec-WebSocket-Accept:${ACCEPT}`,
          "Content-Length:0",
        ],
      ],
      [
        "Hypercorn: lower case",
        [STATUS, "upgrade: websocket", "connection: upgrade", `sec-websocket-accept: ${ACCEPT}`],
      ],
      ["keep-alive, Upgrade", goodBut("Connection: keep-alive, Upgrade")],
      ["Connection in two lines", goodBut("Connection: keep-alive", "Connection: upgrade")],
      ["blanks after the accept", goodBut(`Sec-WebSocket-Accept: ${ACCEPT} \t`)],
      ["an odd reason phrase", ["HTTP/1.1 101 Web Socket Protocol Handshake", ...FIELDS]],
      ["cookies, twice", [...GOOD, "Set-Cookie: a=1", "Set-Cookie: b=2"]],
      ["an empty list of extensions", [...GOOD, "Sec-WebSocket-Extensions: "]],
      ["names that objects have", [...GOOD, "__proto__: x", "constructor: x", "hasOwnProperty: x"]],
    ];
    for (const [server, said] of rows) {
      it(server, () => {
        expect(hearAll(handshake, lines(...said))).to.deep.equal({
          result: { protocol: "", extensions: "" },
          rest: "",
        });
      });
    }
  });

  describe("refuses a 101", () => {
    const noKey = /has a Sec-WebSocket-Accept that does not fit the request's key/;
    const rows: [title: string, said: string[], message: RegExp][] = [
      ["of HTTP/1.0", ["HTTP/1.0 101 Switching Protocols", ...FIELDS], /is HTTP\/1\.0$/],
      ["without Upgrade", goodWithout("Upgrade"), /does not say Upgrade: websocket$/],
      ["without Connection", goodWithout("Connection"), /does not say Connection: Upgrade$/],
      ["without Sec-WebSocket-Accept", goodWithout("Sec-WebSocket-Accept"), /has no Sec-WebSocket-Accept$/],
      ["without any header", [STATUS], /does not say Upgrade: websocket$/],
      ["with an empty Upgrade", goodBut("Upgrade: "), /does not say Upgrade/],
      ["with another Upgrade", goodBut("Upgrade: h2c"), /does not say Upgrade/],
      ["with an Upgrade to more than websocket", goodBut("Upgrade: websocket, h2c"), /does not say Upgrade/],
      ["with a version of websocket", goodBut("Upgrade: websocket/13"), /does not say Upgrade/],
      ["with two Upgrades", [...GOOD, "Upgrade: websocket"], /does not say Upgrade/],
      ["with another Connection", goodBut("Connection: keep-alive"), /does not say Connection/],
      [
        "with a Connection that contains the word only",
        goodBut("Connection: no-upgrade, upgrades"),
        /does not say Connection/,
      ],
      ["with an empty Connection", goodBut("Connection: "), /does not say Connection/],
      ["with an empty accept", goodBut("Sec-WebSocket-Accept: "), noKey],
      ["with another accept", goodBut("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), noKey],
      ["with the key as the accept", goodBut(`Sec-WebSocket-Accept: ${KEY}`), noKey],
      ["with the accept in another case", goodBut(`Sec-WebSocket-Accept: ${ACCEPT.toLowerCase()}`), noKey],
      ["with the accept in quotes", goodBut(`Sec-WebSocket-Accept: "${ACCEPT}"`), noKey],
      ["with the accept without padding", goodBut(`Sec-WebSocket-Accept: ${ACCEPT.slice(0, -1)}`), noKey],
      ["with more than the accept", goodBut(`Sec-WebSocket-Accept: ${ACCEPT}, ${ACCEPT}`), noKey],
      ["with two accepts, even if they are alike", [...GOOD, `Sec-WebSocket-Accept: ${ACCEPT}`], noKey],
      ["with two accepts of which one fits", [...GOOD, "sec-websocket-accept: x"], noKey],
      [
        "with an extension",
        [...GOOD, "Sec-WebSocket-Extensions: permessage-deflate"],
        /names an extension that was not offered$/,
      ],
      [
        "with a parameter of one",
        [...GOOD, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15"],
        /extension/,
      ],
      [
        "with extensions in two lines",
        [...GOOD, "Sec-WebSocket-Extensions: ", "Sec-WebSocket-Extensions: x"],
        /extension/,
      ],
      [
        "with an extension named like what objects have",
        [...GOOD, "Sec-WebSocket-Extensions: __proto__; a=1"],
        /extension/,
      ],
      ["with a malformed extension", [...GOOD, "Sec-WebSocket-Extensions: ;"], /extension/],
      [
        "with a subprotocol when none was offered",
        [...GOOD, "Sec-WebSocket-Protocol: chat"],
        /chooses subprotocol chat, which was not offered$/,
      ],
    ];
    for (const [title, said, message] of rows) {
      it(title, () => {
        const error = refusal(handshake, lines(...said));
        expect(error)
          .to.be.instanceOf(HandshakeError)
          .and.include({ code: "ERR_WS_INVALID_RESPONSE", status: 101 });
        expect(error.message)
          .to.match(/^the server's 101 /)
          .and.match(message);
      });
    }

    it("and tells the answer in the error", () => {
      const error = thrown(
        () => hear(handshake(), [latin1(lines(...goodWithout("Sec-WebSocket-Accept")))]),
        HandshakeError,
      );
      expect(error).to.include({ status: 101, statusText: "Switching Protocols", body: "" });
      expect(error.rawHeaders).to.deep.equal([
        ["Upgrade", "websocket"],
        ["Connection", "Upgrade"],
      ]);
      expect(error.headers.get("upgrade")).to.equal("websocket");
    });
  });

  describe("subprotocols", () => {
    const offer = ["echo", "chat"];
    const agreed: [title: string, offer: Offer, chosen: string[], protocol: string][] = [
      ["the first", { protocols: offer }, ["echo"], "echo"],
      ["the second", { protocols: offer }, ["chat"], "chat"],
      ["none, where none was offered", {}, [], ""],
      ["none, where none is required", { protocols: offer, requireProtocol: false }, [], ""],
      ["one, where none is required", { protocols: offer, requireProtocol: false }, ["chat"], "chat"],
      ["as it was offered, in capitals", { protocols: ["Chat", "chat"] }, ["Chat"], "Chat"],
    ];
    for (const [title, terms, chosen, protocol] of agreed) {
      it(`agrees to ${title}`, () => {
        const said = lines(...GOOD, ...chosen.map((name) => `Sec-WebSocket-Protocol: ${name}`));
        expect(hearAll(() => handshake(terms), said).result).to.deep.equal({ protocol, extensions: "" });
      });
    }

    const refused: [title: string, chosen: string[], message: RegExp][] = [
      [
        "none",
        [],
        /chooses none of the subprotocols echo, chat: set requireProtocol to false to do without$/,
      ],
      ["two in one line, as ws4py", ["echo, chat"], /names more than one subprotocol$/],
      ["two in two lines", ["echo", "chat"], /names more than one subprotocol$/],
      ["the same one twice", ["echo", "echo"], /names more than one subprotocol$/],
      ["one that was not offered", ["other"], /chooses subprotocol other, which was not offered$/],
      ["one in another case", ["ECHO"], /chooses subprotocol ECHO, which was not offered$/],
      ["one with a parameter", ["echo;v=1"], /subprotocol/],
      [
        "one that could act on a terminal",
        ["a\x9b31m\tb"],
        /chooses subprotocol a\\x9b31m\\x09b, which was not offered$/,
      ],
      ["what looks like a token", ["bearer.s3cret"], /chooses subprotocol \*\*\*, which was not offered$/],
      ["an empty one", [""], /subprotocol/],
    ];
    for (const [title, chosen, message] of refused) {
      for (const requireProtocol of chosen.length === 0 ? [true] : [true, false]) {
        it(`refuses ${title} (requireProtocol: ${requireProtocol})`, () => {
          const said = lines(...GOOD, ...chosen.map((name) => `Sec-WebSocket-Protocol: ${name}`));
          const error = refusal(() => handshake({ protocols: offer, requireProtocol }), said);
          expect(error.message)
            .to.match(/^the server's 101 /)
            .and.match(message);
        });
      }
    }

    const MULTIPLE = "multipleSubprotocols";
    const MISSING = "missingSubprotocol";

    /** What comes of an answer where these are tolerated, and which of them were. */
    const tolerating = (tolerate: Tolerance[], chosen: string[], requireProtocol = true) => {
      const told: string[] = [];
      const observer = { tolerated: (name: Tolerance) => void told.push(name) };
      const said = lines(...GOOD, ...chosen.map((name) => `Sec-WebSocket-Protocol: ${name}`));
      const talk = () => {
        told.length = 0; // it is heard at every cut
        return handshake({ protocols: offer, requireProtocol, tolerances: { tolerate, observer } });
      };
      return { told, talk, said };
    };

    const tolerated: [title: string, tolerate: Tolerance, chosen: string[], protocol: string][] = [
      ["two in one line: the first of them", MULTIPLE, ["chat, echo"], "chat"],
      ["two in one line, whatever is between them", MULTIPLE, ["echo\t,chat"], "echo"],
      ["two in two lines", MULTIPLE, ["chat", "echo"], "chat"],
      ["the same one twice", MULTIPLE, ["echo", "echo"], "echo"],
      ["none", MISSING, [], ""],
    ];
    for (const [title, name, chosen, protocol] of tolerated) {
      it(`tolerates ${title}`, () => {
        const { told, talk, said } = tolerating([name], chosen);
        expect(hearAll(talk, said).result).to.deep.equal({ protocol, extensions: "" });
        expect(told).to.deep.equal([name]);
      });
    }

    const intolerable: [title: string, tolerate: Tolerance[], chosen: string[], message: RegExp][] = [
      ["two, where none is tolerated", [MISSING], ["echo, chat"], /names more than one subprotocol$/],
      ["none, where two are tolerated", [MULTIPLE], [], /chooses none/],
      ["two, of which one was not offered", [MULTIPLE], ["echo, other"], /names more than one/],
      ["two, of which one is in another case", [MULTIPLE], ["echo", "Chat"], /names more than one/],
      ["two, of which one is empty", [MULTIPLE], ["echo,"], /names more than one/],
      ["one that was not offered", [MULTIPLE, MISSING], ["other"], /chooses subprotocol other/],
      ["an empty one, which is not none", [MULTIPLE, MISSING], [""], /chooses subprotocol/],
    ];
    for (const [title, tolerate, chosen, message] of intolerable) {
      it(`does not tolerate ${title}`, () => {
        const { told, talk, said } = tolerating(tolerate, chosen);
        expect(refusal(talk, said).message).to.match(message);
        expect(told).to.deep.equal([]);
      });
    }

    it("tells of no tolerance that was not needed", () => {
      for (const [chosen, requireProtocol] of [
        [["echo"], true],
        [[], false],
      ] as const) {
        const { told, talk, said } = tolerating([MULTIPLE, MISSING], [...chosen], requireProtocol);
        expect(hearAll(talk, said).result.protocol).to.equal(chosen[0] ?? "");
        expect(told).to.deep.equal([]);
      }
    });

    it("an empty one is not told to be several", () => {
      const error = refusal(
        () => handshake({ protocols: offer }),
        lines(...GOOD, "Sec-WebSocket-Protocol: "),
      );
      expect(error.message).to.not.include("more than one");
    });
  });

  describe("compression", () => {
    const deflate: DeflateRequest = {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
    };
    const answer = (...values: string[]) =>
      lines(...GOOD, ...values.map((value) => `Sec-WebSocket-Extensions: ${value}`));

    it("is offered behind the subprotocols, before what the caller adds", () => {
      const headers = upgradeHeaders({ ...REQUEST, protocols: ["chat"], deflate, headers: [["X-Own", "1"]] });
      expect(headers.slice(-3)).to.deep.equal([
        ["Sec-WebSocket-Protocol", "chat"],
        ["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"],
        ["X-Own", "1"],
      ]);
    });

    it("is not offered unasked", () => {
      expect(upgradeHeaders(REQUEST).map(([name]) => name)).not.to.include("Sec-WebSocket-Extensions");
    });

    it("is agreed on", () => {
      const value = "permessage-deflate; client_max_window_bits=10; server_no_context_takeover";
      expect(hearAll(() => handshake({ deflate }), answer(value)).result).to.deep.equal({
        protocol: "",
        extensions: value,
        deflate: { ...deflate, serverNoContextTakeover: true, clientMaxWindowBits: 10 },
      });
    });

    it("is not, where the server says nothing of it", () => {
      for (const said of [answer(), answer("", "")])
        expect(hearAll(() => handshake({ deflate }), said).result).to.deep.equal({
          protocol: "",
          extensions: "",
        });
    });

    const refused: [values: string[], message: string][] = [
      [["permessage-deflate; server_max_window_bits=16"], "with a wrong value of server_max_window_bits"],
      [["permessage-deflate; constructor"], "with parameter constructor, which there is not"],
      [["permessage-deflate", "permessage-deflate"], "names more than one extension"],
      [["x-webkit-deflate-frame"], "names an extension that was not offered"],
      [[";"], "has a malformed list of extensions"],
    ];
    for (const [values, message] of refused) {
      it(`is refused as ${values.join(" and ")}`, () => {
        const error = refusal(() => handshake({ deflate }), answer(...values));
        expect(error).to.be.instanceOf(HandshakeError).and.include({ code: "ERR_WS_INVALID_RESPONSE" });
        expect(error.message)
          .to.match(/^the server's 101 /)
          .and.include(message);
      });
    }
  });
});

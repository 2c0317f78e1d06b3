// Heads and bodies of HTTP/1.1: what is read, what is refused and how soon, however the bytes are cut; and that nothing a
// caller gives can add a line to a request.

import { expect } from "chai";
import { HandshakeError, LimitError, type RawHeaders, UsageError } from "../../lib/errors.ts";
import { Conversation } from "../../lib/handshake/conversation.ts";
import {
  checkField,
  DEFAULT_MAX_HEADER_SIZE,
  formatRequest,
  isToken,
  MAX_BODY,
  type ResponseHead,
  readBody,
  readHead,
  tokensOf,
  valuesOf,
} from "../../lib/handshake/http.ts";
import type { Talk } from "../../lib/handshake/talk.ts";
import { thrown } from "../support/failure.ts";
import { growthOfTime, LINEAR } from "../support/growth.ts";
import { utf8 } from "../support/hex.ts";
import { fromLatin1, hear, hearAll, latin1, refusal } from "../support/talks.ts";

const OK = "HTTP/1.1 200 OK\r\n";

function head(said: string, maxHeaderSize: number = DEFAULT_MAX_HEADER_SIZE): ResponseHead {
  const { result, rest } = hearAll(() => readHead(maxHeaderSize), said);
  expect(rest).to.equal("");
  return result;
}

function refused(said: string, maxHeaderSize: number = DEFAULT_MAX_HEADER_SIZE): Error & { code: string } {
  return refusal(() => readHead(maxHeaderSize), said);
}

describe("readHead", () => {
  describe("reads status lines", () => {
    const rows: [line: string, status: number, statusText: string, minorVersion?: number][] = [
      ["HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"],
      ["HTTP/1.1 101 ", 101, ""],
      ["HTTP/1.1 101", 101, ""],
      ["HTTP/1.0 404 Not Found", 404, "Not Found", 0],
      [
        "HTTP/1.1 400 missing port in HTTP Origin 'null': bad",
        400,
        "missing port in HTTP Origin 'null': bad",
      ],
      ["HTTP/1.1 200  two  blanks ", 200, " two  blanks "],
      ["HTTP/1.1 200 tab\there", 200, "tab\there"],
      ["HTTP/1.1 200 d\xe9j\xe0 vu", 200, "déjà vu"],
      ["HTTP/1.1 999 beyond", 999, "beyond"],
    ];
    for (const [line, status, statusText, minorVersion = 1] of rows) {
      it(JSON.stringify(line), () => {
        expect(head(`${line}\r\n\r\n`)).to.deep.equal({ status, statusText, rawHeaders: [], minorVersion });
      });
    }
  });

  describe("refuses other lines", () => {
    const rows = [
      "HTTP/1.1",
      "HTTP/1.1 ",
      "HTTP/1.1 1",
      "HTTP/1.1 10",
      "HTTP/1.1 1011 four digits",
      "HTTP/1.1 101Switching",
      "HTTP/1.1  101 two blanks",
      "HTTP/1.1\t101 tab",
      "HTTP/1.1 -01 sign",
      "HTTP/1.1 abc letters",
      "HTTP/1. 101 no version",
      "HTTP/1.10 101 two digits",
      "HTTP/1.x 101 letter",
      "HTTP/1.1 101 NUL\x00",
      "HTTP/1.1 101 CR\r within",
      "HTTP/1.1 101 escape \x1b[31m",
      "HTTP/1.1 101 delete \x7f",
    ];
    for (const line of rows) {
      it(JSON.stringify(line), () => {
        const error = refused(`${line}\r\n\r\n`);
        expect(error).to.be.instanceOf(HandshakeError).and.include({ code: "ERR_WS_INVALID_RESPONSE" });
        expect(error.message).to.match(/^the answer's first line is not a status line: "HTTP/);
        expect(error.message).to.match(/^[\x20-\x7e]*$/);
      });
    }
  });

  describe("refuses what is not HTTP/1 at the first byte that shows it", () => {
    const rows: [title: string, said: string, shown: string][] = [
      ["SSH", "S", "S"],
      ["TLS", "\x16", "\\x16"],
      ["HTTP/2's preface", "P", "P"],
      ["frames of HTTP/2", "\x00", "\\x00"],
      ["HTTP/2 in letters", "HTTP/2", "HTTP/2"],
      ["HTTP in small letters", "h", "h"],
      ["HTTP/11", "HTTP/11", "HTTP/11"],
      ["a page", "<", "<"],
      ["an empty line first", "\r", "\\x0d"],
      ["a LF first", "\n", "\\x0a"],
      ["a terminal's escape", "HTTP\x1b", "HTTP\\x1b"],
      ["the second half of Latin-1", "\x9b", "\\x9b"],
    ];
    for (const [title, said, shown] of rows) {
      it(title, () => {
        const conversation = new Conversation(readHead(DEFAULT_MAX_HEADER_SIZE));
        conversation.start();
        const bytes = latin1(said);
        for (const byte of bytes.subarray(0, -1)) conversation.push(Uint8Array.of(byte));
        const error = thrown(() => conversation.push(bytes.slice(-1)), HandshakeError);
        expect(error).to.include({ code: "ERR_WS_INVALID_RESPONSE", status: undefined });
        expect(error.message).to.equal(`the answer is not HTTP/1: it begins "${shown}"`);
      });
    }

    it("also where more than maxHeaderSize comes at once", () => {
      const error = refused("SSH-2.0-OpenSSH_9.2 and more", 8);
      expect(error).to.include({ code: "ERR_WS_INVALID_RESPONSE" });
      expect(error.message).to.include("is not HTTP/1");
    });

    it("and shows no more than the beginning of it, escaped", () => {
      const { message } = refused(`\x1b]0;${"x".repeat(500)}`);
      expect(message).to.include("\\x1b]0;xxx").and.have.length.below(200);
      expect(message).to.match(/^[\x20-\x7e]*$/);
    });

    it("and none of our own secrets, where a peer sends our request back", () => {
      const echo = "GET /chat?token=s3cret HTTP/1.1\r\nCookie: s3cret\r\n\r\n";
      expect(refused(echo).message).to.match(/"GET \/chat\?token=\*\*\* HTTP\/1.1"$/);
      expect(refused(`HTTP/1.1 ${echo}`).message)
        .to.include("/chat?token=***")
        .and.not.include("s3cret");
    });

    it("wherever the banner is cut", () => {
      const banners = [
        "SSH-2.0-OpenSSH_9.2p1\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x15\x03\x01\x00\x02\x02\x16",
        "220 smtp ESMTP\r\n",
      ];
      for (const banner of banners) expect(refused(banner)).to.include({ code: "ERR_WS_INVALID_RESPONSE" });
    });
  });

  describe("reads header lines", () => {
    const rows: [title: string, line: string, name: string, value: string][] = [
      ["a usual one", "Upgrade: websocket", "Upgrade", "websocket"],
      ["no blank after the colon", "Sec-WebSocket-Accept:xyz=", "Sec-WebSocket-Accept", "xyz="],
      ["tabs and blanks around the value", "Upgrade: \t websocket \t ", "Upgrade", "websocket"],
      ["blanks within the value", "Server: a  b\tc", "Server", "a  b\tc"],
      ["any case, as it is", "uPGRADE: WebSocket", "uPGRADE", "WebSocket"],
      ["an empty value", "X-Empty:", "X-Empty", ""],
      ["a value of blanks", "X-Empty: \t ", "X-Empty", ""],
      ["colons in the value", "Date: Sun, 15 Sep 2019 23:34:04 GMT", "Date", "Sun, 15 Sep 2019 23:34:04 GMT"],
      ["Latin-1 in the value", "X-Name: Zo\xeb", "X-Name", "Zoë"],
      ["all that a name may have", "!#$%&'*+-.^_`|~09azAZ: x", "!#$%&'*+-.^_`|~09azAZ", "x"],
      ["names that objects have", "__proto__: x", "__proto__", "x"],
      ["other names that objects have", "constructor: x", "constructor", "x"],
    ];
    for (const [title, line, name, value] of rows) {
      it(title, () => {
        expect(head(`${OK}${line}\r\n\r\n`).rawHeaders).to.deep.equal([[name, value]]);
      });
    }

    it("in their order, and each as often as it comes", () => {
      const { rawHeaders } = head(`${OK}Set-Cookie: a=1\r\nB: 2\r\nset-cookie: c=3\r\n\r\n`);
      expect(rawHeaders).to.deep.equal([
        ["Set-Cookie", "a=1"],
        ["B", "2"],
        ["set-cookie", "c=3"],
      ]);
    });

    it("and no more than the head", () => {
      const { result, rest } = hearAll(
        () => readHead(DEFAULT_MAX_HEADER_SIZE),
        `${OK}\r\n\r\nHTTP/1.1 \x81\x00`,
      );
      expect(result.rawHeaders).to.deep.equal([]);
      expect(rest).to.equal("\r\nHTTP/1.1 \x81\x00");
    });
  });

  describe("refuses malformed header lines", () => {
    const rows: [title: string, line: string, message: RegExp][] = [
      ["a blank before the colon", "Upgrade : websocket", /malformed header line: "Upgrade "$/],
      ["a tab before the colon", "Upgrade\t: websocket", /malformed header line: "Upgrade\\x09"$/],
      ["a folded line", "X-Long: a\r\n b", /malformed header line: " "$/],
      ["a folded line with a tab", "X-Long: a\r\n\tb: c", /malformed header line: "\\x09"$/],
      ["a folded line at first", " a: b", /malformed header line: " "$/],
      ["no colon", "no colon here", /malformed header line: "no "$/],
      ["a cookie that is folded", "Set-Cookie: a=b;\r\n s3cret", /malformed header line: " "$/],
      ["a cookie without a colon", "Set-Cookie a=s3cret", /malformed header line: "Set-Cookie "$/],
      ["no name", ": x", /malformed header line: ":"$/],
      ["a name that is no token", "a(b): x", /malformed header line: "a\("$/],
      ["a name beyond ASCII", "\xe9: x", /malformed header line/],
      ["NUL in a name", "a\x00: x", /malformed header line: "a\\x00"$/],
      ["NUL in a value", "A: \x00", /header A has a control character$/],
      ["CR in a value", "A: b\rc", /header A has a control character$/],
      ["CR at the end of a value", "A: b\r", /header A has a control character$/],
      ["an escape in a value", "A: \x1b[31m", /header A has a control character$/],
      ["DEL in a value", "A: \x7f", /header A has a control character$/],
      ["a line that ends in LF alone", "A: b\nC: d", /LF without CR$/],
    ];
    for (const [title, line, message] of rows) {
      it(title, () => {
        const error = refused(`${OK}${line}\r\n\r\n`);
        expect(error).to.be.instanceOf(HandshakeError).and.include({ code: "ERR_WS_INVALID_RESPONSE" });
        expect(error.message).to.match(message);
      });
    }

    it("a status line that ends in LF alone", () => {
      expect(refused("HTTP/1.1 200 OK\n\r\n").message).to.match(/LF without CR$/);
    });

    it("an empty line that is LF alone", () => {
      expect(refused(`${OK}A: b\r\n\n`).message).to.match(/LF without CR$/);
    });

    it("and tells the status, which had come", () => {
      expect(refused("HTTP/1.1 503 Busy\r\nA : b\r\n\r\n")).to.include({ status: 503, statusText: "Busy" });
    });
  });

  describe("tells what is missing when the stream ends", () => {
    const rows: [said: string, message: string][] = [
      ["", "the connection was closed before an answer came"],
      ["H", "the connection was closed in the middle of the answer's head"],
      ["HTTP/1.1 101 Switching", "the connection was closed in the middle of the answer's head"],
      [OK, "the connection was closed in the middle of the answer's head"],
      [`${OK}A: b`, "the connection was closed in the middle of the answer's head"],
      [`${OK}A: b\r\n`, "the connection was closed in the middle of the answer's head"],
      [`${OK}A: b\r\n\r`, "the connection was closed in the middle of the answer's head"],
    ];
    for (const [said, message] of rows) {
      it(JSON.stringify(said), () => {
        const error = thrown(() => hear(readHead(DEFAULT_MAX_HEADER_SIZE), [latin1(said)]), HandshakeError);
        expect(error).to.include({ code: "ERR_WS_INVALID_RESPONSE", message });
      });
    }
  });

  describe("keeps to maxHeaderSize", () => {
    const said = `${OK}A: b\r\n\r\n`;

    it("a head of just that size is read", () => {
      expect(head(said, said.length).rawHeaders).to.deep.equal([["A", "b"]]);
    });

    it("any less is too little, wherever the limit falls", () => {
      for (let limit = 1; limit < said.length; limit++) {
        const error = refused(said, limit);
        expect(error, `limit ${limit}`).to.be.instanceOf(LimitError);
        expect(error).to.include({ code: "ERR_WS_HEADERS_TOO_BIG", limit: "maxHeaderSize" });
        expect(error.message).to.include(`maxHeaderSize (${limit} bytes)`);
      }
    });

    const endless: [title: string, begin: string, more: string][] = [
      ["a status line without end", "HTTP/1.1 200 ", "x"],
      ["a header line without end", `${OK}A: `, "x"],
      ["a header name without end", OK, "x"],
      ["header lines without end", OK, "A: b\r\n"],
      ["long header lines without end", OK, `A: ${"b".repeat(1000)}\r\n`],
    ];
    for (const [title, begin, more] of endless) {
      it(`${title}: is refused once the limit is reached`, () => {
        const conversation = new Conversation(readHead(4096));
        conversation.start();
        conversation.push(latin1(begin));
        let sent = begin.length;
        const error = thrown(() => {
          for (; sent <= 2 * 4096; sent += more.length) conversation.push(latin1(more));
        }, LimitError);
        expect(error.code).to.equal("ERR_WS_HEADERS_TOO_BIG");
        expect(sent).to.be.at.most(4096);
      });
    }

    const lines = (count: number) => "A: b\r\n".repeat(count);

    it("256 header lines by default, and no more", () => {
      const talk = () => readHead(DEFAULT_MAX_HEADER_SIZE);
      expect(hear(talk(), [latin1(`${OK}${lines(256)}\r\n`)]).result.rawHeaders).to.have.length(256);
      const error = thrown(() => hear(talk(), [latin1(`${OK}${lines(257)}\r\n`)]), LimitError);
      expect(error).to.include({ code: "ERR_WS_HEADERS_TOO_BIG", actual: 257 });
    });

    it("10000 header lines are refused, none of them is passed over", () => {
      const said = `${OK}${lines(10_000)}Upgrade: websocket\r\n\r\n`;
      thrown(() => hear(readHead(DEFAULT_MAX_HEADER_SIZE), [latin1(said)]), LimitError);
    });

    it("a small one has room for the few lines of a usual answer", () => {
      const usual =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: /YqMq5iNGOMjtELPGCZsnozMSlw=\r\nDate: now\r\nServer: x\r\n";
      expect(head(`${OK}${usual}\r\n`, 1024).rawHeaders).to.have.length(5);
    });
  });

  describe("takes time in proportion to the bytes", () => {
    const reading = (line: string) => () => {
      const said = latin1(`${OK}${line}\r\n\r\n`);
      hear(readHead(2 ** 30), [said]);
    };
    const lines: [title: string, line: (size: number) => string][] = [
      ["for a run of blanks within a value", (size) => `A: b${" ".repeat(size)}c`],
      ["for a run of blanks after a value", (size) => `A: b${" ".repeat(size)}`],
      ["for a run of tabs before a value", (size) => `A:${"\t".repeat(size)}b`],
      ["for commas", (size) => `A: ${",".repeat(size)}`],
    ];
    for (const [title, line] of lines) {
      it(title, () => {
        expect(growthOfTime((size) => reading(line(size))(), 32 * 1024)).to.be.below(LINEAR);
      });
    }
  });
});

describe("readBody", () => {
  /** The head and then the body, as the handshake reads them. */
  function* answer(): Talk<string> {
    return yield* readBody(yield* readHead(DEFAULT_MAX_HEADER_SIZE));
  }

  const chunked = "Transfer-Encoding: chunked\r\n";
  const rows: [title: string, said: string, body: string, rest?: string][] = [
    ["Content-Length", `${OK}Content-Length: 5\r\n\r\nhello`, "hello"],
    ["Content-Length, and no more", `${OK}Content-Length: 5\r\n\r\nhello world`, "hello", " world"],
    ["Content-Length: 0", `${OK}Content-Length: 0\r\n\r\nhello`, "", "hello"],
    ["Content-Length that promises too much", `${OK}Content-Length: 99\r\n\r\nhello`, "hello"],
    ["Content-Length beyond all numbers", `${OK}Content-Length: ${"9".repeat(400)}\r\n\r\nhello`, "hello"],
    ["Content-Length that is no number", `${OK}Content-Length: -5\r\n\r\nhello`, "hello"],
    ["until the peer closes", `${OK}\r\nhello\r\nworld`, "hello\r\nworld"],
    ["until the peer closes at once", "HTTP/1.1 403 Access denied\r\n\r\n", ""],
    ["chunks", `${OK}${chunked}\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, "hello world", "\r\n"],
    ["chunks with extensions", `${OK}${chunked}\r\n5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n`, "hello", "\r\n"],
    ["chunks with blanks", `${OK}${chunked}\r\n5 \t;a\r\nhello\r\n0\r\n\r\n`, "hello", "\r\n"],
    ["chunks with trailers", `${OK}${chunked}\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n`, "hello", "A: b\r\n\r\n"],
    [
      "sizes in any case, with zeros",
      `${OK}${chunked}\r\n00A\r\n0123456789\r\n0a\r\n0123456789\r\n000\r\n\r\n`,
      "01234567890123456789",
      "\r\n",
    ],
    ["line ends within chunks", `${OK}${chunked}\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n`, "\r\n\r\n", "\r\n"],
    ["chunks that end early", `${OK}${chunked}\r\n5\r\nhel`, "hel"],
    ["chunks that end between two", `${OK}${chunked}\r\n5\r\nhello\r\n`, "hello"],
    [
      "chunks win over Content-Length",
      `${OK}Content-Length: 2\r\n${chunked}\r\n5\r\nhello\r\n0\r\n\r\n`,
      "hello",
      "\r\n",
    ],
    [
      "chunked in any case, in a list",
      `${OK}Transfer-Encoding: gzip, Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      "hello",
      "\r\n",
    ],
    ["a chunk size that is none", `${OK}${chunked}\r\nhello\r\n`, ""],
    ["a negative chunk size", `${OK}${chunked}\r\n-5\r\nhello\r\n`, "", "hello\r\n"],
    ["a chunk size with LF alone", `${OK}${chunked}\r\n5\nhello`, "", "hello"],
    ["204 has none", `HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello`, "", "hello"],
    ["304 has none", `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello`, "", "hello"],
    ["204 has no chunks", `HTTP/1.1 204 No Content\r\n${chunked}\r\n5\r\nhello\r\n`, "", "5\r\nhello\r\n"],
    ["304 has no chunks", `HTTP/1.1 304 Not Modified\r\n${chunked}\r\n5\r\nhello\r\n`, "", "5\r\nhello\r\n"],
    ["UTF-8", `${OK}\r\n${fromLatin1(utf8("zoë €"))}`, "zoë €"],
    ["what is not UTF-8", `${OK}\r\na\xffb`, "a\ufffdb"],
    ["a character that is cut off", `${OK}Content-Length: 2\r\n\r\n\xe2\x82\xac`, "\ufffd", "\xac"],
  ];
  for (const [title, said, body, rest = ""] of rows) {
    it(title, () => {
      expect(hearAll(answer, said)).to.deep.equal({ result: body, rest });
    });
  }

  it("a chunk size that is none ends it, as does a chunk that is longer than it says", () => {
    expect(hearAll(answer, `${OK}${chunked}\r\n2\r\nhello\r\n0\r\n\r\n`).result).to.equal("he");
  });

  describe("keeps 64 KiB at most", () => {
    const much = "x".repeat(MAX_BODY + 10);
    const most = "x".repeat(MAX_BODY);
    const long: [title: string, said: string][] = [
      ["with Content-Length", `${OK}Content-Length: ${much.length}\r\n\r\n${much}`],
      ["with a Content-Length of terabytes", `${OK}Content-Length: 99999999999999\r\n\r\n${much}`],
      ["until the peer closes", `${OK}\r\n${much}`],
      ["in one chunk", `${OK}${chunked}\r\n${much.length.toString(16)}\r\n${much}`],
    ];
    for (const [title, said] of long) {
      it(title, () => {
        const conversation = new Conversation(answer());
        conversation.start();
        conversation.push(latin1(said));
        expect(conversation.result === most).to.equal(true);
      });
    }

    it("in many chunks", () => {
      const conversation = new Conversation(answer());
      conversation.start();
      conversation.push(latin1(`${OK}${chunked}\r\n`));
      const chunk = latin1(`400\r\n${"x".repeat(1024)}\r\n`);
      for (let i = 0; i < 1000 && !conversation.done; i++) conversation.push(chunk);
      expect(conversation.result === most).to.equal(true);
    });
  });
});

describe("formatRequest", () => {
  it("writes a request line, the fields and an empty line", () => {
    const bytes = formatRequest("GET", "/a?b=c", [
      ["Host", "h"],
      ["X-Name", "Zoë"],
      ["X-Empty", ""],
    ]);
    expect(bytes).to.deep.equal(
      latin1("GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Name: Zo\xeb\r\nX-Empty: \r\n\r\n"),
    );
  });

  /** What could end a line, or would once it is cut to 8 bits. */
  const smuggled = [
    "\r\n",
    "\r",
    "\n",
    "\0",
    "\x1b",
    "\x7f",
    "\u010a",
    "\u010d",
    "\u0100",
    "\u560a",
    "\u560d",
    "\u2028",
    "😀",
  ];
  const places: [title: string, request: (text: string) => [target: string, headers: RawHeaders]][] = [
    ["a target", (text) => [`/a${text}b`, []]],
    ["a header name", (text) => ["/", [[`A${text}B`, "x"]]]],
    ["a header value", (text) => ["/", [["A", `x${text}y`]]]],
    ["the end of a value", (text) => ["/", [["A", `x${text}`]]]],
  ];
  for (const [title, request] of places) {
    for (const text of smuggled) {
      it(`refuses ${JSON.stringify(text)} (U+${text.charCodeAt(0).toString(16)}) in ${title}`, () => {
        expect(() => formatRequest("GET", ...request(text))).to.throw(UsageError);
      });
    }
  }

  it("refuses targets that are none", () => {
    for (const target of ["", "/a b", "/\t", "/é", " /"]) {
      expect(() => formatRequest("GET", target, []), target).to.throw(UsageError);
    }
  });

  it("tells no value in its errors: it may be a secret", () => {
    const error = thrown(() => formatRequest("GET", "/", [["Cookie", "secret\r\n"]]), UsageError);
    expect(error.message).to.include("Cookie").and.not.include("secret");
    const other = thrown(() => formatRequest("GET", "/?secret\n", []), UsageError);
    expect(other.message).to.not.include("secret");
  });
});

describe("checkField", () => {
  it("allows what a field may be", () => {
    for (const value of ["", "a b", "\t", "Zoë", "\xff", 'a:b;c="d"']) checkField("X-Name", value);
  });

  const names = ["", "a b", "a:", "é", "a\n", "\0", "(a)", "a,b", '"a"'];
  for (const name of names) {
    it(`refuses the name ${JSON.stringify(name)}`, () => {
      expect(() => checkField(name, "x")).to.throw(UsageError, "is not a header name");
    });
  }

  it("shows no value, wherever it slipped in", () => {
    const rows: [name: string, value: string][] = [
      ["Authorization: s3cret", ""],
      ["Authorization s3cret", ""],
      ["Cookie=s3cret", ""],
      ["Cookie\ts3cret", ""],
      ["Cookie", "s3cret\n"],
    ];
    for (const [name, value] of rows) {
      const { message } = thrown(() => checkField(name, value), UsageError);
      expect(message)
        .to.match(/Authorization|Cookie/)
        .and.not.include("s3cret");
    }
  });

  it("escapes what acts on a terminal", () => {
    expect(thrown(() => checkField("\x9b31m", ""), UsageError).message).to.include('"\\x9b31m"');
  });
});

describe("isToken", () => {
  const rows: [text: string, is: boolean][] = [
    ["chat", true],
    ["wamp.2.json", true],
    ["!#$%&'*+-.^_`|~09azAZ", true],
    ["", false],
    ["a b", false],
    ["a,b", false],
    ["a/b", false],
    ["a\n", false],
    ["é", false],
    ["\u{ff41}", false],
  ];
  for (const [text, is] of rows) {
    it(`${JSON.stringify(text)}: ${is}`, () => {
      expect(isToken(text)).to.equal(is);
    });
  }
});

describe("valuesOf, tokensOf", () => {
  const headers: RawHeaders = [
    ["Connection", "keep-alive, Upgrade"],
    ["constructor", "c"],
    ["CONNECTION", " ,, TE\t,"],
    ["X-Connection", "x"],
  ];

  it("find fields by name in any case, in order", () => {
    expect(valuesOf(headers, "connection")).to.deep.equal(["keep-alive, Upgrade", " ,, TE\t,"]);
    expect(tokensOf(headers, "connection")).to.deep.equal(["keep-alive", "upgrade", "te"]);
  });

  it("find nothing where there is nothing, whatever its name", () => {
    for (const name of ["upgrade", "__proto__", "toString", "hasOwnProperty", ""]) {
      expect(valuesOf(headers, name), name).to.deep.equal([]);
      expect(tokensOf(headers, name), name).to.deep.equal([]);
    }
    expect(valuesOf(headers, "constructor")).to.deep.equal(["c"]);
  });
});

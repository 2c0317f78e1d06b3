// Options: every wrong value is refused where it is given, nothing is ignored, and nothing can be smuggled into a request.

import { expect } from "chai";
import { type ConnectionOptions, refuseOthers } from "../../lib/client/options.ts";
import { resolveSockets as resolve } from "../../lib/client/socket-options.ts";
import { HandshakeError, UsageError } from "../../lib/errors.ts";
import { formatUpgrade } from "../../lib/handshake/upgrade-client.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { listen, requestHead } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { createConnection } from "../support/runtime.ts";

const URL_ = "ws://127.0.0.1:9/";

/** As a caller without types may write it. */
function resolveRaw(options: unknown, url: unknown = URL_): ReturnType<typeof resolve> {
  return resolve(url as string, options as ConnectionOptions);
}

/** The request's head for these options, as it would be sent. */
async function requestOf(options: ConnectionOptions, url: string | (() => string) = URL_): Promise<string> {
  const resolved = resolve(url, options);
  const { target, headers, protocols } = await resolved.request();
  const { origin, host = target.host } = resolved;
  const bytes = formatUpgrade({ target: target.resource, host, origin, key: "key", protocols, headers });
  return Buffer.from(bytes).toString("latin1");
}

const NUMBERS_OF_MS = ["timeout", "closeTimeout", "keepAliveSocket"];
const AMOUNTS = ["maxMessageSize", "maxFragments", "maxHeaderSize", "maxQueue", "maxBufferedAmount"];
const FLAGS = ["requireProtocol", "noDelay", "utf8Validation"];
const TEXTS = ["socketPath", "localAddress"];
const FIELDS = ["origin", "host"];

/** That of no key. */
const PIN = `sha256/${"A".repeat(43)}=`;

/** Characters that end a line or a string somewhere, or do once they are cut to a byte (U+010A, U+010D, U+560A). */
const BREAKS = ["\r\n", "\n", "\r", "\0", "\u007f", "\u010a", "\u010d", "\u560a"];

describe("resolve", () => {
  it("knows the defaults", () => {
    const { request, ...resolved } = resolve(URL_);
    expect(request).to.be.a("function");
    expect(resolved).to.deep.equal({
      timeout: 10_000,
      closeTimeout: 3_000,
      signal: undefined,
      requireProtocol: true,
      origin: undefined,
      host: undefined,
      cookieJar: undefined,
      redirect: "error",
      maxRedirects: 5,
      tls: {},
      socketPath: undefined,
      connectTo: undefined,
      proxy: undefined,
      transport: undefined,
      localAddress: undefined,
      family: 0,
      noDelay: true,
      keepAliveDelay: undefined,
      maxMessageSize: 100 * 1024 * 1024,
      maxFragments: 131_072,
      maxHeaderSize: 65_536,
      maxQueue: 1024,
      maxBufferedAmount: 64 * 1024 * 1024,
      utf8Validation: true,
      tolerate: undefined,
      perMessageDeflate: undefined,
      trace: undefined,
      publicUrl: URL_,
    });
  });

  it("takes what it is given", () => {
    const { signal } = new AbortController();
    const given = {
      closeTimeout: 0,
      signal,
      requireProtocol: false,
      origin: "https://example.com",
      host: "example.com:81",
      tls: { rejectUnauthorized: false },
      socketPath: "/run/socket",
      localAddress: "127.0.0.1",
      family: 6,
      noDelay: false,
      maxMessageSize: Number.POSITIVE_INFINITY,
      maxFragments: 1,
      maxHeaderSize: 1,
      maxQueue: 1,
      maxBufferedAmount: 1,
      utf8Validation: false,
    } as const;
    expect(resolve("wss://a/", given)).to.deep.include(given);
    const elsewhere = { connectTo: { host: "::1", port: 65_535 } };
    expect(resolve(URL_, elsewhere)).to.deep.include(elsewhere);
    const bracketed = { connectTo: { host: "[::1]", port: 1 } };
    expect(resolve(URL_, bracketed).connectTo).to.deep.equal({ host: "::1", port: 1 });
    const tolerate = ["binaryAsText", "missingSubprotocol"] as const;
    expect(resolve(URL_, { tolerate }).tolerate).to.deep.equal(tolerate);
    expect(resolve(URL_, { tolerate }).tolerate, "a copy").to.not.equal(tolerate);
    expect(resolve(URL_, { tolerate: [] }).tolerate).to.deep.equal([]);
    const vain = { tolerate, utf8Validation: false };
    expect(thrown(() => resolve(URL_, vain), UsageError).message).to.include("in vain");
    expect(resolve(URL_, { keepAliveSocket: 1000 }).keepAliveDelay).to.equal(1000);
    expect(resolve(URL_, { keepAliveSocket: false }).keepAliveDelay).to.equal(undefined);
    const twoPlaces = { socketPath: "/s", connectTo: { host: "h", port: 1 } };
    expect(thrown(() => resolve(URL_, twoPlaces), UsageError).message).to.include("give one of them");
    for (const keepAliveSocket of [0, 999, Number.POSITIVE_INFINITY]) {
      expect(thrown(() => resolve(URL_, { keepAliveSocket }), UsageError).message).to.include(
        "from 1 000 on",
      );
    }
    for (const timeout of [0, Number.POSITIVE_INFINITY]) {
      expect(resolve(URL_, { timeout }).timeout).to.equal(Number.POSITIVE_INFINITY);
    }
  });

  describe("refuses", () => {
    const wrong: [name: string, values: unknown[]][] = [
      ...NUMBERS_OF_MS.map((name): [string, unknown[]] => [
        name,
        [-1, Number.NaN, 2 ** 31, "50", null, true],
      ]),
      ...AMOUNTS.map((name): [string, unknown[]] => [name, [0, -1, 1.5, Number.NaN, 2 ** 53, "1", null, 1n]]),
      ...FLAGS.map((name): [string, unknown[]] => [name, [0, 1, "true", null]]),
      ...TEXTS.map((name): [string, unknown[]] => [name, ["", "a\0b", 5, null]]),
      ...FIELDS.map((name): [string, unknown[]] => [
        name,
        [5, null, ["a"], ...BREAKS.map((text) => `a${text}b`)],
      ]),
      ["family", [5, "4", null]],
      ["signal", [{ aborted: false }, null, "now"]],
      ["tls", [null, true, "ca", { rejectUnauthorized: 0 }]],
      ["connectTo", [null, "host:1", {}, { host: "a" }, { host: "", port: 1 }, { host: "a", port: 0 }]],
      [
        "connectTo",
        [
          { host: "a", port: 65_536 },
          { host: "a", port: 1.5 },
          { host: "a", port: "80" },
          { host: "a\0b", port: 80 },
          { host: "a", port: 80, family: 4 },
        ],
      ],
      ["redirect", ["", "manual", true, null]],
      ["maxRedirects", [-1, 1.5, Number.NaN, "5", null]],
      ["tolerate", [null, true, "binaryAsText", {}, ["binaryastext"], ["toString"], [["binaryAsText"]], [5]]],
      ["trace", [1, "stderr", {}, { write: "line" }]],
      [
        "headers",
        ["a: b", 5, ["a: b"], [5], [["a"]], [["a", "b", "c"]], { a: undefined }, { a: 5 }, { a: [5] }],
      ],
      ["headers", [{ "": "a" }, { "a b": "c" }, { "a:": "b" }, { "a\n": "b" }, { "a\u010a": "b" }]],
      ["headers", BREAKS.flatMap((text) => [{ a: `b${text}c` }, { a: ["b", `c${text}`] }, [["a", text]]])],
      ["headers", [{ a: { toString: () => "b" } }, { a: new String("b") }, [["a", null]]]],
      ["protocols", ["", "a b", "a,b", "\u00e9", ["a", "a"], [5], [null], 5, ["a", ""]]],
      ["protocols", BREAKS.flatMap((text) => [`a${text}b`, ["a", `b${text}`]])],
    ];
    for (const [name, values] of wrong) {
      for (const value of values) {
        it(`${name}: ${show(value)}`, () => {
          const error = thrown(() => resolveRaw({ [name]: value }), UsageError);
          expect(error.code).to.equal("ERR_WS_INVALID_ARGUMENT");
        });
      }
    }

    const reserved = ["Host", "connection", "UPGRADE", "Sec-WebSocket-Key", "sec-websocket-version"].concat(
      ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept"],
      ["Content-Length", "Transfer-Encoding"],
    );
    for (const name of reserved) {
      it(`the header ${name}, which belongs to the handshake`, () => {
        for (const headers of [
          { [name]: "1" },
          [[name, "1"]] as [string, string][],
          new Headers([[name, "1"]]),
        ]) {
          expect(thrown(() => resolve(URL_, { headers }), UsageError).code).to.equal(
            "ERR_WS_INVALID_ARGUMENT",
          );
        }
      });
    }

    it("options that there are not", () => {
      for (const options of [
        { timeOut: 5 },
        { tls: { secureContext: {} } },
        { onMessage() {} },
        { constructor: 1 },
      ]) {
        expect(thrown(() => resolveRaw(options), UsageError).code).to.equal("ERR_WS_UNKNOWN_OPTION");
      }
    });

    it("an own property __proto__", () => {
      const options: unknown = JSON.parse('{ "__proto__": { "timeout": 5 } }');
      expect(thrown(() => resolveRaw(options), UsageError).code).to.equal("ERR_WS_UNKNOWN_OPTION");
    });

    it("what is no object", () => {
      for (const options of [null, 5, "timeout", true]) thrown(() => resolveRaw(options), UsageError);
    });

    for (const options of [{ reconnect: true }, { reconnect: 5 }, { reconnect: {} }, { outbox: {} }]) {
      it(`${JSON.stringify(options)}, which belongs to an app`, () => {
        const error = thrown(() => resolveRaw(options), UsageError);
        expect(error.code).to.equal("ERR_WS_UNSUPPORTED");
        expect(error.message).to.include("belongs to the constructor of WebSocketApp");
      });
    }

    for (const url of ["ws://a/", "http://a/", "WS://a/", new URL("ws://a/"), "ws+unix:/a.sock:/"]) {
      it(`tls, which would do nothing, for ${url}`, () => {
        for (const tls of [{ rejectUnauthorized: true }, { ca: "PEM" }, { pins: PIN }]) {
          const error = thrown(() => resolve(url, { tls }), UsageError);
          expect(error.code).to.equal("ERR_WS_INVALID_ARGUMENT");
          expect(error.message).to.include("tls has no use for a ws url");
          for (const fit of ["wss://a/", "https://a/", "wss+unix:/a.sock:/", () => url])
            expect(() => resolve(fit, { tls })).not.to.throw();
          expect(() => resolve(url, { tls, redirect: "follow" })).not.to.throw();
        }
        for (const tls of [{}, { ca: undefined } as object]) resolve(url, { tls });
      });
    }

    const urls = [
      "",
      "ws:",
      "ws://",
      "example.com",
      "//example.com",
      "ftp://a/",
      "ws:a",
      "ws://a/#b",
      "ws://a:0/",
    ];
    for (const url of [
      ...urls,
      "ws://a:99999/",
      "javascript:alert(1)",
      "ws+unix:relative",
      ...BREAKS.slice(0, 5).map((text) => `ws://a/${text}`),
    ]) {
      it(`the url ${show(url)}`, () => {
        expect(thrown(() => resolveRaw({}, url), UsageError).code).to.equal("ERR_WS_INVALID_URL");
      });
    }

    it("a url that is neither string nor URL", () => {
      for (const url of [undefined, null, 5, {}, { href: "ws://a/" }]) {
        expect(thrown(() => resolve(url as unknown as string), UsageError).code).to.equal(
          "ERR_WS_INVALID_URL",
        );
      }
    });
  });

  it("lets options be off", () => {
    const off = { perMessageDeflate: false, redirect: "error", proxy: false } as const;
    expect(() => resolve(URL_, off)).not.to.throw();
    expect(() =>
      resolveRaw({ ...off, reconnect: false, keepAlive: false, cookies: undefined }),
    ).not.to.throw();
  });

  it("takes undefined for an option that is not given", () => {
    const { request: _given, ...resolved } = resolveRaw({ timeout: undefined, nothing: undefined });
    const { request: _default, ...defaults } = resolve(URL_);
    expect(resolved).to.deep.equal(defaults);
  });

  it("has no ear for what somebody put on Object.prototype", () => {
    const polluted = Object.prototype as Record<string, unknown>;
    Object.assign(polluted, { timeout: 1, rejectUnauthorized: false, headers: { evil: "1" }, host: "evil" });
    try {
      const resolved = resolve(URL_, { tls: {} });
      expect(resolved.timeout).to.equal(10_000);
      expect(resolved.host).to.equal(undefined);
      expect(Object.keys(resolved.tls)).to.deep.equal([]);
      expect(resolved.tls.rejectUnauthorized).to.equal(undefined);
    } finally {
      for (const name of ["timeout", "rejectUnauthorized", "headers", "host"]) delete polluted[name];
    }
  });

  it("copies: what the caller changes afterwards changes nothing", async () => {
    const headers = { a: "1" };
    const protocols = ["one"];
    const { request } = resolve(URL_, { headers, protocols });
    headers.a = "1\r\nb: 2";
    protocols[0] = "two";
    expect(await request()).to.deep.include({ headers: [["a", "1"]], protocols: ["one"] });
  });
});

describe("the request", () => {
  const rows: [title: string, options: ConnectionOptions, url: string, lines: string[]][] = [
    ["a record", { headers: { "X-A": "1", b: ["2", "3"] } }, URL_, ["X-A: 1", "b: 2", "b: 3"]],
    [
      "pairs",
      {
        headers: [
          ["b", "1"],
          ["a", "2"],
          ["b", "3"],
        ],
      },
      URL_,
      ["b: 1", "a: 2", "b: 3"],
    ],
    ["Headers", { headers: new Headers({ "X-B": "\u00e9" }) }, URL_, ["x-b: \u00e9"]],
    ["a Map", { headers: new Map([["X-C", "1"]]) }, URL_, ["X-C: 1"]],
    ["one protocol", { protocols: "chat" }, URL_, ["Sec-WebSocket-Protocol: chat"]],
    ["several protocols", { protocols: ["chat.2", "chat"] }, URL_, ["Sec-WebSocket-Protocol: chat.2, chat"]],
    ["origin and host", { origin: "null", host: "h:1" }, URL_, ["Host: h:1", "Origin: null"]],
    [
      "a path and a query",
      {},
      "ws://example.com/a%20b?c=d&e",
      ["GET /a%20b?c=d&e HTTP/1.1", "Host: example.com"],
    ],
    [
      "what would be a line end in Latin-1",
      {},
      "ws://a/\u010a\u560d?\u010d",
      ["GET /%C4%8A%E5%98%8D?%C4%8D HTTP/1.1"],
    ],
    ["a secure default port", {}, "wss://a:443/", ["Host: a"]],
  ];
  for (const [title, options, url, lines] of rows) {
    it(`has ${title}`, async () => {
      const got = (await requestOf(options, url)).split("\r\n");
      expect(got.filter((line) => lines.includes(line))).to.have.members(lines);
    });
  }

  it("has no line more than its headers", async () => {
    expect((await requestOf({})).split("\r\n")).to.deep.equal([
      "GET / HTTP/1.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Host: 127.0.0.1:9",
      "Sec-WebSocket-Key: key",
      "Sec-WebSocket-Version: 13",
      "",
      "",
    ]);
  });

  it("asks functions anew each time", async () => {
    let calls = 0;
    const options = {
      headers: () => ({ attempt: `${++calls}` }),
      protocols: async () => [`chat.${++calls}`],
    };
    const { request } = resolve(() => `ws://a/${++calls}`, options);
    expect(calls, "not before it is asked itself").to.equal(0);
    for (const expected of [1, 4]) {
      const { target, headers, protocols } = await request();
      expect(target.resource).to.equal(`/${expected}`);
      expect(headers).to.deep.equal([["attempt", `${expected + 1}`]]);
      expect(protocols).to.deep.equal([`chat.${expected + 2}`]);
    }
  });

  const garbage: [string, ConnectionOptions, () => string][] = [
    ["headers", { headers: () => ({ a: "b\r\nc: d" }) }, () => URL_],
    ["protocols", { protocols: async () => "a b" }, () => URL_],
    ["url", {}, () => "http//nothing"],
  ];
  for (const [name, options, url] of garbage) {
    it(`checks what a function for ${name} gives`, async () => {
      await rejection(requestOf(options, url), UsageError);
    });
  }
});

describe("refuseOthers", () => {
  it("names the option", () => {
    const error = thrown(() => refuseOthers({ good: 1, "b\nad": 2 }, ["good"]), UsageError);
    expect(error.message).to.include('"b\\nad"');
  });
});

describe("createConnection", () => {
  const use = cleanUp();

  it("rejects for a wrong option and never throws at once", async () => {
    const options = { timeout: -1 };
    await rejection(createConnection(URL_, options), UsageError);
    await rejection(createConnection("nowhere", {}), UsageError);
    for (const wrong of [5, "timeout", true])
      await rejection(createConnection(URL_, wrong as unknown as object), UsageError);
  });

  it("sends nothing when an option is wrong", async () => {
    const connected = new Queue<string>();
    const peer = use(await listen(() => connected.push("connected")));
    for (const headers of [{ a: "b\r\nc: d" }, () => ({ a: "b\u010a" })]) {
      await rejection(createConnection(peer.url, { headers }), UsageError);
    }
    expect(connected.waiting).to.equal(0);
  });

  it("passes on what a function throws", async () => {
    const failure = new RangeError("no token");
    const fail = () => {
      throw failure;
    };
    const failing: Promise<unknown>[] = [
      createConnection(fail),
      createConnection(URL_, { headers: fail }),
      createConnection(URL_, { protocols: async () => fail() }),
    ];
    for (const promise of failing) expect(await rejection(promise, RangeError)).to.equal(failure);
  });

  it("calls functions once for each attempt", async () => {
    const heads = new Queue<string>();
    const peer = use(
      await listen(async (socket) => {
        heads.push(await requestHead(socket));
        socket.end("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
      }),
    );
    let calls = 0;
    const headers = () => ({ "x-attempt": `${++calls}` });
    for (const attempt of [1, 2]) {
      await rejection(
        createConnection(() => peer.url, { headers }),
        HandshakeError,
      );
      expect(await heads.next()).to.include(`x-attempt: ${attempt}\r\n`);
    }
  });
});

function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

// The options of accept(): their defaults, and that a wrong one throws.

import { expect } from "chai";
import { UsageError } from "../../lib/errors.ts";
import { type AcceptOptions, resolveAccept } from "../../lib/server/accept-options.ts";
import type { ConnectionRequest } from "../../lib/server/connection-request.ts";
import { thrown } from "../support/failure.ts";

/** What no hook in these tests looks at. */
const REQUEST = {} as ConnectionRequest;

describe("resolveAccept", () => {
  it("has the defaults of clients, and keeps connections alive", () => {
    const resolved = resolveAccept();
    expect(resolved).to.deep.include({
      timeout: 10_000,
      closeTimeout: 3_000,
      signal: undefined,
      maxMessageSize: 100 * 1024 * 1024,
      maxFragments: 131_072,
      maxQueue: 1024,
      maxBufferedAmount: 64 * 1024 * 1024,
      utf8Validation: true,
      perMessageDeflate: undefined,
      origins: undefined,
    });
    expect(resolved.heartbeat).to.be.a("function");
    expect(resolved.newTrace()).to.equal(undefined);
  });

  it("lets everybody in, speaks no subprotocol, and sends no headers of its own", async () => {
    const { verify, chooseProtocol, headers } = resolveAccept();
    expect(await verify(REQUEST)).to.equal(true);
    expect(await chooseProtocol(["a"], REQUEST)).to.equal("");
    expect(await headers(REQUEST)).to.deep.equal([]);
  });

  it("takes false for no keepAlive, and 0 for no timeout", () => {
    expect(resolveAccept({ keepAlive: false }).heartbeat).to.equal(undefined);
    expect(resolveAccept({ timeout: 0 }).timeout).to.equal(Number.POSITIVE_INFINITY);
  });

  it("takes an option that is undefined for one that is not given", () => {
    const names = [
      "timeout",
      "verify",
      "protocols",
      "chooseProtocol",
      "headers",
      "origins",
      "keepAlive",
      "trace",
    ];
    const options = Object.fromEntries(names.map((name) => [name, undefined]));
    expect(resolveAccept(options as AcceptOptions).timeout).to.equal(10_000);
    expect(resolveAccept(options as AcceptOptions).heartbeat).to.be.a("function");
  });

  it("is not moved by what somebody put on Object.prototype", () => {
    Object.assign(Object.prototype, { verify: () => false, maxQueue: 1 });
    try {
      expect(resolveAccept({})).to.include({ maxQueue: 1024 });
      expect(resolveAccept({}).verify(REQUEST)).to.equal(true);
    } finally {
      for (const name of ["verify", "maxQueue"]) delete (Object.prototype as Record<string, unknown>)[name];
    }
  });

  it("makes a trace for each connection", () => {
    const { newTrace } = resolveAccept({ trace: { write() {} } });
    expect(newTrace()).to.be.an("object").and.not.equal(newTrace());
  });

  it("takes origins as browsers send them", () => {
    expect(resolveAccept({ origins: "https://example.com" }).origins).to.deep.equal(["https://example.com"]);
    expect(resolveAccept({ origins: ["null", "http://localhost:3000"] }).origins).to.have.length(2);
    expect(resolveAccept({ origins: [] }).origins).to.deep.equal([]);
  });

  const wrong: [title: string, options: unknown, code?: string][] = [
    ["an option that there is not", { verifyClient() {} }, "ERR_WS_UNKNOWN_OPTION"],
    ["one of clients alone", { proxy: false }, "ERR_WS_UNKNOWN_OPTION"],
    ["one of apps alone", { reconnect: true }, "ERR_WS_UNSUPPORTED"],
    ["no object", 1],
    ["null", null],
    ["verify that is no function", { verify: true }],
    ["chooseProtocol that is no function", { chooseProtocol: "chat" }],
    ["protocols and chooseProtocol", { protocols: ["a"], chooseProtocol() {} }],
    ["protocols that are none", { protocols: ["a b"] }],
    ["protocols twice", { protocols: ["a", "a"] }],
    ["headers that are none", { headers: "X: y" }],
    ["a header of the handshake", { headers: { "Sec-WebSocket-Accept": "x" } }],
    ["a header with a line end", { headers: { X: "a\r\nb" } }],
    ["an origin with a path", { origins: "https://example.com/" }],
    ["an origin with capitals", { origins: "https://Example.com" }],
    ["an origin with the port of its scheme", { origins: "https://example.com:443" }],
    ["an origin without a scheme", { origins: ["example.com"] }],
    ["an origin without a scheme, but with a port", { origins: ["localhost:3000"] }],
    ["an origin of an extension with a path", { origins: "chrome-extension://abc/page.html" }],
    ["an origin that is a pattern", { origins: "*" }],
    ["an origin that is no string", { origins: [/example/] }],
    ["a signal that is none", { signal: {} }],
    ["a negative timeout", { timeout: -1 }],
    ["a size of 0", { maxMessageSize: 0 }],
    ["a trace that is none", { trace: "yes" }],
    ["keepAlive that is none", { keepAlive: { every: 1 } }],
    ["compression that there is not", { perMessageDeflate: { windowBits: 9 } }],
  ];
  for (const [title, options, code] of wrong) {
    it(`throws for ${title}`, () => {
      const error = thrown(() => resolveAccept(options as AcceptOptions), UsageError);
      if (code !== undefined) expect(error.code).to.equal(code);
    });
  }
});

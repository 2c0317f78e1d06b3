// Options in a browser: what it cannot do is refused by name, at once, and what it does anyway may be said.

import { expect } from "chai";
import { overNative } from "../../lib/client/native-options.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { UsageError } from "../../lib/errors.ts";
import { rejection, thrown } from "../support/failure.ts";

const URL_ = "ws://example.com/";
const asked: string[] = [];
const resolve = overNative(async (options) => {
  const { url, protocols } = await options.request();
  asked.push([url, ...protocols].join(" "));
  throw new RangeError("not opened here");
});

describe("overNative", () => {
  const refused: ConnectionOptions[] = [
    { headers: {} },
    { headers: () => ({}) },
    { requireProtocol: false },
    { origin: "https://example.com" },
    { host: "example.com" },
    { cookies: "a=b" },
    { cookies: { get: () => "a=b", set() {} } },
    { redirect: "follow" },
    { maxRedirects: 5 },
    { tls: {} },
    { socketPath: "/socket" },
    { connectTo: { host: "example.com", port: 1 } },
    { proxy: "http://proxy.test:3128" },
    { proxy: { url: "http://proxy.test:3128" } },
    { localAddress: "127.0.0.1" },
    { family: 4 },
    { noDelay: true },
    { keepAliveSocket: 5 },
    { maxFragments: 5 },
    { maxHeaderSize: 5 },
    { utf8Validation: false },
    { tolerate: ["binaryAsText"] },
    { perMessageDeflate: true },
    { perMessageDeflate: {} },
    { trace: true },
    { trace: { write() {} } },
  ];
  for (const options of refused) {
    const [name = ""] = Object.keys(options);
    it(`refuses ${name}: ${JSON.stringify(Object.values(options)[0])}`, () => {
      const error = thrown(() => resolve(URL_, options), UsageError);
      expect(error.code).to.equal("ERR_WS_UNSUPPORTED");
      expect(error.message).to.include(name);
    });
  }

  it("takes what says what a browser does anyway, and what there is not", () => {
    for (const options of [
      { utf8Validation: true, requireProtocol: true, trace: false },
      { headers: undefined, perMessageDeflate: false, proxy: false },
    ]) {
      expect(() => resolve(URL_, options as ConnectionOptions)).not.to.throw();
    }
  });

  it("takes the options that are the same everywhere, checked", () => {
    const options = { closeTimeout: 1, maxQueue: 2, maxBufferedAmount: 3 };
    expect(resolve(URL_, { ...options, timeout: 4, maxMessageSize: 5 })).to.include(options);
    for (const [name, code] of [
      ["timeout", "ERR_WS_INVALID_ARGUMENT"],
      ["maxMessageSize", "ERR_WS_INVALID_ARGUMENT"],
      ["protocols", "ERR_WS_INVALID_ARGUMENT"],
      ["timeOut", "ERR_WS_UNKNOWN_OPTION"],
    ]) {
      expect(thrown(() => resolve(URL_, { [`${name}`]: -1 }), UsageError).code).to.equal(code);
    }
  });

  const urls: [url: string, code: string][] = [
    ["", "ERR_WS_INVALID_URL"],
    ["/relative", "ERR_WS_INVALID_URL"],
    ["ftp://example.com/", "ERR_WS_INVALID_URL"],
    ["ws://example.com/#here", "ERR_WS_INVALID_URL"],
    ["ws://example.com/\n", "ERR_WS_INVALID_URL"],
    ["ws+unix:/socket:/", "ERR_WS_UNSUPPORTED"],
    ["ws://user:SECRET@example.com/", "ERR_WS_UNSUPPORTED"],
  ];
  for (const [url, code] of urls) {
    it(`refuses the url ${JSON.stringify(url)}`, () => {
      const error = thrown(() => resolve(url), UsageError);
      expect(error.code).to.equal(code);
      expect(error.message).not.to.include("SECRET");
    });
  }

  it("hands on url and protocols, fixed or given by functions, which are checked too", async () => {
    await rejection(resolve("http://example.com", { protocols: ["a", "b"] }).open(), RangeError);
    await rejection(resolve(() => URL_, { protocols: async () => "c" }).open(), RangeError);
    expect(asked.splice(0)).to.deep.equal(["ws://example.com/ a b", "ws://example.com/ c"]);
    await rejection(resolve(() => "nowhere").open(), UsageError);
    await rejection(resolve(URL_, { protocols: () => "a b" }).open(), UsageError);
    expect(asked).to.deep.equal([]);
  });
});

// The option perMessageDeflate: its defaults, and that nothing in it is ignored.

import { expect } from "chai";
import { type PerMessageDeflateOptions, resolveDeflate } from "../../lib/client/deflate-option.ts";
import { UsageError } from "../../lib/errors.ts";
import { thrown } from "../support/failure.ts";

const DEFAULTS = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  threshold: 64,
  level: 6,
  memLevel: 8,
};

/** With options of any kind. */
function resolveRaw(options: unknown): unknown {
  return resolveDeflate(options as PerMessageDeflateOptions);
}

describe("resolveDeflate", () => {
  it("is off where it is not asked for", () => {
    for (const value of [undefined, false]) expect(resolveDeflate(value)).to.equal(undefined);
  });

  it("knows the defaults", () => {
    const unset = { level: undefined, serverMaxWindowBits: undefined, clientNoContextTakeover: undefined };
    for (const value of [true, {}, unset]) expect(resolveRaw(value)).to.deep.equal(DEFAULTS);
  });

  const good: PerMessageDeflateOptions[] = [
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    { serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
    { threshold: 0, level: 0, memLevel: 1 },
    { threshold: Number.MAX_SAFE_INTEGER, level: 9, memLevel: 9 },
  ];
  for (const options of good) {
    it(`takes ${JSON.stringify(options)}`, () => {
      expect(resolveDeflate(options)).to.deep.equal({ ...DEFAULTS, ...options });
    });
  }

  const bad: [options: unknown, code: string][] = [
    ...["serverMaxWindowBits", "clientMaxWindowBits"].flatMap((name) =>
      [8, 16, 0, -9, 9.5, "10", Number.NaN, null, true].map((value): [unknown, string] => [
        { [name]: value },
        "ERR_WS_INVALID_ARGUMENT",
      ]),
    ),
    ...["serverNoContextTakeover", "clientNoContextTakeover"].flatMap((name) =>
      [0, 1, "true", null, {}].map((value): [unknown, string] => [
        { [name]: value },
        "ERR_WS_INVALID_ARGUMENT",
      ]),
    ),
    ...[-1, 0.5, Number.POSITIVE_INFINITY, "1024", 2 ** 53].map((threshold): [unknown, string] => [
      { threshold },
      "ERR_WS_INVALID_ARGUMENT",
    ]),
    ...[-1, 10, 1.5, "6"].map((level): [unknown, string] => [{ level }, "ERR_WS_INVALID_ARGUMENT"]),
    ...[0, 10, 1.5].map((memLevel): [unknown, string] => [{ memLevel }, "ERR_WS_INVALID_ARGUMENT"]),
    ["yes", "ERR_WS_INVALID_ARGUMENT"],
    [1, "ERR_WS_INVALID_ARGUMENT"],
    [null, "ERR_WS_INVALID_ARGUMENT"],
    [{ zlibDeflateOptions: {} }, "ERR_WS_UNKNOWN_OPTION"],
    [{ server_no_context_takeover: true }, "ERR_WS_UNKNOWN_OPTION"],
    [{ constructor: 1 }, "ERR_WS_UNKNOWN_OPTION"],
    [{ hasOwnProperty: 1 }, "ERR_WS_UNKNOWN_OPTION"],
    [JSON.parse('{ "__proto__": { "level": 1 } }'), "ERR_WS_UNKNOWN_OPTION"],
  ];
  for (const [options, code] of bad) {
    it(`refuses ${typeof options === "object" ? JSON.stringify(options) : String(options)}`, () => {
      const error = thrown(() => resolveRaw(options), UsageError);
      expect(error.code).to.equal(code);
      if (typeof options === "object" && options !== null)
        expect(error.message).to.include(`perMessageDeflate.${Object.keys(options)[0]}`);
    });
  }

  it("is not told by what somebody put on Object.prototype", () => {
    const prototype = Object.prototype as Record<string, unknown>;
    prototype.level = 1;
    prototype.clientNoContextTakeover = true;
    try {
      for (const value of [true, {}] as const) expect(resolveDeflate(value)).to.deep.equal(DEFAULTS);
    } finally {
      delete prototype.level;
      delete prototype.clientNoContextTakeover;
    }
  });
});

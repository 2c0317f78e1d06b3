// The option `tls`: what each of its own may be, and which say nothing beside others.

import { inspect } from "node:util";
import { expect } from "chai";
import { resolveTls } from "../../lib/client/tls-options.ts";
import { UsageError } from "../../lib/errors.ts";
import type { TlsOptions } from "../../lib/transport/transport.ts";
import { thrown } from "../support/failure.ts";

/** As a caller without types may write it. */
function resolve(options: unknown): TlsOptions {
  return resolveTls(options as TlsOptions);
}

const PIN = `${"A".repeat(42)}E=`;

describe("resolveTls", () => {
  it("is empty by default, and asks no runtime then", () => {
    const runtime = { checkTls: () => expect.fail("it was asked") };
    for (const tls of [undefined, {}, { ca: undefined }]) {
      expect(
        Object.values(resolveTls(tls as TlsOptions, runtime)).every((value) => value === undefined),
      ).to.equal(true);
    }
  });

  it("takes what it is given, and asks the runtime about it, once", () => {
    const given = {
      ca: ["a", Uint8Array.of(1)],
      cert: "b",
      key: Buffer.from("c"),
      passphrase: "",
      crl: "d",
      servername: "e",
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined,
      keylog: () => {},
      ciphers: "f",
      ecdhCurve: "g",
      sigalgs: "h",
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.2",
    } as const;
    const asked: TlsOptions[] = [];
    const resolved = resolveTls(given, { checkTls: (options) => void asked.push(options) });
    expect({ ...resolved }).to.deep.equal(given);
    expect(asked).to.deep.equal([resolved]);
    expect(asked[0]).to.equal(resolved);
    expect(resolve({ pfx: "a", passphrase: "b" })).to.include({ pfx: "a", passphrase: "b" });
    expect(resolve({ rejectUnauthorized: false })).to.include({ rejectUnauthorized: false });
  });

  it("passes on what the runtime refuses", () => {
    const failure = new UsageError("not here", "ERR_WS_UNSUPPORTED");
    const checkTls = () => {
      throw failure;
    };
    expect(thrown(() => resolveTls({ ciphers: "a" }, { checkTls }), UsageError)).to.equal(failure);
  });

  const slash = `/${"A".repeat(41)}E=`; // base64 may begin with what curl puts before it
  const pins: [pins: string | string[], resolved: string[]][] = [
    [`sha256/${PIN}`, [`sha256/${PIN}`]],
    [`sha256//${PIN}`, [`sha256/${PIN}`]],
    [`sha256/${slash}`, [`sha256/${slash}`]],
    [`sha256//${slash}`, [`sha256/${slash}`]],
    [
      [`sha256/${PIN}`, `sha256//${slash}`],
      [`sha256/${PIN}`, `sha256/${slash}`],
    ],
  ];
  for (const [given, resolved] of pins) {
    it(`takes ${JSON.stringify(given)} for pins`, () =>
      expect(resolve({ pins: given }).pins).to.deep.equal(resolved));
  }

  const MATERIAL = [
    5,
    null,
    true,
    "",
    [],
    [""],
    ["a", 5],
    [["a"]],
    {},
    new Uint8Array(0),
    new ArrayBuffer(1),
    () => "a",
  ];
  const TEXT = [5, null, true, "", "a\0b", ["a"], {}];
  const FUNCTION = [5, null, "f", {}, true];
  const wrong: [name: string, values: unknown[]][] = [
    ["ca", MATERIAL],
    ["cert", MATERIAL],
    ["key", MATERIAL],
    ["pfx", MATERIAL],
    ["crl", MATERIAL],
    ["passphrase", [5, null, ["a"], Buffer.from("a")]],
    ["servername", TEXT],
    ["ciphers", TEXT],
    ["ecdhCurve", TEXT],
    ["sigalgs", TEXT],
    ["rejectUnauthorized", [0, 1, "false", null]],
    ["checkServerIdentity", FUNCTION],
    ["keylog", FUNCTION],
    ["minVersion", ["TLSv1.4", "tlsv1.2", "SSLv3", "", 1.2, null, "constructor"]],
    ["maxVersion", ["TLSv1.4", 3, null]],
    [
      "pins",
      [
        ...[
          "",
          "sha256/",
          PIN,
          `sha1/${PIN}`,
          `SHA256/${PIN}`,
          `sha256///${PIN}`,
          `sha256/${PIN} `,
          `sha256/${PIN}\n`,
        ],
        ...[
          `sha256/${PIN.slice(1)}`,
          `sha256/A${PIN}`,
          `sha256/${PIN.slice(0, -1)}`,
          `sha256/${"A".repeat(42)}B=`,
        ],
        ...[`sha256/${"_".repeat(42)}E=`, `sha256//${PIN};sha256//${PIN}`, "a".repeat(64)],
        ...[[], [`sha256/${PIN}`, ""], [[`sha256/${PIN}`]], null, 5, {}, new Set([`sha256/${PIN}`])],
      ],
    ],
  ];
  for (const [name, values] of wrong) {
    for (const [i, value] of values.entries()) {
      it(`refuses ${name}: ${inspect(value)} (${i})`, () => {
        const partner = name === "cert" ? { key: "a" } : name === "key" ? { cert: "a" } : {};
        const error = thrown(() => resolve({ ...partner, [name]: value }), UsageError);
        expect(error.code).to.equal("ERR_WS_INVALID_ARGUMENT");
        expect(error.message).to.include(`tls.${name} is `);
      });
    }
  }

  for (const name of [
    "secureContext",
    "ALPNProtocols",
    "session",
    "host",
    "constructor",
    "__proto__",
    "a\nb",
  ]) {
    it(`knows no ${JSON.stringify(name)}`, () => {
      const error = thrown(() => resolve(JSON.parse(`{${JSON.stringify(name)}:"a"}`)), UsageError);
      expect(error.code).to.equal("ERR_WS_UNKNOWN_OPTION");
      expect(error.message).to.include(JSON.stringify(`tls.${name}`));
    });
  }

  const contradictions: TlsOptions[] = [
    { cert: "a" },
    { key: "a" },
    { cert: "a", pfx: "b" },
    { pfx: "a", cert: "b", key: "c" },
    { passphrase: "a" },
    { minVersion: "TLSv1.3", maxVersion: "TLSv1.2" },
    { rejectUnauthorized: false, checkServerIdentity: () => undefined },
  ];
  for (const tls of contradictions) {
    it(`refuses what says nothing: ${inspect(tls)}`, () => {
      expect(thrown(() => resolve(tls), UsageError).code).to.equal("ERR_WS_INVALID_ARGUMENT");
    });
  }

  it("refuses what is no object, and never shows a value", () => {
    for (const tls of [null, 5, "SECRET", true]) thrown(() => resolve(tls), UsageError);
    for (const name of ["passphrase", "key"]) {
      const error = thrown(() => resolve({ [name]: "SECRET" }), UsageError);
      expect(inspect(error)).not.to.include("SECRET");
    }
  });

  it("has no ear for what somebody put on Object.prototype", () => {
    const polluted = Object.prototype as Record<string, unknown>;
    Object.assign(polluted, { rejectUnauthorized: false, cert: "evil", pins: 5 });
    try {
      const resolved = resolve({ ca: "a" });
      expect([resolved.rejectUnauthorized, resolved.cert, resolved.pins]).to.deep.equal([
        undefined,
        undefined,
        undefined,
      ]);
    } finally {
      for (const name of ["rejectUnauthorized", "cert", "pins"]) delete polluted[name];
    }
  });
});

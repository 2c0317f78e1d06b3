// Settings to the library's options, with the files that they name.

import { expect } from "chai";
import { optionsOf } from "../../lib/cli/options.ts";
import { type Settings, settingsFor } from "../../lib/cli/settings.ts";
import type { AppOptions } from "../../lib/client/app.ts";
import { UsageError } from "../../lib/errors.ts";
import { thrown } from "../support/failure.ts";

const pem = (what: string) => `a comment\n-----BEGIN ${what}-----\nMAA=\n-----END ${what}-----\n`;
const CA = pem("CERTIFICATE");
const CA2 = pem("TRUSTED CERTIFICATE");
const CERT = `${pem("EC PRIVATE KEY")}${pem("CERTIFICATE")}`;
const KEY = pem("ENCRYPTED PRIVATE KEY");

const FILES: Record<string, string> = {
  "h.txt": "Authorization: Bearer s3cret\r\n\nX-A: 1: 2\n",
  "bad.txt": "Authorization s3cret\n",
  "c.txt": "a=1; b=2\n",
  "ca.pem": CA,
  "ca2.pem": CA2,
  "cert.pem": CERT,
  "key.pem": KEY,
  "pass.txt": "open sesame\nsecond line\n",
};

function read(path: string): Uint8Array {
  const text = FILES[path];
  if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
  return new TextEncoder().encode(text);
}

const bytes = (text: string) => new TextEncoder().encode(text);

const ROWS: readonly [title: string, settings: Partial<Settings>, options: AppOptions][] = [
  ["nothing", {}, {}],
  [
    "headers",
    { headers: ["A:b", " C :  d: e "] },
    {
      headers: [
        ["A", "b"],
        ["C", "d: e"],
      ],
    },
  ],
  ["an empty header", { headers: ["A:"] }, { headers: [["A", ""]] }],
  [
    "headers in a file",
    { headers: ["@h.txt"] },
    {
      headers: [
        ["Authorization", "Bearer s3cret"],
        ["X-A", "1: 2"],
      ],
    },
  ],
  ["subprotocols", { protocols: ["a", "b"] }, { protocols: ["a", "b"] }],
  ["an origin and a host", { origin: "https://o", host: "h" }, { origin: "https://o", host: "h" }],
  ["cookies", { cookie: "a=1" }, { cookies: "a=1" }],
  ["cookies in a file", { cookie: "@c.txt" }, { cookies: "a=1; b=2" }],
  ["a timeout", { timeout: 5 }, { timeout: 5 }],
  ["no timeout", { timeout: 0 }, { timeout: 0 }],
  ["redirects", { follow: true }, { redirect: "follow" }],
  ["a proxy", { proxy: "http://p" }, { proxy: "http://p" }],
  ["no proxy", { proxy: false }, { proxy: false }],
  ["a place", { connectTo: { host: "h", port: 1 } }, { connectTo: { host: "h", port: 1 } }],
  ["a Unix socket", { socketPath: "/s" }, { socketPath: "/s" }],
  ["a family", { family: 6 }, { family: 6 }],
  ["a size", { maxSize: 7 }, { maxMessageSize: 7 }],
  ["pings", { ping: 9 }, { keepAlive: { interval: 9, timeout: 9 } }],
  ["reconnection", { reconnect: true }, { reconnect: true }],
  ["reconnection after a while", { reconnect: 7 }, { reconnect: 7 }],
  ["no verification", { url: "wss://h/", verify: false }, { tls: { rejectUnauthorized: false } }],
  ["nothing of it where there is nothing to verify", { verify: false }, {}],
  [
    "it where a redirect may lead to TLS",
    { verify: false, follow: true },
    { redirect: "follow", tls: { rejectUnauthorized: false } },
  ],
  ["authorities", { ca: ["ca.pem", "ca2.pem"] }, { tls: { ca: [bytes(CA), bytes(CA2)] } }],
  ["a certificate with its key", { cert: "cert.pem" }, { tls: { cert: bytes(CERT), key: bytes(CERT) } }],
  [
    "a certificate and a key",
    { cert: "cert.pem", key: "key.pem", passphraseFile: "pass.txt" },
    { tls: { cert: bytes(CERT), key: bytes(KEY), passphrase: "open sesame" } },
  ],
  ["a servername and pins", { servername: "s", pins: ["p"] }, { tls: { servername: "s", pins: ["p"] } }],
];

describe("optionsOf", () => {
  for (const [title, settings, options] of ROWS) {
    it(`passes on ${title}`, () => {
      const made = optionsOf({ ...settingsFor("ws://h/"), ...settings }, read);
      const plain = JSON.parse(JSON.stringify(made, plainly));
      expect(plain).to.deep.equal({
        headers: [],
        protocols: [],
        ...JSON.parse(JSON.stringify(options, plainly)),
      });
    });
  }

  it("asks for compression", () => {
    const made: object = optionsOf({ ...settingsFor("ws://h/"), compress: true }, read);
    expect(made).to.include({ perMessageDeflate: true });
  });

  it("names a file that cannot be read, and the flag", () => {
    for (const [flag, settings] of [
      ["--header", { headers: ["@nope"] }],
      ["--cookie", { cookie: "@nope" }],
      ["--ca", { ca: ["nope"] }],
      ["--cert", { cert: "nope" }],
      ["--key", { cert: "cert.pem", key: "nope" }],
      ["--passphrase-file", { cert: "cert.pem", passphraseFile: "nope" }],
      ["--replay", { replay: "nope" }],
    ] as const) {
      const error = thrown(() => optionsOf({ ...settingsFor("ws://h/"), ...settings }, read), UsageError);
      expect(error.message).to.equal(`${flag}: nope cannot be read: ENOENT`);
    }
  });

  it("names a file that has something else in it, and the flag", () => {
    for (const [settings, says] of [
      [{ ca: ["ca.pem", "key.pem"] }, "--ca: key.pem has no certificate in PEM"],
      [{ cert: "key.pem", key: "cert.pem" }, "--cert: key.pem has no certificate in PEM"],
      [{ cert: "cert.pem", key: "ca.pem" }, "--key: ca.pem has no private key in PEM"],
      [{ cert: "ca.pem" }, "--key: ca.pem has no private key in PEM"],
    ] as const) {
      const error = thrown(() => optionsOf({ ...settingsFor("ws://h/"), ...settings }, read), UsageError);
      expect(error.message).to.equal(says);
    }
  });

  it("refuses to play what is no recording", () => {
    const error = thrown(() => optionsOf({ ...settingsFor("ws://h/"), replay: "c.txt" }, read), UsageError);
    expect(error.message).to.equal("--replay: c.txt cannot be played: a line of the recording is no JSON");
  });

  it("does not repeat a header that has no colon, which may be a secret", () => {
    for (const headers of [["Authorization s3cret"], ["@bad.txt"], [":s3cret"]]) {
      const error = thrown(() => optionsOf({ ...settingsFor("ws://h/"), headers }, read), UsageError);
      expect(error.message).to.include("'Name: value'").and.not.include("s3cret");
    }
  });

  it("refuses at once a close that may not be sent", () => {
    for (const close of [
      { code: 1006, reason: "" },
      { code: 1000, reason: "x".repeat(124) },
    ])
      thrown(() => optionsOf({ ...settingsFor("ws://h/"), close }, read), UsageError);
  });
});

/** Bytes as lists, whatever class they are of. */
function plainly(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

// Command lines to settings, and what is said of those that are wrong.

import { expect } from "chai";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { GROUPS } from "../../lib/cli/flags.ts";
import { type Settings, settingsFor } from "../../lib/cli/settings.ts";
import { UsageError } from "../../lib/errors.ts";
import { thrown } from "../support/failure.ts";

const URL = "ws://h/";

/** Arguments before the url, and what they change. */
const SETS: readonly [title: string, args: string[], changes: Partial<Settings>][] = [
  ["nothing", [], {}],
  ["a header", ["-H", "A: b"], { headers: ["A: b"] }],
  ["headers, one by one", ["--header", "A: b, c", "-HD: e"], { headers: ["A: b, c", "D: e"] }],
  ["headers, in a list", ["--headers", "A: b, C: d,"], { headers: ["A: b", "C: d"] }],
  [
    "both, in their order",
    ["-H", "A: 1", "--headers=B: 2", "-H", "A: 3"],
    { headers: ["A: 1", "B: 2", "A: 3"] },
  ],
  ["a subprotocol", ["-s", "chat"], { protocols: ["chat"] }],
  ["subprotocols, one by one", ["-s", "a", "--subprotocol", "b"], { protocols: ["a", "b"] }],
  ["subprotocols, in one word", ["--subprotocols", "a, b"], { protocols: ["a", "b"] }],
  ["subprotocols, as a list before the url", ["-s", "a", "b", "c"], { protocols: ["a", "b", "c"] }],
  ["an origin", ["-o", "https://o"], { origin: "https://o" }],
  ["a host", ["--host", "other"], { host: "other" }],
  ["cookies", ["--cookie", "a=1; b=2"], { cookie: "a=1; b=2" }],
  ["a timeout", ["--timeout", "2.5"], { timeout: 2500 }],
  ["a timeout without its zero", ["--timeout", ".5"], { timeout: 500 }],
  ["no timeout", ["--timeout=0"], { timeout: 0 }],
  ["redirects", ["--follow"], { follow: true }],
  ["a proxy", ["-p", "http://p:1"], { proxy: "http://p:1" }],
  ["no proxy", ["--no-proxy"], { proxy: false }],
  ["no proxy, in words", ["--proxy", "none"], { proxy: false }],
  ["the last of several", ["-p", "http://p:1", "--no-proxy", "-p", "http://q:1"], { proxy: "http://q:1" }],
  ["another place", ["--connect-to", "h:81"], { connectTo: { host: "h", port: 81 } }],
  ["another place, IPv6", ["--connect-to", "[::1]:81"], { connectTo: { host: "::1", port: 81 } }],
  ["a Unix socket", ["--unix-socket", "/run/s"], { socketPath: "/run/s" }],
  ["IPv4", ["-4"], { family: 4 }],
  ["IPv6", ["--ipv6"], { family: 6 }],
  ["compression", ["--compress"], { compress: true }],
  ["a size", ["--max-size", "70"], { maxSize: 70 }],
  ["a size in KiB", ["--max-size", "64k"], { maxSize: 65536 }],
  ["a size in MiB", ["--max-size", "16M"], { maxSize: 16 * 1024 * 1024 }],
  ["pings", ["--ping", "20"], { ping: 20_000 }],
  ["pings, by their other name", ["--keep-alive", "20"], { ping: 20_000 }],
  ["reconnection", ["--reconnect"], { reconnect: true }],
  ["reconnection, with seconds", ["--reconnect", "5"], { reconnect: 5000 }],
  ["reconnection, with seconds behind =", ["--reconnect=0.5"], { reconnect: 500 }],
  ["a recording to make", ["--record", "a.ndjson"], { record: "a.ndjson" }],
  ["a recording to play", ["--replay", "a.ndjson"], { replay: "a.ndjson" }],
  ["no verification", ["-n"], { verify: false }],
  ["no verification, as elsewhere", ["--insecure"], { verify: false }],
  ["authorities", ["--ca", "a.pem", "--ca", "b.pem"], { ca: ["a.pem", "b.pem"] }],
  ["a certificate", ["--cert", "c", "--key", "k"], { cert: "c", key: "k" }],
  ["a passphrase", ["--cert", "c", "--passphrase-file", "p"], { cert: "c", passphraseFile: "p" }],
  ["a servername", ["--servername", "s"], { servername: "s" }],
  ["pins", ["--pin", "sha256/a", "--pin", "sha256/b"], { pins: ["sha256/a", "sha256/b"] }],
  ["texts", ["-t", "one", "--text", "two"], { texts: ["one", "two"] }],
  ["an empty text", ["-t", ""], { texts: [""] }],
  ["a text that begins with a dash", ["--text=-1", "-t-2"], { texts: ["-1", "-2"] }],
  ["a text that looks like a number", ["-t", "5"], { texts: ["5"] }],
  ["binary input", ["-b"], { binary: true }],
  ["hex input", ["--hex"], { hex: true }],
  ["the whole input", ["--whole"], { whole: true }],
  ["a wait", ["--eof-wait", "3"], { eofWait: 3000 }],
  ["no wait", ["--eof-wait", "0"], { eofWait: 0 }],
  ["a wait without end", ["--eof-wait", "forever"], { eofWait: Number.POSITIVE_INFINITY }],
  ["a close code", ["--close", "4000"], { close: { code: 4000, reason: "" } }],
  ["a close reason", ["--close", "4000:by:e "], { close: { code: 4000, reason: "by:e " } }],
  ["a count", ["--count", "3"], { count: 3 }],
  ["raw", ["-r"], { raw: true }],
  ["JSON", ["--json"], { json: true }],
  ["timings", ["--timings"], { timings: true }],
  ["trace", ["--trace"], { trace: true }],
  ["verbosity", ["-v"], { verbosity: 1 }],
  ["verbosity as a level", ["-v", "1"], { verbosity: 1 }],
  ["verbosity off", ["-v", "0"], { verbosity: 0 }],
  ["more verbosity", ["-vv"], { verbosity: 2, trace: true }],
  ["more verbosity, apart", ["-v", "-v"], { verbosity: 2, trace: true }],
  ["more verbosity as a level", ["-v", "2"], { verbosity: 2, trace: true }],
  ["more verbosity as a level behind =", ["--verbose=2"], { verbosity: 2, trace: true }],
  ["letters together", ["-nvr"], { verify: false, verbosity: 1, raw: true }],
  ["letters with a value at last", ["-vto"], { verbosity: 1, texts: ["o"] }],
];

const WRONG: readonly [title: string, args: string[], says: string][] = [
  ["no url", [], "no url: say where to connect, such as ws://localhost:4040/"],
  ["a url without a scheme", ["localhost:4040"], "is it ws://localhost:4040/ or wss://localhost:4040/?"],
  ["a url without a scheme, with a path", ["h.example/a"], "is it ws://h.example/ or wss://h.example/?"],
  ["two urls", [URL, URL], "there are 2 arguments where one url is expected: are quotes missing?"],
  ["an unknown flag", ["--nope", URL], "there is no flag --nope"],
  ["an unknown letter", ["-q", URL], "there is no flag -q"],
  ["the url's flag of wscat", ["-c", URL], "there is no flag -c; the url stands without one"],
  ["a text's flag of wscat", ["--execute", "a", URL], "there is no flag --execute; is it --text?"],
  ["credentials as for curl", ["-u", "a:b", URL], "credentials stand in the url: wss://user:password@host/"],
  ["no verification as for curl", ["-k", URL], "there is no flag -k; is it --insecure?"],
  ["authorities as for curl", ["--cacert", "f", URL], "there is no flag --cacert; is it --ca?"],
  ["redirects as for curl", ["-L", URL], "there is no flag -L; is it --follow?"],
  ["a subprotocol as for websocat", ["--protocol", "a", URL], "is it --subprotocol?"],
  ["one message as for websocat", ["-1", URL], "there is no flag -1; is it --count 1?"],
  ["a flag cut short", ["--tim", URL], "there is no flag --tim; is it --timeout or --timings?"],
  ["a flag in another spelling", ["--sub-protocol", URL], "is it --subprotocol"],
  ["a letter of a group", ["-vq", URL], "there is no flag -q"],
  ["a value too many", ["--json=yes", URL], "--json takes no value"],
  ["no value", [URL, "--timeout"], "--timeout needs a value: SECONDS"],
  [
    "a flag for a value",
    ["-t", "-v", URL],
    "-t needs a value, and a flag follows: a value that begins so is -t-...",
  ],
  ["a flag for a value, in full", ["--text", "--json", URL], "a value that begins so is --text=-..."],
  [
    "a timeout with a unit",
    ["--timeout", "5s", URL],
    '--timeout takes a number of seconds, such as 5 or 0.5, not "5s"',
  ],
  ["a negative timeout", ["--timeout=-1", URL], "--timeout takes a number of seconds"],
  ["a timeout of weeks", ["--timeout", "2147484", URL], "--timeout takes a number of seconds"],
  ["a timeout in hex", ["--timeout", "0x10", URL], "--timeout takes a number of seconds"],
  ["no pings", ["--ping", "0", URL], "--ping takes a number of seconds above 0"],
  ["reconnection without a pause", ["--reconnect=0", URL], "--reconnect takes a number of seconds above 0"],
  ["reconnection at some time", ["--reconnect=soon", URL], "--reconnect takes a number of seconds"],
  ["a second number", ["--reconnect", "5", "6", URL], "there are 2 arguments"],
  ["a count of none", ["--count", "0", URL], "--count takes a whole number above 0"],
  ["half a count", ["--count", "1.5", URL], "--count takes a whole number above 0"],
  ["a size of none", ["--max-size", "0", URL], "--max-size takes a number of bytes"],
  ["a size in another unit", ["--max-size", "5q", URL], "--max-size takes a number of bytes"],
  ["a size beyond numbers", ["--max-size", "9007199254740993", URL], "--max-size takes a number of bytes"],
  ["a place without a port", ["--connect-to", "h", URL], "--connect-to takes HOST:PORT"],
  ["a place with port 0", ["--connect-to", "h:0", URL], "--connect-to takes HOST:PORT"],
  ["a place with a port too high", ["--connect-to", "h:65536", URL], "--connect-to takes HOST:PORT"],
  ["a place without brackets", ["--connect-to", "::1:80", URL], "--connect-to takes HOST:PORT"],
  ["a close without a code", ["--close", "bye", URL], "--close takes CODE or CODE:REASON"],
  ["a level that is none", ["--verbose=much", URL], "--verbose takes a level from 0 to 2"],
  ["JSON as it is", ["--json", "-r", URL], "--json and --raw are two ways to print: take one"],
  ["two places", ["--unix-socket", "/s", "--connect-to", "h:1", URL], "both say where to connect"],
  ["a recording over itself", ["--replay", "a", "--record", "a", URL], "--record would write over"],
  ["a key alone", ["--key", "k", URL], "--key is of no use without --cert"],
  ["a passphrase alone", ["--passphrase-file", "p", URL], "--passphrase-file is of no use without --cert"],
];

describe("parseArguments", () => {
  for (const [title, args, changes] of SETS) {
    it(`reads ${title}: ${args.join(" ")}`, () => {
      const expected = { ...settingsFor(URL), ...changes };
      expect(parseArguments([...args, URL]), "before the url").to.deep.equal(expected);
      // "-s a b" and "-v" would go on in the url no less than before it.
      expect(parseArguments([URL, ...args]), "behind it").to.deep.equal(expected);
      expect(parseArguments([...args, "--", URL]), "before --").to.deep.equal(expected);
    });
  }

  it("has a row for every flag", () => {
    const used = SETS.flatMap(([, args]) => args).join(" ");
    const missing = GROUPS.flatMap(([, flags]) => flags).filter(
      ({ name, short }) => !used.includes(`--${name}`) && !new RegExp(`(^| )-[nv]*${short}`).test(used),
    );
    expect(missing.map(({ name }) => name)).to.deep.equal([]);
  });

  for (const [title, args, says] of WRONG) {
    it(`refuses ${title}: ${args.join(" ")}`, () => {
      expect(thrown(() => parseArguments(args), UsageError).message).to.include(says);
    });
  }

  it("does not repeat what may be a secret whose quotes were forgotten", () => {
    const { message } = thrown(
      () => parseArguments(["-H", "Authorization:", "Bearer", "s3cret", URL]),
      UsageError,
    );
    expect(message).to.include("3 arguments").and.not.include("s3cret");
    const second = thrown(() => parseArguments(["-H", "Cookie:", "sid=s3cret"]), UsageError);
    expect(second.message).to.equal("the url has no scheme");
  });

  it("takes what is behind -- for a url, whatever it looks like", () => {
    expect(thrown(() => parseArguments(["--", "--json"]), UsageError).message).to.equal(
      "the url has no scheme",
    );
    const settings = parseArguments(["-v", "--", "wss:2"]);
    expect(settings).to.deep.equal({ ...settingsFor("wss:2"), verbosity: 1 });
  });

  for (const args of [["-h"], ["--help"], [URL, "--nope", "-h"], ["-vh"]]) {
    it(`answers ${args.join(" ")} with the help`, () => {
      expect(parseArguments(args)).to.equal("help");
    });
  }

  for (const args of [["-V"], ["--version"], ["--timeout", "x", "--version"]]) {
    it(`answers ${args.join(" ")} with the version`, () => {
      expect(parseArguments(args)).to.equal("version");
    });
  }
});

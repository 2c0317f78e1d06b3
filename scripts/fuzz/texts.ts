// Targets for texts: urls, proxies, redirects, cookies, extensions, what is shown of them. The outcome is a value or a UsageError,
// and what is given back holds what it promises.

import assert from "node:assert/strict";
import fc from "fast-check";
import { escapeControls } from "../../lib/bytes/escape.ts";
import { CookieJar } from "../../lib/client/cookie-jar.ts";
import { parseCookieDate, parseSetCookie } from "../../lib/client/set-cookie.ts";
import { literal } from "../../lib/codec/describe.ts";
import { HandshakeError, UsageError } from "../../lib/errors.ts";
import { acceptDeflate, offerDeflate, readDeflateAnswer } from "../../lib/handshake/deflate-offer.ts";
import { parseTarget } from "../../lib/handshake/endpoint.ts";
import { addressBytes, canonicalHost } from "../../lib/handshake/host.ts";
import { checkField, formatRequest, tokensOf } from "../../lib/handshake/http.ts";
import { isExempt, membersOf, parseExemption } from "../../lib/handshake/no-proxy.ts";
import { parseProxy } from "../../lib/handshake/proxy.ts";
import {
  redactedProtocols,
  redactedResource,
  redactedUrls,
  redactedValue,
} from "../../lib/handshake/redaction.ts";
import { redirectTarget } from "../../lib/handshake/redirect.ts";
import { AGREEMENT } from "../../spec/support/deflate.ts";
import { latinLike, type Target, target, textLike } from "./input.ts";

const LATIN_FIELD = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What `parse` gives, or undefined where it throws a UsageError. */
function parsed<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    assert.ok(error instanceof UsageError, `threw ${error instanceof Error ? error.stack : error}`);
    assert.doesNotMatch(error.message, /\p{Cc}/u, "the message has a control character");
    return undefined;
  }
}

const URLS = [
  ...[
    "ws://host.test/",
    "wss://user:S3CRET@host.test:8443/path?token=S3CRET",
    "http://[::1]:80/a%20b",
    "ws://127.0.0.1",
  ],
  ...[
    "ws+unix:/run/a.sock:/b?c=S3CRET",
    "wss+unix:///run/a%20b.sock",
    "ws://xn--a-8ha.test/#f",
    "https://a@b@c/?d@e",
  ],
];
const URL_TOKENS = [
  ...["//", "://", ":", "@", "/", "?", "#", "[", "]", "%2f", "&", "=", ".", "..", "\\", "ws", "+unix"],
];

const url = target<string>({
  name: "url",
  inputs: textLike(URLS, URL_TOKENS),
  check(text) {
    const found = parsed(() => parseTarget(text));
    if (found === undefined) return;
    const { resource, host, port, publicUrl, url } = found;
    assert.match(resource, /^[/?][\x21-\x7e]*$/);
    assert.match(host, /^[\x21-\x7e]+$/);
    assert.ok(port >= 0 && port < 65_536);
    formatRequest("GET", resource, [["Host", host]]);
    assert.doesNotMatch(publicUrl, /^\w+:\/\/[^/]*@/);
    // What was understood is understood again, and alike; credentials are gone from it.
    const again = parseTarget(url);
    assert.equal(again.url, url);
    assert.equal(`${again.username}${again.password}`, "");
  },
});

const secretUrl = target<string>({
  name: "url with secrets",
  inputs: textLike(
    ["ws://u:S3CRET@h/", "wss://u:S3CRET@h:1/p?a=S3CRET&S3CRET", "S3CRET@h"],
    [":", "@", "/", "?", "&", "=", "#"],
  ),
  check(text) {
    const found = parsed(() => parseTarget(text));
    if (found === undefined || /S3CRET/i.test(found.hostname + found.resource.split("?")[0])) return;
    // Host, path and the names in a query may be shown.
    assert.doesNotMatch(found.publicUrl.replace(/([?&])[^=&]*=/g, "$1"), /S3CRET/i);
  },
});

const PROXIES = [
  "http://proxy.test:3128",
  "https://u:p%40@[::1]:1/",
  "socks5h://u:p@proxy.test",
  "socks4://u@127.0.0.1:1080",
  "proxy.test:80",
];

const proxy = target<[string, boolean]>({
  name: "proxy's url",
  inputs: fc.tuple(textLike(PROXIES, URL_TOKENS), fc.boolean()),
  check([text, isSchemeNeeded]) {
    const found = parsed(() => parseProxy(text, "the option proxy", isSchemeNeeded));
    if (found === undefined) return;
    assert.ok(found.port > 0 && found.port < 65_536);
    assert.match(found.publicUrl, /^[a-z0-9]+:\/\/[^@/?#\\\s]+:\d+$/);
    assert.equal(canonicalHost(found.hostname), found.hostname);
    assert.doesNotMatch(found.username + found.password, /\p{Cc}/u);
  },
});

const noProxy = target<[string, string]>({
  name: "no_proxy",
  inputs: fc.tuple(
    textLike(
      ["*", "a.test, .b.test;10.0.0.0/8", "[::1]:80 fd00::/8", "*.example.com:8080"],
      [",", "/", ":", "[", "]", "*", "::", "."],
    ),
    textLike(["a.test", "10.1.2.3", "::1", "::ffff:10.1.2.3"], [".", ":", "::"]),
  ),
  check([list, host]) {
    const members = membersOf(list).flatMap((member) => parseExemption(member) ?? []);
    const is = isExempt(members, { host, port: 80 });
    assert.equal(typeof is, "boolean");
    if (members.length === 0) assert.equal(is, false);
  },
});

const hosts = target<string>({
  name: "host",
  inputs: textLike(
    ["a.test", "127.0.0.1", "::1", "::ffff:1.2.3.4", "0x7f.1", "fe80::1%eth0", "b\u00fccher.test"],
    [".", ":", "::", "0x", "%", "[", "]"],
  ),
  check(text) {
    const host = canonicalHost(text);
    if (host === undefined) return;
    assert.equal(canonicalHost(host), host);
    const bytes = addressBytes(host);
    if (bytes === undefined) return;
    assert.ok([4, 16].includes(bytes.length), `${bytes.length} bytes`);
    assert.ok(
      bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256),
      `${bytes}`,
    );
  },
});

const FROM = parseTarget("wss://user:S3CRET@host.test:444/dir/page?x");

const redirect = target<string>({
  name: "Location",
  inputs: latinLike(
    [
      "/a",
      "b?c",
      "//other.test/",
      "wss://other.test/x",
      "ws://host.test/",
      "https://host.test:444/y",
      "?",
      "#f",
    ],
    URL_TOKENS,
  ),
  check(location) {
    const answer = {
      status: 302,
      statusText: "",
      minorVersion: 1,
      body: "",
      rawHeaders: [["Location", location]] as const,
    };
    try {
      const to = redirectTarget(answer, FROM);
      assert.ok(to.secure, "it leads from wss to ws");
      assert.equal(to.socketPath, undefined);
      if (to.host !== FROM.host) assert.equal(to.username + to.password, "");
      formatRequest("GET", to.resource, [["Host", to.host]]);
    } catch (error) {
      assert.ok(error instanceof HandshakeError, `threw ${error instanceof Error ? error.stack : error}`);
    }
  },
});

const COOKIES = [
  "a=b; Path=/; Domain=www.example.com; Secure; HttpOnly",
  "__Host-a=b; Secure; Path=/",
  "a=b; Expires=Sun, 06 Nov 2094 08:49:37 GMT; Max-Age=10",
  'a="b c"; SameSite=Lax',
];
const COOKIE_TOKENS = [
  "; ",
  ";",
  "=",
  "Path=",
  "Domain=",
  "Secure",
  "Max-Age=",
  "Expires=",
  "-1",
  ",",
  '"',
  ".",
  "example.com",
  "__Host-",
];

const cookies = target<string[]>({
  name: "Set-Cookie",
  inputs: fc.array(latinLike(COOKIES, COOKIE_TOKENS), { minLength: 1, maxLength: 8 }),
  check(lines) {
    const from = { host: "www.example.com", path: "/dir/page", secure: true };
    const jar = new CookieJar({ now: () => 1e12 });
    for (const line of lines) {
      const cookie = parseSetCookie(line, from, 1e12);
      if (cookie !== undefined) {
        assert.ok(
          from.host === cookie.domain || from.host.endsWith(`.${cookie.domain}`),
          `for ${cookie.domain}`,
        );
        assert.ok(cookie.name.length + cookie.value.length <= 4096);
        assert.ok(!Number.isNaN(cookie.expires));
      }
      jar.set("wss://www.example.com/dir/page", line);
    }
    for (const url of [
      "wss://www.example.com/dir/page",
      "ws://www.example.com/",
      "wss://evil.test/",
      "wss://example.com/dir/",
    ]) {
      const header = jar.get(url);
      if (header !== undefined) checkField("Cookie", header);
      if (url.includes("evil")) assert.equal(header, undefined);
    }
  },
});

const dates = target<string>({
  name: "date of a cookie",
  inputs: latinLike(
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Nov  6 08:49:37 1994"],
    [" ", ":", "-", "1", "99", "Feb", "31"],
  ),
  check(text) {
    const time = parseCookieDate(text);
    assert.ok(time === undefined || Number.isInteger(time), `${time}`);
  },
});

const EXTENSIONS = [
  "permessage-deflate",
  "permessage-deflate; client_max_window_bits; server_no_context_takeover",
  'permessage-deflate; server_max_window_bits="10"; client_max_window_bits=15',
  "permessage-deflate; client_no_context_takeover, x-other; a=b",
];
const EXTENSION_TOKENS = [
  ";",
  ",",
  "=",
  '"',
  "\\",
  '\\"',
  "permessage-deflate",
  "server_max_window_bits",
  "client_max_window_bits",
  "8",
  "16",
  "__proto__",
];

const extensions = target<string[]>({
  name: "Sec-WebSocket-Extensions",
  inputs: fc.array(latinLike(EXTENSIONS, EXTENSION_TOKENS), { minLength: 1, maxLength: 3 }),
  check(values) {
    const request = { ...AGREEMENT, serverMaxWindowBits: 12, clientMaxWindowBits: 11 };
    const answer = readDeflateAnswer(values, request);
    if (typeof answer === "string") {
      assert.match(answer, LATIN_FIELD);
    } else if (answer !== undefined) {
      assert.ok(answer.serverMaxWindowBits >= 8 && answer.serverMaxWindowBits <= 15);
      assert.ok(answer.clientMaxWindowBits >= 8 && answer.clientMaxWindowBits <= 11);
    }
    assert.ok(typeof readDeflateAnswer(values, undefined) !== "object", "it agrees to what was not offered");
    const accepted = acceptDeflate(values, request);
    if (accepted === undefined) return;
    checkField("Sec-WebSocket-Extensions", accepted.answer);
    const { serverMaxWindowBits, clientMaxWindowBits } = accepted.agreement;
    assert.ok(serverMaxWindowBits >= 8 && serverMaxWindowBits <= 12);
    assert.ok(clientMaxWindowBits >= 8 && clientMaxWindowBits <= 15);
    assert.equal(typeof offerDeflate(accepted.agreement), "string");
  },
});

const shown = target<[string, string, Uint8Array]>({
  name: "what is shown",
  inputs: fc.tuple(
    latinLike(["Authorization", "X-Request-Id", "Sec-WebSocket-Protocol", "Location"], ["-", "key", "token"]),
    textLike(
      [
        "Bearer S3CRET",
        "https://u:S3CRET@h/?a=S3CRET#S3CRET",
        "chat, bearer.S3CRET",
        "eyJhbGciOiJub25lIn0.e30",
      ],
      ["//", "@", "?", "#", "=", ",", " "],
    ),
    fc.uint8Array({ maxLength: 50 }),
  ),
  check([name, value, bytes]) {
    for (const text of [
      redactedValue(name, value),
      redactedProtocols(value),
      redactedUrls(value),
      redactedResource(value),
    ])
      assert.equal(typeof text, "string");
    assert.doesNotMatch(escapeControls(value), /[\p{Cc}\p{Cf}\p{Cs}]/u);
    assert.match(literal(bytes), /^b(['"])[\x20-\x7e]*\1$/);
    assert.ok(
      tokensOf([[name, value]], name.toLowerCase()).every((token) => token === token.toLowerCase().trim()),
    );
  },
});

const fields = target<[string, string]>({
  name: "header field",
  inputs: fc.tuple(textLike(["X-Name", "a"], ["-", ":", " "]), textLike(["value", ""], [",", ";"])),
  check([name, value]) {
    const taken = parsed(() => {
      checkField(name, value);
      return true;
    });
    const bytes = taken && formatRequest("GET", "/", [[name, value]]);
    if (bytes) assert.equal(String.fromCharCode(...bytes).split("\r\n").length, 4);
  },
});

export const TEXTS: readonly Target[] = [
  ...[url, secretUrl, proxy, noProxy, hosts, redirect, cookies, dates, extensions, shown, fields],
];

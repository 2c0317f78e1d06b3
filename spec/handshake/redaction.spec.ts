// What of a handshake may be shown: what could be a secret is hidden, what tells of the connection is not.

import { expect } from "chai";
import { redactedProtocols, redactedResource, redactedValue } from "../../lib/handshake/redaction.ts";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2VjcmV0";

describe("redactedValue", () => {
  describe("hides all of the value of", () => {
    const names = [
      ...["Authorization", "authorization", "PROXY-AUTHORIZATION", "Cookie", "Set-Cookie", "Set-Cookie2"],
      ...[
        "X-Api-Key",
        "apikey",
        "X-MBX-APIKEY",
        "Ocp-Apim-Subscription-Key",
        "x-functions-key",
        "OK-ACCESS-SIGN",
      ],
      ...["OK-ACCESS-PASSPHRASE", "X-Password", "X-Pwd", "X-Access-Token", "X-CSRF-Token", "X-Client-Secret"],
      ...[
        "X-Session-Id",
        "X-Amz-Security-Token",
        "X-Signature",
        "X-JWT",
        "X-Credentials",
        "Authentication-Info",
      ],
    ];
    for (const name of names) it(name, () => expect(redactedValue(name, "s3cret")).to.equal("***"));
  });

  const rows: [title: string, name: string, value: string, shown: string][] = [
    ["the handshake's own", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["their answer", "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ["extensions", "Sec-WebSocket-Extensions", "permessage-deflate; a=1", "permessage-deflate; a=1"],
    ["a challenge", "WWW-Authenticate", 'Basic realm="a"', 'Basic realm="a"'],
    ["a proxy's", "Proxy-Authenticate", "Negotiate", "Negotiate"],
    ["what is harmless", "Server", "nginx/1.2 (a?)", "nginx/1.2 (a?***"],
    ["an address", "Origin", "https://a.example:8080", "https://a.example:8080"],
    ["a scheme with its token, whatever the name", "X-Forwarded", "Bearer s3cret", "***"],
    ["in any case", "X-Forwarded", "bASIC s3cret", "***"],
    ["a scheme without one", "Accept", "basic", "basic"],
    ["a JWT, whatever the name", "DPoP", JWT, "***"],
    ["a JWT among others", "X-A", `a=1; b=${JWT}; c=2`, "***"],
    ["a place's query", "Location", "https://h/a?token=s3cret&s3cret", "https://h/a?token=***&***"],
    ["a place's credentials", "Location", "https://ada:s3cret@h/a", "https://***@h/a"],
    ["credentials with an @", "Location", "wss://ada:s3c@ret@h/a", "wss://***@h/a"],
    ["a relative one", "location", "/a?token=s3cret#b", "/a?token=***"],
    ["what a fragment holds", "Location", "https://h/a#access_token=s3cret", "https://h/a#***"],
    ["a fragment that is a place", "Location", "https://h/a#part", "https://h/a#part"],
    ["a place behind a time", "Refresh", "5; url=https://h/?a=s3cret", "5; url=https://h/?a=***"],
    [
      "several places",
      "Link",
      "<https://h/?a=s3cret>; rel=x, <//u:s3cret@h>",
      "<https://h/?a=***>; rel=x, <//***@h>",
    ],
    ["where it came from", "Referer", "https://h/?a=s3cret", "https://h/?a=***"],
    ["subprotocols", "Sec-WebSocket-Protocol", "chat,  superchat", "chat, superchat"],
    ["a token among them", "Sec-WebSocket-Protocol", "access_token, s3cret", "***"],
  ];
  for (const [title, name, value, shown] of rows) {
    it(`shows ${title}: ${shown}`, () => expect(redactedValue(name, value)).to.equal(shown));
  }

  it("takes linear time, whatever a server sends", () => {
    const rows = ["eyJ", "eyJ-", "//", "//a", "//@", "?", "?a=", "#", "#=", " ", ",", "basic ", "=", "&="];
    for (const part of rows) {
      const value = part.repeat(Math.floor((256 * 1024) / part.length));
      for (const name of ["X", "Location", "Sec-WebSocket-Protocol"]) redactedValue(name, value);
    }
  }).timeout(2000);
});

describe("redactedResource", () => {
  const rows: [resource: string, shown: string][] = [
    ["/", "/"],
    ["/chat;p=1", "/chat;p=1"],
    ["/chat?", "/chat?"],
    ["/chat?token=s3cret", "/chat?token=***"],
    ["/chat?a=s3cret?b=s3cret&c", "/chat?a=***&***"],
    ["example.com:443", "example.com:443"],
  ];
  for (const [resource, shown] of rows)
    it(resource, () => expect(redactedResource(resource)).to.equal(shown));
});

describe("redactedProtocols", () => {
  const rows: [title: string, value: string, shown: string][] = [
    ["names", "graphql-transport-ws,v12.stomp", "graphql-transport-ws, v12.stomp"],
    ["nothing", "", ""],
    ["what is long", `chat,${"s3cret".repeat(7)}`, "chat, ***"],
    ["what tells that it is a token", "base64url.bearer.authorization.k8s.io.s3cret", "***"],
    ["what could act on a terminal", "a\x9b31m\tb", String.raw`a\x9b31m\x09b`],
  ];
  for (const [title, value, shown] of rows) it(title, () => expect(redactedProtocols(value)).to.equal(shown));
});

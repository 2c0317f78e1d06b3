// SOCKS4 and 4A in hex: what is sent, and every reply at every cut.

import { expect } from "chai";
import { ProxyError } from "../../lib/errors.ts";
import { parseProxy } from "../../lib/handshake/proxy.ts";
import { socks4 } from "../../lib/handshake/socks4.ts";
import { thrown } from "../support/failure.ts";
import { bytes, dialogue } from "../support/socks-talks.ts";
import { hear, hearAll, refusal } from "../support/talks.ts";

const talk = (host = "127.0.0.1", port = 8080, url = "socks4://proxy.test") =>
  socks4(parseProxy(url, "proxy", true), { host, port });

describe("socks4", () => {
  const requests: [title: string, host: string, port: number, url: string, sent: string][] = [
    ["an address", "127.0.0.1", 8080, "socks4://p", "04011f907f00000100"],
    ["a port of two bytes", "10.1.2.3", 0x0102, "socks4://p", "040101020a01020300"],
    ["port 443", "10.1.2.3", 443, "socks4://p", "040101bb0a01020300"],
    ["port 65535", "255.255.255.255", 65535, "socks4://p", "0401ffffffffffff00"],
    ["a user", "127.0.0.1", 80, "socks4://root@p", "040100507f000001726f6f7400"],
    ["a user in UTF-8", "127.0.0.1", 80, "socks4://%C3%A9@p", "040100507f000001c3a900"],
    ["a name", "a.test", 80, "socks4a://p", "040100500000000100612e7465737400"],
    ["a name, and a user", "a.test", 80, "socks4a://me@p", "04010050000000016d6500612e7465737400"],
    ["an address in the place of a name", "127.0.0.1", 80, "socks4a://p", "040100507f00000100"],
  ];
  for (const [title, host, port, url, sent] of requests) {
    it(`sends ${title}`, () => {
      expect(dialogue(talk(host, port, url), [])).to.equal(sent);
    });
  }

  describe("is content with", () => {
    const rows: [title: string, reply: string, rest: string][] = [
      ["90", "005a000000000000", ""],
      ["90 with an address, which nobody needs", "005a1f907f000001", ""],
      ["90 with bytes behind it, which are the tunnel's", "005affffffffffff", "\0Z and more"],
    ];
    for (const [title, reply, rest] of rows) {
      it(title, () => {
        expect(hearAll(() => talk(), bytes(reply) + rest).rest).to.equal(rest);
      });
    }
  });

  describe("fails for", () => {
    const rows: [title: string, reply: string, status: number | undefined, code: string, message: RegExp][] =
      [
        ["91", "005b000000000000", 91, "ERR_WS_PROXY", /refused: .*rejected or failed \(reply 91\)$/],
        ["91 that ends there", "005b", 91, "ERR_WS_PROXY", /rejected or failed/],
        ["92", "005c000000000000", 92, "ERR_WS_PROXY_AUTH", /identd/],
        ["93", "005d000000000000", 93, "ERR_WS_PROXY_AUTH", /another user/],
        ["94", "005e000000000000", undefined, "ERR_WS_PROXY", /does not speak SOCKS4: it answered 00 5e$/],
        ["0", "0000000000000000", undefined, "ERR_WS_PROXY", /does not speak SOCKS4/],
        [
          "another version",
          "045a000000000000",
          undefined,
          "ERR_WS_PROXY",
          /does not speak SOCKS4: it answered 04 5a$/,
        ],
        ["SOCKS5", "05ff", undefined, "ERR_WS_PROXY", /does not speak SOCKS4: it answered 05 ff$/],
        ["HTTP", "485454502f312e3120", undefined, "ERR_WS_PROXY", /it answered 48 54$/],
        [
          "an end after a byte",
          "00",
          undefined,
          "ERR_WS_PROXY",
          /closed the connection before its reply was whole$/,
        ],
        [
          "an end before the last",
          "005a0000000000",
          undefined,
          "ERR_WS_PROXY",
          /before its reply was whole$/,
        ],
      ];
    for (const [title, reply, status, code, message] of rows) {
      it(title, () => {
        const error = refusal(() => talk(), bytes(reply));
        expect(error)
          .to.be.instanceOf(ProxyError)
          .and.include({ status, code, proxy: "socks4://proxy.test:1080" });
        expect(error.message).to.match(message).and.include("the proxy socks4://proxy.test:1080 ");
      });
    }

    it("an end at once", () => {
      thrown(() => hear(talk(), []), ProxyError);
    });
  });
});

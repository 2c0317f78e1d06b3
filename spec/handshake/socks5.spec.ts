// SOCKS5 in hex: what is sent at which point, every reply at every cut, and lengths at their limits.

import { expect } from "chai";
import { ProxyError, UsageError } from "../../lib/errors.ts";
import { parseProxy } from "../../lib/handshake/proxy.ts";
import { socks5 } from "../../lib/handshake/socks5.ts";
import { thrown } from "../support/failure.ts";
import { toHex } from "../support/hex.ts";
import { bytes, dialogue } from "../support/socks-talks.ts";
import { hear, hearAll, latin1, refusal } from "../support/talks.ts";

const LOGIN = "socks5://user:pass@proxy.test";

const talk = (url = "socks5://proxy.test", host = "127.0.0.1", port = 8080) =>
  socks5(parseProxy(url, "proxy", true), { host, port });

const hexOf = (text: string) => toHex(new TextEncoder().encode(text));

describe("socks5", () => {
  describe("sends", () => {
    const V4 = "050100017f0000011f90";
    const rows: [title: string, url: string, host: string, port: number, replies: string[], sent: string][] =
      [
        ["only its methods at first", "socks5://p", "127.0.0.1", 8080, [], "050100"],
        ["both methods with a login", LOGIN, "127.0.0.1", 8080, [], "05020002"],
        ["an IPv4 address", "socks5://p", "127.0.0.1", 8080, ["0500"], `050100 | ${V4}`],
        ["no login that is not asked for", LOGIN, "127.0.0.1", 8080, ["0500"], `05020002 | ${V4}`],
        [
          "the login that is, and the request when it is taken",
          LOGIN,
          "127.0.0.1",
          8080,
          ["0502", "0100"],
          `05020002 | 01${"04"}${hexOf("user")}04${hexOf("pass")} | ${V4}`,
        ],
        [
          "not the request before it is taken",
          LOGIN,
          "127.0.0.1",
          8080,
          ["0502"],
          `05020002 | 0104${hexOf("user")}04${hexOf("pass")}`,
        ],
        [
          "a user without a password",
          "socks5://user@p",
          "127.0.0.1",
          8080,
          ["0502"],
          `05020002 | 0104${hexOf("user")}00`,
        ],
        [
          "a login in UTF-8",
          "socks5://%C3%A9:%C3%A4@p",
          "127.0.0.1",
          8080,
          ["0502"],
          "05020002 | 0102c3a902c3a4",
        ],
        [
          "an IPv6 address",
          "socks5://p",
          "2001:db8::1",
          443,
          ["0500"],
          "050100 | 0501000420010db800000000000000000000000101bb",
        ],
        ["a name", "socks5h://p", "a.test", 65535, ["0500"], `050100 | 0501000306${hexOf("a.test")}ffff`],
      ];
    for (const [title, url, host, port, replies, sent] of rows) {
      it(title, () => {
        expect(dialogue(talk(url, host, port), replies)).to.equal(sent);
      });
    }

    it("names and logins of 255 bytes, and none of 256", () => {
      const long = "x".repeat(255);
      const url = `socks5h://${long}:${long}@p`;
      const said = dialogue(talk(url, long), ["0502", "0100"]).split(" | ");
      expect(said[1]).to.equal(`01ff${hexOf(long)}ff${hexOf(long)}`);
      expect(said[2]).to.equal(`05010003ff${hexOf(long)}1f90`);
      const error = thrown(() => dialogue(talk("socks5h://p", `${long}x`), ["0500"]), UsageError);
      expect(error.message).to.include("255 bytes");
    });
  });

  describe("is content with", () => {
    const rows: [title: string, url: string, said: string][] = [
      ["no authentication", "socks5://p", "0500 05000001000000000000"],
      ["an address that it connected from", "socks5://p", "0500 05000001 7f000001 1f90"],
      ["an IPv6 one", "socks5://p", "0500 05000004 00000000000000000000000000000001 1f90"],
      ["a name", "socks5://p", "0500 05000003 05 6c6f63616c 1f90"],
      ["an empty name", "socks5://p", "0500 05000003 00 1f90"],
      ["a name of 255 bytes", "socks5://p", `0500 05000003 ff ${"61".repeat(255)} 1f90`],
      ["a reserved byte that is not zero", "socks5://p", "0500 0500ff01000000000000"],
      ["a login", LOGIN, "0502 0100 05000001000000000000"],
      ["a login, to which it answers with version 5", LOGIN, "0502 0500 05000001000000000000"],
      ["no login where one was offered", LOGIN, "0500 05000001000000000000"],
    ];
    for (const [title, url, said] of rows) {
      it(`${title}, and leaves what follows to the tunnel`, () => {
        const text = bytes(said);
        for (const rest of ["", "\x05\0\0\x01", "HTTP/1.1 200 OK\r\n\r\n"])
          expect(hearAll(() => talk(url), text + rest).rest).to.equal(rest);
      });
    }
  });

  describe("fails for", () => {
    const cannot = (status: number, what: RegExp): [string, string, string, number, string, RegExp] => [
      `reply ${status}`,
      "socks5://p",
      `0500 05${status.toString(16).padStart(2, "0")}0001000000000000`,
      status,
      "ERR_WS_PROXY",
      what,
    ];
    const rows: [string, string, string, number | undefined, string, RegExp][] = [
      cannot(1, /refused: general failure \(reply 1\)$/),
      cannot(2, /rules do not allow/),
      cannot(3, /network unreachable/),
      cannot(4, /host unreachable/),
      cannot(5, /connection refused/),
      cannot(6, /time to live expired/),
      cannot(7, /command/),
      cannot(8, /kind of address/),
      cannot(9, /it does not say why \(reply 9\)$/),
      cannot(255, /it does not say why \(reply 255\)$/),
      [
        "a refusal that ends early",
        "socks5://p",
        "0500 0505",
        5,
        "ERR_WS_PROXY",
        /connection refused \(reply 5\)$/,
      ],
      [
        "no method, without a login",
        "socks5://p",
        "05ff",
        undefined,
        "ERR_WS_PROXY_AUTH",
        /wants a login: give/,
      ],
      [
        "no method, with a login",
        LOGIN,
        "05ff",
        undefined,
        "ERR_WS_PROXY_AUTH",
        /neither a user name and password nor none$/,
      ],
      [
        "a login that it refuses",
        LOGIN,
        "0502 0101",
        undefined,
        "ERR_WS_PROXY_AUTH",
        /refused the user name and password$/,
      ],
      [
        "a login that it refuses with 255",
        LOGIN,
        "0502 01ff",
        undefined,
        "ERR_WS_PROXY_AUTH",
        /refused the user name and password$/,
      ],
      [
        "a method that was not offered",
        "socks5://p",
        "0502",
        undefined,
        "ERR_WS_PROXY",
        /does not speak SOCKS5: it answered 05 02$/,
      ],
      ["GSSAPI", LOGIN, "0501", undefined, "ERR_WS_PROXY", /does not speak SOCKS5: it answered 05 01$/],
      [
        "SOCKS4",
        "socks5://p",
        "005b000000000000",
        undefined,
        "ERR_WS_PROXY",
        /does not speak SOCKS5: it answered 00 5b$/,
      ],
      ["HTTP", "socks5://p", "485454502f312e3120", undefined, "ERR_WS_PROXY", /it answered 48 54$/],
      [
        "another version, later",
        "socks5://p",
        "0500 04000001000000000000",
        undefined,
        "ERR_WS_PROXY",
        /it answered 04 00$/,
      ],
      [
        "another kind of address",
        "socks5://p",
        "0500 05000002000000000000",
        undefined,
        "ERR_WS_PROXY",
        /it answered 05 00 00 02$/,
      ],
      ["an end in its method", "socks5://p", "05", undefined, "ERR_WS_PROXY", /before its reply was whole$/],
      [
        "an end behind its method",
        "socks5://p",
        "0500",
        undefined,
        "ERR_WS_PROXY",
        /before its reply was whole$/,
      ],
      ["an end in its login", LOGIN, "0502 01", undefined, "ERR_WS_PROXY", /before its reply was whole$/],
      [
        "an end in its address",
        "socks5://p",
        "0500 0500000100000000",
        undefined,
        "ERR_WS_PROXY",
        /before its reply was whole$/,
      ],
      [
        "an end in its port",
        "socks5://p",
        "0500 05000003 0161 00",
        undefined,
        "ERR_WS_PROXY",
        /before its reply was whole$/,
      ],
    ];
    for (const [title, url, said, status, code, message] of rows) {
      it(title, () => {
        const error = refusal(() => talk(url), bytes(said));
        expect(error).to.be.instanceOf(ProxyError).and.include({ status, code });
        expect(error.message)
          .to.match(message)
          .and.match(/^the proxy socks5:\/\//);
        expect(error.message).not.to.match(/pass[^w]|user:/);
      });
    }

    it("an end at once", () => {
      thrown(() => hear(talk(), []), ProxyError);
      thrown(() => hear(talk(), [latin1("")]), ProxyError);
    });
  });
});

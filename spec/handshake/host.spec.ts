// Hosts in the one form in which they can be compared and sent.

import { expect } from "chai";
import { addressBytes, bracketed, canonicalHost } from "../../lib/handshake/host.ts";

describe("canonicalHost", () => {
  const rows: [text: string, canonical: string | undefined][] = [
    ["example.com", "example.com"],
    ["EXAMPLE.Com", "example.com"],
    ["example.com.", "example.com."],
    ["bücher.example", "xn--bcher-kva.example"],
    ["under_score.example", "under_score.example"],
    ["127.0.0.1", "127.0.0.1"],
    ["127.1", "127.0.0.1"],
    ["0x7f.0.0.1", "127.0.0.1"],
    ["::1", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:DB8::00FF", "2001:db8::ff"],
    ["::ffff:127.0.0.1", "::ffff:7f00:1"],
    // what is no host
    ["", undefined],
    [" ", undefined],
    ["a b", undefined],
    ["a\tb", undefined],
    ["a\nb", undefined],
    ["a\0b", undefined],
    ["a/b", undefined],
    ["a\\b", undefined],
    ["a?b", undefined],
    ["a#b", undefined],
    ["user@a", undefined],
    ["a:80", undefined],
    ["[::1]", undefined],
    ["[::1]:80", undefined],
    ["::1]:80", undefined],
    ["::1/64", undefined],
    ["fe80::1%eth0", undefined],
    ["1:2", undefined],
    [":", undefined],
    ["256.0.0.1", undefined],
    ["a%2fb", undefined],
    ["a%00b", undefined],
  ];
  for (const [text, canonical] of rows) {
    it(`${JSON.stringify(text)} is ${canonical ?? "no host"}`, () => {
      expect(canonicalHost(text)).to.equal(canonical);
      if (canonical !== undefined) expect(canonicalHost(canonical)).to.equal(canonical);
    });
  }
});

describe("addressBytes", () => {
  const zeros = (count: number) => Array<number>(count).fill(0);
  const rows: [host: string, bytes: number[] | undefined][] = [
    ["0.0.0.0", zeros(4)],
    ["127.0.0.1", [127, 0, 0, 1]],
    ["255.255.255.255", [255, 255, 255, 255]],
    ["::", zeros(16)],
    ["::1", [...zeros(15), 1]],
    ["1::", [0, 1, ...zeros(14)]],
    ["2001:db8::ff00:42:8329", [0x20, 1, 0xd, 0xb8, ...zeros(6), 0xff, 0, 0, 0x42, 0x83, 0x29]],
    ["1:2:3:4:5:6:7:8", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
    ["::2:3:4:5:6:7:8", [0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
    ["1:2:3:4:5:6:7::", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]],
    ["::ffff:7f00:1", [...zeros(10), 255, 255, 127, 0, 0, 1]],
    ["localhost", undefined],
    ["127.0.0.1.example", undefined],
    ["1.2.3", undefined],
    ["256.1.1.1", undefined],
    ["a.b.c.d", undefined],
    ["", undefined],
  ];
  for (const [host, bytes] of rows) {
    it(`${JSON.stringify(host)}: ${bytes?.join(" ") ?? "none"}`, () => {
      expect(addressBytes(host)).to.deep.equal(bytes);
    });
  }
});

describe("bracketed", () => {
  for (const [host, shown] of [
    ["::1", "[::1]"],
    ["127.0.0.1", "127.0.0.1"],
    ["example.com", "example.com"],
  ] as const) {
    it(`${host} stands before a port as ${shown}`, () => {
      expect(bracketed(host)).to.equal(shown);
    });
  }
});

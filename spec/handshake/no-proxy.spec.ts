// The list of no_proxy: what each member covers, and that it covers nothing else.

import { expect } from "chai";
import { type Exemption, isExempt, membersOf, parseExemption } from "../../lib/handshake/no-proxy.ts";

function listOf(text: string): Exemption[] {
  return membersOf(text).flatMap((member) => parseExemption(member) ?? []);
}

/** Host and port as in `example.com:80`, `[::1]:80`. */
function covers(list: string, place: string): boolean {
  const [, host = "", port] = /^\[?(.*?)\]?:(\d+)$/.exec(place) ?? [];
  return isExempt(listOf(list), { host, port: Number(port) });
}

describe("isExempt", () => {
  const rows: [list: string, covered: string[], others: string[]][] = [
    ["", [], ["example.com:80", "localhost:80", "127.0.0.1:80", "[::1]:80"]],
    [" , ,, ", [], ["example.com:80", "[::1]:80"]],
    ["*", ["example.com:80", "a.b:443", "127.0.0.1:1", "[::1]:80"], []],
    ["a.test, *", ["example.com:80"], []],
    ["*:81", ["example.com:81", "127.0.0.1:81"], ["example.com:80"]],

    // names, by label
    [
      "example.com",
      ["example.com:80", "a.example.com:80", "a.b.example.com:443", "EXAMPLE.com:80", "example.com.:80"],
      ["badexample.com:80", "example.com.evil.test:80", "com:80", "xample.com:80", "example.comm:80"],
    ],
    [
      ".example.com",
      ["example.com:80", "a.example.com:80", "a.b.example.com:80"],
      ["badexample.com:80", "bad.badexample.com:80", "com:80"],
    ],
    ["*.example.com", ["a.example.com:80", "example.com:80"], ["badexample.com:80"]],
    ["Example.COM", ["example.com:80", "A.EXAMPLE.COM:80"], []],
    ["example.com.", ["example.com:80", "a.example.com.:80"], ["badexample.com:80"]],
    ["localhost", ["localhost:80", "app.localhost:80"], ["127.0.0.1:80", "[::1]:80", "notlocalhost:80"]],
    ["com", ["example.com:80"], ["example.org:80", "telecom:80"]],
    ["bücher.example", ["xn--bcher-kva.example:80", "bücher.example:80"], ["bucher.example:80"]],
    ["under_score.test", ["under_score.test:80"], ["score.test:80"]],

    // ports
    ["example.com:8080", ["example.com:8080", "a.example.com:8080"], ["example.com:80", "example.com:808"]],
    [".example.com:443", ["a.example.com:443"], ["a.example.com:80"]],
    ["127.0.0.1:81", ["127.0.0.1:81"], ["127.0.0.1:80"]],
    ["[::1]:81", ["[::1]:81"], ["[::1]:80", "[::81]:81"]],
    ["10.0.0.0/8:81", ["10.1.1.1:81"], ["10.1.1.1:80"]],

    // addresses, by value
    [
      "127.0.0.1",
      ["127.0.0.1:80", "[::ffff:127.0.0.1]:80", "[::ffff:7f00:1]:80"],
      ["127.0.0.2:80", "[::1]:80"],
    ],
    ["127.0.0.1", ["127.1:80"], ["127.0.0.1.example:80", "a.127.0.0.1.test:80", "1.127.0.0.1.test:80"]],
    [
      "::1",
      ["[::1]:80", "[0:0:0:0:0:0:0:1]:80", "[0000::0001]:443"],
      ["[::2]:80", "127.0.0.1:80", "[::11]:80"],
    ],
    ["[::1]", ["[::1]:80"], ["[::2]:80"]],
    ["0:0:0:0:0:0:0:1", ["[::1]:80"], []],
    ["2001:DB8::1", ["[2001:db8:0:0::1]:80"], ["[2001:db8::2]:80"]],
    ["::ffff:10.0.0.1", ["10.0.0.1:80", "[::ffff:a00:1]:80"], ["10.0.0.2:80"]],
    ["::10.0.0.1", ["[::a00:1]:80"], ["10.0.0.1:80"]],

    // ranges
    [
      "10.0.0.0/8",
      ["10.0.0.0:80", "10.255.255.255:80", "[::ffff:10.1.2.3]:80"],
      ["11.0.0.0:80", "9.255.255.255:80"],
    ],
    ["10.1.2.3/8", ["10.200.0.1:80"], ["11.1.2.3:80"]],
    ["192.168.1.0/24", ["192.168.1.255:80"], ["192.168.2.1:80", "192.168.10.1:80"]],
    ["192.168.1.128/25", ["192.168.1.128:80", "192.168.1.255:80"], ["192.168.1.127:80"]],
    ["10.0.0.1/32", ["10.0.0.1:80"], ["10.0.0.0:80", "10.0.0.2:80"]],
    ["0.0.0.0/0", ["1.2.3.4:80", "255.1.1.1:80", "[::ffff:1.2.3.4]:80"], ["[::1]:80", "example.com:80"]],
    ["fd00::/8", ["[fd00::1]:80", "[fdff:ffff::]:80"], ["[fc00::1]:80", "[fe80::1]:80"]],
    ["fe80::/10", ["[fe80::1]:80", "[febf::1]:80"], ["[fec0::1]:80"]],
    ["[fe80::/10]:81", ["[fe80::1]:81"], ["[fe80::1]:80"]],
    ["2001:db8::/33", ["[2001:db8:7fff::1]:80"], ["[2001:db8:8000::1]:80"]],
    ["::1/128", ["[::1]:80"], ["[::]:80"]],
    ["::/0", ["[::1]:80", "[2001:db8::1]:80"], ["127.0.0.1:80", "[::ffff:127.0.0.1]:80", "example.com:80"]],
    ["::ffff:0:0/96", ["127.0.0.1:80", "[::ffff:10.0.0.1]:80"], ["[::1]:80"]],
    ["::ffff:10.0.0.0/104", ["10.9.9.9:80"], ["11.0.0.0:80"]],

    // lists
    ["a.test,b.test", ["a.test:80", "b.test:80"], ["c.test:80", "a.test,b.test:80"]],
    [" a.test , b.test ", ["a.test:80", "b.test:80"], []],
    ["a.test b.test\tc.test\nd.test", ["a.test:80", "b.test:80", "c.test:80", "d.test:80"], []],
    [",a.test,,b.test,", ["a.test:80", "b.test:80"], ["c.test:80"]],
    ["nonsense/8/9,a.test", ["a.test:80"], ["nonsense:80"]],
  ];
  for (const [list, covered, others] of rows) {
    it(`${JSON.stringify(list)} covers ${covered.join(" ") || "nothing"}${others.length > 0 ? `, not ${others.join(" ")}` : ""}`, () => {
      for (const place of covered) expect(covers(list, place), place).to.equal(true);
      for (const place of others) expect(covers(list, place), place).to.equal(false);
    });
  }

  it("a name that the platform alone understands is compared as it is", () => {
    expect(isExempt(listOf("localhost"), { host: "fe80::1%eth0", port: 80 })).to.equal(false);
    expect(isExempt(listOf("*"), { host: "fe80::1%eth0", port: 80 })).to.equal(true);
  });
});

describe("parseExemption", () => {
  const nonsense = [
    ...["<local>", "192.168.*", "exam*ple.com", "**", "*.", ".", "..", ".*", "..example.com", "a..b"],
    ...["http://example.com", "example.com/", "example.com/24", "/24", "/", "a/b", "user@example.com"],
    ...["localhost;127.0.0.1", "a|b", "a;b", "'example.com'", '"example.com"'],
    ...["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "::/129", "::/1000"],
    ...["10", "10.1", "10/8", "192.168/16", "010.0.0.1", "1.2.3.4.5", "256.1.1.1", "1.2.3.4.", "0x7f000001"],
    ...[":80", "example.com:", "example.com:0", "example.com:65536", "example.com:http", "example.com:80:80"],
    ...[
      "[::1",
      "::1]",
      "[::1]80",
      "[::1]:0",
      "[]",
      "[]:80",
      "[localhost]",
      "[127.0.0.1]:80",
      ":::",
      "1:2:3",
      "fe80::1%eth0",
    ],
    ...["%00", "%2e", "#", "?", "\\"],
  ];
  for (const member of nonsense) {
    it(`${member} means nothing`, () => {
      expect(parseExemption(member)).to.equal(undefined);
    });
  }
});

describe("membersOf", () => {
  it("has none in an empty list", () => {
    expect(membersOf("")).to.deep.equal([]);
    expect(membersOf(" ,\t, \n")).to.deep.equal([]);
  });
});

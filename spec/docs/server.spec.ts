// docs/server.md against the sources: what it says is refused is refused so, what decides of slow members is all there is.
// Its programs run in examples.spec.ts.

import { expect } from "chai";
import { RefusalError } from "../../lib/handshake/refusal.ts";
import { checkOpening, type RequestHead } from "../../lib/handshake/upgrade-server.ts";
import { resolveServe } from "../../lib/server/serve-options.ts";
import { declarationsIn } from "../support/declarations.ts";
import { thrown } from "../support/failure.ts";
import { codeIn, emptyCells, readPage, tableWith } from "../support/markdown.ts";
import { host } from "../support/server-runtime.ts";

const page = readPage("docs/server.md");

const GOOD: readonly [name: string, value: string][] = [
  ["Host", "localhost"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["Sec-WebSocket-Version", "13"],
];

/** A request with other fields in the place of those of their names; one without a value goes. */
function request(more: Partial<RequestHead>, ...others: [name: string, value: string][]): RequestHead {
  const kept = GOOD.filter(([name]) => !others.some(([other]) => other === name));
  const rawHeaders = [...kept, ...others.filter(([, value]) => value !== "")];
  return { method: "GET", target: "/", httpVersion: "1.1", rawHeaders, ...more };
}

const again = (name: string): [string, string][] => [...GOOD, ...GOOD].filter(([other]) => other === name);

/** The requests that each row is about. */
const REQUESTS: Readonly<Record<string, readonly RequestHead[]>> = {
  "another method than GET": [request({ method: "POST" }), request({ method: "HEAD" })],
  "another version of HTTP than 1.1": [request({ httpVersion: "1.0" })],
  "no Upgrade: websocket": [request({}, ["Upgrade", ""]), request({}, ["Upgrade", "h2c"])],
  "no Connection: Upgrade, as where a proxy took it out": [
    request({}, ["Connection", ""]),
    request({}, ["Connection", "keep-alive"]),
  ],
  "another Sec-WebSocket-Version than 13, which the answer names": [
    request({}, ["Sec-WebSocket-Version", "8"]),
    request({}, ["Sec-WebSocket-Version", ""]),
  ],
  "no Sec-WebSocket-Key, two, or one that is not 16 bytes in base64": [
    request({}, ["Sec-WebSocket-Key", ""]),
    request({}, ...again("Sec-WebSocket-Key")),
    request({}, ["Sec-WebSocket-Key", "c2hvcnQ="]),
  ],
  "no Host, or two; two Origins; a target and a Host that make no url": [
    request({}, ["Host", ""]),
    request({}, ...again("Host")),
    request({}, ["Origin", "http://a"], ["Origin", "http://b"]),
    request({ target: "*" }),
    request({}, ["Host", "a/b"]),
  ],
  "a body": [request({}, ["Content-Length", "1"]), request({}, ["Transfer-Encoding", "chunked"])],
  "a Sec-WebSocket-Protocol that is no list of names, or has one twice": [
    request({}, ["Sec-WebSocket-Protocol", "a b"]),
    request({}, ["Sec-WebSocket-Protocol", "a, a"]),
  ],
};

describe("docs/server.md", () => {
  it("has no empty cell", () => {
    expect(emptyCells(page)).to.deep.equal([]);
  });

  const refused = tableWith(page, "Request").rows.map((row) => row.map((cell) => cell.replaceAll("`", "")));

  it("lists what is refused", () => {
    expect(refused.map(([title = ""]) => title)).to.deep.equal(Object.keys(REQUESTS));
    expect(checkOpening(request({}), false).url).to.equal("ws://localhost/");
  });

  for (const [title = "", status] of refused) {
    it(`says what is answered to ${title}`, () => {
      for (const head of REQUESTS[title] ?? []) {
        const refusal = thrown(() => checkOpening(head, false), RefusalError);
        expect(String(refusal.status)).to.equal(status);
        const named = refusal.rawHeaders.some(([name]) => name === "Sec-WebSocket-Version");
        expect(named).to.equal(title.endsWith("which the answer names"));
      }
    });
  }

  it("lists all that may happen to a slow member", () => {
    const { rows } = tableWith(page, "`slow`");
    const listed = rows.flatMap(([cell = ""]) => codeIn(cell).map((code) => code.replaceAll('"', "")));
    expect(listed).to.have.members([...(declarationsIn("lib/server").unions.get("SlowMember") ?? [])]);
  });

  it("says the limits as they are", () => {
    const { accept, maxConnections } = resolveServe({ port: 0, onConnection() {} }, host);
    const said = new Map(
      tableWith(page, "What a client does").rows.flatMap(([, ends = "", value = ""]) =>
        codeIn(ends).map((name): [string, string] => [name, value]),
      ),
    );
    expect(said.get("closeTimeout")).to.equal(`${accept.closeTimeout / 1000} s`);
    expect(said.get("timeout")).to.equal("20 s, 20 s"); // the last of them: that of keepAlive
    expect(said.get("maxBufferedAmount")).to.equal(`${accept.maxBufferedAmount / 2 ** 20} MiB`);
    expect(said.get("maxMessageSize")).to.equal(`${accept.maxMessageSize / 2 ** 20} MiB`);
    expect(said.get("maxFragments")?.replace(" ", "")).to.equal(`${accept.maxFragments}`);
    expect(said.get("maxQueue")?.replace(" ", "")).to.equal(`${accept.maxQueue}`);
    expect(said.get("maxConnections")).to.equal(`\`${maxConnections}\``);
  });
});

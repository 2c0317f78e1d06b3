// The answer to an upgrade, kept in one string: it comes out as it went in.

import { inspect } from "node:util";
import { expect } from "chai";
import type { RawHeaders } from "../../lib/errors.ts";
import { KeptResponse } from "../../lib/session/kept-response.ts";

const rows: readonly [title: string, statusText: string, rawHeaders: RawHeaders][] = [
  ["no fields", "Switching Protocols", []],
  ["no phrase", "", [["Upgrade", "websocket"]]],
  ["neither", "", []],
  [
    "fields of one name, in their order",
    "Fine",
    [
      ["Set-Cookie", "a=1"],
      ["X", "2"],
      ["set-cookie", "b=2"],
    ],
  ],
  ["colons in a phrase and a value", "a: b", [["X", "c: d:e"]]],
  [
    "a value that is empty, and one of blanks and high bytes",
    "\t",
    [
      ["A", ""],
      ["B", "a \t\x80\xff"],
    ],
  ],
];

describe("KeptResponse", () => {
  for (const [title, statusText, rawHeaders] of rows) {
    it(title, () => {
      const kept = new KeptResponse({ status: 101, statusText, rawHeaders });
      expect(kept.status).to.equal(101);
      expect(kept.statusText).to.equal(statusText);
      expect(kept.rawHeaders).to.deep.equal(rawHeaders);
    });
  }

  it("does not show its fields when it is printed", () => {
    const kept = new KeptResponse({ status: 101, statusText: "", rawHeaders: [["Set-Cookie", "id=secret"]] });
    expect(inspect(kept, { depth: 9, showHidden: true })).to.not.include("secret");
  });
});

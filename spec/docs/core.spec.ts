// docs/core.md against lib/core.ts: what the page names is exported, and everything that is exported says what it is.

import { readFileSync } from "node:fs";
import { expect } from "chai";
import * as core from "../../lib/core.ts";
import { codeIn, emptyCells, readPage, tableWith } from "../support/markdown.ts";

const page = readPage("docs/core.md");

interface Export {
  readonly file: string;
  readonly names: readonly string[] | undefined;
}

/** The files that the kit is made of, and which of their names; undefined for all. */
const parts: readonly Export[] = Array.from(
  readFileSync("lib/core.ts", "utf8").matchAll(/^export (?:type )?(\*|\{[^}]*\}) from "\.\/([^"]+)";/gm),
  ([, list = "", file = ""]) => ({
    file: `lib/${file}`,
    names: list === "*" ? undefined : (list.match(/\w+(?=\s*[,}])/g) ?? []),
  }),
);

const DECLARATION = /^export (?:async )?(?:function\*?|class|const|interface|type) (\w+)/;

describe("docs/core.md", () => {
  it("has no empty cell", () => {
    expect(emptyCells(page)).to.deep.equal([]);
  });

  it("names parts that there are", () => {
    const named = tableWith(page, "Part").rows.flatMap(([cell = ""]) => codeIn(cell));
    const types = parts.flatMap(({ names }) => names ?? []);
    expect(named).to.have.length.above(20);
    expect(named.filter((name) => !(name in core) && !types.includes(name))).to.deep.equal([]);
  });
});

describe("isosocket/core", () => {
  it("exports what can be found by reading it", () => {
    expect(parts).to.have.length.above(20);
    const found = parts.flatMap(({ names }) => names ?? []);
    expect(found).to.include.members(["FrameDecoder", "Protocol", "record", "Transport"]);
  });

  for (const { file, names } of parts) {
    it(`says what each name of ${file} is`, () => {
      const lines = readFileSync(file, "utf8").split("\n");
      const declared = lines.flatMap((line, i) => {
        const [, name] = DECLARATION.exec(line) ?? [];
        if (name === undefined || names?.includes(name) === false) return [];
        return [{ name, hasComment: lines[i - 1]?.endsWith("*/") === true }];
      });
      if (names !== undefined) expect(declared.map(({ name }) => name)).to.have.members(names);
      expect(declared.filter(({ hasComment }) => !hasComment)).to.deep.equal([]);
    });
  }
});

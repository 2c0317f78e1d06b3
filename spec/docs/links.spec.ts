// The links of all pages: each leads to a file that there is, and to a heading in it; so do the paths that pages name.

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { anchorOf, codeIn, type Page, readPage } from "../support/markdown.ts";

const PAGES = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...readdirSync("docs")
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`),
];

const anchors = new Map<string, Set<string>>();

/** What the headings of a page are called in links; the second of the same text has a number. */
function anchorsOf(file: string): Set<string> {
  const known = anchors.get(file);
  if (known !== undefined) return known;
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const { title } of readPage(file).sections) {
    const anchor = anchorOf(title);
    const times = seen.get(anchor) ?? 0;
    found.add(times === 0 ? anchor : `${anchor}-${times}`);
    seen.set(anchor, times + 1);
  }
  anchors.set(file, found);
  return found;
}

/** Where the links of a page lead, but for those to elsewhere. */
function linksOf({ prose }: Page): string[] {
  const inMarkdown = Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target);
  const inTags = Array.from(prose.matchAll(/\b(?:href|src)="([^"]+)"/g), ([, target = ""]) => target);
  return [...inMarkdown, ...inTags].filter((target) => !/^[a-z]+:/.test(target));
}

function leadsNowhere(file: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? file : join(dirname(file), path);
  if (!existsSync(target)) return true;
  return anchor !== undefined && !anchorsOf(target).has(anchor);
}

describe("the links", () => {
  it("are found, and one that leads nowhere is noticed", () => {
    expect(PAGES.flatMap((file) => linksOf(readPage(file)))).to.have.length.above(150);
    for (const link of ["nothing.md", "../lib", "server.md#layout", "#nothing"])
      expect(leadsNowhere("docs/options.md", link), link).to.equal(link !== "../lib");
  });

  for (const file of PAGES) {
    it(`of ${file} lead to files and headings that there are`, () => {
      const page = readPage(file);
      expect(linksOf(page).filter((link) => leadsNowhere(file, link))).to.deep.equal([]);
    });

    it(`are not alone in that: so do the paths that ${file} names`, () => {
      const paths = codeIn(readPage(file).prose).filter((code) =>
        /^(docs|lib|spec|scripts)\/[\w./-]+$/.test(code),
      );
      expect(paths.filter((path) => !existsSync(path))).to.deep.equal([]);
    });
  }
});

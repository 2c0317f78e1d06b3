// What --help prints: all there is, in 80 columns.

import { expect } from "chai";
import { exitOf } from "../../lib/cli/exit.ts";
import { GROUPS } from "../../lib/cli/flags.ts";
import { help } from "../../lib/cli/help.ts";

const FLAGS = GROUPS.flatMap(([, flags]) => flags);

describe("help", () => {
  it("begins with how it is used", () => {
    expect(help()).to.match(/^usage: isosocket \[FLAG\]\.\.\. URL\n\n/);
  });

  it("fits a terminal of 80 columns, and ends its last line", () => {
    for (const line of help().split("\n")) {
      expect(line.length, line).to.be.at.most(79);
      expect(line, "white space at its end").to.not.match(/\s$/);
    }
    expect(help()).to.match(/[^\n]\n$/);
  });

  it("is plain ASCII", () => {
    expect(help()).to.match(/^[\n -~]*$/);
  });

  for (const { name, short, value, also = [] } of FLAGS) {
    it(`tells of --${name}`, () => {
      const shown = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
      const lines = help().split("\n");
      expect(lines.filter((line) => line.trimStart().startsWith(shown))).to.have.length(1);
      for (const other of also) expect(help()).to.include(`--${other}`);
    });
  }

  it("names no flag that there is not", () => {
    const names = new Set([
      ...FLAGS.flatMap(({ name, also = [] }) => [name, ...also]),
      ...["help", "version"],
    ]);
    for (const [, name] of help().matchAll(/--([a-z][a-z0-9-]*)/g)) expect(names).to.include(name);
  });

  it("has every name once, and every letter once", () => {
    const names = FLAGS.flatMap(({ name, also = [], hidden = [] }) => [name, ...also, ...hidden]);
    expect(new Set(names).size).to.equal(names.length);
    const letters = ["h", "V", ...FLAGS.flatMap(({ short }) => short ?? [])];
    expect(new Set(letters).size).to.equal(letters.length);
  });

  it("lists the exit codes", () => {
    const listed = [...help().matchAll(/^ {2,4}(\d+) {2}/gm)].map(([, code]) => Number(code));
    expect(listed).to.deep.equal([0, 1, 2, 3, 4, 130]);
    const info = { code: 1006, reason: "", wasClean: false };
    const ending = { info, wasOpen: true, missing: 0 };
    expect(exitOf({ ...ending, wish: "SIGINT" }).code).to.equal(130);
    for (const wish of ["SIGTERM", "SIGHUP"] as const)
      expect(help()).to.match(new RegExp(`\\b${exitOf({ ...ending, wish }).code}\\b.*`));
  });
});

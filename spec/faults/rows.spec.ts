// docs/reliability.md has a row for each fault and attack, and each row a test with its number in the title, where it says.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

const FOLDER = "spec/faults";
const NUMBERS = [
  ...Array.from({ length: 72 }, (_, i) => `${i + 1}`),
  ...Array.from({ length: 24 }, (_, i) => `S${i + 1}`),
];

/** The numbers in the titles of a file's tests: `"27: a masked frame"`, `describe("S6: ...")`, `"16 to 19: ..."`. */
function numbersIn(file: string): string[] {
  const source = readFileSync(join(FOLDER, file), "utf8");
  return [...source.matchAll(/["'`](S?\d+)(?: (to|and) (S?\d+))?: /g)].flatMap(
    ([, first = "", word, last = first]) =>
      word === "to" ? NUMBERS.slice(NUMBERS.indexOf(first), NUMBERS.indexOf(last) + 1) : [first, last],
  );
}

describe("docs/reliability.md", () => {
  const page = readFileSync("docs/reliability.md", "utf8");
  const rows = new Map(
    [...page.matchAll(/^\| (S?\d+) +\|(.*)\|$/gm)].map(([, number = "", row = ""]) => [number, row]),
  );
  const tested = new Map(readdirSync(FOLDER).map((file) => [file, numbersIn(file)]));

  it("has a row for each fault and attack, once and in order", () => {
    expect([...rows.keys()]).to.deep.equal(NUMBERS);
  });

  for (const number of NUMBERS) {
    it(`${number} has a test where the page says, or a reason for none`, () => {
      const row = rows.get(number) ?? "";
      const files = [...row.matchAll(/\.\.\/spec\/faults\/([\w-]+\.spec\.ts)/g)].map(([, file = ""]) => file);
      if (row.includes("Does not apply")) expect(files).to.deep.equal([]);
      else expect(files).to.not.have.length(0);
      for (const file of files) expect(tested.get(file), file).to.include(number);
    });
  }

  it("knows of every number that a test has", () => {
    for (const [file, numbers] of tested)
      for (const number of numbers) expect(rows.has(number), `${file}: ${number}`).to.equal(true);
  });
});

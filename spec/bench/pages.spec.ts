import { readFileSync } from "node:fs";
import { expect } from "chai";
import { chartOf } from "../../scripts/bench/chart.ts";
import { CHART, PAGES, partOf, RECORD, withPart } from "../../scripts/bench/pages.ts";
import { merged, type Results, readResults } from "../../scripts/bench/results.ts";

describe("what pages say of the benchmark", () => {
  for (const [file, make] of Object.entries(PAGES)) {
    it(`is in ${file} what is made of ${RECORD}`, () => {
      expect(partOf(readFileSync(file, "utf8"))).to.equal(make(readResults(RECORD)));
    });
  }

  it(`is in ${CHART} what is made of ${RECORD}`, () => {
    expect(readFileSync(CHART, "utf8")).to.equal(chartOf(readResults(RECORD)));
  });
});

const FIGURES = { value: 1000, spread: 3, cpu: 2, server: 0.5 };

function results(isosocket: number, more: object = {}): Results {
  const figures = { isosocket: { ...FIGURES, value: isosocket }, ws: FIGURES };
  return {
    ...{ machine: "a machine", rounds: 5, roundMs: 500 },
    versions: { isosocket: "1.0.0", ws: "8.0.0" },
    runtimes: {
      "node-20": {
        ...{ kind: "node", title: "Node 20.0.0" },
        workloads: { "echo-32-text": { figures, failures: {}, others: 0.01, ...more } },
      },
    },
  };
}

const readme = (its: Results): string => PAGES["README.md"]?.(its) ?? "";

describe("the README's part", () => {
  it("shows the figure and the ratio, and says that the rival is ahead nowhere", () => {
    const part = readme(results(12_340));
    expect(part).to.match(/\| echo, 32 B text, 256 under way \| +12\.3 k, \*\*12\.3×\*\* \|/);
    expect(part).to.include("In none of these the rival is ahead.");
    expect(part).to.include(
      "a machine; isosocket 1.0.0, Node 20.0.0, `ws` 8.0.0 without its native add-on; medians of 5",
    );
    expect(part).to.not.match(/server was busy|are rough/);
  });

  it("says where the rival is ahead", () => {
    expect(readme(results(900))).to.include(
      "The rival is ahead in Node 20.0.0 (echo 32 B text 256 under way).",
    );
  });

  it("marks what CPU time decides, where the server was busy", () => {
    const busy = { ...FIGURES, server: 0.95 };
    const figures = { isosocket: { ...busy, value: 3000, cpu: 0.5 }, ws: FIGURES };
    const part = readme(results(0, { figures }));
    expect(part).to.include("**4.00×**\\*");
    expect(part).to.include("\\* The server was busy for 90% of the time or more");
  });

  it("says that a machine had other work", () => {
    expect(readme(results(2000, { others: 0.4 }))).to.include("Other programs had up to 40% of the machine");
  });

  it("has no cell for what failed", () => {
    const part = readme(results(0, { figures: { ws: FIGURES }, failures: { isosocket: "why" } }));
    expect(part).to.match(/\| echo, 32 B text, 256 under way \| +\|/);
  });
});

describe("withPart()", () => {
  it("puts a part between the marks, and leaves the rest", () => {
    const page = readFileSync("README.md", "utf8");
    const changed = withPart(page, "$& new");
    expect(partOf(changed)).to.equal("$& new");
    expect(withPart(changed, partOf(page))).to.equal(page);
  });

  it("throws for a page without marks", () => {
    expect(() => withPart("a page", "")).to.throw("the page has no <!-- made by");
  });
});

describe("chartOf()", () => {
  it("draws a bar to the right of the line for a ratio above 1, and to the left below it", () => {
    const widths = (svg: string) => /<rect class="r0" x="([\d.]+)" y="76"/.exec(svg)?.[1];
    const equal = /<line class="equal" x1="([\d.]+)"/;
    const [ahead, after] = [chartOf(results(2000)), chartOf(results(500))];
    expect(widths(ahead)).to.equal(equal.exec(ahead)?.[1]);
    expect(Number(widths(after))).to.be.below(Number(equal.exec(after)?.[1]));
    expect(ahead).to.include(">2.0</text>");
    expect(after).to.include(">0.50</text>");
  });
});

describe("merged()", () => {
  it("puts newer outcomes into the places of older ones, and keeps the others", () => {
    const old = results(1);
    const its = old.runtimes["node-20"];
    if (its === undefined) throw new Error("nothing is there");
    its.workloads.connect = { figures: {}, failures: {}, others: 0 };
    const both = merged(old, results(2));
    expect(both.runtimes["node-20"]?.workloads).to.have.keys("echo-32-text", "connect");
    expect(both.runtimes["node-20"]?.workloads["echo-32-text"]?.figures.isosocket?.value).to.equal(2);
  });

  it("throws for another machine, method, or version of a runtime", () => {
    expect(() => merged(results(1), { ...results(1), machine: "another" })).to.throw("another machine");
    expect(() => merged(results(1), { ...results(1), roundMs: 5 })).to.throw("another machine or method");
    const other = results(1);
    const its = other.runtimes["node-20"];
    if (its === undefined) throw new Error("nothing is there");
    other.runtimes["node-20"] = { ...its, title: "Node 20.9.9" };
    expect(() => merged(results(1), other)).to.throw("of Node 20.0.0, these of Node 20.9.9");
  });
});

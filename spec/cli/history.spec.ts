// Lines that were typed, in a file from run to run.

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { HISTORY_SIZE, History, historyPath, isKept } from "../../lib/cli/history.ts";

describe("historyPath", () => {
  it("is below XDG_STATE_HOME, or where that is by default", () => {
    expect(historyPath({ XDG_STATE_HOME: "/s" })).to.equal("/s/isosocket/history");
    const usual = join(homedir(), ".local/state/isosocket/history");
    for (const env of [{}, { XDG_STATE_HOME: "" }, { XDG_STATE_HOME: "relative/is/invalid" }])
      expect(historyPath(env)).to.equal(usual);
  });
});

describe("isKept", () => {
  it("leaves out what begins with a space, what is empty, and controls", () => {
    for (const line of [" secret", "\tsecret", "", "a\x1b[31m", "a\rb", "a\x9bb"])
      expect(isKept(line), JSON.stringify(line)).to.equal(false);
    for (const line of ["a", '{"a": 1}', "a\tb", "é日"]) expect(isKept(line)).to.equal(true);
  });
});

describe("History", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "isosocket-"));
    path = join(folder, "state", "isosocket", "history");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it("is empty at first, and makes no file", () => {
    expect(new History(path).load()).to.deep.equal([]);
    expect(() => statSync(path)).to.throw("ENOENT");
  });

  it("gives the lines of runs before, the last first", () => {
    const first = new History(path);
    for (const line of ["one", "two", " secret", ""]) first.add(line);
    new History(path).add("three");
    expect(new History(path).load()).to.deep.equal(["three", "two", "one"]);
  });

  it("is readable by its owner alone", () => {
    new History(path).add("one");
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(statSync(join(folder, "state", "isosocket")).mode & 0o777).to.equal(0o700);
  });

  it("keeps a thousand lines, and shortens the file before it has three thousand", () => {
    mkdirSync(join(path, ".."), { recursive: true });
    const lines = Array.from({ length: 2 * HISTORY_SIZE + 1 }, (_, i) => `line ${i}`);
    writeFileSync(path, `${lines.join("\n")}\n`);
    const loaded = new History(path).load();
    expect(loaded).to.have.length(HISTORY_SIZE);
    expect(loaded[0]).to.equal(lines.at(-1));
    expect(readFileSync(path, "utf8").split("\n")).to.have.length(HISTORY_SIZE + 1);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(new History(path).load()).to.deep.equal(loaded);
  });

  it("leaves out what somebody else wrote to act on the terminal", () => {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "good\n\x1b]0;evil\x07\n");
    expect(new History(path).load()).to.deep.equal(["good"]);
  });

  it("does without a file that is none, or a folder that is none", () => {
    mkdirSync(path, { recursive: true });
    new History(path).add("one");
    expect(new History(path).load()).to.deep.equal([]);
    const below = join(folder, "file", "history");
    writeFileSync(join(folder, "file"), "");
    new History(below).add("one");
    expect(new History(below).load()).to.deep.equal([]);
  });

  it("leaves the rights of a file that is there", () => {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "one\n");
    chmodSync(path, 0o640);
    new History(path).add("two");
    expect(new History(path).load()).to.deep.equal(["two", "one"]);
    expect(statSync(path).mode & 0o777).to.equal(0o640);
  });

  it("is off where it is a link to nowhere", () => {
    mkdirSync(join(path, ".."), { recursive: true });
    symlinkSync("/dev/null", path);
    new History(path).add("one");
    expect(new History(path).load()).to.deep.equal([]);
  });
});

// The benchmark as it is run: by its command line, with its server and competitors, for a blink.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { planOf } from "../../scripts/bench/plan.ts";
import { readResults } from "../../scripts/bench/results.ts";

const run = promisify(execFile);

describe("npm run bench", function () {
  this.timeout(120_000);
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "isosocket-bench-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  const bench = (...words: string[]) =>
    run(process.execPath, ["--import", "tsx", "scripts/bench.ts", ...words]);

  it("measures everyone in a workload, says how they compare, and leaves the figures in a file", async () => {
    const file = join(folder, "results.json");
    const { stdout } = await bench("node", "ping-pong", "--rounds", "1", "--ms", "5", "--json", file);
    expect(stdout).to.match(/isosocket by ws: [\d.]+, by CPU [\d.]+.*; asked 1\.10: (NOT MET|met)/);
    expect(stdout).to.match(/isosocket by ws: .*\n {2}isosocket by raw: .*\n {2}isosocket recv by ws: /);
    expect(stdout).to.include("over TLS");
    const [its] = Object.values(readResults(file).runtimes);
    expect(its?.workloads).to.have.keys("ping-pong", "tls:ping-pong");
    expect(its?.workloads["ping-pong"]?.failures).to.deep.equal({});
    expect(its?.workloads["ping-pong"]?.figures).to.include.keys("isosocket", "isosocket recv", "ws", "raw");
  });

  it("prints its words and flags", async () => {
    const { stdout } = await bench("--help");
    expect(stdout).to.include("--quick").and.to.include("--node PATH");
  });

  it("refuses at once to record what does not stand on the ground of the rest", async () => {
    const failure = await bench("node", "ping-pong", "--record", "--ms", "7").catch((error) => error);
    expect(failure).to.include({ code: 1, stdout: "" });
    expect(failure.stderr).to.include("another machine or method: record a whole run");
  });

  it("says what it does not understand, and exits 1", async () => {
    const failure = await bench("no-such-workload").catch((error) => error);
    expect(failure).to.include({ code: 1, stderr: "no workload has no-such-workload in its title\n" });
  });
});

describe("planOf()", () => {
  it("has every workload in every runtime, in quick runs a part, without bystanders", () => {
    const { contests } = planOf([]);
    const ids = (kind: string, isSecure: boolean) =>
      contests
        .filter(({ runtime, isSecure: its }) => runtime.kind === kind && its === isSecure)
        .map(({ workload }) => workload.id);
    for (const kind of ["node", "deno", "bun"]) {
      expect(ids(kind, false)).to.have.length(17);
      expect(ids(kind, true)).to.have.length(7);
    }
    const quick = planOf(["--quick"]);
    for (const { clients } of quick.contests) expect(clients).to.not.include("isosocket recv");
    expect(quick.contests.length).to.be.below(contests.length / 2);
  });

  it("refuses what makes no sense", () => {
    expect(() => planOf(["--rounds", "0"])).to.throw("0 is no number");
    expect(() => planOf(["--quick", "--record"])).to.throw("not worth recording");
    expect(() => planOf(["--node", "node_modules/.bin/tsc-is-no-node"])).to.throw("is no node");
    expect(() => planOf(["--bufferutil", "lib"])).to.throw("there is no bufferutil in lib");
  });
});

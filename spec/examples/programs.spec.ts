// The examples without a page, and the command that starts them all.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { cleanUp } from "../support/clean-up.ts";
import { folder } from "../support/command.ts";
import { createConnection } from "../support/runtime.ts";
import { runExample } from "./example.ts";

describe("npm run example", () => {
  const use = cleanUp();

  it("starts scripts/example.ts, behind a build", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(scripts.example).to.equal("npm run --silent build && tsx scripts/example.ts");
  });

  it("lists the examples, all that there are", async () => {
    const { code, stdout, stderr } = await runExample(use).ended;
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    const names = readdirSync("scripts/examples").filter((name) => name !== "site");
    for (const name of names) expect(stdout).to.match(new RegExp(`^  ${name.replace(".ts", "")} `, "m"));
    expect(stdout.trim().split("\n")).to.have.length(names.length + 2);
    const guide = readFileSync("docs/examples.md", "utf8");
    const commands = names.map((name) => `npm run example -- ${name.replace(".ts", "")}`);
    for (const command of commands) expect(guide).to.include(`| \`${command}\` `);
  });

  it("lists them for a name that there is not, and exits 2", async () => {
    for (const name of ["chats", "constructor"]) {
      const { code, stdout } = await runExample(use, name).ended;
      expect({ code, stdout }).to.deep.include({ code: 2 });
      expect(stdout).to.include("  chat ");
    }
  });
});

describe("the example echo-client", () => {
  const use = cleanUp();

  const LINES = [
    "10... 9... 8... 7... 6... 5... 4... 3... 2... 1... lift-off",
    ...[0, 25, 50, 75, 100, 125, 150, 175].map((length) =>
      `${length}`.padStart(3).concat(" ", "#".repeat(length)),
    ),
    "Uint8Array(3) [ 1, 2, 3 ]",
    "closed with 1000 Bye bye",
  ];

  it("hears from its own server what it says", async () => {
    const { code, stdout, stderr } = await runExample(use, "echo-client").ended;
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout.trimEnd().split("\n")).to.deep.equal(LINES);
  });

  it("fails with what there is to know when nobody is at its url", async () => {
    const { code, stderr } = await runExample(use, "echo-client", "ws://127.0.0.1:1/").ended;
    expect(code).to.equal(1);
    expect(stderr).to.include("TransportError").and.to.include("127.0.0.1:1");
  });
});

describe("the example in-memory", () => {
  const use = cleanUp();

  it("is told what the frames say, in their order", async () => {
    const { code, stdout, stderr } = await runExample(use, "in-memory").ended;
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout.trimEnd().split("\n")).to.deep.equal([
      "open",
      "message Hello",
      "ping still there?",
      "message one message, two frames",
      "message Uint8Array(3) [ 1, 2, 3 ]",
      "closed 1000 that was all",
    ]);
  });
});

describe("the example unix-socket", () => {
  const use = cleanUp();

  it("answers, for its user alone, and takes leave of all with 1001", async () => {
    const path = join(folder(use), "daemon.sock");
    const run = runExample(use, "unix-socket", "--path", path);
    await run.until(({ stdout }) => stdout === `answering at ws+unix:${path}:/\n`);
    expect(statSync(path).mode & 0o077).to.equal(0);
    const ws = await createConnection(`ws+unix:${path}:/`);
    for (const [question, answer] of [
      ["uptime", /^up for \d+ s$/],
      ["memory", /^\d+ MiB$/],
      ["connections", /^1 connected$/],
      ["toString", /^I know uptime, /],
    ] as const) {
      await ws.send(question);
      expect(await ws.recv()).to.match(answer);
    }
    run.signal("SIGINT");
    expect(await ws.closed).to.deep.include({ code: 1001, wasClean: true });
    expect(await run.ended).to.include({ code: 0, signal: null, stderr: "" });
    expect(existsSync(path)).to.equal(false);
  });
});

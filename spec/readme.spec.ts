// The README's two programs are those of the tutorial, and do what it says: run as a user runs them, against an echo server.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect } from "chai";

const run = promisify(execFile);

const PROGRAMS = ["scripts/tutorial/short-lived.ts", "scripts/tutorial/long-lived.ts"];

describe("the README", () => {
  const readme = readFileSync("README.md", "utf8");
  for (const program of PROGRAMS) {
    it(`shows ${program} as it is`, () => {
      expect(readme).to.include(`\`\`\`ts\n${readFileSync(program, "utf8")}\`\`\``);
    });
  }

  it("starts both programs with one command, which exits 0", async () => {
    const { stdout, stderr } = await run(process.execPath, ["--import", "tsx", "scripts/start.ts"]);
    const lines = stdout
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("===") && !line.startsWith("an echo"));
    expect(lines).to.deep.equal([
      "Sending 'Hello, Server'...",
      "Received 'Hello, Server'",
      "sent message on open",
      "received message as hello there",
      "sending 'hello again'",
      "received message as hello again",
      "sending 'hello again'",
      "received message as hello again",
      "sending 'hello again'",
      "received message as hello again",
      "Connection closed",
    ]);
    expect(stderr).to.match(/^--- request header ---\nGET \/ HTTP\/1\.1\nUpgrade: websocket\n/);
    expect(stderr).to.include("++Sent decoded: fin=1 opcode=1 data=b'hello there'\n");
    expect(stderr).to.match(/\+\+Rcv decoded: fin=1 opcode=8 data=b'\\x03\\xe8'\n$/);
  });

  it("says when a server cannot be reached, and exits 1", async () => {
    const failure = await run(process.execPath, [
      "--import",
      "tsx",
      "scripts/start.ts",
      "ws://127.0.0.1:1/",
    ]).catch((error) => error);
    expect(failure).to.include({ code: 1 });
    expect(failure.stderr).to.include("ECONNREFUSED");
  });
});

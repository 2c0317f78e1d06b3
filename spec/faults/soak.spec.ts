// A short run of `npm run soak`: apps against a server that misbehaves at random.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { command } from "../support/runtime.ts";

describe("faults: soak", () => {
  it("a few seconds of it: nothing is lost, doubled or left behind", async function () {
    this.timeout(60_000);
    const [program = "", ...args] = command;
    const soak = spawn(program, [...args, "scripts/soak.ts", "--minutes", "0.1", "--clients", "12"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    for (const stream of [soak.stdout, soak.stderr])
      stream.on("data", (chunk) => {
        printed += chunk;
      });
    const [code] = await once(soak, "close");
    expect(printed).to.include("soak: nothing found");
    expect(printed).to.match(/messages: [1-9]\d+ sent, [1-9]\d+ acknowledged/);
    expect(code).to.equal(0);
  });
});

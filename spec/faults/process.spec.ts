// Faults 69 to 71: what connections do to the process that has them. Each case is a process of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect } from "chai";
import { CLOSE, TEXT } from "../../lib/codec/opcode.ts";
import { wordsOf } from "../support/built.ts";
import { cleanUp } from "../support/clean-up.ts";
import { runtime, takesTypeScript } from "../support/runtime.ts";
import { type Script, scripted } from "../support/script.ts";
import {
  answerClose,
  drop,
  hear,
  hearEnd,
  request,
  send,
  settled,
  upgrade,
} from "../support/script-steps.ts";

describe("faults: the process", () => {
  const use = cleanUp();

  interface Program {
    readonly child: ChildProcess;
    /** What it has printed. */
    printed(): string;
    /** Its exit code. */
    readonly ended: Promise<number | null>;
  }

  function run(file: string, ...args: string[]): Program {
    const program = start(file, ...args);
    use({
      async close() {
        program.child.kill("SIGKILL");
        await program.ended;
      },
    });
    return program;
  }

  function start(file: string, ...args: string[]): Program {
    const [program, ...words] = wordsOf(`spec/support/${file}.ts`);
    const child = spawn(program, [...words, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        output += chunk;
      });
    const ended = once(child, "close").then(([code]) => code);
    return { child, ended, printed: () => output };
  }

  /** By its number: Deno takes what it killed itself for dead, whatever it does. */
  function terminate({ child }: Program): void {
    if (child.pid !== undefined) process.kill(child.pid, "SIGTERM");
  }

  // It takes its time, and another processor than the cases before it.
  let cycles: Program | undefined;
  before(async () => {
    cycles = start("cycles", "10000");
    // With the first worker Deno puts listeners on the process, for good.
    await once(new Worker("", { eval: true }), "exit");
  });
  after(async () => {
    cycles?.child.kill("SIGKILL");
    await cycles?.ended;
  });

  const CLEAN: Script = [upgrade(), ...answerClose];
  const ends: [title: string, name: string, script: Script, printed: RegExp][] = [
    [
      "after close(): nothing is left",
      "close",
      [upgrade(), hear(9), send("8a 01 31"), ...answerClose],
      /^left: ?$/,
    ],
    ["after close(), though nobody waits for it", "closing", CLEAN, /^$/],
    ["after terminate()", "terminate", [upgrade()], /^$/],
    ["with a connection that is open, after unref()", "unref", [upgrade()], /^$/],
    ["and no rejection that nobody takes is one of ours", "careless", [upgrade(), ...answerClose], /^$/],
  ];
  for (const [title, name, script, printed] of ends) {
    it(`70: it ends ${title}`, async () => {
      const peer = await scripted(use, script);
      const program = run("program", name, peer.url);
      expect(await program.ended, program.printed()).to.equal(0);
      expect(program.printed().trim()).to.match(printed);
    });
  }

  it("70: an open connection keeps it alive, until that is closed", async () => {
    let go = () => {};
    const gone = new Promise<void>((resolve) => {
      go = resolve;
    });
    const peer = await scripted(use, [upgrade(), settled, () => gone, drop]);
    const program = run("program", "idle", peer.url);
    const line = await peer.lines.next();
    await request(line);
    await settled(line);
    expect(program.child.exitCode).to.equal(null);
    go();
    expect(await program.ended, program.printed()).to.equal(0);
  });

  it("70: so does the wait before the next attempt, until close()", async () => {
    const peer = await scripted(use, [drop]);
    const program = run("program", "reconnecting", peer.url);
    while (!program.printed().includes("waits: true")) await once(program.child.stdout as never, "data");
    expect(program.child.exitCode).to.equal(null);
    terminate(program);
    expect(await program.ended, program.printed()).to.equal(0);
    expect(program.printed()).to.match(/ended/);
  });

  it("71: SIGTERM: a handler that closes has 1001 sent, and the process ends of itself", async () => {
    const told: string[] = [];
    const heard = hear(
      CLOSE,
      ({ payload }) => void told.push(`${payload.readUInt16BE()} ${payload.subarray(2)}`),
    );
    const peer = await scripted(use, [upgrade(), heard, send("88 02 03e9"), hearEnd]);
    const program = run("program", "sigterm", peer.url);
    while (!program.printed().includes("open")) await once(program.child.stdout as never, "data");
    terminate(program);
    expect(await program.ended, program.printed()).to.equal(0);
    expect(program.printed()).to.include("clean: true");
    expect(told).to.deep.equal(["1001 shutting down"]);
  });

  it("71: a worker that is terminated: its connection is gone, and nothing else happens", async () => {
    let heard = () => {};
    const here = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const peer = await scripted(use, [upgrade(), hear(TEXT, () => heard()), hearEnd]);
    const entry = new URL(`../../lib/${runtime}.ts`, import.meta.url).href;
    const source = `(async () => {
      if (${!takesTypeScript}) (await import("tsx/esm/api")).register();
      const { createConnection } = await import(${JSON.stringify(entry)});
      const ws = await createConnection(${JSON.stringify(peer.url)}, { keepAlive: true });
      await ws.send("here");
    })()`;
    const worker = new Worker(source, { eval: true });
    const line = await peer.lines.next();
    await here;
    await worker.terminate();
    await line.ended;
  });

  describe("69: again and again", () => {
    it("10 000 connections one after the other, and as many that fail: flat", async function () {
      this.timeout(120_000);
      const printed = () => cycles?.printed() ?? "";
      expect(await cycles?.ended, printed()).to.equal(0);
      const rows: Cycles[] = JSON.parse(printed().trim().split("\n").at(-1) ?? "");
      expect(rows.map(({ kind }) => kind)).to.deep.equal([
        "closed",
        "dropped",
        "refused",
        "rejected",
        "redirected",
        "aborted",
        "late",
      ]);
      for (const { kind, count, bytesEach, handles, collected } of rows) {
        // What is made once, and what a compiler keeps, is less; one connection that stays in ten is more.
        expect(bytesEach * count, `bytes in all, of those that were ${kind}`).to.be.below(1024 * 1024);
        expect(handles, `handles of those that were ${kind}`).to.equal(0);
        expect(collected / count, `of those that were ${kind}, collected`).to.be.above(0.9);
      }
    });
  });
});

interface Cycles {
  readonly kind: string;
  readonly count: number;
  readonly bytesEach: number;
  readonly handles: number;
  readonly collected: number;
}

// --record and --replay: what crossed the wire, in a file, and played again.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Recorder } from "../../lib/cli/recorder.ts";
import { record } from "../../lib/session/record.ts";
import { connectionsOf } from "../../lib/session/recording.ts";
import { cleanUp } from "../support/clean-up.ts";
import { folder, runPiped } from "../support/command.ts";
import { createConnection } from "../support/runtime.ts";
import { serve } from "../support/server-runtime.ts";

/** One that takes no byte: Linux has it. */
const FULL = "/dev/full";

describe("isosocket --record", function () {
  this.timeout(60_000);
  const use = cleanUp();

  /** A server that answers every message with itself; where it is. */
  const echo = async () => {
    const server = use(
      await serve({
        port: 0,
        host: "127.0.0.1",
        async onConnection(ws) {
          for await (const message of ws) await ws.send(message);
        },
      }),
    );
    return server.url ?? "";
  };

  /** Runs the command with what it reads; a file of its own for the recording. */
  const recorded = async (name: string, url: string, ...args: string[]) => {
    const path = join(folder(use), name);
    const ended = await runPiped(use, ["--record", path, ...args, url], "hello\n\u20ac\n").ended;
    return { ...ended, path, text: readFileSync(path, "utf8") };
  };

  it("writes lines of JSON, of which nobody else may read any, without secrets", async () => {
    const url = (await echo()).replace("//", "//me:s3cret@");
    const args = ["-H", "Authorization: Bearer s3cret", "--cookie", "a=s3cret"];
    const { code, stdout, stderr, path, text } = await recorded("a.ndjson", `${url}?token=s3cret`, ...args);
    expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: "hello\n\u20ac\n", stderr: "" });
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    const [events = [], ...others] = connectionsOf(text);
    expect(others).to.deep.equal([]);
    const kinds = events.map(({ event }) => event);
    expect(kinds.slice(0, 3)).to.deep.equal(["open", "request", "response"]);
    expect(kinds.at(-1)).to.equal("closed");
    expect(kinds).to.include.members(["sent", "received", "end"]);
    expect(text).to.not.include("s3cret");
  });

  it("writes an HTTP Archive, with messages as browsers have them", async () => {
    const url = await echo();
    const { code, text } = await recorded("a.har", url, "--compress");
    expect(code).to.equal(0);
    const { log } = JSON.parse(text);
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(log).to.deep.include({ version: "1.2", creator: { name: "isosocket", version } });
    const [entry, ...others] = log.entries;
    expect(others).to.deep.equal([]);
    expect(entry.request).to.include({ method: "GET", url });
    expect(entry.response).to.include({ status: 101 });
    const shown = (way: string) =>
      entry._webSocketMessages
        .filter(({ type }: { type: string }) => type === way)
        .map(({ data }: { data: string }) => data);
    expect([shown("send"), shown("receive")]).to.deep.equal([
      ["hello", "\u20ac"],
      ["hello", "\u20ac"],
    ]);
  });

  it("has every connection of a run, and those that failed", async () => {
    let visits = 0;
    const server = use(
      await serve({
        port: 0,
        host: "127.0.0.1",
        onConnection(ws) {
          if (++visits === 1) ws.terminate();
          else void ws.close();
        },
      }),
    );
    const again = await recorded("a.ndjson", server.url ?? "", "--reconnect=0.01", "--eof-wait=forever");
    expect(again.code).to.equal(0);
    expect(connectionsOf(again.text)).to.have.length(2);
    await server.close();
    const { code, text } = await recorded("a.har", server.url ?? "");
    expect(code).to.equal(3);
    expect(JSON.parse(text).log.entries[0].response.status).to.equal(0);
  });

  it("is whole though it was interrupted", async () => {
    const path = join(folder(use), "a.har");
    const run = runPiped(use, ["--record", path, "--json", "-t", "hello", await echo()]);
    await run.until(({ stdout }) => stdout.includes('"message"'));
    run.signal("SIGINT");
    expect((await run.ended).code).to.equal(130);
    const [entry] = JSON.parse(readFileSync(path, "utf8")).log.entries;
    expect(entry._webSocketMessages).to.have.length(2);
  });

  it("says so, and exits 2, where the file cannot be made; and does not touch it for wrong usage", async () => {
    const { code, stderr } = await runPiped(use, ["--record", "/no/such/a.har", "ws://127.0.0.1:1/"]).ended;
    expect(code).to.equal(2);
    expect(stderr).to.match(/^isosocket: --record: \/no\/such\/a\.har cannot be written: ENOENT .*\n$/);
    const path = join(folder(use), "precious");
    writeFileSync(path, "as it was");
    const wrong = await runPiped(use, ["--record", path, "--origin", "a\nb", "ws://127.0.0.1:1/"], "").ended;
    expect(wrong.code).to.equal(2);
    expect(readFileSync(path, "utf8")).to.equal("as it was");
  });

  it("says so, once, where the file takes no more; the connection goes on, and the exit is 1", async () => {
    const { code, stdout, stderr } = await runPiped(use, ["--record", FULL, await echo()], "one\ntwo\n")
      .ended;
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "one\ntwo\n" });
    expect(stderr).to.equal(`isosocket: --record: ${FULL} cannot be written: ENOSPC\n`);
  });

  it("is no archive of what never connected, if nothing did", async () => {
    const path = join(folder(use), "a.har");
    const failures: string[] = [];
    const recorder = new Recorder(path, undefined, (message) => failures.push(message));
    recorder.start();
    await recorder.end("1.2.3");
    const { log } = JSON.parse(readFileSync(path, "utf8"));
    expect(log).to.deep.equal({
      version: "1.2",
      creator: { name: "isosocket", version: "1.2.3" },
      entries: [],
    });
    expect(failures).to.deep.equal([]);
  });
});

describe("isosocket --replay", function () {
  this.timeout(60_000);
  const use = cleanUp();

  /** A recording of a server that greets, answers two messages, and closes. */
  const recording = async () => {
    const server = use(
      await serve({
        port: 0,
        host: "127.0.0.1",
        protocols: "chat",
        async onConnection(ws) {
          await ws.send("who is there?");
          await ws.send(`hello, ${await ws.recv()}`);
          await ws.send(`and ${await ws.recv()}`);
          await ws.close(4001, "enough");
        },
      }),
    );
    const lines: string[] = [];
    const transport = record((line) => lines.push(line));
    const ws = await createConnection(server.url ?? "", { transport, protocols: "chat" });
    await ws.send("me");
    await ws.send("you");
    await ws.closed;
    await server.close();
    const path = join(folder(use), "a.ndjson");
    writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
    return path;
  };

  it("plays what was received, and its end, though there is no network", async () => {
    const path = await recording();
    const args = ["--replay", path, "-s", "chat", "--json", "ws://nowhere.invalid/"];
    const { code, stdout } = await runPiped(use, args, "me\nyou\n").ended;
    const events = stdout.trimEnd().split("\n");
    const told = events.map((line) => JSON.parse(line)).filter(({ type }) => type === "message");
    expect(told.map(({ data }) => data)).to.deep.equal(["who is there?", "hello, me", "and you"]);
    expect(JSON.parse(events.at(-1) ?? "")).to.include({ type: "close", code: 4001, reason: "enough" });
    expect(code).to.equal(1);
  });

  it("waits for what was sent then, though nothing but the wait is left to do", async () => {
    const run = runPiped(use, ["--replay", await recording(), "-s", "chat", "ws://nowhere.invalid/"], "");
    await run.until(({ stdout }) => stdout === "who is there?\n");
    const ended = run.ended.then(({ code }) => `ended with ${code}`);
    // One that does not wait is gone before this one has begun.
    const later = runPiped(use, ["--version"]).ended.then(() => "waits");
    expect(await Promise.race([ended, later])).to.equal("waits");
    run.signal("SIGTERM");
    expect(await ended).to.equal("ended with 143");
  });

  it("can be recorded again, and has no second connection", async () => {
    const path = await recording();
    const again = join(folder(use), "again.ndjson");
    const args = ["--replay", path, "--record", again, "-s", "chat"];
    await runPiped(use, [...args, "ws://nowhere.invalid/"], "me\nyou\n").ended;
    const received = (file: string) =>
      connectionsOf(readFileSync(file, "utf8"))
        .flat()
        .filter(({ event }) => event === "received")
        .map(({ bytes = "" }) => Buffer.from(bytes, "base64").toString("hex"))
        .join("");
    expect(received(again)).to.equal(received(path));
  });

  it("says so, and exits 2, for what is no recording", async () => {
    const path = join(folder(use), "a.txt");
    writeFileSync(path, "hello\n");
    const { code, stderr } = await runPiped(use, ["--replay", path, "ws://nowhere.invalid/"], "").ended;
    expect(code).to.equal(2);
    expect(stderr).to.match(/^isosocket: --replay: .*\/a\.txt cannot be played: [^\n]*\n$/);
  });
});

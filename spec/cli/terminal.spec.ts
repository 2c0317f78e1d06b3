// The command in a terminal, as a person sees it: the screen with its rows, keys that are typed, colours, and what is left of
// it afterwards.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { BINARY, CLOSE, TEXT } from "../../lib/codec/opcode.ts";
import { cleanUp } from "../support/clean-up.ts";
import { folder, runInTerminal, type TerminalOptions } from "../support/command.ts";
import { accepting, listen, requestHead } from "../support/peer.ts";
import { frame, rawServer } from "../support/raw-server.ts";

const UP = "\x1b[A";
const LEFT = "\x1b[D";
const HOME = "\x01";
const CTRL_C = "\x03";
const CTRL_D = "\x04";
const CTRL_U = "\x15";
const CTRL_Z = "\x1a";

describe("isosocket in a terminal", function () {
  this.timeout(60_000);
  const use = cleanUp();

  /** A run at its prompt, and the server's end of its connection. */
  const prompted = async (args: string[] = [], options: TerminalOptions = {}) => {
    const server = await rawServer(use);
    const run = runInTerminal(use, [...args, server.url], options);
    const peer = await server.accepted.next();
    await run.until((rows) => rows.at(-1) === ">");
    return { run, peer, server };
  };

  /** The rows without the note of the connection. */
  const body = (rows: readonly string[]) =>
    rows.slice(rows.findIndex((row) => row.includes("Ctrl-D closes")) + 1);

  it("says where it is connected, and how to leave", async () => {
    const { run, server } = await prompted();
    expect(run.screen.rows).to.deep.equal([`connected to ${server.url}; Ctrl-D closes`, ">"]);
    expect(run.screen.cursor).to.deep.equal([1, 2]);
  });

  it("sends what is typed, and shows what comes", async () => {
    const { run, peer } = await prompted();
    run.type("hello\r");
    expect(await peer.text()).to.equal("hello");
    peer.send(TEXT, "hello yourself");
    peer.send(BINARY, Buffer.of(0, 1));
    const rows = await run.until((rows) => rows.at(-2) === "<b b'\\x00\\x01'" && rows.at(-1) === ">");
    expect(body(rows)).to.deep.equal(["> hello", "< hello yourself", "<b b'\\x00\\x01'", ">"]);
  });

  it("keeps what is typed before it is connected", async () => {
    let accept = () => {};
    const accepted = new Promise<void>((resolve) => {
      accept = resolve;
    });
    const server = use(
      await listen(async (socket) => {
        const head = await requestHead(socket);
        await accepted;
        socket.write(accepting(head), "latin1");
      }),
    );
    const run = runInTerminal(use, [server.url]);
    run.type("early");
    await run.until((rows) => rows.at(-1) === "early");
    accept();
    const rows = await run.until((rows) => rows.at(-1) === "> early");
    expect(rows).to.deep.equal([`connected to ${server.url}; Ctrl-D closes`, "> early"]);
  });

  it("sends nothing for an empty line", async () => {
    const { run, peer } = await prompted();
    run.type("\r\rx\r");
    expect(await peer.text()).to.equal("x");
  });

  it("leaves the line that is typed as it is while messages come", async () => {
    const { run, peer } = await prompted();
    run.type("typing");
    await run.until((rows) => rows.at(-1) === "> typing");
    peer.send(TEXT, "one");
    await run.until((rows) => rows.includes("< one"));
    run.type(`${LEFT}${LEFT}${LEFT}`);
    peer.send(TEXT, "two");
    await run.until((rows) => rows.includes("< two"));
    run.type("p");
    const rows = await run.until((rows) => rows.at(-1) === "> typping");
    expect(body(rows)).to.deep.equal(["< one", "< two", "> typping"]);
    run.type("\r");
    expect(await peer.text()).to.equal("typping");
  });

  for (const columns of [20, 21, 22, 23, 24]) {
    it(`leaves a line that takes several rows as it is, ${columns} columns wide`, async () => {
      const { run, peer } = await prompted([], { columns });
      const typed = "the quick brown fox jumps over the lazy dog";
      const shown = () =>
        run.screen.rows.slice(run.screen.rows.findIndex((row) => row.startsWith("> "))).join("");
      const isShown = (text: string) => () =>
        shown().replaceAll(" ", "") === `>${text}`.replaceAll(" ", "") && !shown().slice(1).includes(">");
      for (const [i, letter] of [...typed].entries()) {
        run.type(letter);
        if (i % 5 === 0) peer.send(TEXT, `${i}`);
      }
      await run.until((rows) => rows.includes("< 40") && isShown(typed)());
      run.type(`${LEFT.repeat(4)}X`);
      peer.send(TEXT, "in its middle");
      await run.until(
        (rows) =>
          rows.includes("< in its middle") && isShown("the quick brown fox jumps over the lazyX dog")(),
      );
      run.type(`${HOME}Y`);
      peer.send(TEXT, "at its start");
      await run.until(
        (rows) =>
          rows.includes("< at its start") && isShown("Ythe quick brown fox jumps over the lazyX dog")(),
      );
      const received = run.screen.rows.filter((row) => row.startsWith("< "));
      expect(received).to.deep.equal([
        ...[0, 5, 10, 15, 20, 25, 30, 35, 40].map((i) => `< ${i}`),
        "< in its middle",
        "< at its start",
      ]);
      run.type("\r");
      expect(await peer.text()).to.equal("Ythe quick brown fox jumps over the lazyX dog");
    });
  }

  it("takes what is pasted: over several rows, within a line, in several lines", async () => {
    const { run, peer } = await prompted([], { columns: 30 });
    run.type("x".repeat(70));
    await run.until((rows) => rows.join("").endsWith("x".repeat(70)));
    run.type(CTRL_U);
    const rows = await run.until((rows) => rows.at(-1) === ">");
    expect(rows.filter((row) => row.includes("x"))).to.deep.equal([]);
    run.type(`ad${LEFT}`);
    await run.until((rows) => rows.at(-1) === "> ad");
    run.type("bc");
    run.type("\rtwo\rthree\r");
    expect([await peer.text(), await peer.text(), await peer.text()]).to.deep.equal(["abcd", "two", "three"]);
  });

  it("lets no message act on the terminal, or pass for something else", async () => {
    const { run, peer } = await prompted();
    peer.send(TEXT, "\x1b[2J\x1b]0;title\x07\x1b[31mred\x9b1A");
    peer.send(TEXT, "one\r\n> I typed this\n< and got this");
    const rows = await run.until((rows) => rows.at(-2)?.includes("and got") === true && rows.at(-1) === ">");
    expect(body(rows)).to.deep.equal([
      "< \\x1b[2J\\x1b]0;title\\x07\\x1b[31mred\\x9b1A",
      "< one",
      "  > I typed this",
      "  < and got this",
      ">",
    ]);
    peer.close(4000, "\x1b[31mbye");
    const end = await run.end();
    expect(end.rows.join("\n")).to.include("the server closed with 4000: \\x1b[31mbye");
    expect(end.code).to.equal(1);
  });

  it("remembers what was typed, also in the next run, in a file for its owner alone", async () => {
    const state = folder(use);
    const env = { XDG_STATE_HOME: state };
    const first = await prompted([], { env });
    first.run.type("one\r two\rthree\r");
    for (const text of ["one", " two", "three"]) expect(await first.peer.text()).to.equal(text);
    first.run.type(`${UP}${UP}${UP}!\r`);
    expect(await first.peer.text()).to.equal("one!");
    first.run.type(CTRL_C);
    first.peer.close();
    await first.run.end();
    const file = join(state, "isosocket", "history");
    expect(readFileSync(file, "utf8")).to.equal("one\nthree\none!\n");
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const second = await prompted([], { env });
    second.run.type(`${UP}${UP}\r`);
    expect(await second.peer.text()).to.equal("three");
  });

  it("works where the history cannot be kept", async () => {
    const state = folder(use);
    writeFileSync(join(state, "isosocket"), "");
    const { run, peer } = await prompted([], { env: { XDG_STATE_HOME: state } });
    run.type("one\r");
    expect(await peer.text()).to.equal("one");
    run.type(`${UP}\r`);
    expect(await peer.text()).to.equal("one");
  });

  it("shows no escape of a history that somebody else wrote", async () => {
    const state = folder(use);
    mkdirSync(join(state, "isosocket"));
    writeFileSync(join(state, "isosocket", "history"), "good\n\x1b]0;evil\x07\n");
    const { run } = await prompted([], { env: { XDG_STATE_HOME: state } });
    run.type(UP);
    await run.until((rows) => rows.at(-1) === "> good");
  });

  it("closes with 1000 at Ctrl-D, exits 0, and leaves the terminal as it was", async () => {
    const { run, peer } = await prompted([], {
      after: "echo exit $?; stty -a | grep -o -e '-*icanon' -e '-*echo '",
    });
    run.type(CTRL_D);
    const { opcode, payload } = await peer.frames.next();
    expect([opcode, payload.readUInt16BE()]).to.deep.equal([CLOSE, 1000]);
    peer.close();
    const { rows } = await run.end();
    expect(body(rows).filter((row) => row !== "")).to.deep.equal(["closed", "exit 0", "icanon", "echo"]);
  });

  it("shows what comes after Ctrl-D, until the server answers", async () => {
    const { run, peer } = await prompted();
    run.type(CTRL_D);
    await peer.frames.next();
    peer.send(TEXT, "the last word");
    peer.close();
    const { rows, code } = await run.end();
    expect(body(rows).filter((row) => row !== "")).to.deep.equal(["< the last word", "closed"]);
    expect(code).to.equal(0);
  });

  it("waits after Ctrl-D for as long as --eof-wait says", async () => {
    const { run, peer } = await prompted(["--eof-wait", "0.01"]);
    run.type(CTRL_D);
    const { opcode, payload } = await peer.frames.next();
    expect([opcode, payload.readUInt16BE()]).to.deep.equal([CLOSE, 1000]);
    peer.close();
    expect((await run.end()).code).to.equal(0);
  });

  it("writes notes to the file that standard error is", async () => {
    const notes = join(folder(use), "notes");
    const { run, peer, server } = await prompted([], { notes });
    expect(run.screen.rows).to.deep.equal([">"]);
    peer.close(4000);
    expect((await run.end()).code).to.equal(1);
    expect(readFileSync(notes, "utf8")).to.equal(
      `connected to ${server.url}; Ctrl-D closes\nisosocket: the server closed with 4000\n`,
    );
  });

  it("closes with 1000 at Ctrl-C, exits 130, and leaves the terminal as it was", async () => {
    const { run, peer } = await prompted([], { after: "echo exit $?; stty -a | grep -o -e '-*icanon'" });
    run.type(`half a line${CTRL_C}`);
    expect((await peer.frames.next()).payload.readUInt16BE()).to.equal(1000);
    peer.close();
    const { rows } = await run.end();
    expect(body(rows).filter((row) => row !== "")).to.deep.equal(["closed", "exit 130", "icanon"]);
  });

  it("can be stopped by Ctrl-Z, and goes on where it was", async () => {
    const { run, peer } = await prompted([], { after: "echo stopped; fg >/dev/null; echo exit $?" });
    run.type("half a");
    await run.until((rows) => rows.at(-1) === "> half a");
    run.type(CTRL_Z);
    await run.until((rows) => rows.at(-2)?.endsWith("stopped") === true && rows.at(-1) === "> half a");
    run.type(" line\r");
    expect(await peer.text()).to.equal("half a line");
    peer.send(TEXT, "hello");
    await run.until((rows) => rows.at(-2) === "< hello" && rows.at(-1) === ">");
    run.type(CTRL_D);
    await peer.frames.next();
    peer.close();
    expect((await run.end()).rows).to.include("exit 0");
  });

  it("drops the connection at a second Ctrl-C", async () => {
    const { run, peer } = await prompted(["--trace"]);
    run.type(CTRL_C);
    expect((await peer.frames.next()).opcode).to.equal(CLOSE);
    run.type(CTRL_C);
    const { rows, code } = await run.end();
    expect(code).to.equal(130);
    // Else it would say that it waited for the answer.
    expect(rows.filter((row) => row.endsWith("- goodbye"))).to.deep.equal([
      "closed with code 1006 - goodbye",
    ]);
  });

  it("ends when the server closes, while a line is typed", async () => {
    const { run, peer } = await prompted();
    run.type("half a line");
    await run.until((rows) => rows.at(-1) === "> half a line");
    peer.close(1001, "maintenance");
    const { rows, code } = await run.end();
    expect(code).to.equal(0);
    expect(body(rows).filter((row) => row !== "")).to.deep.equal([
      "the server closed with 1001 (going away): maintenance",
    ]);
  });

  it("closes when the terminal is gone", async () => {
    const { run, peer } = await prompted();
    await run.close();
    const { opcode, payload } = await peer.frames.next();
    expect(opcode).to.equal(CLOSE);
    // The end of the input may be told before the signal.
    expect(payload.readUInt16BE()).to.be.oneOf([1000, 1001]);
    peer.send(TEXT, "nobody sees this");
    peer.close();
  });

  it("is called off by Ctrl-C while it connects", async () => {
    let isConnected = () => {};
    const connected = new Promise<void>((resolve) => {
      isConnected = resolve;
    });
    const peer = use(await listen(() => isConnected()));
    const run = runInTerminal(use, [peer.url]);
    await connected;
    run.type(CTRL_C);
    expect((await run.end()).code).to.equal(130);
  });

  it("takes hex with --hex, and says what is none", async () => {
    const { run, peer } = await prompted(["--hex"]);
    run.type("0g\r00 ff\r");
    const { opcode, payload } = await peer.frames.next();
    expect([opcode, payload.toString("hex")]).to.deep.equal([BINARY, "00ff"]);
    await run.until((rows) => rows.includes("the line is not pairs of hex digits: nothing was sent"));
  });

  it("shows a trace above the line that is typed", async () => {
    const { run, peer } = await prompted(["-vv"]);
    run.type("x");
    peer.send(TEXT, "y");
    const rows = await run.until((rows) => rows.includes("< text: y") && rows.at(-1) === "> x");
    expect(rows).to.include("++Rcv decoded: fin=1 opcode=1 data=b'y'");
  });

  it("keeps the prompt over a reconnection, and says what cannot be sent meanwhile", async () => {
    const { run, peer, server } = await prompted(["--reconnect", "1"]);
    peer.socket.destroy();
    await run.until((rows) => rows.some((row) => row.includes("connecting again in")));
    run.type("too early\r");
    await run.until((rows) => rows.includes("not connected: nothing was sent"));
    const second = await server.accepted.next();
    await run.until((rows) => rows.some((row) => row.startsWith("connected again")));
    run.type("in time\r");
    expect(await second.text()).to.equal("in time");
  });

  describe("colours", () => {
    it("marks, and nothing that comes from the server", async () => {
      const { run, peer } = await prompted();
      peer.send(TEXT, "\x1b[32mgreen");
      await run.until((rows) => rows.some((row) => row.includes("green")));
      expect(run.screen.colours).to.include.members(["36", "39"]).and.not.include("32");
    });

    for (const [title, env] of [
      ["with NO_COLOR", { NO_COLOR: "1" }],
      ["in a dumb terminal", { TERM: "dumb" }],
    ] as const) {
      it(`nothing ${title}`, async () => {
        const server = await rawServer(use);
        const run = runInTerminal(use, [server.url], { env });
        const peer = await server.accepted.next();
        peer.send(TEXT, "hello");
        await run.until((rows) => rows.some((row) => row.endsWith("hello")));
        expect(run.screen.colours).to.deep.equal([]);
      });
    }
  });

  describe("without a prompt", () => {
    for (const flag of ["--raw", "--json", "--whole"]) {
      it(`for ${flag}`, async () => {
        const server = await rawServer(use);
        const run = runInTerminal(use, [flag, server.url]);
        const peer = await server.accepted.next();
        peer.send(TEXT, "hello");
        const rows = await run.until((rows) => rows.join("").includes("hello"));
        expect(rows.join("\n")).to.not.match(/^[<>]/m);
        run.type("typed\n");
        run.type(CTRL_D);
        expect((await peer.frames.next()).payload.toString()).to.equal(
          flag === "--whole" ? "typed\n" : "typed",
        );
      });
    }

    it("with messages that come together with the upgrade", async () => {
      const server = await rawServer(use, { first: frame(TEXT, "welcome") });
      const run = runInTerminal(use, ["--raw", server.url]);
      const rows = await run.until((rows) => rows.includes("welcome"));
      expect(rows[0]).to.equal("welcome");
    });
  });
});

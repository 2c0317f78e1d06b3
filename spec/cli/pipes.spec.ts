// The command with pipes, as in a script: what it sends, prints and exits with.

import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { escaped } from "../../lib/cli/escape.ts";
import { BINARY, CLOSE, CONTINUATION, PING, TEXT } from "../../lib/codec/opcode.ts";
import { acceptingServer } from "../support/accepting-server.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { type Ended, folder, type Piped, runInShell, runPiped } from "../support/command.ts";
import { accepting, listen, NOWHERE, requestHead } from "../support/peer.ts";
import { closeFrame, frame, rawServer, type SentFrame, type ServerEnd } from "../support/raw-server.ts";

/** What a terminal could act on is in none of the lines. */
function expectHarmless({ stdout, stderr }: Ended): void {
  for (const line of `${stdout}\n${stderr}`.split("\n")) expect(escaped(line)).to.equal(line);
}

describe("isosocket in a pipe", function () {
  this.timeout(60_000);
  const use = cleanUp();

  /** A server that answers every message with itself, and what it got in all. */
  const echo = async () => {
    const { url, accepted } = await acceptingServer(use);
    void (async () => {
      for (;;) {
        const ws = await accepted.next();
        for await (const message of ws) await ws.send(message);
      }
    })();
    return url;
  };

  /** A run, and the server's end of its connection. */
  const paired = async (args: string[], input?: string | Buffer, first?: Uint8Array) => {
    const server = await rawServer(use, first === undefined ? {} : { first });
    const run = runPiped(use, [...args, server.url], input);
    const peer = await server.accepted.next();
    return { run, peer, server };
  };

  /** As paired(), once the run knows that it is connected: before, a signal calls the attempt off. */
  const connected = async () => {
    const pair = await paired(["--json"]);
    await pair.run.until(({ stdout }) => stdout.includes('"open"'));
    return pair;
  };

  const texts = async (peer: ServerEnd, count: number) =>
    (await peer.frames.take(count)).map(({ opcode, payload }) => `${opcode} ${payload}`);

  /** Answers the Close frame that comes next; what was in it. */
  const answerClose = async (peer: ServerEnd): Promise<string> => {
    let frame: SentFrame;
    do frame = await peer.frames.next();
    while (frame.opcode !== CLOSE);
    peer.close(frame.payload.readUInt16BE());
    return `${frame.payload.readUInt16BE()} ${frame.payload.subarray(2)}`;
  };

  /** The input is over and nothing comes: the run closes, and ends well. */
  const endsWell = async ({ run, peer }: { run: Piped; peer: ServerEnd }) => {
    expect(await answerClose(peer)).to.equal("1000 ");
    expect(await run.ended).to.include({ code: 0, stdout: "", stderr: "" });
  };

  /** Flags with which the tests' server is trusted. */
  const trusting = (): string[] => {
    const file = join(folder(use), "ca.pem");
    writeFileSync(file, certificates().ca);
    return ["--ca", file];
  };

  describe("answers", () => {
    it("--help on standard output, and exits 0", async () => {
      const { code, stdout, stderr } = await runPiped(use, ["--help"]).ended;
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
      expect(stdout).to.match(/^usage: isosocket/);
    });

    it("--version", async () => {
      const { code, stdout } = await runPiped(use, ["--version"]).ended;
      expect(code).to.equal(0);
      expect(stdout).to.match(/^isosocket \d+\.\d+\.\d+\n$/);
    });

    it("nobody who has left, and says nothing of it", async () => {
      const run = runPiped(use, ["--help"]);
      run.process.stdout.destroy();
      expect(await run.ended).to.include({ code: 0, stderr: "" });
    });

    it("with 1 where the answer cannot be written", async () => {
      for (const flag of ["--help", "--version"]) {
        const { code, stderr } = await runInShell(use, '"$@" >/dev/full', [flag]).ended;
        expect(code).to.equal(1);
        expect(stderr).to.match(/^isosocket: standard output cannot be written: [^\n]*\n$/);
      }
    });

    for (const [args, says] of [
      [[], "isosocket: no url: say where to connect, such as ws://localhost:4040/ (see isosocket --help)\n"],
      [["--nope"], "isosocket: there is no flag --nope (see isosocket --help)\n"],
      [["ftp://h/"], 'isosocket: "ftp://h/" cannot be connected to: its scheme is none of'],
      [["-s", "a\x1b[31m", "ws://h/"], "is not a subprotocol"],
      [["-H", "A\x1b: b", "ws://h/"], "isosocket: "],
      [["--\x1b[31m", "ws://h/"], "isosocket: there is no flag --\\x1b[31m"],
      [["--ca", "/nonexistent", "wss://h/"], "isosocket: --ca: /nonexistent cannot be read: ENOENT"],
      [["--servername", "a", "ws://h/"], "isosocket: the option tls has no use for a ws url"],
    ] as const) {
      it(`${JSON.stringify(args.join(" "))} with a line on standard error, and exits 2`, async () => {
        const ended = await runPiped(use, args).ended;
        expect(ended).to.include({ code: 2, stdout: "" });
        expect(ended.stderr)
          .to.include(says)
          .and.match(/^isosocket: [^\n]*\n$/);
        expectHarmless(ended);
      });
    }
  });

  describe("sends", () => {
    it("each line as a text, and the last without its end", async () => {
      const { run, peer } = await paired([], "one\n\ntwo");
      expect(await texts(peer, 3)).to.deep.equal(["1 one", "1 ", "1 two"]);
      expect(await answerClose(peer)).to.equal("1000 ");
      expect(await run.ended).to.include({ code: 0, stdout: "", stderr: "" });
    });

    it("lines as they come, while the input goes on", async () => {
      const { run, peer } = await paired([]);
      for (const line of ["one", "two"]) {
        run.process.stdin.write(`${line}\n`);
        expect(await peer.text()).to.equal(line);
      }
      peer.close();
      expect((await run.ended).code).to.equal(0);
    });

    it("--text first", async () => {
      const { peer } = await paired(["-t", "one", "--text", "\u65e5"], "two\n");
      expect(await texts(peer, 3)).to.deep.equal(["1 one", "1 \u65e5", "1 two"]);
    });

    it("--binary lines", async () => {
      const pair = await paired(["--binary"], Buffer.of(0, 0xff, 0x0a, 0x0d, 0x0a));
      const frames = await pair.peer.frames.take(2);
      expect(frames.map(({ opcode, payload }) => `${opcode} ${payload.toString("hex")}`)).to.deep.equal([
        "2 00ff",
        "2 0d",
      ]);
      await endsWell(pair);
    });

    it("--hex lines", async () => {
      const pair = await paired(["--hex"], "00 ff\n");
      const { opcode, payload } = await pair.peer.frames.next();
      expect([opcode, payload.toString("hex")]).to.deep.equal([BINARY, "00ff"]);
      await endsWell(pair);
    });

    it("--whole as one text", async () => {
      const pair = await paired(["--whole"], '{\n  "a": 1\n}\n');
      expect(await texts(pair.peer, 1)).to.deep.equal(['1 {\n  "a": 1\n}\n']);
      await endsWell(pair);
    });

    it("a large --whole in frames of one message", async () => {
      const bytes = Buffer.alloc(5 * 1024 * 1024, "0123456789");
      const pair = await paired(["--whole", "--binary"], bytes);
      const frames: SentFrame[] = [];
      do frames.push(await pair.peer.frames.next());
      while (!frames.at(-1)?.fin);
      expect(frames.map(({ opcode }) => opcode)).to.deep.equal(
        frames.map((_, i) => (i === 0 ? BINARY : CONTINUATION)),
      );
      expect(Buffer.concat(frames.map(({ payload }) => payload)).equals(bytes)).to.equal(true);
      await endsWell(pair);
    });

    it("no end of a large --whole that is not UTF-8: it closes with 1011, says so, and exits 2", async () => {
      const text = Buffer.concat([Buffer.alloc(2 * 1024 * 1024, "x"), Buffer.of(0xff)]);
      const { run, peer } = await paired(["--whole"], text);
      expect(await answerClose(peer)).to.equal("1011 ");
      expect(await run.ended).to.include({
        code: 2,
        stderr: "isosocket: the input is not UTF-8: --binary sends any bytes\n",
      });
    });

    it("no line that is not UTF-8: it says so, and exits 2", async () => {
      const { run, peer } = await paired([], Buffer.from("ok\n\xff\n", "latin1"));
      expect(await peer.text()).to.equal("ok");
      await answerClose(peer);
      const { code, stderr } = await run.ended;
      expect(code).to.equal(2);
      expect(stderr).to.equal("isosocket: line 2 of the input is not UTF-8: --binary sends any bytes\n");
    });

    it("headers, cookies, origin, host, credentials and subprotocols", async () => {
      const files = folder(use);
      writeFileSync(join(files, "h"), "X-File: 1\nAuthorization: Bearer t\n");
      const server = await rawServer(use, { lines: ["Sec-WebSocket-Protocol: b"] });
      runPiped(use, [
        ...[
          "-H",
          "X-One: 1, 2",
          "-H",
          "X-Two: \u00e9",
          "--headers",
          "X-Three: 3, X-Four: 4",
          "-H",
          `@${join(files, "h")}`,
        ],
        ...["--cookie", "a=1; b=2", "-o", "https://o.example", "--host", "h.example", "-s", "a", "-s", "b"],
        server.url,
      ]);
      const { head } = await server.accepted.next();
      for (const line of [
        ...[
          "X-One: 1, 2",
          "X-Two: \u00e9",
          "X-Three: 3",
          "X-Four: 4",
          "X-File: 1",
          "Authorization: Bearer t",
        ],
        ...["Cookie: a=1; b=2", "Origin: https://o.example", "Host: h.example"],
        "Sec-WebSocket-Protocol: a, b",
      ])
        expect(head).to.include(`\r\n${line}\r\n`);
    });

    it("pings with --ping, and prints pongs with -v", async () => {
      const { run, peer } = await paired(["--ping", "0.05", "-v"]);
      const { opcode } = await peer.frames.next();
      expect(opcode).to.equal(PING);
      peer.send(10, "p\x1b");
      await run.until(({ stdout }) => stdout === "pong: b'p\\x1b'\n");
    });
  });

  describe("prints", () => {
    it("messages as lines, and nothing else", async () => {
      const { run, peer } = await paired(["--count", "3"], undefined, frame(TEXT, "with the 101"));
      peer.send(PING, "x");
      peer.send(BINARY, Buffer.of(0, 0x61));
      peer.send(TEXT, "in \u65e5", false);
      peer.send(CONTINUATION, "\u65e5 two");
      await answerClose(peer);
      const { code, stdout, stderr } = await run.ended;
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
      expect(stdout).to.equal("with the 101\nb'\\x00a'\nin \u65e5\u65e5 two\n");
    });

    it("no more than --count", async () => {
      const { run, peer } = await paired(["--count", "2"]);
      peer.socket.write(Buffer.concat([1, 2, 3, 4].map((number) => frame(TEXT, `${number}`))));
      await answerClose(peer);
      expect(await run.ended).to.include({ code: 0, stdout: "1\n2\n", stderr: "" });
    });

    it("what is what with -v", async () => {
      const { run, peer } = await paired(["-v"]);
      peer.socket.write(Buffer.concat([frame(TEXT, "t"), frame(BINARY, "b"), frame(PING, "p")]));
      peer.close(4001, "bye");
      const { code, stdout, stderr } = await run.ended;
      expect(code).to.equal(1);
      expect(stdout).to.equal("text: t\nbinary: b'b'\nping: b'p'\nclose: 4001 bye\n");
      expect(stderr).to.match(/^connected to ws:.*\nisosocket: the server closed with 4001: bye\n$/);
    });

    it("an object for each event with --json", async () => {
      const { run, peer } = await paired(["--json", "--timings"]);
      peer.socket.write(
        Buffer.concat([frame(TEXT, "t\x9b"), frame(BINARY, "b"), frame(PING, "p"), frame(10, "q")]),
      );
      peer.close(1000, "bye");
      const ended = await run.ended;
      expect(ended).to.include({ code: 0, stderr: "" });
      expectHarmless(ended);
      const events = ended.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      for (const { time } of events) expect(time).to.be.a("number");
      expect(events.map(({ time: _, url: __, ...event }) => event)).to.deep.equal([
        { type: "open", status: 101, protocol: "", extensions: "" },
        { type: "message", data: "t\x9b" },
        { type: "message", base64: "Yg==" },
        { type: "ping", base64: "cA==" },
        { type: "pong", base64: "cQ==" },
        { type: "close", code: 1000, reason: "bye", wasClean: true },
      ]);
    });

    it("the error as JSON too", async () => {
      const { code, stdout, stderr } = await runPiped(use, ["--json", NOWHERE]).ended;
      expect(code).to.equal(3);
      const { message, ...event } = JSON.parse(stdout);
      expect(event).to.deep.equal({ type: "error", code: "ERR_WS_CONNECT" });
      expect(stderr).to.equal(`isosocket: ${message}\n`);
    });

    it("bytes as they are with --raw, of any size", async () => {
      const bytes = Buffer.alloc(
        3 * 1024 * 1024 + 1,
        Buffer.from(Array.from({ length: 251 }, (_, byte) => byte)),
      );
      const { run, peer } = await paired(["--raw", "--count", "2"]);
      peer.send(BINARY, bytes);
      peer.send(TEXT, "\x1b[31mred");
      await answerClose(peer);
      expect((await run.ended).code).to.equal(0);
      expect(run.stdoutBytes.equals(Buffer.concat([bytes, Buffer.from("\x1b[31mred\n")]))).to.equal(true);
    });

    it("all that comes, to a reader that is slow", async () => {
      const { run, peer } = await paired([]);
      run.process.stdout.pause();
      const lines = Array.from({ length: 300 }, (_, i) => `${i} ${"x".repeat(10_000)}`);
      peer.socket.write(Buffer.concat(lines.map((line) => frame(TEXT, line))));
      peer.close();
      run.process.stdout.resume();
      expect((await run.ended).stdout === `${lines.join("\n")}\n`).to.equal(true);
    });

    it("all that comes, where a full pipe does not wait", async () => {
      const server = await rawServer(use);
      // dd leaves it to whom it shares it with as one that does not wait.
      const run = runInShell(use, 'dd if=/dev/null oflag=nonblock 2>/dev/null; exec "$@"', [server.url]);
      const peer = await server.accepted.next();
      run.process.stdout.pause();
      const text = "0123456789".repeat(200_000);
      peer.socket.write(Buffer.concat([frame(TEXT, text), frame(TEXT, "end"), closeFrame()]));
      // It cannot have written all of it when the server has got rid of it, so that it had to try again.
      run.process.stdout.resume();
      const ended = await run.ended;
      expect(ended).to.include({ code: 0, stderr: "" });
      expect(ended.stdout === `${text}\nend\n`).to.equal(true);
    });

    it("packed texts", async () => {
      const { run, peer } = await paired(["--count", "1"]);
      peer.send(BINARY, Buffer.from("1f8b0800000000000003cb48cdc9c9070086a6103605000000", "hex"));
      await answerClose(peer);
      expect((await run.ended).stdout).to.equal("[gzip] hello\n");
    });

    it("a trace with --trace and -vv, without what is secret", async () => {
      for (const flag of ["--trace", "-vv"]) {
        const server = await rawServer(use, { lines: ["Set-Cookie: sid=s3cret", "X-A: \x9b31m"] });
        const url = server.url.replace("//", "//user:s3cret@");
        const run = runPiped(use, [
          flag,
          "-H",
          "Authorization: s3cret",
          "--cookie",
          "a=s3cret",
          `${url}?k=s3cret`,
        ]);
        const peer = await server.accepted.next();
        peer.send(TEXT, "\x1b[31m");
        peer.close();
        const ended = await run.ended;
        expect(ended.code).to.equal(0);
        expect(ended.stderr).to.include("--- request header ---\nGET /?k=*** HTTP/1.1\n");
        expect(ended.stderr).to.include("++Rcv decoded: fin=1 opcode=1 data=b'\\x1b[31m'\n");
        expect(ended.stderr).to.not.include("s3cret");
        expectHarmless(ended);
      }
    });
  });

  describe("ends", () => {
    it("by itself once an echo was printed and nothing more comes", async () => {
      const run = runPiped(use, [await echo()], "hi\nthere");
      expect(await run.ended).to.include({ code: 0, stdout: "hi\nthere\n", stderr: "" });
    });

    it("when the server closes, though the input goes on", async () => {
      for (const [code, exit] of [
        [1000, 0],
        [1001, 0],
        [undefined, 0],
        [4000, 1],
        [1011, 1],
      ] as const) {
        const { run, peer } = await paired([]);
        if (code === undefined) peer.socket.end(frame(CLOSE));
        else peer.close(code);
        const ended = await run.ended;
        expect(ended.code).to.equal(exit);
        if (exit === 0) expect(ended.stderr).to.equal("");
        else expect(ended.stderr).to.match(/^isosocket: the server closed with .*\n$/);
      }
    });

    it("with 1 when the connection is lost", async () => {
      const { run, peer } = await paired([]);
      peer.socket.destroy();
      const { code, stderr } = await run.ended;
      expect(code).to.equal(1);
      expect(stderr).to.match(/^isosocket: [^\n]+\n$/);
    });

    it("with 1 when --ping is not answered", async () => {
      const { run } = await paired(["--ping", "0.05"]);
      const { code, stderr } = await run.ended;
      expect(code).to.equal(1);
      expect(stderr).to.match(/^isosocket: [^\n]* 50 ms[^\n]*\n$/);
    });

    it("with 1 when the server breaks the protocol, with a line that is harmless", async () => {
      const { run, peer } = await paired([]);
      peer.socket.write(Buffer.of(0x83, 0));
      const ended = await run.ended;
      expect(ended.code).to.equal(1);
      expect(ended.stderr).to.match(/^isosocket: [^\n]+\n$/);
    });

    it("with 1 when the server closes before --count", async () => {
      const { run, peer } = await paired(["--count", "2"]);
      peer.send(TEXT, "one");
      peer.close();
      const { code, stdout, stderr } = await run.ended;
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "one\n" });
      expect(stderr).to.include("1 of --count did not come");
    });

    it("after --eof-wait, with 4 when that is before --count", async () => {
      const { run, peer } = await paired(["--eof-wait", "0", "--count", "2"], "x\n");
      await answerClose(peer);
      expect((await run.ended).code).to.equal(4);
    });

    it("after --eof-wait, though more comes", async () => {
      const { run, peer } = await paired(["--eof-wait", "0.2"], "x\n");
      const timer = setInterval(() => peer.send(TEXT, "more"), 20);
      await answerClose(peer).finally(() => clearInterval(timer));
      expect((await run.ended).code).to.equal(0);
    });

    it("only with the server, where there was no input at all, or --eof-wait is forever", async () => {
      for (const [args, input] of [
        [[], ""],
        [["--eof-wait", "forever"], "x\n"],
      ] as const) {
        const { run, peer } = await paired([...args], input);
        // One that is begun later, and ends by silence, is over before this one.
        expect((await runPiped(use, [await echo()], "x\n").ended).code).to.equal(0);
        peer.send(TEXT, "late");
        await run.until(({ stdout }) => stdout === "late\n");
        peer.close();
        expect((await run.ended).code).to.equal(0);
      }
    });

    it("with --close", async () => {
      const { run, peer } = await paired(["--close", "4000:bye: \u65e5", "--eof-wait", "0"], "");
      expect(await answerClose(peer)).to.equal("4000 bye: \u65e5");
      expect((await run.ended).code).to.equal(0);
    });

    it("quietly when nobody reads what it prints", async () => {
      const { run, peer } = await paired([]);
      run.process.stdout.destroy();
      const sending = setInterval(() => peer.send(TEXT, "x".repeat(1000)), 5);
      await answerClose(peer).finally(() => clearInterval(sending));
      expect(await run.ended).to.include({ code: 0, stderr: "" });
    });

    it("quietly, too, where --count is reached by what nobody reads", async () => {
      const { run, peer } = await paired(["--count", "1"]);
      const gone = once(run.process.stdout, "close");
      run.process.stdout.destroy();
      await gone;
      peer.send(TEXT, "x");
      await answerClose(peer);
      expect(await run.ended).to.include({ code: 0, stderr: "" });
    });

    it("when who reads has read enough, of input and echoes without end", async () => {
      const run = runInShell(use, 'yes | "$@" | head -2', [await echo()]);
      expect(await run.ended).to.include({ code: 0, stdout: "y\ny\n", stderr: "" });
    });

    it("with 1 when it cannot print", async () => {
      const run = runInShell(use, '"$@" >/dev/full', ["-t", "x", await echo()]);
      const { code, stderr } = await run.ended;
      expect(code).to.equal(1);
      expect(stderr).to.match(/^isosocket: standard output cannot be written: [^\n]*\n$/);
    });

    it("with 130 and a Close frame at SIGINT", async () => {
      const { run, peer } = await connected();
      run.signal("SIGINT");
      expect(await answerClose(peer)).to.equal("1000 ");
      expect(await run.ended).to.include({ code: 130, stderr: "" });
    });

    it("at once at a second SIGINT, when the server does not answer the Close frame", async () => {
      const { run, peer } = await connected();
      run.signal("SIGINT");
      expect((await peer.frames.next()).opcode).to.equal(CLOSE);
      run.signal("SIGINT");
      const { code, stdout } = await run.ended;
      expect(code).to.equal(130);
      expect(stdout).to.include('"wasClean":false').and.not.include("ERR_WS_TIMEOUT");
    });

    it("with 143 and code 1001 at SIGTERM", async () => {
      const { run, peer } = await connected();
      run.signal("SIGTERM");
      expect(await answerClose(peer)).to.equal("1001 ");
      expect((await run.ended).code).to.equal(143);
    });

    it("as a shell says it with 129, and with code 1001, at SIGHUP", async () => {
      const { run, peer } = await connected();
      run.signal("SIGHUP");
      expect(await answerClose(peer)).to.equal("1001 ");
      const { code, signal, stderr } = await run.ended;
      expect([signal === "SIGHUP" ? 129 : code, stderr]).to.deep.equal([129, ""]); // Deno may get to its exit first
    });

    it("with 130 at SIGINT while it connects", async () => {
      const peer = use(await listen(() => {}));
      const run = runPiped(use, ["--trace", peer.url]);
      await run.until(({ stderr }) => stderr.includes("request header"));
      run.signal("SIGINT");
      expect((await run.ended).code).to.equal(130);
      expect(run.stderr).to.not.match(/^isosocket:/m);
    });
  });

  describe("does not connect", () => {
    const complaint = async (run: Piped, code: number) => {
      const ended = await run.ended;
      expect(ended).to.include({ code, stdout: "" });
      expect(ended.stderr).to.match(/^isosocket: [^\n]*\n/);
      expectHarmless(ended);
      return ended.stderr;
    };

    const refusingProxy = async (): Promise<number> => {
      const answer = "HTTP/1.1 407 No\r\nContent-Length: 14\r\n\r\nlog in: \x1b[31m\n";
      const peer = await listen(async (socket) => {
        await requestHead(socket);
        socket.end(answer);
      });
      return use(peer).port;
    };

    it("where nobody listens", async () => {
      expect(await complaint(runPiped(use, [NOWHERE]), 3)).to.include("ECONNREFUSED");
    });

    it("to what speaks something else", async () => {
      const other = use(await listen((socket) => void socket.end("SSH-2.0-OpenSSH_9.2p1\r\n")));
      expect(await complaint(runPiped(use, [other.url]), 3)).to.include("SSH-2.0");
    });

    it("to a server that refuses, whose page it shows with -v, harmless", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      use({ close: () => server.closeAllConnections() });
      use(server);
      await new Promise((resolve) => server.once("listening", resolve));
      server.on("upgrade", (_request, socket) => {
        socket.end("HTTP/1.1 403 No \x9b way\r\nX-A: b\r\n\r\nwhy: \x1b[31m\nsecond line\n", "latin1");
      });
      const { port } = server.address() as AddressInfo;
      const url = `ws://user:s3cret@127.0.0.1:${port}/?token=s3cret`;
      const brief = await complaint(runPiped(use, [url]), 3);
      expect(brief).to.include("403").and.not.include("why").and.not.include("s3cret");
      expect(brief).to.match(/; -v shows the page that came with it\n$/);
      const long = await complaint(runPiped(use, ["-v", url]), 3);
      expect(long).to.include("\nwhy: \\x1b[31m\nsecond line\n").and.not.include("s3cret");
      expect(long).to.not.include("; -v shows");
      const { stdout } = await runPiped(use, ["--json", url]).ended;
      expect(JSON.parse(stdout)).to.include({ code: "ERR_WS_UNEXPECTED_STATUS", status: 403 });
      // A proxy that refuses is as a server that does.
      const proxied = await complaint(
        runPiped(use, ["-v", "--proxy", `http://127.0.0.1:${await refusingProxy()}`, "ws://h.invalid/"]),
        3,
      );
      expect(proxied).to.include("407").and.include("\nlog in: \\x1b[31m\n");
    });

    it("with a client certificate that is of another key", async () => {
      const { server, otherName } = certificates();
      const files = folder(use);
      const [cert, key] = [join(files, "cert.pem"), join(files, "key.pem")];
      writeFileSync(cert, server.cert);
      writeFileSync(key, otherName.key);
      const run = runPiped(use, ["-n", "--cert", cert, "--key", key, "wss://127.0.0.1:1/"]);
      expect(await complaint(run, 2)).to.include("tls");
    });

    it("over TLS to a server without, and without to a server with TLS", async () => {
      const server = await acceptingServer(use, {}, "TCP");
      const without = runPiped(use, [server.url.replace("ws:", "wss:")]);
      expect(await complaint(without, 3)).to.include("does the server speak TLS?");
      const { url } = await acceptingServer(use, {}, "TLS");
      const stderr = await complaint(runPiped(use, [url.replace("wss:", "ws:")]), 3);
      expect(stderr).to.include("does the server want wss://?");
    });

    it("within --timeout", async () => {
      const peer = use(await listen(() => {}));
      expect(await complaint(runPiped(use, ["--timeout", "0.1", peer.url]), 4)).to.include("within 100 ms");
    });

    it("to a server that does not choose a subprotocol", async () => {
      const server = await rawServer(use);
      expect(await complaint(runPiped(use, ["-s", "chat", server.url]), 3)).to.include("protocol");
    });

    it("to a server that is not trusted", async () => {
      const { url } = await acceptingServer(use, {}, "TLS");
      expect(await complaint(runPiped(use, [url]), 3)).to.include("--ca FILE");
    });

    it("to a server with another key than --pin says", async () => {
      const { url } = await acceptingServer(use, {}, "TLS");
      const stderr = await complaint(
        runPiped(use, ["--pin", `sha256/${"A".repeat(43)}=`, ...trusting(), url]),
        3,
      );
      expect(stderr).to.include("pin");
    });

    it("around a proxy that does not answer", async () => {
      const server = await rawServer(use);
      const proxy = NOWHERE.replace("ws://", "http://user:s3cret@");
      const stderr = await complaint(runPiped(use, ["--proxy", proxy, server.url]), 3);
      expect(stderr).to.include("proxy").and.not.include("s3cret");
      expect(server.accepted.waiting).to.equal(0);
    });
  });

  describe("connects", () => {
    it("over TLS with --ca, and with --nocert", async () => {
      const server = await acceptingServer(use, {}, "TLS");
      for (const flags of [trusting(), ["-n"]]) {
        const run = runPiped(use, [...flags, "--eof-wait", "0", server.url], "");
        await server.accepted.next();
        expect(await run.ended).to.include({ code: 0, stdout: "", stderr: "" });
      }
    });

    it("to a server with the key that --pin says", async () => {
      const server = await acceptingServer(use, {}, "TLS");
      const key = new X509Certificate(certificates().server.cert).publicKey;
      const pin = createHash("sha256")
        .update(key.export({ type: "spki", format: "der" }))
        .digest("base64");
      const run = runPiped(use, ["--pin", `sha256/${pin}`, ...trusting(), "--eof-wait", "0", server.url], "");
      await server.accepted.next();
      expect(await run.ended).to.include({ code: 0, stdout: "", stderr: "" });
    });

    it("through the proxy that --proxy names, or the environment, and with --no-proxy around it", async () => {
      const server = await rawServer(use);
      const asked: string[] = [];
      const proxy = use(
        await listen(async (socket) => {
          asked.push((await requestHead(socket)).split("\r\n", 1)[0] ?? "");
          const onward = connect(server.port, "127.0.0.1");
          onward.on("error", () => {});
          socket.on("close", () => onward.destroy());
          socket.write("HTTP/1.1 200 OK\r\n\r\n");
          socket.pipe(onward).pipe(socket);
        }),
      );
      const url = `http://127.0.0.1:${proxy.port}`;
      const env = { http_proxy: url };
      for (const [args, more, count] of [
        [["--proxy", url], {}, 1],
        [[], env, 2],
        [["--no-proxy"], env, 2],
        [["-p", "none"], env, 2],
      ] as const) {
        const run = runPiped(use, [...args, server.url], undefined, more);
        (await server.accepted.next()).close();
        expect(await run.ended).to.include({ code: 0, stdout: "", stderr: "" });
        expect(asked).to.have.length(count);
      }
      expect(asked[0]).to.equal(`CONNECT 127.0.0.1:${server.port} HTTP/1.1`);
    });

    it("where it is redirected to, with --follow alone", async () => {
      const server = await rawServer(use);
      const other = use(
        await listen(async (socket) => {
          await requestHead(socket);
          socket.end(`HTTP/1.1 302 Found\r\nLocation: ${server.url}\r\nContent-Length: 0\r\n\r\n`);
        }),
      );
      const refused = await runPiped(use, [other.url]).ended;
      expect(refused.code).to.equal(3);
      expect(refused.stderr).to.include("--follow goes there");
      const run = runPiped(use, ["-v", "--follow", other.url]);
      (await server.accepted.next()).close();
      const { code, stderr } = await run.ended;
      expect(code).to.equal(0);
      expect(stderr).to.include(`connected to ${server.url}\n`);
    });

    it("with an offer of compression, with --compress", async () => {
      const server = await rawServer(use);
      runPiped(use, ["--compress", server.url]);
      expect((await server.accepted.next()).head).to.include(
        "\r\nSec-WebSocket-Extensions: permessage-deflate",
      );
    });

    it("to another place with --connect-to, and to a Unix socket", async () => {
      const tcp = await acceptingServer(use, {}, "TCP");
      const place = tcp.url.slice("ws://".length, -1);
      const first = runPiped(use, ["--connect-to", place, "--eof-wait", "0", "ws://name.invalid/"], "");
      await tcp.accepted.next();
      expect((await first.ended).code).to.equal(0);
      const unix = await acceptingServer(use, {}, "Unix");
      const path = unix.url.slice("ws+unix:".length, -2);
      const second = runPiped(use, ["--unix-socket", path, "--eof-wait", "0", "ws://name.invalid/"], "");
      await unix.accepted.next();
      expect((await second.ended).code).to.equal(0);
    });

    it("again with --reconnect, and goes on with the input", async () => {
      const { run, peer, server } = await paired(["--reconnect", "0.01", "-t", "tell me"]);
      expect(await peer.text()).to.equal("tell me");
      run.process.stdin.write("one\n");
      expect(await peer.text()).to.equal("one");
      peer.socket.destroy();
      const second = await server.accepted.next();
      expect(await second.text()).to.equal("tell me");
      run.process.stdin.write("two\n");
      expect(await second.text()).to.equal("two");
      second.send(TEXT, "hello");
      await run.until(({ stdout }) => stdout === "hello\n");
      second.close();
      expect((await run.ended).code).to.equal(0);
      expect(run.stderr).to.match(/^isosocket: [^\n]*; connecting again in 0\.0 s\n$/);
    });

    it("again with --reconnect where the server goes, and says with what", async () => {
      const { run, peer, server } = await paired(["--reconnect", "0.01"]);
      peer.close(1001);
      const second = await server.accepted.next();
      second.socket.end(frame(CLOSE));
      (await server.accepted.next()).close();
      const { code, stderr } = await run.ended;
      expect(code).to.equal(0);
      expect(stderr.replace(/\d\.\d/g, "0.0")).to.equal(
        ["with 1001 (going away)", "without a code"]
          .map((how) => `isosocket: the server closed ${how}; connecting again in 0.0 s\n`)
          .join(""),
      );
    });

    it("where the server answers with an upgrade and all the rest at once", async () => {
      const peer = use(
        await listen(async (socket) => {
          const head = Buffer.from(accepting(await requestHead(socket)), "latin1");
          socket.end(Buffer.concat([head, frame(TEXT, "all"), frame(TEXT, "at once"), closeFrame()]));
        }),
      );
      const run = runPiped(use, [peer.url]);
      expect(await run.ended).to.include({ code: 0, stdout: "all\nat once\n", stderr: "" });
    });
  });
});

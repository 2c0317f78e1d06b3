// The README's two programs are those of the tutorial, and do what it says: run as a user runs them, against an echo server.
// Its other examples, and those of the pages in docs/, compile; spec/docs/examples.spec.ts runs them.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { READERS_TYPES } from "./support/examples.ts";
import { type CodeBlock, readPage } from "./support/markdown.ts";

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
    expect(stderr).to.match(
      /\+\+Rcv decoded: fin=1 opcode=8 data=b'\\x03\\xe8'\nclosed with code 1000 - goodbye\n$/,
    );
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

/** As a user compiles: strict, with the types of the entry for Node. */
const CONFIG = {
  extends: resolve("tsconfig.json"),
  compilerOptions: {
    paths: {
      isosocket: [resolve("lib/node.ts")],
      "isosocket/core": [resolve("lib/core.ts")],
      "isosocket/server": [resolve("lib/server.ts")],
      express: [resolve("node_modules/@types/express")],
      fastify: [resolve("node_modules/fastify/fastify.d.ts")],
    },
    types: ["node"],
    typeRoots: [resolve("node_modules/@types")],
    isolatedDeclarations: false,
    declaration: false,
    noUnusedLocals: false,
  },
  include: ["*.mts", "*.d.ts"],
};

describe("the examples", function () {
  this.timeout(60_000);

  const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
  const pages = ["README.md", ...readdirSync("docs").map((file) => `docs/${file}`)];
  const examples = pages.flatMap((page) => readPage(page).code).filter(({ language }) => language === "ts");
  const nameOf = ({ place }: CodeBlock) => `${place.replace(/\W/g, "-")}.mts`;
  let complaints = "";

  before(async () => {
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(CONFIG));
    writeFileSync(join(folder, "readers.d.ts"), READERS_TYPES);
    for (const example of examples) writeFileSync(join(folder, nameOf(example)), example.text);
    const tsc = run(process.execPath, [
      "node_modules/typescript/bin/tsc",
      "--project",
      folder,
      "--pretty",
      "false",
    ]);
    complaints = await tsc.then(
      () => "",
      (error) => String(error.stdout),
    );
  });

  after(() => rmSync(folder, { recursive: true }));

  it("are many", () => {
    expect(examples).to.have.length.above(15);
  });

  for (const example of examples) {
    it(`compiles at ${example.place}`, () => {
      expect(complaints.split("\n").filter((line) => line.includes(nameOf(example)))).to.deep.equal([]);
    });
  }

  it("are all that the compiler complains of, but for the sources themselves", () => {
    const others = complaints.split("\n").filter((line) => line !== "" && !line.startsWith("lib/"));
    expect(others).to.deep.equal([]);
  });
});

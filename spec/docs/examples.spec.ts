// The examples that the documentation marks as programs (```ts run, ```sh run), and those of the README: run as a user runs
// them, in the runtime of this spec, against a server at hand. They print what their comments promise.

import { expect } from "chai";
import { type ExampleServer, exampleServer } from "../support/example-server.ts";
import { EXAMPLE_TIMEOUT_MS, printedBy, promised } from "../support/examples.ts";
import { type CodeBlock, readPage } from "../support/markdown.ts";

const PAGES = [
  "docs/command.md",
  "docs/core.md",
  "docs/options.md",
  "docs/migrating-from-websocket-client.md",
  "docs/server.md",
];

const isTypeScript = ({ language }: CodeBlock) => language === "ts";

describe("the examples", () => {
  let server: ExampleServer;
  beforeEach(async () => {
    server = await exampleServer();
  });
  afterEach(() => server.close());

  for (const file of PAGES) {
    const programs = readPage(file).code.filter(({ mark }) => mark === "run");

    it(`are many in ${file}, and each promises something`, () => {
      expect(programs).to.have.length.above(4);
      expect(programs.filter((program) => promised(program).length === 0)).to.deep.equal([]);
    });

    for (const program of programs) {
      it(`at ${program.place} prints what it promises`, async () => {
        expect(await printedBy(program, server)).to.deep.equal(promised(program));
      }).timeout(EXAMPLE_TIMEOUT_MS);
    }
  }

  // Those of the tutorial take their url from the command line, and are in the specs of the README.
  for (const program of readPage("README.md").code.filter(isTypeScript)) {
    if (program.text.includes("process.argv")) continue;
    it(`at ${program.place} runs, and prints what it promises, if anything`, async () => {
      const [lines, wanted] = [await printedBy(program, server), promised(program)];
      if (wanted.length > 0) expect(lines).to.deep.equal(wanted);
    }).timeout(EXAMPLE_TIMEOUT_MS);
  }
});

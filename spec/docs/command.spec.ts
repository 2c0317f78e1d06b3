// docs/command.md: its flags are those that there are, its exit codes those of the help, its JSON that which is printed. Its
// programs run in examples.spec.ts.

import { expect } from "chai";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { GROUPS } from "../../lib/cli/flags.ts";
import { help } from "../../lib/cli/help.ts";
import { HISTORY_SIZE } from "../../lib/cli/history.ts";
import { type Event, render, SHOWN_BYTES } from "../../lib/cli/render.ts";
import { UsageError } from "../../lib/errors.ts";
import { thrown } from "../support/failure.ts";
import { codeIn, emptyCells, readPage, tableWith } from "../support/markdown.ts";

const page = readPage("docs/command.md");

const FLAGS = new Set([
  ...GROUPS.flatMap(([, flags]) => flags).flatMap(({ name, short, also = [] }) => [
    ...[name, ...also].map((long) => `--${long}`),
    ...(short === undefined ? [] : [`-${short}`]),
  ]),
  "--help",
]);

/** The flags that a text names. */
function flagsIn(text: string): string[] {
  return codeIn(text).flatMap((code) => /^--?[a-zA-Z][\w-]*/.exec(code) ?? []);
}

/** One of each kind of event, with all that it may have. */
const EVENTS: { readonly [Type in Event["type"]]: readonly Event[] } = {
  open: [{ type: "open", url: "ws://h/", status: 101, protocol: "", extensions: "" }],
  message: [
    { type: "message", data: "" },
    { type: "message", data: new Uint8Array(0) },
  ],
  ping: [{ type: "ping", data: new Uint8Array(0) }],
  pong: [{ type: "pong", data: new Uint8Array(0) }],
  error: [{ type: "error", code: "ERR_WS_CONNECT", message: "", status: 403 }],
  close: [{ type: "close", code: 1000, reason: "", wasClean: true }],
};

const JSON_STYLE = {
  json: true,
  raw: false,
  timings: false,
  labels: false,
  prompt: false,
  terminal: false,
  colours: false,
};

describe("docs/command.md", () => {
  it("has no empty cell", () => expect(emptyCells(page)).to.deep.equal([]));

  it("names flags that there are", () => {
    const { rows } = tableWith(page, "wscat");
    const foreign = new Set(rows.flatMap((row) => row.slice(0, -1)).flatMap(flagsIn));
    const own = rows.flatMap((row) => flagsIn(row.at(-1) ?? ""));
    expect(own.filter((flag) => !FLAGS.has(flag))).to.deep.equal([]);
    const named = flagsIn(page.prose);
    expect(named).to.have.length.above(30);
    expect(named.filter((flag) => !FLAGS.has(flag) && !foreign.has(flag))).to.deep.equal([]);
  });

  it("gives those flags of others a place that are refused here with a hint", () => {
    const { rows } = tableWith(page, "wscat");
    for (const row of rows) {
      const wanted = flagsIn(row.at(-1) ?? "");
      for (const flag of row
        .slice(0, -1)
        .flatMap(flagsIn)
        .filter((flag) => !FLAGS.has(flag))) {
        const { message } = thrown(() => parseArguments([flag, "ws://h/"]), UsageError);
        expect(message).to.match(/^there is no flag /);
        const [, hint = ""] = message.split("is it ");
        if (hint !== "") expect(hint.match(/--[\w-]+/g) ?? [], message).to.include.oneOf(wanted);
      }
    }
  });

  it("has the exit codes of the help", () => {
    const codes = tableWith(page, "Code").rows.map(([code]) => Number(code));
    const [, listed = ""] = help().split("Exit codes:\n");
    const inHelp = listed.matchAll(/^ {2,4}(\d+) {2}|(\d+)(?= and \d+: SIG)|(\d+)(?=: SIG)/gm);
    expect(codes).to.have.members(Array.from(inHelp, ([found]) => Number(found)));
  });

  it("has the events that are printed, with their fields", () => {
    const rows = tableWith(page, "`type`").rows.map(([type = "", fields = ""]) => [
      codeIn(type)[0],
      codeIn(fields),
    ]);
    const printed = Object.entries(EVENTS).map(([type, events]) => {
      const objects = events.map((event) => JSON.parse(String(render(event, JSON_STYLE, 0))));
      const fields = new Set(objects.flatMap((object) => Object.keys(object)));
      fields.delete("type");
      return [type, [...fields]];
    });
    expect(rows).to.deep.equal(printed);
  });

  it("says how much is shown and remembered as it is", () => {
    expect(page.prose.replaceAll("\n", " "))
      .to.include(`More than ${SHOWN_BYTES} bytes are cut`)
      .and.include(`the last ${HISTORY_SIZE} lines`);
  });
});

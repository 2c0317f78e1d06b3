// The comments of what users get: all that an entry exports has one, and so has each member, as editors show it beside the
// name. What they say of defaults is held against docs/options.md in options.spec.ts.

import { readFileSync } from "node:fs";
import { expect } from "chai";
import { CALLBACKS } from "../../lib/client/callbacks.ts";
import { declarationsIn } from "../support/declarations.ts";

const lib = declarationsIn("lib");
const errors = declarationsIn("lib/errors.ts");

/** What a file exports by name, by lists, as constants of its own, and with all of errors.ts. */
function exportedBy(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const lists = Array.from(text.matchAll(/^export [^;]*?\{([^}]*)\}/gm), ([, list = ""]) => list.split(","));
  const listed = lists.flat().map((name) => name.replace("type ", "").trim());
  const own = Array.from(text.matchAll(/^export const (\w+)/gm), ([, name = ""]) => name);
  const ofErrors = /^export \* from ".*errors\.ts"/m.test(text)
    ? [...errors.classes.keys(), ...errors.interfaces.keys()]
    : [];
  return [...listed, ...own, ...ofErrors].filter((name) => name !== "");
}

/** Callbacks have theirs in AppCallbacks, from where editors take it. */
const isInherited = (name: string) => CALLBACKS.some((callback) => name === `App.${callback}`);

for (const file of [
  "lib/api.ts",
  "lib/node.ts",
  "lib/deno.ts",
  "lib/bun.ts",
  "lib/browser.ts",
  "lib/server/api.ts",
  "lib/server.ts",
]) {
  describe(`what ${file} exports`, () => {
    const names = exportedBy(file);
    const own = declarationsIn(file).comments;

    it("is found", () => expect(names).to.not.be.empty);

    it("has a comment each", () => {
      const silent = names.filter((name) => !(own.get(name) ?? lib.comments.get(name)));
      expect(silent).to.deep.equal([]);
    });

    it("has a comment for each member", () => {
      const members = names.flatMap((name) => [
        ...(lib.interfaces.get(name) ?? []).map((member) => `${name}.${member.name}`),
        ...(lib.classes.get(name) ?? []).map((member) => `${name}.${member}`),
      ]);
      const silent = members.filter((name) => !lib.comments.get(name) && !name.endsWith(".constructor"));
      expect(silent.filter((name) => !isInherited(name))).to.deep.equal([]);
    });
  });
}

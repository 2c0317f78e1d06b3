// The entries of the server: the same names in each.

import { expect } from "chai";
import * as errors from "../../lib/errors.ts";
import * as forNode from "../../lib/server.ts";
import * as forDeno from "../../lib/server-deno.ts";

describe("isosocket/server", () => {
  const names = ["ConnectionGroup", "RefusalError", "accept", "acceptOver", "enableTrace", "serve"];

  it("exports what it should, and the errors", () => {
    expect(Object.keys(forNode)).to.have.members([...names, ...Object.keys(errors)]);
  });

  it("exports the same for Deno", () => {
    expect(Object.keys(forDeno)).to.deep.equal(Object.keys(forNode));
  });
});

// What inflating takes: memory, whatever a peer sends, in a process of its own; and zlib's, for the time that it is needed.

import { spawnSync } from "node:child_process";
import { expect } from "chai";
import type { Taken } from "../support/bomb.ts";
import { wordsOf } from "../support/built.ts";
import { deflating, WAYS } from "../support/deflate.ts";
import { retainedBytes } from "../support/growth.ts";
import { WireEnd } from "../support/wire-end.ts";

const MIB = 1024 * 1024;
const LIMIT = 64 * MIB;

describe("Inflater", () => {
  for (const way of WAYS) {
    describe(`with a gibibyte in a mebibyte, by the ${way} way`, () => {
      const take = (kind: string): Taken => {
        const [program, ...words] = wordsOf("spec/support/bomb.ts");
        const ran = spawnSync(program, [...words, kind, String(LIMIT), way]);
        if (ran.status !== 0) throw new Error(String(ran.stderr));
        return JSON.parse(String(ran.stdout));
      };

      for (const kind of ["whole", "fragments", "text", "stream"]) {
        it(`takes the limit and little more: ${kind}`, () => {
          const taken = take(kind);
          expect(taken).to.include({ error: "ERR_WS_MESSAGE_TOO_BIG", closeCode: 1009 });
          expect(taken.bytes).to.be.at.most(LIMIT);
          expect(taken.growth).to.be.below(LIMIT + 48 * MIB);
          expect(taken.turns).to.be.at.least(5);
        });
      }

      it("takes none for long where it is many messages, and lets the loop have its turns", () => {
        const taken = take("small");
        expect(taken)
          .to.include({ bytes: 1024 * MIB })
          .and.not.to.have.property("error");
        expect(taken.growth).to.be.below(400 * MIB);
        expect(taken.turns).to.be.at.least(1000);
      });
    });
  }

  it("takes a few hundred bytes while nothing has come", () => {
    const many = 2000;
    const each = (deflate: object) =>
      retainedBytes(() => Array.from({ length: many }, () => new WireEnd("client", deflate))) / many;
    expect(each(deflating("driven")) - each({})).to.be.below(1500);
  });

  it("holds, once a message is handed out, the window alone", () => {
    const server = new WireEnd("server", deflating("driven"));
    server.protocol.send(new Uint8Array(8 * MIB).map((_, i) => i * 7));
    server.settle();
    const bytes = server.take();
    const held = retainedBytes(() => {
      const end = new WireEnd("client", deflating("driven"));
      end.protocol.receive(bytes);
      end.settle();
      expect(end.messages[0]).to.have.length(8 * MIB);
      end.messages.length = 0;
      return end;
    });
    expect(held).to.be.below(256 * 1024);
  });
});

// The server of the sensors, asked by clients that are no page; spec/browser/examples.ts has the page.

import { expect } from "chai";
import type { Connection } from "../../lib/client/connection.ts";
import { HandshakeError } from "../../lib/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { hear, startExample } from "./example.ts";

/** The next reading: its number, the viewers, those behind, and the values. */
async function read(ws: Connection): Promise<number[]> {
  const message = (await ws.recv()) as Uint8Array;
  return [...new Float64Array(message.slice().buffer)];
}

describe("the example sensors", () => {
  const use = cleanUp();

  it("says what there is to read, and then reads, one after the other", async () => {
    const { connect } = await startExample(use, "sensors", "--interval", "10");
    const ws = await connect("/readings");
    const { sensors, interval } = (await hear(ws)) as {
      sensors: { low: number; high: number }[];
      interval: number;
    };
    expect(sensors).to.have.length(6);
    expect(sensors[0]).to.deep.equal({ name: "Greenhouse", unit: "°C", low: 18, high: 30 });
    expect(interval).to.equal(10);
    const [first = 0] = await read(ws);
    for (let number = first + 1; number < first + 20; number++) {
      const [now, , behind, ...values] = await read(ws);
      expect({ now, behind }).to.deep.equal({ now: number, behind: 0 });
      for (const [index, value] of values.entries())
        expect(value).to.be.within(sensors[index]?.low ?? 0, sensors[index]?.high ?? 0);
    }
    await ws.close();
  });

  it("shows who comes later what was", async () => {
    const { connect } = await startExample(use, "sensors", "--interval", "5");
    const first = await connect("/readings");
    await hear(first);
    for (let number = 0; number < 10; number++) await read(first);
    const second = await connect("/readings");
    await hear(second);
    expect((await read(second))[0]).to.equal(1);
  });

  it("leaves out for a slow viewer what is old, while others are told all", async () => {
    const { connect } = await startExample(use, "sensors", "--interval", "10", "--sensors", "20000");
    const slow = await connect("/readings", { maxQueue: 2 }); // reads on only as far as it is asked to
    const eager = await connect("/readings");
    await hear(eager);
    // Until the eager one was told all of ten readings in a row, and it was the other who missed them.
    let [latest = 0] = await read(eager);
    for (let told = 0; told < 10; ) {
      const [number = 0, , behind] = await read(eager);
      told = number === latest + 1 && behind === 1 ? told + 1 : 0;
      latest = number;
    }

    await hear(slow);
    const numbers: number[] = [];
    while ((numbers.at(-1) ?? 0) < latest) numbers.push((await read(slow))[0] ?? 0);
    expect(numbers).to.deep.equal(numbers.toSorted((one, other) => one - other));
    expect(latest - (numbers[0] ?? 0)).to.be.above(numbers.length + 5);
  });

  it("has nothing to hear from viewers, and is for its own pages", async () => {
    const { connect, origin } = await startExample(use, "sensors");
    const ws = await connect("/readings", { origin });
    await ws.send("hello");
    expect(await ws.closed).to.include({ code: 1008, reason: "Viewers have nothing to say" });
    const refused = await rejection(connect("/readings", { origin: "null" }), HandshakeError);
    expect(refused.status).to.equal(403);
  });

  it("takes leave of all with 1001 at SIGINT, and ends", async () => {
    const { connect, run } = await startExample(use, "sensors");
    const ws = await connect("/readings");
    run.signal("SIGINT");
    expect(await ws.closed).to.include({ code: 1001, wasClean: true });
    expect(await run.ended).to.include({ code: 0, signal: null, stderr: "" });
  });
});

// The server of the drawing boards, asked by clients that are no page; spec/browser/examples.ts has the page.

import { expect } from "chai";
import { HandshakeError } from "../../lib/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { hear, type Listening, startExample } from "./example.ts";

const STROKE = { ink: 1, width: 60, points: [0, 0, 10_000, 10_000] };

describe("the example board", () => {
  const use = cleanUp();
  let boards: Listening;
  beforeEach(async () => {
    boards = await startExample(use, "board");
  });

  /** Somebody at a board, who was told the picture and the number of people. */
  async function at(name: string) {
    const ws = await boards.connect(`/boards/${name}`);
    const picture = (await hear(ws)) as { type: string; strokes: (typeof STROKE)[] };
    return { ws, picture, people: await hear(ws) };
  }

  it("is shared by those who are at the same one, and by nobody else", async () => {
    const [one, two, other] = [await at("one"), await at("one"), await at("two")];
    expect(one.people).to.deep.equal({ type: "people", count: 1 });
    expect(await hear(one.ws)).to.deep.equal({ type: "people", count: 2 });
    expect(other.people).to.deep.equal({ type: "people", count: 1 });

    await one.ws.send(JSON.stringify(STROKE));
    for (const { ws } of [one, two]) expect(await hear(ws)).to.deep.equal({ type: "stroke", stroke: STROKE });
    expect((await at("one")).picture).to.deep.equal({ type: "picture", strokes: [STROKE] });
    await other.ws.send(JSON.stringify({ clear: true }));
    expect(await hear(other.ws)).to.deep.equal({ type: "picture", strokes: [] }); // and no stroke before it
    expect((await at("one")).picture).to.deep.equal({ type: "picture", strokes: [STROKE] });
  });

  it("is cleared for all, and forgotten when nobody is at it", async () => {
    const [one, two] = [await at("one"), await at("one")];
    await hear(one.ws);
    await one.ws.send(JSON.stringify(STROKE));
    for (const { ws } of [one, two]) expect(await hear(ws)).to.include({ type: "stroke" });
    await two.ws.send(JSON.stringify({ clear: true }));
    for (const { ws } of [one, two]) expect(await hear(ws)).to.deep.equal({ type: "picture", strokes: [] });
    await one.ws.send(JSON.stringify(STROKE));
    for (const { ws } of [one, two]) await hear(ws);
    await two.ws.close();
    await one.ws.close();
    // The server may hear of it a moment later than we do.
    let last = await at("one");
    while (last.picture.strokes.length > 0) {
      await last.ws.close();
      last = await at("one");
    }
  });

  it("takes no more of a stroke than what is one, and closes for what is none", async () => {
    const { ws } = await at("one");
    await ws.send(JSON.stringify({ ...STROKE, onload: "alert(1)" }));
    expect(await hear(ws)).to.deep.equal({ type: "stroke", stroke: STROKE });
    const none: unknown[] = [
      null,
      {},
      [],
      { ...STROKE, ink: 6 },
      { ...STROKE, ink: "red" },
      { ...STROKE, ink: 0.5 },
      { ...STROKE, width: 0 },
      { ...STROKE, points: [] },
      { ...STROKE, points: [1, 2, 3] },
      { ...STROKE, points: [1, "2"] },
      { ...STROKE, points: [1, -1] },
      { ...STROKE, points: { length: 2 } },
      { ...STROKE, points: new Array(1002).fill(1) },
    ];
    for (const message of ["{", Uint8Array.of(123), ...none.map((value) => JSON.stringify(value))]) {
      const { ws } = await at("two");
      await ws.send(message);
      expect(await ws.closed, String(message)).to.include({ code: 1008, reason: "That is no stroke" });
    }
  });

  it("keeps 100 000 numbers of the last strokes", async () => {
    const { ws } = await at("one");
    const points = new Array(1000).fill(7);
    for (let ink = 0; ink < 6; ink++)
      for (let count = 0; count < 20; count++) void ws.send(JSON.stringify({ ink, width: 1, points }));
    for (let count = 0; count < 120; count++) await hear(ws);
    const { strokes } = (await at("one")).picture;
    expect(strokes.map(({ ink }) => ink)).to.deep.equal(
      [1, 2, 3, 4, 5].flatMap((ink) => new Array(20).fill(ink)),
    );
  });

  it("is for its own pages, at addresses of boards, with room for so many people", async () => {
    const status = async (path: string, origin = boards.origin) =>
      (await rejection(boards.connect(path, { origin }), HandshakeError)).status;
    expect(await status("/boards/one", "https://evil.example")).to.equal(403);
    for (const path of ["/", "/boards/", "/boards/UP", "/boards/a/b", `/boards/${"x".repeat(33)}`])
      expect(await status(path), path).to.equal(404);
    for (let count = 0; count < 30; count++) await at("full");
    expect(await status("/boards/full")).to.equal(503);
    await at("other");
  });

  it("serves the page at each board, and leads to one", async () => {
    const home = await fetch(boards.origin);
    expect(home.url).to.equal(`${boards.origin}/boards/lobby`);
    expect(await home.text()).to.include("<title>Drawing board</title>");
    const none = await fetch(`${boards.origin}/boards/No`);
    expect(none.status).to.equal(404);
    await none.text();
  });

  it("takes leave of all with 1001 at SIGTERM, and ends", async () => {
    const { ws } = await at("one");
    boards.run.signal("SIGTERM");
    expect(await ws.closed).to.include({ code: 1001, wasClean: true });
    expect(await boards.run.ended).to.include({ code: 0, signal: null, stderr: "" });
  });
});

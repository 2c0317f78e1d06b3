// What suites for WebSocket ask, by cases of our own, over real sockets: our client and our server as echoes, each with a peer
// that knows nothing of isosocket. What moves many megabytes is tried by `npm run conformance`.

import { expect } from "chai";
import type { WebSocketServer } from "../../lib/server/serve.ts";
import { echo, OPTIONS } from "../../scripts/autobahn/echo.ts";
import { Queue } from "../support/queue.ts";
import { createConnection, WebSocketApp } from "../support/runtime.ts";
import { serve } from "../support/server-runtime.ts";
import type { Case } from "./conformance/case.ts";
import { casesOf } from "./conformance/cases.ts";
import { playWithServer } from "./conformance/fuzzing-client.ts";
import { type FuzzingServer, fuzzingServer, type Played } from "./conformance/fuzzing-server.ts";
import type { Verdict } from "./conformance/play.ts";

const CASES = casesOf({ messages: 12, bytes: 96 * 1024 }).filter(({ isLarge }) => !isLarge);

/** Classes of load, which what lies below both shapes of a client bears alone. */
const LOAD = ["9", "10", "12", "13"];

/** Plays each with something, and gives back those that it did not pass. */
async function failures(cases: readonly Case[], play: (one: Case) => Promise<Verdict>): Promise<string[]> {
  const wrong: string[] = [];
  for (const one of cases) {
    const { outcome, why } = await play(one);
    if (outcome !== "ok") wrong.push(`${one.id} ${one.title}: ${outcome}, ${why}`);
  }
  return wrong;
}

/** A test for each class. */
function classes(play: (one: Case) => Promise<Verdict>, without: readonly string[] = []): void {
  const classOf = ({ id }: Case) => id.split(".", 1)[0] as string;
  const names = new Set(CASES.map(classOf));
  for (const name of [...names].filter((one) => !without.includes(one)))
    it(`class ${name}`, async () => {
      const cases = CASES.filter((one) => classOf(one) === name);
      expect(await failures(cases, play)).to.deep.equal([]);
    });
}

/** Who echoes a connection to a url until it is gone, and what that is not tried with. */
const CLIENTS: readonly (readonly [
  title: string,
  run: (url: string) => Promise<unknown>,
  without?: readonly string[],
])[] = [
  ["a Connection", async (url) => echo(await createConnection(url, OPTIONS))],
  [
    "a WebSocketApp",
    (url) => {
      const onMessage = (app: WebSocketApp, message: string | Uint8Array) => app.send(message);
      return new WebSocketApp(url, { ...OPTIONS, onMessage }).runForever();
    },
    LOAD,
  ],
];

for (const [title, run, without] of CLIENTS)
  describe(`conformance of ${title}`, () => {
    const played = new Queue<Played>();
    let server: FuzzingServer;
    before(async () => {
      server = await fuzzingServer(CASES, (one) => played.push(one));
    });
    after(() => server.close());

    classes(async (one) => {
      const [told] = await Promise.all([
        played.next(),
        run(`${server.url}/runCase?case=${CASES.indexOf(one) + 1}&agent=us`),
      ]);
      return "verdict" in told ? told.verdict : { outcome: "failed", why: "it was not played" };
    }, without);
  });

describe("conformance of the server", () => {
  let server: WebSocketServer;
  before(async () => {
    server = await serve({ ...OPTIONS, port: 0, host: "127.0.0.1", onConnection: echo });
  });
  after(() => server.close());

  classes((one) => playWithServer(one, server.port ?? 0));
});

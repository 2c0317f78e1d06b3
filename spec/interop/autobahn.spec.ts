// scripts/autobahn: our client through a fuzzing server, and our server for a fuzzing client, as programs and as functions.

import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { drive } from "../../scripts/autobahn/drive.ts";
import { cleanUp } from "../support/clean-up.ts";
import { accepting, listen, requestHead } from "../support/peer.ts";
import { closeFrame, frame } from "../support/raw-server.ts";
import { command, runtime } from "../support/runtime.ts";
import { casesOf } from "./conformance/cases.ts";
import { playWithServer } from "./conformance/fuzzing-client.ts";
import { fuzzingServer, type Played } from "./conformance/fuzzing-server.ts";

const TEXT = 1;

/** One of each kind: echoes, a fault, fail-fast, a Close, compression. */
const CASES = casesOf({ messages: 3, bytes: 1024 }).filter(({ id }) =>
  ["1.1.2", "1.2.3", "3.1", "6.4.2", "7.3.4", "12.1.1", "13.5.2"].includes(id),
);

/** What becomes of a case, by its number. */
type Deed = (socket: Socket, upgrade: () => void) => void;

describe("the driver of a fuzzing server", () => {
  const use = cleanUp();

  it("plays all cases in order, and asks for the reports then", async () => {
    const told: Played[] = [];
    const server = use(await fuzzingServer(CASES, (played) => told.push(played)));
    const failed: number[] = [];
    const count = await drive({
      url: server.url,
      agent: "we & others",
      patience: 20_000,
      failed: (number) => failed.push(number),
    });
    expect([count, failed]).to.deep.equal([CASES.length, []]);
    const verdict = { outcome: "ok", why: "" };
    expect(told).to.deep.equal([
      ...CASES.map((_, i) => ({ agent: "we & others", number: i + 1, verdict })),
      { agent: "we & others", isReported: true },
    ]);
  });

  /** A server whose cases end as they like; the targets that it was asked for. */
  async function unruly(...deeds: readonly Deed[]): Promise<{ url: string; targets: string[] }> {
    const targets: string[] = [];
    const peer = use(
      await listen(async (socket) => {
        const head = await requestHead(socket);
        const [, target = ""] = head.split(" ");
        targets.push(target);
        const upgrade = () => void socket.write(accepting(head), "latin1");
        const number = Number(/case=(\d+)/.exec(target)?.[1] ?? 0);
        if (number > 0) {
          deeds[number - 1]?.(socket, upgrade);
          return;
        }
        upgrade();
        if (target === "/getCaseCount") socket.write(frame(TEXT, String(deeds.length)));
        socket.end(closeFrame());
      }),
    );
    return { url: peer.url.slice(0, -1), targets };
  }

  it("goes on behind a case that is refused, reset, or no WebSocket at all", async () => {
    const { url, targets } = await unruly(
      (socket) => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
      (socket) => socket.destroy(),
      (socket) => socket.end("what?\r\n\r\n"),
      (socket, upgrade) => {
        upgrade();
        socket.end();
      },
      (socket, upgrade) => {
        upgrade();
        socket.end(closeFrame());
      },
    );
    const failed: number[] = [];
    const count = await drive({ url, agent: "a", patience: 20_000, failed: (number) => failed.push(number) });
    expect(count).to.equal(5);
    expect(failed).to.deep.equal([1, 2, 3]); // that one just ends is for the reports to judge
    expect(targets).to.deep.equal([
      "/getCaseCount",
      ...[1, 2, 3, 4, 5].map((number) => `/runCase?case=${number}&agent=a`),
      "/updateReports?agent=a",
    ]);
  });

  it("leaves a case that does not end", async () => {
    const { url, targets } = await unruly((_socket, upgrade) => upgrade());
    const failures: unknown[] = [];
    await drive({ url, agent: "a", patience: 100, failed: (_, error) => failures.push(error) });
    expect(String(failures[0])).to.equal("Error: it took more than 100 ms");
    expect(targets.at(-1)).to.equal("/updateReports?agent=a");
  });
});

describe("the programs for a fuzzing suite", () => {
  const use = cleanUp();
  const [program = "", ...options] = command;

  it("the client", async () => {
    const told: Played[] = [];
    const server = use(await fuzzingServer(CASES, (played) => told.push(played)));
    const child = spawn(program, [...options, "scripts/autobahn/client.ts", server.url], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    use({ close: () => child.kill() });
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
    });
    const [code] = await once(child, "close");
    expect([said, code]).to.deep.equal([`isosocket-${runtime}: ${CASES.length} cases\n`, 0]);
    expect(told.filter((one) => "verdict" in one && one.verdict.outcome === "ok")).to.have.length(
      CASES.length,
    );
    expect(told.at(-1)).to.deep.equal({ agent: `isosocket-${runtime}`, isReported: true });
  });

  it("the server, until its input ends", async () => {
    const child = spawn(program, [...options, "scripts/autobahn/server.ts", "0"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    use({ close: () => child.kill() });
    const { value: url } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    for (const one of CASES)
      expect(await playWithServer(one, Number(new URL(url).port)), one.title).to.include({ outcome: "ok" });
    child.stdin.end();
    const [code] = await once(child, "close");
    expect(code).to.equal(0);
  });
});

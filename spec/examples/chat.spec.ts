// The chat room's server, asked by clients that are no page; spec/browser/examples.ts has the page.

import { expect } from "chai";
import type { Connection } from "../../lib/client/connection.ts";
import { HandshakeError } from "../../lib/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { hear, type Listening, startExample } from "./example.ts";

describe("the example chat", () => {
  const use = cleanUp();
  let room: Listening;
  beforeEach(async () => {
    room = await startExample(use, "chat");
  });

  /** Joins, and skips what all are told when they do. */
  async function join(name: string): Promise<{ ws: Connection; welcome: Record<string, unknown> }> {
    const ws = await room.connect("/chat");
    await ws.send(name);
    return { ws, welcome: await hear(ws) };
  }

  it("tells all who is there, what they say, and who leaves", async () => {
    const { ws: ada, welcome } = await join("Ada");
    expect(welcome).to.deep.equal({ type: "welcome", name: "Ada", names: ["Ada"], history: [] });
    const { ws: grace, welcome: second } = await join("Grace");
    expect(second).to.deep.include({ name: "Grace", names: ["Ada", "Grace"] });
    expect(await hear(ada)).to.deep.equal({ type: "joined", name: "Grace", names: ["Ada", "Grace"] });

    await grace.send("Hello");
    for (const ws of [ada, grace])
      expect(await hear(ws)).to.include({ type: "said", name: "Grace", text: "Hello" });
    await grace.close();
    expect(await hear(ada)).to.deep.equal({ type: "left", name: "Grace", names: ["Ada"] });
    const { welcome: third } = await join("Grace");
    expect(third.history).to.have.length(1);
  });

  it("notices also who leaves without a word", async () => {
    const { ws: ada } = await join("Ada");
    const { ws: grace } = await join("Grace");
    await hear(ada);
    grace.terminate();
    expect(await hear(ada)).to.deep.equal({ type: "left", name: "Grace", names: ["Ada"] });
  });

  it("gives each a name of its own, of a length that can be shown", async () => {
    const rows = [
      ["  Ada\n\tLovelace ", "Ada Lovelace"],
      ["ada lovelace", "ada lovelace 2"],
      ["", "guest"],
      ["\u200b\u202e", "guest 2"],
      ["Ada\u202eecarG", "Ada ecarG"],
      ["\u{1f680}".repeat(30), "\u{1f680}".repeat(24)],
      ["<b>x</b>", "<b>x</b>"],
    ];
    for (const [wish = "", name] of rows) expect((await join(wish)).welcome.name).to.equal(name);
  });

  it("cuts what is long, and leaves out what is nothing or binary", async () => {
    const { ws } = await join("Ada");
    await ws.send(" \u202e\n ");
    await ws.send(Uint8Array.of(65));
    await ws.send("x".repeat(600));
    expect(await hear(ws)).to.include({ type: "said", text: "x".repeat(500) });
  });

  it("remembers the last 50 messages", async () => {
    const { ws: ada } = await join("Ada");
    const others: Connection[] = [];
    for (let number = 0; number < 13; number++) others.push((await join(`member ${number}`)).ws);
    for (const ws of others) for (let number = 1; number <= 4; number++) void ws.send(`${number}`);
    const heard: Record<string, unknown>[] = [];
    while (heard.length < 52) {
      const event = await hear(ada);
      if (event.type === "said") heard.push(event);
    }
    expect((await join("Grace")).welcome.history).to.deep.equal(heard.slice(-50));
  });

  it("closes for a message that is too big", async () => {
    const { ws } = await join("Ada");
    await ws.send("x".repeat(4097));
    expect(await ws.closed).to.include({ code: 1009 });
  });

  it("is for its own pages: others are refused, and so are other paths", async () => {
    const evil = await rejection(room.connect("/chat", { origin: "https://evil.example" }), HandshakeError);
    expect(evil.status).to.equal(403);
    expect((await rejection(room.connect("/other"), HandshakeError)).status).to.equal(404);
    for (const origin of [room.origin, room.origin.replace("127.0.0.1", "localhost")])
      await (await room.connect("/chat", { origin })).close();
  });

  it("takes leave of all with 1001 at SIGINT, and ends", async () => {
    const { ws: ada } = await join("Ada");
    const silent = await room.connect("/chat"); // who has not said who they are
    room.run.signal("SIGINT");
    for (const ws of [ada, silent]) expect(await ws.closed).to.include({ code: 1001, wasClean: true });
    expect(await room.run.ended).to.include({ code: 0, signal: null, stderr: "" });
  });

  it("serves its page and what belongs to it, and nothing else", async () => {
    for (const [path, type] of [
      ["/", "text/html"],
      ["/page.js", "text/javascript"],
      ["/page.css", "text/css"],
      ["/style.css", "text/css"],
      ["/status.js", "text/javascript"],
      ["/isosocket.js", "text/javascript"],
    ] as const) {
      const response = await fetch(new URL(path, room.origin));
      expect(response.status, path).to.equal(200);
      expect(response.headers.get("content-type"), path).to.equal(`${type}; charset=utf-8`);
      expect(response.headers.get("content-security-policy"), path).to.include("default-src 'none'");
      expect(await response.text(), path).not.to.equal("");
    }
    for (const path of ["/server.ts", "/..%2f..%2fpackage.json", "/constructor", "/page.js/"]) {
      const response = await fetch(room.origin + path);
      expect(response.status, path).to.equal(404);
      await response.text();
    }
    const page = await (await fetch(room.origin)).text();
    expect(page).not.to.match(/https?:|<script>|style=/);
  });
});

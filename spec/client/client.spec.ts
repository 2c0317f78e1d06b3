// createClient: both shapes with other defaults, which are checked at once and shared with nobody.

import { expect } from "chai";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { TransportError, UsageError } from "../../lib/errors.ts";
import { type Certificate, certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection, thrown } from "../support/failure.ts";
import { Queue } from "../support/queue.ts";
import { pair, rawServer } from "../support/raw-server.ts";
import { createClient, type WebSocketApp } from "../support/runtime.ts";
import { redirect, site, welcoming } from "../support/site.ts";

describe("createClient", () => {
  const use = cleanUp();

  const over = (tls: Certificate) => welcoming(use, { tls, host: "localhost" });

  it("gives both shapes its defaults, and each connection its own options before them", async () => {
    const { url, accepted } = await rawServer(use);
    const client = createClient({ origin: "https://default", host: "default" });
    await client.createConnection(url, { host: "own" });
    expect((await accepted.next()).head).to.include("Host: own\r\nOrigin: https://default\r\n");

    const app = new client.WebSocketApp(url, { origin: "https://own" });
    const run = app.runForever();
    const server = await accepted.next();
    expect(server.head).to.include("Host: default\r\nOrigin: https://own\r\n");
    server.close();
    await run;
  });

  it("keeps its default where an option is undefined", async () => {
    const { url, accepted } = await rawServer(use);
    await createClient({ host: "default" }).createConnection(url, { host: undefined } as object);
    expect((await accepted.next()).head).to.include("Host: default\r\n");
  });

  it("keeps its defaults whatever becomes of the object they came in", async () => {
    const { url, accepted } = await rawServer(use);
    const defaults = { host: "before" };
    const { createConnection } = createClient(defaults);
    defaults.host = "after";
    await createConnection(url);
    expect((await accepted.next()).head).to.include("Host: before\r\n");
  });

  describe("keeps all that is in them", () => {
    const list = [["X-List", "before"]];
    const record = { "X-Record": ["before"] };
    const forms: [title: string, headers: unknown, change: () => void][] = [
      ["a list of pairs", list, () => void list[0]?.splice(1, 1, "after")],
      ["a record with a list", record, () => void record["X-Record"].splice(0, 1, "after")],
      ["an iterator, which ends", new Map([["X-Once", "before"]]).entries(), () => {}],
    ];
    for (const [title, headers, change] of forms) {
      it(`headers: ${title}`, async () => {
        const { url, accepted } = await rawServer(use);
        const client = createClient({ headers } as ConnectionOptions);
        change();
        for (let i = 0; i < 2; i++) {
          await client.createConnection(url);
          expect((await accepted.next()).head).to.match(/\r\nX-\w+: before\r\n/);
        }
      });
    }

    it("Headers, subprotocols and cookies", async () => {
      const { url, accepted } = await rawServer(use);
      const headers = new Headers({ "X-One": "before" });
      const [protocols, cookies] = [["before"], { name: "before" }];
      const given = { headers, protocols, cookies, requireProtocol: false };
      const client = createClient(given);
      headers.set("X-One", "after");
      protocols[0] = "after";
      cookies.name = "after";
      await client.createConnection(url);
      const { head } = await accepted.next();
      expect(head.match(/before/g)).to.have.length(3);
      expect(head).not.to.include("after");
    });

    it("so does an app with its own, and finds them as they were in each run", async () => {
      const { url, accepted } = await rawServer(use);
      const headers = { "X-One": "before" };
      const app = new (createClient().WebSocketApp)(url, { headers });
      headers["X-One"] = "after";
      for (let i = 0; i < 2; i++) {
        const run = app.runForever();
        const server = await accepted.next();
        expect(server.head).to.include("X-One: before\r\n");
        server.close();
        await run;
      }
    });

    it("but for what is called: that is the caller's own", async () => {
      const { url, accepted } = await rawServer(use);
      const jar = { line: "a=1", get: () => jar.line, set() {} };
      const lines: string[] = [];
      const trace = { write: (line: string) => void lines.push(line), redact: true };
      const client = createClient({ cookies: jar, trace });
      jar.line = "a=2";
      await client.createConnection(url);
      expect((await accepted.next()).head).to.include("Cookie: a=2\r\n");
      expect(lines).not.to.deep.equal([]);
    });
  });

  it("has TLS among its defaults for wss urls, and serves ws urls as well", async () => {
    const { ca, server, otherName } = certificates();
    const client = createClient({ tls: { ca } });
    const [plain, secure, follow] = [
      await welcoming(use),
      await over(server),
      { redirect: "follow" } as const,
    ];
    const lead = await site(use, () => redirect(secure.origin), { host: "localhost" });
    for (const [{ origin }, options] of [[plain], [secure], [lead, follow]] as const) {
      const ws = await client.createConnection(origin, options);
      expect(ws.secure).to.equal(origin !== plain.origin);
      const opened = new Queue<boolean | undefined>();
      const onOpen = (app: WebSocketApp) => opened.push(app.connection?.secure);
      const app = new client.WebSocketApp(origin, { ...options, onOpen });
      const run = app.runForever();
      expect(await opened.next()).to.equal(ws.secure);
      app.terminate();
      await run;
    }
    const unfit = await over(otherName);
    await rejection(client.createConnection(unfit.origin), TransportError);

    const own = { tls: { ca } }; // for this very connection: a mistake
    await rejection(client.createConnection(plain.origin, own), UsageError);
    thrown(() => new client.WebSocketApp(plain.origin, own), UsageError);
  });

  it("changes nothing for others", async () => {
    createClient({ host: "default" });
    expect((await pair(use)).server.head).not.to.include("Host: default");
  });

  it("has the library's defaults without any of its own", async () => {
    const { url, accepted } = await rawServer(use);
    await createClient().createConnection(url);
    expect((await accepted.next()).head).to.include(`Host: ${new URL(url).host}\r\n`);
  });

  it("refuses wrong defaults at once", () => {
    for (const defaults of [{ timeout: -1 }, { nothing: 1 }, null, { onMessage() {} }]) {
      thrown(() => createClient(defaults as ConnectionOptions), UsageError);
    }
  });
});

// createClient: both shapes with other defaults, which are checked at once and shared with nobody.

import { expect } from "chai";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { UsageError } from "../../lib/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { thrown } from "../support/failure.ts";
import { pair, rawServer } from "../support/raw-server.ts";
import { createClient } from "../support/runtime.ts";

describe("createClient", () => {
  const use = cleanUp();

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

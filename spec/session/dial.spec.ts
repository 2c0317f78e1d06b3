// Directly, or through which proxy: what the option says, what the environment says at each attempt, and that a proxy that is
// wanted is never passed by.

import { expect } from "chai";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { ProxyError, UsageError } from "../../lib/errors.ts";
import type { ProxyScheme } from "../../lib/handshake/proxy.ts";
import { acceptingServer } from "../support/accepting-server.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { NOWHERE } from "../support/peer.ts";
import { checkError, loginOf, type Origin, origin as startOrigin } from "../support/proxied.ts";
import { createClient } from "../support/runtime.ts";
import {
  SCHEMES,
  type ScriptedProxy,
  type ScriptedProxyOptions,
  scriptedProxy,
} from "../support/scripted-proxy.ts";

describe("dial", () => {
  const use = cleanUp();
  const { createConnection } = createClient({ tls: { ca: certificates().ca } });

  async function origin(secure = false): Promise<Origin> {
    return use(await startOrigin(secure));
  }

  async function proxy(scheme: ProxyScheme, options: ScriptedProxyOptions = {}): Promise<ScriptedProxy> {
    return use(await scriptedProxy(scheme, options));
  }

  describe("chooses", () => {
    let before: NodeJS.ProcessEnv = {};
    beforeEach(() => {
      before = { ...process.env };
    });
    afterEach(() => {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    });

    /** Whether a connection with these options goes through the proxy; it must work either way. */
    async function isProxied(
      url: string,
      via: ScriptedProxy,
      options: ConnectionOptions = {},
    ): Promise<boolean> {
      const count = via.count;
      const ws = await createConnection(url, options);
      await ws.close();
      return via.count > count;
    }

    for (const [variable, secure] of [
      ["http_proxy", false],
      ["HTTP_PROXY", false],
      ["https_proxy", true],
      ["HTTPS_PROXY", true],
      ["all_proxy", false],
      ["ALL_PROXY", true],
    ] as const) {
      it(`what ${variable} says, at each attempt`, async () => {
        const via = await proxy("http");
        const { url } = await origin(secure);
        expect(await isProxied(url, via)).to.equal(false);
        process.env[variable] = via.url;
        expect(await isProxied(url, via)).to.equal(true);
        process.env[variable] = "";
        expect(await isProxied(url, via)).to.equal(false);
        delete process.env[variable];
        expect(await isProxied(url, via)).to.equal(false);
      });
    }

    it("not https_proxy for ws, nor http_proxy for wss", async () => {
      const via = await proxy("http");
      process.env.https_proxy = via.url;
      expect(await isProxied((await origin()).url, via)).to.equal(false);
      delete process.env.https_proxy;
      process.env.http_proxy = via.url;
      expect(await isProxied((await origin(true)).url, via)).to.equal(false);
    });

    for (const scheme of SCHEMES) {
      if (scheme === "https") continue; // whose certificate the runtime would have to trust
      it(`a ${scheme} proxy of the environment, with a login`, async () => {
        const login = loginOf(scheme);
        const via = await proxy(scheme, { login });
        process.env.all_proxy = via.url;
        expect(await isProxied((await origin(true)).url, via)).to.equal(true);
        expect((await via.asked.next()).login).to.deep.equal(login);
      });
    }

    it("an https proxy of the environment, which is verified", async () => {
      const server = await origin();
      process.env.all_proxy = (await proxy("https")).url;
      const error = await rejection(createConnection(server.url), ProxyError);
      expect(error.cause).to.have.property("code", "ERR_WS_TLS");
      expect(server.count).to.equal(0);
    });

    it("no other way when the environment's proxy fails, or means nothing", async () => {
      const server = await origin();
      process.env.http_proxy = NOWHERE.replace("ws", "http");
      await rejection(createConnection(server.url), ProxyError);
      for (const value of ["socks://127.0.0.1:1", "nonsense://PROXYSECRET", "http://u:PROXYSECRET@h:0"]) {
        process.env.http_proxy = value;
        const error = await rejection(createConnection(server.url), UsageError);
        expect(error.message).to.include("the environment's http_proxy is no url of a proxy");
        checkError(error, server.url);
      }
      expect(server.count).to.equal(0);
    });

    it("none for the hosts of no_proxy", async () => {
      const via = await proxy("http");
      const { url, port } = await origin();
      process.env.http_proxy = via.url;
      for (const [list, isExempt] of [
        ["localhost", true],
        ["*", true],
        [`localhost:${port}`, true],
        [`localhost:${port - 1}`, false],
        ["host", false],
        ["127.0.0.1", false], // names are not looked up
      ] as const) {
        process.env.no_proxy = list;
        expect(await isProxied(url, via), list).to.equal(!isExempt);
      }
      process.env.no_proxy = "127.0.0.0/8";
      expect(await isProxied(url.replace("localhost", "127.0.0.1"), via)).to.equal(false);
      delete process.env.no_proxy;
      process.env.NO_PROXY = "localhost";
      expect(await isProxied(url, via)).to.equal(false);
    });

    it("by where it is to dial: connectTo", async () => {
      const via = await proxy("http");
      const { port } = await origin();
      process.env.http_proxy = via.url;
      process.env.no_proxy = "127.0.0.1";
      const connectTo = { host: "127.0.0.1", port };
      expect(await isProxied("ws://name.test/", via, { connectTo })).to.equal(false);
      process.env.no_proxy = "name.test";
      expect(await isProxied("ws://name.test/", via, { connectTo })).to.equal(true);
    });

    it("not HTTP_PROXY in a CGI program", async () => {
      const via = await proxy("http");
      const { url } = await origin();
      process.env.HTTP_PROXY = via.url;
      process.env.REQUEST_METHOD = "GET";
      expect(await isProxied(url, via)).to.equal(false);
    });

    it("the option's proxy, whatever the environment says", async () => {
      const via = await proxy("http");
      const { url } = await origin();
      process.env.http_proxy = "http://127.0.0.1:9";
      process.env.no_proxy = "*";
      expect(await isProxied(url, via, { proxy: via.url })).to.equal(true);
      expect(await isProxied(url, via, { proxy: new URL(via.url) })).to.equal(true);
    });

    it("none with false, whatever the environment says", async () => {
      const via = await proxy("http");
      const { url } = await origin();
      process.env.http_proxy = via.url;
      expect(await isProxied(url, via, { proxy: false })).to.equal(false);
    });

    it("none for the hosts of the option noProxy", async () => {
      const via = await proxy("http");
      const { url } = await origin();
      for (const [noProxy, expected] of [
        ["localhost", false],
        [["a.test", "localhost"], false],
        ["a.test, .b.test", true],
        [[], true],
      ] as const) {
        expect(await isProxied(url, via, { proxy: { url: via.url, noProxy } })).to.equal(expected);
      }
    });

    it("none for Unix sockets, if it is the environment's", async () => {
      const via = await proxy("http");
      process.env.all_proxy = via.url;
      const { url } = await acceptingServer(use, {}, "Unix");
      expect(await isProxied(url, via)).to.equal(false);
      const socketPath = url.slice("ws+unix:".length, -":/".length);
      expect(await isProxied("ws://localhost/", via, { socketPath })).to.equal(false);
    });

    it("none for Unix sockets, and says so where one was given", async () => {
      const { url } = await acceptingServer(use, {}, "Unix");
      const via = await proxy("http");
      const socketPath = url.slice("ws+unix:".length, -":/".length);
      for (const promise of [
        createConnection(url, { proxy: via.url }),
        createConnection(() => url, { proxy: via.url }),
        createConnection("ws://localhost/", { proxy: via.url, socketPath }),
        createConnection(() => "ws://localhost/", { proxy: { url: via.url, noProxy: "*" }, socketPath }),
      ]) {
        expect((await rejection(promise, UsageError)).message).to.include("Unix socket");
      }
      const ws = await createConnection(url, { proxy: false });
      await ws.close();
      expect(via.count).to.equal(0);
    });
  });
});

// S11 to S14, S19 and fault 20: what is told to whom on the way to a server: redirects, cookies, certificates, proxies, traces.

import { once } from "node:events";
import { createServer as createTlsServer } from "node:tls";
import { inspect } from "node:util";
import { expect } from "chai";
import { CookieJar } from "../../lib/client/cookie-jar.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { HandshakeError, ProxyError, TransportError, WebSocketError } from "../../lib/errors.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { createConnection, runtime, WebSocketApp } from "../support/runtime.ts";
import { type ScriptedPeer, type Step, scripted } from "../support/script.ts";
import {
  answer,
  answerClose,
  finish,
  goodbye,
  hearEnd,
  request,
  say,
  upgrade,
} from "../support/script-steps.ts";
import { SCHEMES, scriptedProxy } from "../support/scripted-proxy.ts";
import { tlsMaterials } from "../support/tls-material.ts";

const SECRETS: ConnectionOptions = {
  headers: { Authorization: "Bearer S3CRET", "X-Api-Key": "S3CRET", "Proxy-Authorization": "Basic S3CRET" },
  cookies: "session=S3CRET",
  redirect: "follow",
};

/** Answers with a redirect. */
function redirect(location: string, status = 302): readonly Step[] {
  return [answer(`HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`), hearEnd];
}

/** The head of the request of the client that came next. */
async function headAt(peer: ScriptedPeer): Promise<string> {
  const line = await peer.lines.next();
  await request(line);
  return line.heard.toString("latin1").split("\r\n\r\n")[0] ?? "";
}

describe("faults: security of ways", () => {
  const use = cleanUp();

  describe("S11: a redirect", () => {
    const others: [title: string, place: (url: string) => string][] = [
      ["another port", (url) => url],
      ["another name for the same host", (url) => url.replace("127.0.0.1", "localhost")],
    ];
    for (const [title, place] of others) {
      for (const status of [301, 302, 303, 307, 308]) {
        it(`to ${title}, by ${status}: is told no secret`, async () => {
          const other = await scripted(use, [upgrade(), ...answerClose]);
          const first = await scripted(use, redirect(place(other.url), status));
          const ws = await createConnection(first.url.replace("//", "//user:S3CRET@"), SECRETS);
          await ws.close();
          expect(await headAt(first)).to.match(/S3CRET/);
          expect(await headAt(other)).not.to.match(/S3CRET|UzNDUkVU|Authorization|Cookie|X-Api-Key/i);
        });
      }
    }

    it("to another origin and back: does not bring them back", async () => {
      const first: ScriptedPeer = await scripted(use, (client) =>
        client === 0 ? redirect(other.url) : [upgrade(), ...answerClose],
      );
      const other = await scripted(use, [
        answer(() => `HTTP/1.1 302 M\r\nLocation: ${first.url}back\r\nContent-Length: 0\r\n\r\n`),
        hearEnd,
      ]);
      const ws = await createConnection(first.url, SECRETS);
      await ws.close();
      expect(await headAt(first)).to.match(/S3CRET/);
      expect(await headAt(first))
        .to.match(/^GET \/back/)
        .and.not.to.match(/S3CRET/);
    });

    it("to another origin: its place and its Host are its own", async () => {
      const other = await scripted(use, [upgrade(), ...answerClose]);
      const first = await scripted(use, redirect(other.url));
      const connectTo = { host: "127.0.0.1", port: Number(new URL(first.url).port) };
      const options = { ...SECRETS, host: "s3cret.test", connectTo };
      const ws = await createConnection("ws://first.test/", options);
      await ws.close();
      expect(await headAt(first)).to.include("Host: s3cret.test");
      expect(await headAt(other))
        .to.include(`Host: ${new URL(other.url).host}`)
        .and.not.to.match(/S3CRET/i);
    });

    it("within the same origin: keeps them", async () => {
      const peer = await scripted(use, (client) =>
        client === 0 ? redirect("/b?c#d") : [upgrade(), ...answerClose],
      );
      const ws = await createConnection(peer.url, SECRETS);
      await ws.close();
      await peer.lines.next();
      expect(await headAt(peer))
        .to.match(/^GET \/b\?c HTTP/)
        .and.to.match(/S3CRET/);
    });

    const refused: [title: string, location: string][] = [
      ["with credentials", "ws://user:pw@127.0.0.1:1/"],
      ["to no url", "ws://"],
      ["to another scheme", "ftp://127.0.0.1/"],
      ["to a script", "javascript:alert(1)"],
      ["to a file", "file:///etc/passwd"],
      ["to a Unix socket", "ws+unix:/run/docker.sock:/"],
      ["nowhere", ""],
    ];
    for (const [title, location] of refused) {
      it(`20: ${title}: refused`, async () => {
        const peer = await scripted(use, redirect(location));
        const error = await rejection(createConnection(peer.url, SECRETS), HandshakeError);
        expect([error.status, error.code]).to.deep.equal([302, "ERR_WS_UNEXPECTED_STATUS"]);
        expect(peer.count).to.equal(1);
      });
    }

    it("20: from wss to ws: refused", async () => {
      const plain = await scripted(use, [upgrade()]);
      for (const scheme of ["ws:", "http:"]) {
        const secure = await scripted(use, redirect(plain.url.replace("ws:", scheme)), "TLS");
        const error = await rejection(
          createConnection(secure.url, { ...secure.options, ...SECRETS }),
          HandshakeError,
        );
        expect(error.message).to.include("wss to ws");
      }
      expect(plain.count).to.equal(0);
    });

    it("20: in a circle, or too many of them: refused, and the last is no connection", async () => {
      const circle = await scripted(use, redirect("/"));
      expect((await rejection(createConnection(circle.url, SECRETS), HandshakeError)).message).to.include(
        "circle",
      );
      let page = 0;
      const endless = await scripted(use, () => redirect(`/${page++}`));
      for (const [maxRedirects, requests] of [
        [0, 1],
        [1, 2],
        [undefined, 6],
      ] as const) {
        const before = endless.count;
        const options = { ...SECRETS, ...(maxRedirects !== undefined && { maxRedirects }) };
        expect((await rejection(createConnection(endless.url, options), HandshakeError)).message).to.include(
          "maxRedirects",
        );
        expect(endless.count - before).to.equal(requests);
      }
    });

    it("20: not followed unless asked for", async () => {
      const other = await scripted(use, [upgrade()]);
      const peer = await scripted(use, redirect(other.url));
      await rejection(createConnection(peer.url), HandshakeError);
      expect(other.count).to.equal(0);
    });
  });

  describe("S12: cookies", () => {
    const setting = (...lines: string[]): Step => upgrade(...lines.map((line) => `Set-Cookie: ${line}`));

    it("of one connection are none of another's", async () => {
      const peer = await scripted(use, [setting("a=S3CRET"), ...answerClose]);
      for (let i = 0; i < 2; i++) {
        await (await createConnection(peer.url)).close();
        const app = new WebSocketApp(peer.url);
        app.onOpen = (app) => app.close();
        await app.runForever();
      }
      for (let i = 0; i < 4; i++) expect(await headAt(peer)).not.to.match(/cookie/i);
    });

    it("of a jar are that jar's, that host's, and that scheme's", async () => {
      const peer = await scripted(use, [
        setting("host=1", "evil=1; Domain=other.test", "safe=1; Secure"),
        ...answerClose,
      ]);
      const [jar, another] = [new CookieJar(), new CookieJar()];
      const local = peer.url.replace("127.0.0.1", "localhost");
      for (const [url, cookies] of [
        [peer.url, jar],
        [peer.url, jar],
        [peer.url, another],
        [local, jar],
      ] as const)
        await (await createConnection(url, { cookies })).close();
      expect(await headAt(peer)).not.to.match(/cookie/i);
      expect(await headAt(peer)).to.match(/\r\nCookie: host=1(\r|$)/);
      expect(await headAt(peer)).not.to.match(/cookie/i);
      expect(await headAt(peer)).not.to.match(/cookie/i);
      // Not even kept: what another host could be told, and what was to come over TLS.
      expect(new Set([...jar, ...another].map(({ name }) => name))).to.deep.equal(new Set(["host"]));
    });
  });

  describe("S13: certificates", () => {
    const { ca, server, otherName, wildcard, selfSigned, expired } = certificates();

    /** A server of TLS with that certificate, and the bytes that it got to read. */
    async function serving(certificate: { cert: string; key: string }, more: object = {}) {
      const heard: Buffer[] = [];
      const names: unknown[] = [];
      const secure = createTlsServer({ ...certificate, ...more }, (socket) => {
        names.push(socket.servername);
        socket.on("error", () => {}).on("data", (chunk) => heard.push(chunk));
        socket.end();
      }).on("tlsClientError", () => {});
      secure.listen(0, "127.0.0.1");
      await once(secure, "listening");
      use({ close: () => new Promise((resolve) => secure.close(resolve)) });
      return { port: (secure.address() as { port: number }).port, heard, names };
    }

    const mine = { cert: server.cert, key: server.key };
    type Row = [title: string, certificate: { cert: string; key: string }, options: ConnectionOptions];
    const revoked: Row = ["that was revoked", server, { tls: { ca, crl: tlsMaterials().crl } }];
    const rows: Row[] = [
      ["that has expired", expired, { tls: { ca } }],
      ["that nobody signed", selfSigned, { tls: { ca } }],
      ["that nobody trusts", server, {}],
      ["for another name", otherName, { tls: { ca } }],
      ["for another name, though we show one of ours", otherName, { tls: { ca, ...mine } }],
      ["that nobody trusts, though we show one of ours", server, { tls: mine }],
      ["for one name deeper than its wildcard", wildcard, { tls: { ca, servername: "a.b.wild.test" } }],
      ["for the name above its wildcard", wildcard, { tls: { ca, servername: "wild.test" } }],
      // Deno takes no lists of what was revoked, and is not given one in vain.
      ...(runtime === "deno" ? [] : [revoked]),
      ["without the key that is pinned", server, { tls: { ca, pins: `sha256/${"A".repeat(43)}=` } }],
    ];
    for (const [title, certificate, options] of rows) {
      it(`${title}: refused, and nothing is sent`, async () => {
        const { port, heard } = await serving(certificate);
        const error = await rejection(createConnection(`wss://localhost:${port}/`, options), TransportError);
        expect(error.code).to.equal("ERR_WS_TLS");
        expect(heard).to.deep.equal([]);
      });
    }

    it("with a wildcard is good for any one name in its place", async () => {
      const { port } = await serving(wildcard);
      const options = { tls: { ca, servername: "a.wild.test" } };
      await rejection(createConnection(`wss://localhost:${port}/`, options), HandshakeError);
    });

    it("an address is verified, and not asked for as a name", async () => {
      const { port, names } = await serving(server);
      await rejection(createConnection(`wss://127.0.0.1:${port}/`, { tls: { ca } }), HandshakeError);
      expect(names.map((name) => name || "none")).to.deep.equal(["none"]);
      const other = await serving(otherName);
      const connecting = createConnection(`wss://127.0.0.1:${other.port}/`, { tls: { ca } });
      expect((await rejection(connecting, TransportError)).code).to.equal("ERR_WS_TLS");
    });

    for (const scheme of ["http", "https"] as const) {
      it(`through a proxy (${scheme}) the server's name is verified, and the proxy's own by itself`, async () => {
        const { port } = await serving(otherName); // not the server's, though the proxy is what it says
        const proxy = use(await scriptedProxy(scheme));
        const options = {
          tls: { ca },
          proxy: { url: proxy.url, ...(scheme === "https" && { tls: { ca } }) },
        };
        const error = await rejection(createConnection(`wss://localhost:${port}/`, options), TransportError);
        expect(error.code).to.equal("ERR_WS_TLS");
        expect(error).not.to.be.an.instanceOf(ProxyError);
      });
    }

    it("of a proxy that nobody trusts: refused, and the server is not asked", async () => {
      const peer = await scripted(use, [upgrade()]);
      const proxy = use(await scriptedProxy("https"));
      const error = await rejection(createConnection(peer.url, { proxy: proxy.url }), ProxyError);
      expect(error.proxy).to.equal(proxy.publicUrl);
      expect([peer.count, proxy.heard().outside.length]).to.deep.equal([0, 0]);
    });
  });

  describe("S14: what a proxy is told, and what the server", () => {
    for (const scheme of SCHEMES) {
      it(`${scheme}: its login is for it alone, and ours for the server`, async () => {
        const peer = await scripted(use, [upgrade(), ...answerClose]);
        const username = "PROXYNAME";
        const login = { username, password: scheme.startsWith("socks4") ? "" : "PROXYWORD" };
        const proxy = use(await scriptedProxy(scheme, { login }));
        const tls = { ca: certificates().ca };
        const options = {
          proxy: { url: proxy.url, ...(scheme === "https" && { tls }) },
          headers: { Authorization: "Bearer S3CRET" },
        };
        const ws = await createConnection(peer.url, options);
        await ws.close();
        const { outside } = proxy.heard();
        const told = outside.toString("latin1");
        expect(told.split("GET ")[0]).not.to.match(/S3CRET/);
        expect(await headAt(peer))
          .to.match(/Bearer S3CRET/)
          .and.not.to.match(/PROXY|UFJPWFl|Proxy-/i);
      });
    }

    it("bytes behind its consent, before TLS: refused", async () => {
      const secure = await scripted(use, [upgrade()], "TLS");
      const proxy = await scripted(use, [answer("HTTP/1.1 200 OK\r\n\r\nsmuggled"), hearEnd]);
      const options = { ...secure.options, proxy: proxy.url.replace("ws:", "http:") };
      await rejection(createConnection(secure.url, options), ProxyError);
      expect(secure.count).to.equal(0);
    });

    it("its password is in no error", async () => {
      for (const script of [
        [finish],
        [answer("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"), hearEnd],
        [say("\0"), hearEnd],
      ]) {
        const proxy = await scripted(use, script);
        const url = proxy.url.replace("ws://", "http://user:S3CRET@");
        const error = await rejection(createConnection("ws://host.test/", { proxy: url }), ProxyError);
        expect(shown(error)).not.to.match(/S3CRET|UzNDUkVU|user:/);
      }
    });
  });

  describe("S19: no secret is shown", () => {
    const ways: [title: string, script: readonly Step[]][] = [
      [
        "a refusal",
        [answer("HTTP/1.1 401 No\r\nSet-Cookie: a=S3CRET\r\nContent-Length: 6\r\n\r\nS3CRET"), hearEnd],
      ],
      ["an answer that is none", [answer((head) => `${head.slice(0, 200)}`), hearEnd]],
      ["a loss", [upgrade(), finish]],
      ["a good end", [upgrade("Set-Cookie: a=S3CRET"), ...goodbye(4000)]],
    ];
    for (const [title, script] of ways) {
      it(title, async () => {
        const lines: string[] = [];
        const peer = await scripted(use, script);
        const url = `${peer.url.replace("//", "//user:S3CRET@")}path?token=S3CRET`;
        const { redirect: _, ...options } = SECRETS;
        const app = new WebSocketApp(url, { ...options, trace: { write: (line) => void lines.push(line) } });
        app.onError = (_app, error) => lines.push(shown(error));
        app.onOpen = (app) => lines.push(inspect(app), inspect(app.connection), JSON.stringify(app));
        const { error } = await app.runForever();
        lines.push(shown(error), inspect(app));
        expect(String((await peer.lines.next()).heard)).to.include("S3CRET");
        expect(lines.join("\n")).not.to.match(/S3CRET|UzNDUkVU/);
        expect(lines.length).to.be.greaterThan(8);
      });
    }
  });
});

/** All that an error looks like to those who print it. */
function shown(error: unknown): string {
  if (!(error instanceof WebSocketError)) return String(error);
  return [
    error.message,
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: 9 }),
    inspect(error.cause),
  ].join("\n");
}

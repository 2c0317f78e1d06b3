// Redirects over real sockets: what is followed and what is not, who is told what on the way, and what is left behind: nothing.

import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createConnectionWith } from "../../lib/client/connection.ts";
import { CookieJar } from "../../lib/client/cookie-jar.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { overSockets } from "../../lib/client/socket-options.ts";
import { HandshakeError, TimeoutError, TransportError } from "../../lib/errors.ts";
import { openWire } from "../../lib/session/open.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { accepting } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { createConnection, platform, WebSocketApp } from "../support/runtime.ts";
import { type Answers, fields, redirect, type Site, site, welcoming } from "../support/site.ts";

const FOLLOW = { redirect: "follow" } as const;

/** Answers by path; what has no path of its own is granted. */
function paths(answers: Record<string, string>): Answers {
  return (path, head) => answers[path] ?? accepting(head);
}

/** The only request that a site got. */
async function only({ heads }: Site): Promise<string> {
  const head = await heads.next();
  expect(heads.waiting).to.equal(0);
  return head;
}

describe("takeHop", () => {
  const use = cleanUp();
  const { ca, server, otherName } = certificates();

  async function refused(url: string, options: ConnectionOptions = {}): Promise<HandshakeError> {
    return rejection(createConnection(url, { ...FOLLOW, ...options }), HandshakeError);
  }

  describe("follows", () => {
    for (const status of [301, 302, 303, 307, 308]) {
      it(`a ${status}, with the same request and a key of its own`, async () => {
        const { origin, heads, gone } = await site(use, paths({ "/a?b": redirect("/c?d=SECRET", status) }));
        const ws = await createConnection(`${origin}/a?b`, { ...FOLLOW, protocols: undefined } as object);
        const [first = "", second = ""] = await heads.take(2);
        await gone.next();
        const key = /^Sec-WebSocket-Key: .*$/m;
        expect(second.replace(key, "")).to.equal(first.replace("/a?b", "/c?d=SECRET").replace(key, ""));
        expect(fields(second, "sec-websocket-key")).not.to.deep.equal(fields(first, "sec-websocket-key"));
        expect(ws.url).to.equal(`${origin}/c?d=SECRET`);
        expect(ws.response.status).to.equal(101);
      });
    }

    it("one after the other, up to maxRedirects", async () => {
      const { origin, heads } = await site(use, (path, head) => {
        const step = Number(path.slice(1));
        return step === 0 ? accepting(head) : redirect(`${step - 1}`);
      });
      for (const [options, steps] of [
        [{}, 5],
        [{ maxRedirects: 1 }, 1],
        [{ maxRedirects: 0 }, 0],
        [{ maxRedirects: Number.POSITIVE_INFINITY }, 12],
      ] as const) {
        const ws = await createConnection(`${origin}/${steps}`, { ...FOLLOW, ...options });
        expect(ws.url).to.equal(`${origin}/0`);
        expect(await heads.take(steps + 1)).to.have.length(steps + 1);
        if (steps === 12) continue;
        const error = await refused(`${origin}/${steps + 1}`, options);
        expect(error.message).to.include(`there were ${steps} before`).and.to.include("maxRedirects");
        expect(error.status).to.equal(302);
        expect(await heads.take(steps + 1)).to.have.length(steps + 1);
        expect(heads.waiting).to.equal(0);
      }
    });

    it("without waiting for a body that does not end", async () => {
      const endless = "HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\nand so on";
      const chunked = "HTTP/1.1 302 Found\r\nLocation: /c\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nx";
      const { origin, gone } = await site(use, paths({ "/a": endless, "/b": chunked }));
      expect((await createConnection(`${origin}/a`, { ...FOLLOW, timeout: 0 })).url).to.equal(`${origin}/c`);
      await gone.take(2);
    });

    it("behind informational answers", async () => {
      const { origin } = await site(use, paths({ "/a": `HTTP/1.1 103 Hints\r\n\r\n${redirect("/b")}` }));
      expect((await createConnection(`${origin}/a`, FOLLOW)).url).to.equal(`${origin}/b`);
    });

    it("to another host and back", async () => {
      const there: Site = await site(use, (_path) => redirect(`${here.origin}/c`));
      const here: Site = await site(
        use,
        paths({ "/a": redirect(`${there.origin}/b`.replace("ws", "http")) }),
      );
      const ws = await createConnection(`${here.origin}/a`, FOLLOW);
      expect(ws.url).to.equal(`${here.origin}/c`);
    });

    it("in an app as well", async () => {
      const { origin } = await site(use, paths({ "/a": redirect("/b") }));
      const opened = new Queue<string | undefined>();
      const app = new WebSocketApp(`${origin}/a`, {
        ...FOLLOW,
        onOpen: (app) => opened.push(app.connection?.url),
      });
      const run = app.runForever();
      expect(await opened.next()).to.equal(`${origin}/b`);
      app.terminate();
      await run;
    });

    it("with one connection at a time", async () => {
      const { origin } = await site(use, (path, head) =>
        path === "/9" ? accepting(head) : redirect(`/${+path.slice(1) + 1}`),
      );
      let open = 0;
      let most = 0;
      const counting = openWire({
        ...platform,
        async connect(to, attempt) {
          const transport = await platform.connect(to, attempt);
          most = Math.max(most, ++open);
          const attach = transport.attach.bind(transport);
          transport.attach = (sink) =>
            attach({
              data: (chunk) => sink.data(chunk),
              drain: () => sink.drain(),
              end: () => sink.end(),
              closed: (cause) => {
                open--;
                sink.closed(cause);
              },
            });
          return transport;
        },
      });
      const connect = createConnectionWith(overSockets(counting), {});
      const ws = await connect(`${origin}/0`, { ...FOLLOW, maxRedirects: 9 });
      expect([open, most]).to.deep.equal([1, 1]);
      ws.terminate();
      await ws.closed;
    });

    it("and traces each request and answer", async () => {
      const { origin } = await site(use, paths({ "/a": redirect("/b") }));
      const lines: string[] = [];
      const trace = { write: (line: string) => void lines.push(line) };
      await createConnection(`${origin}/a`, { ...FOLLOW, trace });
      expect(lines.filter((line) => /^(GET|HTTP)/.test(line))).to.deep.equal([
        "GET /a HTTP/1.1",
        "HTTP/1.1 302 Elsewhere",
        "GET /b HTTP/1.1",
        "HTTP/1.1 101 Switching Protocols",
      ]);
    });

    it("and asks functions once for all of them", async () => {
      const { origin, heads } = await site(use, paths({ "/a": redirect("/b"), "/b": redirect("/c") }));
      let calls = 0;
      await createConnection(() => `${origin}/a`, { ...FOLLOW, headers: () => ({ calls: `${++calls}` }) });
      expect((await heads.take(3)).map((head) => fields(head, "calls"))).to.deep.equal([["1"], ["1"], ["1"]]);
    });
  });

  describe("does not follow", () => {
    it("anything unless it is told to", async () => {
      const there = await welcoming(use);
      const { origin, gone } = await site(use, paths({ "/": redirect(there.origin) }));
      for (const options of [{}, { redirect: "error" }] as const) {
        const error = await rejection(createConnection(origin, options), HandshakeError);
        expect(error.message).to.include("redirects are not followed (option redirect)");
        expect(error.headers.get("location")).to.equal(there.origin);
        await gone.next();
      }
      expect(there.heads.waiting).to.equal(0);
    });

    for (const status of [300, 304, 305, 306, 309, 399]) {
      it(`a ${status}`, async () => {
        const { origin } = await site(use, paths({ "/": redirect("/x", status) }));
        const error = await refused(origin);
        expect(error.status).to.equal(status);
        expect(error.message).not.to.include("redirect");
      });
    }

    it("a 101 or a 401 with a Location", async () => {
      const { origin, heads } = await site(use, (path, head) =>
        path === "/" ? accepting(head, "Location: /x") : redirect("/x", 401),
      );
      expect((await createConnection(origin, FOLLOW)).url).to.equal(`${origin}/`);
      expect((await refused(`${origin}/a`)).status).to.equal(401);
      expect(await heads.take(2)).to.have.length(heads.waiting + 2);
    });

    const loops: [title: string, answers: Record<string, string>][] = [
      ["a redirect to itself", { "/a": redirect("/a") }],
      ["two that lead to each other", { "/a": redirect("/b"), "/b": redirect("/a") }],
      ["a circle further on", { "/a": redirect("/b"), "/b": redirect("/c"), "/c": redirect("/b#x") }],
    ];
    for (const [title, answers] of loops) {
      it(`${title}, with no limit even`, async () => {
        const { origin, heads } = await site(use, paths(answers));
        const error = await refused(`${origin}/a`, { maxRedirects: Number.POSITIVE_INFINITY });
        expect(error.message).to.include("it leads in a circle");
        expect(error.status).to.equal(302);
        expect(heads.waiting).to.equal(Object.keys(answers).length);
      });
    }

    it("a circle through another origin, which leaves credentials behind, but once", async () => {
      const there: Site = await site(use, () => redirect(`${here.origin}/`));
      const here: Site = await site(use, () => redirect(there.origin));
      const error = await refused(here.origin, { headers: { a: "b" } });
      expect(error.message).to.include("it leads in a circle");
      expect([here.heads.waiting, there.heads.waiting]).to.deep.equal([2, 1]);
    });

    it("what is no place to go, and says so", async () => {
      const answers = {
        "/": "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "/a": redirect("ftp://x/?SECRET"),
      };
      const { origin, gone } = await site(use, paths(answers));
      expect((await refused(origin)).message)
        .to.include("it has no Location")
        .and.to.include(`[${origin}/]`);
      expect((await refused(`${origin}/a`)).message)
        .to.include("scheme")
        .and.not.to.include("SECRET");
      await gone.take(2);
    });

    it("from wss to ws", async () => {
      const plain = await welcoming(use);
      const secure = await site(use, () => redirect(plain.origin), { tls: server, host: "localhost" });
      const error = await refused(secure.origin, { tls: { ca } });
      expect(error.message).to.include("from wss to ws");
      await secure.gone.next();
      expect(plain.heads.waiting).to.equal(0);
    });
  });

  describe("tells another origin", () => {
    const SECRETS = /SECRET|U0VDUkVU/;
    const secrets = {
      ...FOLLOW,
      headers: { Authorization: "Bearer SECRET", "X-Api-Key": "SECRET", Accept: "SECRET" },
      host: "SECRET",
    };

    it("nothing that the user said to the first: headers, Host, cookies", async () => {
      for (const cookies of ["a=SECRET", { a: "SECRET" }, () => "a=SECRET"]) {
        const there = await welcoming(use);
        const here = await site(use, () => redirect(there.origin));
        await createConnection(here.origin, { ...secrets, cookies, origin: "https://page", protocols: [] });
        expect((await only(here)).match(/SECRET/g)).to.have.length(5);
        expect(await only(there)).not.to.match(SECRETS);
      }
    });

    it("no credentials of the url", async () => {
      const there = await welcoming(use);
      const here = await site(use, () => redirect(there.origin));
      await createConnection(here.origin.replace("//", "//SECRET:SECRET@"), FOLLOW);
      expect(await only(here)).to.match(/^Authorization: Basic U0VDUkVU/m);
      expect(fields(await only(there), "authorization")).to.deep.equal([]);
    });

    it("none of that when it leads back, either", async () => {
      const there: Site = await site(use, () => redirect(`${here.origin}/b`));
      const here: Site = await site(use, paths({ "/a": redirect(there.origin) }));
      const url = `${here.origin.replace("//", "//SECRET:SECRET@")}/a`;
      await createConnection(url, { ...FOLLOW, headers: { "x-a": "SECRET" }, cookies: "a=SECRET" });
      const [first = "", last = ""] = await here.heads.take(2);
      expect(first).to.match(SECRETS);
      expect(last).not.to.match(SECRETS);
      expect(await only(there)).not.to.match(SECRETS);
    });

    it("as such: another port, another name of the host, another scheme", async () => {
      const tls = { tls: server, host: "localhost" };
      const secure = await welcoming(use, tls);
      const other = await welcoming(use);
      const renamed: Site = await site(use, (path, head) =>
        path === "/" ? redirect(`ws://localhost:${renamed.port}/x`) : accepting(head),
      );
      for (const [here, there] of [
        [await site(use, () => redirect(secure.origin), { host: "localhost" }), secure],
        [await site(use, () => redirect(other.origin)), other],
        [renamed, renamed],
      ] as const) {
        await createConnection(here.origin, { ...secrets, tls: { ca } });
        expect(await here.heads.next()).to.match(SECRETS);
        expect(await there.heads.next()).not.to.match(SECRETS);
      }
    });

    it("the Origin and the subprotocols, as they are for whoever opens the WebSocket", async () => {
      const there = await site(use, (_path, head) => accepting(head, "Sec-WebSocket-Protocol: chat"));
      const here = await site(use, () => redirect(there.origin));
      const ws = await createConnection(here.origin, {
        ...FOLLOW,
        origin: "https://page",
        protocols: "chat",
      });
      expect(ws.protocol).to.equal("chat");
      expect(fields(await only(there), "origin")).to.deep.equal(["https://page"]);
    });

    it("no client certificate, and asks it for none of the first one's names and pins", async () => {
      const shown = new Queue<object>();
      const asking = { ...server, ca, requestCert: true, rejectUnauthorized: false };
      const answers =
        (answer: (head: string) => string): Answers =>
        (_path, head, socket) => {
          shown.push((socket as Socket & { getPeerCertificate(): object }).getPeerCertificate());
          return answer(head);
        };
      const there = await site(use, answers(accepting), { tls: asking, host: "localhost" });
      const here = await site(
        use,
        answers(() => redirect(there.origin)),
        {
          tls: { ...asking, ...otherName },
          host: "localhost",
        },
      );
      const pins = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
      const tls = { ca, ...otherName, servername: "other.test" };
      const pinned = await rejection(
        createConnection(here.origin, { ...FOLLOW, tls: { ...tls, pins } }),
        TransportError,
      );
      const pin = /sha256\/\S+(?=,)/.exec(pinned.message)?.[0] ?? "";
      await createConnection(here.origin, { ...FOLLOW, tls: { ...tls, pins: pin } });
      expect(await shown.next()).to.have.nested.property("subject.CN", "other");
      expect(await shown.next()).to.deep.equal({});
    });

    it("what it may trust and be trusted with all the same: authorities, and whether to verify", async () => {
      const there = await welcoming(use, { tls: server, host: "localhost" });
      const here = await site(use, () => redirect(there.origin));
      await createConnection(here.origin, { ...FOLLOW, tls: { ca } });
      await createConnection(here.origin, { ...FOLLOW, tls: { rejectUnauthorized: false } });
      const error = await rejection(createConnection(here.origin, FOLLOW), TransportError);
      expect(error.code).to.equal("ERR_WS_TLS");
      expect(error.url).to.equal(`${there.origin}/`);
    });

    it("what a jar has for it", async () => {
      const there = await welcoming(use, { host: "localhost" });
      const here = await site(use, () => redirect(there.origin, 302, "Set-Cookie: new=here"));
      const cookies = new CookieJar();
      cookies.set(here.origin, "old=here");
      cookies.set(there.origin, "old=there");
      await createConnection(here.origin, { ...FOLLOW, cookies });
      expect(fields(await only(here), "cookie")).to.deep.equal(["old=here"]);
      expect(fields(await only(there), "cookie")).to.deep.equal(["old=there"]);
      expect(cookies.get(here.origin)).to.equal("old=here; new=here");
    });

    it("at its own place, not at that of connectTo", async () => {
      const there = await welcoming(use);
      const here = await site(use, () => redirect(`${there.origin}/b`));
      const ws = await createConnection("ws://example.test/", {
        ...FOLLOW,
        connectTo: { host: "127.0.0.1", port: here.port },
      });
      expect(ws.remoteAddress).to.equal(`127.0.0.1:${there.port}`);
    });
  });

  it("tells the same origin all again, at the same place", async () => {
    const { port, heads } = await site(use, paths({ "/a": redirect("http://example.test:80/b") }));
    const connectTo = { host: "127.0.0.1", port };
    const options = { ...FOLLOW, connectTo, headers: { "x-a": "b" }, cookies: "c=d", host: "e" };
    await createConnection("ws://user:pass@example.test/a", options);
    const [first = "", second = ""] = await heads.take(2);
    for (const name of ["authorization", "x-a", "cookie", "host"]) {
      expect(fields(second, name)).to.deep.equal(fields(first, name)).and.to.have.length(1);
    }
  });

  it("lets a server send the same client round once it has a cookie", async () => {
    const answers: Answers = (path, head) => {
      if (path === "/login") return redirect("/", 303, "Set-Cookie: in=1; Path=/");
      return head.includes("Cookie: in=1") ? accepting(head) : redirect("/login");
    };
    const { origin } = await site(use, answers);
    const ws = await createConnection(origin, { ...FOLLOW, cookies: new CookieJar() });
    expect(ws.url).to.equal(`${origin}/`);
    const error = await refused(origin); // without a jar it gets nowhere
    expect(error.message).to.include("it leads in a circle");
  });

  describe("over a Unix socket", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "isosocket-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it("stays there for the resources of its server", async () => {
      const socketPath = join(folder, "socket");
      const answers = paths({ "/a": redirect("b"), "/b": redirect("http://localhost/c") });
      const { heads } = await site(use, answers, { socketPath });
      const ws = await createConnection(`ws+unix:${socketPath}:/a`, { ...FOLLOW, headers: { "x-a": "b" } });
      expect(ws.url).to.equal(`ws+unix:${socketPath}:/c`);
      for (const head of await heads.take(3)) expect(fields(head, "x-a")).to.deep.equal(["b"]);

      const named = site(use, paths({ "/a": redirect("http://example.test/b") }), {
        socketPath: join(folder, "two"),
      });
      await named;
      const other = await createConnection("ws://example.test/a", {
        ...FOLLOW,
        socketPath: join(folder, "two"),
      });
      expect(other.url).to.equal("ws://example.test/b");
    });

    it("goes nowhere else, and nowhere from elsewhere", async () => {
      const there = await welcoming(use);
      const socketPath = join(folder, "socket");
      const socket = await site(use, () => redirect(there.origin), { socketPath });
      for (const [url, options] of [
        [`ws+unix:${socketPath}:/`, {}],
        ["ws://example.test/", { socketPath }],
      ] as const) {
        expect((await refused(url, options)).message).to.include("socket");
        await socket.gone.next();
      }
      expect(there.heads.waiting).to.equal(0);

      const inward = await site(use, () => redirect(`ws+unix:${socketPath}:/`));
      expect((await refused(inward.origin)).message).to.include("Unix socket");
      expect(await socket.heads.take(2)).to.have.length(socket.heads.waiting + 2);
    });
  });

  describe("in one deadline, and with one signal", () => {
    it("times out though every answer is quick", async () => {
      let steps = 0;
      const { origin, gone } = await site(use, () => redirect(`/${++steps}?token=SECRET`));
      const options = { ...FOLLOW, timeout: 100, maxRedirects: Number.POSITIVE_INFINITY };
      const error = await rejection(createConnection(origin, options), TimeoutError);
      expect(error).to.include({ ms: 100 });
      expect(error.url).to.match(/\/\d+\?token=\*\*\*$/);
      await gone.take(steps);
    }).timeout(20_000);

    it("times out at the hop that does not answer", async () => {
      const there = await site(use, () => undefined);
      const here = await site(use, () => redirect(`${there.origin}/b`));
      const error = await rejection(createConnection(here.origin, { ...FOLLOW, timeout: 500 }), TimeoutError);
      expect(error).to.include({ phase: "handshake", url: `${there.origin}/b` });
      await Promise.all([here.gone.next(), there.gone.next()]);
    });

    it("is called off within the hop that does not answer", async () => {
      const controller = new AbortController();
      const reason = new RangeError("enough");
      const there = await site(use, () => void controller.abort(reason));
      const here = await site(use, () => redirect(there.origin));
      const options = { ...FOLLOW, signal: controller.signal };
      expect(await rejection(createConnection(here.origin, options), RangeError)).to.equal(reason);
      await Promise.all([here.gone.next(), there.gone.next()]);
    });

    it("is called off between two hops", async () => {
      const controller = new AbortController();
      const there = await welcoming(use);
      const here = await site(use, () => redirect(there.origin));
      const trace = {
        write(line: string) {
          if (line.startsWith("HTTP/1.1 302")) controller.abort(new RangeError("enough"));
        },
      };
      await rejection(
        createConnection(here.origin, { ...FOLLOW, trace, signal: controller.signal }),
        RangeError,
      );
      await here.gone.next();
      expect(there.heads.waiting).to.equal(0);
    });
  });

  it("blames the hop that failed", async () => {
    const there = await site(use, () => "HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nnope");
    const here = await site(use, () => redirect(`${there.origin}/b?token=SECRET`));
    const error = await refused(here.origin);
    expect(error).to.include({ status: 401, body: "nope", url: `${there.origin}/b?token=***` });

    const nobody = await site(use, () => redirect("ws://127.0.0.1:1/b"));
    const lost = await rejection(createConnection(nobody.origin, FOLLOW), TransportError);
    expect(lost.url).to.equal("ws://127.0.0.1:1/b");
  });
});

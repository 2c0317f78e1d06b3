// Cookies over real sockets: what is sent, what a jar is asked and told, and what a jar may do wrong.

import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "chai";
import { CookieJar as ToughJar } from "tough-cookie";
import { CookieJar } from "../../lib/client/cookie-jar.ts";
import type { CookiesOption } from "../../lib/client/cookies.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { BINARY, TEXT } from "../../lib/codec/opcode.ts";
import { HandshakeError, TimeoutError, UsageError, WebSocketError } from "../../lib/errors.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { accepting } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { frame } from "../support/raw-server.ts";
import { createClient, createConnection, WebSocketApp } from "../support/runtime.ts";
import { fields, redirect, site, welcoming } from "../support/site.ts";

/** A jar that writes down what it is asked and told, and does what a test says. */
function jar(act: { get?: () => unknown; set?: () => unknown } = {}) {
  const calls: string[] = [];
  return {
    calls,
    get(url: string) {
      calls.push(`get ${url}`);
      return act.get?.() as string;
    },
    set(url: string, line: string) {
      calls.push(`set ${url} ${line}`);
      return act.set?.();
    },
  };
}

describe("cookies", () => {
  const use = cleanUp();

  it("are sent in one header, as they were given", async () => {
    const { origin, heads } = await welcoming(use);
    const options: [CookiesOption, string[]][] = [
      ["a=b; c", ["a=b; c"]],
      [{ a: "b", c: "d" }, ["a=b; c=d"]],
      [async () => "e=f", ["e=f"]],
      ["", []],
      [() => "", []],
      [jar({ get: () => "g=h" }), ["g=h"]],
      [jar({ get: async () => "i=j" }), ["i=j"]],
      [jar(), []],
      [jar({ get: () => "" }), []],
      [jar({ get: () => null }), []],
      [new CookieJar(), []],
    ];
    for (const [cookies, expected] of options) {
      await createConnection(origin, { cookies });
      expect(fields(await heads.next(), "cookie")).to.deep.equal(expected);
    }
  });

  it("are asked for at each attempt of an app anew", async () => {
    const { origin, heads } = await site(use, () => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let calls = 0;
    const app = new WebSocketApp(origin, { cookies: () => `n=${++calls}`, onError() {} });
    await app.runForever();
    await app.runForever();
    expect((await heads.take(2)).map((head) => fields(head, "cookie"))).to.deep.equal([["n=1"], ["n=2"]]);
  });

  it("contradict a Cookie among the headers", async () => {
    const all: CookiesOption[] = ["a=b", { a: "b" }, () => "a=b", jar(), new CookieJar()];
    for (const cookies of all) {
      for (const headers of [{ cOOkie: "c=d" }, () => ({ Cookie: "c=d" })]) {
        const error = await rejection(
          createConnection("ws://127.0.0.1:1/", { cookies, headers }),
          UsageError,
        );
        expect(error.message).to.include("given twice");
      }
    }
  });

  it("among the headers are sent as any other header", async () => {
    const { origin, heads } = await welcoming(use);
    await createConnection(origin, { headers: { Cookie: "a=b" } });
    expect(fields(await heads.next(), "cookie")).to.deep.equal(["a=b"]);
  });

  describe("of a jar", () => {
    const LINES = [
      "Set-Cookie: a=1; Expires=Thu, 01 Jan 2100 00:00:00 GMT",
      "X: y",
      "set-cookie:  b=2 ",
      "Set-Cookie: ",
    ];
    const SET = ["a=1; Expires=Thu, 01 Jan 2100 00:00:00 GMT", "b=2", ""];

    it("are asked for by the http url, without credentials", async () => {
      const folder = mkdtempSync(join(tmpdir(), "isosocket-"));
      use({ close: () => rmSync(folder, { recursive: true }) });
      const socketPath = join(folder, "socket");
      const plain = await welcoming(use);
      const { ca, server } = certificates();
      const secure = await welcoming(use, { tls: server, host: "localhost" });
      await welcoming(use, { socketPath });
      const rows: [url: string, options: ConnectionOptions, asked: string][] = [
        [`ws://me:SECRET@127.0.0.1:${plain.port}/a%20b?c=d`, {}, `http://127.0.0.1:${plain.port}/a%20b?c=d`],
        [`wss://me@localhost:${secure.port}`, { tls: { ca } }, `https://localhost:${secure.port}/`],
        [`ws+unix:${socketPath}:/a?b`, {}, "http://localhost/a?b"],
        [
          "ws://Example.test:80/a",
          { connectTo: { host: "127.0.0.1", port: plain.port }, host: "h" },
          "http://example.test/a",
        ],
      ];
      for (const [url, options, asked] of rows) {
        const cookies = jar();
        await createConnection(url, { ...options, cookies });
        expect(cookies.calls).to.deep.equal([`get ${asked}`]);
      }
    });

    const answers: [title: string, answer: (head: string) => string][] = [
      ["a 101", (head) => accepting(head, ...LINES)],
      ["a 101 that is wrong", (head) => accepting(head, ...LINES).replace(/(accept: )./i, "$1_")],
      ["a refusal", () => ["HTTP/1.1 401 No", ...LINES, "Content-Length: 0", "", ""].join("\r\n")],
      ["a redirect that is not followed", () => redirect("/x", 302, ...LINES)],
    ];
    for (const [title, answer] of answers) {
      it(`are set by ${title}, line by line`, async () => {
        const { origin } = await site(use, (_path, head) => answer(head));
        const cookies = jar();
        await createConnection(origin, { cookies }).catch((error) =>
          expect(error).to.be.an.instanceOf(HandshakeError),
        );
        const url = origin.replace("ws", "http");
        expect(cookies.calls).to.deep.equal([`get ${url}/`, ...SET.map((line) => `set ${url}/ ${line}`)]);
      });
    }

    it("are set by redirects, and asked for at each url", async () => {
      const { origin } = await site(use, (path, head) =>
        path === "/a" ? redirect("/b?c", 302, "Set-Cookie: a=1") : accepting(head, "Set-Cookie: b=2"),
      );
      const cookies = jar();
      await createConnection(`${origin}/a`, { cookies, redirect: "follow" });
      const url = origin.replace("ws", "http");
      expect(cookies.calls).to.deep.equal([
        `get ${url}/a`,
        `set ${url}/a a=1`,
        `get ${url}/b?c`,
        `set ${url}/b?c b=2`,
      ]);
    });

    it("are set one after the other, by a jar that takes its time", async () => {
      const { origin } = await site(use, (_path, head) =>
        accepting(head, "Set-Cookie: a=1", "Set-Cookie: b=2"),
      );
      const log: string[] = [];
      const set = async (_url: string, line: string) => {
        log.push(`begin ${line}`);
        await nextTurn();
        log.push(`end ${line}`);
      };
      await createConnection(origin, { cookies: { get: () => undefined, set } });
      expect(log).to.deep.equal(["begin a=1", "end a=1", "begin b=2", "end b=2"]);
    });

    it("hold nothing up that the server says meanwhile", async () => {
      const begun = new Queue<() => void>();
      const { origin } = await site(use, (_path, head, socket) => {
        socket.write(accepting(head, "Set-Cookie: a=1"));
        socket.write(Buffer.concat(Array.from({ length: 1000 }, (_, i) => frame(TEXT, `${i}`))));
        return undefined;
      });
      const set = () => new Promise<void>((resolve) => begun.push(resolve));
      const opening = createConnection(origin, { cookies: { get: () => undefined, set } });
      const resolve = await begun.next();
      for (let i = 0; i < 20; i++) await nextTurn();
      resolve();
      const ws = await opening;
      for (let i = 0; i < 1000; i++) expect(await ws.recv()).to.equal(`${i}`);
    });

    it("make a server wait that says too much meanwhile", async () => {
      const MIB = 1024 * 1024;
      const flooding = new Queue<Socket>();
      const { origin } = await site(use, (_path, head, socket) => {
        socket.write(accepting(head, "Set-Cookie: a=1"));
        for (let i = 0; i < 64; i++) socket.write(frame(BINARY, new Uint8Array(MIB)));
        flooding.push(socket);
        return undefined;
      });
      const begun = new Queue<() => void>();
      const set = () => new Promise<void>((resolve) => begun.push(resolve));
      const opening = createConnection(origin, { cookies: { get: () => undefined, set } });
      const [resolve, socket] = await Promise.all([begun.next(), flooding.next()]);
      for (let i = 0; i < 500; i++) await nextTurn();
      expect(socket.writableLength).to.be.above(16 * MIB);
      resolve();
      const ws = await opening;
      for (let i = 0; i < 64; i++) expect(await ws.recv()).to.have.length(MIB);
    });

    it("are told of an end that came meanwhile", async () => {
      const { origin } = await site(use, (_path, head, socket) => {
        socket.end(accepting(head, "Set-Cookie: a=1"));
        return undefined;
      });
      const set = async () => {
        for (let i = 0; i < 20; i++) await nextTurn();
      };
      const ws = await createConnection(origin, { cookies: { get: () => undefined, set } });
      expect((await ws.closed).code).to.equal(1006);
    });

    const failure = new RangeError("SECRET");
    const fail = () => {
      throw failure;
    };
    for (const [title, act] of [
      ["throws", fail],
      ["rejects", async () => fail()],
    ] as const) {
      it(`that ${title} fail the attempt: ERR_WS_CALLBACK`, async () => {
        const { origin, gone, heads } = await site(use, (_path, head) => accepting(head, "Set-Cookie: a=1"));
        for (const [method, requests] of [
          ["get", 0],
          ["set", 1],
        ] as const) {
          const promise = createConnection(origin, { cookies: jar({ [method]: act }) });
          const error = await rejection(promise, WebSocketError);
          expect(error).to.include({ code: "ERR_WS_CALLBACK", cause: failure, url: `${origin}/` });
          expect(error.message).to.include(`${method}()`).and.not.to.include("SECRET");
          expect(heads.waiting).to.equal(requests);
        }
        await gone.next();
      });
    }

    it("that gives nonsense fail the attempt, and nothing is sent", async () => {
      const { origin, heads } = await welcoming(use);
      for (const value of [5, {}, true, ["a=b"], "SECRET\r\nx: y", "SECRET\u010a", new String("a=b")]) {
        for (const get of [() => value, async () => value]) {
          const error = await rejection(createConnection(origin, { cookies: jar({ get }) }), UsageError);
          expect(inspect(error)).not.to.include("SECRET");
        }
      }
      expect(heads.waiting).to.equal(0);
    });

    const never = () => new Promise<never>(() => {});
    for (const method of ["get", "set"]) {
      it(`that hangs in ${method} is not waited for longer than the deadline: phase headers`, async () => {
        const { origin, gone } = await site(use, (_path, head) => accepting(head, "Set-Cookie: a=1"));
        const promise = createConnection(origin, { cookies: jar({ [method]: never }), timeout: 300 });
        const error = await rejection(promise, TimeoutError);
        expect(error).to.include({ phase: "headers", url: `${origin}/` });
        if (method === "set") await gone.next();
      });

      it(`that hangs in ${method} is left by the signal`, async () => {
        const { origin, gone } = await site(use, (_path, head) => accepting(head, "Set-Cookie: a=1"));
        const controller = new AbortController();
        const reason = new RangeError("enough");
        const act = () => {
          controller.abort(reason);
          return never();
        };
        const promise = createConnection(origin, {
          cookies: jar({ [method]: act }),
          signal: controller.signal,
        });
        expect(await rejection(promise, RangeError)).to.equal(reason);
        if (method === "set") await gone.next();
      });
    }

    it("are set by a refusal whose body did not come in time, too, and it is told", async () => {
      const refusal = "HTTP/1.1 401 No\r\nSet-Cookie: a=1\r\nContent-Length: 9\r\n\r\nhalf";
      for (const set of [undefined, never, async () => fail()]) {
        const { origin, gone } = await site(use, () => refusal);
        const cookies = jar(set && { set });
        const error = await rejection(createConnection(origin, { cookies, timeout: 300 }), HandshakeError);
        expect(error).to.include({ status: 401, body: "half" });
        expect(cookies.calls).to.have.length(2);
        await gone.next();
      }
    });
  });

  const lines = [
    "Set-Cookie: a=1; Path=/",
    "Set-Cookie: b=2; HttpOnly",
    "Set-Cookie: c=3; Domain=other.test",
    "Set-Cookie: d=4; Max-Age=0",
  ];
  const junk = ["Set-Cookie: ", "Set-Cookie: =", "Set-Cookie: e", "Set-Cookie: f=6; Domain=com"];
  for (const [title, make] of [
    ["CookieJar", () => new CookieJar()],
    ["tough-cookie's jar", () => new ToughJar()],
  ] as const) {
    it(`${title} keeps what one connection was given for the next`, async () => {
      const { origin, heads } = await site(use, (_path, head) => accepting(head, ...lines, ...junk));
      const cookies = make();
      for (const [path, expected] of [
        ["/dir/", []],
        ["/dir/page", ["b=2; a=1"]],
        ["/", ["a=1"]],
      ] as const) {
        await createConnection(`${origin}${path}`, { cookies });
        expect(fields(await heads.next(), "cookie")).to.deep.equal(expected);
      }
    });

    it(`${title} keeps to itself over ws what came over wss as Secure`, async () => {
      const { ca, server } = certificates();
      const secure = await site(
        use,
        (_path, head) => accepting(head, "Set-Cookie: a=1; Secure", "Set-Cookie: b=2"),
        {
          tls: server,
          host: "localhost",
        },
      );
      const plain = await welcoming(use, { host: "localhost" });
      const cookies = make();
      await createConnection(secure.origin, { cookies, tls: { ca } });
      await createConnection(secure.origin, { cookies, tls: { ca } });
      expect((await secure.heads.take(2)).map((head) => fields(head, "cookie"))).to.deep.equal([
        [],
        ["a=1; b=2"],
      ]);
      if (cookies instanceof ToughJar) return; // which takes localhost for secure
      await createConnection(plain.origin, { cookies });
      expect(fields(await plain.heads.next(), "cookie")).to.deep.equal(["b=2"]);
    });
  }

  it("are those of the jar of each client, and of no other", async () => {
    const { origin, heads } = await site(use, (path, head) =>
      accepting(head, `Set-Cookie: from=${path.slice(1)}; Path=/`),
    );
    const one = createClient({ cookies: new CookieJar() });
    const other = createClient({ cookies: new CookieJar() });
    const cookieOf = async (connect: typeof createConnection, path: string) => {
      await connect(`${origin}/${path}`);
      return fields(await heads.next(), "cookie");
    };
    expect(await cookieOf(one.createConnection, "one")).to.deep.equal([]);
    expect(await cookieOf(other.createConnection, "other")).to.deep.equal([]);
    expect(await cookieOf(createConnection, "neither")).to.deep.equal([]);
    expect(await cookieOf(one.createConnection, "again")).to.deep.equal(["from=one"]);
    expect(await cookieOf(other.createConnection, "again")).to.deep.equal(["from=other"]);
    expect(await cookieOf(createClient().createConnection, "new")).to.deep.equal([]);

    const app = new one.WebSocketApp(origin, { onOpen: (app) => app.terminate() });
    await app.runForever();
    expect(fields(await heads.next(), "cookie")).to.deep.equal(["from=again"]);
  });

  it("are not shown by whatever holds them", async () => {
    const { origin } = await site(use, (_path, head) => accepting(head, "Set-Cookie: a=SECRET"));
    const cookies = new CookieJar();
    for (const option of [cookies, { a: "SECRET" }, "a=SECRET"]) {
      const lines: string[] = [];
      const trace = { write: (line: string) => void lines.push(line) };
      const ws = await createConnection(origin, { cookies: option, trace });
      const client = createClient({ cookies: option });
      const app = new client.WebSocketApp(origin, { cookies: option });
      const shown =
        inspect([ws, app, client, cookies], { depth: 9, showHidden: true }) +
        JSON.stringify([ws, app, client, cookies]);
      // What the server said is in the response, where it is asked for.
      expect(shown).not.to.include("SECRET");
      expect(lines.join("\n")).to.include("HTTP/1.1 101").and.not.to.include("SECRET");
    }
    expect(cookies.get(origin)).to.equal("a=SECRET");
  });
});

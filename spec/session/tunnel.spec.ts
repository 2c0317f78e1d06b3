// Through proxies over real sockets: every scheme with and without TLS and logins, what each side gets to know, every way in
// which a proxy can fail, and that a connection never goes directly because of it.

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { expect } from "chai";
import { createConnectionWith } from "../../lib/client/connection.ts";
import { overSockets } from "../../lib/client/socket-options.ts";
import { TEXT } from "../../lib/codec/opcode.ts";
import {
  HandshakeError,
  LimitError,
  ProxyError,
  TimeoutError,
  TransportError,
  UsageError,
  type WebSocketError,
} from "../../lib/errors.ts";
import type { ProxyScheme } from "../../lib/handshake/proxy.ts";
import { openWire } from "../../lib/session/open.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { accepting, listen, NOWHERE, requestHead } from "../support/peer.ts";
import {
  BASIC_LOGIN,
  checkError,
  loginOf,
  type Origin,
  PROXY_SECRETS,
  SERVER_SECRETS,
  origin as startOrigin,
  through,
} from "../support/proxied.ts";
import { Queue } from "../support/queue.ts";
import { frame } from "../support/raw-server.ts";
import { createClient, createConnection, platform } from "../support/runtime.ts";
import {
  type Moment,
  SCHEMES,
  type ScriptedProxy,
  type ScriptedProxyOptions,
  scriptedProxy,
} from "../support/scripted-proxy.ts";

/** Drops a connection in the rudest way there is: TLS has no resets of its own. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

describe("openTunnel", () => {
  const use = cleanUp();
  const TRUST = { tls: { ca: certificates().ca } };
  /** For urls of both kinds. */
  const trusting = createClient(TRUST);

  async function origin(secure = false): Promise<Origin> {
    return use(await startOrigin(secure));
  }

  async function proxy(scheme: ProxyScheme, options: ScriptedProxyOptions = {}): Promise<ScriptedProxy> {
    return use(await scriptedProxy(scheme, options));
  }

  for (const scheme of SCHEMES) {
    describe(`through ${scheme}`, () => {
      const login = loginOf(scheme);

      for (const secure of [false, true]) {
        for (const hasLogin of [false, true]) {
          it(`${secure ? "wss" : "ws"}, ${hasLogin ? "with" : "without"} a login`, async () => {
            const server = await origin(secure);
            const via = await proxy(scheme, hasLogin ? { login } : {});
            const ws = await trusting.createConnection(server.url.replace("//", "//me:SERVERSECRET@"), {
              proxy: through(via),
            });

            // It works, both ways, whatever the size.
            for (const text of ["hello", "x".repeat(300_000), ""]) {
              await ws.send(text);
              expect((await ws.recv()) === text).to.equal(true);
            }
            expect(ws.remoteAddress).to.equal(`127.0.0.1:${via.port}`);
            expect(ws.secure).to.equal(secure);

            // The proxy is told what it must know.
            const asked = await via.asked.next();
            const isNamed = scheme !== "socks4" && scheme !== "socks5";
            expect(asked).to.include({ host: isNamed ? "localhost" : "127.0.0.1", port: server.port });
            expect(asked.login).to.deep.equal(hasLogin ? login : undefined);
            if (scheme.startsWith("http"))
              expect(asked.head).to.include(`\r\nHost: localhost:${server.port}\r\n`);
            await ws.close();

            // Nobody is told more.
            const { outside, inside } = via.heard();
            expect(outside.toString("latin1"))
              .not.to.match(SERVER_SECRETS)
              .and.not.to.include("Sec-WebSocket");
            if (secure)
              expect(inside.toString("latin1")).not.to.match(SERVER_SECRETS).and.not.to.include("GET /");
            expect(inside.toString("latin1")).not.to.match(PROXY_SECRETS);
            expect(server.heard()).not.to.match(PROXY_SECRETS);
            expect(server.heard()).to.match(SERVER_SECRETS);
            expect([server.count, via.count]).to.deep.equal([1, 1]);
          });
        }
      }

      it("hands over what comes with the 101", async () => {
        const hello = await listen(async (socket) => {
          const head = await requestHead(socket);
          socket.write(Buffer.concat([Buffer.from(accepting(head), "latin1"), frame(TEXT, "hello")]));
        });
        use(hello);
        const ws = await createConnection(hello.url, { proxy: through(await proxy(scheme)) });
        expect(await ws.recv()).to.equal("hello");
      });

      describe("never goes directly", () => {
        const rows: [title: string, script: ScriptedProxyOptions][] = [
          ["when it is told to go away", { script: ({ socket }) => socket.end() }],
          ["when its connection is reset", { script: ({ socket }) => reset(socket) }],
          [
            "when it hears nonsense",
            { script: ({ socket }) => socket.end("\xff\xff\xff\xff\xff\xff\xff\xff") },
          ],
        ];
        for (const [title, options] of rows) {
          for (const secure of [false, true]) {
            it(`${title}, ${secure ? "wss" : "ws"}`, async () => {
              const server = await origin(secure);
              const via = await proxy(scheme, options);
              const url = server.url.replace("localhost", "127.0.0.1");
              const error = await rejection(
                trusting.createConnection(url, { proxy: through(via) }),
                ProxyError,
              );
              expect(error.proxy).to.equal(via.publicUrl);
              expect(error.message).to.include(via.publicUrl);
              checkError(error, url);
              expect(server.heard()).to.equal("");
              expect(server.count).to.equal(1); // by the proxy, before its script began
              await via.gone.next();
            });
          }
        }

        it("when the proxy is not there", async () => {
          const server = await origin();
          const publicUrl = NOWHERE.replace("ws", scheme).replace(/\/$/, "");
          const name = `${encodeURIComponent(login.username)}@`;
          const url = publicUrl.replace("//", `//${name}`);
          const error = await rejection(createConnection(server.url, { proxy: url }), ProxyError);
          expect(error.message).to.include(`the proxy ${publicUrl} cannot be reached: `);
          expect(error.status).to.equal(undefined);
          expect(error.cause).to.be.instanceOf(TransportError).and.have.property("code", "ERR_WS_CONNECT");
          checkError(error, server.url);
          expect(server.count).to.equal(0);
        });

        it("when the proxy has no address", async () => {
          const server = await origin();
          const url = `${scheme}://nonexistent.invalid:1`;
          const error = await rejection(createConnection(server.url, { proxy: url }), ProxyError);
          expect(error.cause).to.be.instanceOf(TransportError).and.have.property("code", "ERR_WS_DNS");
          expect(server.count).to.equal(0);
        });

        it("when the login is wrong, or missing", async () => {
          const server = await origin();
          const via = await proxy(scheme, { login });
          const wrong = via.url.replace(/:\/\/.*@/, "://WRONGPROXYSECRET@");
          for (const url of [wrong, via.publicUrl]) {
            const chosen = through({ ...via, url });
            const error = await rejection(createConnection(server.url, { proxy: chosen }), ProxyError);
            expect(error.code).to.equal("ERR_WS_PROXY_AUTH");
            checkError(error, server.url);
          }
          expect(server.count).to.equal(0);
        });

        it("when it cannot reach the server", async () => {
          const via = await proxy(scheme);
          const error = await rejection(createConnection(NOWHERE, { proxy: through(via) }), ProxyError);
          expect(error.status).to.equal(
            { http: 502, https: 502, socks4: 91, socks4a: 91, socks5: 5, socks5h: 5 }[scheme],
          );
          expect(error.code).to.equal("ERR_WS_PROXY");
          checkError(error, NOWHERE);
        });
      });

      it("times out when it does not answer: phase proxy", async () => {
        const server = await origin();
        const via = await proxy(scheme, { script() {} });
        const options = { proxy: through(via), timeout: 100 };
        const error = await rejection(createConnection(server.url, options), TimeoutError);
        expect(error).to.include({ phase: "proxy", ms: 100 });
        expect(error.message).to.match(/^the proxy did not answer within 100 ms/);
        checkError(error, server.url);
        expect(server.heard()).to.equal("");
        await via.gone.next();
      });

      it("is called off while it waits for the proxy", async () => {
        const server = await origin();
        const controller = new AbortController();
        const reason = new RangeError("enough");
        const via = await proxy(scheme, { script: () => controller.abort(reason) });
        const options = { proxy: through(via), signal: controller.signal };
        expect(await rejection(createConnection(server.url, options), RangeError)).to.equal(reason);
        await via.gone.next();
      });

      it("is called off with a reason that is an error of ours", async () => {
        const controller = new AbortController();
        const reason = new TransportError("ERR_WS_CONNECT", "another connection failed");
        const via = await proxy(scheme, { script: () => controller.abort(reason) });
        const options = { proxy: through(via), signal: controller.signal };
        const server = await origin();
        expect(await rejection(createConnection(server.url, options), TransportError)).to.equal(reason);
        await via.gone.next();
      });

      describe("reads its consent", () => {
        it("however it is cut, and the 101 behind it", async () => {
          const server = await origin();
          let cut = 0;
          let length = Number.POSITIVE_INFINITY;
          const via = await proxy(scheme, {
            script: async ({ socket, consent, tunnel }) => {
              length = consent.length;
              socket.setNoDelay().write(consent.subarray(0, cut));
              for (let i = 0; i < 3; i++) await nextTurn();
              socket.write(consent.subarray(cut));
              tunnel();
            },
          });
          for (cut = 1; cut < length; cut++) {
            const ws = await createConnection(server.url, { proxy: through(via) });
            ws.terminate();
            await ws.closed;
          }
          expect(length).to.be.within(8, 99);
        });

        it("and none that is cut short", async () => {
          const server = await origin(true);
          let cut = 1;
          let length = 2;
          const via = await proxy(scheme, {
            script: ({ socket, consent }) => {
              length = consent.length;
              socket.end(consent.subarray(0, cut));
            },
          });
          for (; cut < length; cut++) {
            const options = { ...TRUST, proxy: through(via) };
            const error = await rejection(createConnection(server.url, options), ProxyError);
            expect(error.message, `cut at ${cut}`).to.match(/closed/);
          }
          expect(server.heard()).to.equal("");
        });
      });

      describe("what comes behind its consent", () => {
        const extra: [title: string, bytes: Buffer][] = [
          ["a byte", Buffer.from([0])],
          ["a ServerHello", Buffer.from("160303004a020000460303", "hex")],
          [
            "an answer to a request that was not made",
            Buffer.from("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
          ],
        ];
        for (const [title, bytes] of extra) {
          it(`is a fault before TLS: ${title}`, async () => {
            const server = await origin(true);
            const via = await proxy(scheme, {
              script({ socket, consent, tunnel }) {
                socket.write(Buffer.concat([consent, bytes]));
                tunnel();
              },
            });
            const options = { ...TRUST, proxy: through(via) };
            const error = await rejection(createConnection(server.url, options), ProxyError);
            expect(error.message).to.include("sent bytes of its own into the tunnel");
            checkError(error, server.url);
            expect(server.heard()).to.equal("");
            await via.gone.next();
          });
        }

        it("is the server's where there is no TLS: it spoke too early", async () => {
          const server = await origin();
          const via = await proxy(scheme, {
            script({ socket, consent, tunnel }) {
              socket.write(Buffer.concat([consent, Buffer.from("SSH-2.0-x\r\n")]));
              tunnel();
            },
          });
          const error = await rejection(
            createConnection(server.url, { proxy: through(via) }),
            HandshakeError,
          );
          expect(error.message).to.include('"SSH-2.0-x');
        });

        it("is not taken for an answer, even if it looks like one", async () => {
          const server = await origin();
          const early = accepting("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
          const via = await proxy(scheme, {
            script({ socket, consent, tunnel }) {
              socket.write(Buffer.concat([consent, Buffer.from(early, "latin1")]));
              tunnel();
            },
          });
          const error = await rejection(
            createConnection(server.url, { proxy: through(via) }),
            HandshakeError,
          );
          expect(error.message).to.include("does not fit the request's key");
        });

        for (const [title, end] of [
          ["an end", (socket: Socket) => void socket.end()],
          ["a reset", reset],
        ] as const) {
          it(`${title}, before TLS`, async () => {
            const server = await origin(true);
            const via = await proxy(scheme, {
              script({ socket, consent }) {
                socket.write(consent);
                end(socket);
              },
            });
            const options = { ...TRUST, proxy: through(via) };
            const error = await createConnection(server.url, options).then(
              () => undefined,
              (error: unknown) => error,
            );
            // Who comes first is a matter of luck: the consent, TLS, or the end of both.
            expect([ProxyError, TransportError]).to.include((error as object).constructor);
            checkError(error as WebSocketError, server.url);
          });

          it(`${title}, before the upgrade`, async () => {
            const server = await origin();
            const via = await proxy(scheme, {
              script({ socket, consent }) {
                socket.write(consent);
                end(socket);
              },
            });
            const error = await createConnection(server.url, { proxy: through(via) }).then(
              () => undefined,
              (error: unknown) => error,
            );
            expect([ProxyError, TransportError, HandshakeError]).to.include((error as object).constructor);
            checkError(error as WebSocketError, server.url);
          });
        }
      });

      describe("TLS", () => {
        it("of the server is verified for the server's name", async () => {
          const server = await origin(true);
          const via = await proxy(scheme);
          const url = `wss://other.test:${server.port}/`;
          const options = {
            ...TRUST,
            proxy: through(via),
            connectTo: { host: "127.0.0.1", port: server.port },
          };
          const error = await rejection(createConnection(url, options), TransportError);
          expect(error.code).to.equal("ERR_WS_TLS");
          expect(error.message).to.include(`TLS with other.test through 127.0.0.1:${via.port} failed`);
          await via.gone.next();
        });

        it("of the server is verified for authorities of its own", async () => {
          const server = await origin(true);
          const error = await rejection(
            createConnection(server.url, { proxy: through(await proxy(scheme)) }),
            TransportError,
          );
          expect(error.code).to.equal("ERR_WS_TLS");
          expect(server.heard()).to.equal("");
        });

        it("of the server that never answers is called off", async () => {
          const closed = new Queue<boolean>();
          const server = use(
            await listen((socket) => void socket.on("close", () => closed.push(true)).resume()),
          );
          const options = { proxy: through(await proxy(scheme)), timeout: 200 };
          const url = server.url.replace("ws", "wss");
          const error = await rejection(createConnection(url, options), TimeoutError);
          expect(error.phase).to.equal("tls");
          await closed.next();
        });
      });

      it("goes where connectTo says, in the name of the url", async () => {
        const server = await origin(true);
        const via = await proxy(scheme);
        const ws = await createConnection("wss://localhost/path", {
          ...TRUST,
          proxy: through(via),
          connectTo: { host: "127.0.0.1", port: server.port },
        });
        expect(await via.asked.next()).to.include({ host: "127.0.0.1", port: server.port });
        expect(await server.heads.next()).to.include("\r\nHost: localhost\r\n");
        await ws.close();
      });
    });
  }

  describe("an http proxy", () => {
    function answering(answer: string, end = false): ScriptedProxyOptions {
      return {
        script: ({ socket }) => void (end ? socket.end(answer, "latin1") : socket.write(answer, "latin1")),
      };
    }

    const refusals: [title: string, answer: string, status: number, body: string][] = [
      ["403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope", 403, "nope"],
      ["407", "HTTP/1.1 407 Login\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n", 407, ""],
      ["401, as tinyproxy does", "HTTP/1.0 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401, ""],
      ["429", "HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n", 429, ""],
      ["502 with a body until the end", "HTTP/1.0 502 Bad Gateway\r\n\r\nbroken", 502, "broken"],
      [
        "503, chunked",
        "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n",
        503,
        "busy",
      ],
      [
        "302, which is not followed",
        "HTTP/1.1 302 F\r\nLocation: ws://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        302,
        "",
      ],
      ["101", "HTTP/1.1 101 S\r\n\r\nHTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", 400, ""],
    ];
    for (const [title, answer, status, body] of refusals) {
      it(`refuses with ${title}`, async () => {
        const server = await origin();
        const via = await proxy("http", answering(answer, title.includes("end")));
        const error = await rejection(createConnection(server.url, { proxy: via.url }), ProxyError);
        expect(error).to.include({
          status,
          body,
          code: [401, 407].includes(status) ? "ERR_WS_PROXY_AUTH" : "ERR_WS_PROXY",
        });
        expect(error.message).to.include(`the proxy ${via.publicUrl} refused the tunnel: ${status}`);
        checkError(error, server.url);
        expect(server.heard()).to.equal("");
        await via.gone.next();
      });
    }

    it("tells with its refusal when to come back, and whatever else is in its head", async () => {
      const server = await origin();
      const via = await proxy("http", { login: BASIC_LOGIN });
      const error = await rejection(createConnection(server.url, { proxy: via.publicUrl }), ProxyError);
      expect(error).to.include({ status: 407, statusText: "Proxy Authentication Required", body: "login" });
      expect(error.headers.get("retry-after")).to.equal("7");
      expect(error.rawHeaders[0]).to.deep.equal(["Proxy-Authenticate", "Basic realm=x"]);
      expect(error.message).to.include("give it a user name and a password");
    });

    for (const [challenges, known] of [
      [["Digest realm=x"], "Digest"],
      [["NTLM", "Negotiate"], "NTLM, Negotiate"],
      [
        ['Digest realm="a", nonce="x", Kerberos', `Negotiate${"x".repeat(9_000)}`],
        "Digest, Negotiatexxxxxxxxxxx",
      ],
      [["Basic realm=x"], undefined],
      [["Negotiate, Digest a=b", "basic"], undefined],
      [[], undefined],
    ] as const) {
      it(`wants a login by ${challenges.join(", ") || "who knows what"}: it says what to do`, async () => {
        const lines = challenges.map((challenge) => `Proxy-Authenticate: ${challenge}\r\n`).join("");
        const answer = `HTTP/1.1 407 Login\r\n${lines}Content-Length: 0\r\n\r\n`;
        const via = await proxy("http", answering(answer));
        const error = await rejection(createConnection((await origin()).url, { proxy: via.url }), ProxyError);
        expect(error).to.include({ status: 407, code: "ERR_WS_PROXY_AUTH" });
        expect(error.message).to.include(
          known === undefined ? "give it a user name" : `it takes ${known}, and only Basic is known here`,
        );
      });
    }

    it("refuses with a body that is slow: what there is of it is told when the time is up", async () => {
      const server = await origin();
      const via = await proxy(
        "http",
        answering("HTTP/1.1 403 No\r\nContent-Length: 1000000\r\n\r\nfirst words"),
      );
      const options = { proxy: via.url, timeout: 100 };
      const error = await rejection(createConnection(server.url, options), ProxyError);
      expect(error).to.include({ status: 403, body: "first words" });
    });

    it("has control characters in its status line, which no message repeats", async () => {
      const server = await origin();
      const via = await proxy("http", answering("HTTP/1.1 403 \x9b2J\r\nContent-Length: 0\r\n\r\n"));
      const error = await rejection(createConnection(server.url, { proxy: via.url }), ProxyError);
      expect(error.message).not.to.match(/\p{Cc}/u);
    });

    const faults: [title: string, answer: string, message: RegExp][] = [
      ["is a server of SSH", "SSH-2.0-OpenSSH_9.2\r\n", /it begins "SSH|not a status line/],
      ["speaks SOCKS", "\x05\x00", /it begins "\\x05\\x00"/],
      ["speaks TLS", "\x15\x03\x01\x00\x02\x02\x16", /it begins "\\x15/],
      ["has a header without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", /malformed header/],
      ["ends its lines with LF", "HTTP/1.1 200 OK\n\n", /LF without CR/],
    ];
    for (const [title, answer, message] of faults) {
      it(`${title}: it failed, not the server`, async () => {
        const server = await origin(true);
        const via = await proxy("http", answering(answer));
        const error = await rejection(createConnection(server.url, { ...TRUST, proxy: via.url }), ProxyError);
        expect(error.message)
          .to.include(`the proxy ${via.publicUrl} did not open a tunnel: `)
          .and.match(message);
        expect(error.cause).to.be.instanceOf(HandshakeError);
        expect(error.message).not.to.match(/\p{Cc}/u);
        checkError(error, server.url);
        await via.gone.next();
      });
    }

    it("sends a head beyond maxHeaderSize", async () => {
      const server = await origin();
      const via = await proxy("http", answering(`HTTP/1.1 200 OK\r\nA: ${"b".repeat(2000)}`));
      const options = { proxy: via.url, maxHeaderSize: 1000 };
      const error = await rejection(createConnection(server.url, options), ProxyError);
      expect(error.cause).to.be.instanceOf(LimitError).and.have.property("limit", "maxHeaderSize");
    });

    for (const status of [200, 201, 204, 299]) {
      it(`consents with ${status}, and a Content-Length that means nothing`, async () => {
        const server = await origin();
        const via = await proxy("http", {
          script({ socket, tunnel }) {
            socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ${status} OK\r\nContent-Length: 9\r\n\r\n`);
            tunnel();
          },
        });
        const ws = await createConnection(server.url, { proxy: via.url });
        await ws.close();
      });
    }

    it("closes before it has heard anything", async () => {
      const peer = use(await listen((socket) => void socket.end()));
      const url = `http://127.0.0.1:${peer.port}`;
      const error = await rejection(createConnection("ws://127.0.0.1:9/", { proxy: url }), ProxyError);
      expect(error.message).to.match(/closed before an answer came|connection was lost/);
    });

    it("gets the user's headers, and the server none of them", async () => {
      const server = await origin();
      const via = await proxy("http", { login: BASIC_LOGIN });
      const ws = await createConnection(server.url, {
        headers: { "X-Server": "s", Cookie: "a=SERVERSECRET" },
        proxy: { url: via.url, headers: { "X-Proxy": "PROXY-TOKEN", "User-Agent": ["a", "b"] } },
      });
      const { head } = await via.asked.next();
      expect(head).to.include("\r\nX-Proxy: PROXY-TOKEN\r\nUser-Agent: a\r\nUser-Agent: b\r\n\r\n");
      expect(head).not.to.match(/X-Server|Cookie|Sec-|Upgrade|Origin/i);
      expect(server.heard())
        .to.include("X-Server: s")
        .and.not.to.match(PROXY_SECRETS)
        .and.not.include("X-Proxy");
      await ws.close();
    });

    it("gets a Proxy-Authorization of the user's own in the place of the url's", async () => {
      const server = await origin();
      const via = await proxy("http");
      const url = via.url.replace("//", "//u:PROXYSECRET@");
      const proxyHeaders = { "proxy-authorization": "Bearer PROXY-TOKEN" };
      const ws = await createConnection(server.url, { proxy: { url, headers: proxyHeaders } });
      const { head } = await via.asked.next();
      expect(head.match(/proxy-authorization/gi)).to.have.length(1);
      expect(head).to.include("proxy-authorization: Bearer PROXY-TOKEN\r\n");
      await ws.close();
    });

    it("is asked for IPv6 in brackets", async () => {
      const via = await proxy("http", answering("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"));
      // The scripted proxy reports what it was asked before it tries to connect.
      void createConnection("ws://[::1]:9/", { proxy: via.url }).catch(() => {});
      const { head } = await via.asked.next();
      expect(head).to.match(/^CONNECT \[::1\]:9 HTTP\/1\.1\r\nHost: \[::1\]:9\r\n\r\n$/);
      await via.gone.next();
    });

    it("is shown in the trace, without its secrets", async () => {
      const server = await origin();
      const via = await proxy("http", { login: BASIC_LOGIN });
      const lines: string[] = [];
      const ws = await createConnection(server.url, {
        proxy: { url: via.url, headers: { "X-Auth-Token": "PROXY-TOKEN" } },
        trace: { write: (line: string) => void lines.push(line) },
      });
      const text = lines.join("\n");
      expect(text).to.include(
        `CONNECT localhost:${server.port} HTTP/1.1\nHost: localhost:${server.port}\nProxy-Authorization: ***`,
      );
      expect(text).to.match(/--- response header ---\nHTTP\/1\.1 200 Connection established\nVia: script\n/);
      expect(text.indexOf("CONNECT ")).to.be.below(text.indexOf("GET / HTTP/1.1"));
      expect(text).not.to.match(/PROXYSECRET|PROXY-TOKEN|cHLDtnh5dXNlc/);
      await ws.close();
    });

    it("that refuses is shown in the trace, too", async () => {
      const server = await origin();
      const via = await proxy("http", answering("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"));
      const lines: string[] = [];
      const trace = { write: (line: string) => void lines.push(line) };
      await rejection(createConnection(server.url, { proxy: via.url, trace }), ProxyError);
      expect(lines.join("\n")).to.include("HTTP/1.1 403 No").and.not.to.include("GET /");
    });
  });

  describe("an https proxy", () => {
    const certificateOf = (name: "otherName" | "selfSigned") => certificates()[name];

    for (const [title, name] of [
      ["for another name", "otherName"],
      ["that nobody signed", "selfSigned"],
    ] as const) {
      for (const secure of [false, true]) {
        it(`with a certificate ${title} is told nothing, ${secure ? "wss" : "ws"}`, async () => {
          const server = await origin(secure);
          const via = await proxy("https", { certificate: certificateOf(name), login: BASIC_LOGIN });
          // That the server may have any certificate is no licence for the proxy.
          const client = createClient({ tls: { rejectUnauthorized: false } });
          const connecting = client.createConnection(server.url, { proxy: through(via) });
          const error = await rejection(connecting, ProxyError);
          expect(error.cause).to.be.instanceOf(TransportError).and.have.property("code", "ERR_WS_TLS");
          expect(error.message).to.include(`the proxy ${via.publicUrl} cannot be reached: `);
          checkError(error, server.url);
          expect(via.heard().outside.length).to.equal(0);
          expect(server.count).to.equal(0);
        });
      }
    }

    it("is not taken for one by a certificate for the server's name", async () => {
      const via = await proxy("https", { certificate: certificateOf("otherName") });
      const error = await rejection(
        createConnection("ws://other.test/", { proxy: through(via) }),
        ProxyError,
      );
      expect(error.cause).to.have.property("code", "ERR_WS_TLS");
      expect(via.heard().outside.length).to.equal(0);
    });

    it("is not trusted by the authorities of the server", async () => {
      const server = await origin(true);
      const via = await proxy("https");
      const error = await rejection(createConnection(server.url, { ...TRUST, proxy: via.url }), ProxyError);
      expect(error.cause).to.have.property("code", "ERR_WS_TLS");
      expect(server.count).to.equal(0);
    });

    it("may have any certificate, if that is said of it; the server may not", async () => {
      const via = await proxy("https", { certificate: certificateOf("otherName") });
      const chosen = { url: via.url, tls: { rejectUnauthorized: false } };
      const server = await origin(true);
      const ws = await createConnection(server.url, { ...TRUST, proxy: chosen });
      await ws.close();
      await rejection(createConnection(server.url, { proxy: chosen }), TransportError);
    });

    it("may have a certificate for the name that is said of it", async () => {
      const via = await proxy("https", { certificate: certificateOf("otherName") });
      const tls = { ca: certificates().ca, servername: "other.test" };
      const server = await origin(true);
      const ws = await createConnection(server.url, { ...TRUST, proxy: { url: via.url, tls } });
      await ws.close();
    });

    it("that never answers TLS: phase proxy", async () => {
      const peer = use(await listen((socket) => void socket.resume()));
      const options = { proxy: `https://127.0.0.1:${peer.port}`, timeout: 100 };
      const error = await rejection(createConnection("wss://127.0.0.1:9/", options), TimeoutError);
      expect(error.phase).to.equal("proxy");
    });

    it("that is an http proxy", async () => {
      const peer = use(await listen((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
      const url = `https://127.0.0.1:${peer.port}`;
      const error = await rejection(createConnection("ws://127.0.0.1:9/", { proxy: url }), ProxyError);
      expect(error.cause).to.have.property("code", "ERR_WS_TLS");
    });

    it("that is asked for as an http proxy", async () => {
      const server = await origin();
      const via = await proxy("https", { login: BASIC_LOGIN });
      const url = via.url.replace("https", "http");
      await rejection(createConnection(server.url, { proxy: url, timeout: 2000 }), ProxyError);
      expect(server.count).to.equal(0);
    });
  });

  describe("a SOCKS proxy", () => {
    /** createConnection() on a platform whose names have these addresses. */
    function resolving(addresses: string[]): typeof createConnection {
      const resolve = async () => addresses;
      return createConnectionWith(overSockets(openWire({ ...platform, resolve })), {});
    }

    for (const scheme of ["socks4", "socks5"] as const) {
      it(`with ${scheme} is told one address after the other, until it reaches one`, async () => {
        const server = await origin();
        const via = await proxy(scheme);
        const connect = resolving(["127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4"]);
        const ws = await connect(`ws://name.test:${server.port}/`, { proxy: via.url });
        const hosts = (await via.asked.take(3)).map(({ host }) => host);
        expect(hosts).to.deep.equal(["127.0.0.2", "127.0.0.3", "127.0.0.1"]);
        expect(via.asked.waiting).to.equal(0);
        await ws.close();
      });

      it(`with ${scheme} that reaches none of the addresses says so of the last`, async () => {
        const server = await origin();
        const via = await proxy(scheme);
        const connect = resolving(["127.0.0.2", "127.0.0.3"]);
        const url = `ws://name.test:${server.port}/`;
        const error = await rejection(connect(url, { proxy: via.url }), ProxyError);
        expect(error.status).to.equal(scheme === "socks4" ? 91 : 5);
        expect(via.count).to.equal(2);
        await via.gone.take(2);
      });

      it(`with ${scheme} that breaks is not asked again`, async () => {
        const via = await proxy(scheme, { script: ({ socket }) => void socket.end() });
        const server = await origin();
        const connect = resolving(["127.0.0.1", "127.0.0.1"]);
        await rejection(connect(`ws://name.test:${server.port}/`, { proxy: via.url }), ProxyError);
        expect(via.count).to.equal(1);
      });

      it(`with ${scheme} is not asked at all when the name has no address`, async () => {
        const via = await proxy(scheme);
        const promise = createConnection("ws://nonexistent.invalid/", { proxy: via.url });
        expect((await rejection(promise, TransportError)).code).to.equal("ERR_WS_DNS");
        expect(via.count).to.equal(0);
      });
    }

    it("with socks5 is told IPv6 addresses, mapped ones and those with a zone too", async () => {
      const server = await origin();
      const via = await proxy("socks5");
      const connect = resolving(["::1%lo", "::ffff:127.0.0.9", "127.0.0.1"]);
      const ws = await connect(`ws://name.test:${server.port}/`, { proxy: via.url });
      const hosts = (await via.asked.take(3)).map(({ host }) => host);
      expect(hosts).to.deep.equal([
        "0000:0000:0000:0000:0000:0000:0000:0001",
        "0000:0000:0000:0000:0000:ffff:7f00:0009",
        "127.0.0.1",
      ]);
      await ws.close();
    });

    it("with socks4 passes over IPv6 addresses", async () => {
      const server = await origin();
      const via = await proxy("socks4");
      const ws = await resolving(["::1", "127.0.0.1"])(`ws://name.test:${server.port}/`, { proxy: via.url });
      expect(await via.asked.next()).to.include({ host: "127.0.0.1" });
      await ws.close();
    });

    it("with socks4 cannot be told of IPv6 alone", async () => {
      const via = await proxy("socks4");
      for (const promise of [
        resolving(["::1", "2001:db8::1"])("ws://name.test/", { proxy: via.url }),
        createConnection("ws://[::1]/", { proxy: via.url }),
        createConnection("ws://[::1]/", { proxy: via.url.replace("socks4", "socks4a") }),
      ]) {
        const error = await rejection(promise, ProxyError);
        expect(error.message).to.include("SOCKS4 knows no IPv6: use a proxy with socks5 or http");
      }
      expect(via.count).to.equal(0);
    });

    it("with socks5h is told of IPv6 as an address", async () => {
      const via = await proxy("socks5h");
      void createConnection("ws://[2001:db8::1]/", { proxy: via.url, timeout: 300 }).catch(() => {});
      expect(await via.asked.next()).to.include({
        host: "2001:0db8:0000:0000:0000:0000:0000:0001",
        port: 80,
      });
      await via.gone.next();
    });

    it("with socks5 is told addresses of the family that is asked for", async () => {
      const asked: unknown[] = [];
      const resolve: typeof platform.resolve = async (...args) => {
        asked.push(args[1]);
        return ["127.0.0.1"];
      };
      const server = await origin();
      const via = await proxy("socks5");
      const connect = createConnectionWith(overSockets(openWire({ ...platform, resolve })), {});
      const ws = await connect(`ws://name.test:${server.port}/`, { proxy: via.url, family: 4 });
      expect(asked).to.deep.equal([4]);
      await ws.close();
    });

    it("speaks HTTP after all", async () => {
      const server = await origin();
      const via = await proxy("http");
      for (const scheme of ["socks4a", "socks5h"]) {
        const url = via.url.replace("http", scheme);
        await rejection(createConnection(server.url, { proxy: url, timeout: 500 }), Error);
      }
      const peer = use(await listen((socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")));
      for (const scheme of ["socks4a", "socks5h"]) {
        const url = `${scheme}://127.0.0.1:${peer.port}`;
        const error = await rejection(createConnection(server.url, { proxy: url }), ProxyError);
        expect(error.message).to.match(/does not speak SOCKS[45]: it answered 48 54/);
      }
      expect(server.count).to.equal(0);
    });

    it("is told no name of more than 255 bytes", async () => {
      const via = await proxy("socks5h");
      const host = `${"x".repeat(63)}.`.repeat(5);
      const error = await rejection(createConnection(`ws://${host}/`, { proxy: via.url }), UsageError);
      expect(error.message).to.include("255 bytes");
      await via.gone.next();
    });
  });

  describe("dials the proxy", () => {
    it("from the local address that it is told", async () => {
      const server = await origin();
      const from = new Queue<string | undefined>();
      const via = await proxy("http", {
        script(moment: Moment) {
          from.push(moment.socket.remoteAddress);
          moment.socket.write(moment.consent);
          moment.tunnel();
        },
      });
      const ws = await createConnection(server.url, { proxy: via.url, localAddress: "127.0.0.5" });
      expect(await from.next()).to.equal("127.0.0.5");
      await ws.close();
    });

    it("in the family that it is told", async () => {
      const via = await proxy("http");
      const server = await origin();
      const promise = createConnection(server.url, { proxy: via.url, family: 6 });
      expect((await rejection(promise, UsageError)).message).to.include("not an address of family 6");
      const ws = await createConnection(server.url, {
        proxy: via.url.replace("127.0.0.1", "localhost"),
        family: 4,
      });
      await ws.close();
    });

    it("and tells it no host that is none", async () => {
      const via = await proxy("http");
      for (const host of ["a b", "a\r\nX: y", "user@host", "host/path", "[::1]:80", "fe80::1%eth0"]) {
        const options = { proxy: via.url, connectTo: { host, port: 80 } };
        await rejection(createConnection("ws://127.0.0.1/", options), UsageError);
      }
      expect(via.count).to.equal(0);
    });
  });
});

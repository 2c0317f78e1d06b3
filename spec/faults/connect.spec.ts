// Faults 1 to 10: no way to the server, or to the proxy before it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import type { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { expect } from "chai";
import {
  HandshakeError,
  ProxyError,
  TimeoutError,
  TransportError,
  type WebSocketError,
} from "../../lib/errors.ts";
import { wordsOf } from "../support/built.ts";
import { type Certificate, certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { NOWHERE } from "../support/peer.ts";
import { createConnection, runtime, WebSocketApp } from "../support/runtime.ts";
import { type Script, type Step, scripted } from "../support/script.ts";
import { blackHole } from "../support/script-black-hole.ts";
import { type Answer, resolving } from "../support/script-names.ts";
import { play } from "../support/script-scenes.ts";
import {
  answer,
  drop,
  finish,
  goodbye,
  hearEnd,
  request,
  reset,
  say,
  upgrade,
} from "../support/script-steps.ts";

describe("faults: connecting", () => {
  const use = cleanUp();

  describe("names", () => {
    const rows: [title: string, answer: Answer, code: string][] = [
      ["does not exist", { code: "ENOTFOUND" }, "ERR_WS_DNS"],
      ["cannot be resolved now", { code: "EAI_AGAIN" }, "ERR_WS_DNS"],
    ];
    for (const [title, says, code] of rows) {
      it(`1: a name that ${title}: a WebSocketApp asks again`, async () => {
        const asked = resolving(use, () => ({ "host.test": says }));
        const error = await rejection(createConnection("ws://host.test/"), TransportError);
        expect(error.code).to.equal(code);
        expect(error.cause).to.include(says);
        const app = new WebSocketApp("ws://host.test/", {
          reconnect: { minDelay: 1, maxDelay: 1, maxAttempts: 2 },
        });
        const errors: string[] = [];
        app.onError = (_app, error) => errors.push((error as WebSocketError).code);
        expect((await app.runForever()).code).to.equal(1006);
        expect(errors).to.deep.equal([code, code, code]);
        expect(asked).to.have.length(4);
      });
    }

    it("1: a resolver that does not answer: the deadline holds for it", async () => {
      resolving(use, () => ({ "host.test": "silence" }));
      const error = await rejection(createConnection("ws://host.test/", { timeout: 20 }), TimeoutError);
      expect(error.phase).to.equal("dns");
    });

    it("1: a name without addresses", async () => {
      resolving(use, () => ({ "host.test": [] }));
      expect((await rejection(createConnection("ws://host.test/"), TransportError)).code).to.equal(
        "ERR_WS_CONNECT",
      );
    });
  });

  describe("addresses", () => {
    it("2: all refuse: the error tells of each", async () => {
      resolving(use, () => ({ "host.test": ["127.0.0.2", "127.0.0.3"] }));
      const error = await rejection(
        createConnection(NOWHERE.replace("127.0.0.1", "host.test")),
        TransportError,
      );
      expect(error.code).to.equal("ERR_WS_CONNECT");
      const { errors } = error.cause as AggregateError;
      expect(errors.map(({ code, address }) => `${code} ${address}`)).to.deep.equal([
        "ECONNREFUSED 127.0.0.2",
        "ECONNREFUSED 127.0.0.3",
      ]);
    });

    for (const other of ["::1", "127.0.0.2"]) {
      it(`3: ${other} refuses, and 127.0.0.1 does not`, async () => {
        const peer = await scripted(use, [upgrade(), ...goodbye()]);
        resolving(use, () => ({ "host.test": [other, "127.0.0.1"] }));
        const ws = await createConnection(peer.url.replace("127.0.0.1", "host.test"));
        expect(await ws.closed).to.include({ code: 1000, wasClean: true });
      });
    }

    it("4: the first is a black hole: the second is tried beside it", async () => {
      const port = await blackHole(use, "127.0.0.2");
      await scripted(use, [upgrade(), ...goodbye()], "TCP", port);
      resolving(use, () => ({ "host.test": ["127.0.0.2", "127.0.0.1"] }));
      const ws = await createConnection(`ws://host.test:${port}/`);
      expect(ws.remoteAddress).to.equal(`127.0.0.1:${port}`);
      expect(await ws.closed).to.include({ code: 1000, wasClean: true });
    });

    it("5: all are black holes: the deadline", async () => {
      const port = await blackHole(use, "127.0.0.2");
      resolving(use, () => ({ "host.test": ["127.0.0.2", "127.0.0.2"] }));
      const error = await rejection(
        createConnection(`ws://host.test:${port}/`, { timeout: 300 }),
        TimeoutError,
      );
      expect(error.phase).to.equal("connect");
    });
  });

  describe("TLS", () => {
    const { ca, server, otherName, selfSigned, expired } = certificates();
    const rows: [title: string, certificate: Certificate, ...codes: string[]][] = [
      ["has expired", expired, "CERT_HAS_EXPIRED", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"], // Deno says the latter
      ["is for another name", otherName, "ERR_TLS_CERT_ALTNAME_INVALID"],
      ["is signed by nobody", selfSigned, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ];
    for (const [title, certificate, ...codes] of rows) {
      it(`6: a certificate that ${title}: nothing is sent`, async () => {
        const heard: Buffer[] = [];
        const secure = createTlsServer(certificate, (socket) => {
          socket.on("error", () => {}).on("data", (chunk) => heard.push(chunk));
        }).on("tlsClientError", () => {});
        const { port, close } = await serving(secure);
        const error = await rejection(
          createConnection(`wss://localhost:${port}/`, { tls: { ca } }),
          TransportError,
        );
        expect(error.code).to.equal("ERR_WS_TLS");
        expect((error.cause as { code?: string }).code).to.be.oneOf(codes);
        await close();
        expect(heard).to.deep.equal([]);
      });
    }

    it("6: a server that speaks plain text, where TLS is wanted", async () => {
      for (const first of ["HTTP/1.1 400 Bad\r\n\r\n", "SSH-2.0-x\r\n", "\0\0\0\0\0"]) {
        const peer = await scripted(use, [say(first), hearEnd]);
        const error = await rejection(createConnection(peer.url.replace("ws:", "wss:")), TransportError);
        expect(error.code).to.equal("ERR_WS_TLS");
      }
    });

    it("6: a server of TLS, where plain text is wanted", async () => {
      const secure = createTlsServer(server).on("tlsClientError", (_error, socket) => socket.destroy());
      const { port, close } = await serving(secure);
      const error = await rejection(createConnection(`ws://127.0.0.1:${port}/`), HandshakeError);
      expect(error.code).to.equal("ERR_WS_INVALID_RESPONSE");
      await close();
    });

    it("7: TLS that stalls", async () => {
      const peer = await scripted(use, [hearEnd]);
      const connecting = createConnection(peer.url.replace("ws:", "wss:"), { timeout: 1000 });
      expect((await rejection(connecting, TimeoutError)).phase).to.equal("tls");
      const line = await peer.lines.next();
      await line.gone;
      expect(line.heard[0]).to.equal(22); // a ClientHello, and nothing else
    });

    for (const [how, step] of [
      ["reset", reset],
      ["end", finish],
    ] as const) {
      it(`7: a ${how} within TLS`, async () => {
        const script: Script = [async ({ socket }) => void (await once(socket, "data")), step];
        const peer = await scripted(use, script);
        const error = await rejection(createConnection(peer.url.replace("ws:", "wss:")), TransportError);
        expect(error.code).to.equal("ERR_WS_TLS");
      });
    }
  });

  const CLOSED = "refused HandshakeError ERR_WS_INVALID_RESPONSE";
  const RESET = "refused TransportError ERR_WS_TRANSPORT";
  play(use, [
    { title: "8: an end before any byte", script: [finish], end: CLOSED, streams: ["TCP", "memory"] },
    { title: "8: an end behind the request", script: [request, finish], end: CLOSED },
    { title: "8: a reset behind the request", script: [request, reset], end: RESET, streams: ["TCP"] },
  ]);

  it("8: a reset at once", async () => {
    const peer = await scripted(use, [reset]);
    const error = await rejection(createConnection(peer.url), TransportError);
    expect(error.code).to.be.oneOf(["ERR_WS_CONNECT", "ERR_WS_TRANSPORT"]);
  });

  describe("this machine", () => {
    it("9: has no route", async () => {
      const error = await rejection(createConnection("ws://255.255.255.255/"), TransportError);
      expect(error.code).to.equal("ERR_WS_CONNECT");
      expect(error.cause).to.be.an.instanceOf(Error);
    });

    it("9: so an app tries again, and waits in between", async () => {
      const app = new WebSocketApp("ws://255.255.255.255/", {
        reconnect: { minDelay: 1, maxDelay: 4, jitter: 0, maxAttempts: 3 },
      });
      const log: string[] = [];
      app.onError = (_app, error) => log.push((error as WebSocketError).code);
      app.onClose = (_app, code, _reason, { retry }) => log.push(`${code} ${retry?.delay}`);
      await app.runForever();
      expect(log).to.deep.equal([
        ...["ERR_WS_CONNECT", "1006 2", "ERR_WS_CONNECT", "1006 4"],
        ...["ERR_WS_CONNECT", "1006 4", "ERR_WS_CONNECT", "1006 undefined"],
      ]);
    });

    // Without descriptors Deno itself panics, now and then.
    if (runtime === "deno") return;
    it("9: has no more descriptors: refused at once, and fine again when there are", async () => {
      const peer = await scripted(use, [upgrade(), hearEnd, finish]);
      const line = [...wordsOf("spec/support/few-descriptors.ts"), peer.url]
        .map((word) => `'${word}'`)
        .join(" ");
      const program = spawn("sh", ["-c", `ulimit -n 128 && exec ${line}`], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const told: string[] = [];
      program.stdout.on("data", (chunk) => told.push(String(chunk)));
      const [code] = await once(program, "close");
      expect(code).to.equal(0);
      expect(told.join("")).to.match(/^ERR_WS_CONNECT (EMFILE|ECONNREFUSED), then open\n$/); // Bun says the latter
    });
  });

  describe("a proxy", () => {
    const rows: [title: string, script: readonly Step[], status?: number][] = [
      ["that resets the connection", [reset]],
      ["that goes at once", [drop]],
      ["that goes behind the CONNECT", [request, finish]],
      ["that wants a login", [answer("HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n"), hearEnd], 407],
      [
        "that cannot reach the server",
        [answer("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"), hearEnd],
        502,
      ],
      ["that speaks something else", [answer("SSH-2.0-x\r\n"), hearEnd]],
      ["that goes within its answer", [answer("HTTP/1.1 200 OK\r\nA:"), finish], 200],
      ["whose answer is too long", [answer(`HTTP/1.1 200 OK\r\nA: ${"x".repeat(70_000)}`), hearEnd]],
    ];
    for (const [title, script, status] of rows) {
      it(`10: ${title}: it is told from the server, which is never asked directly`, async () => {
        const server = await scripted(use, [upgrade()]);
        const proxy = await scripted(use, script);
        const options = { proxy: proxy.url.replace("ws:", "http:") };
        const error = await rejection(createConnection(server.url, options), ProxyError);
        expect([error.status, error.proxy]).to.deep.equal([status, options.proxy.replace(/\/$/, "")]);
        expect(error.code).to.equal(status === 407 ? "ERR_WS_PROXY_AUTH" : "ERR_WS_PROXY");
        expect([proxy.count, server.count]).to.deep.equal([1, 0]);
      });
    }

    it("10: where nobody listens", async () => {
      const server = await scripted(use, [upgrade()]);
      const options = { proxy: NOWHERE.replace("ws", "http") };
      await rejection(createConnection(server.url, options), ProxyError);
      expect(server.count).to.equal(0);
    });

    for (const scheme of ["http", "socks4", "socks5", "socks5h"]) {
      it(`10: that hangs: phase proxy (${scheme})`, async () => {
        const server = await scripted(use, [upgrade()]);
        const proxy = await scripted(use, [hearEnd]);
        const options = { proxy: proxy.url.replace("ws:", `${scheme}:`), timeout: 50 };
        expect((await rejection(createConnection(server.url, options), TimeoutError)).phase).to.equal(
          "proxy",
        );
        await (await proxy.lines.next()).gone;
        expect(server.count).to.equal(0);
      });
    }
  });

  async function serving(server: ReturnType<typeof createServer>) {
    const open = new Set<{ destroy(): void }>();
    server.on("connection", (socket) => void open.add(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const close = () => {
      for (const socket of open) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    };
    use({ close });
    return { port, close };
  }
});

// The options of TLS, one by one: in each runtime each has its effect, or is refused, and so is what cannot be used.

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TlsOptions as ServerOptions, type TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { expect } from "chai";
import { TransportError, UsageError, WebSocketError } from "../../lib/errors.ts";
import { secureContext } from "../../lib/transport/node-tls.ts";
import type { ServerCertificate, TlsOptions, Transport } from "../../lib/transport/transport.ts";
import { certificates } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { type ClientHello, parseClientHello } from "../support/client-hello.ts";
import { rejection, thrown } from "../support/failure.ts";
import { listen } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { createClient, createConnection, platform, runtime, WebSocketApp } from "../support/runtime.ts";
import { site, welcoming } from "../support/site.ts";
import { tlsMaterials } from "../support/tls-material.ts";
import { attempting, endpoint, endpointTls } from "./sockets.ts";

describe("the options of TLS", () => {
  const use = cleanUp();
  const { ca, server, otherName, selfSigned } = certificates();
  const materials = tlsMaterials();

  /** A server, and what it knows of those who came. */
  async function serving(
    options: ServerOptions = {},
  ): Promise<{ port: number; came: Queue<TLSSocket>; gone: Queue<Socket> }> {
    const came = new Queue<TLSSocket>();
    const gone = new Queue<Socket>();
    const open = new Set<Socket>();
    const secure = createServer({ ...server, ...options }, (socket) => {
      socket.on("error", () => {});
      came.push(socket);
    });
    secure.on("connection", (socket: Socket) => {
      open.add(socket);
      socket.on("close", () => {
        open.delete(socket);
        gone.push(socket);
      });
    });
    secure.on("tlsClientError", () => {}); // a client that does not trust it goes
    await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
    use({
      close() {
        for (const socket of open) socket.destroy();
        return new Promise<void>((resolve) => secure.close(() => resolve()));
      },
    });
    return { port: (secure.address() as AddressInfo).port, came, gone };
  }

  it("share what is made of the same, where they name authorities; a program may change the runtime's", () => {
    const authorities = { ca: [ca], ciphers: "AES128-SHA", rejectUnauthorized: true };
    const first = secureContext({ ...authorities });
    expect(secureContext({ ...authorities, ca: [Buffer.from(ca).toString()] })).to.equal(first);
    expect(secureContext({ ...authorities, ca: [Buffer.from(ca)] })).not.to.equal(first);
    expect(secureContext({ ...authorities, ciphers: "AES256-SHA" })).not.to.equal(first);
    expect(secureContext({ ca: server.cert })).not.to.equal(secureContext({ ca }));
    expect(secureContext({})).not.to.equal(secureContext({}));
    const own = {};
    expect(secureContext(own)).to.equal(secureContext(own));
  });

  it("share nothing of what only a toJSON() on a prototype makes look alike", () => {
    const alike = { configurable: true, value: () => "alike" };
    Object.defineProperty(Array.prototype, "toJSON", alike);
    try {
      expect(secureContext({ ca: [server.cert] })).not.to.equal(secureContext({ ca: [ca] }));
    } finally {
      Reflect.deleteProperty(Array.prototype, "toJSON");
    }
  });

  it("share with many, and keep few", () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${ca}\n# ${i}`);
    const contexts = texts.map((text) => secureContext({ ca: text }));
    expect(secureContext({ ca: texts[39] as string })).to.equal(contexts[39]);
    expect(secureContext({ ca: texts[24] as string })).to.equal(contexts[24]);
    expect(secureContext({ ca: texts[23] as string })).not.to.equal(contexts[23]);
  });

  type Way = (port: number, tls: TlsOptions, name?: string) => Promise<Transport>;

  /** TLS on a new connection, and on one that is there already. */
  const ways: [title: string, connect: Way][] = [
    [
      "",
      (port, tls, name = "localhost") =>
        platform.connect(endpoint({ port, tls: endpointTls(name, tls) }), attempting().attempt),
    ],
    [
      " in a tunnel",
      async (port, tls, name = "localhost") => {
        const { attempt } = attempting();
        const tunnel = await platform.connect(endpoint({ port, isTunnel: true }), attempt);
        return tunnel.secure(endpointTls(name, tls), attempt);
      },
    ],
  ];
  const [[, connect]] = ways as [[string, Way]];

  /** What a client with these options says first. */
  async function hello(tls: TlsOptions, name = "localhost"): Promise<ClientHello> {
    const heard = new Queue<ClientHello>();
    const peer = use(
      await listen((socket) => {
        let record = Buffer.alloc(0);
        socket.on("data", (chunk) => {
          record = Buffer.concat([record, chunk]);
          const hello = parseClientHello(record);
          if (hello === undefined) return;
          heard.push(hello);
          socket.destroy();
        });
      }),
    );
    await rejection(connect(peer.port, { ca, ...tls }, name), TransportError);
    return heard.next();
  }

  /** What a runtime says of an option. */
  function refusal(tls: TlsOptions): UsageError {
    return thrown(() => platform.checkTls(tls), UsageError);
  }

  describe("choose what is offered:", () => {
    it("servername, and none where an address is verified", async () => {
      expect((await hello({}, "localhost")).serverName).to.equal("localhost");
      expect((await hello({}, "")).serverName).to.equal(undefined);
    });

    it("always HTTP/1.1", async () => {
      expect((await hello({})).protocols).to.equal("\x08http/1.1");
    });

    it("minVersion and maxVersion", async () => {
      expect((await hello({ minVersion: "TLSv1.3" })).versions).to.deep.equal([0x304]);
      expect((await hello({})).versions).to.deep.equal([0x304, 0x303]);
      expect((await hello({ maxVersion: "TLSv1.2" })).versions ?? [0x303]).to.deep.equal([0x303]);
      expect((await hello({ maxVersion: "TLSv1.2" })).ciphers).to.include(0xc02b);
    });

    it("older versions, but for Deno and newer Nodes, which have none", async () => {
      const { versions } = await hello({ minVersion: "TLSv1" });
      // Node 26 offers them no more, whatever it is asked for.
      const hasNone =
        runtime === "deno" || (runtime === "node" && Number.parseInt(process.versions.node, 10) >= 26);
      expect(versions).to.deep.equal(hasNone ? [0x304, 0x303] : [0x304, 0x303, 0x302, 0x301]);
      const { port } = await serving({ minVersion: "TLSv1" });
      await rejection(connect(port, { ca, maxVersion: "TLSv1.1" }), TransportError);
    });

    const names = [
      ["ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305"],
      ["ecdhCurve", "secp384r1"],
      ["sigalgs", "ecdsa_secp256r1_sha256"],
    ] as const;
    if (runtime === "deno") {
      for (const [name, value] of names) {
        it(`${name}, which Deno would ignore`, () => {
          const error = refusal({ [name]: value });
          expect(error.code).to.equal("ERR_WS_UNSUPPORTED");
          expect(error.message).to.include(`tls.${name}`);
        });
      }
    } else {
      const [[, ciphers], [, ecdhCurve], [, sigalgs]] = names;

      it("ciphers", async () => {
        const offered = (await hello({ ciphers })).ciphers.filter(
          (cipher) => ![0x1301, 0x1302, 0x1303, 0xff].includes(cipher),
        );
        expect(offered).to.deep.equal([0xcca9]);
      });

      it("ecdhCurve", async () => {
        expect((await hello({ ecdhCurve })).groups).to.deep.equal([24]);
      });

      it("sigalgs", async () => {
        expect((await hello({ sigalgs })).signatures).to.deep.equal([0x403]);
      });

      for (const tls of names.map(([name]) => ({ [name]: "nonsense" }))) {
        it(`no nonsense: ${JSON.stringify(tls)}`, () => {
          expect(refusal(tls).code).to.equal("ERR_WS_INVALID_ARGUMENT");
        });
      }
    }

    if (runtime === "node") {
      it("ciphers of TLS 1.3", async () => {
        const { ciphers } = await hello({ ciphers: "TLS_CHACHA20_POLY1305_SHA256" });
        expect(ciphers.filter((cipher) => cipher >> 8 === 0x13)).to.deep.equal([0x1303]);
      });
    }
    if (runtime === "bun") {
      it("ciphers of TLS 1.3, which Bun would ignore", () => {
        for (const ciphers of [
          "TLS_CHACHA20_POLY1305_SHA256",
          "ECDHE-ECDSA-CHACHA20-POLY1305:TLS_AES_128_GCM_SHA256",
        ]) {
          expect(refusal({ ciphers }).code).to.equal("ERR_WS_UNSUPPORTED");
        }
      });
    }
  });

  describe("show a client's certificate:", () => {
    const asking = { requestCert: true, ca, rejectUnauthorized: false };
    const { passphrase, lockedKey, oldLockedKey, lockedPfx, openPfx, rsa } = materials;
    const { cert, key } = otherName;
    const rows: [title: string, tls: TlsOptions][] = [
      ["cert and key", { cert, key }],
      ["cert and key, as bytes", { cert: Buffer.from(cert), key: new Uint8Array(Buffer.from(key)) }],
      ["cert and key, in lists", { cert: [cert], key: [key] }],
      ["cert and key, both in the same text", { cert: cert + key, key: cert + key }],
      ["cert, and key with passphrase", { cert, key: lockedKey, passphrase }],
      ["cert, and key of the older form with passphrase", { cert, key: oldLockedKey, passphrase }],
      ["cert, and key that needs no passphrase, with one", { cert, key, passphrase }],
      ["pfx with passphrase", { pfx: lockedPfx, passphrase }],
      ["pfx, as bytes in a list", { pfx: [new Uint8Array(lockedPfx)], passphrase }],
      ["pfx with an empty passphrase", { pfx: openPfx, passphrase: "" }],
    ];
    for (const [way, connect] of ways) {
      for (const [title, tls] of rows) {
        it(title + way, async () => {
          const { port, came } = await serving(asking);
          platform.checkTls({ ca, ...tls });
          const transport = await connect(port, { ca, ...tls });
          expect((await came.next()).getPeerCertificate().subject).to.include({ CN: "other" });
          transport.destroy();
        });
      }
    }

    it("none if there is none", async () => {
      const { port, came } = await serving(asking);
      const transport = await connect(port, { ca });
      expect((await came.next()).getPeerCertificate()).to.deep.equal({});
      transport.destroy();
    });

    const wrong: [title: string, tls: TlsOptions][] = [
      ["cert that is none", { cert: "nonsense", key }],
      ["key that is none", { cert, key: "nonsense" }],
      ["key of another certificate", { cert, key: server.key }],
      ["a wrong passphrase", { cert, key: lockedKey, passphrase: "wrong" }],
      ["a wrong passphrase, for the older form", { cert, key: oldLockedKey, passphrase: "wrong" }],
      ["no passphrase where one is needed", { cert, key: lockedKey }],
      ["an empty passphrase where one is needed", { cert, key: lockedKey, passphrase: "" }],
      ["pfx that is none", { pfx: "nonsense", passphrase }],
      ["a wrong passphrase for pfx", { pfx: lockedPfx, passphrase: "wrong" }],
      ["no passphrase for pfx", { pfx: lockedPfx }],
    ];
    for (const [title, tls] of wrong) {
      it(`never without saying so: ${title}`, async () => {
        const error = refusal(tls);
        expect(error.code).to.equal("ERR_WS_INVALID_ARGUMENT");
        expect(error.message).to.match(/^the option tls cannot be used: ./);
        expect(inspect(error)).not.to.include(passphrase);
        thrown(() => createClient({ tls }), UsageError);
        thrown(() => new WebSocketApp("wss://localhost/", { tls }), UsageError);
        await rejection(createConnection("wss://localhost:1/", { tls }), UsageError);
      });
    }

    const several = { cert: [cert, rsa.cert], key: [key, rsa.key] };
    if (runtime === "deno") {
      it("more than one, of which Deno would take the first", () => {
        for (const tls of [
          several,
          { cert: [cert], key: [key, key] },
          { pfx: [openPfx, openPfx], passphrase: "" },
        ]) {
          expect(refusal(tls).code).to.equal("ERR_WS_UNSUPPORTED");
        }
      });
    } else {
      it("the one that the server can check, of several", async () => {
        const { port, came } = await serving({ ...asking, ...rsa, sigalgs: "rsa_pss_rsae_sha256" });
        const transport = await connect(port, { ca, ...several });
        expect((await came.next()).getPeerCertificate().subject).to.include({ CN: "rsa" });
        transport.destroy();
      });
    }
  });

  for (const [way, connect] of ways) {
    if (runtime === "deno") continue;
    it(`refuse what is revoked: crl${way}`, async () => {
      const { port } = await serving();
      (await connect(port, { ca, crl: materials.emptyCrl })).destroy();
      const error = await rejection(connect(port, { ca, crl: materials.crl }), TransportError);
      expect(error.cause).to.have.property("code", "CERT_REVOKED");
      (await connect(port, { crl: materials.crl, rejectUnauthorized: false })).destroy();
    });
  }

  it("refuse a list of what is revoked that is none, and in Deno, which would ignore it, any", () => {
    const code = runtime === "deno" ? "ERR_WS_UNSUPPORTED" : "ERR_WS_INVALID_ARGUMENT";
    expect(refusal({ crl: "nonsense" }).code).to.equal(code);
    if (runtime === "deno") expect(refusal({ crl: materials.crl }).code).to.equal(code);
  });

  it("take no authority that is none, which Node and Deno would pass over", () => {
    for (const none of ["nonsense", Buffer.from("nonsense"), server.key, [ca, "nonsense"]]) {
      const error = refusal({ ca: none });
      expect(error.code).to.equal("ERR_WS_INVALID_ARGUMENT");
      expect(error.message).to.equal("the option tls cannot be used: ca has no certificate in PEM");
    }
    platform.checkTls({ ca: [ca, Buffer.from(`a comment\n${ca}`)] });
  });

  describe("ask who the server is: checkServerIdentity", () => {
    for (const [way, connect] of ways) {
      it(`is shown name and certificate, and its word counts${way}`, async () => {
        const { port } = await serving(otherName);
        const calls: [string, ServerCertificate][] = [];
        const checkServerIdentity = (hostname: string, certificate: ServerCertificate) => {
          calls.push([hostname, certificate]);
          return undefined;
        };
        (await connect(port, { ca, checkServerIdentity })).destroy();
        const [[hostname, certificate] = []] = calls;
        expect(calls).to.have.length(1);
        expect(hostname).to.equal("localhost");
        expect(certificate?.subject).to.include({ CN: "other" });
        expect(certificate?.issuer).to.include({ CN: "ca" });
        expect(certificate?.subjectaltname).to.equal("DNS:other.test");
        expect(certificate?.fingerprint256).to.match(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
        expect(certificate?.serialNumber).to.match(/^[0-9A-F]+$/i);
        expect(new Date(certificate?.valid_to ?? "").getTime()).to.be.above(Date.now());
        expect(new Date(certificate?.valid_from ?? "").getTime()).to.be.at.most(Date.now());
        expect(Buffer.from(certificate?.raw ?? []).toString("base64")).to.equal(
          otherName.cert.replace(/-----.*-----|\s/g, ""),
        );
      });

      const failure = new RangeError("not this one");
      const answers: [title: string, answer: () => unknown][] = [
        ["gives an Error", () => failure],
        [
          "throws",
          () => {
            throw failure;
          },
        ],
      ];
      for (const [title, answer] of answers) {
        it(`refuses the server if it ${title}${way}`, async () => {
          const { port } = await serving();
          const tls = { ca, checkServerIdentity: answer } as TlsOptions;
          const error = await rejection(connect(port, tls), TransportError);
          expect(error.code).to.equal("ERR_WS_TLS");
          expect(error.message).to.include("not this one");
          expect(error.cause).to.equal(failure);
        });
      }

      it(`refuses the server if it gives anything else${way}`, async () => {
        const { port } = await serving();
        for (const value of [true, false, null, 0, "", {}, Promise.resolve(), "no", Symbol("no")]) {
          const tls = { ca, checkServerIdentity: () => value } as unknown as TlsOptions;
          await rejection(connect(port, tls), UsageError);
        }
        const late = async () => Promise.reject(failure); // an unhandled rejection would fail the run
        await rejection(
          connect(port, { ca, checkServerIdentity: late } as unknown as TlsOptions),
          UsageError,
        );
        const thrower = {
          ca,
          checkServerIdentity: () => {
            throw "a string";
          },
        };
        expect((await rejection(connect(port, thrower), TransportError)).message).to.include("a string");
      });
    }

    it("is shown an address where there is no name", async () => {
      const { port } = await serving(otherName);
      let hostname = "";
      (
        await connect(
          port,
          {
            ca,
            checkServerIdentity: (name) => {
              hostname = name;
              return undefined;
            },
          },
          "",
        )
      ).destroy();
      expect(hostname).to.equal("127.0.0.1");
    });

    it("is not asked about a certificate that nobody trusts", async () => {
      const { port } = await serving(selfSigned);
      await rejection(
        connect(port, { ca, checkServerIdentity: () => expect.fail("it was asked") }),
        TransportError,
      );
    });
  });

  describe("know the server by its key: pins", () => {
    const { pins, rsa } = materials;
    for (const [way, connect] of ways) {
      for (const [title, certificate, pin] of [
        ["EC", server, pins.server],
        ["RSA", rsa, pins.rsa],
      ] as const) {
        it(`of ${title}${way}`, async () => {
          const { port } = await serving(certificate);
          (await connect(port, { ca, pins: [`sha256/${pin}`] })).destroy();
          (await connect(port, { ca, pins: [`sha256/${pins.ca}`, `sha256/${pin}`] })).destroy();
        });
      }

      it(`and refuse any other, whatever else may be wrong with it${way}`, async () => {
        const { port, came, gone } = await serving(otherName);
        for (const more of [{ rejectUnauthorized: false }, { servername: "other.test" }]) {
          for (const wrong of [[`sha256/${pins.server}`], [`sha256/${pins.ca}`], []]) {
            const tls = { ca, ...more, pins: wrong };
            const error = await rejection(connect(port, tls, "other.test"), TransportError);
            expect(error.code).to.equal("ERR_WS_TLS");
            expect(error.message).to.match(
              /the server's key is sha256\/[\w+/]{43}=, which is none of tls\.pins/,
            );
            await gone.next();
          }
        }
        while (came.waiting > 0) expect((await came.next()).read(), "nothing was sent").to.equal(null);
        const right = await rejection(connect(port, { rejectUnauthorized: false, pins: [] }), TransportError);
        const [met = ""] = /sha256\/[\w+/]{43}=/.exec(right.message) ?? [];
        (await connect(port, { rejectUnauthorized: false, pins: [met] })).destroy();
      });

      it(`and verify its certificate no less${way}`, async () => {
        const { port } = await serving();
        await rejection(connect(port, { pins: [`sha256/${pins.server}`] }), TransportError);
        await rejection(connect(port, { ca, pins: [`sha256/${pins.server}`] }, "other.test"), TransportError);
      });
    }

    it("in a whole connection, where no byte of the request leaves before", async () => {
      const { origin, heads, gone } = await welcoming(use, { tls: server, host: "localhost" });
      for (const pin of [`sha256/${pins.server}`, `sha256//${pins.server}`]) {
        await createConnection(origin, { tls: { ca, pins: pin } });
        await heads.next();
        await createConnection(origin, { tls: { rejectUnauthorized: false, pins: [pin] } });
        await heads.next();
      }
      const url = `${origin.replace("//", "//user:SECRET@")}/`;
      const error = await rejection(
        createConnection(url, { tls: { ca, pins: `sha256/${pins.ca}` } }),
        TransportError,
      );
      expect(error.message).to.include(`sha256/${pins.server}`);
      expect(error.url).to.equal(`${origin}/`);
      await gone.next();
      expect(heads.waiting).to.equal(0);
    });
  });

  const LINE = /^(CLIENT|SERVER|EXPORTER)_[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}\n$/;

  describe("show the keys: keylog", () => {
    if (runtime === "deno") {
      it("which Deno would not", () => {
        expect(refusal({ keylog() {} }).code).to.equal("ERR_WS_UNSUPPORTED");
      });
      return;
    }
    for (const [way, connect] of ways) {
      it(`line by line${way}`, async () => {
        const { port } = await serving();
        const lines = new Queue<string>();
        const transport = await connect(port, {
          ca,
          keylog: (line) => lines.push(Buffer.from(line).toString()),
        });
        for (const line of await lines.take(4)) expect(line).to.match(LINE);
        transport.destroy();
      });

      it(`and fail with whoever cannot take them${way}`, async () => {
        const { port } = await serving();
        const failure = new RangeError("disk full");
        const fail = () => {
          throw failure;
        };
        // In Bun the keys come when the handshake is done.
        const ended = (transport: Transport) =>
          new Promise<unknown>((_, reject) => {
            transport.attach({ data() {}, drain() {}, end() {}, closed: reject });
          });
        for (const keylog of [fail, async () => fail()]) {
          const error = await rejection(connect(port, { ca, keylog }).then(ended), WebSocketError);
          expect(error).to.include({ code: "ERR_WS_CALLBACK", cause: failure });
          expect(error.message).to.include("tls.keylog").and.to.include("disk full");
        }
      });
    }
  });

  describe("SSLKEYLOGFILE", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "isosocket-"));
      process.env.SSLKEYLOGFILE = join(folder, "keys");
    });
    afterEach(() => {
      delete process.env.SSLKEYLOGFILE;
      rmSync(folder, { recursive: true });
    });

    it(runtime === "deno" ? "is not honoured by Deno" : "is added to, and for its owner alone", async () => {
      const { origin } = await site(use, () => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", {
        tls: server,
        host: "localhost",
      });
      for (let connection = 1; connection <= 2; connection++) {
        await rejection(createConnection(origin, { tls: { ca } }), WebSocketError);
      }
      const file = join(folder, "keys");
      if (runtime === "deno") {
        expect(() => readFileSync(file)).to.throw();
        return;
      }
      const lines = readFileSync(file, "utf8").match(/.*\n/g) ?? [];
      for (const line of lines) expect(line).to.match(LINE);
      expect(lines.filter((line) => line.startsWith("SERVER_TRAFFIC_SECRET_0"))).to.have.length(2);
      expect(statSync(file).mode & 0o777).to.equal(0o600);
    });

    if (runtime !== "deno") {
      it("that cannot be written to ends the attempt, and nothing else", async () => {
        process.env.SSLKEYLOGFILE = join(folder, "nowhere", "keys");
        const { origin } = await welcoming(use, { tls: server, host: "localhost" });
        const error = await rejection(createConnection(origin, { tls: { ca } }), WebSocketError);
        expect(error.message).to.include("SSLKEYLOGFILE").and.to.include("ENOENT");
      });
    }

    it("that is empty names no file", async () => {
      process.env.SSLKEYLOGFILE = "";
      const { origin } = await welcoming(use, { tls: server, host: "localhost" });
      await createConnection(origin, { tls: { ca } });
    });
  });

  it("have no ear for what somebody put on Object.prototype", async () => {
    const { port } = await serving(selfSigned);
    const polluted = Object.prototype as Record<string, unknown>;
    Object.assign(polluted, {
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ca: selfSigned.cert,
    });
    try {
      for (const [, connect] of ways) await rejection(connect(port, {}), TransportError);
    } finally {
      for (const name of ["rejectUnauthorized", "checkServerIdentity", "ca"]) delete polluted[name];
    }
  });

  for (const [name, value] of Object.entries({ path: "/evil", localAddress: "192.0.2.1", localPort: 1 })) {
    it(`lead to nowhere else by what somebody put on Object.prototype: ${name}`, async () => {
      const { port } = await serving();
      const polluted = Object.prototype as Record<string, unknown>;
      polluted[name] = value;
      try {
        (await connect(port, { ca })).destroy();
      } finally {
        delete polluted[name];
      }
    });
  }

  it("read their files once: a context serves all who are given the same options", async () => {
    const { port } = await serving();
    const tls = { ca };
    const reads = [1, 2, 3].map(async () => (await connect(port, tls)).destroy());
    await Promise.all(reads);
  });
});

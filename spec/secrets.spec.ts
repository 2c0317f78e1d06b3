// No secret leaves by a side door: whatever fails, and whatever is printed, shows none of those that were planted.

import { createPrivateKey } from "node:crypto";
import type { Socket } from "node:net";
import process from "node:process";
import { inspect } from "node:util";
import { expect } from "chai";
import { CookieJar } from "../lib/client/cookie-jar.ts";
import type { ConnectionOptions } from "../lib/client/options.ts";
import { UsageError, WebSocketError } from "../lib/errors.ts";
import type { TraceEvent } from "../lib/session/trace-event.ts";
import type { TlsOptions } from "../lib/transport/transport.ts";
import { certificates } from "./support/certificates.ts";
import { cleanUp, type Use } from "./support/clean-up.ts";
import { rejection, thrown } from "./support/failure.ts";
import { accepting, listen, NOWHERE, requestHead } from "./support/peer.ts";
import { Queue } from "./support/queue.ts";
import { frame, rawServer } from "./support/raw-server.ts";
import { createClient, createConnection, WebSocketApp } from "./support/runtime.ts";
import { tlsServer } from "./support/tls-server.ts";

/** Stands in every secret that is planted, and nowhere else. */
const MARK = "s3cr3t";

/** The mark as programs may print it: as it is, in base64 from whichever place on, in hex, as numbers. */
const FORMS: readonly string[] = [
  MARK,
  btoa(MARK),
  btoa(`x${MARK}`).slice(2, 9),
  btoa(`xx${MARK}`).slice(3, 10),
  Buffer.from(MARK).toString("hex"),
  Buffer.from(MARK)
    .toString("hex")
    .replace(/..(?=.)/g, "$& "),
  [...Buffer.from(MARK)].join(", "),
  [...Buffer.from(MARK)].join(","),
];

/** What of a text is a secret, with what stands around it; undefined for nothing. */
function leakIn(text: string): string | undefined {
  const plain = text.replace(/"\d+":/g, "").replace(/\s+/g, " ");
  for (const form of FORMS) {
    const at = plain.indexOf(form);
    if (at !== -1) return plain.slice(Math.max(0, at - 100), at + form.length + 20);
  }
  return undefined;
}

type Inspect = (value: unknown, options: object) => string;
const { Deno, Bun } = globalThis as { Deno?: { inspect: Inspect }; Bun?: { inspect: Inspect } };

/** What a value looks like to whoever prints it, in every way that this runtime has. */
function* printed(value: unknown): Generator<[how: string, text: string]> {
  yield ["String()", String(value)];
  yield ["JSON.stringify()", inJson(value)];
  for (const showHidden of [false, true]) {
    const options = { depth: Infinity, maxArrayLength: null, maxStringLength: null, showHidden };
    yield [`util.inspect(), showHidden: ${showHidden}`, inspect(value, options)];
    const denos = { depth: 100, iterableLimit: 100_000, strAbbreviateSize: 100_000, showHidden };
    if (Deno !== undefined) yield [`Deno.inspect(), showHidden: ${showHidden}`, Deno.inspect(value, denos)];
  }
  if (Bun !== undefined) yield ["Bun.inspect()", Bun.inspect(value, { depth: 100 })];
  if (!(value instanceof Error)) return;
  yield ["message", value.message];
  yield ["stack", String(value.stack)];
  const inner = value instanceof AggregateError ? [value.cause, ...value.errors] : [value.cause];
  for (const cause of inner) if (cause !== undefined) yield* printed(cause);
}

function inJson(value: unknown): string {
  const seen = new Set<unknown>();
  return String(
    JSON.stringify(value, (_, member: unknown) => {
      if (typeof member === "bigint") return `${member}`;
      if (typeof member !== "object" || member === null) return member;
      if (seen.has(member)) return "seen";
      seen.add(member);
      return member;
    }),
  );
}

function expectNoLeak(...values: unknown[]): void {
  for (const value of values) {
    for (const [how, text] of printed(value)) expect(leakIn(text), how).to.equal(undefined);
  }
}

/** A trace that keeps all it is told. */
function recordingTrace() {
  const lines: string[] = [];
  const events: TraceEvent[] = [];
  return {
    sink: { write: (line: string) => lines.push(line), event: (event: TraceEvent) => events.push(event) },
    lines,
    events,
    /** Throws where it was told a secret. */
    check(): void {
      expectNoLeak(lines, events);
      expect(leakIn(lines.join("\n")), "the lines").to.equal(undefined);
      for (const event of events) {
        if (!("bytes" in event)) continue;
        expect(leakIn(Buffer.from(event.bytes).toString("latin1")), "an event's bytes").to.equal(undefined);
      }
    },
  };
}

/** Every place that a user has for a secret, in two halves, as some exclude others. */
interface Plant {
  readonly title: string;
  url(base: string): string;
  readonly options: ConnectionOptions;
}

const QUERY = `?token=${MARK}&${MARK}&a=b%20${MARK}`;
const PLANTS: readonly Plant[] = [
  {
    title: "in the url and cookies",
    url: (base) => `${base.replace("://", `://ada${MARK}:${MARK}%2Fpass@`)}chat${QUERY}`,
    options: {
      cookies: { session: MARK, other: `x${MARK}` },
      headers: { "X-Api-Key": MARK, "Proxy-Authorization": `Basic ${btoa(`ada:${MARK}`)}` },
    },
  },
  {
    title: "in headers and subprotocols",
    url: (base) => `${base}chat${QUERY}`,
    options: {
      headers: {
        authorization: `Bearer ${MARK}`,
        COOKIE: `a=${MARK}`,
        "x-access-token": MARK,
        "X-Whatever": `Basic ${btoa(`x:${MARK}`)}`,
        Referer: `https://ada:${MARK}@example.com/?a=${MARK}`,
      },
      protocols: ["access_token", `token.${MARK}`],
      requireProtocol: false,
    },
  },
  { title: "in a jar", url: (base) => base, options: { cookies: filledJar() } },
];

/** A jar with the cookies of whatever runs here. */
function filledJar(): CookieJar {
  const jar = new CookieJar();
  for (const host of ["127.0.0.1", "localhost"]) jar.set(`https://${host}/`, `session=${MARK}; Path=/`);
  return jar;
}

/** A client certificate whose key is encrypted, with a passphrase that is right, or not. */
function clientTls(passphrase: string): TlsOptions {
  const { cert, key } = certificates().server;
  const encrypted = createPrivateKey(key).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: MARK,
  });
  return { passphrase, key: String(encrypted), cert };
}

/** A server that answers every request with that, and goes. */
async function answering(use: Use, answer: string | ((head: string) => string)): Promise<string> {
  const serve = async (socket: Socket) => {
    const head = await requestHead(socket);
    socket.end(typeof answer === "string" ? answer : answer(head), "latin1");
  };
  return use(await listen(serve)).url;
}

const nowhere = () => NOWHERE;

const COOKIES = `Set-Cookie: session=${MARK}; HttpOnly\r\nset-cookie: b=${MARK}\r\nX-Auth-Token: ${MARK}\r\n`;
const redirect = (location: string) => `HTTP/1.1 302 Found\r\nLocation: ${location}\r\n${COOKIES}\r\n${MARK}`;
const follow: ConnectionOptions = { redirect: "follow" };

/** A proxy at the place of that url, with secrets of its own. */
function through(url: string, scheme = "http"): ConnectionOptions {
  const { host } = new URL(url);
  const proxy = `${scheme}://ada${MARK}:${MARK}@${host}`;
  if (scheme.startsWith("socks"))
    return { proxy: scheme === "socks4a" ? proxy.replace(`:${MARK}@`, "@") : proxy };
  return {
    proxy: { url: proxy, headers: { "X-Token": MARK, "Proxy-Authorization": `Basic ${btoa(`x:${MARK}`)}` } },
  };
}

/** A proxy that answers each time that it is sent something with the next of these. */
async function socks(use: Use, scheme: string, ...replies: number[][]): Promise<ConnectionOptions> {
  const serve = (socket: Socket) => {
    const left = [...replies];
    socket.on("data", () => {
      const reply = left.shift();
      if (reply !== undefined) socket.write(Uint8Array.from(reply));
    });
  };
  return through(use(await listen(serve)).url, scheme);
}

/** A proxy that consents, and answers for the server behind it. */
async function letting(use: Use, answer: string): Promise<string> {
  const serve = async (socket: Socket) => {
    await requestHead(socket);
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    await requestHead(socket);
    socket.end(answer);
  };
  return use(await listen(serve)).url;
}

const DENIAL = `HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="a"\r\n${COOKIES}\r\nnot ${MARK}`;

/** What keeps a connection from being opened. */
const FAILURES: readonly [
  title: string,
  code: string,
  place: (use: Use) => Promise<string> | string,
  options?: ConnectionOptions | ((use: Use) => ConnectionOptions | Promise<ConnectionOptions>),
][] = [
  ["nobody listens", "ERR_WS_CONNECT", nowhere],
  ["a name that does not exist", "ERR_WS_DNS", () => "ws://nonexistent.invalid/"],
  [
    "a Unix socket that does not exist",
    "ERR_WS_CONNECT",
    () => "ws://localhost/",
    { socketPath: "/nowhere/socket" },
  ],
  [
    "a port that is no TLS server's",
    "ERR_WS_TLS",
    async (use) =>
      use(await listen((socket) => void socket.end("220 no TLS\r\n"))).url.replace("ws:", "wss:"),
  ],
  ["a certificate of nobody", "ERR_WS_TLS", (use) => tlsServer(use, certificates().selfSigned)],
  [
    "a certificate for another name",
    "ERR_WS_TLS",
    (use) => tlsServer(use, certificates().otherName),
    () => ({ tls: { ...clientTls(MARK), ca: certificates().ca } }),
  ],
  [
    "a refusal",
    "ERR_WS_UNEXPECTED_STATUS",
    (use) => answering(use, `HTTP/1.1 401 No\r\n${COOKIES}\r\nyour token ${MARK} is wrong`),
  ],
  [
    "a refusal over TLS",
    "ERR_WS_UNEXPECTED_STATUS",
    (use) => tlsServer(use, certificates().server, `HTTP/1.1 401 No\r\n${COOKIES}\r\n${MARK}`),
    () => ({ tls: { ca: certificates().ca } }),
  ],
  ["a redirect", "ERR_WS_UNEXPECTED_STATUS", (use) => answering(use, redirect(`/?token=${MARK}#a=${MARK}`))],
  [
    "a redirect to where credentials are",
    "ERR_WS_UNEXPECTED_STATUS",
    (use) => answering(use, redirect(`wss://ada:${MARK}@127.0.0.1:1/?token=${MARK}`)),
    follow,
  ],
  [
    "a redirect to what is no url",
    "ERR_WS_UNEXPECTED_STATUS",
    (use) => answering(use, redirect(`wss://ada:${MARK}@:1/?token=${MARK}`)),
    follow,
  ],
  [
    "a redirect to another scheme",
    "ERR_WS_UNEXPECTED_STATUS",
    (use) => answering(use, redirect(`ftp://ada:${MARK}@a/?token=${MARK}`)),
    follow,
  ],
  [
    "redirects in a circle",
    "ERR_WS_UNEXPECTED_STATUS",
    (use) => answering(use, redirect(`?token=${MARK}`)),
    follow,
  ],
  [
    "redirects without end",
    "ERR_WS_UNEXPECTED_STATUS",
    (use) =>
      answering(use, (head) =>
        redirect(`?token=${MARK}${head.length}&a=${head.slice(0, 40).replace(/\W/g, "")}`),
      ),
    { ...follow, maxRedirects: 2 },
  ],
  [
    "a redirect from TLS",
    "ERR_WS_UNEXPECTED_STATUS",
    (use) => tlsServer(use, certificates().server, redirect(`ws://127.0.0.1/?token=${MARK}`)),
    () => ({ ...follow, tls: { ca: certificates().ca } }),
  ],
  [
    "a redirect to where nobody listens",
    "ERR_WS_CONNECT",
    async (use) => answering(use, redirect(`${NOWHERE}?token=${MARK}`)),
    follow,
  ],
  ["a peer that sends the request back", "ERR_WS_INVALID_RESPONSE", (use) => answering(use, (head) => head)],
  [
    "a peer that sends it back within what looks like an answer",
    "ERR_WS_INVALID_RESPONSE",
    (use) => answering(use, (head) => `HTTP/1.1 ${head}`),
  ],
  [
    "a folded cookie",
    "ERR_WS_INVALID_RESPONSE",
    (use) => answering(use, `HTTP/1.1 200 OK\r\nSet-Cookie: a=b;\r\n ${MARK}\r\n\r\n`),
  ],
  [
    "a cookie without a colon",
    "ERR_WS_INVALID_RESPONSE",
    (use) => answering(use, `HTTP/1.1 200 OK\r\nSet-Cookie ${MARK}\r\n\r\n`),
  ],
  [
    "a cookie with a control character",
    "ERR_WS_INVALID_RESPONSE",
    (use) => answering(use, `HTTP/1.1 101 Switching\r\n${COOKIES}Set-Cookie: ${MARK}\x1b\r\n\r\n`),
  ],
  [
    "an answer that is too big",
    "ERR_WS_HEADERS_TOO_BIG",
    (use) => answering(use, `HTTP/1.1 101 Switching\r\n${COOKIES.repeat(20)}\r\n`),
    { maxHeaderSize: 256 },
  ],
  [
    "an answer that breaks off",
    "ERR_WS_INVALID_RESPONSE",
    (use) => answering(use, `HTTP/1.1 101 S\r\n${COOKIES}Set`),
  ],
  [
    "an answer to another key",
    "ERR_WS_INVALID_RESPONSE",
    (use) => answering(use, accepting("", ...COOKIES.trim().split("\r\n"))),
  ],
  [
    "an extension that nobody asked for",
    "ERR_WS_INVALID_RESPONSE",
    (use) =>
      answering(use, (head) =>
        accepting(head, "Sec-WebSocket-Extensions: a", ...COOKIES.trim().split("\r\n")),
      ),
  ],
  [
    "a subprotocol that nobody asked for",
    "ERR_WS_INVALID_RESPONSE",
    (use) => answering(use, (head) => accepting(head, `Sec-WebSocket-Protocol: bearer.${MARK}`)),
  ],
  [
    "no subprotocol of those that are required",
    "ERR_WS_INVALID_RESPONSE",
    (use) => answering(use, (head) => accepting(head)),
    { protocols: ["access_token", MARK], requireProtocol: true },
  ],
  ["no answer", "ERR_WS_TIMEOUT", async (use) => use(await listen(() => {})).url, { timeout: 100 }],
  ["a proxy that nobody listens at", "ERR_WS_PROXY", nowhere, () => through(NOWHERE)],
  [
    "a proxy that wants another login",
    "ERR_WS_PROXY_AUTH",
    nowhere,
    async (use) => through(await answering(use, DENIAL)),
  ],
  [
    "a proxy that sends the request back",
    "ERR_WS_PROXY",
    nowhere,
    async (use) => through(await answering(use, (head) => head)),
  ],
  [
    "a proxy that sends it back within what looks like an answer",
    "ERR_WS_PROXY",
    nowhere,
    async (use) => through(await answering(use, (head) => `HTTP/1.1 ${head}`)),
  ],
  ["a proxy that closes", "ERR_WS_PROXY", nowhere, async (use) => through(await answering(use, ""))],
  [
    "a proxy whose certificate is nobody's",
    "ERR_WS_PROXY",
    nowhere,
    async (use) => through(await tlsServer(use, certificates().selfSigned), "https"),
  ],
  [
    "a proxy that lets through to a refusal",
    "ERR_WS_UNEXPECTED_STATUS",
    nowhere,
    async (use) => through(await letting(use, `HTTP/1.1 401 No\r\n${COOKIES}\r\n${MARK}`)),
  ],
  [
    "a SOCKS5 proxy that denies the login",
    "ERR_WS_PROXY",
    nowhere,
    (use) => socks(use, "socks5h", [5, 2], [1, 1]),
  ],
  [
    "a SOCKS5 proxy that cannot connect",
    "ERR_WS_PROXY",
    nowhere,
    (use) => socks(use, "socks5h", [5, 2], [1, 0], [5, 5, 0, 1, 0, 0, 0, 0, 0, 0]),
  ],
  [
    "a SOCKS5 proxy that sends back what it is sent",
    "ERR_WS_PROXY",
    nowhere,
    async (use) => through(use(await listen((socket) => void socket.pipe(socket))).url, "socks5h"),
  ],
  [
    "a SOCKS4 proxy that refuses",
    "ERR_WS_PROXY",
    nowhere,
    (use) => socks(use, "socks4a", [0, 93, 0, 0, 0, 0, 0, 0]),
  ],
];

describe("secrets", () => {
  const use = cleanUp();

  describe("are seen by this very search:", () => {
    const bytes = Buffer.from(`ab${MARK}`);
    const rows: [title: string, value: unknown][] = [
      ["as they are", `a${MARK}b`],
      ["in an error's message", new Error(MARK)],
      ["in its cause", new Error("a", { cause: new Error("b", { cause: MARK }) })],
      ["in an error among several", new AggregateError([new Error(MARK)])],
      ["in a property", Object.assign(new Error("a"), { headers: [["a", MARK]] })],
      ["in a property that is hidden", Object.defineProperty({}, "a", { value: MARK })],
      ["deep down", { a: { b: { c: { d: { e: [{ f: MARK }] } } } } }],
      ["in bytes", { a: new Uint8Array(bytes) }],
      ["in a Buffer", { a: bytes }],
      ...[0, 1, 2].map((pad): [string, unknown] => [
        `in base64 from ${pad} on`,
        btoa(`${"y".repeat(pad)}${MARK}zz`),
      ]),
    ];
    for (const [title, value] of rows) {
      it(title, () => expect(() => expectNoLeak(value)).to.throw(/to equal undefined/));
    }

    it("in a trace that hides none", async () => {
      const { sink, lines, events, check } = recordingTrace();
      const { url } = await rawServer(use);
      const [plant] = PLANTS as [Plant];
      const ws = await createConnection(plant.url(url), {
        ...plant.options,
        trace: { ...sink, redact: false },
      });
      ws.terminate();
      expect(leakIn(lines.join("\n"))).to.not.equal(undefined);
      expect(() => expectNoLeak(events)).to.throw();
      expect(check).to.throw();
    });
  });

  for (const { title, url, options: planted } of PLANTS) {
    describe(title, () => {
      for (const [what, code, place, more = {}] of FAILURES) {
        it(`are not shown by ${what}`, async () => {
          const { sink, check } = recordingTrace();
          const base = await place(use);
          const options = {
            ...planted,
            ...(typeof more === "function" ? await more(use) : more),
            trace: sink,
          };
          const error = await rejection(createConnection(url(base), options), WebSocketError);
          expect(error.code).to.include(code);
          expectNoLeak(error);

          const errors: unknown[] = [];
          const app = new WebSocketApp(url(base), { ...options, onError: (_, error) => errors.push(error) });
          const run = app.runForever();
          expectNoLeak(app, run);
          const info = await run;
          expect(info.error?.code).to.include(code);
          expect(errors).to.deep.equal([info.error]);
          expectNoLeak(app, info, errors);
          check();
        });
      }

      it("are not shown by an app that tries again and again", async () => {
        const { sink, check } = recordingTrace();
        const seen: unknown[] = [];
        const app = new WebSocketApp(url(NOWHERE), {
          ...planted,
          trace: sink,
          onError: (app, error) => {
            expectNoLeak(app);
            seen.push(error);
          },
          onClose: (app, _code, _reason, info) => {
            expectNoLeak(app);
            seen.push(info);
          },
        });
        const reconnect = { minDelay: 1, maxDelay: 2, maxAttempts: 2 };
        expectNoLeak(await app.runForever({ reconnect }), ...seen);
        expect(seen).to.have.length(6);
        check();
      });

      it("are not shown by an attempt that is called off", async () => {
        const { sink, check } = recordingTrace();
        const controller = new AbortController();
        const serve = async (socket: Socket) => {
          await requestHead(socket);
          controller.abort();
        };
        const { url: base } = use(await listen(serve));
        const connecting = createConnection(url(base), {
          ...planted,
          signal: controller.signal,
          trace: sink,
        });
        expectNoLeak(connecting);
        expectNoLeak(await connecting.catch((error: unknown) => error));
        check();
      });

      it("are not shown by what is open, nor once it is closed", async () => {
        const { sink, check } = recordingTrace();
        const { url: base, accepted } = await rawServer(use, { lines: COOKIES.trim().split("\r\n") });
        const client = createClient({ ...planted, trace: sink });
        const ws = await client.createConnection(url(base));
        const opened = new Queue<true>();
        const app = new client.WebSocketApp(url(base), { onOpen: () => opened.push(true) });
        const run = app.runForever();
        await opened.next();
        const servers = await accepted.take(2);
        for (const { head } of servers) expect(leakIn(head), "it is sent").to.not.equal(undefined);
        const held = { client, ws, app, connection: app.connection, response: ws.response };
        expect(ws.url, "as its documentation says").to.equal(url(base).replace(/[^/]*@/, ""));
        expect(leakIn(JSON.stringify(ws.response.rawHeaders))).to.not.equal(undefined);
        expect(ws.response.headers.get("set-cookie")).to.include(MARK);
        expectNoLeak(held, ...Object.values(held), ws.closed);
        for (const server of servers) server.close(4000, "enough");
        const info = await run;
        await ws.closed;
        expectNoLeak(held, ...Object.values(held), info);
        check();
      });

      /** What fails once a connection is open, by its server's doing or its user's. */
      const LATER: [
        title: string,
        act: (ws: Awaited<ReturnType<typeof createConnection>>, socket: Socket) => unknown,
      ][] = [
        ["a frame against the rules", (_, socket) => socket.write(Buffer.from([0xff, 0xff]))],
        ["a message that is too big", (_, socket) => socket.write(frame(2, new Uint8Array(100)))],
        ["the end of TCP", (_, socket) => socket.end()],
        ["a reset", (_, socket) => socket.resetAndDestroy()],
        ["terminate()", (ws) => ws.terminate()],
        ["a Close frame that is not answered", (ws) => ws.close(1000, "", { timeout: 20 })],
      ];
      for (const [what, act] of LATER) {
        it(`are not shown by ${what}`, async () => {
          const { sink, check } = recordingTrace();
          const { url: base, accepted } = await rawServer(use, { isDeaf: what.includes("answered") });
          const ws = await createConnection(url(base), { ...planted, maxMessageSize: 50, trace: sink });
          const { socket } = await accepted.next();
          await act(ws, socket);
          const info = await ws.closed;
          const errors = await Promise.all([
            rejection(ws.recv(), WebSocketError),
            rejection(ws.send("late"), WebSocketError),
            rejection(ws.ping(), WebSocketError),
          ]);
          expectNoLeak(info, ws, ...errors);
          check();
        });
      }
    });
  }

  describe("are not shown by what is wrong with", () => {
    const url = "ws://a/";
    const wrongs: [title: string, url: unknown, options?: object][] = [
      ["a url without a scheme", `//ada:${MARK}@a/?b=${MARK}`],
      ["a url of another scheme", `ftp://ada:${MARK}@a/?b=${MARK}`],
      ["a url without a host", `ws://ada:${MARK}@/?b=${MARK}`],
      ["a url with a wrong port", `ws://ada:${MARK}@a:99999/?b=${MARK}`],
      ["a url with port 0", `ws://ada:${MARK}@a:0/?b=${MARK}`],
      ["a url with a fragment", `ws://ada:${MARK}@a/?b=${MARK}#${MARK}`],
      ["a url with a line end", `ws://ada:${MARK}\n@a/?b=${MARK}`],
      ["a url whose password has a /", `ws://ada:${MARK}/${MARK}@a/`],
      ["a url whose password has a ?", `ws://ada:${MARK}?${MARK}@a/`],
      ["a url of a Unix socket", `ws+unix:relative:/?b=${MARK}`],
      ["a url that is an object", { href: `ws://ada:${MARK}@a/?b=${MARK}` }],
      ["headers that are a text", url, { headers: `Cookie: ${MARK}` }],
      ["headers that are a list of texts", url, { headers: [`Cookie: ${MARK}`] }],
      ["headers whose pair is one", url, { headers: [[`Cookie: ${MARK}`]] }],
      ["headers whose pair is three", url, { headers: [["Cookie", MARK, MARK]] }],
      ["headers whose name is none", url, { headers: { [`Cookie: ${MARK}`]: "" } }],
      ["headers whose name is an object", url, { headers: [[{ Cookie: MARK }, MARK]] }],
      ["headers whose value is missing", url, { headers: { [`Cookie: ${MARK}`]: undefined } }],
      ["headers whose value is an object", url, { headers: { Cookie: { session: MARK } } }],
      ["headers whose value has a line end", url, { headers: { Cookie: `${MARK}\n` } }],
      ["headers that belong to the handshake", url, { headers: { "Sec-WebSocket-Key": MARK } }],
      ["headers that a function gives", url, { headers: () => `Cookie: ${MARK}` }],
      ["headers with two of a kind", url, { origin: "https://a", headers: { Origin: MARK } }],
      ["cookies that are a list", url, { cookies: [`a=${MARK}`] }],
      ["cookies with a line end", url, { cookies: `a=${MARK}\n` }],
      ["cookies whose name is none", url, { cookies: { [`a=${MARK};`]: "b" } }],
      ["cookies whose value is an object", url, { cookies: { a: { b: MARK } } }],
      ["cookies whose value may not be sent", url, { cookies: { a: `${MARK};` } }],
      ["cookies that are given twice", url, { cookies: MARK, headers: { Cookie: MARK } }],
      ["cookies that a function gives", url, { cookies: () => ({ a: `${MARK}\n` }) }],
      ["a subprotocol", url, { protocols: [`${MARK}==`] }],
      ["a subprotocol that is an object", url, { protocols: [{ token: MARK }] }],
      ["a subprotocol that comes twice", url, { protocols: [MARK, MARK] }],
      ["an origin", url, { origin: `https://ada:${MARK}@a\n` }],
      ["a host", url, { host: `${MARK}\n` }],
      ["a timeout", url, { timeout: MARK }],
      ["a trace", url, { trace: { write: MARK } }],
      ["a trace's redact", url, { trace: { write() {}, redact: MARK } }],
      ["TLS options that are a text", url, { tls: MARK }],
      [
        "TLS options with a wrong name",
        "wss://127.0.0.1/",
        { tls: { key: MARK, passphrase: MARK, x: MARK } },
      ],
      ["a passphrase", "wss://a/", { tls: { passphrase: Symbol(MARK) } }],
      ["a passphrase that is an object", "wss://a/", { tls: { passphrase: { a: MARK } } }],
      ["a key", "wss://a/", { tls: { key: Symbol(MARK), cert: MARK } }],
      ["a key that is an object", "wss://a/", { tls: { key: { pem: MARK }, cert: MARK } }],
      ["a socketPath", url, { socketPath: `${MARK}\0` }],
      ["a proxy", url, { proxy: `http://ada:${MARK}@/` }],
      ["a proxy without a scheme", url, { proxy: `ada:${MARK}@a:1` }],
      ["a proxy of another scheme", url, { proxy: `ftp://ada:${MARK}@a:1` }],
      ["a proxy with a path", url, { proxy: `http://ada:${MARK}@a:1/${MARK}` }],
      ["a proxy whose password has a /", url, { proxy: `http://ada:${MARK}/${MARK}@a:1` }],
      ["a proxy that is a list", url, { proxy: [`http://ada:${MARK}@a:1`] }],
      [
        "a proxy's headers",
        url,
        { proxy: { url: "http://a:1", headers: { [`Proxy-Authorization: ${MARK}`]: "" } } },
      ],
      ["a proxy's options", url, { proxy: { url: `http://ada:${MARK}@a:1`, tls: { key: MARK } } }],
    ];
    for (const [title, url, options] of wrongs) {
      it(title, async () => {
        const error = await rejection(createConnection(url as never, options as never), UsageError);
        expectNoLeak(error);
        if (
          typeof options !== "object" ||
          Object.values(options).some((value) => typeof value === "function")
        )
          return;
        for (const act of [
          () => new WebSocketApp(url as never, options as never),
          () => createClient(options as never),
        ]) {
          try {
            act();
          } catch (error) {
            expectNoLeak(error);
          }
        }
      });
    }

    const material: [title: string, tls: () => TlsOptions][] = [
      ["a key", () => ({ key: MARK, cert: certificates().server.cert })],
      ["a certificate", () => ({ key: certificates().server.key, cert: MARK })],
      ["a passphrase that is wrong", () => clientTls(`not ${MARK}`)],
      ["PKCS#12", () => ({ pfx: Buffer.from(MARK), passphrase: MARK })],
      ["ciphers", () => ({ ...clientTls(MARK), ciphers: "none" })],
    ];
    for (const [title, tls] of material) {
      it(`${title}, when it is tried`, async () => {
        // Some runtimes find nothing wrong with some, and then this server's certificate.
        const url = await tlsServer(use, certificates().selfSigned);
        const connecting = createConnection(url, { tls: tls(), timeout: 500 });
        expectNoLeak(await rejection(connecting, WebSocketError));
      });
    }

    it("the environment's proxy", async () => {
      try {
        for (const wrong of [
          `ftp://ada:${MARK}@a`,
          `http://ada:${MARK}@`,
          `ada:${MARK}@a:1/${MARK}`,
          `//${MARK}`,
        ]) {
          process.env.http_proxy = wrong;
          expectNoLeak(await rejection(createConnection("ws://a/"), UsageError));
        }
      } finally {
        delete process.env.http_proxy;
      }
    });

    it("a url that a function gives", async () => {
      for (const wrong of [`ws://ada:${MARK}@:1/?b=${MARK}`, { href: MARK }, undefined]) {
        expectNoLeak(
          await rejection(
            createConnection(() => wrong as never),
            UsageError,
          ),
        );
      }
    });

    it("what is called too late", async () => {
      const app = new WebSocketApp(`ws://ada:${MARK}@a/?b=${MARK}`, { headers: { Cookie: MARK } });
      expectNoLeak(
        app,
        thrown(() => app.send("x"), WebSocketError),
      );
    });
  });

  it("are not shown by a jar", () => {
    const jar = filledJar();
    expect(jar.get("https://localhost/")).to.equal(`session=${MARK}`);
    expectNoLeak(jar, { jar });
  });
});

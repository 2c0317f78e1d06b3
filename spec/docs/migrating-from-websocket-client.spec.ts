// docs/migrating-from-websocket-client.md: every Python name has its row, what takes its place exists, and the two programs
// are those that run.

import { readFileSync } from "node:fs";
import { expect } from "chai";
import { GROUPS } from "../../lib/cli/flags.ts";
import { App } from "../../lib/client/app.ts";
import { CALLBACKS } from "../../lib/client/callbacks.ts";
import { Connection } from "../../lib/client/connection.ts";
import * as core from "../../lib/core.ts";
import { declarationsIn, reachable } from "../support/declarations.ts";
import { type ExampleServer, exampleServer } from "../support/example-server.ts";
import { EXAMPLE_TIMEOUT_MS, printedBy, shownBy } from "../support/examples.ts";
import { codeIn, emptyCells, readPage, type Table, tablesOf, tableWith } from "../support/markdown.ts";

/** Every name of websocket-client 1.9.0 to 1.9.2 that users can write, below the heading where they look for it. */
const PYTHON: Readonly<Record<string, string>> = {
  "Connecting: create_connection": `create_connection url timeout class_ sockopt sslopt fire_cont_frame enable_multithread
    skip_utf8_validation header cookie origin suppress_origin host suppress_host connection subprotocols redirect_limit http_proxy_host
    http_proxy_port http_proxy_auth http_no_proxy http_proxy_timeout proxy_type socket get_mask_key dispatcher`,
  "The connection: WebSocket": `WebSocket connect send send_text send_bytes send_binary send_frame ping pong recv recv_data
    recv_data_frame recv_frame send_close close abort shutdown __iter__ __next__ next settimeout gettimeout timeout
    getsubprotocol subprotocol getstatus status getheaders headers handshake_response close_frame is_ssl fileno sock sock_opt connected
    set_mask_key frame_buffer cont_frame lock readlock`,
  "The app: WebSocketApp": `WebSocketApp url header cookie subprotocols socket get_mask_key keep_running on_open on_reconnect
    on_data on_message on_cont_message on_ping on_pong on_error on_close send send_text send_bytes close ready
    create_dispatcher run_forever sock last_ping_tm last_pong_tm ping_interval ping_timeout ping_payload has_errored
    set_reconnect last_close_frame prepared_socket ping_thread stop_ping has_done_teardown`,
  "Running: run_forever": `sockopt sslopt ping_interval ping_timeout ping_payload http_proxy_host http_proxy_port http_no_proxy
    http_proxy_auth http_proxy_timeout skip_utf8_validation host origin dispatcher suppress_origin suppress_host proxy_type reconnect`,
  Reconnecting: "reconnect set_reconnect",
  Pings: "ping_interval ping_timeout ping_payload ping",
  Closing: "close status reason timeout",
  "Trace and logging": `enableTrace traceable handler level dump error warning debug info trace isEnabledForError
    isEnabledForDebug isEnabledForTrace`,
  Proxies: `http_proxy_host http_proxy_port http_proxy_auth http_no_proxy http_proxy_timeout proxy_type http socks4 socks4a
    socks5 socks5h WebSocketProxyException ProxyError`,
  Cookies: "cookie CookieJar SimpleCookieJar add get set",
  "TLS: sslopt": `context ssl_version cert_reqs ca_certs ca_cert_path certfile keyfile password check_hostname ciphers
    cert_chain ecdh_curve do_handshake_on_connect suppress_ragged_eofs server_hostname`,
  "Sockets: sockopt": `setsockopt TCP_NODELAY SO_KEEPALIVE TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT DEFAULT_SOCKET_OPTION
    sock_opt recv recv_line send`,
  Timeouts: "timeout setdefaulttimeout getdefaulttimeout settimeout",
  "Text that is not UTF-8": "skip_utf8_validation",
  "Messages in pieces": "fire_cont_frame on_cont_message on_data create_frame send_frame",
  "Frames and constants: ABNF": `ABNF create_frame validate format mask fin rsv1 rsv2 rsv3 opcode mask_value
    data frame_buffer recv_strict clear recv_header has_mask recv_length recv_mask needs_header needs_length needs_mask
    recv_buffer continuous_frame add is_fire extract cont_data recving_frames OPCODE_CONT
    OPCODE_TEXT OPCODE_BINARY OPCODE_CLOSE OPCODE_PING OPCODE_PONG OPCODES OPCODE_MAP LENGTH_7 LENGTH_16 LENGTH_63
    STATUS_NORMAL STATUS_GOING_AWAY STATUS_PROTOCOL_ERROR STATUS_UNSUPPORTED_DATA_TYPE STATUS_STATUS_NOT_AVAILABLE
    STATUS_ABNORMAL_CLOSED STATUS_INVALID_PAYLOAD STATUS_POLICY_VIOLATION STATUS_MESSAGE_TOO_BIG STATUS_INVALID_EXTENSION
    STATUS_UNEXPECTED_CONDITION STATUS_SERVICE_RESTART STATUS_TRY_AGAIN_LATER STATUS_BAD_GATEWAY
    STATUS_TLS_HANDSHAKE_ERROR`,
  Exceptions: `WebSocketException WebSocketProtocolException WebSocketPayloadException WebSocketConnectionClosedException
    WebSocketTimeoutException WebSocketProxyException WebSocketBadStatusException WebSocketAddressException status_code
    status_message ProxyConnectionError ProxyTimeoutError resp_headers resp_body ProxyError ValueError socket.error ssl.SSLError KeyboardInterrupt`,
  URLs: "parse_url get_proxy_info",
  "Dispatchers and rel": "dispatcher rel Dispatcher SSLDispatcher read timeout buffwrite signal abort",
  "The command: wsdump": `ws_url -h --help -p --proxy -v --verbose -n --nocert -r --raw -s --subprotocols -o --origin --eof-wait -t --text
    --timings
    --headers`,
  "Inner modules": `handshake read_headers SUPPORTED_REDIRECT_STATUSES proxy_info connect validate_utf8 NoLock extract_err_message
    extract_error_code HAVE_SSL DispatcherBase WrappedDispatcher NullHandler RECONNECT __version__ wsaccel`,
  "Environment variables": `http_proxy HTTP_PROXY https_proxy HTTPS_PROXY no_proxy NO_PROXY WEBSOCKET_CLIENT_CA_BUNDLE
    SSLKEYLOGFILE`,
};

const page = readPage("docs/migrating-from-websocket-client.md");
const lib = declarationsIn("lib");

/** The tables of a section that compare, all of them without a title. */
function comparing(title?: string): Table[] {
  return page.sections
    .filter((section) => title === undefined || section.title === title)
    .flatMap(({ tables }) => tables)
    .filter(({ columns: [first = ""] }) => /^(websocket-client|wsdump)$/.test(first));
}

function cells(tables: readonly Table[], at: number): string[] {
  return tables.flatMap(({ rows }) => rows.map((row) => row[at] ?? ""));
}

/** The names in code: `ssl.SSLError`, `ssl` and `SSLError` in `ssl.SSLError()`. */
function names(text: string): Set<string> {
  return new Set(
    codeIn(text).flatMap((code) => [...(code.match(/[\w.-]+/g) ?? []), ...(code.match(/\w+/g) ?? [])]),
  );
}

describe("docs/migrating-from-websocket-client.md", () => {
  it("has no empty cell", () => {
    expect(emptyCells(page)).to.deep.equal([]);
    expect(tablesOf(page)).to.have.length.above(20);
  });

  for (const [title, list] of Object.entries(PYTHON)) {
    it(`has a row for each name below "${title}"`, () => {
      const known = names(cells(comparing(title), 0).join("\n"));
      expect(list.split(/\s+/).filter((name) => !known.has(name))).to.deep.equal([]);
    });
  }

  it("has each section in its list of contents, and no other", () => {
    const titles = page.sections.filter(({ level }) => level === 2).map(({ title }) => title);
    const contents = Array.from(page.prose.matchAll(/^- \[(.*)\]\(#.*\)$/gm), ([, title = ""]) => title);
    expect(contents).to.deep.equal(titles);
  });
});

describe("what the guide puts in the place of Python's names", () => {
  const places = cells(comparing(), 1).flatMap(codeIn);

  it("are members of Connection and of the app", () => {
    const members = (prototype: object) => new Set([...Object.getOwnPropertyNames(prototype), ...CALLBACKS]);
    const [connection, app] = [members(Connection.prototype), members(App.prototype)];
    const named = (owner: string) =>
      places.flatMap((code) =>
        Array.from(code.matchAll(new RegExp(`\\b${owner}\\.(\\w+)`, "g")), ([, name = ""]) => name),
      );
    expect(named("ws")).to.not.be.empty;
    expect(named("ws").filter((name) => !connection.has(name))).to.deep.equal([]);
    expect(named("app")).to.not.be.empty;
    expect(named("app").filter((name) => !app.has(name))).to.deep.equal([]);
  });

  it("are options that there are", () => {
    const roots = ["ConnectionOptions", "AppOptions", "RunOptions", "RecvOptions", "CloseOptions"];
    const interfaces = [...reachable(roots, lib)].map((name) => lib.interfaces.get(name) ?? []);
    const options = new Set(interfaces.flatMap((members) => members.map(({ name }) => name)));
    const named = places.flatMap((code) => {
      const inBraces = /\{([^{}()]*)\}/.exec(code)?.[1]?.split(",") ?? [];
      return [
        ...inBraces.map((part) => part.split(":")[0]?.trim() ?? ""),
        ...(/^\w+(?=: )/.exec(code) ?? []),
      ];
    });
    expect(named).to.include.members([
      "headers",
      "keepAlive",
      "interval",
      "maxAttempts",
      "minDelay",
      "noProxy",
    ]);
    const others = ["Name", "a", "b", "Authorization"]; // headers, and cookies
    expect(named.filter((name) => !options.has(name) && !others.includes(name))).to.deep.equal([]);
  });

  it("are exports of isosocket/core, with the numbers that are said", () => {
    const exported = new Map<string, unknown>(Object.entries(core));
    const rows = ["Frames and constants: ABNF", "Inner modules"]
      .flatMap(comparing)
      .flatMap(({ rows }) => rows);
    for (const [first = "", second = "", third] of rows) {
      const known = codeIn(second).map((code) => code.replace(/\(.*/, ""));
      for (const name of known) expect(exported.has(name) || /^\d{4}$/.test(name), first).to.equal(true);
      const value = exported.get(known[0] ?? "");
      if (/`(OPCODE|STATUS)_/.test(first) && typeof value === "number")
        expect(third, first).to.equal(`${value}`);
    }
  });

  it("are flags of the command", () => {
    const flags = GROUPS.flatMap(([, flags]) => flags).flatMap(({ name, short, also = [], hidden = [] }) => [
      ...[name, ...also, ...hidden].map((long) => `--${long}`),
      ...(short === undefined ? [] : [`-${short}`]),
    ]);
    const { rows } = tableWith(page, "wsdump");
    const named = rows.flatMap((row) => row.slice(1).flatMap(codeIn)).filter((code) => code.startsWith("-"));
    expect(named).to.include.members(["--proxy", "--nocert", "--eof-wait"]);
    expect(named.filter((flag) => ![...flags, "-h", "--help", "-vv"].includes(flag))).to.deep.equal([]);
  });

  it("are classes of errors", () => {
    const named = cells(comparing("Exceptions"), 1).flatMap(codeIn);
    const classes = [...declarationsIn("lib/errors.ts").classes.keys()];
    expect(named.filter((name) => /Error$/.test(name) && !classes.includes(name))).to.deep.equal([]);
  });
});

describe("the guide's tutorial", () => {
  let server: ExampleServer;
  beforeEach(async () => {
    server = await exampleServer();
  });
  afterEach(() => server.close());

  const programs = page.code.filter(({ language }) => language === "ts").slice(0, 2);
  const transcript = page.code.filter(({ language }) => language === "text")[1]?.text ?? "";

  it("is that which is run by npm start", () => {
    const files = ["short-lived", "long-lived"].map((name) =>
      readFileSync(`scripts/tutorial/${name}.ts`, "utf8"),
    );
    expect(programs.map(({ text }) => text)).to.deep.equal(files);
  });

  it("prints what it says", async () => {
    const [short, long] = programs;
    if (short === undefined || long === undefined || !transcript.includes("..."))
      throw new Error("there are no programs");
    const url = `ws://127.0.0.1:${server.port}/`;
    expect(await printedBy(short, server, url)).to.deep.equal([
      "Sending 'Hello, Server'...",
      "Received 'Hello, Server'",
    ]);
    const [start = "", end = ""] = transcript.split("...\n");
    const lines = (await shownBy(long, server, url)).map((line) => `${hidden(line, server)}\n`).join("");
    expect(lines.slice(0, start.length)).to.equal(start);
    expect(lines.slice(-end.length)).to.equal(end);
  }).timeout(2 * EXAMPLE_TIMEOUT_MS);
});

/** A line of a trace without what is another each time. */
function hidden(line: string, { port }: ExampleServer): string {
  return line
    .replace(`127.0.0.1:${port}`, "localhost:4040")
    .replace(/^(Sec-WebSocket-(Key|Accept)): .*/, (_, field, name) => `${field}: (${name.toLowerCase()})`)
    .replace(/^(\+\+Sent raw: )b(['"])(\\x..\\x..).*\2$/, "$1b'$3(masked)'");
}

// docs/options.md against the sources: a row for each option, no row for one that there is not, defaults and runtimes as they
// are, and every error with its code.

import { readFileSync } from "node:fs";
import { expect } from "chai";
import { resolveReconnect } from "../../lib/client/backoff.ts";
import type { AppCallbacks } from "../../lib/client/callbacks.ts";
import { resolveDeflate } from "../../lib/client/deflate-option.ts";
import { resolveKeepAlive } from "../../lib/client/keep-alive.ts";
import { overNative } from "../../lib/client/native-options.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { resolveSockets } from "../../lib/client/socket-options.ts";
import { resolveTls } from "../../lib/client/tls-options.ts";
import { UsageError } from "../../lib/errors.ts";
import { resolveServe } from "../../lib/server/serve-options.ts";
import type { TlsOptions } from "../../lib/transport/transport.ts";
import { certificates } from "../support/certificates.ts";
import { declarationsIn, type Member, reachable } from "../support/declarations.ts";
import { codeIn, emptyCells, readPage, type Table } from "../support/markdown.ts";
import { platform, runtime } from "../support/runtime.ts";
import { host } from "../support/server-runtime.ts";

/** What an entry exports by name. */
function exportedBy(file: string): string[] {
  return Array.from(readFileSync(file, "utf8").matchAll(/^export [^;]*?\{([^}]*)\}/gm), ([, list = ""]) =>
    list.split(",").map((name) => name.replace("type ", "").trim()),
  ).flat();
}

const exported = exportedBy("lib/api.ts");
const exportedToServers = exportedBy("lib/server/api.ts");

/** What users write options of. */
const isRoot = (name: string) => /(Options|Callbacks)$/.test(name);

const lib = declarationsIn("lib");
const errors = declarationsIn("lib/errors.ts");
const page = readPage("docs/options.md");
const pages = [
  page,
  ...["README.md", "docs/migrating-from-websocket-client.md", "docs/server.md"].map((file) => readPage(file)),
];

/** Options that belong to users of an entry, with their members. */
function interfacesOf(names: readonly string[]): [string, readonly Member[]][] {
  const roots = names.filter(isRoot);
  return [...reachable(roots, lib)]
    .filter((name) => roots.includes(name) || /(Options|^TraceSink)$/.test(name))
    .filter((name) => name !== "TransportSink") // whom a transport tells: nobody sets it
    .map((name) => [name, lib.interfaces.get(name) ?? []]);
}

const interfaces = interfacesOf(exported);

/** Those that only servers have. */
const ofServers = interfacesOf(exportedToServers).filter(
  ([name]) => !interfaces.some(([known]) => known === name),
);

/** The tables from the heading of that name to the next of its level. */
function tablesBelow(title: string): Table[] {
  const start = page.sections.findIndex((section) => section.title === title);
  if (start === -1) return [];
  const level = page.sections[start]?.level ?? 0;
  const end = page.sections.findIndex((section, i) => i > start && section.level <= level);
  return page.sections.slice(start, end === -1 ? undefined : end).flatMap(({ tables }) => tables);
}

/** The cells of a column, by the name in the first one. */
function column(title: string, name: string): Map<string, string> {
  const cells = new Map<string, string>();
  for (const { columns, rows } of tablesBelow(title)) {
    const at = columns.indexOf(name);
    for (const row of rows) cells.set(codeIn(row[0] ?? "")[0] ?? "", row[at] ?? "");
  }
  return cells;
}

const COLUMNS = ["Option", "What it does", "Type, unit", "Default", "Runtimes", "Errors"];

describe("docs/options.md", () => {
  it("has no empty cell", () => {
    expect(emptyCells(page)).to.deep.equal([]);
  });

  it("knows the interfaces of options", () => {
    const known = interfaces.map(([name]) => name);
    expect(known).to.include.members([
      "ConnectionOptions",
      "AppOptions",
      "ReconnectOptions",
      "TlsOptions",
      "TraceSink",
    ]);
    const titles = page.sections
      .map(({ title }) => title)
      .filter((title) => /(Options|Sink|Callbacks)$/.test(title));
    expect(titles).to.have.members([...known, ...ofServers.map(([name]) => name)]);
  });

  it("names interfaces that users can name too", () => {
    expect(exported).to.include.members(interfaces.map(([name]) => name));
    expect(exported).to.include("DropReason");
    expect(exportedToServers).to.include.members(ofServers.map(([name]) => name));
    expect(ofServers.map(([name]) => name)).to.include.members(["AcceptOptions", "ServeOptions"]);
  });

  for (const [name, members] of [...interfaces, ...ofServers]) {
    it(`has a row for each option of ${name}, and for no other`, () => {
      const tables = tablesBelow(name);
      const isOfServers = ofServers.some(([known]) => known === name); // they run in three runtimes, all of them
      const wanted = COLUMNS.filter((column) => !isOfServers || column !== "Runtimes");
      for (const { columns } of tables) expect(columns).to.deep.equal(wanted);
      const rows = tables.flatMap(({ rows }) => rows.map(([first = ""]) => first));
      expect(rows).to.have.members(members.map(({ name }) => `\`${name}\``));
    });

    it(`says the defaults of ${name} as the sources do`, () => {
      const cells = column(name, "Default");
      const wrong = members.flatMap(({ name, comment }) => {
        const [, stated] = /Default:? ([^.,;]+)/.exec(comment) ?? [];
        const cell = (cells.get(name) ?? "").replaceAll("`", "");
        return stated === undefined || cell.includes(stated.replaceAll("`", "").replace(/^(none)\b.*/, "$1"))
          ? []
          : [`${name}: ${stated} | ${cell}`];
      });
      expect(wrong).to.deep.equal([]);
    });
  }

  it("names no option of an object that has no such option, nor do the other pages", () => {
    const owners = new Map([
      ...interfaces.flatMap(([owner]): [string, string][] => [[owner, owner]]),
      ...(lib.interfaces.get("ConnectionOptions")?.map(ownerOf) ?? []),
      ...(lib.interfaces.get("AppOptions")?.map(ownerOf) ?? []),
    ]);
    const named = pages
      .flatMap(({ prose }) => codeIn(prose))
      .filter((code) => /^[a-zA-Z]+\.[a-zA-Z]+$/.test(code));
    const options = named.map((code) => code.split(".")).filter(([owner = ""]) => owners.get(owner));
    expect(options).to.not.be.empty;
    const wrong = options.filter(([owner = "", name]) => {
      const members = lib.interfaces.get(owners.get(owner) ?? "") ?? [];
      return !members.some((member) => member.name === name);
    });
    expect(wrong).to.deep.equal([]);
  });
});

/** The option's name, and the interface of its object, if it has one of its own. */
function ownerOf({ name, types }: Member): [string, string] {
  const own = [...reachable(types, lib)].find((type) => interfaces.some(([known]) => known === type));
  return [name, own ?? ""];
}

/** A value of each option that is not its default. */
const SAMPLES: { readonly [Name in keyof ConnectionOptions]-?: ConnectionOptions[Name] } = {
  timeout: 5_000,
  closeTimeout: 5_000,
  signal: new AbortController().signal,
  headers: { a: "1" },
  protocols: "a",
  requireProtocol: false,
  origin: "http://localhost",
  host: "localhost",
  cookies: "a=1",
  redirect: "follow",
  maxRedirects: 1,
  tls: { servername: "localhost" },
  socketPath: "/tmp/socket",
  connectTo: { host: "localhost", port: 80 },
  localAddress: "127.0.0.1",
  family: 4,
  noDelay: false,
  keepAliveSocket: 1_000,
  keepAlive: true,
  maxMessageSize: 1,
  maxFragments: 1,
  maxHeaderSize: 1,
  maxQueue: 1,
  maxBufferedAmount: 1,
  utf8Validation: false,
  tolerate: ["binaryAsText"],
  trace: true,
  perMessageDeflate: true,
  proxy: "http://localhost",
  transport: () => Promise.reject(new Error("not in this spec")),
};

const CALLBACKS: { readonly [Name in keyof AppCallbacks<unknown>]-?: true } = {
  onOpen: true,
  onReconnect: true,
  onMessage: true,
  onData: true,
  onContMessage: true,
  onPing: true,
  onPong: true,
  onError: true,
  onClose: true,
};

const openNothing = () => Promise.reject(new Error("not in this spec"));

/** Whether a runtime says that it cannot do it. */
function isRefused(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.code === "ERR_WS_UNSUPPORTED";
  }
}

describe("the runtimes in docs/options.md", () => {
  const resolve = overNative(openNothing);
  const inBrowser = (options: ConnectionOptions, callbacks: string[] = []) =>
    isRefused(() => resolve("ws://localhost/", options, callbacks));

  for (const [name, value] of Object.entries(SAMPLES)) {
    it(`are those of ${name}`, () => {
      const cell = column("ConnectionOptions", "Runtimes").get(name) ?? "";
      expect(cell === "all", cell).to.equal(!inBrowser({ [name]: value }));
      const [same] = codeIn(cell);
      if (same !== undefined) expect(inBrowser({ [name]: JSON.parse(same) })).to.equal(false);
    });
  }

  for (const name of Object.keys(CALLBACKS)) {
    it(`are those of ${name}`, () => {
      const cell = column("AppCallbacks", "Runtimes").get(name) ?? "";
      expect(cell === "all", cell).to.equal(!inBrowser({}, [name]));
    });
  }

  it(`are those of TlsOptions, as far as ${runtime} is concerned`, () => {
    const { ca, server } = certificates();
    const client = { cert: server.cert, key: server.key };
    const samples: { readonly [Name in keyof TlsOptions]-?: TlsOptions } = {
      ca: { ca },
      cert: client,
      key: client,
      pfx: {},
      passphrase: { ...client, passphrase: "" },
      crl: { crl: CRL },
      servername: { servername: "localhost" },
      rejectUnauthorized: { rejectUnauthorized: false },
      checkServerIdentity: { checkServerIdentity: () => undefined },
      pins: { pins: `sha256/${"A".repeat(43)}=` },
      keylog: { keylog() {} },
      ciphers: { ciphers: "ECDHE-RSA-AES128-GCM-SHA256" },
      ecdhCurve: { ecdhCurve: "P-256" },
      sigalgs: { sigalgs: "ecdsa_secp256r1_sha256" },
      minVersion: { minVersion: "TLSv1.2" },
      maxVersion: { maxVersion: "TLSv1.3" },
    };
    const cells = column("TlsOptions", "Runtimes");
    for (const [name, options] of Object.entries(samples)) {
      const [said = ""] = (cells.get(name) ?? "").split(";");
      const isRefusedHere = isRefused(() => resolveTls(options, platform));
      expect(said.toLowerCase().split(", ").includes(runtime), `${name}: ${said}`).to.equal(!isRefusedHere);
    }
  });
});

/** A list of nothing revoked; only whether it is refused counts. */
const CRL = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";

describe("the defaults in docs/options.md", () => {
  const { keepAliveDelay: keepAliveSocket, ...sockets } = resolveSockets("ws://localhost/");
  const { accept, maxConnections } = resolveServe({ port: 0, onConnection() {} }, host);
  const serverSide = { ...accept, keepAlive: accept.heartbeat !== undefined };
  /** What the code makes of no options at all; undefined is what a switch that is off comes to. */
  const resolved: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    ConnectionOptions: { ...sockets, keepAliveSocket, keepAlive: resolveKeepAlive(undefined) },
    KeepAliveOptions: { ...resolveKeepAlive(true) },
    PerMessageDeflateOptions: { ...resolveDeflate(true) },
    ReconnectOptions: { ...resolveReconnect(true) },
    AppOptions: { reconnect: resolveReconnect(undefined) },
    AcceptOptions: serverSide,
    ServeOptions: { maxConnections },
  };

  /** The value that a cell begins with, where it is one: `true`, `"error"`, 10 000. */
  const valueIn = (cell: string): unknown => {
    const [, code, digits] = /^(?:`([^`]+)`|([\d ]*\d))(?=$|[ ,;])/.exec(cell) ?? [];
    if (digits !== undefined) return Number(digits.replaceAll(" ", ""));
    if (code === "Infinity") return Number.POSITIVE_INFINITY;
    return code !== undefined && /^(true|false|".*")$/.test(code) ? JSON.parse(code) : undefined;
  };

  for (const [title, values] of Object.entries(resolved)) {
    it(`are those of the code for ${title}`, () => {
      const cells = [...column(title, "Default")].map(([name, cell]) => [name, valueIn(cell)] as const);
      const stated = cells.filter(([, value]) => value !== undefined);
      expect(stated).to.not.be.empty;
      const inCode = stated.map(([name]) => [name, values[name] ?? false]);
      expect(inCode).to.deep.equal(stated);
    });
  }
});

describe("the errors in docs/options.md", () => {
  const codes = lib.unions.get("ErrorCode") ?? [];
  const rows = (title: string) => tablesBelow(title).flatMap((table) => table.rows);
  const classOf = new Map(rows("Codes").map(([code = "", name = ""]) => [plain(code), plain(name)]));
  const firsts = (title: string) => rows(title).map(([first = ""]) => plain(first));

  it("are all codes", () => {
    expect(codes).to.have.length.above(20);
    expect(firsts("Codes")).to.have.members([...codes]);
  });

  it("are all classes", () => {
    expect(firsts("Classes")).to.have.members([...errors.classes.keys()]);
  });

  it("have the codes that their classes give them", () => {
    const [, ...sources] = readFileSync("lib/errors.ts", "utf8").split(/^export class /m);
    const owners = new Map(
      sources.flatMap((source) => {
        const [name = ""] = /^\w+/.exec(source) ?? [];
        return Array.from(source.matchAll(/"(ERR_WS_\w+)"/g), ([, code = ""]): [string, string] => [
          code,
          name,
        ]);
      }),
    );
    expect(owners.get("ERR_WS_DNS")).to.equal("TransportError");
    for (const [code, name] of classOf) {
      // WebSocketError and LimitError may have any code; ProtocolError has one that its maker gives it.
      const own = owners.get(code);
      if (own !== undefined) expect(name, code).to.equal(own);
      else expect(["WebSocketError", "LimitError", "ProtocolError"], code).to.include(name);
    }
  });

  it("are named with the codes of their classes, in every page", () => {
    const named = pages.flatMap(({ prose }) => [
      ...prose.matchAll(/`(\w+Error)`(?: with code)? ((?:`ERR_WS_\w+`(?:, )?)+)/g),
    ]);
    expect(named).to.have.length.above(20);
    for (const [text, name, codes = ""] of named)
      for (const code of codeIn(codes)) expect(classOf.get(code), text).to.equal(name);
  });

  it("have what is said of them", () => {
    const at = tablesBelow("Classes")[0]?.columns.findIndex((title) => title.startsWith("What it has")) ?? -1;
    for (const row of rows("Classes")) {
      const own = errors.classes.get(plain(row[0] ?? "")) ?? [];
      const said = codeIn(row[at] ?? "").filter((name) => name !== "cause" && name !== "CloseInfo");
      expect(own, row[0]).to.include.members(said);
      expect(said, row[0]).to.include.members(row[0] === "`WebSocketError`" ? [] : [...own.filter(isData)]);
    }
  });

  it("are all phases of a TimeoutError", () => {
    expect(firsts("Phases of a TimeoutError")).to.have.members([...(lib.unions.get("Phase") ?? [])]);
  });

  it("are in all that a CloseInfo has", () => {
    const members = lib.interfaces.get("CloseInfo")?.map(({ name }) => name);
    expect(firsts("How a connection ended")).to.have.members(members ?? []);
  });

  it("are named by codes that there are, in every page", () => {
    const named = pages.flatMap(({ prose }) => prose.match(/ERR_WS_\w+/g) ?? []);
    expect(named.filter((code) => !codes.includes(code))).to.deep.equal([]);
  });

  it("have every reason for which an outbox drops", () => {
    const does = column("OutboxOptions", "What it does").get("onDrop") ?? "";
    const reasons = lib.unions.get("DropReason") ?? [];
    expect(reasons).to.not.be.empty;
    expect(codeIn(does)).to.include.members(reasons.map((reason) => `"${reason}"`));
  });
});

function plain(text: string): string {
  return text.replaceAll("`", "");
}

function isData(name: string): boolean {
  return name !== "constructor" && name !== "locate";
}

// The listing is the architecture: every import in lib/ is read and held against the order of the layers, and so is every
// global name against what its layer may know of the world.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { parse } from "@babel/parser";
import { expect } from "chai";

/** From the bottom up: a file may import from layers before its own, and from its own. */
const LAYERS = [
  "errors.ts",
  "bytes",
  "codec",
  "protocol",
  "handshake",
  "transport",
  "session",
  "client",
  "server",
  "api.ts",
  "cli",
];

/** The files at the top, which choose a runtime. */
const ENTRIES = [
  ...["core.ts", "node.ts", "deno.ts", "bun.ts", "browser.ts", "cli.ts"],
  ...["server.ts", "server-deno.ts"],
];

/** What names a runtime; only transports, entries and the command may. */
const RUNTIME_GLOBALS = ["process", "Buffer", "Deno", "Bun", "setImmediate", "clearImmediate"];

/** What no file of lib/ may touch. */
const FORBIDDEN_GLOBALS = [
  ...[
    "require",
    "module",
    "exports",
    "__dirname",
    "__filename",
    "global",
    "globalThis",
    "window",
    "self",
    "document",
  ],
  ...["eval", "Function", "fetch", "XMLHttpRequest", "localStorage", "navigator"],
];

/** Where else a name that is an input to the core may stand: the core has no clock, no randomness, no console. */
const OWNED_GLOBALS: Record<string, RegExp> = {
  crypto: /^bytes\/random\.ts$/,
  WebSocket: /^session\/native\.ts$/,
  addEventListener: /^session\/native\.ts$/,
  removeEventListener: /^session\/native\.ts$/,
  console: /^(client\/(enable-trace|callbacks)|server\/serve)\.ts$/,
  setTimeout: /^(transport|session|client|server|cli)\//,
  clearTimeout: /^(transport|session|client|server|cli)\//,
  setInterval: /^$/,
  Date: /^(client\/(cookie-jar|set-cookie|retry)|session\/har)\.ts$/,
  performance: /^(client\/|cli\/|session\/(trace|record)\.ts$|transport\/(turn|deno)\.ts$)/,
};

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface Source {
  readonly file: string;
  /** What it imports: paths below lib/, or the names of packages. */
  readonly imports: string[];
  /** Names that it uses and does not declare, in some scope, itself. */
  readonly globals: Set<string>;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

function* walk(
  node: Node,
  parent?: Node,
  key?: string,
): Generator<{ node: Node; parent?: Node; key?: string }> {
  yield { node, ...(parent && { parent }), ...(key !== undefined && { key }) };
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value])
      if (isNode(child)) yield* walk(child, node, name);
  }
}

/** Whether an identifier stands for a variable: not for a property, a key, a label, or a name in a type. */
function isVariable(parent: Node | undefined, key: string | undefined): boolean {
  if (parent === undefined) return false;
  const { type, computed } = parent;
  if (/MemberExpression$/.test(type)) return key === "object" || computed === true;
  if (/^(Object|Class)(Property|Method|PrivateProperty|PrivateMethod)$/.test(type))
    return key !== "key" || computed === true;
  return !/^(TS(?!AsExpression|NonNull|Satisfies)|ImportSpecifier|ExportSpecifier|LabeledStatement)/.test(
    type,
  );
}

/** The names that a pattern binds, without those in its default values. */
function namesIn(pattern: unknown): string[] {
  if (Array.isArray(pattern)) return pattern.flatMap(namesIn);
  if (!isNode(pattern)) return [];
  if (pattern.type === "Identifier") return [String(pattern.name)];
  const { left, argument, elements, properties, value } = pattern;
  return namesIn([left, argument, elements, properties, value].flat());
}

/** Names that are declared anywhere in a file; none of ours shadows a global in one place and uses it in another. */
function declaredIn(program: Node): Set<string> {
  const names: string[] = [];
  for (const { node, parent } of walk(program)) {
    // What is only declared (`declare const X`) is the runtime's after all.
    const isOurs = node.declare !== true && parent?.declare !== true;
    if (isOurs && /^(VariableDeclarator|FunctionDeclaration|ClassDeclaration)$/.test(node.type)) {
      names.push(...namesIn(node.id));
    }
    if (/^Import.*Specifier$/.test(node.type)) names.push(...namesIn(node.local));
    if (node.type === "CatchClause") names.push(...namesIn(node.param));
    if (/Function|Method/.test(node.type)) names.push(...namesIn(node.params));
  }
  return new Set(names);
}

function read(file: string): Source {
  const text = readFileSync(join("lib", file), "utf8");
  const program = parse(text, { sourceType: "module", plugins: ["typescript"] }).program as unknown as Node;
  const declared = declaredIn(program);
  const imports: string[] = [];
  const globals = new Set<string>();
  for (const { node, parent, key } of walk(program)) {
    const source =
      node.type === "ImportExpression" || node.type === "TSImportType"
        ? (node.source ?? node.argument)
        : node.source;
    if (isNode(source) && typeof source.value === "string") imports.push(resolve(file, source.value));
    if (node.type === "Identifier" && isVariable(parent, key) && !declared.has(String(node.name)))
      globals.add(String(node.name));
  }
  return { file, imports, globals };
}

function resolve(file: string, specifier: string): string {
  return specifier.startsWith(".")
    ? normalize(join(dirname(file), specifier))
        .split(sep)
        .join("/")
    : specifier;
}

function layerOf(file: string): string {
  return file.split("/")[0] ?? file;
}

const sources = readdirSync("lib", { recursive: true, encoding: "utf8" })
  .map((file) => file.split(sep).join("/"))
  .filter((file) => file.endsWith(".ts"))
  .map(read);

describe("the architecture of lib/", () => {
  it("is seen: files, imports and globals are found", () => {
    expect(sources.length).to.be.greaterThan(30);
    const node = sources.find(({ file }) => file === "transport/node.ts");
    expect(node?.imports).to.include.members(["node:net", "errors.ts", "transport/transport.ts"]);
    expect([...(node?.globals ?? [])]).to.include.members(["process"]);
  });

  for (const { file, imports, globals } of sources) {
    const layer = layerOf(file);
    const isEntry = ENTRIES.includes(file);
    const mayNameRuntime = isEntry || layer === "transport" || layer === "cli";

    describe(file, () => {
      it("belongs to a layer", () => {
        expect([...LAYERS, ...ENTRIES]).to.include(layer);
      });

      it("imports only from layers before its own", () => {
        const place = isEntry ? LAYERS.length : LAYERS.indexOf(layer);
        const upward = imports.filter(
          (path) => path.endsWith(".ts") && !(LAYERS.indexOf(layerOf(path)) <= place),
        );
        const toEntry = imports.filter((path) => ENTRIES.includes(path));
        expect([...upward, ...toEntry]).to.deep.equal([]);
      });

      it("imports a runtime's transport only from an entry", () => {
        const concrete = imports.filter((path) =>
          /^transport\/(?!(transport|held|host|source|streams|memory|turn)\.ts$)/.test(path),
        );
        if (!isEntry && layer !== "transport") expect(concrete).to.deep.equal([]);
        else expect(concrete.every((path) => sources.some((source) => source.file === path))).to.equal(true);
      });

      it("imports the command only from its entry", () => {
        const command = imports.filter((path) => layerOf(path) === "cli");
        if (layer !== "cli" && file !== "cli.ts") expect(command).to.deep.equal([]);
      });

      it("imports the server's role only from an entry of its own", () => {
        const server = imports.filter((path) => /^(server|transport\/node-host)\b/.test(path));
        if (layer !== "server" && !/^server(-deno)?\.ts$/.test(file)) expect(server).to.deep.equal([]);
      });

      it("imports no package, and a runtime's modules only where it may name one", () => {
        const packages = imports.filter((path) => !path.endsWith(".ts"));
        expect(packages.filter((name) => !(mayNameRuntime && name.startsWith("node:")))).to.deep.equal([]);
      });

      it("uses no global that its layer may not know", () => {
        const wrong = [...globals].filter((name) => {
          if (FORBIDDEN_GLOBALS.includes(name)) return true;
          if (RUNTIME_GLOBALS.includes(name)) return !mayNameRuntime;
          const owner = OWNED_GLOBALS[name];
          return owner !== undefined && Object.hasOwn(OWNED_GLOBALS, name) && !owner.test(file);
        });
        expect(wrong).to.deep.equal([]);
      });
    });
  }

  it("draws no number from Math.random", () => {
    const users = sources.filter(({ file }) =>
      readFileSync(join("lib", file), "utf8").includes("Math.random"),
    );
    expect(users.map(({ file }) => file)).to.deep.equal([]);
  });
});

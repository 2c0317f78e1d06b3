// The package as users get it: packed, installed in an empty project, and used there by each runtime, bundler and type
// checker that `exports` has a place for. Nothing here needs a network.

import { execFile } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { expect } from "chai";
import { build, type Metafile, type Platform } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import type { WebSocketServer } from "../lib/server/serve.ts";
import { sizeOf } from "../scripts/size.ts";
import { serve } from "./support/server-runtime.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));

const FILES = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
  /^dist\/(node|deno|bun|browser|core|server|server-deno)\.(js|js\.map|d\.ts)$/,
  /^dist\/cli\.(js|js\.map)$/,
  /^dist\/chunks\/chunk-[A-Z0-9]{8}\.(js|js\.map)$/,
  /^dist\/(api|errors)\.d\.ts$/,
  /^dist\/(bytes|codec|protocol|handshake|transport|session|client|server)\/[a-z0-9-]+\.d\.ts$/,
];

const NAMES = [
  ...[
    "ClosedError",
    "CookieJar",
    "HandshakeError",
    "LimitError",
    "ProtocolError",
    "ProxyError",
    "TimeoutError",
  ],
  ...["TransportError", "UsageError", "WebSocketApp", "WebSocketError"],
  ...["createClient", "createConnection", "enableTrace"],
];

/** What the browser's entry needs of the layers that it does without: close codes, urls, tokens, numbers; in bytes, minified. */
const OF_OTHER_LAYERS: Record<string, number> = {
  "codec/close-code.ts": 700,
  "handshake/endpoint.ts": 2_000,
  "handshake/http.ts": 220,
  "protocol/limits.ts": 100,
};

/** Echoes a text and a binary message through what `load` brings, and prints what a user sees of it, and `more`. */
const talk = (load: string, more = "") => `${load}
async function main() {
  const ws = await isosocket.createConnection(process.argv[2]);
  await ws.send("hello");
  const text = await ws.recv();
  await ws.send(Uint8Array.of(0, 255));
  const binary = await ws.recv();
  const isBytes = binary instanceof Uint8Array;
  const { code } = await ws.close();
  const names = Object.keys(isosocket).sort();
  console.log(JSON.stringify({ names, text, binary: Array.from(binary), isBytes, code, ${more} }));
}
main();
`;

const TALKED = { names: NAMES, text: "hello", binary: [0, 255], isBytes: true, code: 1000 };

const byImport = (main: string, core: string) =>
  talk(
    `import * as isosocket from "${main}";\nimport * as core from "${core}";`,
    `entry: import.meta.resolve("${main}"), oneClass: core.ProtocolError === isosocket.ProtocolError`,
  );

const PROGRAMS = {
  "import.mjs": byImport("isosocket", "isosocket/core"),
  "npm.mjs": byImport("npm:isosocket", "npm:isosocket/core"),
  "path.mjs": byImport("./node_modules/isosocket/dist/deno.js", "./node_modules/isosocket/dist/core.js"),
  "require.cjs": talk(
    'const isosocket = require("isosocket");\nconst core = require("isosocket/core");',
    'entry: require.resolve("isosocket"), oneClass: core.ProtocolError === isosocket.ProtocolError',
  ),
  "server.mjs": `import * as isosocket from "isosocket";
import * as server from "isosocket/server";
const serving = await server.serve({ port: 0, host: "127.0.0.1", onConnection: (ws) => ws.send("welcome") });
const ws = await isosocket.createConnection(serving.url);
const text = await ws.recv();
await serving.close();
const oneClass = server.ProtocolError === isosocket.ProtocolError;
const entry = import.meta.resolve("isosocket/server");
console.log(JSON.stringify({ entry, text, code: (await ws.closed).code, oneClass }));
`,
  "bundle.mjs": talk('import * as isosocket from "isosocket";'),
};

const CONSUMER = `
import { type CloseInfo, createClient, createConnection, type Message, WebSocketApp } from "isosocket";
import { FrameDecoder } from "isosocket/core";
import { accept, type AcceptedConnection, ConnectionGroup, serve } from "isosocket/server";
const group = new ConnectionGroup();
export const serving = serve({ port: 0, onConnection: (ws: AcceptedConnection) => void group.add(ws) });
export type Upgrade = Parameters<typeof accept>;
export async function talk(url: string): Promise<CloseInfo> {
  const ws = await createConnection(url, { timeout: 1_000 });
  await ws.send("hello");
  const first: Message = await ws.recv();
  for await (const message of ws) if (message === first) break;
  return ws.close();
}
export const app: WebSocketApp = new WebSocketApp("ws://localhost/", {
  onMessage: (ws: WebSocketApp, message) => void ws.send(message),
});
export const all = [createClient, FrameDecoder];
// @ts-expect-error: the declarations were found, and say more than any
createConnection(42);
`;

const REQUIRES = `
import isosocket = require("isosocket");
export const open: isosocket.CreateConnection = isosocket.createConnection;
`;

const NODE_TYPES = ["--types", "node", "--typeRoots", resolve("node_modules/@types"), "--lib", "es2022"];
const WEB_TYPES = ["--types", "", "--lib", "es2022,dom"];

const TYPES: readonly [title: string, file: string, options: string[]][] = [
  ["Node, nodenext", "consumer.ts", ["--module", "nodenext", ...NODE_TYPES]],
  ["Node, nodenext, by require", "consumer.cts", ["--module", "nodenext", ...NODE_TYPES]],
  ...["browser", "workerd", "deno", "bun"].map((condition): [string, string, string[]] => [
    `${condition}, bundler`,
    "consumer.ts",
    ["--module", "esnext", "--moduleResolution", "bundler", "--customConditions", condition, ...WEB_TYPES],
  ]),
];

const RUNS: readonly [title: string, command: string[], file: keyof typeof PROGRAMS, entry: string][] = [
  ["Node, by import", ["node"], "import.mjs", "node"],
  ["Node, by require", ["node"], "require.cjs", "node"],
  ["Deno, by name", ["deno", "run", "--allow-net"], "import.mjs", "deno"],
  ["Deno, by npm: specifier", ["deno", "run", "--allow-net"], "npm.mjs", "deno"],
  ["Deno, by path", ["deno", "run", "--allow-net"], "path.mjs", "deno"],
  ["Bun, by import", ["bun"], "import.mjs", "bun"],
  ["Bun, by require", ["bun"], "require.cjs", "bun"],
];

/** The command as people start it who have the package, or would have it fetched. */
const COMMANDS: readonly [title: string, command: string[]][] = [
  ["Node, by npx", ["npm", "exec", "--offline", "--", "isosocket"]],
  ["Node, by its link", ["node", "node_modules/.bin/isosocket"]],
  ["Deno, by npm: specifier", ["deno", "run", "-A", "npm:isosocket"]],
  ["Bun, by bunx", ["bun", "x", "--bun", "isosocket"]],
];

describe("the package", function () {
  this.timeout(60_000);

  const folder = realpathSync(mkdtempSync(join(tmpdir(), "isosocket-")));
  const project = join(folder, "project");
  const installed = join(project, "node_modules", "isosocket");
  const tarball = join(folder, `isosocket-${version}.tgz`);
  let server: WebSocketServer;
  let url: string;

  /** Runs a command in the project, a runtime or a tool as this repository has it; gives what it printed. */
  const run = async ([command = "", ...args]: string[], cwd = project): Promise<string> => {
    const file =
      command === "node"
        ? process.execPath
        : command === "npm"
          ? "npm"
          : resolve("node_modules/.bin", command);
    const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
    const { stdout } = await promisify(execFile)(file, args, { cwd, env, timeout: 30_000 }).catch((error) => {
      throw new Error(`${error.message}\n${error.stdout}`);
    });
    return stdout;
  };

  /** The files of dist/ that these entries load, themselves among them, with what is in them. */
  const loadedBy = (...entries: string[]): [file: string, code: string][] => {
    const files = new Map<string, string>();
    const follow = (file: string): void => {
      if (files.has(file)) return;
      const code = readFileSync(join(installed, "dist", file), "utf8");
      files.set(file, code);
      for (const [, path = ""] of code.matchAll(/from "\.\/([^"]+)"/g))
        follow(join(dirname(file), path).replaceAll(sep, "/"));
    };
    for (const entry of entries) follow(entry);
    return [...files];
  };

  before(async () => {
    await run(["npm", "pack", "--pack-destination", folder], process.cwd());
    mkdirSync(project);
    const write = (file: string, text: string) => writeFileSync(join(project, file), text);
    write("package.json", '{ "private": true, "type": "module" }');
    await run(["npm", "install", "--offline", "--no-audit", "--no-fund", tarball]);
    for (const [file, text] of Object.entries(PROGRAMS)) write(file, text);
    write("consumer.ts", CONSUMER);
    write("consumer.cts", REQUIRES);

    server = await serve({
      host: "127.0.0.1",
      port: 0,
      async onConnection(ws) {
        for await (const message of ws) await ws.send(message);
      },
    });
    url = server.url ?? "";
  });

  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  describe("holds", () => {
    const files = () =>
      readdirSync(installed, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(installed.length + 1)
            .replaceAll(sep, "/"),
        );

    it("what is used, and nothing else", () => {
      const found = files();
      expect(found.filter((file) => !FILES.some((pattern) => pattern.test(file)))).to.deep.equal([]);
      for (const pattern of FILES)
        expect(
          found.some((file) => pattern.test(file)),
          `${pattern}`,
        ).to.equal(true);
    });

    it("every file that exports names", () => {
      const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
      const named = JSON.stringify(exports).match(/(?<="\.\/)[^"]+\.[a-z]+(?=")/g);
      expect(files()).to.include.members(named ?? []);
      expect(named).to.include.members(["dist/node.js", "dist/node.d.ts", "dist/core.js"]);
    });

    it("a map beside each script, with the sources in it", () => {
      for (const script of files().filter((file) => file.endsWith(".js"))) {
        const map = JSON.parse(readFileSync(join(installed, `${script}.map`), "utf8"));
        expect(map.sourcesContent).to.have.length(map.sources.length).and.not.include(null);
        for (const source of map.sources) expect(source).to.match(/^(\.\.\/)+lib\/[a-z0-9/-]+\.ts$/);
      }
    });

    it("few files for a client, as each costs a millisecond when a program starts", () => {
      const counts = ["node", "bun", "deno", "browser"].map((entry) => loadedBy(`${entry}.js`).length);
      expect(counts).to.deep.equal([3, 3, 4, 1]);
    });
  });

  describe("is passed by", () => {
    it("publint", async () => {
      const { messages, pkg } = await publint({ pkgDir: installed, pack: false, strict: true });
      expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).to.deep.equal([]);
    });

    // On purpose: there is no CommonJS build, which Node's require() does not need, and resolution as in Node 10 is not served.
    it("Are the types wrong?, but for what is ESM only", async () => {
      const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
      const problems =
        result.types === false
          ? []
          : result.problems.map(
              (problem) => `${problem.kind} ${"resolutionKind" in problem ? problem.resolutionKind : ""}`,
            );
      expect(problems).to.have.members([
        ...[".", "./core", "./server"].flatMap(() => ["NoResolution node10", "CJSResolvesToESM node16-cjs"]),
      ]);
    });
  });

  describe("talks in", () => {
    for (const [title, command, file, entry] of RUNS) {
      it(title, async () => {
        const { entry: found, ...rest } = JSON.parse(await run([...command, file, url]));
        expect(found).to.match(new RegExp(`/node_modules/isosocket/dist/${entry}\\.js$`));
        expect(rest).to.deep.equal({ ...TALKED, oneClass: true });
      });
    }
  });

  describe("serves in", () => {
    const runs: readonly [title: string, command: string[], entry: string][] = [
      ["Node", ["node"], "server"],
      ["Deno", ["deno", "run", "--allow-net"], "server-deno"],
      ["Bun", ["bun"], "server"],
    ];
    for (const [title, command, entry] of runs) {
      it(title, async () => {
        const { entry: found, ...rest } = JSON.parse(await run([...command, "server.mjs"]));
        expect(found).to.match(new RegExp(`/node_modules/isosocket/dist/${entry}\\.js$`));
        expect(rest).to.deep.equal({ text: "welcome", code: 1001, oneClass: true });
      });
    }

    it("no other entry: it is left out of what clients import", () => {
      const files = loadedBy("node.js", "deno.js", "bun.js", "core.js", "browser.js", "cli.js");
      expect(files.length).to.be.above(6);
      for (const [file, code] of files)
        expect(code, file).to.not.match(/^\/\/ lib\/(server\/|transport\/node-host)/m);
    });
  });

  describe("is a command in", () => {
    for (const [title, command] of COMMANDS) {
      it(title, async () => {
        expect(await run([...command, "--version"])).to.equal(`isosocket ${version}\n`);
        expect(await run([...command, "-t", "hello", "--count", "1", url])).to.equal("hello\n");
      });
    }

    it("no other entry: it is left out of what programs import", () => {
      const shared = readdirSync(join(installed, "dist", "chunks")).filter((file) => file.endsWith(".js"));
      for (const file of [
        "node.js",
        "deno.js",
        "bun.js",
        "core.js",
        ...shared.map((chunk) => `chunks/${chunk}`),
      ])
        expect(readFileSync(join(installed, "dist", file), "utf8"), file).to.not.include("lib/cli/");
    });
  });

  describe("is bundled by esbuild", () => {
    const bundle = async (platform: Platform, conditions: string[] = []) => {
      const { metafile, warnings } = await build({
        absWorkingDir: project,
        entryPoints: ["bundle.mjs"],
        outfile: join(folder, `${platform}.mjs`),
        bundle: true,
        format: "esm",
        metafile: true,
        platform,
        conditions,
        logLevel: "silent",
      });
      expect(warnings).to.deep.equal([]);
      return metafile;
    };
    const imports = ({ outputs }: Metafile) =>
      Object.values(outputs).flatMap((output) => output.imports.map(({ path }) => path));
    const files = ({ inputs }: Metafile) => Object.keys(inputs).filter((file) => file !== "bundle.mjs");
    const BROWSER = ["node_modules/isosocket/dist/browser.js"];

    it("for Node, where it talks without its package", async () => {
      const meta = await bundle("node");
      expect(files(meta)).to.include("node_modules/isosocket/dist/node.js");
      expect(imports(meta).filter((path) => !path.startsWith("node:"))).to.deep.equal([]);
      expect(JSON.parse(await run(["node", join(folder, "node.mjs"), url]))).to.deep.equal(TALKED);
    });

    it("for the browser: one file, without any import, that talks over a native WebSocket", async () => {
      const meta = await bundle("browser");
      expect(files(meta)).to.deep.equal(BROWSER);
      expect(imports(meta)).to.deep.equal([]);
      const talk = await run(["deno", "run", "--allow-net", join(folder, "browser.mjs"), url]);
      expect(JSON.parse(talk)).to.deep.equal(TALKED);
    });

    it("for workers, as for the browser", async () => {
      const meta = await bundle("neutral", ["workerd", "worker"]);
      expect(files(meta)).to.deep.equal(BROWSER);
      expect(imports(meta)).to.deep.equal([]);
    });
  });

  describe("has types for", () => {
    for (const [title, file, options] of TYPES) {
      it(title, async () => {
        const strict = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022"];
        expect(await run(["tsc", ...strict, ...options, file])).to.equal("");
      });
    }

    it("Deno", async () => {
      await run(["deno", "check", "consumer.ts"]);
    });
  });
});

describe("the source", function () {
  this.timeout(60_000);

  it("publishes to JSR: a version, no slow types, no import that JSR does not know", async () => {
    expect(JSON.parse(readFileSync("deno.json", "utf8")).version).to.equal(version);
    await promisify(execFile)("node_modules/.bin/deno", ["publish", "--dry-run", "--allow-dirty"]);
  });
});

describe("the size", () => {
  it("of the Node entry is at most 47 kB", async () => {
    const { gzip } = await sizeOf("lib/node.ts");
    expect(gzip).to.be.at.most(47 * 1024);
  });

  it("of the browser entry is at most 16.5 kB", async () => {
    const { gzip } = await sizeOf("lib/browser.ts");
    expect(gzip).to.be.at.most(16.5 * 1024);
  });

  it("of a client's entry has nothing of the server in it", async () => {
    for (const entry of ["lib/node.ts", "lib/deno.ts", "lib/bun.ts", "lib/browser.ts"]) {
      const { files } = await sizeOf(entry);
      const server = /^lib\/(server|transport\/(node-)?host|handshake\/(refusal|upgrade-server))/;
      expect(files.filter(([file]) => server.test(file))).to.deep.equal([]);
    }
  });

  it("of the browser entry comes neither from codec, protocol nor handshake", async () => {
    const { files, imports } = await sizeOf("lib/browser.ts");
    const foreign = files
      .map(([file, bytes]): [string, number] => [file.replace(/^lib\//, ""), bytes])
      .filter(([file]) => /^(codec|protocol|handshake)\//.test(file))
      .filter(([file, bytes]) => bytes > (OF_OTHER_LAYERS[file] ?? 0));
    expect(foreign).to.deep.equal([]);
    expect(imports).to.deep.equal([]);
  });
});

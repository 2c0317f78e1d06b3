// Builds dist/: the code with esbuild, a bundle for each entry, and the declarations with tsc. Nothing is minified: stack
// traces and debuggers then show what was written, also without the maps; white space would save 6% of the tarball.

import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

const OPTIONS: BuildOptions = {
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: "es2022",
  sourcemap: true, // with the sources in it, which are not packed
};

/** What clients are made of, all of it. */
const CLIENT = [
  "api.ts",
  "client/client.ts",
  "client/socket-options.ts",
  "session/open.ts",
  "transport/node.ts",
];

/**
 * Esbuild makes a chunk for each set of entries that share something. A client would be read from five files, of which each
 * costs Node a millisecond when a program starts. So the other entries name all of the client too, and three files remain.
 */
const whole: Plugin = {
  name: "whole",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]lib[\\/](cli|server|server-deno)\.ts$/ }, ({ path }) => {
      const imports = CLIENT.map((file) => `import "./${file}";\n`);
      return {
        contents: readFileSync(path, "utf8") + imports.join(""),
        loader: "ts",
        resolveDir: dirname(path),
      };
    });
  },
};

rmSync("dist", { recursive: true, force: true });
// What these share stands in chunks, so that an error of isosocket is instanceof the class in isosocket/core.
await build({
  ...OPTIONS,
  entryPoints: [
    ...["lib/node.ts", "lib/deno.ts", "lib/bun.ts", "lib/core.ts", "lib/cli.ts"],
    ...["lib/server.ts", "lib/server-deno.ts"],
  ],
  platform: "node",
  plugins: [whole],
  logOverride: { "ignored-bare-import": "silent" }, // ignored is what they are in the code
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
});
chmodSync("dist/cli.js", 0o755); // the command, which npm links to
// One file, for pages without a bundler: in chunks there would be a fifth more, which only the others need.
await build({ ...OPTIONS, entryPoints: ["lib/browser.ts"], platform: "browser" });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "--project", "tsconfig.build.json"], {
  stdio: "inherit",
});
console.log("built dist/");

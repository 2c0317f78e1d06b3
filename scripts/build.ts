// Builds dist/: the code with esbuild, a bundle for each entry, and the declarations with tsc. Nothing is minified: stack
// traces and debuggers then show what was written, also without the maps; white space would save 6% of the tarball.

import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { type BuildOptions, build } from "esbuild";

const OPTIONS: BuildOptions = {
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: "es2022",
  sourcemap: true, // with the sources in it, which are not packed
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

// npm run size: what the entries weigh once they are bundled and minified, and what that is made of.

import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

export interface Size {
  /** In bytes, as are all. */
  readonly minified: number;
  readonly gzip: number;
  /** The files that left something in the bundle, the largest first, with what they left before gzip. */
  readonly files: readonly [file: string, minified: number][];
  /** What stays an import. */
  readonly imports: readonly string[];
}

export async function sizeOf(entry: string): Promise<Size> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node", // leaves a runtime's own modules out
    target: "es2022",
    metafile: true,
    write: false,
  });
  const [code] = outputFiles;
  const [output] = Object.values(metafile.outputs);
  if (code === undefined || output === undefined) throw new Error(`no bundle of ${entry}`);
  return {
    minified: code.contents.length,
    gzip: gzipSync(code.contents, { level: 9 }).length,
    files: Object.entries(output.inputs)
      .map(([file, { bytesInOutput }]): [string, number] => [file, bytesInOutput])
      .filter(([, bytes]) => bytes > 0)
      .sort(([, one], [, other]) => other - one),
    imports: output.imports.map(({ path }) => path),
  };
}

async function print(entry: string): Promise<void> {
  const { minified, gzip, files } = await sizeOf(entry);
  console.log(`${entry}: ${gzip} bytes gzip -9, ${minified} minified, of which`);
  for (const [file, bytes] of files) {
    const percent = ((100 * bytes) / minified).toFixed(1);
    console.log(`${String(bytes).padStart(8)} ${percent.padStart(5)}% ${file}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const entry of ["lib/browser.ts", "lib/node.ts"]) await print(entry);
}

// Runs suite.ts in real browsers: tsx spec/browser/browser.ts [chromium] [firefox]. Each opens a page that is served here,
// imports the built bundle of lib/browser.ts, and talks to the servers of servers.ts; and the pages of examples.ts. Exit code 1 if
// anything fails.

import { access } from "node:fs/promises";
import { build } from "esbuild";
import puppeteer, { type Browser, type LaunchOptions, type Page } from "puppeteer-core";
import { examples } from "./examples.ts";
import { serve } from "./servers.ts";

/** How long a test may take, in ms. */
const PATIENCE_MS = 15_000;

const BROWSERS: Record<string, LaunchOptions & { readonly executablePath: string }> = {
  chromium: {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", // which root cannot have
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  },
  firefox: { browser: "firefox", executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr" },
};

/** What a browser has no use for, and its bundle must not carry. */
const FOREIGN =
  /^lib\/(transport|codec\/(frame|describe)|handshake\/(conversation|talk|upgrade)|protocol\/(protocol|assembler))/;

async function bundle(entry: string): Promise<{ code: string; files: string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const files = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
  return { code: outputFiles.map((file) => file.text).join(""), files };
}

/** The tests' titles, once the page has them. */
async function titles(page: Page): Promise<string[]> {
  await page.waitForFunction("globalThis.tests !== undefined", { timeout: PATIENCE_MS });
  return page.evaluate("globalThis.tests.map(([title]) => title)") as Promise<string[]>;
}

/** What went wrong in a test; undefined if nothing did. */
async function failureOf(page: Page, index: number): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it took more than ${PATIENCE_MS} ms`), PATIENCE_MS);
  });
  const run = `globalThis.tests[${index}][1]().then(() => undefined, (error) => String(error?.stack ?? error))`;
  try {
    const failure = (await Promise.race([page.evaluate(run), late])) as string | null | undefined;
    return failure ?? undefined;
  } finally {
    clearTimeout(timer);
  }
}

const counts = { passed: 0, failed: 0 };

function report(title: string, failure: string | undefined): void {
  counts[failure === undefined ? "passed" : "failed"]++;
  console.log(
    failure === undefined ? `  ok ${title}` : `  FAILED ${title}\n    ${failure.replace(/\n/g, "\n    ")}`,
  );
}

async function runIn(name: string, url: string): Promise<void> {
  const options = BROWSERS[name];
  if (options === undefined) throw new Error(`no browser is called ${name}`);
  await access(options.executablePath);
  const browser: Browser = await puppeteer.launch({ headless: true, ...options });
  try {
    console.log(`${await browser.version()}`);
    const page = await browser.newPage();
    await page.goto(url);
    for (const [index, title] of (await titles(page)).entries()) report(title, await failureOf(page, index));
    const strays = (await page.evaluate("globalThis.strays.map(String)")) as string[];
    report("leaves no error or rejection that nobody handles", strays.join("\n") || undefined);
    for await (const [title, failure] of examples(browser)) report(title, failure);
  } finally {
    await browser.close();
  }
}

const [isosocket, suite] = await Promise.all([bundle("lib/browser.ts"), bundle("spec/browser/suite.ts")]);
const foreign = isosocket.files.filter((file) => FOREIGN.test(file));
report("the bundle carries neither codec nor handshake", foreign.join(", ") || undefined);

const server = await serve({ "/isosocket.js": isosocket.code, "/suite.js": suite.code });
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BROWSERS);
try {
  for (const name of wanted) await runIn(name, server.url);
} finally {
  await server.close();
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;

// The command as people run it: a process with pipes, or one in a terminal.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wordsOf } from "./built.ts";
import { nextTurn, type Use } from "./clean-up.ts";
import { Screen } from "./screen.ts";

export interface Ended {
  readonly code: number | null;
  /** What it was ended by. */
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a process's environment has besides. */
export type Env = Readonly<Record<string, string>>;

const COMMAND: readonly string[] = wordsOf("lib/cli.ts");

/** A run with pipes. */
export class Piped {
  /** How it ends. */
  readonly ended: Promise<Ended>;
  readonly process: ChildProcessWithoutNullStreams;
  #stdout = Buffer.alloc(0);
  #stderr = "";
  #waiters: (() => void)[] = [];
  #isEnded = false;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.process = child;
    child.stdin.on("error", () => {}); // it may end before it has read all
    child.stdout.on("data", (chunk: Buffer) => {
      this.#stdout = Buffer.concat([this.#stdout, chunk]);
      this.#wake();
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stderr += chunk;
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      child.on("close", (code, signal) => {
        this.#isEnded = true;
        this.#wake();
        resolve({ code, signal, stdout: this.stdout, stderr: this.#stderr });
      });
    });
  }

  /** What it printed so far. */
  get stdout(): string {
    return this.#stdout.toString();
  }

  get stdoutBytes(): Buffer {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Fulfils once what was printed is as wanted; rejects when it ends before. */
  async until(isWanted: (run: Piped) => boolean): Promise<void> {
    while (!isWanted(this)) {
      if (this.#isEnded)
        throw new Error(
          `ended with stdout ${JSON.stringify(this.stdout)}, stderr ${JSON.stringify(this.#stderr)}`,
        );
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Sends a signal; as to any process, since Deno takes one that it sent to its child for the end of it. */
  signal(name: NodeJS.Signals): void {
    if (this.process.pid !== undefined) process.kill(this.process.pid, name);
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  close(): Promise<unknown> {
    this.process.kill("SIGKILL");
    return this.ended;
  }
}

/** Runs the command; `input` is all that it reads, or undefined for a pipe that stays open. */
export function runPiped(use: Use, args: readonly string[], input?: string | Buffer, env: Env = {}): Piped {
  const [file = "", ...options] = COMMAND;
  const run = use(new Piped(spawn(file, [...options, ...args], { env: environment(env) })));
  if (input !== undefined) run.process.stdin.end(input);
  return run;
}

/** Runs a line of the shell, in which `"$@"` is the command. */
export function runInShell(use: Use, line: string, args: readonly string[]): Piped {
  return use(new Piped(spawn("sh", ["-c", line, "sh", ...COMMAND, ...args], { env: environment({}) })));
}

/** A run in a terminal, that a person types to and reads from. */
export class InTerminal {
  readonly screen: Screen;
  readonly ended: Promise<Ended>;
  readonly #piped: Piped;
  readonly #decoder = new TextDecoder();
  #read = 0;

  constructor(piped: Piped, columns: number) {
    this.#piped = piped;
    this.screen = new Screen(columns);
    this.ended = piped.ended;
  }

  type(keys: string): void {
    this.#piped.process.stdin.write(keys);
  }

  /** Fulfils once the screen is as wanted, with its rows. */
  async until(isWanted: (rows: readonly string[]) => boolean): Promise<readonly string[]> {
    try {
      await this.#piped.until(() => isWanted(this.#draw()));
    } catch (error) {
      throw new Error(`the screen is ${JSON.stringify(this.screen.rows, null, 1)}: ${error}`);
    }
    return this.screen.rows;
  }

  /** The rows, once the process has ended, and how it did. */
  async end(): Promise<{ rows: readonly string[]; code: number | null }> {
    const { code } = await this.ended;
    return { rows: this.#draw(), code };
  }

  close(): Promise<unknown> {
    return this.#piped.close();
  }

  #draw(): readonly string[] {
    const { stdoutBytes } = this.#piped;
    this.screen.write(this.#decoder.decode(stdoutBytes.subarray(this.#read), { stream: true }));
    this.#read = stdoutBytes.length;
    return this.screen.rows;
  }
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly env?: Env;
  /** The file that standard error is; default the terminal. */
  readonly notes?: string;
  /** A command of the shell that runs when the command has ended, or was stopped; $? is its exit code. */
  readonly after?: string;
}

/** Runs the command in a pseudo-terminal, which util-linux's script makes. */
export function runInTerminal(use: Use, args: readonly string[], options: TerminalOptions = {}): InTerminal {
  const { columns = 60, env = {}, notes, after } = options;
  const words = [...COMMAND, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const line = [...words, ...(notes === undefined ? [] : [`2>'${notes}'`])].join(" ");
  const run = after === undefined ? `exec ${line}` : `set -m; ${line}; ${after}`;
  const shell = `stty cols ${columns} rows 24; ${run}`;
  const script = spawn("script", ["-qefc", shell, "/dev/null"], {
    env: environment({ TERM: "xterm", SHELL: "/bin/sh", ...env }),
  });
  return new InTerminal(use(new Piped(script)), columns);
}

/** The environment of a process: without what would change what it prints, and where no history can be kept. */
function environment(more: Env): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: __, TERM: ___, ...env } = process.env;
  return { ...env, DENO_NO_UPDATE_CHECK: "1", XDG_STATE_HOME: "/dev/null/state", ...more };
}

/** A folder that is gone after the test. */
export function folder(use: Use): string {
  const path = mkdtempSync(join(tmpdir(), "isosocket-"));
  use({ close: () => remove(path) });
  return path;
}

/** Who was killed may write there for a moment longer: a terminal that is gone tells its processes so, and waits for none. */
async function remove(path: string): Promise<void> {
  for (;;) {
    try {
      return rmSync(path, { recursive: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
      await nextTurn();
    }
  }
}

// What was typed at the prompt, kept for the next time in a file that only its owner can read. Where it cannot be read or
// written there is a history of this run alone: it is a comfort, and no reason to fail.

import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

/** Lines that are remembered. */
export const HISTORY_SIZE = 1000;

/** Where the history is, after the XDG base directories. */
export function historyPath(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: state = "" } = env;
  const folder = isAbsolute(state) ? state : join(homedir(), ".local", "state");
  return join(folder, "isosocket", "history");
}

export class History {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines that were typed, the last first, as readline wants them. Shortens a file that has become long. */
  load(): string[] {
    try {
      const lines = readFileSync(this.#path, "utf8").split("\n").filter(isKept);
      const kept = lines.slice(-HISTORY_SIZE);
      if (lines.length > 2 * HISTORY_SIZE) this.#replace(kept);
      return kept.reverse();
    } catch {
      return [];
    }
  }

  /** Remembers a line. */
  add(line: string): void {
    if (!isKept(line)) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#append(`${line}\n`);
    } catch {
      // Then this run alone remembers it.
    }
  }

  /** The mode is for a new file: appendFileSync() gives it to one that is there, too, in Deno, be it /dev/null by a link. */
  #append(text: string): void {
    const file = openSync(this.#path, "a", 0o600);
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  }

  /** A new file in the place of the old one, so that others who read meanwhile see either. */
  #replace(lines: readonly string[]): void {
    const next = `${this.#path}.${process.pid}`;
    writeFileSync(next, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    renameSync(next, this.#path);
  }
}

/** As in shells: what begins with a space is not for the history. Control characters would act on the terminal. */
export function isKept(line: string): boolean {
  return line !== "" && !/^\s|(?!\t)\p{Cc}/u.test(line);
}

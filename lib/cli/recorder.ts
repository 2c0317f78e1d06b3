// --record: what crosses the wire, in a file that only its owner can read: lines of JSON, each written as it comes, or, where
// the name ends in .har, an HTTP Archive at the end.

import { closeSync, openSync, writeSync } from "node:fs";
import { UsageError } from "../errors.ts";
import { harEntries } from "../session/har.ts";
import { type RecordOptions, record } from "../session/record.ts";

export class Recorder {
  /** The option `transport`. */
  readonly transport: ReturnType<typeof record>;
  readonly #path: string;
  readonly #failed: (message: string) => void;
  /** For an archive; undefined for lines. */
  readonly #lines: string[] | undefined;
  /** Undefined before the start, and once it cannot be written. */
  #file: number | undefined;

  /** `failed` is told, once, that the file cannot be written; the connection goes on. */
  constructor(path: string, source: RecordOptions["transport"], failed: (message: string) => void) {
    this.#path = path;
    this.#failed = failed;
    this.#lines = /\.har$/i.test(path) ? [] : undefined;
    const take = (line: string) => (this.#lines ? this.#lines.push(line) : this.#write(`${line}\n`));
    this.transport = record(take, source === undefined ? {} : { transport: source });
  }

  /** Makes the file. Throws UsageError where that cannot be. */
  start(): void {
    try {
      this.#file = openSync(this.#path, "w", 0o600);
    } catch (cause) {
      throw new UsageError(this.#complaint(cause), undefined, { cause });
    }
  }

  /** Writes what is to be written last; `version` is that of isosocket. */
  async end(version: string): Promise<void> {
    if (this.#lines !== undefined) {
      const creator = { name: "isosocket", version };
      const log = { version: "1.2", creator, entries: await harEntries(this.#lines) };
      this.#write(`${JSON.stringify({ log }, undefined, 2)}\n`);
    }
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #write(text: string): void {
    if (this.#file === undefined) return;
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    } catch (error) {
      closeSync(this.#file);
      this.#file = undefined;
      this.#failed(this.#complaint(error));
    }
  }

  #complaint(error: unknown): string {
    const { code, message } = error as NodeJS.ErrnoException;
    return `--record: ${this.#path} cannot be written: ${code ?? message}`;
  }
}

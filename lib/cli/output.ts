// Standard output and standard error, written at once: when it returns, the bytes are with the operating system, so that a
// slow reader makes the server wait rather than our memory grow, nothing is lost at the exit, and what a reader that left
// causes is thrown here.

import { writeSync } from "node:fs";

export const STDOUT = 1;
export const STDERR = 2;

/** Where what is printed goes. */
export interface Display {
  /** Prints what render() gave. Throws the system's error. */
  print(data: string | Uint8Array): void;
  /** Tells people a line, on standard error. */
  note(line: string): void;
}

export class PlainDisplay implements Display {
  print(data: string | Uint8Array): void {
    writeAll(STDOUT, data);
  }

  note(line: string): void {
    writeNote(line);
  }
}

/** What is said of a write that failed, for the system's `message`. */
export function unwritable(message: string): string {
  return `standard output cannot be written: ${message}`;
}

export function writeNote(line: string): void {
  try {
    writeAll(STDERR, `${line}\n`);
  } catch {
    // Nobody reads it, and there is nobody else to tell.
  }
}

/**
 * Bytes that a pipe takes whole or not at all (PIPE_BUF). Of more, some may be taken before there is no room, and Deno does
 * not say how many.
 */
const PIECE_BYTES = 4096;

/** Ms between attempts to write to what is full and does not wait of its own accord. */
const PAUSE_MS = 5;

function writeAll(file: number, data: string | Uint8Array): void {
  let rest = typeof data === "string" ? Buffer.from(data) : data;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(file, rest, 0, Math.min(rest.length, PIECE_BYTES)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}

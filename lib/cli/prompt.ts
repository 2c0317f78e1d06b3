// The prompt of a terminal: lines are typed at the bottom, with a history, and whatever is printed meanwhile goes above the
// line that is being typed, which stays as it is.

import { createInterface, type Interface } from "node:readline";
import { HISTORY_SIZE, type History } from "./history.ts";
import { type Display, writeNote } from "./output.ts";

/** Who is told what happens at the prompt. */
export interface PromptSink {
  line(line: string): void;
  /** Ctrl-D. */
  end(): void;
  /** Ctrl-C. */
  interrupt(): void;
}

export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** Notes go to the terminal too. */
  readonly hasNotes: boolean;
  readonly colours: boolean;
}

export class Prompt implements Display {
  readonly #terminal: Terminal;
  readonly #history: History;
  /** While there is a line to type. */
  #readline: Interface | undefined;

  constructor(terminal: Terminal, history: History) {
    this.#terminal = terminal;
    this.#history = history;
  }

  /** Shows the prompt. */
  start(sink: PromptSink): void {
    const { input, output } = this.#terminal;
    const readline = createInterface({
      input,
      output,
      prompt: "> ",
      history: this.#history.load(),
      historySize: HISTORY_SIZE,
      removeHistoryDuplicates: true,
    });
    // With this off, as it is while something is pasted, Node 20 puts what is inserted behind the line, wherever the cursor is.
    Object.defineProperty(readline, "isCompletionEnabled", { get: () => true, set() {} });
    this.#readline = readline;
    // What is pasted may take several rows, which readline does not count until it draws anew: it would leave some of them.
    input.prependListener("keypress", this.#count);
    readline
      .on("line", (line) => {
        this.#history.add(line);
        sink.line(line);
        readline.prompt();
      })
      .on("SIGINT", () => sink.interrupt())
      .on("SIGCONT", () => readline.prompt(true)) // after Ctrl-Z and fg it reads no more until it is asked to
      .on("close", () => {
        if (this.#readline === undefined) return; // it was us
        this.end();
        sink.end();
      });
    // A terminal that is gone tells so by SIGHUP too.
    for (const emitter of [input, output, readline]) emitter.on("error", () => {});
    readline.prompt();
  }

  print(data: string | Uint8Array): void {
    this.#above(typeof data === "string" ? data : Buffer.from(data).toString("latin1"));
  }

  note(line: string): void {
    if (!this.#terminal.hasNotes) writeNote(line);
    else this.#above(`${this.#terminal.colours ? `\x1b[2m${line}\x1b[22m` : line}\n`);
  }

  /** Takes the prompt away; the terminal is as it was. */
  end(): void {
    const readline = this.#readline;
    if (readline === undefined) return;
    this.#terminal.output.write(erasing(readline));
    this.#terminal.input.off("keypress", this.#count);
    this.#readline = undefined;
    readline.close();
  }

  readonly #count = (): void => {
    if (this.#readline !== undefined) goesUp(this.#readline, this.#readline.getCursorPos().rows);
  };

  /** Erases the line that is typed, however many rows it takes, and shows it again below the text. */
  #above(text: string): void {
    const readline = this.#readline;
    // What was typed before there is a prompt stands in the row, and will stand behind the prompt.
    if (readline === undefined) return void this.#terminal.output.write(`\r\x1b[K${text}`);
    this.#terminal.output.write(erasing(readline) + text);
    goesUp(readline, 0); // else it would erase what was printed just now
    readline.prompt(true);
  }
}

/** Sets how many rows readline goes up to draw the typed line anew. */
function goesUp(readline: Interface, rows: number): void {
  Object.assign(readline, { prevRows: rows });
}

/** From wherever the cursor is in the typed line: up to its first row, to the left, erase all below. */
function erasing(readline: Interface): string {
  const { rows } = readline.getCursorPos();
  return `${rows > 0 ? `\x1b[${rows}A` : ""}\r\x1b[J`;
}

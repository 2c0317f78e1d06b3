// What a terminal shows of what a program printed: as much of one as readline asks for, with rows without end instead of
// scrolling. What it does not know it refuses, so that nothing goes unnoticed.

export class Screen {
  readonly #columns: number;
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  /** The beginning of an escape sequence whose end has not come. */
  #rest = "";
  /** Sequences that change colours, in their order. */
  readonly colours: string[] = [];

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** The rows as they can be read, without white space at their ends. */
  get rows(): string[] {
    const rows = this.#rows.map((row) =>
      Array.from(row, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
    while (rows.at(-1) === "" && rows.length - 1 > this.#row) rows.pop();
    return rows;
  }

  /** The row and the column that the cursor is in, from 0. */
  get cursor(): [row: number, column: number] {
    return [this.#row, this.#column];
  }

  write(text: string): void {
    let rest = this.#rest + text;
    while (rest !== "") {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal acts on
      const match = /^(?:\x1b\[([?\d;]*)([A-Za-z])|[\x20-\x7e\u00a0-\uffff]|[\r\n\b\x07])/u.exec(rest);
      if (match === null && rest.startsWith("\x1b") && /^(\[[?\d;]*)?$/.test(rest.slice(1))) break;
      if (match === null) throw new Error(`the screen does not know ${JSON.stringify(rest.slice(0, 20))}`);
      const [whole, parameters, final] = match;
      if (final === undefined) this.#put(whole);
      else this.#control(final, parameters ?? "");
      rest = rest.slice(whole.length);
    }
    this.#rest = rest;
  }

  #put(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#moveTo(this.#row + 1);
    else if (character === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (character !== "\x07") {
      // The last column is left when the next character comes, and not before.
      if (this.#column === this.#columns) {
        this.#moveTo(this.#row + 1);
        this.#column = 0;
      }
      (this.#rows[this.#row] as string[])[this.#column++] = character;
    }
  }

  #control(final: string, parameters: string): void {
    const count = Math.max(1, Number(parameters) || 1);
    if (final === "A") this.#row = Math.max(0, this.#row - count);
    else if (final === "B") this.#moveTo(this.#row + count);
    else if (final === "C") this.#column = Math.min(this.#columns - 1, this.#column + count);
    else if (final === "D") this.#column = Math.max(0, Math.min(this.#column, this.#columns - 1) - count);
    else if (final === "G") this.#column = Math.min(this.#columns, count) - 1;
    else if (final === "K" && parameters === "2") this.#rows[this.#row] = [];
    else if (final === "K" && (parameters === "" || parameters === "0")) this.#eraseLine();
    else if (final === "J" && (parameters === "" || parameters === "0")) {
      this.#eraseLine();
      this.#rows.length = this.#row + 1;
    } else if (final === "m") this.colours.push(parameters);
    else if (!parameters.startsWith("?"))
      throw new Error(`the screen does not know CSI ${parameters}${final}`);
  }

  #eraseLine(): void {
    (this.#rows[this.#row] as string[]).length = Math.min(this.#column, this.#rows[this.#row]?.length ?? 0);
  }

  #moveTo(row: number): void {
    while (this.#rows.length <= row) this.#rows.push([]);
    this.#row = row;
  }
}

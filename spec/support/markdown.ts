// Markdown as the documentation is written: headings, tables between bars, fenced code.

import { readFileSync } from "node:fs";

export interface Section {
  /** The heading's text, without its marks. */
  readonly title: string;
  readonly level: number;
  /** Tables up to the next heading. */
  readonly tables: readonly Table[];
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface CodeBlock {
  readonly language: string;
  /** What stands behind the language. */
  readonly mark: string;
  readonly text: string;
  /** `docs/options.md:42`. */
  readonly place: string;
}

export interface Page {
  /** All of it but fenced code. */
  readonly prose: string;
  readonly sections: readonly Section[];
  readonly code: readonly CodeBlock[];
}

/** Reads a page. Throws for a table with a row that has other columns than its head. */
export function readPage(file: string): Page {
  const prose: string[] = [];
  const sections: (Section & { tables: Table[] })[] = [{ title: "", level: 0, tables: [] }];
  const code: CodeBlock[] = [];
  const lines = readFileSync(file, "utf8").split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    const [, language, mark = ""] = /^```(\w*)(?: (.*))?$/.exec(line) ?? [];
    const [, marks, title = ""] = /^(#+) (.*)$/.exec(line) ?? [];
    if (language !== undefined) {
      const end = lines.indexOf("```", i + 1);
      if (end === -1) throw new Error(`${file}:${i + 1}: the code has no end`);
      const body = lines.slice(i + 1, end).map((one) => `${one}\n`);
      code.push({ language, mark, text: body.join(""), place: `${file}:${i + 1}` });
      i = end;
      continue;
    }
    prose.push(line);
    if (marks !== undefined) {
      sections.push({ title: title.replaceAll("`", ""), level: marks.length, tables: [] });
    } else if (line.startsWith("|")) {
      const start = i;
      while (lines[i + 1]?.startsWith("|")) prose.push(lines[++i] ?? "");
      sections.at(-1)?.tables.push(tableOf(lines.slice(start, i + 1), `${file}:${start + 1}`));
    }
  }
  return { prose: prose.join("\n"), sections, code };
}

function tableOf(lines: readonly string[], place: string): Table {
  const [columns = [], rule = [], ...rows] = lines.map(cellsOf);
  if (!rule.every((cell) => /^:?-+:?$/.test(cell))) throw new Error(`${place}: the table has no head`);
  for (const row of rows) {
    if (row.length !== columns.length)
      throw new Error(`${place}: a row has other columns: ${row.join(" | ")}`);
  }
  return { columns, rows };
}

function cellsOf(line: string): string[] {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** What a heading is called in links. */
export function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

/** All tables of a page. */
export function tablesOf(page: Page): Table[] {
  return page.sections.flatMap(({ tables }) => tables);
}

/** The table that begins with a column of that title. */
export function tableWith(page: Page, first: string): Table {
  const found = tablesOf(page).find(({ columns }) => columns[0] === first);
  if (found === undefined) throw new Error(`there is no table of ${first}`);
  return found;
}

/** What stands between backticks in a text. */
export function codeIn(text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, code = ""]) => code);
}

/** Cells that say nothing, each with the row that it is in. */
export function emptyCells(page: Page): string[] {
  return tablesOf(page).flatMap(({ rows }) =>
    rows.filter((row) => !row.every((cell) => /[\p{L}\p{N}]/u.test(cell))).map((row) => row.join(" | ")),
  );
}

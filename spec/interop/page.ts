// Rows as a page in Markdown: a table for each half, and below it the notes that its cells refer to.

import { CASES, type Half, type Row, type Runtime } from "./rows.ts";

const HEAD = `# Interoperation

What isosocket was tried with, in Node, Deno and Bun. \`npm run interop\` tries it again and writes this page; \`spec/interop/\`
has the programs, and \`spec/interop/install.sh\` brings the systems.

- **ok**: it works, and nothing was tolerated.
- **tolerated**: the system deviates from the RFCs. Without a tolerance isosocket fails, as it should; with the one in the note
  it works, and tells of it. See \`tolerate\` in [options](options.md).
- **–**: not there; the note says why.
- A number is that of a note below the table. Where runtimes differ, each is named.
`;

const NAMES: Readonly<Record<Runtime, string>> = { node: "Node", deno: "Deno", bun: "Bun" };
const SHOWN: Readonly<Record<Row["outcome"], string>> = {
  ok: "ok",
  tolerated: "tolerated",
  none: "–",
  failed: "**failed**",
};

/** Notes by number, each once. */
class Notes {
  readonly #all: string[] = [];

  /** What stands for it in a cell. */
  mark(note: string): string {
    if (note === "") return "";
    if (!this.#all.includes(note)) this.#all.push(note);
    return ` (${this.#all.indexOf(note) + 1})`;
  }

  get list(): string {
    return this.#all.map((note, i) => `${i + 1}. ${note}\n`).join("");
  }
}

/** What is missing: a case that was not tried with a system in a runtime, a row of none of them, and an outcome without its why. */
export function holes(half: Half, rows: readonly Row[], runtimes: readonly Runtime[]): string[] {
  const systems = half.versions().map(([system]) => system);
  const untried = systems.flatMap((system) =>
    CASES.flatMap((title) =>
      runtimes
        .filter((name) => !rows.some((row) => isOf(row, system, title) && row.runtime === name))
        .map((name) => `${system}, ${title}: not tried in ${NAMES[name]}`),
    ),
  );
  const wrong = rows.filter(
    ({ system, outcome, note }) => !systems.includes(system) || (outcome !== "ok" && note === ""),
  );
  return [...untried, ...wrong.map((row) => `a row that says too little: ${JSON.stringify(row)}`)];
}

function isOf(row: Row, system: string, title: string): boolean {
  return row.system === system && row.case === title;
}

/** The whole page. */
export function page(tried: readonly { half: Half; rows: readonly Row[] }[]): string {
  return `${HEAD}${tried.map(({ half, rows }) => section(half, rows)).join("")}`;
}

function section(half: Half, rows: readonly Row[]): string {
  const notes = new Notes();
  const versions = half.versions();
  const cell = (system: string, title: string) => {
    const all = rows.filter((row) => isOf(row, system, title));
    const shown = all.map((row) => `${SHOWN[row.outcome]}${notes.mark(row.note)}`);
    if (shown.every((text) => text === shown[0])) return shown[0] ?? "";
    return all.map((row, i) => `${NAMES[row.runtime]} ${shown[i]}`).join(", ");
  };
  const lines = versions.map(([system, version]) => [
    system,
    version,
    ...CASES.map((title) => cell(system, title)),
  ]);
  const besides = versions.flatMap(([system]) => {
    const titles = rows
      .filter((row) => row.system === system && !(CASES as readonly string[]).includes(row.case))
      .map((row) => row.case);
    return [...new Set(titles)].map((title) => [system, title, cell(system, title)]);
  });
  const more = besides.length === 0 ? "" : `\nBesides:\n\n${table(["system", "what", ""], besides)}`;
  const list = notes.list === "" ? "" : `\nNotes:\n\n${notes.list}`;
  return `\n## ${half.title}\n\n${half.text}\n\n${table(["system", "version", ...CASES], lines)}${more}${list}`;
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rows = [head, ...lines].map((row) => row.map((text) => text.replaceAll("|", "\\|")));
  const widths = head.map((_, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(" | ")} |\n`;
  const rule = widths.map((width) => "-".repeat(width));
  return [rows[0] ?? [], rule, ...rows.slice(1)].map(line).join("");
}

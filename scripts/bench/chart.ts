// Results as a picture: how many times the figure of its rival isosocket reaches, a bar for each runtime and workload, from
// the line where both are equal. SVG that is readable on light and on dark pages.

import { keyOf, type Results } from "./results.ts";
import { mainVerdict, type Verdict } from "./verdict.ts";
import { TIMED, type Workload } from "./workloads.ts";

const WIDTH = 860;
const LEFT = 310;
const RIGHT = 60;
const TOP = 76;
const BAR = 8;
const GAP = 2;
const BETWEEN = 14;

/** Told apart by those who see colours otherwise too; the second of each is for dark pages. */
const COLOURS = [
  ["#1b6ec2", "#5aa9f0"],
  ["#0f8a6d", "#3fc7a2"],
  ["#b35c00", "#f0a04b"],
  ["#a3388f", "#e07fd0"],
] as const;

const RIVALS =
  "ws in Node, the runtime's own in Deno, the better of its own and its ws in Bun; higher is better";

interface Scale {
  readonly least: number;
  readonly most: number;
  x(ratio: number): number;
}

/** Powers of two, as a factor is as much to the left as to the right. */
function scaleOf(ratios: readonly number[]): Scale {
  const least = Math.min(-1, Math.floor(Math.log2(Math.min(...ratios))));
  const most = Math.max(2, Math.ceil(Math.log2(Math.max(...ratios))));
  const x = (ratio: number) => LEFT + ((Math.log2(ratio) - least) / (most - least)) * (WIDTH - LEFT - RIGHT);
  return { least, most, x };
}

/** The chart of all that is timed without TLS. */
export function chartOf(results: Results): string {
  const runtimes = Object.values(results.runtimes);
  const groups = TIMED.map((workload) => ({
    workload,
    bars: runtimes.map((its) => mainVerdict(its, keyOf(workload.id, false), workload.unit)),
  })).filter(({ bars }) => bars.some((bar) => bar !== undefined));
  const isByCpu = groups.some(({ bars }) => bars.some((bar) => bar?.comparison.isByCpu));
  const ratios = groups.flatMap(({ bars }) => bars.flatMap((bar) => bar?.comparison.decides ?? []));
  const scale = scaleOf(ratios.length > 0 ? ratios : [1]);
  const groupHeight = runtimes.length * (BAR + GAP) + BETWEEN;
  const bottom = TOP + groups.length * groupHeight;
  const parts = [
    head(bottom + 30),
    text(0, 18, "title", "Throughput of isosocket, in times its rival's"),
    text(0, 38, "note", `${RIVALS}${isByCpu ? "; * by CPU time per message" : ""}`),
    ...legend(runtimes.map(({ title }) => title)),
    ...grid(scale, bottom),
    ...groups.flatMap(({ workload, bars }, i) => group(workload, bars, TOP + i * groupHeight, scale)),
    line(scale.x(1), TOP - 6, scale.x(1), bottom, "equal"),
    "</svg>\n",
  ];
  return parts.join("\n");
}

function head(height: number): string {
  const colours = (of: 0 | 1) => COLOURS.map((pair, i) => `.r${i} { fill: ${pair[of]} }`).join(" ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 ${WIDTH + 20} ${height}" width="${WIDTH + 20}" height="${height}" role="img" aria-label="Throughput of isosocket, in times its rival's">`,
    "<style>",
    "text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-size: 15px; font-weight: 600 } .note, .tick, .value { fill: #57606a }",
    ".tick, .value { font-size: 10px } .end { text-anchor: end } .middle { text-anchor: middle }",
    `.grid { stroke: #d0d7de; stroke-width: 1 } .equal { stroke: #57606a; stroke-width: 1.5 } ${colours(0)}`,
    "@media (prefers-color-scheme: dark) {",
    "  text { fill: #e6edf3 } .note, .tick, .value { fill: #9198a1 } .grid { stroke: #30363d } .equal { stroke: #9198a1 }",
    `  ${colours(1)}`,
    "}",
    "</style>",
  ].join("\n");
}

function legend(titles: readonly string[]): string[] {
  return titles.flatMap((title, i) => [
    `<rect class="r${i % COLOURS.length}" x="${LEFT + i * 130}" y="49" width="10" height="10" rx="2"/>`,
    text(LEFT + i * 130 + 15, 58, "", title),
  ]);
}

function grid({ least, most, x }: Scale, bottom: number): string[] {
  const powers = Array.from({ length: most - least + 1 }, (_, i) => 2 ** (least + i));
  return powers.flatMap((power) => [
    line(x(power), TOP - 6, x(power), bottom, "grid"),
    text(x(power), bottom + 14, "tick middle", power < 1 ? `1/${1 / power}` : `${power}×`),
  ]);
}

function group(
  workload: Workload,
  bars: readonly (Verdict | undefined)[],
  top: number,
  { x }: Scale,
): string[] {
  const middle = top + (bars.length * (BAR + GAP)) / 2 + 4;
  return [
    text(LEFT - 36, middle, "end", workload.title),
    ...bars.flatMap((bar, i) => {
      if (bar === undefined) return [];
      const { decides, isByCpu } = bar.comparison;
      const [from, to] = [Math.min(x(1), x(decides)), Math.max(x(1), x(decides))];
      const y = top + i * (BAR + GAP);
      const label = `${decides.toFixed(decides >= 9.95 ? 0 : decides >= 2 ? 1 : 2)}${isByCpu ? "*" : ""}`;
      return [
        `<rect class="r${i % COLOURS.length}" x="${at(from)}" y="${y}" width="${at(Math.max(1, to - from))}" height="${BAR}" rx="1"/>`,
        decides < 1 ? text(from - 4, y + BAR, "value end", label) : text(to + 4, y + BAR, "value", label),
      ];
    }),
  ];
}

function at(pixels: number): string {
  return pixels.toFixed(1);
}

function line(x1: number, y1: number, x2: number, y2: number, name: string): string {
  return `<line class="${name}" x1="${at(x1)}" y1="${y1}" x2="${at(x2)}" y2="${y2}"/>`;
}

function text(x: number, y: number, name: string, words: string): string {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text${name === "" ? "" : ` class="${name}"`} x="${at(x)}" y="${y}">${escaped}</text>`;
}

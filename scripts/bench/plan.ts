// What a run consists of, from the words of its command line, and how long that will take.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Contest, Method } from "./contest.ts";
import { type Kind, RIVALS, type Runtime, runtimeOf } from "./runtimes.ts";
import { MEMORY, START, TIMED, type Workload } from "./workloads.ts";

export const USAGE = `npm run bench [-- WORDS AND FLAGS]

  node, deno, bun   only in these runtimes; without them in all
  codec             only the codec, without sockets
  other words       only workloads with one of them in their id or title; as "echo-32", "memory", "start"

  --quick           in under a minute: a part of the workloads, in short rounds, which say little
  --node PATH       in another Node too, as the newest; more than once for more
  --bufferutil DIR  where ws finds its native add-on: a folder in which \`npm install bufferutil\` ran
  --rounds N        rounds of each workload (5)
  --ms N            how long a round takes, in ms (500)
  --no-tls          not over TLS
  --json FILE       where the results go (bench-results.json)
  --record          puts the results into docs/performance.json, the chart, docs/performance.md and the README; those of a
                    part of the workloads take their places among the others
  --from FILE       records the results that a run left in a file, without a run
  --render          makes these from docs/performance.json, without a run
`;

export interface Plan {
  readonly contests: readonly Contest[];
  readonly method: Method;
  readonly memoryRounds: number;
  readonly startRounds: number;
  readonly isCodec: boolean;
  readonly isRecorded: boolean;
  readonly isRendered: boolean;
  readonly isHelp: boolean;
  /** A file of results to record in place of a run. */
  readonly from: string | undefined;
  /** Where every run leaves what it has so far. */
  readonly file: string;
  /** The modules among which ws's native add-on is. */
  readonly addOnFolder: string | undefined;
}

const KINDS: readonly Kind[] = ["node", "deno", "bun"];

export function planOf(args: readonly string[]): Plan {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      node: { type: "string", multiple: true, default: [] },
      bufferutil: { type: "string" },
      rounds: { type: "string" },
      ms: { type: "string" },
      "no-tls": { type: "boolean", default: false },
      json: { type: "string", default: "bench-results.json" },
      from: { type: "string" },
      record: { type: "boolean", default: false },
      render: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.quick && values.record) throw new Error("a quick run is not worth recording");
  const kinds = KINDS.filter((kind) => positionals.includes(kind));
  const words = positionals.filter((word) => !KINDS.includes(word as Kind) && word !== "codec");
  const isCodecAlone = positionals.includes("codec") && words.length === 0;
  const runtimes = (kinds.length > 0 ? kinds : KINDS).flatMap((kind) => [
    runtimeOf(kind),
    ...(kind === "node" ? values.node.map((path) => runtimeOf(kind, resolve(path))) : []),
  ]);
  const addOnFolder = addOnIn(values.bufferutil);
  const isChosen = ({ id, title, isQuick }: Workload) =>
    (!values.quick || isQuick === true || words.length > 0) &&
    (words.length === 0 || words.some((word) => id.includes(word) || title.includes(word)));
  const contests = isCodecAlone
    ? []
    : runtimes.flatMap((runtime) =>
        contestsOf(runtime, isChosen, !values["no-tls"] && !values.quick, addOnFolder !== undefined).map(
          (contest) => (values.quick ? withoutBystanders(contest) : contest),
        ),
      );
  if (contests.length === 0 && !isCodecAlone)
    throw new Error(`no workload has ${words.join(" or ")} in its title`);
  const rounds = positive(values.rounds, 5);
  return {
    contests,
    method: {
      rounds,
      roundMs: positive(values.ms, values.quick ? 40 : 500),
      warmUpMs: values.quick ? 60 : 400,
    },
    memoryRounds: values.quick ? 1 : rounds,
    startRounds: values.quick ? 5 : Math.max(rounds, 11),
    isCodec: isCodecAlone || (positionals.length === 0 && !values.quick),
    isRecorded: values.record,
    isRendered: values.render,
    isHelp: values.help,
    from: values.from,
    file: values.json,
    addOnFolder,
  };
}

function positive(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${text} is no number of rounds or ms`);
  return value;
}

/** The folder of modules that has the add-on: the one that is named, or the project's own. */
function addOnIn(folder: string | undefined): string | undefined {
  if (folder === undefined)
    return existsSync("node_modules/bufferutil") ? resolve("node_modules") : undefined;
  const modules = [folder, `${folder}/node_modules`].find((path) => existsSync(`${path}/bufferutil`));
  if (modules === undefined) throw new Error(`there is no bufferutil in ${folder}`);
  return resolve(modules);
}

function contestsOf(
  runtime: Runtime,
  isChosen: (workload: Workload) => boolean,
  isOverTls: boolean,
  hasAddOn: boolean,
): Contest[] {
  const { kind, clients } = runtime;
  const isIn = (workload: Workload) => (client: string) =>
    (client !== "ws with bufferutil" || (hasAddOn && workload.isForAddOn === true)) &&
    (client !== "raw" || workload.isCompressed !== true) &&
    // Deno's own does not compress.
    (kind !== "deno" || client !== "own" || workload.isCompressed !== true);
  const isBeside = (client: string) => client === "isosocket recv" || client === "raw";
  const contest = (workload: Workload, isSecure: boolean, its: readonly string[]) => ({
    ...{ runtime, workload, isSecure },
    clients: its.filter(isIn(workload)),
  });
  return [
    ...TIMED.filter(isChosen).map((workload) => contest(workload, false, clients)),
    ...TIMED.filter((workload) => isOverTls && workload.isSecureToo === true && isChosen(workload)).map(
      (workload) =>
        contest(
          workload,
          true,
          clients.filter((client) => !isBeside(client) && (kind !== "node" || client !== "own")),
        ),
    ),
    ...MEMORY.filter(isChosen).map((workload) => contest(workload, false, clients)),
    ...[START].filter(isChosen).map((workload) =>
      contest(
        workload,
        false,
        clients.filter((client) => client !== "isosocket recv"),
      ),
    ),
  ];
}

/** isosocket, who decides, and the bare socket. */
function withoutBystanders(contest: Contest): Contest {
  const stay = ["isosocket", "raw", ...RIVALS[contest.runtime.kind]];
  return { ...contest, clients: contest.clients.filter((client) => stay.includes(client)) };
}

/** Seconds. */
export function durationOf({ contests, method, memoryRounds, startRounds }: Plan): number {
  const timed = (method.warmUpMs + method.rounds * (method.roundMs + 40)) / 1000;
  const each = ({ workload, clients }: Contest) => {
    if (workload.unit === "bytes") return clients.length * memoryRounds * 2.6;
    if (workload.unit === "ms") return clients.length * (startRounds + 1) * 0.1;
    return clients.length * (timed + 0.15);
  };
  return contests.reduce((sum, contest) => sum + each(contest), 0);
}

// The command line to settings: pure. Node's own parser splits it into flags, values and the rest; what they mean, and every
// complaint, is ours. Nothing is ignored: what is not known, is missing or contradicts itself throws UsageError.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "../errors.ts";
import { type Flag, GROUPS } from "./flags.ts";
import { type Settings, settingsFor } from "./settings.ts";
import { isNumber } from "./values.ts";

/** The flags by every name that they go by. */
const FLAGS: ReadonlyMap<string, Flag> = new Map(
  GROUPS.flatMap(([, flags]) => flags).flatMap((flag) =>
    [flag.name, ...(flag.also ?? []), ...(flag.hidden ?? [])].map((name): [string, Flag] => [name, flag]),
  ),
);

/** These answer, whatever else is asked for. */
const ANSWERS: Readonly<Record<string, string>> = { help: "h", version: "V" };

const CONFIG: NonNullable<ParseArgsConfig["options"]> = Object.fromEntries([
  ...Object.entries(ANSWERS).map(([name, short]) => [name, { type: "boolean", short }]),
  ...[...FLAGS].map(([name, flag]) => [
    name,
    {
      // A value that may be left out is the parser's only behind "=".
      type: flag.value === undefined || isOptional(flag) ? "boolean" : "string",
      ...(name === flag.name && flag.short !== undefined && { short: flag.short }),
    },
  ]),
]);

interface Token {
  readonly kind: "option" | "positional" | "option-terminator";
  readonly name?: string;
  readonly rawName?: string;
  readonly value?: string | undefined;
  /** The value was behind "=", or the letter of the flag. */
  readonly inlineValue?: boolean | undefined;
}

/** What the arguments behind the program's name ask for. Throws UsageError. */
export function parseArguments(args: readonly string[]): Settings | "help" | "version" {
  const config = { options: CONFIG, strict: false, allowPositionals: true, tokens: true } as const;
  const tokens: readonly Token[] = parseArgs({ ...config, args: [...args] }).tokens;
  const answer = tokens.find(({ name = "" }) => Object.hasOwn(ANSWERS, name));
  if (answer !== undefined) return answer.name as "help" | "version";
  const { changed, rest } = readFlags(tokens);
  const settings = { ...changed, url: onlyUrl(rest) };
  checkTogether(settings);
  return settings;
}

/** What the flags ask for, and the arguments that are left. */
function readFlags(tokens: readonly Token[]): { changed: Settings; rest: string[] } {
  const rest: string[] = [];
  let changed = settingsFor("");
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind === "positional") rest.push(token.value ?? "");
    if (token.kind !== "option") continue;
    const { rawName: given = "", name = "" } = token;
    const flag = FLAGS.get(name);
    if (flag === undefined) throw unknown(given);
    checkValue(flag, given, token);
    // What stands behind a flag may belong to it, though the parser does not know.
    const values = [token.value ?? ""];
    while (goesOn(flag, values, tokens[i + 1])) values.push(tokens[++i]?.value ?? "");
    for (const value of isOptional(flag) ? values.slice(-1) : values)
      changed = { ...changed, ...flag.change(value, given, changed) };
  }
  return { changed, rest };
}

/** Whether the next argument is a value of the flag: the one that may be left out, or one more subprotocol of a list. */
function goesOn(flag: Flag, values: readonly string[], next: Token | undefined): boolean {
  if (next?.kind !== "positional" || next.value === undefined) return false;
  if (isOptional(flag)) return values.length === 1 && values[0] === "" && isNumber(next.value);
  return flag.name === "subprotocol" && !/[:/]/.test(next.value); // a url has both, a subprotocol neither
}

function checkValue(flag: Flag, given: string, { value, inlineValue }: Token): void {
  if (flag.value === undefined && value !== undefined) throw new UsageError(`${given} takes no value`);
  if (flag.value === undefined || isOptional(flag)) return;
  if (value === undefined) throw new UsageError(`${given} needs a value: ${flag.value}`);
  if (inlineValue || !/^-./.test(value)) return;
  const inline = given.startsWith("--") ? `${given}=-...` : `${given}-...`;
  throw new UsageError(`${given} needs a value, and a flag follows: a value that begins so is ${inline}`);
}

function isOptional({ value }: Flag): boolean {
  return value?.startsWith("[") === true;
}

/** What other tools have, and its name here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "-c": "the url stands without one",
  "--connect": "the url stands without one",
  "-x": "is it --text, or --proxy?",
  "--execute": "is it --text?",
  "-w": "is it --eof-wait?",
  "--wait": "is it --eof-wait?",
  "-P": "is it --verbose?",
  "--show-ping-pong": "is it --verbose?",
  "-u": "credentials stand in the url: wss://user:password@host/",
  "--user": "credentials stand in the url: wss://user:password@host/",
  "--auth": "credentials stand in the url: wss://user:password@host/",
  "--protocol": "is it --subprotocol?",
  "-k": "is it --insecure?",
  "--no-check": "is it --insecure?",
  "--cacert": "is it --ca?",
  "-L": "is it --follow?",
  "--location": "is it --follow?",
  "-1": "is it --count 1?",
  "--one-message": "is it --count 1?",
};

function unknown(given: string): UsageError {
  if (Object.hasOwn(ELSEWHERE, given))
    return new UsageError(`there is no flag ${given}; ${ELSEWHERE[given]}`);
  const start = given.slice(0, 5); // two dashes and three letters
  const near = start.length < 5 ? [] : [...FLAGS.keys()].filter((name) => `--${name}`.startsWith(start));
  const hint = near.length > 0 ? `; is it --${near.join(" or --")}?` : "";
  return new UsageError(`there is no flag ${given}${hint}`);
}

/** What is wrong may be a secret whose quotes were forgotten, so it is not repeated but where it looks like a host. */
function onlyUrl([url, ...more]: string[]): string {
  if (url === undefined) throw new UsageError("no url: say where to connect, such as ws://localhost:4040/");
  if (more.length > 0)
    throw new UsageError(
      `there are ${more.length + 1} arguments where one url is expected: are quotes missing?`,
    );
  if (/^[a-z][a-z0-9+.-]*:(?!\d+(\/|$))|^(ws|http)s?:/i.test(url)) return url;
  const [place = ""] = /^\w[\w.-]*(:\d+)?(?=$|[/?])/.exec(url) ?? [];
  const hint = place === "" ? "" : `: is it ws://${place}/ or wss://${place}/?`;
  throw new UsageError(`the url has no scheme${hint}`);
}

/** Flags that contradict each other. */
function checkTogether(settings: Settings): void {
  if (settings.json && settings.raw) throw new UsageError("--json and --raw are two ways to print: take one");
  if (settings.socketPath !== undefined && settings.connectTo !== undefined)
    throw new UsageError("--unix-socket and --connect-to both say where to connect: take one");
  if (settings.replay !== undefined && settings.replay === settings.record)
    throw new UsageError("--record would write over what --replay plays: take another file");
  if (settings.key !== undefined && settings.cert === undefined)
    throw new UsageError("--key is of no use without --cert");
  if (settings.passphraseFile !== undefined && settings.cert === undefined)
    throw new UsageError("--passphrase-file is of no use without --cert");
}

// What --help prints: from the table of flags, in 80 columns.

import { type Flag, GROUPS } from "./flags.ts";

const WIDTH = 79;
/** Where what a flag does begins. */
const COLUMN = 26;

export const USAGE = "usage: isosocket [FLAG]... URL";

const INTRODUCTION = `${USAGE}

Connects to a WebSocket server, sends what you type, and prints what it
receives. In a terminal there is a prompt with a history: Ctrl-D closes,
Ctrl-C closes and exits 130, Ctrl-C twice drops the connection. In a pipe each
line of input is a message, and each message a line of output.`;

const PLACES = `URL:
  ws://host:port/path or wss://...; http:// and https:// stand for them, and
  ws+unix:/path.sock:/path for a Unix socket. wss://user:password@host/ logs in
  with Basic; others can see command lines, so that -H @FILE is a better place
  for what is secret.`;

const INPUT = `Input:
  At its end the connection is closed once nothing was received for a second;
  with --count after N messages, with --eof-wait after so many seconds. Where
  there was no input at all (as in </dev/null) and no --text, it stays open
  until the server closes. At the prompt an empty line sends nothing; what
  begins with a space is kept out of the history, which is in
  $XDG_STATE_HOME/isosocket/history (~/.local/state), readable by you alone.`;

const PRINTED = `What is printed:
  Messages go to standard output, all else to standard error. What could act on
  a terminal is escaped: \\x1b, \\u202e; so are line ends, but at the prompt. A
  binary message is shown as b'\\x00...', one that is gzip or deflate of a text
  as [gzip] and [zlib] with the text. --raw or --json keep every byte. Colours:
  only in a terminal, and not with NO_COLOR.`;

const EXAMPLES = `Examples:
  isosocket ws://localhost:4040/
  echo hello | isosocket ws://localhost:4040/
  isosocket --count 1 -t '{"op":"status"}' wss://example.com/feed
  isosocket -H @token.txt --json --reconnect wss://example.com/feed >log.jsonl
  isosocket --binary --whole --raw wss://example.com/convert <in.png >out.png`;

const EXIT_CODES = `Exit codes:
    0  closed as asked for, or by the server with 1000, 1001 or without a code
    1  lost, or closed with another code; or before --count was reached
    2  wrong usage
    3  not connected: refused, not found, not trusted, no upgrade
    4  not connected within --timeout; or --eof-wait was over before --count
  130  Ctrl-C; 129 and 143: SIGHUP and SIGTERM, which close with 1001`;

const ANSWERS: readonly (readonly [string, string])[] = [
  ["-h, --help", "print this"],
  ["-V, --version", "print the version"],
];

export function help(): string {
  const groups = GROUPS.map(
    ([title, flags]) => `${title}:\n${flags.map((flag) => row(nameOf(flag), textOf(flag))).join("\n")}`,
  );
  const answers = ANSWERS.map(([name, text]) => row(name, text)).join("\n");
  return `${[INTRODUCTION, ...groups, answers, PLACES, INPUT, PRINTED, EXAMPLES, EXIT_CODES].join("\n\n")}\n`;
}

function nameOf({ name, short, value }: Flag): string {
  const letter = short === undefined ? "    " : `-${short}, `;
  return `${letter}--${name}${value === undefined ? "" : ` ${value}`}`;
}

function textOf({ text, also }: Flag): string {
  return also === undefined ? text : `${text}. Also --${also.join(", --")}`;
}

/** A name in the left column and its text in the right one, which begins below where the name is too long. */
function row(name: string, text: string): string {
  const [first = "", ...more] = wrapped(text, WIDTH - COLUMN);
  const indent = " ".repeat(COLUMN);
  const left = `  ${name}`;
  const head = left.length < COLUMN - 1 ? [left.padEnd(COLUMN) + first] : [left, indent + first];
  return [...head, ...more.map((line) => indent + line)].join("\n");
}

function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}

// What every server that echoes is tried with. It closes with 4002 when it is told "close".

import type { ConnectionOptions } from "../../../lib/client/options.ts";
import type { CloseInfo } from "../../../lib/errors.ts";
import {
  check,
  connected,
  echoes,
  isSame,
  next,
  none,
  OK,
  ok,
  refusal,
  type Trial,
  type Trials,
} from "./trial.ts";

/** What is particular about a server, where it is. */
export interface Particulars {
  readonly options?: ConnectionOptions;
  /** What it answers to our Close frame with 4001 and "bye". */
  readonly answersClose?: readonly [code: number, reason: string];
  /** How it closes by itself. */
  readonly closes?: readonly [code: number, reason: string];
  /** What it is asked, and how it refuses that; 403 for /refuse. */
  readonly refuses?: { readonly url: string; readonly options?: ConnectionOptions; readonly status?: number };
}

const MIB = 1024 * 1024;
const LANGUAGES =
  "grüße, κόσμε, привет, 你好, שלום, नमस्ते, \u{1f600}\u{1f468}\u200d\u{1f469}\u200d\u{1f467}, \u0000, \ufeff, \ud7ff\ue000\uffff\u{10ffff}";

/** Trials by case, for a server at a url that ends with a slash. */
export function echoTrials(url: string, particulars: Particulars = {}): Trials {
  const { options = {}, answersClose = [4001, "bye"], closes = [4002, "done"] } = particulars;
  const { refuses = { url: `${url}refuse` } } = particulars;
  const echoing =
    (...messages: (string | Uint8Array)[]): Trial =>
    () =>
      connected(url, options, async (ws) => {
        await echoes(ws, messages);
        return OK;
      });
  return {
    text: echoing("hello", "x".repeat(125), "x".repeat(126), "x".repeat(65_535), "x".repeat(65_536)),
    "UTF-8": echoing(LANGUAGES, LANGUAGES.repeat(1000)),
    binary: echoing(
      Uint8Array.from({ length: 256 }, (_, i) => i),
      Uint8Array.of(0xff),
      new Uint8Array(70_000).fill(0xfe),
    ),
    empty: echoing("", new Uint8Array(0), "after"),
    fragmented: () => connected(url, options, fragmented),
    "1 MiB": echoing(
      "\u20ac1 ".repeat(MIB / 4).slice(0, MIB),
      Uint8Array.from({ length: MIB }, (_, i) => (i * 2654435761) >>> (i % 23)),
    ),
    ping: () =>
      connected(url, options, async (ws) => {
        await ws.ping();
        await ws.ping("x".repeat(125));
        await echoes(ws, ["after"]);
        return OK;
      }),
    close: () => close(url, options, answersClose),
    refusal: () => refused(refuses),
    "close by the server": () =>
      connected(url, options, async (ws) => {
        await ws.send("close");
        expectClose(await ws.closed, closes);
        return isSame(`${closes}`, "4002,done")
          ? OK
          : ok(`Asked to close with 4002 "done", it sends ${shown(closes)}.`);
      }),
  };
}

/** Text and bytes in several frames, cut within the characters of a text, and with a ping in the midst. */
async function fragmented(ws: Parameters<Parameters<typeof connected>[2]>[0]): Promise<typeof OK> {
  const pieces = ["one, ", "", "two, \ud83d", "\ude00", LANGUAGES.repeat(100), ""];
  await ws.sendStream(pieces);
  check(isSame(await next(ws), pieces.join("")), "text came back as another");
  const bytes = [Uint8Array.of(1, 2), new Uint8Array(0), new Uint8Array(70_000).fill(3)];
  await ws.sendStream(bytes);
  const all = new Uint8Array(70_002).fill(3);
  all.set([1, 2]);
  check(isSame(await next(ws), all), "bytes came back as others");
  const withPing = async function* () {
    yield "before, ";
    await ws.ping();
    yield "after";
  };
  await ws.sendStream(withPing());
  check(isSame(await next(ws), "before, after"), "what had a ping in its midst came back as another");
  return OK;
}

async function close(
  url: string,
  options: ConnectionOptions,
  answer: readonly [code: number, reason: string],
): Promise<typeof OK> {
  const info = await connected(url, options, async (ws) => {
    await echoes(ws, ["before"]);
    return ws.close(4001, "bye");
  });
  expectClose(info, answer);
  check(info.sent?.code === 4001 && info.sent.reason === "bye", "something else was sent");
  return isSame(`${answer}`, "4001,bye")
    ? OK
    : ok(`It answers our Close frame with 4001 "bye" by ${shown(answer)}.`);
}

export function expectClose(info: CloseInfo, [code, reason]: readonly [code: number, reason: string]): void {
  const { error, ...said } = info;
  const isRight = info.wasClean && info.code === code && info.reason === reason && error === undefined;
  check(isRight, `it closed with ${JSON.stringify(said)} ${error ?? ""}`);
}

function shown([code, reason]: readonly [code: number, reason: string]): string {
  const what = code === 1005 ? "one without a code" : `${code}`;
  return reason === "" ? `${what}, without a reason` : `${what} "${reason}"`;
}

async function refused({
  url,
  options = {},
  status = 403,
}: NonNullable<Particulars["refuses"]>): Promise<typeof OK> {
  const error = await refusal(url, options);
  check(error.code === "ERR_WS_UNEXPECTED_STATUS", `the error is ${error.code}`);
  check(error.status === status, `its status is ${error.status}`);
  return OK;
}

/** Compression is offered, and the server goes on without it. */
export function uncompressed(url: string): Trials {
  const offers = [true, { serverMaxWindowBits: 9, clientMaxWindowBits: 9, serverNoContextTakeover: true }];
  return {
    compression: async () => {
      for (const perMessageDeflate of offers) {
        await connected(url, { perMessageDeflate }, async (ws) => {
          check(ws.extensions === "", `it agreed to ${ws.extensions}`);
          await echoes(ws, ["a".repeat(1000)]);
        });
      }
      return none(NO_COMPRESSION);
    },
  };
}

export const NO_COMPRESSION = "It does not compress, and goes on without what it is offered.";

/** Two subprotocols are offered, and one of these is chosen. */
export function choosing(url: string, ...choices: string[]): Trials {
  return {
    subprotocol: () =>
      connected(url, { protocols: ["echo", "chat"] }, async (ws) => {
        check(choices.includes(ws.protocol), `it chose ${ws.protocol}`);
        await echoes(ws, ["hello"]);
        return OK;
      }),
  };
}

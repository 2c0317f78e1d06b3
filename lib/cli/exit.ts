// How a run ended, as an exit code and a line for people: pure. The codes are in the help.

import { type CloseInfo, HandshakeError, TimeoutError, TransportError, UsageError } from "../errors.ts";
import { escaped } from "./escape.ts";

/** Why we end a run: what was asked for is done, somebody does not want any more, or something of ours went wrong. */
export type Wish =
  /** The input is over, at the prompt by Ctrl-D. */
  | "input"
  /** --count was reached. */
  | "count"
  /** --eof-wait is over. */
  | "late"
  /** Who reads standard output has left. */
  | "unread"
  /** The input is not what it was said to be. */
  | "misuse"
  /** Standard output cannot be written. */
  | "unwritten"
  | Signal;

export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";

export interface Ending {
  readonly info: CloseInfo;
  readonly wish: Wish | undefined;
  /** There was a connection. */
  readonly wasOpen: boolean;
  /** Messages that --count asks for and did not get. */
  readonly missing: number;
}

export interface Exit {
  readonly code: number;
  /** What went wrong; undefined where nothing did, or where it was said before. */
  readonly complaint?: string;
}

export const ASKED = 0;
export const LOST = 1;
export const MISUSED = 2;
const UNCONNECTED = 3;
const TOO_LATE = 4;

export const HUNG_UP = 129;

const SIGNAL_EXITS: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: HUNG_UP };

/** Codes with which a server that has no complaint closes. */
const FRIENDLY: readonly number[] = [1000, 1001, 1005];

export function exitOf(ending: Ending): Exit {
  const { info, wish, wasOpen, missing } = ending;
  switch (wish) {
    case "SIGINT":
    case "SIGTERM":
    case "SIGHUP":
      return { code: SIGNAL_EXITS[wish] };
    case "count":
    case "unread":
      return { code: ASKED };
    case "misuse":
      return { code: MISUSED };
    case "unwritten":
      return { code: LOST };
    case "late":
      if (missing > 0)
        return { code: TOO_LATE, complaint: `--eof-wait is over: ${missing} of --count did not come` };
      break;
  }
  if (!wasOpen) return unconnected(info);
  if (!info.wasClean) return { code: LOST, complaint: info.error?.message ?? "the connection was lost" };
  if (wish !== undefined) return { code: ASKED };
  if (!FRIENDLY.includes(info.code)) return { code: LOST, complaint: closedBy(info) };
  if (missing > 0) return { code: LOST, complaint: `${closedBy(info)}; ${missing} of --count did not come` };
  return { code: ASKED };
}

/** Who closed, and with what. */
export function closedBy({ code, reason }: CloseInfo): string {
  const with_ = code === 1005 ? "without a code" : `with ${code}${nameOf(code)}`;
  return `the server closed ${with_}${reason === "" ? "" : `: ${reason}`}`;
}

const NAMES: Readonly<Record<number, string>> = {
  1000: "normal",
  1001: "going away",
  1002: "protocol error",
  1003: "unsupported data",
  1007: "invalid data",
  1008: "policy violation",
  1009: "message too big",
  1010: "extension missing",
  1011: "internal error",
  1012: "service restart",
  1013: "try again later",
  1014: "bad gateway",
};

function nameOf(code: number): string {
  return NAMES[code] === undefined ? "" : ` (${NAMES[code]})`;
}

function unconnected({ error }: CloseInfo): Exit {
  if (error instanceof UsageError) return { code: MISUSED, complaint: error.message };
  if (error instanceof TimeoutError) return { code: TOO_LATE, complaint: error.message };
  return { code: UNCONNECTED, complaint: `${error?.message ?? "not connected"}${hint(error)}` };
}

/** The flag that may help. */
function hint(error: CloseInfo["error"]): string {
  const { status = 0 } = error instanceof HandshakeError ? error : {};
  if (status >= 300 && status < 400) return "; --follow goes there";
  const isTls = error instanceof TransportError && error.code === "ERR_WS_TLS";
  if (isTls && /cert|self.signed|unable.to/i.test(`${error.message} ${codeOf(error.cause)}`))
    return "; --ca FILE trusts another authority, --nocert anybody";
  return "";
}

function codeOf(cause: unknown): string {
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "";
}

/** A complaint as one line, harmless for a terminal. */
export function complaintLine(message: string): string {
  return `isosocket: ${escaped(message.replace(/\s*\n\s*/g, " "))}`;
}

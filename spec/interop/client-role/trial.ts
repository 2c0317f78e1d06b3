// What a server is tried with, and what may come of it.

import type { Connection } from "../../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../../lib/client/options.ts";
import { HandshakeError } from "../../../lib/errors.ts";
import type { Message } from "../../../lib/protocol/assembler.ts";
import type { Tolerance } from "../../../lib/protocol/tolerance.ts";
import { createConnection } from "../../support/runtime.ts";
import type { Row } from "../rows.ts";

/** Where the servers listen, by the name of each and of each of its ports; and whom to trust. */
export interface Plan {
  readonly ports: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** PEM of the authority that signed their certificate. */
  readonly ca: string;
}

/** What came of a trial that did not fail. */
export type Verdict = Pick<Row, "outcome" | "note">;

/** Rejects where it failed. */
export type Trial = () => Promise<Verdict>;

/** Trials by their case. */
export type Trials = Readonly<Record<string, Trial>>;

export const OK: Verdict = { outcome: "ok", note: "" };

export function ok(note: string): Verdict {
  return { outcome: "ok", note };
}

export function none(note: string): Verdict {
  return { outcome: "none", note };
}

export function tolerated(note: string): Verdict {
  return { outcome: "tolerated", note };
}

/** How long a handshake, a message and a Close frame may each take, in ms. */
export const PATIENCE_MS = 60_000;

export function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

export function isSame(one: Message, other: Message): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** A connection for as long as it is used; it is closed with 1000 by whoever used it, if at all. */
export async function connected<Result>(
  url: string,
  options: ConnectionOptions,
  use: (ws: Connection) => Promise<Result>,
): Promise<Result> {
  const ws = await createConnection(url, {
    timeout: PATIENCE_MS,
    closeTimeout: PATIENCE_MS,
    maxQueue: 10_000,
    ...options,
  });
  try {
    return await use(ws);
  } finally {
    ws.terminate();
  }
}

/** The next message. */
export function next(ws: Connection): Promise<Message> {
  return ws.recv({ timeout: PATIENCE_MS });
}

/** Sends all of them, and sees to it that they come back, in order. */
export async function echoes(ws: Connection, all: readonly Message[]): Promise<void> {
  const send = async () => {
    for (const message of all) await ws.send(message);
  };
  const sent = send();
  for (const [i, message] of all.entries())
    check(isSame(await next(ws), message), `message ${i} came back as another`);
  await sent;
}

/** The answer of a server that does not upgrade. */
export async function refusal(url: string, options: ConnectionOptions = {}): Promise<HandshakeError> {
  try {
    await connected(url, options, async () => {});
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new Error("it opened");
}

/** Options that tolerate, and write down what was. */
export function tolerating(...tolerate: Tolerance[]): { options: ConnectionOptions; warnings: Tolerance[] } {
  const warnings: Tolerance[] = [];
  const trace: ConnectionOptions["trace"] = {
    event: (event) => event.kind === "warning" && warnings.push(event.tolerance),
  };
  return { options: { tolerate, trace }, warnings };
}

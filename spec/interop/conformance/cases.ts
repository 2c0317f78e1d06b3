// All cases, in the order of their classes.

import type { Case } from "./case.ts";
import { CLOSINGS } from "./closing.ts";
import { FRAMING } from "./framing.ts";
import { type Amount, load } from "./load.ts";
import { TEXTS } from "./text.ts";

export type { Amount } from "./load.ts";

/** What suites for WebSocket send in the classes of compression. */
export const FULL: Amount = { messages: 1000, bytes: Number.POSITIVE_INFINITY };

export function casesOf(amount: Amount): readonly Case[] {
  return [...FRAMING, ...TEXTS, ...CLOSINGS, ...load(amount)];
}

// Tables of scenes: what a scripted peer does, and what comes of it, for both shapes of client and over every kind of stream.

import { expect } from "chai";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import type { Use } from "./clean-up.ts";
import { type Script, STREAMS, type Stream, scripted } from "./script.ts";
import { type Act, kindOf, type Outcome, outcome, SHAPES, type Shape, show } from "./script-outcome.ts";

export interface Scene {
  /** Begins with the number of the fault. */
  readonly title: string;
  readonly script: Script;
  /** As endOf() writes it. */
  readonly end: string;
  /** What arrives. Default nothing. */
  readonly messages?: readonly string[];
  readonly options?: ConnectionOptions;
  /** What the client does once it is open. */
  readonly act?: Act;
  readonly streams?: readonly Stream[];
  readonly shapes?: readonly Shape[];
}

/**
 * How it ended, as tables have it: `4000 bye clean, told 4000`, `1006 ProtocolError ERR_WS_PROTOCOL, told 1002`,
 * or `refused HandshakeError ERR_WS_UNEXPECTED_STATUS`.
 */
export function endOf({ refusal, info, told }: Outcome): string {
  if (info === undefined) return `refused ${kindOf(refusal)}`;
  const words = [info.code, info.reason, info.wasClean ? "clean" : "", kindOf(info.error) ?? ""];
  const end = words.filter((word) => word !== "").join(" ");
  return told === undefined ? end : `${end}, told ${told}`;
}

/** A test for each scene, shape and stream. */
export function play(use: Use, scenes: readonly Scene[]): void {
  for (const { title, script, end, messages = [], options, act, ...where } of scenes) {
    for (const stream of where.streams ?? STREAMS) {
      for (const shape of where.shapes ?? SHAPES) {
        it(`${title} (${shape}, ${stream})`, async () => {
          const peer = await scripted(use, script, stream);
          const result = await outcome(shape, peer, options, act);
          expect(endOf(result)).to.equal(end);
          expect(result.messages.map(show)).to.deep.equal(messages);
        });
      }
    }
  }
}

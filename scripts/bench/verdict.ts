// What an outcome says of isosocket: against whom, how many times, what was asked, and whether that is met.

import { type Comparison, compare, type Figures } from "./figures.ts";
import type { Outcome, RuntimeResults } from "./results.ts";
import { type Kind, RIVALS } from "./runtimes.ts";
import { askedOf, targetOf } from "./targets.ts";
import type { Unit } from "./workloads.ts";

export interface Verdict {
  /** Who is compared with whom. */
  readonly whose: string;
  readonly against: string;
  readonly comparison: Comparison;
  /** Undefined where nothing is asked. */
  readonly asked: number | undefined;
  readonly isMet: boolean | undefined;
}

export function isLessBetter(unit: Unit): boolean {
  return unit === "bytes" || unit === "ms";
}

/** The rival that is hardest to beat; at start-up the first one. */
export function rivalIn(
  outcome: Outcome,
  kind: Kind,
  unit: Unit,
): { name: string; figures: Figures } | undefined {
  const rivals = unit === "ms" ? RIVALS[kind].slice(0, 1) : RIVALS[kind];
  const found = rivals.flatMap((name) => {
    const figures = outcome.figures[name];
    return figures === undefined ? [] : [{ name, figures }];
  });
  const sign = isLessBetter(unit) ? 1 : -1;
  return found.sort((one, other) => sign * (one.figures.value - other.figures.value))[0];
}

/** All of them, the one against the rival first; none where isosocket or the rival failed. */
export function verdictsOf(outcome: Outcome, kind: Kind, workload: string, unit: Unit): Verdict[] {
  const ours = outcome.figures.isosocket;
  const rival = rivalIn(outcome, kind, unit);
  const target = targetOf(workload);
  const verdicts: Verdict[] = [];
  const add = (whose: string, against: string, asked: number | undefined) => {
    const [its, other] = [outcome.figures[whose], outcome.figures[against]];
    if (its === undefined || other === undefined) return;
    const comparison = compare(its, other);
    const isMet = asked === undefined ? undefined : isEnough(comparison.decides, asked, unit);
    verdicts.push({ whose, against, comparison, asked, isMet });
  };
  if (rival !== undefined) add("isosocket", rival.name, askedOf(workload, kind));
  add("isosocket", "ws with bufferutil", target.addOn);
  const raw = outcome.figures.raw;
  const rawMost =
    target.rawMore === undefined || raw === undefined ? target.raw : (raw.value + target.rawMore) / raw.value;
  if (ours !== undefined) add("isosocket", "raw", rawMost);
  if (rival !== undefined) add("isosocket recv", rival.name, kind === "node" ? target.recv : undefined);
  return verdicts;
}

/** To two digits behind the point, which is as they are shown. */
function isEnough(ratio: number, asked: number, unit: Unit): boolean {
  const shown = Number(ratio.toFixed(2));
  return isLessBetter(unit) ? shown <= Number(asked.toFixed(2)) : shown >= asked;
}

/** How many of what is asked in a runtime is met, and of how many. */
export function tally(verdicts: readonly Verdict[]): { met: number; asked: number } {
  const asked = verdicts.filter(({ isMet }) => isMet !== undefined);
  return { met: asked.filter(({ isMet }) => isMet).length, asked: asked.length };
}

/** Over TLS nothing is asked. */
export function verdictsOfKey(its: RuntimeResults, key: string, unit: Unit): Verdict[] {
  const outcome = its.workloads[key];
  if (outcome === undefined) return [];
  return verdictsOf(outcome, its.kind, key, unit);
}

/** The one that is shown first: isosocket's against its rival. */
export function mainVerdict(its: RuntimeResults, key: string, unit: Unit): Verdict | undefined {
  const [first] = verdictsOfKey(its, key, unit);
  return first?.whose === "isosocket" && RIVALS[its.kind].includes(first.against) ? first : undefined;
}

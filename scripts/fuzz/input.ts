// Inputs for fuzzing: what is almost right. A good text or frame is edited a few times over: cut, repeated, exchanged, and
// spliced with what parsers stumble over.

import fc from "fast-check";

/** What a target checks of each input; it throws for a fault. */
export interface Target<Input = unknown> {
  readonly name: string;
  readonly inputs: fc.Arbitrary<Input>;
  check(input: Input): void | Promise<void>;
  /** How many times as long as others an input takes: there are the fewer of them. Default 1. */
  readonly weight?: number;
  /** Inputs that once failed, and those that are seldom drawn. */
  readonly rows?: readonly Input[];
}

/** A target whose type of input nobody needs to know. */
export function target<Input>(made: Target<Input>): Target {
  return made as unknown as Target;
}

/** One edit: at a place, so many units are taken out, and something is put in as often. */
type Edit = readonly [place: number, cut: number, put: number, times: number];

const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.nat(),
  fc.oneof(fc.constant(0), fc.nat(3), fc.nat(40)),
  fc.nat(),
  fc.oneof(fc.constant(0), fc.constant(1), fc.constant(1), fc.nat(300)),
);

const edits = fc.array(edit, { maxLength: 5 });

/** One of the texts, edited with these tokens and any other characters. */
export function textLike(texts: readonly string[], tokens: readonly string[]): fc.Arbitrary<string> {
  const odd = [
    " ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\0",
    "\x1b[2J",
    "\x7f",
    "\x80",
    "\xff",
    "%",
    "%00",
    "\u010a",
    "\u20ac",
    "\ud800",
  ];
  const all = [...tokens, ...tokens, ...odd];
  return fc
    .tuple(fc.constantFrom(...texts), edits, fc.string({ unit: "binary", maxLength: 3 }))
    .map(([text, changes, more]) => {
      let edited = text;
      for (const [place, cut, put, times] of changes) {
        const at = place % (edited.length + 1);
        const token = put % 7 === 0 ? more : (all[put % all.length] ?? "");
        edited = edited.slice(0, at) + token.repeat(times) + edited.slice(at + cut);
      }
      return edited.slice(0, 20_000);
    });
}

/** The same of texts whose characters are bytes. */
export function latinLike(texts: readonly string[], tokens: readonly string[]): fc.Arbitrary<string> {
  return textLike(texts, tokens).map((text) => text.replace(/[^\0-\xff]/g, "\xfe"));
}

/** One of the byte strings, edited. */
export function bytesLike(all: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      fc.array(fc.nat(all.length - 1), { minLength: 1, maxLength: 6 }),
      edits,
      fc.uint8Array({ maxLength: 20 }),
    )
    .map(([parts, changes, more]) => {
      let bytes = parts.flatMap((index) => [...(all[index] ?? [])]);
      for (const [place, cut, put, times] of changes) {
        const at = place % (bytes.length + 1);
        const piece = put % 2 === 0 ? [put & 0xff] : [...more];
        const put1 = Array.from({ length: Math.min(times, 50) }, () => piece).flat();
        bytes = [...bytes.slice(0, at), ...put1, ...bytes.slice(at + cut)];
      }
      return Uint8Array.from(bytes.slice(0, 5_000));
    });
}

/** Where to cut: sizes of chunks, over and over. */
export const cuts: fc.Arbitrary<number[]> = fc.array(
  fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3_000 })),
  { minLength: 1, maxLength: 5 },
);

export function chunked(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunks.at(-1)?.length ?? 0) {
    chunks.push(bytes.slice(at, at + (sizes[chunks.length % sizes.length] ?? 1)));
  }
  return chunks;
}

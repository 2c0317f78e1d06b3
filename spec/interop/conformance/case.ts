// What a conformance case is: what a peer sends, what has to come back from something that echoes every message, and how the
// connection has to end. Written from RFC 6455 and RFC 7692 in the classes in which suites for WebSocket have them.

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** Stands for a Close frame without a code. */
export const NO_CODE = 1005;

/** A frame, as wrong as it is wanted; it is masked where a client sends it. */
export interface SentFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly fin: boolean;
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly rsv: number;
  /** It leaves in writes of so many bytes; undefined for one write. */
  readonly chop?: number | undefined;
}

/** What comes back. */
export interface Answer {
  readonly kind: "text" | "binary" | "pong";
  readonly payload: Uint8Array;
}

export interface Message {
  readonly isText: boolean;
  readonly payload: Uint8Array;
  /** The most bytes that a frame of it carries; undefined for one frame. */
  readonly frameSize?: number | undefined;
}

/** What the peer does next. */
export type Step =
  | { readonly frame: SentFrame }
  /** Of a frame the header, if `from` is 0, and payload[from, to). */
  | { readonly part: SentFrame; readonly from: number; readonly to: number }
  /** Frames that leave in one write. */
  | { readonly together: readonly SentFrame[] }
  /** So many answers must have come. */
  | { readonly answers: number }
  /** The connection must be failed before more is sent: where it is not, the case is not strictly passed. */
  | { readonly failed: true }
  /** Sends a message, compressed where that was agreed on, and sees to it that it comes back. */
  | { readonly echo: Message };

/** What is asked for in the handshake; the client's and the server's halves of RFC 7692 §7.1 as the peer wants them. */
export interface Compression {
  /** Asked of who sends to the peer. */
  readonly noContextTakeover: boolean;
  /** Asked of who sends to the peer; undefined for no wish. */
  readonly windowBits?: number | undefined;
  /** A client offers these, too, in this order, in the same header. */
  readonly fallbacks?: readonly Compression[] | undefined;
}

/** Who closes, and with which codes the other may close or answer. */
export interface End {
  readonly by: "peer" | "subject";
  readonly codes: readonly number[];
}

export interface Case {
  /** As "6.4.1": its class comes first. */
  readonly id: string;
  readonly title: string;
  readonly steps: () => Iterable<Step>;
  readonly answers: readonly Answer[];
  /** What else may have come back, where the RFC leaves it open or a suite calls it not strict. */
  readonly otherwise?: { readonly answers: readonly Answer[]; readonly verdict: "ok" | "non-strict" };
  readonly end: End;
  readonly compression?: Compression;
  /** It moves more than a few megabytes. */
  readonly isLarge?: boolean;
}

/** The peer closes with 1000, and that is echoed. */
export const CLEAN: End = { by: "peer", codes: [1000] };

/** The peer is told what it did wrong. */
export const FAILED: End = { by: "subject", codes: [1002] };

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/[^0-9a-f]/g, ""), "hex"));
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === "string" ? utf8(payload) : payload;
}

export function frame(
  opcode: number,
  payload: string | Uint8Array = "",
  options: { fin?: boolean; rsv?: number; chop?: number | undefined } = {},
): SentFrame {
  return { opcode, payload: bytesOf(payload), fin: true, rsv: 0, ...options };
}

/** The payload of a Close frame. */
export function closing(code: number, reason: string | Uint8Array = ""): Uint8Array {
  return joined(Uint8Array.of(code >> 8, code & 0xff), bytesOf(reason));
}

/** A message in fragments. */
export function fragments(
  opcode: number,
  pieces: readonly (string | Uint8Array)[],
  options: { chop?: number } = {},
): SentFrame[] {
  return pieces.map((piece, i) =>
    frame(i === 0 ? opcode : CONTINUATION, piece, { ...options, fin: i === pieces.length - 1 }),
  );
}

/** A payload in pieces of so many bytes. */
export function pieces(payload: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(payload.length / size) }, (_, i) =>
    payload.subarray(i * size, (i + 1) * size),
  );
}

export function answer(kind: Answer["kind"], payload: string | Uint8Array): Answer {
  return { kind, payload: bytesOf(payload) };
}

/** Each frame in a write of its own. */
export function oneByOne(frames: readonly SentFrame[]): Step[] {
  return frames.map((sent) => ({ frame: sent }));
}

/** The same frames in one write, in one for each, and octet by octet. */
export function waysOf(frames: readonly SentFrame[]): { way: string; steps: () => Step[] }[] {
  return [
    { way: "in one write", steps: () => [{ together: frames }] },
    { way: "frame by frame", steps: () => oneByOne(frames) },
    { way: "octet by octet", steps: () => oneByOne(frames.map((sent) => ({ ...sent, chop: 1 }))) },
  ];
}

/** Numbers cases: those of a list get its class and their place in it. */
export function numbered(prefix: string, cases: readonly Omit<Case, "id">[]): Case[] {
  return cases.map((one, i) => ({ ...one, id: `${prefix}.${i + 1}` }));
}

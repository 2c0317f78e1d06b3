// What comes of a talk, however the peer's bytes are cut.

import { expect } from "chai";
import { WebSocketError } from "../../lib/errors.ts";
import { Conversation } from "../../lib/handshake/conversation.ts";
import type { Talk } from "../../lib/handshake/talk.ts";
import { thrown } from "./failure.ts";
import { splits } from "./splits.ts";

/** The bytes of a text whose characters are all below U+0100. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function fromLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** A talk that came to its result, and what the peer said beyond it. */
export interface Heard<Result> {
  readonly result: Result;
  readonly rest: string;
}

/** What comes of the talk when the peer says these chunks and no more. Throws what the talk throws. */
export function hear<Result>(talk: Talk<Result>, chunks: Uint8Array[]): Heard<Result> {
  const conversation = new Conversation(talk);
  conversation.start();
  for (const chunk of chunks) {
    conversation.push(chunk);
    chunk.fill(0xff); // it was only borrowed
  }
  conversation.end();
  return { result: conversation.result, rest: fromLatin1(conversation.rest) };
}

/** As hear(), and it is the same however `said` is cut. */
export function hearAll<Result>(talk: () => Talk<Result>, said: string): Heard<Result> {
  const whole = hear(talk(), [latin1(said)]);
  for (const { title, chunks } of splits(latin1(said))) {
    expect(hear(talk(), chunks), title).to.deep.equal(whole);
  }
  return whole;
}

/** The error that the talk throws; its code is the same however `said` is cut. */
export function refusal<Result>(talk: () => Talk<Result>, said: string): WebSocketError {
  const errors = splits(latin1(said)).map(({ chunks }) => thrown(() => hear(talk(), chunks), WebSocketError));
  const [whole] = errors;
  if (whole === undefined) expect.fail("nothing was said");
  expect(new Set(errors.map(({ code }) => code))).to.deep.equal(new Set([whole.code]));
  return whole;
}

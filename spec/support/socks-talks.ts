// Talks with SOCKS proxies in hex: what they send for what they are told.

import { Conversation } from "../../lib/handshake/conversation.ts";
import type { Talk } from "../../lib/handshake/talk.ts";
import { hex as parse, toHex } from "./hex.ts";

/** Everything that is sent, in hex, with `|` where an answer was waited for; the replies are given one by one. */
export function dialogue(talk: Talk<void>, replies: readonly string[]): string {
  const conversation = new Conversation(talk);
  const sent = [conversation.start()];
  for (const reply of replies) sent.push(conversation.push(parse(reply)));
  return sent
    .map((chunks) => chunks.map(toHex).join(""))
    .filter((hex) => hex !== "")
    .join(" | ");
}

/** The characters for bytes given in hex. */
export function bytes(hex: string): string {
  return String.fromCharCode(...parse(hex));
}

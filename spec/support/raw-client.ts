// A client that does just what a test's script says, byte by byte: for what no library's client would do.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { FrameDecoder } from "../../lib/codec/frame-decoder.ts";
import { encodeHeader } from "../../lib/codec/frame-encoder.ts";
import type { Opcode } from "../../lib/codec/opcode.ts";
import type { Use } from "./clean-up.ts";
import { Queue } from "./queue.ts";
import type { SentFrame } from "./raw-server.ts";

export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The request of a client, with other header lines in the place of those of their names; one without a value goes. */
export function opening(target = "/", ...others: string[]): string {
  const fixed = ["Host: localhost", "Upgrade: websocket", "Connection: Upgrade"];
  const key = [`Sec-WebSocket-Key: ${KEY}`, "Sec-WebSocket-Version: 13"];
  const nameOf = (line: string) => line.slice(0, line.indexOf(":")).toLowerCase();
  const names = others.map(nameOf);
  const kept = [...fixed, ...key].filter((line) => !names.includes(nameOf(line)));
  const added = others.filter((line) => !/^[^:]+:$/.test(line));
  return [`GET ${target} HTTP/1.1`, ...kept, ...added, "", ""].join("\r\n");
}

/** A frame as a client sends it. */
export function masked(
  opcode: Opcode,
  payload: string | Uint8Array = "",
  fin = true,
  key = 0x3d21fa37,
): Buffer {
  const bytes = Buffer.from(payload);
  const mask = Buffer.alloc(4);
  mask.writeInt32LE(key);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ (mask[i % 4] as number);
  return Buffer.concat([encodeHeader(opcode, fin, false, bytes.length, key), bytes]);
}

export interface RawClient {
  readonly socket: Socket;
  /** All that came, as characters. */
  said(): string;
  /** The answer's head, once it is whole; what follows it becomes frames. */
  head(): Promise<string>;
  /** What the server sends behind a head; ends with the connection. */
  readonly frames: Queue<SentFrame>;
  /** Fulfils when the server has ended its side, or all is over. */
  readonly ended: Promise<void>;
  readonly gone: Promise<void>;
  send(opcode: Opcode, payload?: string | Uint8Array, fin?: boolean): void;
  write(bytes: string | Uint8Array): void;
}

export type Place = { readonly port: number } | { readonly path: string };

/** Connects, and says nothing; its own side stays open when the server ends its own. */
export async function rawClient(use: Use, place: Place, isDeaf = false): Promise<RawClient> {
  const to = "port" in place ? { ...place, host: "127.0.0.1" } : place;
  const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
  use({ close: () => void socket.destroy() });
  socket.on("error", () => {}); // what the server does to the connection is no error of the test
  let text = "";
  let rest: Buffer | undefined;
  const heads = new Queue<string>();
  const frames = new Queue<SentFrame>();
  const decoder = new FrameDecoder("client", { allowRsv1: true });
  let parts: Buffer[] = [];
  const decode = (bytes: Buffer) => {
    decoder.push(bytes);
    while (decoder.next()) {
      parts.push(Buffer.from(decoder.bytes.slice(decoder.start, decoder.end)));
      if (!decoder.isLast) continue;
      const { opcode, fin, rsv1 } = decoder;
      frames.push({ opcode, fin, rsv1, payload: Buffer.concat(parts) });
      parts = [];
    }
    decoder.keep();
  };
  const take = (chunk: Buffer) => {
    if (rest !== undefined) {
      decode(chunk);
      return;
    }
    text += chunk.toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) return;
    heads.push(text.slice(0, end));
    if (!text.startsWith("HTTP/1.1 101")) return;
    rest = Buffer.from(text.slice(end + 4), "latin1");
    decode(rest);
  };
  if (isDeaf) socket.pause();
  else socket.on("data", take);
  const gone = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const ended = new Promise<void>((resolve) => socket.on("end", () => resolve()));
  void gone.then(() => {
    frames.end("the server's connection is gone");
    heads.end(`the connection is gone; what came was ${JSON.stringify(text)}`);
  });
  await once(socket, "connect");
  return {
    socket,
    said: () => text,
    head: () => heads.next(),
    frames,
    ended: Promise.race([ended, gone]),
    gone,
    send: (opcode, payload, fin) => void socket.write(masked(opcode, payload, fin)),
    write: (bytes) => void socket.write(bytes),
  };
}

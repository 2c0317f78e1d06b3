// One end of a connection that compresses, with the loop in the test's hand: what it was told, what it wrote, and turns.

import { SlabPool } from "../../lib/bytes/staging.ts";
import { webText } from "../../lib/bytes/utf8.ts";
import { FrameDecoder, type Role } from "../../lib/codec/frame-decoder.ts";
import type { CloseInfo } from "../../lib/errors.ts";
import type { Message } from "../../lib/protocol/assembler.ts";
import { DEFAULT_LIMITS } from "../../lib/protocol/limits.ts";
import { Protocol, type ProtocolOptions, type ProtocolSink } from "../../lib/protocol/protocol.ts";

/** A frame as it crossed the wire. */
export interface WireFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly payload: Uint8Array;
}

export class WireEnd implements ProtocolSink {
  readonly protocol: Protocol;
  readonly messages: Message[] = [];
  /** Pieces, where delivery is not `whole`; the last of a message is followed by "fin". */
  readonly pieces: (Message | "fin")[] = [];
  readonly closes: string[] = [];
  info: CloseInfo | undefined;
  /** How often something was written. */
  writes = 0;
  /** Called for each message and piece. */
  onData: (data: Message) => void = () => {};
  readonly #role: Role;
  #written: Uint8Array[] = [];
  #isDue = false;

  constructor(role: Role, options: Partial<ProtocolOptions>) {
    this.#role = role;
    const complete: ProtocolOptions = {
      ...DEFAULT_LIMITS,
      utf8Validation: true,
      text: webText,
      mask: () => 0x3d21fa37,
      slabs: new SlabPool(),
      ...options,
    };
    this.protocol = new Protocol(role, complete, this);
  }

  /** What was written since the last call. */
  take(): Uint8Array {
    this.protocol.flush();
    const bytes = Buffer.concat(this.#written);
    this.#written = [];
    return new Uint8Array(bytes);
  }

  /** The frames in what was written since the last call. */
  frames(): WireFrame[] {
    const decoder = new FrameDecoder(this.#role === "client" ? "server" : "client", { allowRsv1: true });
    const frames: WireFrame[] = [];
    let parts: Uint8Array[] = [];
    decoder.push(this.take());
    while (decoder.next()) {
      parts.push(decoder.bytes.slice(decoder.start, decoder.end));
      if (!decoder.isLast) continue;
      const { opcode, fin, rsv1 } = decoder;
      frames.push({ opcode, fin, rsv1, payload: new Uint8Array(Buffer.concat(parts)) });
      parts = [];
    }
    return frames;
  }

  /** A turn of the loop, if it is asked for; whether it was. */
  turn(): boolean {
    const was = this.#isDue;
    this.#isDue = false;
    if (was) this.protocol.proceed();
    return was;
  }

  /** All the turns that are asked for; how many. */
  settle(): number {
    let turns = 0;
    while (this.turn()) turns++;
    return turns;
  }

  write(bytes: Uint8Array): boolean {
    this.#written.push(bytes.slice());
    this.writes++;
    return true;
  }

  staged(): void {}

  rest(): void {
    this.#isDue = true;
  }

  message(data: Message): void {
    this.messages.push(data);
    this.onData(data);
  }

  piece(data: Message, _opcode: number, fin: boolean): void {
    this.pieces.push(data);
    if (fin) this.pieces.push("fin");
    this.onData(data);
  }

  pinged(): void {}

  ponged(): void {}

  closing(): void {
    this.closes.push(this.protocol.isShaken ? "shaken" : this.protocol.isFailed ? "failed" : "begun");
  }

  ended(info: CloseInfo): void {
    this.info = info;
  }
}

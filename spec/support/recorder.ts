// A protocol whose every call to its sink is written down, for tables of bytes in and events out.

import { SlabPool } from "../../lib/bytes/staging.ts";
import { webText } from "../../lib/bytes/utf8.ts";
import type { Role } from "../../lib/codec/frame-decoder.ts";
import { DEFAULT_LIMITS } from "../../lib/protocol/limits.ts";
import { Protocol, type ProtocolOptions, type ProtocolSink } from "../../lib/protocol/protocol.ts";
import { toHex } from "./hex.ts";

/** The mask key of every frame that a recorded client sends: bytes 37 fa 21 3d, as in RFC 6455 §5.7. */
export const KEY = 0x3d21fa37;

export interface Recorded {
  readonly protocol: Protocol;
  /** `message "text"`, `message 0a0b`, `piece "text" 1 fin`, `ping 00`, `pong 00`, `closing`, `ended 1000 clean`, ... */
  readonly events: string[];
  /** Everything that was written, in hex; call protocol.flush() before. */
  written(): string;
  /** A turn of the loop, if the protocol asked for one; whether it did. */
  turn(): boolean;
}

export function record(
  role: Role,
  options: Partial<ProtocolOptions> = {},
  sink: Partial<ProtocolSink> = {},
): Recorded {
  const events: string[] = [];
  let output = "";
  let pending = false;
  const show = (data: string | Uint8Array) => (typeof data === "string" ? JSON.stringify(data) : toHex(data));
  const recording: ProtocolSink = {
    write(bytes, release) {
      output += toHex(bytes);
      return sink.write?.(bytes, release) ?? true;
    },
    staged() {
      sink.staged?.();
    },
    rest() {
      pending = true;
      sink.rest?.();
    },
    message(data) {
      events.push(`message ${show(data)}`);
      sink.message?.(data);
    },
    piece(data, opcode, fin) {
      events.push(`piece ${show(data)} ${opcode}${fin ? " fin" : ""}`);
      sink.piece?.(data, opcode, fin);
    },
    pinged(payload) {
      events.push(`ping ${toHex(payload)}`);
      sink.pinged?.(payload);
    },
    ponged(payload) {
      events.push(`pong ${toHex(payload)}`);
      sink.ponged?.(payload);
    },
    closing() {
      events.push("closing");
      sink.closing?.();
    },
    ended(info) {
      const error = info.error === undefined ? "" : ` ${info.error.code}`;
      events.push(
        `ended ${info.code}${info.reason && ` ${info.reason}`}${info.wasClean ? " clean" : ""}${error}`,
      );
      sink.ended?.(info);
    },
  };
  const complete: ProtocolOptions = {
    ...DEFAULT_LIMITS,
    utf8Validation: true,
    text: webText,
    mask: () => KEY,
    slabs: new SlabPool(),
    ...options,
  };
  const protocol = new Protocol(role, complete, recording);
  return {
    protocol,
    events,
    written: () => output,
    turn() {
      const was = pending;
      pending = false;
      if (was) protocol.proceed();
      return was;
    },
  };
}

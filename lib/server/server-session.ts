// A session in the server's role, which can send what was encoded for many. (hot)

import type { TextCodec } from "../bytes/utf8.ts";
import { type CloseInfo, WebSocketError } from "../errors.ts";
import type { DeflateOptions } from "../protocol/compression.ts";
import { onAbort } from "../session/abort-listeners.ts";
import type { Trace } from "../session/trace.ts";
import { type Opened, type WireOptions, WireSession } from "../session/wire.ts";
import type { Platform, Transport } from "../transport/transport.ts";
import type { PreparedMessage } from "./prepared-message.ts";

/** From this size on shared bytes are written as they are; below it, joining writes saves more than the copy costs. */
const SHARED_BYTES = 16 * 1024;

export class ServerSession extends WireSession {
  private readonly deflate: DeflateOptions | undefined;
  private readonly text: TextCodec;
  private readonly isTraced: boolean;
  private readonly callOff: (() => void) | undefined;

  constructor(
    platform: Platform,
    transport: Transport,
    opened: Opened,
    options: WireOptions,
    trace: Trace | undefined,
  ) {
    super(platform, transport, opened, { ...options, signal: undefined }, trace);
    const { deflate: agreement } = opened;
    const settings = options.perMessageDeflate;
    this.deflate = agreement && settings && { ...settings, agreement, zlib: platform.zlib };
    this.text = platform.text;
    this.isTraced = trace !== undefined;
    const { signal } = options;
    if (signal === undefined) return;
    this.callOff = onAbort(signal, () => {
      const { reason: cause } = signal;
      this.destroy(new WebSocketError("ERR_WS_ABORTED", "the signal was aborted", { cause }));
    });
  }

  override ended(info: CloseInfo): void {
    this.callOff?.();
    super.ended(info);
  }

  /** Sends a message; false where it has to go the way of all others. Only when open. */
  sendPrepared(message: PreparedMessage, compress: boolean): boolean {
    const { wire } = this;
    if (wire.isSending) return false; // what waits to be compressed goes before it
    const prepared = message.framesFor(compress ? this.deflate : undefined, this.text);
    if (prepared === undefined) return false;
    if (prepared.length < SHARED_BYTES || this.isTraced) {
      for (const { opcode, payload, fin, rsv1 } of prepared.frames) wire.frame(opcode, payload, fin, rsv1);
    } else {
      wire.flush();
      this.write(prepared.bytes);
    }
    return true;
  }
}

// The closing handshake (RFC 6455 §5.5.1, §7.1): which Close frames went each way, what went wrong, and what that tells of how
// the connection ended. Who sends and reads them is the protocol.

import type { TextCodec } from "../bytes/utf8.ts";
import { ABNORMAL_CLOSURE, decodeClose } from "../codec/close-code.ts";
import type { CloseFrame, CloseInfo, WebSocketError } from "../errors.ts";
import { type ToleranceOptions, tolerates } from "./tolerance.ts";

export class Closing {
  sent: CloseFrame | undefined;
  received: CloseFrame | undefined;
  /** Goes out behind what waits to be compressed. */
  waiting: CloseFrame | undefined;
  /** The fault of the peer for which the connection failed. */
  failure: WebSocketError | undefined;
  /** What came as the answer to our Close frame could not be read; our own stands for it. */
  private isAnswerMalformed = false;

  /** A Close frame goes out, or will. */
  get isBegun(): boolean {
    return this.sent !== undefined || this.waiting !== undefined;
  }

  /** Both Close frames are through: the stream can end. */
  get isShaken(): boolean {
    return this.sent !== undefined && this.received !== undefined;
  }

  /** What a Close frame of the peer says: bytes[start, end). Throws ProtocolError. */
  decode(
    { bytes, start, end }: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
    text: TextCodec,
    tolerances: ToleranceOptions,
  ): CloseFrame {
    try {
      return decodeClose(bytes, start, end, text);
    } catch (error) {
      if (!this.sent || !tolerates("malformedCloseAfterLocalClose", tolerances)) throw error;
      this.isAnswerMalformed = true;
      return this.sent;
    }
  }

  /** How the connection ended; `cause`: why the stream did. */
  info(cause: WebSocketError | undefined): CloseInfo {
    const { sent, received, isShaken } = this;
    // After both Close frames a reset is as good an end of TCP as any.
    const error = this.failure ?? (isShaken ? undefined : cause);
    return {
      code: isShaken && received !== undefined ? received.code : ABNORMAL_CLOSURE,
      reason: isShaken && received !== undefined ? received.reason : "",
      wasClean: isShaken && !this.isAnswerMalformed,
      ...(sent && { sent }),
      ...(received && !this.isAnswerMalformed && { received }),
      ...(error && { error }),
    };
  }
}

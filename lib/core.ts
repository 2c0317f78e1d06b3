// Codec, protocol and handshake for people with their own streams of bytes: no I/O, any runtime, both roles.

export { maskInPlace, rotateKey, type Slab, slabOf } from "./bytes/mask.ts";
export { type MaskSource, randomMask } from "./bytes/random.ts";
export { SlabPool, type StagedWrite, Staging } from "./bytes/staging.ts";
export { type TextCodec, webText } from "./bytes/utf8.ts";
export * from "./codec/close-code.ts";
export { FrameDecoder, type Role } from "./codec/frame-decoder.ts";
export { encodeFrame, encodeHeader, encodeText } from "./codec/frame-encoder.ts";
export * from "./codec/opcode.ts";
export * from "./errors.ts";
export { Conversation } from "./handshake/conversation.ts";
export type { ResponseHead } from "./handshake/http.ts";
export type { Ask, Talk } from "./handshake/talk.ts";
export {
  type Agreement,
  type Answer,
  acceptKey,
  checkUpgrade,
  formatUpgrade,
  type UpgradeRequest,
  upgradeClient,
} from "./handshake/upgrade-client.ts";
export type { AssemblerOptions, Delivery, Message } from "./protocol/assembler.ts";
export { DEFAULT_LIMITS, type Limits } from "./protocol/limits.ts";
export {
  type FrameObserver,
  Protocol,
  type ProtocolOptions,
  type ProtocolSink,
  type ProtocolState,
} from "./protocol/protocol.ts";

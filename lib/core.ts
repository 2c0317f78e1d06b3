// The kit: codec, protocol and handshake for people with their own streams of bytes, in both roles and any runtime. It does
// no I/O; docs/core.md shows how its parts are put together. The lists go from the bytes up.

// Bytes.
export type { Allocate } from "./bytes/allocate.ts";
export { escapeControls } from "./bytes/escape.ts";
export { maskInPlace, rotateKey, type Slab, slabOf } from "./bytes/mask.ts";
export { type MaskSource, randomMask } from "./bytes/random.ts";
export { SlabPool, type StagedWrite, Staging } from "./bytes/staging.ts";
export { type TextCodec, webText } from "./bytes/utf8.ts";

// Frames.
export * from "./codec/close-code.ts";
export { describeDecoded, describeRaw, type Frame } from "./codec/describe.ts";
export { type FrameBytesOptions, frameBytes } from "./codec/frame-bytes.ts";
export { type DecoderOptions, FrameDecoder, type Role } from "./codec/frame-decoder.ts";
export { encodeFrame, encodeHeader, encodeText } from "./codec/frame-encoder.ts";
export * from "./codec/opcode.ts";
export * from "./errors.ts";

// Handshakes.
export { Conversation } from "./handshake/conversation.ts";
export {
  acceptDeflate,
  type DeflateRequest,
  offerDeflate,
  readDeflateAnswer,
} from "./handshake/deflate-offer.ts";
export { type ResponseHead, readHead } from "./handshake/http.ts";
export { formatRefusal, type RefusalAnswer, RefusalError } from "./handshake/refusal.ts";
export {
  type Accepted,
  readRequest,
  type UpgradeServerOptions,
  upgradeServer,
} from "./handshake/server-talk.ts";
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
export {
  type Acceptance,
  acceptHeaders,
  agreedProtocol,
  checkOpening,
  formatAccept,
  type OpeningRequest,
  type RequestHead,
} from "./handshake/upgrade-server.ts";

// Messages.
export type { AssemblerOptions, Delivery, Message } from "./protocol/assembler.ts";
export {
  CORRUPT,
  type DeflateAgreement,
  type DeflateOptions,
  type DeflateSettings,
  type RawDeflate,
  type RawInflate,
  storedBlock,
  TAIL,
  TOO_MUCH,
  type Zlib,
} from "./protocol/compression.ts";
export { protocolOptions } from "./protocol/defaults.ts";
export type { FrameWriterOptions, FrameWriterSink, SentObserver } from "./protocol/frame-writer.ts";
export { History } from "./protocol/history.ts";
export { DEFAULT_LIMITS, type Limits } from "./protocol/limits.ts";
export {
  type FrameObserver,
  Protocol,
  type ProtocolOptions,
  type ProtocolSink,
  type ProtocolState,
} from "./protocol/protocol.ts";
export type { Tolerance, ToleranceOptions } from "./protocol/tolerance.ts";

// Recordings.
export { type HarEntry, type HarField, type HarWebSocketMessage, harEntries } from "./session/har.ts";
export { type RecordOptions, type RecordSink, record } from "./session/record.ts";
export type { RecordedEvent, Recording } from "./session/recording.ts";
export { type ReplayOptions, replay } from "./session/replay.ts";

// Transports for the option `transport`.
export { type MemoryPipe, type MemoryPipeOptions, memoryPipe } from "./transport/memory.ts";
export type { TransportOption, TransportRequest, TransportSource } from "./transport/source.ts";
export { type ByteStreams, overStreams } from "./transport/streams.ts";
export type { Transport, TransportSink } from "./transport/transport.ts";

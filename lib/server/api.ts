// What every entry of the server exports besides its own accept() and serve().

export type {
  CloseOptions,
  Connection,
  ConnectionResponse,
  SendOptions,
  SendStreamOptions,
} from "../client/connection.ts";
export type { PerMessageDeflateOptions } from "../client/deflate-option.ts";
export { enableTrace, type TraceOption } from "../client/enable-trace.ts";
export type { RecvOptions } from "../client/inbox.ts";
export type { KeepAliveOptions } from "../client/keep-alive.ts";
export type { MessageStream } from "../client/message-stream.ts";
export type { HeadersSource } from "../client/options.ts";
export type { StreamSource } from "../client/outgoing-stream.ts";
export type { Sendable } from "../client/sendable.ts";
export * from "../errors.ts";
export { type RefusalAnswer, RefusalError } from "../handshake/refusal.ts";
export type { Message } from "../protocol/assembler.ts";
export type { ProtocolState } from "../protocol/protocol.ts";
export type { TraceSink } from "../session/trace.ts";
export type {
  TraceContext,
  TracedFrame,
  TracedHead,
  TracedNote,
  TraceEvent,
} from "../session/trace-event.ts";
export type {
  HttpServer,
  IncomingRequest,
  IncomingSocket,
  ServeTlsOptions,
  UpgradeListener,
} from "../transport/host.ts";
export type { TransportSource } from "../transport/source.ts";
export type { ByteStreams } from "../transport/streams.ts";
export type { TlsMaterial, TlsVersion } from "../transport/transport.ts";
export type { Accept } from "./accept.ts";
export type { AcceptOptions } from "./accept-options.ts";
export type { AcceptOver, AcceptOverOptions } from "./accept-over.ts";
export type { AcceptedConnection } from "./accepted-connection.ts";
export {
  type BroadcastOptions,
  ConnectionGroup,
  type GroupOptions,
  type SlowMember,
} from "./connection-group.ts";
export type { ConnectionRequest } from "./connection-request.ts";
export type { Serve, WebSocketServer } from "./serve.ts";
export type { ServeOptions } from "./serve-options.ts";

// What every entry exports besides its own createConnection, WebSocketApp and createClient.

export type { App, AppOptions, RunOptions, WebSocketAppConstructor } from "./client/app.ts";
export type { AppCallbacks } from "./client/callbacks.ts";
export type { Client, CreateClient } from "./client/client.ts";
export type {
  CloseOptions,
  Connection,
  ConnectionResponse,
  CreateConnection,
  SendStreamOptions,
} from "./client/connection.ts";
export { enableTrace, type TraceOption } from "./client/enable-trace.ts";
export type { RecvOptions } from "./client/inbox.ts";
export type { MessageStream } from "./client/message-stream.ts";
export type { ConnectionOptions, HeadersSource, Provider } from "./client/options.ts";
export type { StreamSource } from "./client/outgoing-stream.ts";
export type { Sendable } from "./client/sendable.ts";
export * from "./errors.ts";
export type { Message } from "./protocol/assembler.ts";
export type { ProtocolState } from "./protocol/protocol.ts";
export type { TraceSink } from "./session/trace.ts";
export type { TlsMaterial, TlsOptions } from "./transport/transport.ts";

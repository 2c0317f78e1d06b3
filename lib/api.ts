// What every entry exports besides its own createConnection, WebSocketApp and createClient.

export type { App, AppOptions, RunOptions, WebSocketAppConstructor } from "./client/app.ts";
export type { ReconnectOptions } from "./client/backoff.ts";
export type { AppCallbacks } from "./client/callbacks.ts";
export type { Client, CreateClient } from "./client/client.ts";
export type {
  CloseOptions,
  Connection,
  ConnectionResponse,
  CreateConnection,
  SendOptions,
  SendStreamOptions,
} from "./client/connection.ts";
export { CookieJar, type CookieJarOptions } from "./client/cookie-jar.ts";
export type { CookiesOption, ToughCookieJar } from "./client/cookies.ts";
export type { PerMessageDeflateOptions } from "./client/deflate-option.ts";
export { enableTrace, type TraceOption } from "./client/enable-trace.ts";
export type { RecvOptions } from "./client/inbox.ts";
export type { KeepAliveOptions } from "./client/keep-alive.ts";
export type { MessageStream } from "./client/message-stream.ts";
export type { ConnectionOptions, HeadersSource, Provider } from "./client/options.ts";
export type { DropReason, OutboxOptions } from "./client/outbox.ts";
export type { StreamSource } from "./client/outgoing-stream.ts";
export type { ProxyOption, ProxyOptions } from "./client/proxy-option.ts";
export type { Sendable } from "./client/sendable.ts";
export type { Cookie } from "./client/set-cookie.ts";
export * from "./errors.ts";
export type { Message } from "./protocol/assembler.ts";
export type { ProtocolState } from "./protocol/protocol.ts";
export type { Tolerance } from "./protocol/tolerance.ts";
export type { CookieStore } from "./session/cookies.ts";
export type { TraceSink } from "./session/trace.ts";
export type {
  TraceContext,
  TracedFrame,
  TracedHead,
  TracedNote,
  TracedWarning,
  TraceEvent,
} from "./session/trace-event.ts";
export type { TransportOption, TransportRequest, TransportSource } from "./transport/source.ts";
export type { ByteStreams } from "./transport/streams.ts";
export type {
  ServerCertificate,
  TlsMaterial,
  TlsOptions,
  TlsVersion,
  Transport,
  TransportSink,
} from "./transport/transport.ts";

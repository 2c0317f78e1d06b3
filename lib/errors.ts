// Every error that this library throws, rejects with or reports, and the account of how a connection ended.
// A class exists only where a caller would catch it differently; what happened exactly is in `code` and the
// data of the class. Abort is not among them: what a signal aborts rejects with the signal's own reason.
// Imports nothing.

/** Stable names of what went wrong; messages may change between versions, these do not. */
export type ErrorCode =
  | "ERR_WS_INVALID_URL"
  | "ERR_WS_INVALID_ARGUMENT"
  | "ERR_WS_UNKNOWN_OPTION"
  | "ERR_WS_UNSUPPORTED"
  | "ERR_WS_INVALID_STATE"
  | "ERR_WS_PROTOCOL"
  | "ERR_WS_INVALID_UTF8"
  | "ERR_WS_INVALID_DEFLATE"
  | "ERR_WS_INVALID_RESPONSE"
  | "ERR_WS_UNEXPECTED_STATUS"
  | "ERR_WS_MESSAGE_TOO_BIG"
  | "ERR_WS_TOO_MANY_FRAGMENTS"
  | "ERR_WS_HEADERS_TOO_BIG"
  | "ERR_WS_BACKPRESSURE"
  | "ERR_WS_PROXY"
  | "ERR_WS_PROXY_AUTH"
  | "ERR_WS_TIMEOUT"
  | "ERR_WS_DNS"
  | "ERR_WS_CONNECT"
  | "ERR_WS_TLS"
  | "ERR_WS_TRANSPORT"
  | "ERR_WS_CLOSED"
  | "ERR_WS_ABORTED"
  | "ERR_WS_CALLBACK";

/** What every error of this library is. */
export class WebSocketError extends Error {
  static {
    WebSocketError.prototype.name = "WebSocketError";
  }

  /** What went wrong, for programs: stable, where the message is for people. */
  readonly code: ErrorCode;
  /** Where it happened, without credentials and query values; undefined where no connection is concerned. */
  url: string | undefined = undefined;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }

  /**
   * Says in the message to which url it happened. The codec raises errors without knowing of urls; the session
   * adds its own here, once. The stack repeats the message, so it is mended too.
   */
  locate(url: string): this {
    if (this.url !== undefined || url === "") return this;
    this.url = url;
    const located = `${this.message} [${url}]`;
    // A replacer function, as a `$` in the message would be a pattern in a replacement string.
    if (this.stack !== undefined) this.stack = this.stack.replace(this.message, () => located);
    this.message = located;
    return this;
  }
}

/** The caller's mistake: a wrong argument, option, url or state. Nothing was sent because of it. */
export class UsageError extends WebSocketError {
  static {
    UsageError.prototype.name = "UsageError";
  }

  constructor(
    message: string,
    code:
      | "ERR_WS_INVALID_URL"
      | "ERR_WS_INVALID_ARGUMENT"
      | "ERR_WS_UNKNOWN_OPTION"
      | "ERR_WS_UNSUPPORTED"
      | "ERR_WS_INVALID_STATE" = "ERR_WS_INVALID_ARGUMENT",
    options?: { cause?: unknown },
  ) {
    super(code, message, options);
  }
}

/** The peer broke RFC 6455 or 7692; `closeCode` is what it was told (1002, or 1007 for what is not UTF-8, or not DEFLATE). */
export class ProtocolError extends WebSocketError {
  static {
    ProtocolError.prototype.name = "ProtocolError";
  }

  /** The code with which the connection was closed for it (RFC 6455 §7.4.1). */
  readonly closeCode: number;

  constructor(
    message: string,
    closeCode = 1002,
    code: ErrorCode = closeCode === 1007 ? "ERR_WS_INVALID_UTF8" : "ERR_WS_PROTOCOL",
  ) {
    super(code, message);
    this.closeCode = closeCode;
  }
}

/** Something was larger than an option allows: `limit` names the option, `actual` is the size that broke it. */
export class LimitError extends WebSocketError {
  static {
    LimitError.prototype.name = "LimitError";
  }

  /** Name of the option that set the limit. */
  readonly limit: string;
  /** Size that was met, in the unit of the option; a bigint where it exceeds 2^53 - 1. */
  readonly actual: number | bigint;
  /** What the peer was told; undefined where the limit is not about what it sent. */
  readonly closeCode: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    data: { limit: string; actual: number | bigint; closeCode?: number },
  ) {
    super(code, message);
    this.limit = data.limit;
    this.actual = data.actual;
    this.closeCode = data.closeCode;
  }
}

/** A list of header fields in the order and spelling in which they crossed the wire. */
export type RawHeaders = readonly (readonly [name: string, value: string])[];

/** The server's answer was not the upgrade that was asked for. Codes `ERR_WS_UNEXPECTED_STATUS`, `ERR_WS_INVALID_RESPONSE`. */
export class HandshakeError extends WebSocketError {
  static {
    HandshakeError.prototype.name = "HandshakeError";
  }

  /** HTTP status; undefined when the answer was not HTTP or ended before its status. */
  readonly status: number | undefined;
  // The rest is not shown when the error is printed: there are cookies in it, and what the peer likes to put on terminals.
  readonly #statusText: string;
  readonly #rawHeaders: RawHeaders;
  readonly #body: string;
  #headers: Headers | undefined;

  constructor(
    code: "ERR_WS_UNEXPECTED_STATUS" | "ERR_WS_INVALID_RESPONSE",
    message: string,
    response: { status?: number; statusText?: string; rawHeaders?: RawHeaders; body?: string } = {},
    options?: { cause?: unknown },
  ) {
    super(code, message, options);
    this.status = response.status;
    this.#statusText = response.statusText ?? "";
    this.#rawHeaders = response.rawHeaders ?? [];
    this.#body = response.body ?? "";
  }

  /** The reason phrase behind the status; "" for none. */
  get statusText(): string {
    return this.#statusText;
  }

  /** The answer's header fields in the order and spelling in which they came; not shown when the error is printed. */
  get rawHeaders(): RawHeaders {
    return this.#rawHeaders;
  }

  /** Up to 64 KiB of the answer's body, decoded as UTF-8 with U+FFFD for what is not. */
  get body(): string {
    return this.#body;
  }

  /** The same as a Headers, made when it is first asked for. */
  get headers(): Headers {
    this.#headers ??= new Headers(this.#rawHeaders.map(([name, value]): [string, string] => [name, value]));
    return this.#headers;
  }
}

/**
 * A proxy could not be reached, refused, failed or did not speak its protocol; the server behind it was not reached. Codes
 * `ERR_WS_PROXY`, and `ERR_WS_PROXY_AUTH` where it wants a login, or another one.
 */
export class ProxyError extends WebSocketError {
  static {
    ProxyError.prototype.name = "ProxyError";
  }

  /** The proxy's url, without credentials. */
  readonly proxy: string;
  /** The proxy's HTTP status or SOCKS reply; undefined when there was none. */
  readonly status: number | undefined;
  // As for HandshakeError, the rest is not shown when the error is printed.
  readonly #answer: { readonly statusText: string; readonly rawHeaders: RawHeaders; readonly body: string };
  #headers: Headers | undefined;

  constructor(
    message: string,
    data: {
      proxy?: string;
      status?: number | undefined;
      statusText?: string;
      rawHeaders?: RawHeaders;
      body?: string;
      code?: "ERR_WS_PROXY" | "ERR_WS_PROXY_AUTH";
      cause?: unknown;
    } = {},
  ) {
    super(data.code ?? "ERR_WS_PROXY", message, data);
    this.proxy = data.proxy ?? "";
    this.status = data.status;
    const { statusText = "", rawHeaders = [], body = "" } = data;
    this.#answer = { statusText, rawHeaders, body };
  }

  /** The reason phrase of the proxy's answer; "" for none. */
  get statusText(): string {
    return this.#answer.statusText;
  }

  /** Its header fields in the order and spelling in which they came; not shown when the error is printed. */
  get rawHeaders(): RawHeaders {
    return this.#answer.rawHeaders;
  }

  /** Up to 64 KiB of the answer's body, decoded as UTF-8 with U+FFFD for what is not. */
  get body(): string {
    return this.#answer.body;
  }

  /** The same as a Headers, made when it is first asked for. */
  get headers(): Headers {
    this.#headers ??= new Headers(this.rawHeaders.map(([name, value]): [string, string] => [name, value]));
    return this.#headers;
  }
}

/** What was being waited for when a deadline passed. */
export type Phase = "headers" | "dns" | "connect" | "tls" | "proxy" | "handshake" | "recv" | "ping" | "close";

/** A deadline passed: `phase` says while waiting for what, `ms` how long it was. */
export class TimeoutError extends WebSocketError {
  static {
    TimeoutError.prototype.name = "TimeoutError";
  }

  /** What was waited for. */
  readonly phase: Phase;
  /** How long the deadline was, in ms. */
  readonly ms: number;

  constructor(phase: Phase, ms: number, message: string) {
    super("ERR_WS_TIMEOUT", message);
    this.phase = phase;
    this.ms = ms;
  }
}

/** The network failed: name resolution, TCP, TLS, or a reset. `cause` is the runtime's own error. */
export class TransportError extends WebSocketError {
  static {
    TransportError.prototype.name = "TransportError";
  }

  constructor(
    code: "ERR_WS_DNS" | "ERR_WS_CONNECT" | "ERR_WS_TLS" | "ERR_WS_TRANSPORT",
    message: string,
    options?: { cause?: unknown },
  ) {
    super(code, message, options);
  }
}

/** A Close frame's content (RFC 6455 §5.5.1). */
export interface CloseFrame {
  /** 1005 when the frame carried none. */
  readonly code: number;
  /** "" when it gave none; at most 123 bytes of UTF-8. As the peer sent it: escape it before you show it. */
  readonly reason: string;
}

/** How a connection ended. */
export interface CloseInfo {
  /**
   * The peer's code; 1005 when its Close frame had none, 1006 when there was no closing handshake; ours when the peer's answer
   * to it was malformed, and that is tolerated.
   */
  readonly code: number;
  /** The peer's reason; "" when it gave none. As it was sent: escape it before you show it. */
  readonly reason: string;
  /** Both sides sent a Close frame, and nothing was wrong before. */
  readonly wasClean: boolean;
  /** The Close frame that went out. */
  readonly sent?: CloseFrame;
  /** The Close frame that came in. */
  readonly received?: CloseFrame;
  /** Why, where it was neither side's wish. */
  readonly error?: WebSocketError;
  /** Where a WebSocketApp is going to connect again: which attempt in a row that will be, and in how many ms. */
  readonly retry?: { readonly attempt: number; readonly delay: number };
}

/** The connection is closed, or was before what was asked of it could be done; `info` tells how it ended. */
export class ClosedError extends WebSocketError {
  static {
    ClosedError.prototype.name = "ClosedError";
  }

  /** How the connection ended; undefined where there was none yet. */
  readonly info: CloseInfo | undefined;

  /** `url` is said at once: to mend the stack later costs as much as a connection, and each connection may have one of these. */
  constructor(message: string, info?: CloseInfo, url = "") {
    super("ERR_WS_CLOSED", url === "" ? message : `${message} [${url}]`, { cause: info?.error });
    this.info = info;
    if (url !== "") this.url = url;
  }
}

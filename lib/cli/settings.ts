// What a command line asks for, before any file is read: flags and their values, checked and in the library's units.

export interface Settings {
  readonly url: string;

  /** `Name: value`, or `@file` with one such line each. */
  readonly headers: readonly string[];
  readonly protocols: readonly string[];
  readonly origin: string | undefined;
  readonly host: string | undefined;
  /** `a=1; b=2`, or `@file`. */
  readonly cookie: string | undefined;
  readonly connectTo: { readonly host: string; readonly port: number } | undefined;
  readonly socketPath: string | undefined;
  readonly family: 4 | 6 | undefined;
  /** False for none, undefined for what the environment says. */
  readonly proxy: string | false | undefined;
  readonly follow: boolean;
  /** Ms of the least wait, or true for the library's own. */
  readonly reconnect: number | true | undefined;
  /** Ms between pings. */
  readonly ping: number | undefined;
  /** Ms; 0 for none. */
  readonly timeout: number | undefined;
  readonly compress: boolean;
  /** Bytes. */
  readonly maxSize: number | undefined;

  /** Whether certificates are verified. */
  readonly verify: boolean;
  /** Files, as the next three are. */
  readonly ca: readonly string[];
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly passphraseFile: string | undefined;
  readonly servername: string | undefined;
  readonly pins: readonly string[];

  /** Sent before any input. */
  readonly texts: readonly string[];
  /** Input makes binary messages. */
  readonly binary: boolean;
  /** Input is hex digits. */
  readonly hex: boolean;
  /** All of the input is one message; else each line is. */
  readonly whole: boolean;
  /** Ms from the end of input to our Close frame, Infinity for none ever; undefined: once the peer has fallen silent. */
  readonly eofWait: number | undefined;
  readonly close: { readonly code: number; readonly reason: string } | undefined;

  /** Messages to receive before we close. */
  readonly count: number | undefined;
  readonly raw: boolean;
  readonly json: boolean;
  readonly timings: boolean;
  readonly trace: boolean;
  /** Files: where what crosses the wire is written, and what is played in the place of a server. */
  readonly record: string | undefined;
  readonly replay: string | undefined;
  /** 0 for messages alone, 1 for whatever is received. */
  readonly verbosity: number;
}

/** What a command line without flags asks for. */
export function settingsFor(url: string): Settings {
  return {
    url,
    headers: [],
    protocols: [],
    origin: undefined,
    host: undefined,
    cookie: undefined,
    connectTo: undefined,
    socketPath: undefined,
    family: undefined,
    proxy: undefined,
    follow: false,
    reconnect: undefined,
    ping: undefined,
    timeout: undefined,
    compress: false,
    maxSize: undefined,
    verify: true,
    ca: [],
    cert: undefined,
    key: undefined,
    passphraseFile: undefined,
    servername: undefined,
    pins: [],
    texts: [],
    binary: false,
    hex: false,
    whole: false,
    eofWait: undefined,
    close: undefined,
    count: undefined,
    raw: false,
    json: false,
    timings: false,
    trace: false,
    record: undefined,
    replay: undefined,
    verbosity: 0,
  };
}

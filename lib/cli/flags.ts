// The flags: one table, from which the command line is read and the help is written.

import { UsageError } from "../errors.ts";
import type { Settings } from "./settings.ts";
import { closing, place, positive, seconds, secondsOrForever, size, someSeconds } from "./values.ts";

export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** Other names, for those who come from other tools; the help leaves out those of `hidden`. */
  readonly also?: readonly string[];
  readonly hidden?: readonly string[];
  /** What its value is called, in brackets where it may be left out; absent for a flag without one. */
  readonly value?: string;
  /** What the help says. */
  readonly text: string;
  /** What it changes; `value` is "" where there is none, `given` the flag's name as it was given. Throws UsageError. */
  change(value: string, given: string, settings: Settings): Partial<Settings>;
}

const CONNECTING: readonly Flag[] = [
  {
    name: "header",
    short: "H",
    value: "FIELD",
    text: "send the header field 'Name: value'; @FILE has one a line. May be repeated",
    change: (value, _given, { headers }) => ({ headers: [...headers, value] }),
  },
  {
    name: "headers",
    value: "FIELDS",
    text: "the same for several fields with commas between them",
    change: (value, _given, { headers }) => ({ headers: [...headers, ...listOf(value)] }),
  },
  {
    name: "subprotocol",
    short: "s",
    hidden: ["subprotocols"],
    value: "NAME",
    text: "offer a subprotocol; the server must choose one. May be repeated",
    change: (value, _given, { protocols }) => ({ protocols: [...protocols, ...listOf(value)] }),
  },
  {
    name: "origin",
    short: "o",
    value: "ORIGIN",
    text: "send the Origin header; none is sent otherwise",
    change: (value) => ({ origin: value }),
  },
  {
    name: "host",
    value: "HOST",
    text: "send this Host header instead of the url's host",
    change: (value) => ({ host: value }),
  },
  {
    name: "cookie",
    value: "COOKIES",
    text: "send 'a=1; b=2' as cookies; @FILE has them",
    change: (value) => ({ cookie: value }),
  },
  {
    name: "timeout",
    value: "SECONDS",
    text: "give up connecting after so long, 0 for never. Default 10",
    change: (value, given) => ({ timeout: seconds(given, value) }),
  },
  {
    name: "follow",
    text: "go where the server redirects to",
    change: () => ({ follow: true }),
  },
  {
    name: "proxy",
    short: "p",
    value: "URL",
    text: "connect through an http, https, socks4(a) or socks5(h) proxy. Default: what https_proxy, http_proxy, all_proxy and no_proxy say",
    change: (value) => ({ proxy: value === "none" ? false : value }),
  },
  {
    name: "no-proxy",
    text: "connect directly, whatever the environment says; as --proxy none",
    change: () => ({ proxy: false }),
  },
  {
    name: "connect-to",
    value: "HOST:PORT",
    text: "dial this place; request and certificate stay those of the url",
    change: (value, given) => ({ connectTo: place(given, value) }),
  },
  {
    name: "unix-socket",
    value: "PATH",
    text: "dial this Unix socket; so does ws+unix:/path.sock:/resource",
    change: (value) => ({ socketPath: value }),
  },
  {
    name: "ipv4",
    short: "4",
    text: "use only IPv4 addresses",
    change: () => ({ family: 4 }),
  },
  {
    name: "ipv6",
    short: "6",
    text: "use only IPv6 addresses",
    change: () => ({ family: 6 }),
  },
  {
    name: "compress",
    text: "offer compression (permessage-deflate)",
    change: () => ({ compress: true }),
  },
  {
    name: "max-size",
    value: "BYTES",
    text: "the largest message taken, such as 64k or 16M. Default 100M",
    change: (value, given) => ({ maxSize: size(given, value) }),
  },
  {
    name: "ping",
    also: ["keep-alive"],
    value: "SECONDS",
    text: "send a ping so often, and drop the connection when nothing comes within as long. Default: no pings",
    change: (value, given) => ({ ping: someSeconds(given, value) }),
  },
  {
    name: "replay",
    value: "FILE",
    text: "connect to nothing: play a recording, and its messages when you have sent as many as then",
    change: (value) => ({ replay: value }),
  },
  {
    name: "reconnect",
    value: "[SECONDS]",
    text: "connect again when the connection is lost, after so long at the least, ever longer while it fails. Default 1",
    change: (value, given) => ({ reconnect: value === "" ? true : someSeconds(given, value) }),
  },
];

const TLS: readonly Flag[] = [
  {
    name: "nocert",
    short: "n",
    also: ["insecure"],
    text: "take any certificate: whoever answers can read along",
    change: () => ({ verify: false }),
  },
  {
    name: "ca",
    value: "FILE",
    text: "trust the authorities in this PEM file, and no others",
    change: (value, _given, { ca }) => ({ ca: [...ca, value] }),
  },
  {
    name: "cert",
    value: "FILE",
    text: "client certificate, PEM",
    change: (value) => ({ cert: value }),
  },
  {
    name: "key",
    value: "FILE",
    text: "its private key, PEM. Default: in the file of the certificate",
    change: (value) => ({ key: value }),
  },
  {
    name: "passphrase-file",
    value: "FILE",
    text: "has the key's passphrase in its first line",
    change: (value) => ({ passphraseFile: value }),
  },
  {
    name: "servername",
    value: "NAME",
    text: "the name to ask for and to verify, instead of the url's host",
    change: (value) => ({ servername: value }),
  },
  {
    name: "pin",
    value: "PIN",
    text: "take only a server with this public key, sha256/BASE64. May be repeated",
    change: (value, _given, { pins }) => ({ pins: [...pins, value] }),
  },
];

const SENDING: readonly Flag[] = [
  {
    name: "text",
    short: "t",
    value: "TEXT",
    text: "send this text first, and again after a reconnection. May be repeated",
    change: (value, _given, { texts }) => ({ texts: [...texts, value] }),
  },
  {
    name: "binary",
    short: "b",
    text: "send input as binary messages, not as text",
    change: () => ({ binary: true }),
  },
  {
    name: "hex",
    text: "input is hex digits: send the bytes that they stand for",
    change: () => ({ hex: true }),
  },
  {
    name: "whole",
    text: "send all of the input as one message, not one for each line",
    change: () => ({ whole: true }),
  },
  {
    name: "eof-wait",
    value: "SECONDS",
    text: "close so long after the end of input, or 'forever': only when the server does. Default: see Input",
    change: (value, given) => ({ eofWait: secondsOrForever(given, value) }),
  },
  {
    name: "close",
    value: "CODE[:REASON]",
    text: "what to close with; 1005 for no code. Default 1000",
    change: (value, given) => ({ close: closing(given, value) }),
  },
];

const OUTPUT: readonly Flag[] = [
  {
    name: "count",
    value: "N",
    text: "close after N messages were received",
    change: (value, given) => ({ count: positive(given, value) }),
  },
  {
    name: "json",
    text: "print a JSON object in a line of its own for each event: open, message, ping, pong, close, error",
    change: () => ({ json: true }),
  },
  {
    name: "raw",
    short: "r",
    text: "print messages as they are, binary ones without a line end: no prompt, no colour, nothing escaped",
    change: () => ({ raw: true }),
  },
  {
    name: "timings",
    text: "print the seconds since the start before each",
    change: () => ({ timings: true }),
  },
  {
    name: "verbose",
    short: "v",
    value: "[LEVEL]",
    text: "1: print pings, pongs and the close too, what each is, and the page with which a server refuses; 2, or -vv: trace as well",
    change: verbosity,
  },
  {
    name: "trace",
    text: "print requests, responses and frames to standard error, without credentials and cookies",
    change: () => ({ trace: true }),
  },
  {
    name: "record",
    value: "FILE",
    text: "write what crosses the wire, with times, to FILE: JSON in lines, or HAR for FILE.har. Without credentials and cookies; what messages say is in it",
    change: (value) => ({ record: value }),
  },
];

/** The flags in the order of the help, under their titles. */
export const GROUPS: readonly (readonly [title: string, flags: readonly Flag[]])[] = [
  ["Connecting", CONNECTING],
  ["TLS", TLS],
  ["Sending", SENDING],
  ["Output", OUTPUT],
];

function listOf(value: string): string[] {
  const items = value.split(",").map((item) => item.trim());
  return items.filter((item) => item !== "");
}

/** `-vv` and `-v 2` are the same. */
function verbosity(value: string, given: string, settings: Settings): Partial<Settings> {
  if (value !== "" && !/^[0-9]$/.test(value)) throw new UsageError(`${given} takes a level from 0 to 2`);
  const level = value === "" ? settings.verbosity + 1 : Number(value);
  return level > 1 ? { verbosity: level, trace: true } : { verbosity: level };
}

// The opening handshake of a suite's peer, in both roles (RFC 6455 §4, RFC 7692 §7.1), over plain sockets.

import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import type { Compression } from "./case.ts";
import { PeerDeflate, type Terms } from "./deflater.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

export interface Head {
  /** Its first line. */
  readonly line: string;
  /** By their names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  /** What came behind it. */
  readonly rest: Buffer;
}

/** Reads up to the empty line; the socket is paused then. Rejects where the connection ends first. */
export function readHead(socket: Socket): Promise<Head> {
  return new Promise((resolve, reject) => {
    let all = Buffer.alloc(0);
    const gone = () => reject(new Error(`it ended within its head: ${all.toString("latin1")}`));
    const read = (chunk: Buffer) => {
      all = Buffer.concat([all, chunk]);
      const end = all.indexOf("\r\n\r\n");
      if (end === -1) return;
      socket.pause().off("data", read).off("close", gone);
      const [line = "", ...others] = all.toString("latin1", 0, end).split("\r\n");
      const fields = new Map(
        others.map((other): [string, string] => {
          const colon = other.indexOf(":");
          return [other.slice(0, colon).toLowerCase(), other.slice(colon + 1).trim()];
        }),
      );
      resolve({ line, fields, rest: all.subarray(end + 4) });
    };
    socket.on("data", read).once("close", gone);
  });
}

function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + GUID)
    .digest("base64");
}

interface Extension {
  readonly parameters: ReadonlyMap<string, string>;
}

function extensionsOf(field = ""): Extension[] {
  const parsed = field.split(",").map((one) => one.trim().split(/\s*;\s*/));
  return parsed
    .filter(([name]) => name === "permessage-deflate")
    .map(([, ...parameters]) => ({
      parameters: new Map(
        parameters.map((parameter): [string, string] => {
          const [name = "", value = ""] = parameter.split("=");
          return [name, value.replaceAll('"', "")];
        }),
      ),
    }));
}

/** What was agreed on for one side, out of an answer. */
function termsOf({ parameters }: Extension, side: "client" | "server"): Terms {
  return {
    noContextTakeover: parameters.has(`${side}_no_context_takeover`),
    windowBits: Number(parameters.get(`${side}_max_window_bits`) || 15),
  };
}

/** The peer as server: answers a client. Undefined where the case cannot be played with what the client offers. */
export function answerTo(
  head: Head,
  compression: Compression | undefined,
): { answer: string; deflate: PeerDeflate | undefined } | undefined {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(head.fields.get("sec-websocket-key") ?? "")}`,
  ];
  const answer = (...more: string[]) => `${[...lines, ...more].join("\r\n")}\r\n\r\n`;
  if (compression === undefined) return { answer: answer(), deflate: undefined };
  const [offer] = extensionsOf(head.fields.get("sec-websocket-extensions"));
  if (offer === undefined) return undefined;
  const { noContextTakeover, windowBits } = compression;
  if (windowBits !== undefined && !offer.parameters.has("client_max_window_bits")) return undefined;
  const chosen = [
    "permessage-deflate",
    ...(noContextTakeover ? ["client_no_context_takeover"] : []),
    ...(windowBits === undefined ? [] : [`client_max_window_bits=${windowBits}`]),
  ].join("; ");
  const agreed = extensionsOf(chosen)[0] as Extension;
  const deflate = new PeerDeflate(termsOf(agreed, "server"), termsOf(agreed, "client"));
  return { answer: answer(`Sec-WebSocket-Extensions: ${chosen}`), deflate };
}

function offerOf({ noContextTakeover, windowBits, fallbacks = [] }: Compression): string {
  const parameters = [
    "permessage-deflate",
    "client_no_context_takeover",
    "client_max_window_bits",
    ...(noContextTakeover ? ["server_no_context_takeover"] : []),
    ...(windowBits === undefined ? [] : [`server_max_window_bits=${windowBits}`]),
  ];
  return [parameters.join("; "), ...fallbacks.map(offerOf)].join(", ");
}

/** The peer as client: asks a server. Throws for an answer that is wrong; undefined where it agrees to no compression. */
export async function ask(
  socket: Socket,
  host: string,
  compression: Compression | undefined,
): Promise<{ rest: Buffer; deflate: PeerDeflate | undefined } | undefined> {
  const lines = [
    "GET / HTTP/1.1",
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${KEY}`,
    "Sec-WebSocket-Version: 13",
    ...(compression === undefined ? [] : [`Sec-WebSocket-Extensions: ${offerOf(compression)}`]),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const { line, fields, rest } = await readHead(socket);
  if (!line.startsWith("HTTP/1.1 101 ")) throw new Error(`it answered ${line}`);
  if (fields.get("sec-websocket-accept") !== acceptOf(KEY)) throw new Error("it accepted another key");
  const [agreed] = extensionsOf(fields.get("sec-websocket-extensions"));
  if (compression === undefined) return { rest, deflate: undefined };
  if (agreed === undefined) return undefined;
  const [server, client] = [termsOf(agreed, "server"), termsOf(agreed, "client")];
  if (compression.noContextTakeover && !server.noContextTakeover)
    throw new Error("it keeps its context although it agreed to the offer");
  if (server.windowBits > (compression.windowBits ?? 15))
    throw new Error("its window is larger than was offered");
  return { rest, deflate: new PeerDeflate(client, server) };
}

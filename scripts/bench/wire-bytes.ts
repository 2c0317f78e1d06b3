// Bytes on the wire: a server that agrees to compression with a context, and counts what frames take until it has so many
// messages.

import { createServer, type Socket } from "node:net";
import { acceptDeflate, acceptKey, FrameDecoder } from "isosocket/core";

export const COUNTED_MESSAGES = 2000;

export interface Counter {
  /** `ws://127.0.0.1:PORT` */
  readonly origin: string;
  /** Bytes per message of the next client that has sent all of them. */
  next(): Promise<number>;
  close(): void;
}

export async function startCounter(): Promise<Counter> {
  let tell: (bytes: number) => void = () => {};
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => {
      socket.write(answer(String(head)));
      count(socket, (bytes) => tell(bytes / COUNTED_MESSAGES));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    origin: `ws://127.0.0.1:${address.port}`,
    next: () =>
      new Promise((resolve) => {
        tell = resolve;
      }),
    close: () => server.close(),
  };
}

function answer(head: string): string {
  const field = (name: string) => new RegExp(`^${name}: (.*)\r$`, "im").exec(head)?.[1] ?? "";
  const wishes = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const accepted = acceptDeflate([field("sec-websocket-extensions")], wishes);
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptKey(field("sec-websocket-key"))}`,
    ...(accepted === undefined ? [] : [`Sec-WebSocket-Extensions: ${accepted.answer}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Counts frames with their heads, in one piece each or in several; then closes. */
function count(socket: Socket, tell: (bytes: number) => void): void {
  const decoder = new FrameDecoder("server", { allowRsv1: true });
  let [bytes, messages] = [0, 0];
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    decoder.push(chunk);
    while (decoder.next()) if (decoder.isLast && decoder.fin && decoder.opcode < 8) messages++;
    decoder.keep();
    if (messages < COUNTED_MESSAGES) return;
    tell(bytes);
    messages = 0;
    socket.end(Buffer.of(0x88, 2, 0x03, 0xe8));
  });
}

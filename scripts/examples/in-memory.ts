// npm run example -- in-memory: a client whose server is a list of frames. No socket is opened: what a WebSocket says can come
// from a file, a test or a capture as well as from a wire, and the client cannot tell the difference.

import { WebSocketApp } from "isosocket";
import {
  BINARY,
  type ByteStreams,
  CLOSE,
  CONTINUATION,
  Conversation,
  encodeClose,
  frameBytes,
  memoryPipe,
  PING,
  TEXT,
  upgradeServer,
  webText,
} from "isosocket/core";

const FRAMES: readonly Uint8Array[] = [
  frameBytes(TEXT, "Hello"),
  frameBytes(TEXT, "one message, ", { fin: false }),
  frameBytes(PING, "still there?"), // control frames may come between the parts of a message
  frameBytes(CONTINUATION, "two frames"),
  frameBytes(BINARY, Uint8Array.of(1, 2, 3)),
  frameBytes(CLOSE, encodeClose(1000, "that was all", webText)),
];

/** Answers the handshake that comes in on one stream, and plays the frames into the other. */
async function play(frames: readonly Uint8Array[], { readable, writable }: ByteStreams): Promise<void> {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const handshake = new Conversation(upgradeServer());
  handshake.start();
  while (!handshake.done) {
    const { value = new Uint8Array() } = await reader.read();
    for (const answer of handshake.push(value)) await writer.write(answer);
  }
  for (const frame of frames) await writer.write(frame);
  await writer.close();
  while (!(await reader.read()).done); // a pong, and the answer to our Close frame
}

const { client, server } = memoryPipe();
void play(FRAMES, server);

const app = new WebSocketApp("ws://in.memory/", {
  transport: client,
  onOpen: () => console.log("open"),
  onMessage: (_app, message) => console.log("message", message),
  onPing: (_app, payload) => console.log("ping", new TextDecoder().decode(payload)),
  onClose: (_app, code, reason) => console.log("closed", code, reason),
});
await app.runForever();

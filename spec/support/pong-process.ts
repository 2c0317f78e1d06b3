// A program that serves WebSockets, answering pings and echoing messages, and prints its url: what it does goes on while the
// process of a test is blocked.

import { wsServer } from "./ws-server.ts";

const { url, connections } = await wsServer("TCP");
console.log(url);
for (;;) {
  const socket = await connections.next();
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

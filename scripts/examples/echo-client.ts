// npm run example -- echo-client [URL]: sends messages of many sizes and prints their echoes; one of them is made by a generator,
// and leaves while it is made. Without a url it starts a server of its own.

import process from "node:process";
import { createConnection } from "isosocket";
import { serve } from "isosocket/server";

/** One message, in which each item is a frame. Any iterable will do, also one that waits for its items. */
function* countdown() {
  for (let number = 10; number > 0; number--) yield `${number}... `;
  yield "lift-off";
}

async function talk(url: string): Promise<void> {
  const ws = await createConnection(url);
  await ws.sendStream(countdown());
  console.log(await ws.recv());

  for (let length = 0; length <= 175; length += 25) {
    await ws.send("#".repeat(length));
    const echo = await ws.recv();
    console.log(`${String(length).padStart(3)} ${echo}`);
  }

  await ws.send(Uint8Array.of(1, 2, 3)); // what is not a string is binary
  console.log(await ws.recv());
  const { code, reason } = await ws.close(1000, "Bye bye");
  console.log(`closed with ${code} ${reason}`);
}

const [url] = process.argv.slice(2);
if (url !== undefined) {
  await talk(url);
} else {
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    async onConnection(ws) {
      for await (const message of ws) await ws.send(message);
    },
  });
  await talk(`ws://127.0.0.1:${server.port}/`);
  await server.close();
}

// npm run example [-- NAME [OPTIONS]]: runs one of the examples, or lists them. Each is a program of its own, too, and runs as
// well in Deno (deno run -A scripts/example.ts chat) and Bun (bun scripts/example.ts chat), once dist/ is built.

import process from "node:process";

const EXAMPLES: Readonly<Record<string, readonly [file: string, about: string]>> = {
  "echo-client": [
    "echo-client.ts",
    "[URL]         messages of many sizes, one of them by a generator, and their echoes",
  ],
  "in-memory": [
    "in-memory.ts",
    "                a client of frames that were built before, without any socket",
  ],
  "unix-socket": ["unix-socket.ts", "[--path P]    a daemon that answers on a Unix socket"],
  chat: ["chat/server.ts", "[--port N]           a chat room, with its page"],
  sensors: [
    "sensors/server.ts",
    "[--port N]        readings as they come, drawn in a page; who is slow gets the latest",
  ],
  board: ["board/server.ts", "[--port N]          drawing boards that all who are in the same room share"],
};

const [name = ""] = process.argv.splice(2, 1);
if (Object.hasOwn(EXAMPLES, name)) {
  await import(`./examples/${EXAMPLES[name]?.[0]}`);
} else {
  console.log("npm run example -- NAME [OPTIONS]\n");
  for (const [name, [, about]] of Object.entries(EXAMPLES)) console.log(`  ${name} ${about}`);
  process.exitCode = name === "" ? 0 : 2;
}

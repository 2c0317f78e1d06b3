// Our server for a fuzzing client, in the runtime that runs this file: server.ts [PORT]. It prints its url, and echoes until its
// standard input ends or it is told to stop.

import process from "node:process";
import { serve } from "../../spec/support/server-runtime.ts";
import { echo, OPTIONS } from "./echo.ts";

const server = await serve({
  ...OPTIONS,
  port: Number(process.argv[2] ?? 9002),
  host: "127.0.0.1",
  onConnection: echo,
  onRefused: () => {},
  onError: (error) => console.error(error),
});
console.log(server.url);

const stop = async () => {
  await server.close();
  process.exit(0);
};
process.once("SIGTERM", stop).once("SIGINT", stop);
process.stdin.on("end", stop).resume();

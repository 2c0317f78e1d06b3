// Deno's sockets.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { deno } from "../../lib/transport/deno.ts";
import { cleanUp } from "../support/clean-up.ts";
import { runtime } from "../support/runtime.ts";
import { STREAMS, wsServer } from "../support/ws-server.ts";
import { describePlatform, describeStreams } from "./sockets.ts";

if (runtime === "deno") {
  describe("deno", () => {
    const use = cleanUp();
    describeStreams(deno, STREAMS, use);
    describePlatform(deno, use);

    for (const stream of ["TCP", "TLS"] as const) {
      it(`needs no permission but that for the net, over ${stream}`, async () => {
        const { url, options } = use(await wsServer(stream));
        const to = [url.replace("127.0.0.1", "localhost"), { ...options, family: 4 }];
        const program = spawn(process.execPath, ["run", "--allow-net", "--no-prompt", "-"], {
          stdio: ["pipe", "inherit", "inherit"],
        });
        program.stdin.end(`
          import { createConnection } from "./lib/deno.ts";
          const ws = await createConnection(...${JSON.stringify(to)});
          await ws.close();
        `);
        expect(await once(program, "exit")).to.deep.equal([0, null]);
      });
    }

    for (const [permission, status] of [
      ["--no-prompt", 0],
      ["--allow-env=http_proxy,HTTP_PROXY", 0],
      ["--allow-env=all_proxy", 9],
      ["--allow-env", 9],
    ] as const) {
      it(`sees as much of the environment as it may: with ${permission}, ${status ? "a proxy" : "none"}`, async () => {
        const { url } = use(await wsServer("TCP"));
        const program = spawn(process.execPath, ["run", "--allow-net", permission, "-"], {
          stdio: ["pipe", "inherit", "inherit"],
          env: { ...process.env, all_proxy: "http://127.0.0.1:1" }, // where nobody listens
        });
        program.stdin.end(`
          import { createConnection, ProxyError } from "./lib/deno.ts";
          const ws = await createConnection("${url}").catch((error) => {
            if (error instanceof ProxyError) Deno.exit(9);
            throw error;
          });
          await ws.close();
        `);
        expect(await once(program, "exit")).to.deep.equal([status, null]);
      });
    }
  });
}

// A suite's peer as server, as suites have it: /getCaseCount says how many cases there are, /runCase?case=N&agent=A plays the Nth
// with whoever connects, and /updateReports?agent=A is told when all is done.

import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Case, CLOSE, closing, frame, TEXT } from "./case.ts";
import { answerTo, readHead } from "./handshake.ts";
import { Player, type Verdict } from "./play.ts";
import { encode } from "./wire.ts";

/** A case that was played, or the end of an agent's run. */
export type Played =
  | { readonly agent: string; readonly number: number; readonly verdict: Verdict }
  | { readonly agent: string; readonly isReported: true };

export interface FuzzingServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves cases, and tells of each that was played. */
export async function fuzzingServer(
  cases: readonly Case[],
  tell: (played: Played) => void,
): Promise<FuzzingServer> {
  const sockets = new Set<Socket>();

  /** Says something, and closes. */
  const say = (socket: Socket, texts: readonly string[]) => {
    const frames = [...texts.map((text) => frame(TEXT, text)), frame(CLOSE, closing(1000))];
    socket.end(Buffer.concat(frames.map((sent) => encode(sent, "server").bytes)));
    socket.resume();
  };

  const run = async (socket: Socket) => {
    const head = await readHead(socket);
    const url = new URL(head.line.split(" ")[1] ?? "/", "ws://localhost");
    const agent = url.searchParams.get("agent") ?? "";
    const number = Number(url.searchParams.get("case"));
    const one = url.pathname === "/runCase" ? cases[number - 1] : undefined;
    const opened = answerTo(head, one?.compression);
    if (one !== undefined && opened === undefined) {
      tell({ agent, number, verdict: { outcome: "failed", why: "it offered no compression that would do" } });
      socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    socket.write(opened?.answer ?? "", "latin1");
    if (one !== undefined) {
      const verdict = await new Player(socket, "server", head.rest, opened?.deflate).play(one);
      tell({ agent, number, verdict });
    } else if (url.pathname === "/getCaseCount") {
      say(socket, [String(cases.length)]);
    } else {
      if (url.pathname === "/updateReports") tell({ agent, isReported: true });
      say(socket, []);
    }
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    run(socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

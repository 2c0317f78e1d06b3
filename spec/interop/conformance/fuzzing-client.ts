// A suite's peer as client: plays cases, one behind the other, with a server that echoes what it gets.

import { once } from "node:events";
import { connect } from "node:net";
import type { Case } from "./case.ts";
import { ask } from "./handshake.ts";
import { Player, type Verdict } from "./play.ts";

/** Plays one case with a server of this machine. */
export async function playWithServer(one: Case, port: number): Promise<Verdict> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  try {
    await once(socket, "connect");
    const opened = await ask(socket, `127.0.0.1:${port}`, one.compression);
    if (opened === undefined) return { outcome: "failed", why: "it agreed to no compression" };
    return await new Player(socket, "client", opened.rest, opened.deflate).play(one);
  } catch (error) {
    return { outcome: "failed", why: String(error) };
  } finally {
    socket.destroy();
  }
}

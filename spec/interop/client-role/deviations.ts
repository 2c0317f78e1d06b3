// What some servers do against the RFCs: strictly it fails, with its tolerance it works and is told, and nothing more is taken.

import type { ConnectionOptions } from "../../../lib/client/options.ts";
import type { CloseInfo } from "../../../lib/errors.ts";
import { check, connected, echoes, none, refusal, tolerated, tolerating, type Verdict } from "./trial.ts";

const PROTOCOLS = ["echo", "chat"];

/** Several subprotocols in the answer. */
export async function multipleSubprotocols(url: string): Promise<Verdict> {
  await fails(url, "more than one subprotocol");
  const { options, warnings } = tolerating("multipleSubprotocols");
  await connected(url, { ...options, protocols: PROTOCOLS }, async (ws) => {
    check(ws.protocol === "echo", `it chose ${ws.protocol}`);
    await echoes(ws, ["hello"]);
  });
  check(warnings.join() === "multipleSubprotocols", `the warnings are ${warnings}`);
  await connected(url, { protocols: ["chat"] }, async (ws) => {
    check(ws.protocol === "chat", `it chose ${ws.protocol}`);
  });
  return tolerated(
    "It names all subprotocols that both sides know: `multipleSubprotocols`. Where that is one, nothing needs to be tolerated.",
  );
}

/** None in the answer, although some were offered. */
export async function missingSubprotocol(url: string): Promise<Verdict> {
  await fails(url, "chooses none");
  const { options, warnings } = tolerating("missingSubprotocol");
  await connected(url, { ...options, protocols: PROTOCOLS }, async (ws) => {
    check(ws.protocol === "", `it chose ${ws.protocol}`);
    await echoes(ws, ["hello"]);
  });
  check(warnings.join() === "missingSubprotocol", `the warnings are ${warnings}`);
  return tolerated(
    "Without an `onConnect` that chooses one it names none: `missingSubprotocol`, or `requireProtocol: false`.",
  );
}

async function fails(url: string, why: string): Promise<void> {
  const { code, message } = await refusal(url, { protocols: PROTOCOLS });
  check(
    code === "ERR_WS_INVALID_RESPONSE" && message.includes(why),
    `it failed otherwise: ${code}, ${message}`,
  );
}

/** An answer to our Close frame, 4001 and "bye", that has no code. */
export async function malformedClose(
  close: (options: ConnectionOptions) => Promise<CloseInfo>,
): Promise<Verdict> {
  const strict = await close({});
  check(strict.code === 1006 && strict.error?.code === "ERR_WS_PROTOCOL", `strictly it is ${strict.code}`);
  const { options, warnings } = tolerating("malformedCloseAfterLocalClose");
  const info = await close(options);
  check(info.code === 4001 && info.reason === "bye" && !info.wasClean, `it closed with ${info.code}`);
  check(info.error === undefined && info.received === undefined, "there is more than that");
  check(warnings.join() === "malformedCloseAfterLocalClose", `the warnings are ${warnings}`);
  return tolerated(
    "It leaves the code out of its Close frames: `malformedCloseAfterLocalClose`. To one without a reason its answer is empty, and needs no tolerance.",
  );
}

/** A Close frame without a code that comes first. */
export async function malformedCloseFirst(url: string): Promise<Verdict> {
  const { options, warnings } = tolerating("malformedCloseAfterLocalClose");
  const info = await connected(url, options, async (ws) => {
    await ws.send("close");
    return ws.closed;
  });
  check(info.error?.code === "ERR_WS_PROTOCOL" && warnings.length === 0, `it closed with ${info.code}`);
  return none(
    "Its own Close frames have no code either. Of one that comes first nothing is tolerated: that is a ProtocolError.",
  );
}

// The test server of libwebsockets. Its mirror sends what it gets to all who look into the same one, as text and in the
// pieces in which it reads, so that what comes back is compared byte for byte; each connection has a mirror of its own.

import type { Connection } from "../../../lib/client/connection.ts";
import type { Message } from "../../../lib/protocol/assembler.ts";
import { runtime } from "../../support/runtime.ts";
import { echoTrials, expectClose } from "./echo.ts";
import {
  check,
  connected,
  echoes,
  isSame,
  next,
  none,
  OK,
  ok,
  refusal,
  type Trials,
  tolerated,
  tolerating,
} from "./trial.ts";

const PIECES =
  "Its mirror sends each piece that it reads as a message of its own; together they are what was sent.";

export function libwebsocketsTrials(url: string): Trials {
  let mirrors = 0;
  const options = { protocols: "lws-mirror-protocol" };
  const mirror = <Result>(use: (ws: Connection) => Promise<Result>, more: object = {}) =>
    connected(`${url}?mirror=${runtime}${mirrors++}`, { ...options, ...more }, use);
  const small =
    (...messages: string[]) =>
    () =>
      mirror(async (ws) => {
        for (const message of messages) await echoes(ws, [message]);
        return OK;
      });
  const { ping } = echoTrials(`${url}?mirror=${runtime}-ping`, { options });
  return {
    text: small("hello", "x".repeat(125), "x".repeat(126), "x".repeat(1000)),
    "UTF-8": small("grüße, κόσμε, 你好, \u{1f600}, \u0000, \ufeff"),
    binary: () => binaryAsText(mirror),
    empty: small("", "after", ""),
    fragmented: () =>
      mirror(async (ws) => {
        await ws.sendStream(["one, ", "", "two"]);
        await mirrored(ws, "one, two");
        check((await next(ws)) === "", "the frame that ends it did not come back");
        await echoes(ws, ["after"]);
        return ok(PIECES);
      }),
    "1 MiB": () =>
      mirror(async (ws) => {
        const text = "0123456789abcde\n".repeat(65_536);
        const sent = ws.send(text);
        await mirrored(ws, text);
        await sent;
        return ok(PIECES);
      }),
    ...(ping && { ping }),
    close: () =>
      mirror(async (ws) => {
        await echoes(ws, ["before"]);
        expectClose(await ws.close(4001, "bye"), [4001, "bye"]);
        return OK;
      }),
    compression: () => status(url),
    refusal: async () => {
      const { status } = await refusal(url, { protocols: "unknown" });
      check(status === undefined, `it refused with ${status}`);
      return ok("An unknown subprotocol ends TCP without an answer: a HandshakeError that has no status.");
    },
    "close by the server": async () => none("None of its protocols closes on demand."),
  };
}

/** Reads until as much has come as the text has. */
async function mirrored(ws: Connection, text: string): Promise<void> {
  let all = "";
  while (all.length < text.length) all += String(await next(ws));
  check(all === text, "it came back as another");
}

async function binaryAsText(
  mirror: (use: (ws: Connection) => Promise<Message>, more?: object) => Promise<Message>,
): Promise<typeof OK> {
  const bytes = Uint8Array.of(0xff, 0, 0x80, 1);
  const back = async (ws: Connection) => {
    await ws.send(bytes);
    return next(ws);
  };
  const strict = await mirror(back).then(String, (error: Error & { info?: { error?: { code: string } } }) => {
    return error.info?.error?.code ?? String(error);
  });
  check(strict === "ERR_WS_INVALID_UTF8", `strictly it is ${strict}`);
  const { options, warnings } = tolerating("binaryAsText");
  check(isSame(await mirror(back, options), bytes), "it came back as another");
  check(warnings.join() === "binaryAsText", `the warnings are ${warnings}`);
  return tolerated(
    "Its mirror sends bytes as text: `binaryAsText`. Those that happen to be UTF-8 come back as a string.",
  );
}

/** The one of its protocols that compresses tells who is connected. */
async function status(url: string): Promise<typeof OK> {
  const options = { protocols: "lws-status", perMessageDeflate: { threshold: 0 } };
  return connected(url, options, async (ws) => {
    check(ws.extensions === "permessage-deflate", `it agreed to ${ws.extensions}`);
    const { conns } = JSON.parse(String(await next(ws)));
    check(conns.length > 0, "it told of nobody");
    for (let i = 0; i < 10; i++) await ws.send(`hello ${i}`);
    await ws.ping();
    expectClose(await ws.close(4001, "bye"), [4001, "bye"]);
    return ok("With its protocol `lws-status`; the mirror goes on without what it is offered.");
  });
}

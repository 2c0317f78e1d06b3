// WAMP over WebSocket as AutobahnJS begins it: subprotocol, HELLO and WELCOME, a call, and GOODBYE both ways.

import { encodeBase64 } from "../../../lib/bytes/base64.ts";
import type { Connection } from "../../../lib/client/connection.ts";
import { check, connected, next, OK, refusal, type Trials } from "./trial.ts";

const HELLO = [
  1,
  "realm1",
  {
    roles: {
      caller: { features: { caller_identification: true, progressive_call_results: true } },
      callee: { features: { progressive_call_results: true, pattern_based_registration: true } },
      publisher: { features: { publisher_identification: true, subscriber_blackwhite_listing: true } },
      subscriber: { features: { publisher_identification: true, pattern_based_subscription: true } },
    },
  },
];

/** What ends each message where they are batched. */
const BATCH_END = "\x18";

export function wampTrials(url: string): Trials {
  return {
    "WAMP, wamp.2.json": () => talk(url, ["wamp.2.json"], "wamp.2.json", ""),
    "WAMP, several offered": () =>
      talk(url, ["wamp.2.none", "wamp.2.json.batched", "wamp.2.json"], "wamp.2.json.batched", BATCH_END),
    "WAMP, wamp.2.msgpack": () => msgpack(url),
    "WAMP, none in common": async () => {
      const { code, status } = await refusal(url, { protocols: ["chat"] });
      check(code === "ERR_WS_UNEXPECTED_STATUS" && status === 400, `it refused with ${status}, ${code}`);
      return OK;
    },
  };
}

async function talk(url: string, protocols: string[], chosen: string, end: string): Promise<typeof OK> {
  const send = (ws: Connection, message: unknown) => ws.send(`${JSON.stringify(message)}${end}`);
  const receive = async (ws: Connection): Promise<unknown[]> => {
    const text = String(await next(ws));
    check(text.endsWith(end), "it does not end as it should");
    return JSON.parse(text.slice(0, text.length - end.length));
  };
  await connected(url, { protocols }, async (ws) => {
    check(ws.protocol === chosen, `it chose ${ws.protocol}`);
    await send(ws, HELLO);
    const [type, session, details] = await receive(ws);
    check(
      type === 2 && session === 7 && JSON.stringify(details).includes("dealer"),
      "it did not say WELCOME",
    );
    await send(ws, [48, 1, {}, "test.add", [2, 3]]);
    check(JSON.stringify(await receive(ws)) === "[50,1,{},[5]]", "the call had no RESULT");
    await send(ws, [48, 2, {}, "test.none"]);
    const error = JSON.stringify(await receive(ws));
    check(error === '[8,48,2,{},"wamp.error.no_such_procedure"]', `the call had ${error}`);
    await send(ws, [6, {}, "wamp.close.close_realm"]);
    const [goodbye, , reason] = await receive(ws);
    check(goodbye === 6 && reason === "wamp.close.goodbye_and_out", "it did not say GOODBYE");
    const { wasClean, code } = await ws.close(1000);
    check(wasClean && code === 1000, `it closed with ${code}`);
  });
  await connected(url, { protocols }, async (ws) => {
    await send(ws, [1, "realm2", HELLO[2]]);
    const [type, , reason] = await receive(ws);
    check(type === 3 && reason === "wamp.error.no_such_realm", "it did not say ABORT");
  });
  return OK;
}

/** The same in binary messages: `[1, "realm1", {"roles": {"caller": {}}}]`. */
async function msgpack(url: string): Promise<typeof OK> {
  return connected(url, { protocols: ["wamp.2.msgpack"] }, async (ws) => {
    check(ws.protocol === "wamp.2.msgpack", `it chose ${ws.protocol}`);
    const text = (value: string) => [0xa0 + value.length, ...new TextEncoder().encode(value)];
    const hello = [0x93, 1, ...text("realm1"), 0x81, ...text("roles"), 0x81, ...text("caller"), 0x80];
    await ws.send(Uint8Array.from(hello));
    const welcome = await next(ws);
    check(welcome instanceof Uint8Array, "it answered with text");
    const [array, type, session] = welcome as Uint8Array;
    check(array === 0x93 && type === 2 && session === 7, `it said ${encodeBase64(welcome as Uint8Array)}`);
    return OK;
  });
}

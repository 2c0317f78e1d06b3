// The servers, and what is particular about each.

import { PING } from "../../../lib/codec/opcode.ts";
import type { TraceEvent } from "../../../lib/session/trace-event.ts";
import {
  malformedClose,
  malformedCloseFirst,
  missingSubprotocol,
  multipleSubprotocols,
} from "./deviations.ts";
import { choosing, echoTrials, expectClose, uncompressed } from "./echo.ts";
import { libwebsocketsTrials } from "./libwebsockets.ts";
import { socketioTrials } from "./socketio.ts";
import {
  check,
  connected,
  echoes,
  none,
  OK,
  ok,
  type Plan,
  refusal,
  type Trials,
  type Verdict,
} from "./trial.ts";
import { wampTrials } from "./wamp.ts";
import { compressed, windows } from "./windows.ts";

/** Systems by name. */
export function systemsOf({ ports, ca }: Plan): Readonly<Record<string, Trials>> {
  const url = (server: string, port = "port") => `ws://127.0.0.1:${ports[server]?.[port]}/`;
  const secure = (server: string) => `wss://localhost:${ports[server]?.secure}/`;
  return {
    websockets: {
      ...echoTrials(url("websockets")),
      compression: windows(url("websockets")),
      ...choosing(url("websockets"), "echo", "chat"),
      "compression, windows of its own": windows(url("websockets", "default")),
    },
    "Autobahn on asyncio": {
      ...autobahn(url("autobahn_asyncio"), url("autobahn_asyncio", "wamp")),
      compression: windows(url("autobahn_asyncio")),
    },
    "Autobahn on Twisted": autobahn(url("autobahn_twisted"), url("autobahn_twisted", "wamp")),
    Tornado: {
      ...echoTrials(url("tornado"), {
        answersClose: [4001, ""],
        refuses: { url: url("tornado"), options: { origin: "http://elsewhere.test" } },
      }),
      compression: windows(url("tornado")),
      ...choosing(url("tornado"), "echo"),
      "pings by the server": () => pinged(url("tornado", "pings")),
    },
    aiohttp: {
      ...echoTrials(url("aiohttp"), { answersClose: [1000, ""] }),
      compression: compressed(url("aiohttp")),
      ...choosing(url("aiohttp"), "echo"),
    },
    wsproto: {
      ...echoTrials(url("wsproto")),
      compression: compressed(url("wsproto")),
      ...choosing(url("wsproto"), "echo"),
    },
    "gevent-websocket": geventWebsocket(url("gevent_websocket")),
    "ws4py on gevent": ws4py(url("ws4py_gevent")),
    "ws4py on wsgiref": ws4py(url("ws4py_wsgiref")),
    "ws4py on CherryPy": ws4py(url("ws4py_cherrypy")),
    "Django Channels on Daphne": daphne(url("daphne")),
    "Flask-SocketIO on gevent": socketioTrials(url("socketio")),
    libwebsockets: libwebsocketsTrials(url("libwebsockets")),
    nginx: proxied(url("nginx"), secure("nginx"), ca, 502),
    HAProxy: proxied(url("haproxy"), secure("haproxy"), ca, 503),
  };
}

function autobahn(url: string, wamp: string): Trials {
  return {
    ...echoTrials(url, { answersClose: [1000, ""] }),
    compression: compressed(url),
    ...choosing(url, "echo"),
    "no subprotocol chosen": () => missingSubprotocol(`${url}mute`),
    ...wampTrials(wamp),
  };
}

function geventWebsocket(url: string): Trials {
  const close = (options: object) =>
    connected(url, options, async (ws) => {
      await echoes(ws, ["before"]);
      return ws.close(4001, "bye");
    });
  return {
    ...echoTrials(url),
    ...uncompressed(url),
    ...choosing(url, "chat"),
    close: async () => {
      expectClose(await connected(url, {}, (ws) => ws.close(1000)), [1005, ""]);
      return malformedClose(close);
    },
    "close by the server": () => malformedCloseFirst(url),
  };
}

function ws4py(url: string): Trials {
  return { ...echoTrials(url), ...uncompressed(url), subprotocol: () => multipleSubprotocols(url) };
}

function daphne(url: string): Trials {
  return {
    ...echoTrials(url, { answersClose: [1000, ""], closes: [4002, ""] }),
    ...uncompressed(url),
    ...choosing(url, "echo"),
    empty: () =>
      connected(url, {}, async (ws) => {
        await ws.send("");
        await ws.send(new Uint8Array(0));
        await echoes(ws, ["after"]);
        return none("Daphne hands no empty message on; what follows arrives.");
      }),
    "pings by the server": () => pinged(url),
    AllowedHostsOriginValidator: () => guarded(url),
  };
}

async function guarded(url: string): Promise<Verdict> {
  for (const options of [{}, { origin: "http://elsewhere.test" }]) {
    const { status, body } = await refusal(`${url}guarded`, options);
    check(status === 403 && body === "", `it refused with ${status}`);
  }
  const origin = url.replace("ws", "http").slice(0, -1);
  return connected(`${url}guarded`, { origin }, async (ws) => {
    await echoes(ws, ["hello"]);
    return ok("It wants an Origin: give the option `origin`.");
  });
}

/** A reverse proxy of websockets. */
function proxied(url: string, secureUrl: string, ca: string, goneStatus: number): Trials {
  return {
    ...echoTrials(url),
    compression: compressed(url),
    ...choosing(url, "echo", "chat"),
    wss: () =>
      connected(secureUrl, { tls: { ca } }, async (ws) => {
        await echoes(ws, ["hello", new Uint8Array(100_000)]);
        expectClose(await ws.close(4001, "bye"), [4001, "bye"]);
        return OK;
      }),
    "nobody behind it": async () => {
      const { status } = await refusal(`${url}gone`);
      check(status === goneStatus, `it refused with ${status}`);
      return ok(`A HandshakeError with status ${status}.`);
    },
  };
}

/** Waits until the server has sent three pings, and sees that the connection is alive. */
function pinged(url: string): Promise<Verdict> {
  let pings = 0;
  let tell = () => {};
  const enough = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const event = (event: TraceEvent) => {
    if (event.kind === "frame" && event.direction === "received" && event.opcode === PING) pings++;
    if (pings === 3) tell();
  };
  return connected(url, { trace: { event } }, async (ws) => {
    await enough;
    await echoes(ws, ["hello"]);
    return OK;
  });
}

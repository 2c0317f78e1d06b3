// Socket.IO 5 over Engine.IO 4 over a WebSocket, as a server of Flask-SocketIO speaks it. The cases mean the same as
// elsewhere, as far as its events go: what is emitted as "echo" comes back as the acknowledgement.

import type { Connection } from "../../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../../lib/client/options.ts";
import type { Message } from "../../../lib/protocol/assembler.ts";
import { malformedClose } from "./deviations.ts";
import { NO_COMPRESSION } from "./echo.ts";
import { check, connected, isSame, next, none, OK, ok, type Trials, type Verdict } from "./trial.ts";

const MIB = 1024 * 1024;
const PATH = "socket.io/?EIO=4&transport=websocket";
const PLACEHOLDER = '{"_placeholder":true,"num":0}';

/** The next packet that is no ping of Engine.IO; those are answered. */
async function packet(ws: Connection): Promise<Message> {
  for (;;) {
    const message = await next(ws);
    if (message !== "2") return message;
    await ws.send("3");
  }
}

async function expectPacket(ws: Connection, expected: Message, what: string): Promise<void> {
  const message = await packet(ws);
  check(isSame(message, expected), `${what}: ${String(message).slice(0, 200)}`);
}

/** Opens a session, and connects to the namespace. */
function session<Result>(
  url: string,
  use: (ws: Connection) => Promise<Result>,
  options: ConnectionOptions = {},
): Promise<Result> {
  return connected(`${url}${PATH}&name=me`, options, async (ws) => {
    const open = String(await next(ws));
    const { sid, upgrades, pingInterval } = JSON.parse(open.slice(1));
    check(open.startsWith("0") && typeof sid === "string", `it opened with ${open}`);
    check(upgrades.length === 0 && pingInterval === 1000, `it opened with ${open}`);
    await ws.send('40{"token":"right"}');
    await expectPacket(ws, '42["hello",{"query":"me"}]', "the event before the acknowledgement");
    check(/^40\{"sid":"[^"]+"\}$/.test(String(await packet(ws))), "it did not connect");
    return use(ws);
  });
}

/** Texts that come back in an acknowledgement, and in an event. */
function echoed(url: string, ...texts: string[]): () => Promise<Verdict> {
  return () =>
    session(url, async (ws) => {
      for (const [id, text] of texts.entries()) {
        await ws.send(`42${id}${JSON.stringify(["echo", text, { a: [1, text] }])}`);
        const answer = String(await packet(ws));
        check(answer.startsWith(`43${id}`), `it acknowledged with ${answer.slice(0, 20)}`);
        const values = JSON.parse(answer.slice(`43${id}`.length));
        check(JSON.stringify(values) === JSON.stringify([text, { a: [1, text] }]), "it came back as another");
      }
      return OK;
    });
}

/** Bytes that come back in an acknowledgement, and in an event. */
function echoedBytes(url: string, ...all: Uint8Array[]): () => Promise<Verdict> {
  return () =>
    session(url, async (ws) => {
      for (const [id, bytes] of all.entries()) {
        await ws.send(`451-${id}["echo",${PLACEHOLDER}]`);
        await ws.send(bytes);
        await expectPacket(ws, `461-${id}[${PLACEHOLDER}]`, "the acknowledgement of bytes");
        await expectPacket(ws, bytes, "the bytes of an acknowledgement");
        await ws.send(`451-["repeat",${PLACEHOLDER}]`);
        await ws.send(bytes);
        await expectPacket(ws, `451-["repeated",${PLACEHOLDER}]`, "the event with bytes");
        await expectPacket(ws, bytes, "the bytes of an event");
      }
      return OK;
    });
}

async function both(...trials: (() => Promise<Verdict>)[]): Promise<Verdict> {
  for (const trial of trials) await trial();
  return OK;
}

export function socketioTrials(url: string): Trials {
  return {
    text: echoed(url, "hello", "x".repeat(70_000)),
    "UTF-8": echoed(url, "grüße, κόσμε, 你好, \u{1f600}, \u0000"),
    binary: echoedBytes(
      url,
      Uint8Array.from({ length: 256 }, (_, i) => i),
    ),
    empty: () => both(echoed(url, ""), echoedBytes(url, new Uint8Array(0))),
    fragmented: () =>
      session(url, async (ws) => {
        await ws.sendStream(['421["ec', 'ho","one, ', "", 'two"]']);
        await expectPacket(ws, '431["one, two"]', "what was cut");
        return OK;
      }),
    "1 MiB": () => both(echoed(url, "x".repeat(MIB)), echoedBytes(url, new Uint8Array(MIB).fill(0xfe))),
    ping: () => session(url, heartbeat),
    close: () => malformedClose((options) => session(url, (ws) => ws.close(4001, "bye"), options)),
    compression: () =>
      session(
        url,
        async (ws) => {
          check(ws.extensions === "", `it agreed to ${ws.extensions}`);
          return none(NO_COMPRESSION);
        },
        { perMessageDeflate: true },
      ),
    refusal: () => refused(url),
    "disconnect by the server": () =>
      session(url, async (ws) => {
        await ws.send('42["leave"]');
        await expectPacket(ws, "41", "the end of the session");
        const { wasClean } = await ws.close(1000);
        check(wasClean, "it did not close cleanly");
        return ok("It leaves it to the client to close the WebSocket.");
      }),
    "another version of Engine.IO": () => olderVersion(url),
  };
}

/** Three beats: the server asks, the client answers; and frames of WebSocket besides. */
async function heartbeat(ws: Connection): Promise<Verdict> {
  for (let beats = 0; beats < 3; beats++) {
    check((await next(ws)) === "2", "it said something else than a ping");
    await ws.send("3");
  }
  await ws.ping();
  await ws.send('427["echo","alive"]');
  await expectPacket(ws, '437["alive"]', "an event after the heartbeat");
  return OK;
}

/** By packets: gevent-websocket has upgraded before anybody is asked. */
async function refused(url: string): Promise<Verdict> {
  return connected(`${url}${PATH}`, {}, async (ws) => {
    await next(ws);
    await ws.send('40{"token":"wrong"}');
    const answer = String(await packet(ws));
    check(/^44\{"message":/.test(answer), `it answered ${answer}`);
    await ws.send("40/nowhere,");
    check(/^44\/nowhere,/.test(String(await packet(ws))), "it let somebody into no namespace");
    return ok(
      "It refuses by a packet of Socket.IO, and the WebSocket stays open: what HTTP would refuse is upgraded already.",
    );
  });
}

async function olderVersion(url: string): Promise<Verdict> {
  return connected(`${url}socket.io/?EIO=3&transport=websocket`, {}, async (ws) => {
    const { code, wasClean } = await ws.closed;
    check(wasClean, `it closed with ${code}`);
    return ok("It is answered by 101, and closed at once: open does not mean accepted.");
  });
}

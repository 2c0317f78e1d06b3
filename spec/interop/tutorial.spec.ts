// The websocket-client tutorial, byte for byte: its request, its frames, and its callbacks in their order.

import type { Socket } from "node:net";
import { expect } from "chai";
import { webSocketAppWith } from "../../lib/client/app.ts";
import { createConnectionWith } from "../../lib/client/connection.ts";
import { overSockets } from "../../lib/client/socket-options.ts";
import { TEXT } from "../../lib/codec/opcode.ts";
import { openWire } from "../../lib/session/open.ts";
import type { Open } from "../../lib/session/session.ts";
import { cleanUp } from "../support/clean-up.ts";
import { listen, requestHead } from "../support/peer.ts";
import { Queue } from "../support/queue.ts";
import { closeFrame, frame } from "../support/raw-server.ts";
import { platform } from "../support/runtime.ts";

const REQUEST = [
  "GET / HTTP/1.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Host: localhost:4040",
  "Origin: http://localhost:4040",
  "Sec-WebSocket-Key: q0+vBfXgMvGGywjDaHZWiw==",
  "Sec-WebSocket-Version: 13",
  "",
  "",
].join("\r\n");

const ANSWER = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Accept: /YqMq5iNGOMjtELPGCZsnozMSlw=",
  "Date: Sun, 15 Sep 2019 23:34:04 GMT",
  "Server: Python/3.7 websockets/8.0.2",
  "",
  "",
].join("\r\n");

/** "hello there" and three times "hello again", as the tutorial's client sent them. */
const FRAMES = [
  "818bcbea592ea38f3542a4ca2d46ae983c",
  "818b00e9597b688c35176fc9381c618037",
  "818b9fa3b2d8f7c6deb4f083d3bffecadc",
  "818bfd0cd0b09569bcdc922cb1d79c65be",
];

/** The keys that the tutorial's frames are masked with; a key is a number, its bytes little-endian. */
function tutorialOpen(): Open {
  const keys = FRAMES.map((bytes) => Buffer.from(bytes, "hex").readUInt32LE(2));
  return openWire({ ...platform, mask: () => keys.shift() ?? 0, key: () => "q0+vBfXgMvGGywjDaHZWiw==" });
}

const OPTIONS = { host: "localhost:4040", origin: "http://localhost:4040" };

describe("the websocket-client tutorial", () => {
  const use = cleanUp();

  /** The tutorial's server: answers every frame with "hello world", the fourth with a Close frame. */
  const serve = async () => {
    const heads = new Queue<string>();
    const received: string[] = [];
    const peer = use(
      await listen(async (socket: Socket) => {
        heads.push(await requestHead(socket));
        socket.write(ANSWER);
        socket.on("data", (chunk) => {
          if (received.length === 4) return void socket.end();
          received.push(chunk.toString("hex"));
          socket.write(received.length < 4 ? frame(TEXT, "hello world") : closeFrame());
        });
      }),
    );
    return { url: peer.url, heads, received };
  };

  it("is a long-lived connection that sends these bytes", async () => {
    const { url, heads, received } = await serve();
    const log: string[] = [];
    const WebSocketApp = webSocketAppWith(overSockets(tutorialOpen()), {});
    const app = new WebSocketApp(url, {
      ...OPTIONS,
      onMessage(app, message) {
        log.push(`received message as ${message}`);
        app.send("hello again");
        log.push("sending 'hello again'");
      },
      onError(_app, error) {
        log.push(`received error as ${error}`);
      },
      onClose() {
        log.push("Connection closed");
      },
    });
    app.onOpen = (app) => {
      app.send("hello there");
      log.push("sent message on open");
    };
    await app.runForever();
    expect(await heads.next()).to.equal(REQUEST);
    expect(received).to.deep.equal(FRAMES);
    expect(log).to.deep.equal([
      "sent message on open",
      ...[1, 2, 3].flatMap(() => ["received message as hello world", "sending 'hello again'"]),
      "Connection closed",
    ]);
  });

  it("is a short-lived connection that sends these bytes", async () => {
    const { url, heads, received } = await serve();
    const ws = await createConnectionWith(overSockets(tutorialOpen()), {})(url, OPTIONS);
    await ws.send("hello there");
    expect(await ws.recv()).to.equal("hello world");
    expect(await heads.next()).to.equal(REQUEST);
    expect(received).to.deep.equal(FRAMES.slice(0, 1));
  });
});

// Fault 72: what a browser does to a connection, played by its WebSocket's stand-in; real browsers run spec/browser.

import { expect } from "chai";
import { webSocketAppWith } from "../../lib/client/app.ts";
import { createConnectionWith } from "../../lib/client/connection.ts";
import { overNative } from "../../lib/client/native-options.ts";
import { ClosedError, TransportError, UsageError } from "../../lib/errors.ts";
import { openNative } from "../../lib/session/native.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { FakeNative } from "../support/fake-native.ts";
import { type Clock, settle, virtualClock } from "../support/script-clock.ts";

const URL = "wss://host.test/";

describe("faults: the browser", () => {
  const use = cleanUp();

  /** Both shapes over native WebSockets that the test plays, and those that were made. */
  function browser() {
    const sockets: FakeNative[] = [];
    const create = (url: string, protocols: readonly string[]) => {
      const socket = new FakeNative(url, protocols);
      sockets.push(socket);
      return socket;
    };
    const resolve = overNative(openNative(create));
    return {
      sockets,
      createConnection: createConnectionWith(resolve, {}),
      WebSocketApp: webSocketAppWith(resolve, {}),
    };
  }

  async function last(sockets: FakeNative[]): Promise<FakeNative> {
    await settle();
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("no WebSocket was made");
    return socket;
  }

  it("72: the network is gone: an error, and the end with 1006; who waits is told", async () => {
    const { sockets, createConnection } = browser();
    const connecting = createConnection(URL);
    const socket = await last(sockets);
    socket.open();
    const ws = await connecting;
    const receiving = ws.recv();
    socket.fail();
    socket.end({ code: 1006, wasClean: false });
    const info = await ws.closed;
    expect(info).to.include({ code: 1006, wasClean: false });
    expect(info.error).to.be.an.instanceOf(TransportError);
    expect((await rejection(receiving, ClosedError)).info).to.equal(info);
  });

  it("72: it tells of the error and not of the end, as where a page is put aside: it ends all the same", async () => {
    const clock = virtualClock(use);
    const { sockets, createConnection } = browser();
    const connecting = createConnection(URL);
    await clock.advance(0);
    const socket = await last(sockets);
    socket.open();
    const ws = await connecting;
    socket.fail();
    await clock.advance(1_000);
    expect(await ws.closed).to.include({ code: 1006, wasClean: false });
  });

  it("72: a page that may not (mixed content): an error that says so, and no attempt after it", async () => {
    const create = () => {
      throw new DOMException("An insecure WebSocket connection may not be initiated", "SecurityError");
    };
    const resolve = overNative(openNative(create));
    const error = await rejection(createConnectionWith(resolve, {})("ws://host.test/"), UsageError);
    expect(error.code).to.equal("ERR_WS_UNSUPPORTED");
    const app = new (webSocketAppWith(resolve, {}))("ws://host.test/", { reconnect: { minDelay: 1 } });
    let closes = 0;
    app.onClose = () => void closes++;
    expect((await app.runForever()).error).to.be.an.instanceOf(UsageError);
    expect(closes).to.equal(1);
  });

  it("72: a page that may not connect there (CSP), or a network that is away: the waits grow, as for any loss", async () => {
    const clock: Clock = virtualClock(use);
    const { sockets, WebSocketApp } = browser();
    const app = new WebSocketApp(URL, { reconnect: { jitter: 0 } });
    const delays: (number | undefined)[] = [];
    app.onClose = (_app, _code, _reason, { retry }) => delays.push(retry?.delay);
    const ending = app.runForever();
    for (let i = 0; i < 6; i++) {
      await clock.advance(delays.at(-1) ?? 0);
      expect(sockets).to.have.length(i + 1);
      const socket = await last(sockets);
      socket.fail();
      socket.end({ code: 1006, wasClean: false });
      await clock.advance(0);
    }
    expect(delays).to.deep.equal([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    app.close();
    expect(await ending).to.include({ code: 1006 });
    await clock.advance(60_000);
    expect(sockets).to.have.length(6);
  });
});

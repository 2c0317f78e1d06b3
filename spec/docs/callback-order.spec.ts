// What docs/migrating-from-websocket-client.md says of callbacks and their order is what happens.

import { expect } from "chai";
import type { App, AppOptions } from "../../lib/client/app.ts";
import { CALLBACKS } from "../../lib/client/callbacks.ts";
import { TEXT } from "../../lib/codec/opcode.ts";
import { HandshakeError, TimeoutError } from "../../lib/errors.ts";
import { cleanUp, type Use } from "../support/clean-up.ts";
import { readPage, tableWith } from "../support/markdown.ts";
import { listen, NOWHERE, requestHead } from "../support/peer.ts";
import { rawServer, type ServerEnd } from "../support/raw-server.ts";
import { WebSocketApp } from "../support/runtime.ts";

/** An app's callbacks in order, as the guide writes them, and how it ended. */
interface Story {
  readonly told: string[];
  readonly result: string;
}

type Scenario = (use: Use) => Promise<Story>;

/** Runs an app, all of whose callbacks tell; `serve` is given each connection of its server. */
async function tell(
  use: Use,
  serve: (end: ServerEnd, app: WebSocketApp) => void,
  more: AppOptions = {},
  callbacks: readonly string[] = CALLBACKS.filter((name) => !/Data|Ping|Pong|ContMessage/.test(name)),
): Promise<Story> {
  const { url, accepted } = await rawServer(use);
  const story = recordingApp(url, more, callbacks);
  const serving = (async () => {
    for (;;) serve(await accepted.next(), story.app);
  })();
  serving.catch(() => {});
  use({ close: () => story.app.terminate() });
  return { told: story.told, result: outcome(await story.app.runForever()) };
}

function recordingApp(url: string, options: AppOptions, callbacks: readonly string[]) {
  const told: string[] = [];
  const app = new WebSocketApp(url, options);
  for (const name of callbacks) {
    const own: unknown = (options as Record<string, unknown>)[name];
    Object.assign(app, {
      [name](app: WebSocketApp, ...rest: unknown[]) {
        told.push(name + shown(name, rest));
        if (typeof own === "function") own(app, ...rest);
      },
    });
  }
  return { app, told };
}

function shown(name: string, [first, second, third]: unknown[]): string {
  if (name === "onError") return first instanceof TypeError ? "" : `(${(first as Error).name})`;
  if (name !== "onClose") return "";
  const reason = second === "" ? "" : `, ${JSON.stringify(second)}`;
  const { retry } = third as { retry?: unknown };
  return `(${String(first)}${reason})${retry === undefined ? "" : " with info.retry"}`;
}

function outcome({ code, wasClean, error }: Awaited<ReturnType<App["runForever"]>>): string {
  if (wasClean) return `code ${code}, wasClean true`;
  if (error instanceof HandshakeError) return `code ${code}, error.status ${error.status}`;
  if (error instanceof TimeoutError) return `code ${code}, error.phase "${error.phase}"`;
  return `code ${code}, error`;
}

const SITUATIONS: Readonly<Record<string, Scenario>> = {
  "the server sends two messages and closes with 1000": (use) =>
    tell(
      use,
      (end) => {
        end.send(TEXT, "one");
        end.send(TEXT, "two");
        end.close(1000);
      },
      {},
      CALLBACKS,
    ),
  'the server closes with 4005 "why not"': (use) => tell(use, (end) => end.close(4005, "why not")),
  "TCP is refused": async () => {
    const { app, told } = recordingApp(NOWHERE, {}, CALLBACKS);
    return { told, result: outcome(await app.runForever()) };
  },
  "the server answers 403": async (use) => {
    const peer = use(
      await listen(async (socket) => {
        await requestHead(socket);
        socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      }),
    );
    const { app, told } = recordingApp(peer.url, {}, CALLBACKS);
    return { told, result: outcome(await app.runForever()) };
  },
  "the connection is dropped without a Close frame": (use) => tell(use, ({ socket }) => socket.destroy()),
  "app.close() in onMessage": (use) =>
    tell(
      use,
      (end) => {
        end.send(TEXT, "one");
        void end.frames.next().then(() => end.close(1000));
      },
      { onMessage: (app) => app.close() },
    ),
  "onMessage throws, and the server closes with 1000 later": (use) =>
    tell(
      use,
      (end) => {
        end.send(TEXT, "one");
        void end.frames.next().then(() => end.close(1000)); // the ping of onError: it is still open
      },
      {
        onMessage() {
          throw new TypeError("of the callback");
        },
        onError: (app) => void app.ping(),
      },
    ),
  "a dead peer, with keepAlive": (use) => tell(use, () => {}, { keepAlive: { interval: 20, timeout: 20 } }),
  "a loss, with reconnect, and a second connection": (use) => {
    let visits = 0;
    const serve = (end: ServerEnd) => (visits++ === 0 ? end.socket.destroy() : end.close(1000));
    return tell(use, serve, { reconnect: 10 });
  },
};

describe("the guide's order of callbacks", () => {
  const use = cleanUp();
  const { rows } = tableWith(readPage("docs/migrating-from-websocket-client.md"), "Situation");

  it("is that of these situations", () => {
    expect(rows.map(([title = ""]) => title.replaceAll("`", ""))).to.deep.equal(Object.keys(SITUATIONS));
  });

  for (const [title, callbacks, result] of rows.map((row) => row.map((cell) => cell.replaceAll("`", "")))) {
    it(`is what happens when ${title}`, async () => {
      const story = await SITUATIONS[title ?? ""]?.(use);
      expect(story?.told.join(", ")).to.equal(callbacks);
      expect(story?.result).to.equal(result);
    });
  }
});

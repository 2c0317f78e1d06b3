// What comes of a scripted peer for a client, in both shapes: what it was given, how it ended, and that it ended just once:
// every promise settled, every callback called that had to be, and none after the last.

import { expect } from "chai";
import type { AppOptions } from "../../lib/client/app.ts";
import type { Connection } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { CLOSE } from "../../lib/codec/opcode.ts";
import { ClosedError, type CloseInfo, type Message, WebSocketError } from "../../lib/node.ts";
import { nextTurn } from "./clean-up.ts";
import { rejection, thrown } from "./failure.ts";
import { toHex } from "./hex.ts";
import type { Line, ScriptedPeer } from "./script.ts";

export interface Outcome {
  /** Why there never was a connection. */
  readonly refusal?: Error;
  readonly messages: readonly Message[];
  /** How the connection ended; undefined where there was none. */
  readonly info?: CloseInfo;
  /** The close code that the peer was told; undefined for no Close frame. */
  readonly told?: number;
}

export const SHAPES = ["Connection", "WebSocketApp"] as const;
export type Shape = (typeof SHAPES)[number];

/** What a client does once it is open. */
export type Act = (client: {
  send(data: string | Uint8Array): unknown;
  close(code?: number, reason?: string): unknown;
  terminate(): void;
}) => unknown;

/** Connects a client to the peer, and sees it to its end. */
export function outcome(
  shape: Shape,
  peer: ScriptedPeer,
  options: ConnectionOptions = {},
  act: Act = () => {},
): Promise<Outcome> {
  return shape === "Connection" ? ofConnection(peer, options, act) : ofApp(peer, options, act);
}

async function ofConnection(peer: ScriptedPeer, options: ConnectionOptions, act: Act): Promise<Outcome> {
  let ws: Connection;
  try {
    ws = await peer.createConnection(peer.url, { ...peer.options, ...options });
  } catch (refusal) {
    return { refusal: refusal as Error, messages: [] };
  }
  const line = await peer.lines.next();
  let ends = 0;
  void ws.closed.then(() => ends++);
  const waiting = ws.state === "open" ? [ws.ping()] : [];
  await act(ws);

  const messages: Message[] = [];
  let end: ClosedError | undefined;
  while (end === undefined) {
    await ws.recv().then(
      (message) => messages.push(message),
      (error: ClosedError) => {
        end = error;
      },
    );
  }
  const info = await ws.closed;
  // Of a connection that is gone nothing is pending, and nothing can be asked.
  expect(end).to.be.an.instanceOf(ClosedError);
  expect(end.info).to.equal(info);
  await Promise.allSettled(waiting);
  expect(ws.state).to.equal("closed");
  for (const promise of [ws.recv(), ws.recvStream(), ws.send("x"), ws.sendStream(["x"]), ws.ping()])
    expect((await rejection(promise, ClosedError)).info).to.equal(info);
  thrown(() => ws.pong(), ClosedError);
  expect(await ws.close()).to.equal(info);
  ws.terminate();
  await nextTurn();
  expect(ends).to.equal(1);
  return { messages, info, ...(await toldBy(line)) };
}

async function ofApp(peer: ScriptedPeer, options: ConnectionOptions, act: Act): Promise<Outcome> {
  const events: string[] = [];
  const messages: Message[] = [];
  const errors: Error[] = [];
  let acted: unknown;
  const callbacks: Partial<AppOptions> = {
    onOpen(app) {
      events.push("open");
      acted = act(app);
    },
    onMessage(_app, message) {
      events.push("message");
      messages.push(message);
    },
    onError(_app, error) {
      events.push("error");
      errors.push(error);
    },
    onClose(app, code, reason, info) {
      events.push("close");
      expect([code, reason]).to.deep.equal([info.code, info.reason]);
      expect(app.connection).to.equal(undefined);
    },
  };
  const app = new peer.WebSocketApp(peer.url, { ...peer.options, ...options, ...callbacks } as AppOptions);
  const info = await app.runForever();
  await acted;
  await nextTurn();

  // An app that was opened says so first; an error is told once, before the end, unless the user asked for the end.
  expect(events.filter((event) => event === "close")).to.have.length(1);
  expect(events.at(-1)).to.equal("close");
  expect(errors.length).to.be.at.most(1);
  if (errors.length > 0) expect(events.at(-2)).to.equal("error");
  if (errors.length > 0 && info.error !== undefined) expect(errors[0]).to.equal(info.error);
  const isOpened = events.includes("open");
  if (isOpened) expect(events.indexOf("open")).to.equal(0);
  thrown(() => app.send("x"), ClosedError);
  if (!isOpened) {
    expect(info).to.include({ code: 1006, reason: "", wasClean: false });
    return { refusal: info.error as Error, messages };
  }
  return { messages, info, ...(await toldBy(await peer.lines.next())) };
}

/** The code of the one Close frame that the client sent: the last frame of all. */
async function toldBy({ record, socket, ended }: Line): Promise<{ told?: number }> {
  socket.resume();
  await ended;
  let told: number | undefined;
  while (record.waiting > 0) {
    const { opcode, payload } = await record.next();
    expect(told, "a frame behind the Close frame").to.equal(undefined);
    if (opcode === CLOSE) told = payload.length === 0 ? 1005 : payload.readUInt16BE();
  }
  return told === undefined ? {} : { told };
}

/** An error as tables have it: its class and code, and the phase of a timeout. */
export function kindOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof WebSocketError)) return String(error);
  const phase = "phase" in error ? ` ${error.phase}` : "";
  return `${error.name} ${error.code}${phase}`;
}

/** A message as tables have it. */
export function show(message: Message): string {
  return typeof message === "string" ? message : toHex(message);
}

// What a scripted peer can do, step by step.

import { CLOSE, type Opcode } from "../../lib/codec/opcode.ts";
import { nextTurn } from "./clean-up.ts";
import { hex } from "./hex.ts";
import { accepting } from "./peer.ts";
import { closeFrame, type SentFrame } from "./raw-server.ts";
import { Gone, type Line, type Step } from "./script.ts";

const HEAD_END = "\r\n\r\n";

/** Waits for a request, and keeps its head for those who answer it. */
export const request: Step = async (line) => {
  while (!line.heard.includes(HEAD_END)) await next(line);
};

function headOf(line: Line): string {
  return line.heard.subarray(0, line.heard.indexOf(HEAD_END)).toString("latin1") + HEAD_END;
}

/** Fulfils when something came from the client, and fails when nothing will. */
async function next({ socket, gone, ended }: Line): Promise<void> {
  let heard = () => {};
  const came = new Promise<void>((resolve) => {
    heard = resolve;
    socket.once("data", heard);
  });
  const none = Promise.race([gone, ended]).then(() => true);
  const isOver = await Promise.race([none, came.then(() => false)]);
  socket.off("data", heard);
  if (isOver) throw new Gone("the client is gone");
}

/** Does the handshake; `more` are lines for the 101, or bytes that leave in its segment. */
export function upgrade(...more: (string | Uint8Array)[]): Step {
  return async (line) => {
    await request(line);
    line.readFrames();
    const lines = more.filter((item) => typeof item === "string");
    const bytes = more.filter((item) => typeof item !== "string");
    await line.send(Buffer.concat([Buffer.from(accepting(headOf(line), ...lines), "latin1"), ...bytes]));
  };
}

/** Answers the request with a text, or with what a function makes of the head. */
export function answer(text: string | ((head: string) => string)): Step {
  return async (line) => {
    await request(line);
    line.readFrames();
    await say(typeof text === "string" ? text : text(headOf(line)))(line);
  };
}

/** Sends a text, a byte for each character, or bytes. */
export function say(what: string | Uint8Array): Step {
  return (line) => line.send(typeof what === "string" ? Buffer.from(what, "latin1") : what);
}

/** Sends bytes that are given in hex, with `|` wherever it helps the reader. */
export function send(digits: string): Step {
  return say(hex(digits.replaceAll("|", "")));
}

/** Sends bytes one by one, with turns of the loop between them. */
export function drip(what: string | Uint8Array): Step {
  return async (line) => {
    for (const byte of Buffer.from(what as string, "latin1")) {
      if (line.socket.destroyed) return;
      await line.send(Uint8Array.of(byte));
      await nextTurn();
    }
  };
}

/** Sends the same bytes so many times, as fast as the client takes them. */
export function flood(bytes: Uint8Array, times: number): Step {
  return async (line) => {
    for (let i = 0; i < times && !line.socket.destroyed; i++) await line.send(bytes);
  };
}

/** Waits for a frame of that kind, and passes over others. */
export function hear(opcode: Opcode, check: (frame: SentFrame) => void = () => {}): Step {
  return async ({ frames }) => {
    for (;;) {
      const frame = await frames.next().catch((cause) => {
        throw new Gone("the client is gone", { cause });
      });
      if (frame.opcode === opcode) return check(frame);
    }
  };
}

/** Sends a Close frame. */
export function close(code?: number, reason?: string): Step {
  return say(closeFrame(code, reason));
}

/** Ends the connection as a good server does: the Close frame, the client's, and then TCP. */
export function goodbye(code?: number, reason?: string): readonly Step[] {
  return [close(code, reason), hear(CLOSE), finish];
}

/** Answers the client's Close frame with its like, and ends TCP. */
export const answerClose: readonly Step[] = [
  (line) =>
    hear(
      CLOSE,
      ({ payload }) => void line.send(Buffer.concat([Buffer.of(0x88, payload.length), payload])),
    )(line),
  (line) => finish(line),
];

/** FIN. */
export const finish: Step = ({ socket }) => void socket.end();

/** RST. */
export const reset: Step = (line) => line.reset();

/** Gone at once, which is a RST where something was not read. */
export const drop: Step = ({ socket }) => void socket.destroy();

/** Reads nothing more. */
export const stopReading: Step = ({ socket }) => void socket.pause();

export const readOn: Step = ({ socket }) => void socket.resume();

/** Does not answer the client's end with its own. */
export const stayOpen: Step = (line) => {
  line.isStubborn = true;
};

/** Waits for the client's FIN. */
export const hearEnd: Step = ({ ended }) => ended;

/** Waits for whatever the test says. */
export function cue(promise: Promise<unknown>): Step {
  return () => promise;
}

/** Some turns of the event loop. */
export const breathe: Step = async () => {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
};

/** Many turns: whatever was ready to happen on either side of a connection on this machine has happened. */
export const settled: Step = async () => {
  for (let turn = 0; turn < 50; turn++) await nextTurn();
};

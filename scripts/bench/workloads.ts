// What is measured. A workload that is timed runs for a while on open connections and says how many messages it moved;
// memory and start-up are measured in processes of their own (memory.ts, cold-start.ts). What comes back is checked: every
// text whole, all bytes for their length and ends, and now and then byte for byte.

import type { Client, Payload } from "./clients.ts";
import { binary, floodOf, isEqual, jsonText, MIXED1K, TEXT1K, TEXT32, TEXT100 } from "./payloads.ts";

export type Unit = "messages/s" | "connections/s" | "bytes" | "ms";

export interface Workload {
  /** Names it in results. */
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** Part of the quick run; measured over TLS too. */
  readonly isQuick?: boolean;
  readonly isSecureToo?: boolean;
  readonly isCompressed?: boolean;
  /** ws with its native add-on takes part. */
  readonly isForAddOn?: boolean;
}

export interface Timed extends Workload {
  /** Path of the server. */
  readonly path: string;
  /** Open connections that it is given; 0 for one that opens its own. */
  readonly connections: number;
  /** Moves messages for about `ms`; how many. */
  run(clients: readonly Client[], ms: number, open: () => Promise<Client>): Promise<number>;
}

/** Keeps `window` messages under way on each connection; `payload` gives the text or bytes of each by its number. */
function echo(clients: readonly Client[], ms: number, window: number, payload: (number: number) => Payload) {
  // The clock is asked for now and then only: it costs as much as a small message.
  const often = window * clients.length < 64 ? 1 : 64;
  return new Promise<number>((resolve, reject) => {
    const end = performance.now() + ms;
    let total = 0;
    let waiting = clients.length;
    let isOver = false;
    const start = (client: Client) => {
      let sent = 0;
      let received = 0;
      client.expect?.(payload(0));
      client.onMessage = (data) => {
        if (!isEqual(data, payload(received), received % 64 === 0)) reject(new Error("wrong echo"));
        received++;
        total++;
        if (!isOver && total % often === 0) isOver = performance.now() > end;
        if (!isOver) {
          client.send(payload(sent++));
        } else if (received === sent) {
          waiting--;
          if (waiting === 0) resolve(total);
        }
      };
      while (sent < window) client.send(payload(sent++));
    };
    for (const client of clients) start(client);
  });
}

interface Echo extends Partial<Timed> {
  readonly window: number;
}

function echoing(
  id: string,
  title: string,
  payload: Payload | ((number: number) => Payload),
  more: Echo,
): Timed {
  const next = typeof payload === "function" ? payload : () => payload;
  const { window, ...rest } = more;
  return {
    ...{ id, title, unit: "messages/s", path: "/echo", connections: 1, ...rest },
    run: (clients, ms) => echo(clients, ms, window, next),
  };
}

/** Sends as fast as it can, a thousand at a time, while less than a mebibyte waits; the server counts. */
function sendFlood(id: string, title: string, payload: string): Timed {
  return {
    ...{ id, title, unit: "messages/s", path: "/sink", connections: 1, isQuick: true, isSecureToo: true },
    async run([client], ms) {
      if (client === undefined) return 0;
      const end = performance.now() + ms;
      let sent = 0;
      while (performance.now() < end) {
        for (let i = 0; i < 1000 && client.buffered() < 2 ** 20; i++, sent++) client.send(payload);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const expected = `${sent} ${sent * payload.length}`;
      const counted = await answer(client, "report", expected);
      if (counted !== expected) throw new Error(`sent ${expected}, arrived ${String(counted)}`);
      return sent;
    },
  };
}

function answer(client: Client, question: string, expected: Payload): Promise<Payload> {
  client.expect?.(expected);
  return new Promise((resolve) => {
    client.onMessage = resolve;
    client.send(question);
  });
}

/** Takes what the server sends as fast as it can; the first batches show how many are good for a while. */
function receiveFlood(id: string, title: string, size: number, isText: boolean, more: Partial<Timed>): Timed {
  const expected = floodOf(size, isText);
  return {
    ...{ id, title, unit: "messages/s", path: "/flood", connections: 1, ...more },
    async run([client], ms) {
      if (client === undefined) return 0;
      client.expect?.(expected);
      const end = performance.now() + ms;
      let received = 0;
      let batch = Math.ceil(2 ** 20 / size);
      while (performance.now() < end) {
        const start = performance.now();
        await new Promise<void>((resolve, reject) => {
          let left = batch;
          client.onMessage = (data) => {
            left--;
            if (!isEqual(data, expected, left % 64 === 0)) reject(new Error("wrong message"));
            if (left === 0) resolve();
          };
          client.send(`${batch} ${size} ${isText ? "text" : "binary"}`);
        });
        received += batch;
        const rate = batch / (performance.now() - start);
        batch = Math.ceil(Math.max(batch, Math.min(rate * (end - performance.now()), batch * 16)));
      }
      return received;
    },
  };
}

/** Connects, has one text echoed, closes, and again. */
const CONNECTING: Timed = {
  ...{ id: "connect", title: "connect, echo, close", unit: "connections/s", path: "/echo", connections: 0 },
  ...{ isQuick: true, isSecureToo: true },
  async run(_, ms, open) {
    const end = performance.now() + ms;
    let done = 0;
    for (; performance.now() < end; done++) {
      const client = await open();
      if ((await answer(client, TEXT32, TEXT32)) !== TEXT32) throw new Error("wrong echo");
      await client.close();
    }
    return done;
  },
};

const PIPELINED = { window: 256 };

export const TIMED: readonly Timed[] = [
  echoing("echo-32-text", "echo, 32 B text, 256 under way", TEXT32, {
    ...PIPELINED,
    ...{ isQuick: true, isSecureToo: true },
  }),
  echoing("echo-1k-ascii", "echo, 1 KiB ASCII text, 256 under way", TEXT1K, PIPELINED),
  echoing("echo-1k-mixed", "echo, 1 KiB mixed text, 256 under way", MIXED1K, PIPELINED),
  echoing("echo-1k-binary", "echo, 1 KiB binary, 256 under way", binary(1024), {
    ...PIPELINED,
    ...{ isQuick: true, isSecureToo: true },
  }),
  echoing("echo-64k-binary", "echo, 64 KiB binary, 16 under way", binary(2 ** 16), {
    ...{ window: 16, isQuick: true, isSecureToo: true, isForAddOn: true },
  }),
  echoing("echo-1m-binary", "echo, 1 MiB binary, 4 under way", binary(2 ** 20), {
    window: 4,
    isForAddOn: true,
  }),
  sendFlood("send-32-text", "send, 32 B text", TEXT32),
  receiveFlood("receive-32-text", "receive, 32 B text", 32, true, { isQuick: true }),
  receiveFlood("receive-1k-binary", "receive, 1 KiB binary", 1024, false, {}),
  receiveFlood("receive-64k-binary", "receive, 64 KiB binary", 2 ** 16, false, { isSecureToo: true }),
  echoing("ping-pong", "echo, 32 B text, one at a time", TEXT32, {
    ...{ window: 1, isQuick: true, isSecureToo: true },
  }),
  echoing("connections-1000", "1,000 connections, 100 B, one each", TEXT100, {
    window: 1,
    connections: 1000,
  }),
  CONNECTING,
  {
    ...echoing("compressed", "echo, 2 KiB JSON compressed, 32 under way", jsonText, { window: 32 }),
    ...{ isCompressed: true },
  },
];

/** In fresh processes; what of their memory grows with connections. */
export interface Memory extends Workload {
  readonly connections: number;
  readonly path: string;
}

export const MEMORY: readonly Memory[] = [
  {
    ...{ id: "memory-idle", title: "memory of an idle connection", unit: "bytes" },
    ...{ connections: 2000, path: "/echo" },
  },
  {
    ...{ id: "memory-compressed", title: "the same, a compressed message each way", unit: "bytes" },
    ...{ connections: 1000, path: "/echo", isCompressed: true },
  },
];

export const START: Workload = { id: "start", title: "process, start to first echo", unit: "ms" };

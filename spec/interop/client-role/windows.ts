// Compression in every window and with every takeover, hundreds of messages each way.

import type { Connection } from "../../../lib/client/connection.ts";
import type { PerMessageDeflateOptions } from "../../../lib/client/deflate-option.ts";
import { check, connected, echoes, next, OK, type Trial } from "./trial.ts";

const MIB = 1024 * 1024;

/** Messages each way in each window. */
const MANY = 200;

const TAKEOVERS = [
  {},
  { serverNoContextTakeover: true },
  { clientNoContextTakeover: true },
  { serverNoContextTakeover: true, clientNoContextTakeover: true },
];

/** Texts and bytes of many sizes, of which much can be saved, or nothing. */
function* messages(count: number, seed: number): Generator<string | Uint8Array> {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const words = ["tick", "price", "\u20acuro", "volume", "side", "buy", "sell", "\u{1f600}", "at", "id"];
  for (let i = 0; i < count; i++) {
    const size = Math.floor(random() ** 4 * 12_000);
    if (i % 5 === 4) {
      yield Uint8Array.from({ length: size }, () => random() * (i % 2 === 0 ? 256 : 4));
      continue;
    }
    let text = "";
    while (text.length < size)
      text += `{"${words[Math.floor(random() * words.length)]}":${Math.floor(random() * 1e6)}}`;
    yield text;
  }
}

/** A connection with compression, which is used and closed. */
function deflating(
  url: string,
  perMessageDeflate: boolean | PerMessageDeflateOptions,
  use: (ws: Connection) => Promise<void>,
): Promise<void> {
  return connected(url, { perMessageDeflate, maxMessageSize: 64 * MIB }, async (ws) => {
    check(ws.extensions.startsWith("permessage-deflate"), `it agreed to ${ws.extensions || "nothing"}`);
    await use(ws);
    const { wasClean, code } = await ws.close(1000);
    check(wasClean && code === 1000, `it closed with ${code}`);
  });
}

/** What a server is tried with that compresses: its own choice of windows, no takeover, and the smallest and the largest window. */
export function compressed(url: string): Trial {
  return async () => {
    await compress(url);
    for (const bits of [9, 15]) await inWindow(url, bits, {});
    await inWindow(url, 9, { serverNoContextTakeover: true, clientNoContextTakeover: true });
    return OK;
  };
}

async function compress(url: string): Promise<void> {
  await deflating(url, true, (ws) => echoes(ws, [...messages(MANY, 1)]));
  await deflating(url, { threshold: 0 }, async (ws) => {
    await echoes(ws, ["", new Uint8Array(0), "a", ""]);
    for (const compress of [true, false, true]) await ws.send("over and over", { compress });
    for (let i = 0; i < 3; i++) check((await next(ws)) === "over and over", "it came back as another");
  });
  await deflating(url, { level: 9, memLevel: 1 }, (ws) => echoes(ws, [...messages(MANY, 2)]));
  await deflating(url, true, async (ws) => {
    const pieces = ["one, ", "", "one, two, ", "\u{1f600}".repeat(5000), "one, two"];
    await ws.sendStream(pieces);
    check((await next(ws)) === pieces.join(""), "a stream came back as another");
  });
  await deflating(url, true, async (ws) => {
    await Promise.all([echoes(ws, [...messages(MANY, 4)]), ws.ping()]);
  });
  await connected(url, { perMessageDeflate: false }, async (ws) => {
    check(ws.extensions === "", `it agreed to ${ws.extensions}`);
    await echoes(ws, [...messages(100, 5)]);
  });
}

async function inWindow(url: string, bits: number, takeover: PerMessageDeflateOptions): Promise<void> {
  const options = { ...takeover, serverMaxWindowBits: bits, clientMaxWindowBits: bits, threshold: 0 };
  try {
    await deflating(url, options, (ws) => echoes(ws, [...messages(MANY, bits)]));
  } catch (cause) {
    throw new Error(`windows of 2^${bits} ${Object.keys(takeover)}: ${cause}`, { cause });
  }
}

/** What a server is tried with that takes the windows it is offered, and answers "terms" with the offer. */
export function windows(url: string): Trial {
  return async () => {
    await compress(url);
    for (const bits of [9, 10, 11, 12, 13, 14, 15])
      for (const takeover of TAKEOVERS) await inWindow(url, bits, takeover);
    await deflating(url, true, async (ws) => {
      await ws.send("terms");
      const offer = await next(ws);
      check(offer === "permessage-deflate; client_max_window_bits", `it was offered ${String(offer)}`);
    });
    await deflating(url, true, large);
    return OK;
  };
}

/** 8 MiB, with others between. */
async function large(ws: Connection): Promise<void> {
  const text = [...messages(500, 3)].filter((message) => typeof message === "string").join("");
  const noise = Uint8Array.from({ length: 2 * MIB }, (_, i) => (i * 2654435761) >>> (i % 23));
  const much = text
    .repeat(Math.ceil((8 * MIB) / text.length))
    .slice(0, 8 * MIB)
    .replace(/[\ud800-\udfff]/g, "x");
  await echoes(ws, [much, "between", noise, much]);
}

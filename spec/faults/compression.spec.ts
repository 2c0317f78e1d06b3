// Faults 28, 34, 40, S4 and S5 with permessage-deflate: what is corrupt, what is too large once it is inflated, and agreements
// that nobody asked for.

import { randomBytes } from "node:crypto";
import { constants, deflateRawSync } from "node:zlib";
import { expect } from "chai";
import { encodeHeader } from "../../lib/codec/frame-encoder.ts";
import { BINARY, CONTINUATION } from "../../lib/codec/opcode.ts";
import { LimitError } from "../../lib/errors.ts";
import { cleanUp, nextTurn } from "../support/clean-up.ts";
import { accepting } from "../support/peer.ts";
import { type Step, scripted } from "../support/script.ts";
import { play, type Scene } from "../support/script-scenes.ts";
import { answer, flood, goodbye, hearEnd, say, send, upgrade } from "../support/script-steps.ts";

const MIB = 1024 * 1024;
const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate";
const ON: Scene["options"] = { perMessageDeflate: true };

const GOOD = "1000 clean, told 1000";
const PROTOCOL = "1006 ProtocolError ERR_WS_PROTOCOL, told 1002";
const CORRUPT = "1006 ProtocolError ERR_WS_INVALID_DEFLATE, told 1007";
const UTF8 = "1006 ProtocolError ERR_WS_INVALID_UTF8, told 1007";
const TOO_BIG = "1006 LimitError ERR_WS_MESSAGE_TOO_BIG, told 1009";
const INVALID = "refused HandshakeError ERR_WS_INVALID_RESPONSE";

function failing(title: string, bytes: string, end: string, options: Scene["options"] = {}): Scene {
  const script = [upgrade(DEFLATE), send(`81 02 6f6b | ${bytes}`)];
  return { title, script, messages: ["ok"], end, options: { ...ON, ...options }, streams: ["TCP", "memory"] };
}

function fine(title: string, bytes: string, messages: string[], options: Scene["options"] = {}): Scene {
  const script = [upgrade(DEFLATE), send(bytes), ...goodbye()];
  return { title, script, messages, end: GOOD, options: { ...ON, ...options }, streams: ["TCP", "memory"] };
}

/** A frame with RSV1 as the first of a message, with these bytes. */
function packed(payload: Uint8Array, fin = true, first = true): Buffer {
  const header = encodeHeader(first ? BINARY : CONTINUATION, fin, first, payload.length, null);
  return Buffer.concat([header, payload]);
}

const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH };

/** Half a window of what cannot be compressed. */
const NOISE = randomBytes(16 * 1024);

/** Zeros, `mebibytes` of them in a kilobyte each. */
function bomb(mebibytes: number): Buffer {
  const one = deflateRawSync(Buffer.alloc(MIB), { finishFlush: constants.Z_SYNC_FLUSH });
  return Buffer.concat(Array.from({ length: mebibytes }, () => one));
}

/** By how many bytes the process has grown at the most while `act` runs, as the system counts. */
async function growth(act: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss;
  let most = before;
  const watching = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 1);
  try {
    await act();
  } finally {
    clearInterval(watching);
  }
  return Math.max(most, process.memoryUsage().rss) - before;
}

describe("faults: compression", () => {
  const use = cleanUp();

  play(use, [
    failing("28: RSV1 on a continuation", "01 01 61 | c0 01 62", PROTOCOL),
    failing("28: RSV1 on a ping", "c9 00", PROTOCOL),
    failing("28: RSV2", "a1 00", PROTOCOL),

    failing("34: a message one byte over the limit, inflated", "c1 07 f248cdc9c90700", TOO_BIG, {
      maxMessageSize: 4,
    }),
    failing("34: so in fragments", "41 03 f248cd | 80 04 c9c90700", TOO_BIG, { maxMessageSize: 4 }),
    fine("34: one at the limit", "c1 07 f248cdc9c90700", ["Hello"], { maxMessageSize: 5 }),

    failing("40: noise", "c1 03 ffffff", CORRUPT),
    failing("40: a block of a kind that there is not", "c1 01 07", CORRUPT),
    failing("40: a distance beyond what there was", "c1 04 4a046200", CORRUPT),
    fine("40: a final block, and what comes behind it", "c1 08 f348cdc9c9070000 | c1 07 f248cdc9c90700", [
      "Hello",
      "Hello",
    ]),
    failing("40: an end within a block", "c1 03 f248cd", CORRUPT),
    failing("40: an end within a stored block", "c1 06 000500faff48", CORRUPT),
    failing("40: not even the byte of an empty message", "c1 00", CORRUPT),
    fine("40: an empty message", "c1 01 00", [""]),
    fine("40: a stored block", "c1 0b 000500faff48656c6c6f00", ["Hello"]),
    fine("40: what was said before can be referred to", "c1 07 f248cdc9c90700 | c1 05 f200110000", [
      "Hello",
      "Hello",
    ]),
    fine("40: not every message is compressed", "81 02 6f6b | c1 07 f248cdc9c90700 | 82 01 ff", [
      "ok",
      "Hello",
      "ff",
    ]),
    failing("36: inflated, and no UTF-8", `c1 ${packedHex(Uint8Array.of(0x61, 0xff))}`, UTF8),
  ]);

  describe("S4: bombs", () => {
    // Noise over and over: nothing but references to what is there already.
    const repeated = deflateRawSync(Buffer.concat(Array.from({ length: 64 }, () => NOISE)), {
      ...FLUSH,
      dictionary: NOISE,
    });
    const rows: [title: string, steps: readonly Step[]][] = [
      ["a gigabyte in a megabyte", [say(packed(bomb(1000)))]],
      ["spread over fragments", [say(packed(bomb(10), false)), flood(packed(bomb(10), false, false), 100)]],
      [
        "that repeats what an earlier message has left in the window",
        [
          say(packed(deflateRawSync(NOISE, FLUSH).subarray(0, -4))),
          say(packed(Buffer.concat(Array.from({ length: 1000 }, () => repeated)))),
        ],
      ],
    ];
    for (const [title, steps] of rows) {
      for (const limit of [undefined, MIB]) {
        it(`${title}, with a limit of ${limit ?? "100 MiB"}: refused with 1009, before it is there`, async () => {
          const peer = await scripted(use, [upgrade(DEFLATE), ...steps]);
          const ws = await peer.createConnection(peer.url, {
            ...ON,
            ...(limit !== undefined && { maxMessageSize: limit }),
          });
          const grown = await growth(async () => {
            const { error, sent } = await ws.closed;
            expect(error).to.be.an.instanceOf(LimitError).and.to.include({ limit: "maxMessageSize" });
            expect(sent?.code).to.equal(1009);
          });
          expect(grown).to.be.below(limit === undefined ? 450 * MIB : 150 * MIB);
        });
      }
    }

    it("a thousand small ones, back to back: no more is inflated than the queue may hold, and none is lost", async () => {
      const count = 1000;
      let done = () => {};
      const sent = new Promise<void>((resolve) => {
        done = resolve;
      });
      const bombs = flood(packed(bomb(1).subarray(0, -4)), count);
      const peer = await scripted(use, [upgrade(DEFLATE), bombs, () => done(), ...goodbye()]);
      const ws = await peer.createConnection(peer.url, ON);
      const grown = await growth(async () => {
        await sent; // and nobody receives, in as many turns of the loop
        for (let turn = 0; turn < count; turn++) await nextTurn();
      });
      expect(grown).to.be.below(150 * MIB);
      for (let i = 0; i < count; i++) expect((await ws.recv()).length).to.equal(MIB);
      expect(await ws.closed).to.include({ code: 1000, wasClean: true });
    });
  });

  describe("S5: what a server agrees to", () => {
    const WRONG = [
      ...[
        "7",
        "16",
        "0",
        "1000",
        "-8",
        "",
        "08",
        '" 8"',
        "1e1",
        "8.0",
        "0x8",
        "15;15",
        "9; server_max_window_bits=9",
      ],
    ].map((value) => `server_max_window_bits=${value}`);
    const MORE = [
      "server_max_window_bits",
      "client_max_window_bits",
      "client_max_window_bits=16",
      "client_max_window_bits=7",
      "client_no_context_takeover=1",
      "server_no_context_takeover; server_no_context_takeover",
      "unknown",
      "unknown=1",
      "=1",
      ";",
    ];
    const refusals = [...WRONG, ...MORE].map((parameters) => ({
      title: parameters,
      script: [answer((head) => accepting(head, `${DEFLATE}; ${parameters}`)), hearEnd],
      end: INVALID,
      options: ON,
    }));
    const others = [
      "permessage-deflate, permessage-deflate",
      "x-webkit-deflate-frame",
      "permessage-bzip2",
      "permessage-deflate;",
    ];
    play(
      use,
      [
        ...refusals,
        ...others.map((value) => ({
          title: value,
          script: [answer((head) => accepting(head, `Sec-WebSocket-Extensions: ${value}`)), hearEnd],
          end: INVALID,
          options: ON,
        })),
        ...[
          "",
          "; server_max_window_bits=8",
          "; client_max_window_bits=9; server_no_context_takeover",
          '; server_max_window_bits="10"',
        ].map((parameters) => ({
          title: `as it may: permessage-deflate${parameters}`,
          script: [upgrade(`${DEFLATE}${parameters}`), ...goodbye()],
          end: GOOD,
          options: ON,
        })),
        { title: "nothing", script: [upgrade(), ...goodbye()], end: GOOD, options: ON },
        {
          title: "compression that nobody offered",
          script: [answer((head) => accepting(head, DEFLATE)), hearEnd],
          end: INVALID,
        },
      ].map(
        (scene) =>
          ({ ...scene, title: scene.title, shapes: ["Connection"], streams: ["TCP"] }) satisfies Scene,
      ),
    );
  });
});

/** The length of such a payload and the payload, compressed, in hex. */
function packedHex(plain: Uint8Array): string {
  const bytes = deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  return Buffer.concat([Buffer.of(bytes.length), bytes]).toString("hex");
}

// Recordings as entries of an HTTP Archive, with messages as browsers have them.

import { expect } from "chai";
import { TransportError } from "../../lib/errors.ts";
import { harEntries } from "../../lib/session/har.ts";
import { record } from "../../lib/session/record.ts";
import { memoryPipe } from "../../lib/transport/memory.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { hex } from "../support/hex.ts";
import { accepting } from "../support/peer.ts";
import { createConnection } from "../support/runtime.ts";
import { wsServer } from "../support/ws-server.ts";

const PLACE = "ws://nowhere.example/path?token=s3cret";

describe("harEntries", () => {
  const use = cleanUp();

  for (const perMessageDeflate of [false, true]) {
    it(`has the messages as browsers do, ${perMessageDeflate ? "" : "not "}compressed`, async () => {
      const server = use(await wsServer("TCP", { perMessageDeflate: perMessageDeflate && { threshold: 0 } }));
      const lines: string[] = [];
      const ws = await createConnection(`${server.url}a?b=c`, {
        perMessageDeflate: perMessageDeflate && { threshold: 0 },
        transport: record((line) => lines.push(line)),
      });
      const peer = await server.connections.next();
      const text = "grüße ".repeat(30);
      await ws.send(text);
      await ws.send(text);
      await ws.sendStream([Uint8Array.of(1), Uint8Array.of(255)]);
      await ws.ping();
      peer.send(text);
      peer.send(text);
      peer.send(Uint8Array.of(7));
      for (let i = 0; i < 3; i++) await ws.recv();
      await ws.close();
      const [entry, ...others] = await harEntries(lines);
      expect(others).to.deep.equal([]);
      const messages = entry?._webSocketMessages ?? [];
      expect(messages.map(({ type, opcode, data }) => [type, opcode, data])).to.deep.equal([
        ["send", 1, text],
        ["send", 1, text],
        ["send", 2, "Af8="],
        ["receive", 1, text],
        ["receive", 1, text],
        ["receive", 2, "Bw=="],
      ]);
      expect(messages.every(({ time }) => Math.abs(time * 1000 - Date.now()) < 60_000)).to.equal(true);
      expect(entry?.request).to.include({ method: "GET", url: `${server.url}a?b=***` });
      expect(entry?.request.headers).to.deep.include({ name: "Upgrade", value: "websocket" });
      expect(entry?.response).to.include({ status: 101, statusText: "Switching Protocols" });
      expect(entry?._resourceType).to.equal("websocket");
      expect(new Date(entry?.startedDateTime ?? 0).toISOString()).to.equal(entry?.startedDateTime);
      JSON.stringify(entry);
    });
  }

  it("has what came before a frame that breaks the rules, and what cannot be inflated as it was", async () => {
    const { client, server } = memoryPipe();
    const lines: string[] = [];
    const transport = record((line) => lines.push(line), { transport: client });
    const opening = createConnection(PLACE, { transport, perMessageDeflate: true });
    const reader = server.readable.getReader();
    const head = Buffer.from((await reader.read()).value ?? []).toString("latin1");
    const agreed = accepting(head).replace(/\r\n$/, "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    const writer = server.writable.getWriter();
    await writer.write(Buffer.from(agreed, "latin1"));
    const ws = await opening;
    await writer.write(hex("81 02 6f6b c1 02 0700 83 00 81 02 6e6f"));
    expect((await ws.closed).error?.name).to.equal("ProtocolError");
    const [entry] = await harEntries(lines);
    const received = (entry?._webSocketMessages ?? []).filter(({ type }) => type === "receive");
    expect(received.map(({ opcode, data }) => [opcode, data])).to.deep.equal([
      [1, "ok"],
      [1, "BwA="],
    ]);
  });

  it("has entries for connections without messages, and for those that failed", async () => {
    const lines: string[] = [];
    const transport = record((line) => lines.push(line), {
      transport: () => Promise.reject(new Error("no luck")),
    });
    await rejection(createConnection(PLACE, { transport }), TransportError);
    const [entry] = await harEntries(lines);
    expect(entry?._webSocketMessages).to.deep.equal([]);
    expect(entry?.response).to.include({ status: 0 });
    expect(await harEntries("")).to.deep.equal([]);
  });
});

// The trace: websocket-client's layout line for line, events that say the same, no secrets, and nothing that acts on a
// terminal.

import { expect } from "chai";
import { createConnectionWith } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { overSockets } from "../../lib/client/socket-options.ts";
import { FrameDecoder } from "../../lib/codec/frame-decoder.ts";
import { BINARY, CLOSE, PING, TEXT } from "../../lib/codec/opcode.ts";
import { HandshakeError } from "../../lib/errors.ts";
import { openWire } from "../../lib/session/open.ts";
import { EVENT_BYTES, Trace, type TraceSink } from "../../lib/session/trace.ts";
import type { TracedFrame, TracedHead, TraceEvent } from "../../lib/session/trace-event.ts";
import { cleanUp } from "../support/clean-up.ts";
import { rejection } from "../support/failure.ts";
import { concat, hex, toHex, utf8 } from "../support/hex.ts";
import { accepting, listen, requestHead } from "../support/peer.ts";
import { closeFrame, frame, pair, rawServer, type ServerEnd } from "../support/raw-server.ts";
import { createConnection, platform } from "../support/runtime.ts";
import { splits } from "../support/splits.ts";

interface Traced {
  readonly lines: string[];
  readonly server: ServerEnd;
  readonly port: number;
}

describe("Trace", () => {
  const use = cleanUp();

  /** A connection that is closed at once; what was traced of it. */
  async function traced(
    options: ConnectionOptions & { path?: string; user?: string; lines?: string[]; first?: Uint8Array } = {},
    sinkOptions: Partial<TraceSink> = {},
  ): Promise<Traced> {
    const { path = "", user = "", lines: answerLines = [], first = closeFrame(), ...rest } = options;
    const { url, port, accepted } = await rawServer(use, { lines: answerLines, first });
    const lines: string[] = [];
    const trace = { ...sinkOptions, write: (line: string) => void lines.push(line) };
    const ws = await createConnection(`${url.replace("//", `//${user}`)}${path}`, { ...rest, trace });
    const server = await accepted.next();
    await server.frames.next();
    server.socket.end();
    await ws.closed;
    return { lines, server, port };
  }

  it("has websocket-client's layout", async () => {
    const keys = [0xaa2d0d61, 0x2493d57d]; // the bytes "a\r-\xaa" and "}\xd5\x93$"
    const open = openWire({
      ...platform,
      mask: () => keys.shift() ?? 0,
      key: () => "KwNGPILT47oxkBl1r1ZKAA==",
    });
    const { url, port, accepted } = await rawServer(use, { lines: ["Server:  nginx "] });
    const lines: string[] = [];
    const ws = await createConnectionWith(overSockets(open), {})(`${url}lower`, {
      origin: "http://127.0.0.1",
      trace: { write: (line) => void lines.push(line) },
    });
    const server = await accepted.next();
    await ws.send("Hello, Server");
    await server.frames.next();
    server.send(TEXT, "hello, server");
    await ws.recv();
    const closed = ws.close();
    await server.frames.next();
    server.close();
    await closed;
    expect(lines).to.deep.equal([
      "--- request header ---",
      "GET /lower HTTP/1.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Host: 127.0.0.1:${port}`,
      "Origin: http://127.0.0.1",
      "Sec-WebSocket-Key: KwNGPILT47oxkBl1r1ZKAA==",
      "Sec-WebSocket-Version: 13",
      "",
      "",
      "-----------------------",
      "--- response header ---",
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: pinx57vIIEysUahgEa7asB6V3lU=",
      "Server: nginx",
      "-----------------------",
      String.raw`++Sent raw: b'\x81\x8da\r-\xaa)hA\xc6\x0e!\r\xf9\x04\x7f[\xcf\x13'`,
      "++Sent decoded: fin=1 opcode=1 data=b'Hello, Server'",
      String.raw`++Rcv raw: b'\x81\rhello, server'`,
      "++Rcv decoded: fin=1 opcode=1 data=b'hello, server'",
      String.raw`++Sent raw: b'\x88\x82}\xd5\x93$~='`,
      String.raw`++Sent decoded: fin=1 opcode=8 data=b'\x03\xe8'`,
      String.raw`++Rcv raw: b'\x88\x02\x03\xe8'`,
      String.raw`++Rcv decoded: fin=1 opcode=8 data=b'\x03\xe8'`,
    ]);
  });

  it("has websocket-client's layout for a proxy, too", async () => {
    const proxy = use(
      await listen(async (socket) => {
        await requestHead(socket);
        socket.write("HTTP/1.1 200 Go\r\nVia: a\r\n\r\n");
        socket.end(`HTTP/1.1 401 No\r\n\r\n${await requestHead(socket)}`);
      }),
    );
    const lines: string[] = [];
    const options = {
      proxy: proxy.url.replace(/^ws:\/\//, "http://ada:SECRET@"),
      trace: { write: (line: string) => lines.push(line) },
    };
    await rejection(createConnection("ws://a:81/", options), HandshakeError);
    expect(lines.slice(0, 14)).to.deep.equal([
      "Connecting proxy...",
      "--- request header ---",
      "CONNECT a:81 HTTP/1.1",
      "Host: a:81",
      "Proxy-Authorization: ***",
      "",
      "",
      "-----------------------",
      "--- response header ---",
      "HTTP/1.1 200 Go",
      "Via: a",
      "-----------------------",
      "--- request header ---",
      "GET / HTTP/1.1",
    ]);
  });

  describe("and secrets", () => {
    const headers = {
      Authorization: "Bearer SECRET",
      "X-Api-Key": "SECRET",
      Cookie: "a=SECRET",
      "X-Shown": "shown",
    };
    const answer = ["Set-Cookie: session=SECRET", "X-Auth-Token: SECRET", "X-Shown: shown"];
    const path = "chat?token=SECRET&SECRET&shown=";

    it("leaves out credentials, cookies and query values", async () => {
      const { lines, server } = await traced({ headers, path, lines: answer });
      expect(server.head).to.include("SECRET");
      expect(lines.join("\n")).not.to.include("SECRET");
      expect(lines).to.include.members([
        "GET /chat?token=***&***&*** HTTP/1.1",
        "Authorization: ***",
        "X-Api-Key: ***",
        "Cookie: ***",
        "Set-Cookie: ***",
        "X-Auth-Token: ***",
      ]);
      expect(lines.filter((line) => line === "X-Shown: shown")).to.have.length(2);
    });

    it("leaves out what is in the url's userinfo", async () => {
      const { lines, server } = await traced({ user: "ada:SECRET@" });
      expect(server.head).to.include(`Authorization: Basic ${btoa("ada:SECRET")}\r\n`);
      expect(lines).to.include("Authorization: ***");
      expect(lines.join("\n")).not.to.match(/SECRET|QURB|YWRh/);
    });

    it("leaves out the query values of an answer's Location", async () => {
      const { lines } = await traced({ lines: ["Location: https://host/?token=SECRET"] });
      expect(lines.join("\n")).not.to.include("SECRET");
    });

    it("shows them if it is told to", async () => {
      const { lines } = await traced({ headers, path, lines: answer, user: "ada:pass@" }, { redact: false });
      expect(lines).to.include.members([
        `GET /${path} HTTP/1.1`,
        "Authorization: Bearer SECRET",
        "X-Api-Key: SECRET",
        "Cookie: a=SECRET",
        "Set-Cookie: session=SECRET",
      ]);
    });
  });

  it("escapes whatever could act on a terminal", async () => {
    const payload = Buffer.from("\x1b[2J\r\n\u202e\u20ac'\"\\");
    const first = Buffer.concat([frame(TEXT, payload), closeFrame(1000, "\x1b[31m")]);
    const { lines } = await traced({ first, lines: ["X-Evil: \x85\x9b31m"] });
    expect(lines.join("")).to.match(/^[\x20-\x7e]*$/);
    expect(lines).to.include(String.raw`X-Evil: \x85\x9b31m`);
    expect(lines).to.include(
      String.raw`++Rcv decoded: fin=1 opcode=1 data=b'\x1b[2J\r\n\xe2\x80\xae\xe2\x82\xac\'"\\'`,
    );
  });

  it("elides what is long, and shows a frame once, however many chunks it comes in", async () => {
    const payload = Buffer.from("0123456789".repeat(30_000));
    const first = Buffer.concat([
      frame(BINARY, payload, false),
      frame(PING, "ping"),
      frame(0, "end"),
      closeFrame(),
    ]);
    const { lines } = await traced({ first });
    const received = lines.filter((line) => line.startsWith("++Rcv decoded"));
    const shown = "0123456789".repeat(26).slice(0, 256);
    expect(received).to.deep.equal([
      `++Rcv decoded: fin=0 opcode=2 data=b'${shown}'... (300000 bytes)`,
      "++Rcv decoded: fin=1 opcode=9 data=b'ping'",
      "++Rcv decoded: fin=1 opcode=0 data=b'end'",
      String.raw`++Rcv decoded: fin=1 opcode=8 data=b'\x03\xe8'`,
    ]);
    for (const line of lines) expect(line.length).to.be.below(1200);
  });

  it("elides what we send", async () => {
    const { url } = await rawServer(use);
    const lines: string[] = [];
    const ws = await createConnection(url, { trace: { write: (line) => void lines.push(line) } });
    await ws.send(new Uint8Array(100_000));
    await ws.send("\u20ac".repeat(100));
    const sent = lines.filter((line) => line.startsWith("++Sent decoded"));
    expect(sent.map((line) => /'\.\.\..*$/.exec(line)?.[0])).to.deep.equal([
      "'... (100000 bytes)",
      "'... (300 bytes)",
    ]);
  });

  describe("in events", () => {
    const SECRETS = {
      user: "ada:SECRET@",
      path: "chat?token=SECRET",
      headers: { Cookie: "a=SECRET" },
      lines: ["Set-Cookie: b=SECRET", "X-Shown: a\x9bb"],
    };

    /** What is told of a connection: its events, what went over its socket either way, and its lines. */
    async function told(redact?: boolean) {
      const events: TraceEvent[] = [];
      const lines: string[] = [];
      const sink: TraceSink = {
        write: (line) => lines.push(line),
        event: (event) => events.push(event),
        ...(redact !== undefined && { redact }),
      };
      const sent = Buffer.concat([
        frame(TEXT, "\x1b[31m"),
        frame(PING, "p"),
        frame(BINARY, Buffer.alloc(300, 7)),
      ]);
      const received: Buffer[] = [];
      let head = "";
      const peer = use(
        await listen(async (socket) => {
          head = await requestHead(socket);
          socket.on("data", (chunk) => received.push(chunk));
          socket.write(Buffer.concat([Buffer.from(accepting(head, ...SECRETS.lines), "latin1"), sent]));
        }),
      );
      const { user, path, headers } = SECRETS;
      const url = `${peer.url.replace("//", `//${user}`)}${path}`;
      const ws = await createConnection(url, { headers, trace: sink });
      await ws.recv();
      await ws.recv();
      await ws.send("hello");
      await ws.send(new Uint8Array(70_000).fill(9));
      await ws.close(1000, "", { timeout: 50 });
      return { events, lines, peer, head, sent, received: Buffer.concat(received) };
    }

    const headsOf = (events: TraceEvent[]) =>
      events.filter((event): event is TraceEvent & TracedHead => "startLine" in event);
    const framesOf = (events: TraceEvent[], direction: TracedFrame["direction"]) =>
      events.filter(
        (event): event is TraceEvent & TracedFrame => event.kind === "frame" && event.direction === direction,
      );
    const joined = (frames: TracedFrame[]) => Buffer.concat(frames.map(({ bytes }) => bytes));

    it("tells heads and frames in their order, each with its connection, its url and the time", async () => {
      const { events, peer } = await told();
      expect(events.map((event) => [event.kind, "direction" in event && event.direction])).to.deep.equal([
        ["request", "sent"],
        ["response", "received"],
        ["frame", "received"], // the text
        ["frame", "received"], // the ping
        ["frame", "sent"], // its pong
        ["frame", "received"], // the binary
        ["frame", "sent"],
        ["frame", "sent"],
        ["frame", "sent"], // Close
      ]);
      expect(new Set(events.map(({ url }) => url))).to.deep.equal(new Set([`${peer.url}chat?token=***`]));
      expect(new Set(events.map(({ connection }) => connection)).size).to.equal(1);
      const times = events.map(({ time }) => time);
      expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
      const day = 24 * 60 * 60 * 1000;
      expect(Math.abs(Date.now() - (times[0] ?? 0)), "in ms since 1970").to.be.below(day);
    });

    it("tells the very bytes of the wire", async () => {
      const { events, head, sent, received } = await told(false);
      const [request, response] = headsOf(events);
      expect(Buffer.from(request?.bytes ?? []).toString("latin1")).to.equal(head);
      expect(Buffer.from(response?.bytes ?? []).toString("latin1")).to.equal(
        accepting(head, ...SECRETS.lines),
      );
      expect(joined(framesOf(events, "received")).equals(sent)).to.equal(true);
      const outgoing = framesOf(events, "sent");
      // Of the long one, as much as events tell.
      const [pong, hello, long, close] = outgoing.map(({ bytes }) => Buffer.from(bytes));
      const cut = 70_000 - EVENT_BYTES;
      expect(outgoing.map(({ isMasked }) => isMasked)).to.deep.equal([true, true, true, true]);
      const whole = joined(outgoing).length + cut;
      expect(received.length).to.equal(whole);
      const before = (pong?.length ?? 0) + (hello?.length ?? 0) + (long?.length ?? 0);
      expect(
        received.subarray(0, before).equals(Buffer.concat(outgoing.slice(0, 3).map(({ bytes }) => bytes))),
      ).to.equal(true);
      expect(received.subarray(before + cut).equals(close ?? Buffer.alloc(0))).to.equal(true);
    });

    it("tells what a frame is, and its payload unmasked", async () => {
      const { events } = await told();
      const described = [...framesOf(events, "received"), ...framesOf(events, "sent")].map((frame) => {
        const { opcode, fin, rsv1, isMasked, length, payload } = frame;
        return [
          opcode,
          fin,
          rsv1,
          isMasked,
          length,
          payload.length,
          String.fromCharCode(...payload.subarray(0, 5)),
        ];
      });
      expect(described).to.deep.equal([
        [TEXT, true, false, false, 5, 5, "\x1b[31m"],
        [PING, true, false, false, 1, 1, "p"],
        [BINARY, true, false, false, 300, 300, "\x07".repeat(5)],
        [0xa, true, false, true, 1, 1, "p"],
        [TEXT, true, false, true, 5, 5, "hello"],
        [BINARY, true, false, true, 70_000, EVENT_BYTES, "\x09".repeat(5)],
        [CLOSE, true, false, true, 2, 2, "\x03\xe8"],
      ]);
    });

    it("leaves out secrets: in first lines, headers and bytes", async () => {
      const { events, head, lines } = await told();
      expect(head).to.include("SECRET");
      const [request, response] = headsOf(events);
      expect(request?.startLine).to.equal("GET /chat?token=*** HTTP/1.1");
      expect(request?.headers).to.deep.include.members([
        ["Authorization", "***"],
        ["Cookie", "***"],
      ]);
      expect(response?.startLine).to.equal("HTTP/1.1 101 Switching Protocols");
      expect(response?.headers.slice(-2)).to.deep.equal([
        ["Set-Cookie", "***"],
        ["X-Shown", "a\x9bb"], // as it came
      ]);
      const text = events.map((event) =>
        "bytes" in event ? Buffer.from(event.bytes).toString("latin1") : "",
      );
      const secret = new RegExp(`SECRET|${btoa("ada:SECRET")}`);
      for (const said of [...lines, ...text, JSON.stringify(events)]) expect(said).to.not.match(secret);
    });

    it("are JSON with bytes in base64", async () => {
      const events: TraceEvent[] = [];
      const trace = new Trace({ event: (event) => events.push(event) });
      trace.begin("ws://a/");
      trace.sent(TEXT, true, utf8("hi"), 0);
      trace.note("said");
      const [sent, note] = JSON.parse(JSON.stringify(events));
      const { time, connection } = events[0] as TraceEvent;
      const context = { time, connection, url: "ws://a/" };
      const fields = { opcode: 1, fin: true, rsv1: false, isMasked: true, length: 2 };
      const bytes = { payload: btoa("hi"), bytes: btoa("\x81\x82\0\0\0\0hi") };
      expect(sent).to.deep.equal({ ...context, kind: "frame", direction: "sent", ...fields, ...bytes });
      expect(note).to.deep.equal({ ...context, time: events[1]?.time, kind: "note", text: "said" });
    });

    it("warn of what was tolerated, each time", async () => {
      const events: TraceEvent[] = [];
      const lines: string[] = [];
      const trace = {
        write: (line: string) => void lines.push(line),
        event: (event: TraceEvent) => void events.push(event),
      };
      const { ws, server } = await pair(
        use,
        {
          protocols: ["a", "b"],
          tolerate: ["multipleSubprotocols", "binaryAsText", "malformedCloseAfterLocalClose"],
          trace,
        },
        { lines: ["Sec-WebSocket-Protocol: b, a"] },
      );
      expect(ws.protocol).to.equal("b");
      server.send(TEXT, hex("ff"));
      server.send(TEXT, "text");
      server.send(TEXT, hex("fe"));
      const received = [await ws.recv(), await ws.recv(), await ws.recv()];
      expect(received).to.deep.equal([Uint8Array.of(0xff), "text", Uint8Array.of(0xfe)]);
      const closed = ws.close(4001, "bye");
      await server.frames.next();
      server.socket.end(frame(CLOSE, "bye"));
      const sent = { code: 4001, reason: "bye" };
      expect(await closed).to.deep.equal({ ...sent, wasClean: false, sent });

      const warnings = events.filter((event) => event.kind === "warning");
      expect(warnings.map(({ tolerance }) => tolerance)).to.deep.equal([
        "multipleSubprotocols",
        "binaryAsText",
        "binaryAsText",
        "malformedCloseAfterLocalClose",
      ]);
      for (const { tolerance, ...context } of warnings) {
        expect(lines).to.include(`warning: tolerated ${tolerance}`);
        expect(context).to.include({
          kind: "warning",
          connection: events[0]?.connection,
          url: events[0]?.url,
        });
      }
    });

    it("hands out copies: what becomes of the caller's bytes, or of the event's, is nobody else's concern", async () => {
      const spoiling = {
        event(event: TraceEvent) {
          if (event.kind !== "frame") return;
          event.payload.fill(0);
          event.bytes.fill(0);
        },
      };
      const { ws, server } = await pair(use, { trace: spoiling });
      const mine = utf8("mine");
      await ws.send(mine);
      expect(toHex(mine)).to.equal(toHex(utf8("mine")));
      expect((await server.frames.next()).payload.toString()).to.equal("mine");
      server.send(TEXT, "yours");
      expect(await ws.recv()).to.equal("yours");

      const events: TraceEvent[] = [];
      const trace = new Trace({ event: (event) => events.push(event) });
      trace.sent(BINARY, true, mine, null);
      const chunk = frame(BINARY, "yours");
      const decoder = new FrameDecoder("client");
      decoder.push(chunk);
      while (decoder.next()) trace.received(decoder);
      mine.fill(0);
      chunk.fill(0);
      const told = [...framesOf(events, "sent"), ...framesOf(events, "received")];
      expect(told.map(({ payload }) => Buffer.from(payload).toString())).to.deep.equal(["mine", "yours"]);
      expect(toHex(joined(told))).to.equal(
        toHex(Buffer.concat([frame(BINARY, "mine"), frame(BINARY, "yours")])),
      );
    });

    it("are whole, however a frame was cut", async () => {
      const bytes = concat(
        frame(BINARY, "0123456789", false),
        frame(PING, "ping"),
        frame(0, ""),
        frame(TEXT, "end"),
      );
      for (const { title, chunks } of splits(bytes)) {
        const events: TraceEvent[] = [];
        const decoder = new FrameDecoder("client");
        const trace = new Trace({ event: (event) => events.push(event) });
        for (const chunk of chunks) {
          decoder.push(chunk);
          while (decoder.next()) trace.received(decoder);
          decoder.keep();
          chunk.fill(0xee);
        }
        const all = framesOf(events, "received");
        expect(
          all.map(({ payload }) => Buffer.from(payload).toString()),
          title,
        ).to.deep.equal(["0123456789", "ping", "", "end"]);
        expect(toHex(joined(all)), title).to.equal(toHex(bytes));
      }
    });

    it("have at the most 64 KiB of a payload", () => {
      const rows: [length: number, kept: number][] = [
        [EVENT_BYTES - 1, EVENT_BYTES - 1],
        [EVENT_BYTES, EVENT_BYTES],
        [EVENT_BYTES + 1, EVENT_BYTES],
        [1_000_000, EVENT_BYTES],
      ];
      for (const [length, kept] of rows) {
        const events: TraceEvent[] = [];
        const trace = new Trace({ event: (event) => events.push(event) });
        const payload = new Uint8Array(length).map((_, i) => i % 251);
        trace.sent(BINARY, true, payload, null);
        const decoder = new FrameDecoder("client");
        const bytes = frame(BINARY, payload);
        for (let at = 0; at < bytes.length; at += 10_007) {
          decoder.push(bytes.subarray(at, at + 10_007));
          while (decoder.next()) trace.received(decoder);
          decoder.keep();
        }
        const all = [...framesOf(events, "sent"), ...framesOf(events, "received")];
        expect(all).to.have.length(2);
        for (const event of all) {
          expect(event.length).to.equal(length);
          expect(Buffer.from(event.payload).equals(payload.subarray(0, kept)), `${length}`).to.equal(true);
          expect(Buffer.from(event.bytes).equals(bytes.subarray(0, bytes.length - length + kept))).to.equal(
            true,
          );
        }
      }
    });

    it("can do without lines, and lines without them", async () => {
      const events: TraceEvent[] = [];
      const lines: string[] = [];
      await pair(use, { trace: { event: (event) => void events.push(event) } });
      await pair(use, { trace: { write: (line) => void lines.push(line) } });
      expect(events.map(({ kind }) => kind)).to.deep.equal(["request", "response"]);
      expect(lines[0]).to.equal("--- request header ---");
    });

    it("number the connections of one sink", async () => {
      const events: TraceEvent[] = [];
      const trace: TraceSink = { event: (event) => void events.push(event) };
      const first = await pair(use, { trace });
      const second = await pair(use, { trace });
      await second.ws.send("second");
      await first.ws.send("first");
      const numbers = events.map(({ connection }) => connection - (events[0]?.connection ?? 0));
      expect(numbers).to.deep.equal([0, 0, 1, 1, 1, 0]);
      expect(events[5]?.url).to.equal(events[0]?.url);
      expect(events[4]?.url).to.not.equal(events[0]?.url);
    });

    it("tell an attempt that failed, too", async () => {
      const { url } = use(
        await listen(async (socket) => void socket.end("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")),
      );
      const events: TraceEvent[] = [];
      await rejection(
        createConnection(url, { trace: { event: (event) => events.push(event) } }),
        HandshakeError,
      );
      expect(headsOf(events).map(({ startLine }) => startLine)).to.deep.equal([
        "GET / HTTP/1.1",
        "HTTP/1.1 401 No",
      ]);
    });
  });

  describe("notes", () => {
    const told = (text: string) => {
      const lines: string[] = [];
      const events: TraceEvent[] = [];
      const trace = new Trace({ write: (line) => lines.push(line), event: (event) => events.push(event) });
      trace.note(text);
      trace.begin("ws://a/?token=***");
      trace.note(text);
      return { lines, events };
    };

    it("are lines of their own, and events of the connection that is under way", () => {
      const { lines, events } = told("Websocket connected");
      expect(lines).to.deep.equal(["Websocket connected", "Websocket connected"]);
      expect(events.map(({ kind, url }) => [kind, url])).to.deep.equal([
        ["note", ""],
        ["note", "ws://a/?token=***"],
      ]);
      expect(events[0]?.connection).to.equal(0);
      expect(events[1]?.connection).to.be.above(0);
    });

    it("stay on one line, and off the terminal", () => {
      const { lines } = told("lost\r\n\x1b[2J\u202e\u2028 - reconnect");
      expect(lines[0]).to.equal(String.raw`lost\x0d\x0a\x1b[2J\u202e\u2028 - reconnect`);
    });
  });

  it("shows that a frame is compressed, and its payload as it crossed the wire", () => {
    const lines: string[] = [];
    const events: TraceEvent[] = [];
    const trace = new Trace({ write: (line) => lines.push(line), event: (event) => events.push(event) });
    const packed = hex("f2 48 cd c9 c9 07 00"); // RFC 7692 §7.2.3.1
    trace.sent(TEXT, true, packed, null, true);
    const decoder = new FrameDecoder("client", { allowRsv1: true });
    decoder.push(hex("c1 07 f2 48 cd c9 c9 07 00"));
    while (decoder.next()) trace.received(decoder);
    const raw = String.raw`raw: b'\xc1\x07\xf2H\xcd\xc9\xc9\x07\x00'`;
    const decoded = String.raw`decoded: fin=1 rsv1=1 opcode=1 data=b'\xf2H\xcd\xc9\xc9\x07\x00'`;
    expect(lines).to.deep.equal([`++Sent ${raw}`, `++Sent ${decoded}`, `++Rcv ${raw}`, `++Rcv ${decoded}`]);
    for (const event of events) {
      expect(event).to.include({ kind: "frame", rsv1: true, length: 7 });
      expect("payload" in event && toHex(event.payload)).to.equal(toHex(packed));
    }
  });
});

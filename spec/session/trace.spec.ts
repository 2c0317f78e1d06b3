// The trace: websocket-client's layout line for line, no secrets, and nothing that acts on a terminal.

import { expect } from "chai";
import { createConnectionWith } from "../../lib/client/connection.ts";
import type { ConnectionOptions } from "../../lib/client/options.ts";
import { overSockets } from "../../lib/client/socket-options.ts";
import { BINARY, PING, TEXT } from "../../lib/codec/opcode.ts";
import { openWire } from "../../lib/session/open.ts";
import type { TraceSink } from "../../lib/session/trace.ts";
import { cleanUp } from "../support/clean-up.ts";
import { closeFrame, frame, rawServer, type ServerEnd } from "../support/raw-server.ts";
import { createConnection, platform } from "../support/runtime.ts";

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
        "GET /chat?token=***&***&shown=*** HTTP/1.1",
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
});

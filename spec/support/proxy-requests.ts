// What a proxy reads: CONNECT and SOCKS 4, 4A and 5, and the answers to them.

import type { Socket } from "node:net";
import type { ProxyScheme } from "../../lib/handshake/proxy.ts";
import { Queue } from "./queue.ts";

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What a client asked for. */
export interface Asked {
  /** As the client named it. */
  readonly host: string;
  readonly port: number;
  /** The head of a CONNECT; "" for SOCKS. */
  readonly head: string;
  /** The login that came with it; undefined for none. */
  readonly login: Login | undefined;
}

/** Bytes of a socket, as many at a time as are asked for. */
export class Reader {
  readonly #socket: Socket;
  readonly #chunks = new Queue<Buffer>();
  #buffer = Buffer.alloc(0);
  readonly #push = (chunk: Buffer) => this.#chunks.push(chunk);

  constructor(socket: Socket) {
    this.#socket = socket.on("data", this.#push);
    socket.on("close", () => this.#chunks.end("the client is gone"));
  }

  async take(count: number): Promise<Buffer> {
    while (this.#buffer.length < count) {
      this.#buffer = Buffer.concat([this.#buffer, await this.#chunks.next()]);
    }
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  /** Up to and with that end. */
  async until(end: string): Promise<string> {
    let text = "";
    while (!text.endsWith(end)) text += (await this.take(1)).toString("latin1");
    return text;
  }

  /** Hands the socket over, with what has come and was not asked for. */
  release(): Buffer {
    this.#socket.off("data", this.#push);
    return this.#buffer;
  }
}

/** What a client wants, and the two answers to it. */
export interface Request {
  readonly asked: Asked;
  readonly consent: Buffer;
  readonly refusal: Buffer | string;
}

/** Reads what a client wants, and answers up to the consent; undefined where it may not have it. */
export function readRequest(
  scheme: ProxyScheme,
  reader: Reader,
  socket: Socket,
  login: Login | undefined,
): Promise<Request | undefined> {
  if (scheme.startsWith("http")) return readConnect(reader, socket, login);
  return scheme.startsWith("socks4") ? readSocks4(reader, socket, login) : readSocks5(reader, socket, login);
}

async function readConnect(reader: Reader, socket: Socket, login?: Login): Promise<Request | undefined> {
  const head = await reader.until("\r\n\r\n");
  const [, host = "", port] = /^CONNECT \[?(.*?)\]?:(\d+) HTTP\/1\.1\r\n/.exec(head) ?? [];
  const basic = /^Proxy-Authorization: Basic (.*)\r$/im.exec(head)?.[1];
  const [, username = "", password = ""] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(basic ?? "", "base64").toString()) ?? [];
  const given = basic === undefined ? undefined : { username, password };
  if (login !== undefined && (given?.username !== login.username || given.password !== login.password)) {
    socket.end(
      "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nlogin",
    );
    return undefined;
  }
  return {
    asked: { host, port: Number(port), head, login: given },
    consent: Buffer.from("HTTP/1.1 200 Connection established\r\nVia: script\r\n\r\n"),
    refusal: "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad",
  };
}

async function readSocks4(reader: Reader, socket: Socket, login?: Login): Promise<Request | undefined> {
  const start = await reader.take(8);
  const username = (await reader.until("\0")).slice(0, -1);
  const isName = start.readUInt32BE(4) > 0 && start.readUInt32BE(4) < 256;
  const host = isName ? (await reader.until("\0")).slice(0, -1) : [...start.subarray(4)].join(".");
  const refusal = Buffer.from([0, 91, 0, 0, 0, 0, 0, 0]);
  if (start[0] !== 4 || start[1] !== 1) {
    socket.end(refusal);
    return undefined;
  }
  if (login !== undefined && login.username !== username) {
    socket.end(Buffer.from([0, 93, 0, 0, 0, 0, 0, 0]));
    return undefined;
  }
  return {
    asked: {
      host,
      port: start.readUInt16BE(2),
      head: "",
      login: username === "" ? undefined : { username, password: "" },
    },
    consent: Buffer.from([0, 90, 0, 80, 127, 0, 0, 1]),
    refusal,
  };
}

async function readSocks5(reader: Reader, socket: Socket, login?: Login): Promise<Request | undefined> {
  const [, count = 0] = await reader.take(2);
  const methods = await reader.take(count);
  const method = login === undefined ? 0 : 2;
  if (!methods.includes(method)) {
    socket.end(Buffer.from([5, 0xff]));
    return undefined;
  }
  socket.write(Buffer.from([5, method]));
  let given: Login | undefined;
  if (login !== undefined) {
    const [, length = 0] = await reader.take(2);
    const username = (await reader.take(length)).toString();
    const password = (await reader.take((await reader.take(1))[0] ?? 0)).toString();
    given = { username, password };
    const isRight = username === login.username && password === login.password;
    socket.write(Buffer.from([1, isRight ? 0 : 1]));
    if (!isRight) {
      socket.end();
      return undefined;
    }
  }
  const [, , , kind] = await reader.take(4);
  const host =
    kind === 3
      ? (await reader.take((await reader.take(1))[0] ?? 0)).toString("latin1")
      : kind === 1
        ? [...(await reader.take(4))].join(".")
        : ((await reader.take(16)).toString("hex").match(/..../g) ?? []).join(":");
  const port = (await reader.take(2)).readUInt16BE(0);
  return {
    asked: { host, port, head: "", login: given },
    consent: Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]),
    refusal: Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]),
  };
}

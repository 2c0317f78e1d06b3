// The server that the examples of the documentation talk to, and the proxy that some of them take.
//
//   /             echoes
//   /feed, /v1    sends "one" and "two", closes with 1000
//   /unstable     drops the first connection, echoes on the others
//   /login        sets the cookie session=1
//   /cookie       sends the cookies that it got
//   /old          redirects to /
//   /forbidden    403 "not for you"
//   /compressed   echoes, with permessage-deflate

import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { AcceptedConnection } from "../../lib/server/accepted-connection.ts";
import { listen, type Peer, requestHead } from "./peer.ts";
import { accept } from "./server-runtime.ts";

export interface ExampleServer {
  /** Of 127.0.0.1. */
  readonly port: number;
  readonly proxyPort: number;
  close(): Promise<void>;
}

const PROXY_LOGIN = `Basic ${Buffer.from("user:secret").toString("base64")}`;

export async function exampleServer(): Promise<ExampleServer> {
  const http = createServer();
  const open = new Set<AcceptedConnection>();
  let visits = 0;
  const serve = async (ws: AcceptedConnection) => {
    const { path, headers } = ws.request;
    if (path === "/unstable" && visits++ === 0) return ws.terminate();
    if (path === "/cookie") return ws.send(headers.get("cookie") ?? "none");
    if (path === "/feed" || path === "/v1") {
      for (const text of ["one", "two"]) void ws.send(text);
      return ws.close(1000);
    }
    for await (const message of ws) await ws.send(message);
  };
  http.on("upgrade", async (request, socket, head) => {
    if (request.url === "/forbidden") return answer(socket as Socket, "403 Forbidden", "", "not for you");
    if (request.url === "/old") return answer(socket as Socket, "302 Found", "Location: /\r\n", "");
    const headers = request.url === "/login" ? { "Set-Cookie": "session=1; Path=/" } : {};
    const perMessageDeflate = request.url === "/compressed";
    const chooseProtocol = ([best]: readonly string[]) => best;
    try {
      const options = { headers, perMessageDeflate, chooseProtocol };
      const ws = await accept(request, socket, head, options);
      open.add(ws);
      void ws.closed.then(() => open.delete(ws));
      await serve(ws);
    } catch {
      // What an example does to its connection is no error of the server.
    }
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const proxy = await tunnelProxy();
  return {
    port: (http.address() as AddressInfo).port,
    proxyPort: proxy.port,
    async close() {
      for (const ws of open) ws.terminate();
      await proxy.close();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function answer(socket: Socket, status: string, fields: string, body: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** CONNECT for those who log in, to nowhere but 127.0.0.1. */
function tunnelProxy(): Promise<Peer> {
  return listen(async (socket) => {
    const head = await requestHead(socket);
    const [, port] = /^CONNECT 127\.0\.0\.1:(\d+) HTTP/.exec(head) ?? [];
    const [, login] = /^proxy-authorization: (.*)\r$/im.exec(head) ?? [];
    if (port === undefined) return answer(socket, "400 Bad Request", "", "");
    if (login !== PROXY_LOGIN) return answer(socket, "407 Proxy Authentication Required", "", "");
    const server = connect(Number(port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(server).pipe(socket);
    });
    server.on("error", () => socket.destroy());
    socket.on("close", () => server.destroy());
  });
}

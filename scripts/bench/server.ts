// The server of the benchmark, run by Bun: its own WebSocket server takes more than any client here can send.
//
//   /echo   answers each message with itself
//   /sink   counts; answers the text "report" with `messages bytes`
//   /flood  on the text `count size text|binary` sends that many messages, each with its number at its beginning
//
// On a second port the same with compression, by a context of its own for each connection and direction. Prints both ports.

interface BunSocket {
  data: { path: string; messages: number; bytes: number; flood: Flood | undefined };
  send(data: string | Uint8Array, compress?: boolean): number;
}

interface Flood {
  left: number;
  readonly message: string | Uint8Array;
}

declare const Bun: {
  serve(options: object): { port: number };
};

const serve = (perMessageDeflate: object | false) => ({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request: Request, upgrader: { upgrade(request: Request, options: object): boolean }) {
    const data = { path: new URL(request.url).pathname, messages: 0, bytes: 0, flood: undefined };
    if (upgrader.upgrade(request, { data })) return undefined;
    return new Response("this server speaks WebSocket", { status: 426 });
  },
  websocket: {
    maxPayloadLength: 256 * 1024 * 1024,
    backpressureLimit: 256 * 1024 * 1024,
    perMessageDeflate,
    message(socket: BunSocket, message: string | Uint8Array) {
      const { data } = socket;
      if (data.path === "/echo") {
        socket.send(message, true);
      } else if (data.path === "/flood") {
        const [count = "0", size = "0", kind] = String(message).split(" ");
        data.flood = { left: Number(count), message: payload(Number(size), kind === "binary") };
        pour(socket);
      } else if (message === "report") {
        socket.send(`${data.messages} ${data.bytes}`);
        data.messages = 0;
        data.bytes = 0;
      } else {
        data.messages++;
        data.bytes += message.length;
      }
    },
    drain: pour,
  },
});

function payload(size: number, isBinary: boolean): string | Uint8Array {
  return isBinary ? new Uint8Array(size).fill(0x61) : "a".repeat(size);
}

/** Sends as much of a flood as the socket takes. */
function pour(socket: BunSocket): void {
  const { flood } = socket.data;
  if (flood === undefined) return;
  while (flood.left > 0) {
    flood.left--;
    if (socket.send(flood.message) < 0) return; // queued: drain() goes on
  }
  socket.data.flood = undefined;
}

const plain = Bun.serve(serve(false));
const compressing = Bun.serve(serve({ compress: "dedicated", decompress: "dedicated" }));
console.log(plain.port, compressing.port);

// The same with a bare socket and a ready-made frame.
import { connect } from "node:net";
import process from "node:process";

const { hostname, port, pathname } = new URL(process.argv[2]);
const socket = connect({ host: hostname, port: Number(port), noDelay: true });
let isUpgraded = false;
socket.on("data", (bytes) => {
  if (isUpgraded && bytes.toString("latin1", 2) === "first") process.exit(0);
  if (!isUpgraded) socket.write(Uint8Array.of(0x81, 0x85, 0, 0, 0, 0, 0x66, 0x69, 0x72, 0x73, 0x74));
  isUpgraded = true;
});
socket.write(
  `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
);

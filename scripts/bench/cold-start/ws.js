// The same with npm's ws; in Bun, with Bun's.
import process from "node:process";
import { WebSocket } from "ws";

const socket = new WebSocket(process.argv[2], { perMessageDeflate: false });
socket.on("open", () => socket.send("first"));
socket.on("message", (data) => {
  if (data.toString() === "first") process.exit(0);
});

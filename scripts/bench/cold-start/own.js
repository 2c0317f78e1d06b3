// The same with what the runtime has.
import process from "node:process";

const socket = new WebSocket(process.argv[2]);
socket.onopen = () => socket.send("first");
socket.onmessage = ({ data }) => {
  if (data === "first") process.exit(0);
};

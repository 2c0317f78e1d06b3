import { enableTrace, type Message, WebSocketApp } from "isosocket";

const url = process.argv[2] ?? "ws://localhost:4040/";
let rounds = 0;

function onMessage(ws: WebSocketApp, message: Message) {
  console.log(`received message as ${message}`);
  if (++rounds === 4) return ws.close();
  ws.send("hello again");
  console.log("sending 'hello again'");
}

function onError(_ws: WebSocketApp, error: Error) {
  console.log(`received error as ${error}`);
}

function onClose() {
  console.log("Connection closed");
}

function onOpen(ws: WebSocketApp) {
  ws.send("hello there");
  console.log("sent message on open");
}

enableTrace(true);
const ws = new WebSocketApp(url, { onMessage, onError, onClose });
ws.onOpen = onOpen;
await ws.runForever();

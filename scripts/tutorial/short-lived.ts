import { createConnection } from "isosocket";

const url = process.argv[2] ?? "ws://localhost:4040/";

async function shortLivedConnection(): Promise<void> {
  const ws = await createConnection(url);
  console.log("Sending 'Hello, Server'...");
  await ws.send("Hello, Server");
  const result = await ws.recv();
  console.log(`Received '${result}'`);
  await ws.close();
}

await shortLivedConnection();
